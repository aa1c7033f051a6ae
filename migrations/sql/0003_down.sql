DROP FUNCTION hold_message, refuse_message;

ALTER TABLE refusal DROP COLUMN message_id;

DROP TABLE webhook, webhook_attempt, webhook_skip;

ALTER TABLE cases DROP COLUMN reminded_at;

ALTER TABLE inbox_ack DROP COLUMN gone_through;

ALTER TABLE api_key DROP COLUMN requests_per_second, DROP COLUMN streams;
