ALTER TABLE api_key
    ADD COLUMN requests_per_second INTEGER,
    ADD COLUMN streams INTEGER,
    ADD CONSTRAINT ck_api_key_requests_per_second_positive CHECK (requests_per_second > 0),
    ADD CONSTRAINT ck_api_key_streams_positive CHECK (streams > 0);

ALTER TABLE inbox_ack ADD COLUMN gone_through BIGINT DEFAULT 0 NOT NULL;

ALTER TABLE cases ADD COLUMN reminded_at TIMESTAMP WITH TIME ZONE;

CREATE TABLE webhook (
    code TEXT NOT NULL,
    url TEXT NOT NULL,
    types TEXT[],
    secret BYTEA NOT NULL,
    old_secret BYTEA,
    old_secret_until TIMESTAMP WITH TIME ZONE,
    position BIGINT NOT NULL,
    attempts INTEGER DEFAULT 0 NOT NULL,
    first_attempt_at TIMESTAMP WITH TIME ZONE,
    next_attempt_at TIMESTAMP WITH TIME ZONE,
    failing_since TIMESTAMP WITH TIME ZONE,
    delivered_at TIMESTAMP WITH TIME ZONE,
    switched_off_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_webhook PRIMARY KEY (code)
);

CREATE TABLE webhook_attempt (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    code TEXT NOT NULL,
    seq BIGINT,
    webhook_id TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    outcome TEXT NOT NULL,
    status INTEGER,
    error TEXT,
    milliseconds INTEGER NOT NULL,
    next_attempt_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_webhook_attempt PRIMARY KEY (id)
);

CREATE INDEX ix_webhook_attempt_code ON webhook_attempt (code, id DESC);

CREATE INDEX ix_webhook_attempt_at ON webhook_attempt (at);

CREATE TABLE webhook_skip (
    code TEXT NOT NULL,
    seq BIGINT NOT NULL,
    log_id BIGINT NOT NULL,
    first_attempt_at TIMESTAMP WITH TIME ZONE NOT NULL,
    skipped_at TIMESTAMP WITH TIME ZONE NOT NULL,
    attempts INTEGER NOT NULL,
    status INTEGER,
    error TEXT,
    CONSTRAINT pk_webhook_skip PRIMARY KEY (code, seq)
);
