"""The first schema: registry, number plan, cases, log, inbox, cap, routing.

The functions are the small part of the work that must happen between a lock and the rows it protects.
"""

from alembic import op

from nrdb.models import metadata

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_BEFORE_TABLES = """
CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE SEQUENCE inbox_seq;

-- 'Called', so that every place a writer marks lies before its own numbers.
SELECT setval('inbox_seq', 1, true);

-- The next place in the inbox. Before its first number a transaction marks the place with a shared advisory lock whose
-- key is the last number given; it falls with the transaction. Readers stop at the lowest mark.
CREATE FUNCTION inbox_next_seq() RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF current_setting('nrdb.inbox_place', true) IS DISTINCT FROM 'held' THEN
        PERFORM pg_advisory_xact_lock_shared((7267::bigint << 48) | last_value) FROM inbox_seq;
        PERFORM set_config('nrdb.inbox_place', 'held', true);
    END IF;
    RETURN nextval('inbox_seq');
END $$;
"""

_AFTER_TABLES = """
-- The highest place up to which every row is committed or will never be. The last number is read before the marks:
-- a writer whose number is not above it has its mark standing, or has ended and is visible to the next statement.
CREATE FUNCTION inbox_horizon() RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    newest bigint;
    lowest_mark bigint;
BEGIN
    SELECT last_value INTO newest FROM inbox_seq;
    SELECT min(((classid::bigint << 32) | objid::bigint) & ((1::bigint << 48) - 1)) INTO lowest_mark
      FROM pg_locks
     WHERE locktype = 'advisory' AND objsubid = 1 AND classid::bigint >> 16 = 7267
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database());
    RETURN least(newest, lowest_mark);
END $$;

-- The instant of a decision: the sandbox clock where there is one, else the database's.
CREATE FUNCTION nrdb_now() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
    SELECT coalesce((SELECT sandbox_now FROM world), clock_timestamp())
$$;

-- Refuses to go on with a decision that rests on facts of an older world. The shared lock stands until the
-- transaction ends: a change of the world (number plan, provider, clock) waits for it, and it for the change.
CREATE FUNCTION hold_world(decided_epoch bigint, decided_at timestamptz) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    present world%ROWTYPE;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7267, 1);
    SELECT * INTO present FROM world;
    IF present.epoch <> decided_epoch
       OR (NOT present.sandbox AND clock_timestamp() - decided_at > interval '5 seconds') THEN
        RAISE EXCEPTION 'the world has changed since the decision' USING ERRCODE = 'NR001';
    END IF;
    RETURN true;
END $$;

-- Lets nobody else decide anything until the transaction ends, and makes decisions under way start again.
CREATE FUNCTION change_world() RETURNS timestamptz LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7267, 1);
    UPDATE world SET epoch = epoch + 1;
    RETURN nrdb_now();
END $$;

-- Compare-and-set: fewer rows than meant were there as they were read.
CREATE FUNCTION expect_rows(meant bigint, there bigint) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF there <> meant THEN
        RAISE EXCEPTION 'a row has changed since the decision' USING ERRCODE = 'NR001';
    END IF;
    RETURN true;
END $$;

-- Takes room for numbers to a code on a day, or gives it back (below zero). Two at once cannot both take the last room.
CREATE FUNCTION take_room(to_code text, on_day date, numbers bigint, common_limit bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    INSERT INTO cap_day AS room (code, day, used) VALUES (to_code, on_day, numbers)
    ON CONFLICT (code, day) DO UPDATE SET used = room.used + excluded.used
          WHERE excluded.used <= 0 OR room.used + excluded.used <= coalesce(room.day_limit, common_limit);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no room for % numbers to % on %', numbers, to_code, on_day USING ERRCODE = 'NR001';
    END IF;
    RETURN true;
END $$;
"""

_DROP = """
DROP FUNCTION inbox_next_seq, inbox_horizon, nrdb_now, hold_world, change_world, expect_rows, take_room;

DROP SEQUENCE inbox_seq;
"""


def upgrade() -> None:
    """Create everything."""
    _execute(_BEFORE_TABLES)
    metadata.create_all(op.get_bind())
    _execute(_AFTER_TABLES)


def downgrade() -> None:
    """Drop everything."""
    metadata.drop_all(op.get_bind())
    _execute(_DROP)


def _execute(script: str) -> None:
    """Statements are parted by blank lines; the driver takes one at a time."""
    for statement in script.strip().split("\n\n"):
        op.get_bind().exec_driver_sql(statement)
