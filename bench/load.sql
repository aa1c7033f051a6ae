-- Copies the newest case :first..:last times, each with its own number, parties, log line, inbox item and ids.
WITH template AS MATERIALIZED (
    SELECT c.*, m.id AS log_id, m.at AS log_at, m.digest, m.body, m.personal, m.case_after, m.warnings AS log_warnings
      FROM cases c JOIN message_log m ON m.case_id = c.case_id
     WHERE m.type = 'NP_BEST' ORDER BY c.created_at LIMIT 1
), made AS MATERIALIZED (
    SELECT n, gen_random_uuid() AS case_id, gen_random_uuid() AS message_id, nextval('message_log_id_seq') AS log_id,
           4790000000 + n AS number, 'B' || lpad(((n % 10) + 10)::text, 2, '0') AS recipient,
           'B' || lpad((n / 1000000)::text, 2, '0') AS donor,
           template.effective_time + (n % 50) * interval '1 day' AS effective_time
      FROM template, generate_series(:first, :last) AS n
), a AS (
    INSERT INTO cases (case_id, kind, state, version, recipient, donor, range_holders, number_type, main_number,
                       number_count, effective_time, newest_order, customer_log, warnings, due_at, created_at, updated_at)
    SELECT made.case_id, kind, state, version, made.recipient, made.donor, ARRAY[made.donor], number_type, made.number,
           number_count, made.effective_time, made.message_id, made.log_id, warnings, made.effective_time, created_at,
           updated_at
      FROM made, template
), b AS (
    INSERT INTO case_numbers (case_id, numbers, during)
    SELECT made.case_id, int8range(made.number, made.number, '[]'), tstzrange(created_at, made.effective_time)
      FROM made, template
), p AS (
    INSERT INTO case_party (code, created_at, case_id)
    SELECT party, created_at, made.case_id FROM made, template, unnest(ARRAY[made.recipient, made.donor]) AS party
), c AS (
    INSERT INTO message_log (id, at, type, sender, message_id, digest, case_id, to_state, body, personal, customer_log,
                             case_after, warnings)
    SELECT made.log_id, log_at, 'NP_BEST', made.recipient, made.message_id, digest, made.case_id, 'awaiting_donor', body,
           personal, made.log_id, case_after, log_warnings
      FROM made, template
)
INSERT INTO inbox (to_code, log_id) SELECT donor, log_id FROM made
