CREATE TEMPORARY TABLE routing_after AS
SELECT * FROM routing WHERE removed_at = 'infinity' AND own_holder IS NOT NULL;

DROP FUNCTION reroute, code_at, routing_of, routing_horizon, routing_places;

DROP TABLE routing;

DROP SEQUENCE routing_block_seq;

ALTER TABLE world DROP COLUMN source;

ALTER TABLE audit DROP COLUMN log_id;

CREATE TABLE routing (
    row_id BIGINT GENERATED ALWAYS AS IDENTITY,
    numbers INT8RANGE NOT NULL,
    holder TEXT NOT NULL,
    network TEXT NOT NULL,
    target_number BIGINT,
    case_id UUID NOT NULL,
    valid TSTZRANGE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    removed_at TIMESTAMP WITH TIME ZONE
);

-- What was said of numbers is what the older table holds; a number ported by no case of ours gets the nil one.
INSERT INTO routing (numbers, holder, network, target_number, case_id, valid, recorded_at)
SELECT int8range(first, last, '[]'), own_holder, own_network, target_number,
       coalesce(case_id, '00000000-0000-0000-0000-000000000000'),
       tstzrange(valid_from, nullif(valid_until, 'infinity')), recorded_at
  FROM routing_after;

DROP TABLE routing_after;

ALTER TABLE routing
    ADD CONSTRAINT pk_routing PRIMARY KEY (row_id),
    ADD CONSTRAINT routing_no_overlap EXCLUDE USING gist (numbers WITH &&, valid WITH &&) WHERE (removed_at IS NULL)
        DEFERRABLE INITIALLY DEFERRED;

CREATE INDEX ix_routing_case_id ON routing (case_id);
