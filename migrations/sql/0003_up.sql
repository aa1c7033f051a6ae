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

ALTER TABLE refusal ADD COLUMN message_id UUID;

CREATE INDEX ix_refusal_message_id ON refusal (message_id) WHERE message_id IS NOT NULL;

-- Two of the same message at once: what one of them is answered, the other must agree with. Whoever accepts and whoever
-- refuses take turns by a lock on the message_id, which stands until the transaction has ended, and each looks, once it
-- has the lock, whether the other was there. So an acceptance that was decided before a refusal and comes to be written
-- after it is decided again, and a refusal that was decided beside an acceptance finds it, and is a replay.
-- Nobody who accepts waits for another here: of those the unique key of the log lets one through. What remains: where
-- the machine's clock is set back between a decision and a refusal after it, the refusal seems to stand before it.
CREATE FUNCTION hold_message(by_sender text, its_id uuid, decided_at timestamptz) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7268, uuid_hash(its_id));
    IF EXISTS (SELECT 1 FROM refusal WHERE message_id = its_id AND sender = by_sender AND at > decided_at) THEN
        RAISE EXCEPTION 'the same message has been refused since the decision' USING ERRCODE = 'NR001';
    END IF;
    RETURN true;
END $$;

-- Remembers a refusal. Where the message was not known when it was decided, it must not be known now.
CREATE FUNCTION refuse_message(by_sender text, its_id uuid, of_type text, with_code text) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7268, uuid_hash(its_id));
    IF with_code <> 'duplicate-message'
       AND EXISTS (SELECT 1 FROM message_log WHERE message_id = its_id AND sender = by_sender) THEN
        RAISE EXCEPTION 'the same message has been accepted since the decision' USING ERRCODE = 'NR001';
    END IF;
    INSERT INTO refusal (at, sender, type, code, message_id) VALUES (nrdb_now(), by_sender, of_type, with_code, its_id);
    RETURN true;
END $$;
