-- The routing table becomes a partition of all numbers of the plan and all time: whoever asks finds one row, and the
-- row is the answer. (nrdb.models goes on from here.)

CREATE TEMPORARY TABLE routing_before AS SELECT * FROM routing WHERE removed_at IS NULL;

DROP TABLE routing;

-- Which service a copy of the table is of: a copy goes on with the changes of its own source only.
ALTER TABLE world ADD COLUMN source UUID DEFAULT gen_random_uuid() NOT NULL;

-- How far the message log was when the line was written: what was decided before it and what after.
ALTER TABLE audit ADD COLUMN log_id BIGINT DEFAULT 0 NOT NULL;

CREATE TABLE routing (
    put_seq BIGINT NOT NULL,
    first BIGINT NOT NULL,
    last BIGINT NOT NULL,
    holder TEXT NOT NULL,
    network TEXT,
    routing_number TEXT,
    range_holder TEXT NOT NULL,
    target_number BIGINT,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_until TIMESTAMP WITH TIME ZONE DEFAULT 'infinity' NOT NULL,
    served_since TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    removed_at TIMESTAMP WITH TIME ZONE DEFAULT 'infinity' NOT NULL,
    removed_seq BIGINT,
    own_holder TEXT,
    own_network TEXT,
    own_since TIMESTAMP WITH TIME ZONE,
    case_id UUID,
    CONSTRAINT pk_routing PRIMARY KEY (put_seq),
    CONSTRAINT ck_routing_numbers CHECK (first <= last),
    CONSTRAINT ck_routing_valid CHECK (valid_from < valid_until),
    CONSTRAINT ck_routing_removed CHECK ((removed_seq IS NULL) = (removed_at = 'infinity')),
    CONSTRAINT ck_routing_own CHECK (num_nulls(own_holder, own_network, own_since) IN (0, 3))
);

-- What is believed now, by number. All rows of a number have the same first and last, so one descent finds its answer.
CREATE UNIQUE INDEX ix_routing_first ON routing (first, valid_from) WHERE removed_at = 'infinity';

-- What was believed once, by number.
CREATE INDEX ix_routing_removed ON routing USING gist (int8range(first, last, '[]')) WHERE removed_at < 'infinity';

CREATE UNIQUE INDEX ix_routing_removed_seq ON routing (removed_seq) WHERE removed_seq IS NOT NULL;

-- Subscribers of a publication of what is believed know a row by these.
CREATE UNIQUE INDEX ix_routing_identity ON routing (put_seq, removed_at);

-- A transaction that changes routing takes one block of 16,777,216 places, so that no reader's horizon falls into the
-- middle of it.
CREATE SEQUENCE routing_block_seq;

-- 'Called', so that every block that a writer marks lies before its own.
SELECT setval('routing_block_seq', 1, true);

-- The first of so many places in the order of routing changes. Before its first place a transaction marks the block
-- before its own with a shared advisory lock that falls with the transaction; readers stop at the lowest mark.
CREATE FUNCTION routing_places(how_many bigint) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    place bigint := nullif(current_setting('nrdb.routing_place', true), '');
BEGIN
    IF place IS NULL OR place >> 24 <> (place + how_many - 1) >> 24 THEN
        PERFORM pg_advisory_xact_lock_shared((7269::bigint << 48) | last_value) FROM routing_block_seq;
        place := nextval('routing_block_seq') << 24;
    END IF;
    PERFORM set_config('nrdb.routing_place', (place + how_many)::text, true);
    RETURN place;
END $$;

-- The newest routing change up to which all is committed or will never be: the place of a change that is there, since
-- after a crash the database may give places again that came to nothing. 0 where there is none.
CREATE FUNCTION routing_horizon() RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    newest bigint;
    lowest_mark bigint;
    beyond bigint;
