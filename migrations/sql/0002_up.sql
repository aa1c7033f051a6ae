ALTER TABLE cases
    ALTER COLUMN recipient DROP NOT NULL,
    ALTER COLUMN number_type DROP NOT NULL,
    ALTER COLUMN newest_order DROP NOT NULL,
    ALTER COLUMN customer_log DROP NOT NULL,
    ADD COLUMN cap_code TEXT,
    ADD COLUMN target_number BIGINT,
    ADD COLUMN personal_until TIMESTAMP WITH TIME ZONE;

UPDATE cases SET cap_code = recipient,
       personal_until = CASE WHEN due_at IS NULL THEN least(effective_time, updated_at) ELSE effective_time END;

DROP INDEX ix_cases_recipient, ix_cases_donor, ix_cases_newest;

CREATE INDEX ix_cases_recipient ON cases (recipient, state, created_at DESC, case_id DESC);

CREATE INDEX ix_cases_donor ON cases (donor, state, created_at DESC, case_id DESC);

CREATE INDEX ix_cases_state ON cases (kind, state, created_at DESC, case_id DESC);

CREATE INDEX ix_cases_range_holder ON cases ((range_holders[1]), state, created_at DESC, case_id DESC)
 WHERE range_holders <> ARRAY[donor];

CREATE INDEX ix_cases_range_holders ON cases (state, created_at DESC, case_id DESC)
 WHERE cardinality(range_holders) > 1;

CREATE INDEX ix_cases_returning ON cases (due_at)
 WHERE due_at IS NOT NULL AND kind = 'termination' AND cap_code = '0';

CREATE INDEX ix_cases_personal ON cases (personal_until) WHERE personal_until IS NOT NULL;

CREATE TABLE case_party (
    code TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    case_id UUID NOT NULL,
    CONSTRAINT pk_case_party PRIMARY KEY (code, created_at, case_id)
);

INSERT INTO case_party (code, created_at, case_id)
SELECT DISTINCT party, created_at, case_id
  FROM cases, unnest(told || ARRAY[recipient, donor]) AS party WHERE party <> '0';

ALTER TABLE message_log ADD COLUMN sealed BYTEA;

CREATE INDEX ix_message_log_at ON message_log USING brin (at) WITH (pages_per_range = 16, autosummarize = on);

CREATE INDEX ix_message_log_personal ON message_log (id) WHERE personal IS NOT NULL;

CREATE TABLE data_key (
    id SMALLINT NOT NULL,
    wrapped BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_data_key PRIMARY KEY (id)
);

CREATE TABLE right_of_use (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    number BIGINT NOT NULL,
    sealed BYTEA,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    until TIMESTAMP WITH TIME ZONE,
    case_id UUID,
    CONSTRAINT pk_right_of_use PRIMARY KEY (id)
);

CREATE UNIQUE INDEX ix_right_of_use_number ON right_of_use (number) WHERE until IS NULL;

CREATE INDEX ix_right_of_use_until ON right_of_use (until) WHERE sealed IS NOT NULL AND until IS NOT NULL;

CREATE TABLE planned_change (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    details JSONB NOT NULL,
    reason TEXT NOT NULL,
    key_id UUID,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    done_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_planned_change PRIMARY KEY (id)
);

CREATE INDEX ix_planned_change_due ON planned_change (due_at) WHERE done_at IS NULL;

CREATE TABLE refusal (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    sender TEXT NOT NULL,
    type TEXT NOT NULL,
    code TEXT NOT NULL,
    CONSTRAINT pk_refusal PRIMARY KEY (id)
);

CREATE INDEX ix_refusal_at ON refusal (at);

-- Whether personal data whose retention runs from that instant may still be shown. Nobody sees them longer, erased or
-- not. Each session brings its number of days.
CREATE FUNCTION kept(personal_until timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT personal_until > nrdb_now()
           - coalesce(current_setting('nrdb.retention_days', true), '90')::int * interval '1 day'
$$;

-- Whether something is due that every reader depends on: a change of the number plan or of a code, or a return that
-- the clearinghouse sends for Nkom. Whoever finds it due writes it down first and reads then.
CREATE FUNCTION world_is_due(at timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM planned_change WHERE done_at IS NULL AND due_at <= at)
        OR EXISTS (SELECT 1 FROM cases WHERE due_at <= at AND kind = 'termination' AND cap_code = '0')
$$;
