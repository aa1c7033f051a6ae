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