BEGIN
    SELECT last_value INTO newest FROM routing_block_seq;
    SELECT min(((classid::bigint << 32) | objid::bigint) & ((1::bigint << 48) - 1)) INTO lowest_mark
      FROM pg_locks
     WHERE locktype = 'advisory' AND objsubid = 1 AND classid::bigint >> 16 = 7269
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database());
    beyond := (least(newest, lowest_mark) + 1) << 24;
    RETURN greatest((SELECT max(put_seq) FROM routing WHERE put_seq < beyond),
                    (SELECT max(removed_seq) FROM routing WHERE removed_seq < beyond), 0);
END $$;

-- The rows believed now of these numbers, past and scheduled ones included.
CREATE FUNCTION routing_of(first_number bigint, last_number bigint) RETURNS SETOF routing LANGUAGE sql STABLE AS $$
    SELECT * FROM routing
     WHERE removed_at = 'infinity' AND first <= last_number AND last >= first_number
       AND first >= coalesce((SELECT c.first FROM routing c
                               WHERE c.removed_at = 'infinity' AND c.first <= first_number
                               ORDER BY c.first DESC LIMIT 1), first_number)
$$;

-- What a code will be called at an instant, by the transfers that are set until then. Each is carried out on what those
-- before it have left: who goes to a code that has gone to another by then goes to that one, and nobody to itself.
CREATE FUNCTION code_at(code text, at timestamptz) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    transfer record;
    gone text[] := '{}';
    become text[] := '{}';
    successor text;
BEGIN
    FOR transfer IN SELECT subject, details ->> 'to' AS successor FROM planned_change
                     WHERE done_at IS NULL AND action = 'code-transferred' AND due_at <= at ORDER BY due_at, id LOOP
        successor := transfer.successor;
        FOR i IN 1 .. cardinality(gone) LOOP
            IF gone[i] = successor THEN
                successor := become[i];
            END IF;
        END LOOP;
        IF successor <> transfer.subject THEN
            gone := gone || transfer.subject;
            become := become || successor;
            IF transfer.subject = code THEN
                code := successor;
            END IF;
        END IF;
    END LOOP;
    RETURN code;
END $$;

-- Reckons the rows of some numbers anew and writes what has changed; how many rows are no longer believed.
--
-- What is said of numbers themselves ("own": who serves them by a porting, and where) stands in the rows; everything
-- else follows: the range holder from the series, what is not said goes with the plan, codes become others by the
-- transfers that are set, routing numbers are those of today. Numbers that the holder of their series serves when the
-- series changes hands are no longer ported: what had been said of them until then has no effect from then on (contract
-- section 8). What lies before `at` stays as it was. `said`, where it is not empty, says something of each range: from
-- `since` until `until`; a null holder says that its numbers go with the plan, `undo` that what was said before `since`
-- goes on.
-- Hash and merge joins are off, because a plan made while the table is small would walk all of it when it is large.
CREATE FUNCTION reroute(at timestamptz, firsts bigint[], lasts bigint[], said json DEFAULT '[]') RETURNS bigint
LANGUAGE plpgsql VOLATILE SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    transfers boolean := EXISTS (SELECT 1 FROM planned_change WHERE done_at IS NULL AND action = 'code-transferred');
    changed bigint;
