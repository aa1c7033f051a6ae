-- What one accepted NP_BEST writes, and nothing else: no rules, no facts, no HTTP. In one statement, as the service does.
-- The texts come from a table of one row, because pgbench would take the colons in them for variables.
\set recipient random(10, 19)
\set day random(1, 60)
WITH made AS MATERIALIZED (
    SELECT gen_random_uuid() AS case_id, gen_random_uuid() AS message_id, log_id, 47580000000000 + log_id AS number,
           'B' || :recipient::text AS recipient, now() AS at,
           date_trunc('day', now()) + :day * interval '1 day' AS effective_time
      FROM nextval('message_log_id_seq') AS log_id
), a AS (
    INSERT INTO cases (case_id, kind, state, version, recipient, donor, range_holders, number_type, main_number,
                       number_count, effective_time, newest_order, customer_log, warnings, due_at, created_at, updated_at)
    SELECT case_id, 'porting', 'awaiting_donor', 1, recipient, 'B00', ARRAY['B00'], 'E', number, 1, effective_time,
           message_id, log_id, '[]', effective_time, at, at FROM made
), b AS (
    INSERT INTO case_numbers (case_id, numbers, during)
    SELECT case_id, int8range(number, number, '[]'), tstzrange(at, effective_time) FROM made
), p AS (
    INSERT INTO case_party (code, created_at, case_id)
    SELECT party, at, case_id FROM made, unnest(ARRAY[recipient, 'B00']) AS party
), c AS (
    INSERT INTO message_log (id, at, type, sender, message_id, digest, case_id, to_state, body, personal, customer_log,
                             case_after, warnings)
    SELECT log_id, at, 'NP_BEST', recipient, message_id, sha256(message_id::text::bytea), case_id, 'awaiting_donor',
           body, personal, log_id, case_after, '[]'
      FROM made, bench_texts
), d AS (
    INSERT INTO cap_day (code, day, used) SELECT recipient, effective_time::date, 1 FROM made
    ON CONFLICT (code, day) DO UPDATE SET used = cap_day.used + 1
)
INSERT INTO inbox (to_code, log_id) SELECT 'B00', log_id FROM made;
