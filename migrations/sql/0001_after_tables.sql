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
    IF numbers < 0 THEN
        UPDATE cap_day SET used = used + numbers WHERE code = to_code AND day = on_day;
    ELSE
        INSERT INTO cap_day AS room (code, day, used) VALUES (to_code, on_day, numbers)
        ON CONFLICT (code, day) DO UPDATE SET used = room.used + excluded.used
              WHERE room.used + excluded.used <= coalesce(room.day_limit, common_limit);
    END IF;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no room for % numbers to % on %', numbers, to_code, on_day USING ERRCODE = 'NR001';
    END IF;
    RETURN true;
END $$;
