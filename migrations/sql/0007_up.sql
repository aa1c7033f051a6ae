ALTER TABLE api_key
    ADD COLUMN subject TEXT,
    ADD CONSTRAINT uq_api_key_subject UNIQUE (subject);

CREATE TABLE console_session (
    session_hash BYTEA NOT NULL,
    key_id UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_console_session PRIMARY KEY (session_hash),
    CONSTRAINT fk_console_session_key_id FOREIGN KEY (key_id) REFERENCES api_key (key_id) ON DELETE CASCADE
);

CREATE INDEX ix_console_session_key_id ON console_session (key_id);

CREATE INDEX ix_console_session_expires_at ON console_session (expires_at);
