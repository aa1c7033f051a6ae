DROP FUNCTION world_is_due, kept;

DROP TABLE refusal, planned_change, right_of_use, data_key, case_party;

DROP INDEX ix_message_log_personal, ix_message_log_at;

ALTER TABLE message_log DROP COLUMN sealed;

DROP INDEX ix_cases_returning, ix_cases_personal, ix_cases_recipient, ix_cases_donor, ix_cases_state,
     ix_cases_range_holder, ix_cases_range_holders;

ALTER TABLE cases
    DROP COLUMN cap_code,
    DROP COLUMN target_number,
    DROP COLUMN personal_until,
    ALTER COLUMN recipient SET NOT NULL,
    ALTER COLUMN number_type SET NOT NULL,
    ALTER COLUMN newest_order SET NOT NULL,
    ALTER COLUMN customer_log SET NOT NULL;

CREATE INDEX ix_cases_recipient ON cases (recipient, created_at DESC, case_id DESC);

CREATE INDEX ix_cases_donor ON cases (donor, created_at DESC, case_id DESC);

CREATE INDEX ix_cases_newest ON cases (created_at DESC, case_id DESC);
