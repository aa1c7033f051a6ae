DROP TABLE console_session;

ALTER TABLE api_key DROP COLUMN subject;