BEGIN
    -- Those who change numbers of one series take turns, because they may meet in one row. Series are locked in one
    -- order, so that nobody waits in a ring.
    PERFORM 1 FROM series WHERE version_id IN (
        SELECT s.version_id FROM unnest(firsts, lasts) AS z(first, last), LATERAL (
               SELECT version_id FROM series WHERE numbers && int8range(z.first, z.last, '[]') OFFSET 0) s)
     ORDER BY version_id FOR NO KEY UPDATE;
    -- Each part carries what the next needs, and rows are looked up by index: nothing is joined with itself, so 15,000
    -- scattered numbers cost 15,000 times one.
    WITH touched AS MATERIALIZED (
        SELECT zone_first, zone_last, since, coalesce(until, 'infinity') AS until, undo, said_holder, said_network,
               said_target, said_case, least(since, at) AS cut, r.*
          FROM ROWS FROM (unnest(firsts), unnest(lasts), json_to_recordset(said) AS (
                    since timestamptz, until timestamptz, undo boolean, holder text, network text,
                    target_number bigint, case_id uuid)) AS zone(
               zone_first, zone_last, since, until, undo, said_holder, said_network, said_target, said_case)
          LEFT JOIN LATERAL (SELECT * FROM routing_of(zone_first, zone_last) OFFSET 0) r ON true
    ), old AS MATERIALIZED (
        SELECT DISTINCT ON (put_seq) put_seq, first, last, holder, network, routing_number, range_holder,
               target_number, valid_from, valid_until, served_since, own_holder, own_network, own_since, case_id,
               recorded_at
          FROM touched WHERE put_seq IS NOT NULL
    ), cell AS MATERIALIZED (
        -- Numbers that have one story in the end: inside the zone, by the rows that they were in, or in none.
        SELECT DISTINCT greatest(first, zone_first) AS first, least(last, zone_last) AS last, first AS of_first, since,
               until, undo, said_holder, said_network, said_target, said_case, cut
          FROM touched WHERE put_seq IS NOT NULL
         UNION ALL
        SELECT lower(rest), upper(rest) - 1, NULL, since, until, undo, said_holder, said_network, said_target,
               said_case, cut
          FROM (SELECT zone_first, zone_last, since, until, undo, said_holder, said_network, said_target, said_case,
                       cut, range_agg(int8range(first, last, '[]')) FILTER (WHERE put_seq IS NOT NULL) AS known
                  FROM touched GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10) z,
               unnest(int8multirange(int8range(zone_first, zone_last, '[]')) - coalesce(known, '{}')) AS rest
    ), fresh AS (
        SELECT c.first, c.last, point.at AS valid_from,
               coalesce(lead(point.at) OVER (PARTITION BY c.first ORDER BY point.at), 'infinity') AS valid_until,
               own.*, plan.holder AS plan_holder, coalesce(over.ends, false) AS goes_with_plan
          FROM cell c, LATERAL (
               -- Where the answer may change.
               SELECT c.cut AS at UNION
               SELECT valid_from FROM routing o
                WHERE o.removed_at = 'infinity' AND o.first = c.of_first AND valid_from > c.cut UNION
               SELECT c.since WHERE c.since > c.cut UNION
               SELECT c.until WHERE c.until < 'infinity' UNION
               SELECT lower(s.valid) FROM series s WHERE s.numbers @> c.first AND lower(s.valid) > c.cut UNION
               SELECT due_at FROM planned_change
                WHERE transfers AND done_at IS NULL AND action = 'code-transferred' AND due_at > c.cut) point
               JOIN LATERAL (
               SELECT holder FROM series s WHERE s.numbers @> c.first AND s.valid @> point.at OFFSET 0) plan ON true
               LEFT JOIN LATERAL (
               SELECT c.said_holder AS own_holder, c.said_network AS own_network, c.said_target AS target_number,
                      c.said_case AS case_id, CASE WHEN c.said_holder IS NOT NULL THEN c.since END AS own_since
                WHERE NOT c.undo AND c.since <= point.at AND point.at < c.until
                UNION ALL
               SELECT o.own_holder, o.own_network, CASE WHEN o.own_holder IS NOT NULL THEN o.target_number END,
                      o.case_id, o.own_since
                 FROM routing o
                WHERE o.removed_at = 'infinity' AND o.first = c.of_first
                  AND CASE WHEN c.since <= point.at AND point.at < c.until
                           THEN c.undo AND o.valid_from < c.since AND c.since <= o.valid_until
                           ELSE o.valid_from <= point.at AND point.at < o.valid_until END) own ON true
               LEFT JOIN LATERAL (
               SELECT bool_or(own.own_holder = before.holder
                              OR own.own_holder = s.holder AND own.own_network = s.holder
                                 AND own.target_number IS NULL) AS ends
                 FROM series s JOIN series before ON before.numbers @> c.first AND upper(before.valid) = lower(s.valid)
                WHERE own.own_holder IS NOT NULL AND s.numbers @> c.first AND before.holder <> s.holder
                  AND lower(s.valid) > own.own_since AND lower(s.valid) <= point.at) over ON true
    ), named AS (
        SELECT f.first, f.last, f.valid_from, f.valid_until, f.own_holder, f.own_network, f.own_since, f.case_id,
               CASE WHEN NOT goes_with_plan THEN f.target_number END AS target_number, code.holder, code.range_holder,
               CASE WHEN n.terminating THEN n.code END AS network,
               CASE WHEN n.terminating THEN n.routing_number END AS routing_number
          FROM (SELECT *, CASE WHEN own_holder IS NULL OR goes_with_plan THEN plan_holder ELSE own_holder END AS serves,
                       CASE WHEN own_holder IS NULL OR goes_with_plan THEN plan_holder ELSE own_network END AS leads_to
                  FROM fresh) f, LATERAL (
               SELECT CASE WHEN transfers THEN code_at(serves, valid_from) ELSE serves END AS holder,
                      CASE WHEN transfers THEN code_at(plan_holder, valid_from) ELSE plan_holder END AS range_holder,
                      CASE WHEN transfers THEN code_at(leads_to, valid_from) ELSE leads_to END AS network OFFSET 0) code
               LEFT JOIN provider n ON n.code = code.network
    ), story AS (
        SELECT DISTINCT greatest(first, zone_first) AS first, least(last, zone_last) AS last, valid_from,
               least(valid_until, cut) AS valid_until, holder, network, routing_number, range_holder, target_number,
               own_holder, own_network, own_since, case_id
          FROM touched WHERE valid_from < cut
         UNION ALL
        SELECT first, last, valid_from, valid_until, holder, network, routing_number, range_holder, target_number,
               own_holder, own_network, own_since, case_id FROM named
    ), marked AS (
        SELECT story.*, lag(valid_until) OVER told = valid_from
               AND (lag(holder) OVER told, lag(range_holder) OVER told) = (holder, range_holder)
               AND lag(network) OVER told IS NOT DISTINCT FROM network
               AND lag(routing_number) OVER told IS NOT DISTINCT FROM routing_number
               AND lag(target_number) OVER told IS NOT DISTINCT FROM target_number
               AND lag(own_holder) OVER told IS NOT DISTINCT FROM own_holder
               AND lag(own_network) OVER told IS NOT DISTINCT FROM own_network
               AND lag(own_since) OVER told IS NOT DISTINCT FROM own_since
               AND lag(case_id) OVER told IS NOT DISTINCT FROM case_id AS goes_on,
               lag(valid_until) OVER told = valid_from AND lag(holder) OVER told = holder
               AND lag(network) OVER told IS NOT DISTINCT FROM network
               AND lag(target_number) OVER told IS NOT DISTINCT FROM target_number AS serves_on
          FROM story WINDOW told AS (PARTITION BY first ORDER BY valid_from)
    ), parted AS (
        SELECT marked.*, count(*) FILTER (WHERE goes_on IS NOT TRUE) OVER told AS part,
               count(*) FILTER (WHERE serves_on IS NOT TRUE) OVER told AS service
          FROM marked WINDOW told AS (PARTITION BY first ORDER BY valid_from)
    ), joined AS (
        SELECT first, last, min(valid_from) AS valid_from, max(valid_until) AS valid_until,
               min(min(valid_from)) OVER (PARTITION BY first, service) AS served_since, holder, network,
               routing_number, range_holder, target_number, own_holder, own_network, own_since, case_id
          FROM parted
         GROUP BY first, last, part, service, holder, network, routing_number, range_holder, target_number,
                  own_holder, own_network, own_since, case_id
         UNION ALL
        -- Numbers outside the zone keep what their row said.
        SELECT lower(rest), upper(rest) - 1, valid_from, valid_until, served_since, holder, network, routing_number,
               range_holder, target_number, own_holder, own_network, own_since, case_id
          FROM (SELECT put_seq, first, last, valid_from, valid_until, served_since, holder, network, routing_number,
                       range_holder, target_number, own_holder, own_network, own_since, case_id,
                       int8multirange(int8range(first, last, '[]'))
                       - range_agg(int8range(zone_first, zone_last, '[]')) AS others
                  FROM touched WHERE put_seq IS NOT NULL
                 GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15) t, unnest(others) AS rest
    ), differing AS MATERIALIZED (
        SELECT o.put_seq, o.recorded_at, j.*
          FROM old o FULL JOIN joined j ON o.first = j.first AND o.valid_from = j.valid_from
         WHERE (o.last, o.valid_until, o.served_since, o.holder, o.range_holder)
               IS DISTINCT FROM (j.last, j.valid_until, j.served_since, j.holder, j.range_holder)
            OR (o.network, o.routing_number, o.target_number, o.own_holder, o.own_network, o.own_since, o.case_id)
               IS DISTINCT FROM
               (j.network, j.routing_number, j.target_number, j.own_holder, j.own_network, j.own_since, j.case_id)
    ), counted AS MATERIALIZED (
        SELECT greatest(at, max(recorded_at)) AS stamp, count(put_seq) AS gone, count(first) AS new FROM differing
    ), taken AS MATERIALIZED (
        SELECT stamp, gone, new, CASE WHEN gone + new > 0 THEN routing_places(gone + new) END AS place FROM counted
    ), removed AS (
        UPDATE routing r SET removed_at = g.stamp, removed_seq = g.place
          FROM (SELECT put_seq, stamp, place + row_number() OVER (ORDER BY put_seq) - 1 AS place
                  FROM differing, taken WHERE put_seq IS NOT NULL) g
         WHERE r.put_seq = g.put_seq
        RETURNING 1
    ), added AS (
        INSERT INTO routing (put_seq, first, last, holder, network, routing_number, range_holder, target_number,
                             valid_from, valid_until, served_since, recorded_at, own_holder, own_network, own_since,
                             case_id)
        SELECT t.place + t.gone + row_number() OVER (ORDER BY first, valid_from) - 1, first, last, holder, network,
               routing_number, range_holder, target_number, valid_from, valid_until, served_since, t.stamp, own_holder,
               own_network, own_since, case_id
          FROM differing, taken t
         -- What is removed is gone before anything is added in its place.
         WHERE first IS NOT NULL AND (SELECT count(*) FROM removed) = t.gone
        RETURNING 1
    )
    SELECT count(*) FROM removed INTO changed;
    RETURN changed;
END $$;

-- What has been believed so far, by the series and the ported rows. Rows that were no longer believed are not carried
-- over: `known_at` knows what was recorded before this migration as it was believed at its end.
DO $$
DECLARE
    known record;
BEGIN
    FOR known IN SELECT lower(numbers) AS first, upper(numbers) - 1 AS last, min(lower(valid)) AS since
                   FROM series GROUP BY numbers ORDER BY 3, 1 LOOP
        PERFORM reroute(known.since, ARRAY[known.first], ARRAY[known.last]);
    END LOOP;
    FOR known IN SELECT lower(numbers) AS first, upper(numbers) - 1 AS last, lower(valid) AS since,
                        upper(valid) AS until, holder, network, target_number, case_id, recorded_at
                   FROM routing_before ORDER BY recorded_at, row_id LOOP
        PERFORM reroute(known.recorded_at, ARRAY[known.first], ARRAY[known.last], json_build_array(json_build_object(
            'first', known.first, 'since', known.since, 'until', known.until, 'undo', false, 'holder', known.holder,
            'network', known.network, 'target_number', known.target_number, 'case_id', known.case_id)));
    END LOOP;
END $$;

DROP TABLE routing_before;
