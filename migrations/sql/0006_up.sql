-- What engines read of the routing table: names of DNS, and a publication. Roles are of the whole server, so none is made
-- here: deploy/postgresql/roles.sql makes those that may read this and nothing else.

CREATE SCHEMA enum;

-- The tel URI (RFC 4694) of a number whose calls go somewhere: `npdi` says that the database has been asked, `rn` is
-- there where the number is ported. The same form as `tel_uri` in nrdb.routing.store.
CREATE FUNCTION enum.tel_uri(number bigint, ported boolean, routing_number text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT 'tel:+' || number || ';npdi'
           || CASE WHEN NOT ported OR routing_number IS NULL THEN ''
                   WHEN routing_number LIKE '+%' THEN ';rn=' || routing_number
                   ELSE ';rn=' || routing_number || ';rn-context=+47' END
$$;

-- What is in force for a number, where somebody serves it.
CREATE FUNCTION enum.served(number bigint, at timestamptz) RETURNS SETOF routing LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT * FROM (SELECT * FROM routing
                    WHERE removed_at = 'infinity' AND first <= number AND valid_from <= at
                    ORDER BY first DESC, valid_from DESC LIMIT 1) r
     WHERE last >= number AND at < valid_until AND NOT (network IS NULL AND holder = '0')
$$;

-- Whether a number begins with these digits that is served at that instant: the name is then an empty non-terminal, and
-- must not be denied, because a resolver may take the denial for all names below it (RFC 8020). Each length is one look
-- at the first number and one at the first row after it, because a name server asks this for each label of a name.
CREATE FUNCTION enum.leads_on(digits text, at timestamptz) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    digits_in_all int;
    lowest bigint;
    highest bigint;
BEGIN
    FOREACH digits_in_all IN ARRAY ARRAY[10, 14, 7] LOOP
        IF digits_in_all > length(digits) THEN
            lowest := rpad(digits, digits_in_all, '0')::bigint;
            highest := rpad(digits, digits_in_all, '9')::bigint;
            PERFORM FROM enum.served(lowest, at);
            IF FOUND THEN
                RETURN true;
            END IF;
            PERFORM FROM routing r
              WHERE removed_at = 'infinity' AND first > lowest AND first <= highest AND valid_from <= at
                AND at < valid_until AND NOT (network IS NULL AND holder = '0')
              ORDER BY first, valid_from LIMIT 1;
            IF FOUND THEN
                RETURN true;
            END IF;
        END IF;
    END LOOP;
    RETURN false;
END $$;

-- All that DNS knows of a name, as PowerDNS reads it from its own tables; nothing where there is no such name. The zone and
-- its name servers come from the settings of the session: `enum.zone`, `enum.nameservers` (with commas).
--
-- A number is answered by what is in force now. The answer may be kept for a minute, but not beyond the next change that
-- is known; in a sandbox, whose clock jumps, not at all. What is not there may never be kept.
CREATE FUNCTION enum.records(qname text)
RETURNS TABLE (content text, ttl int, prio int, type text, domain_id int, disabled int, name text, auth int)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    zone text := lower(coalesce(nullif(current_setting('enum.zone', true), ''), 'e164.arpa'));
    servers text := coalesce(nullif(current_setting('enum.nameservers', true), ''), 'ns.' || zone);
    asked text := lower(qname);
    digits text;
    at timestamptz;
    row routing;
BEGIN
    IF asked = zone THEN
        RETURN QUERY
        SELECT format('%s hostmaster.%s %s 3600 600 604800 0', split_part(servers, ',', 1), zone,
                      (SELECT coalesce(max(put_seq) >> 24, 0) % 4294967296 FROM routing)),
               3600, 0, 'SOA', 1, 0, qname, 1
         UNION ALL
        SELECT server, 3600, 0, 'NS', 1, 0, qname, 1 FROM unnest(string_to_array(servers, ',')) AS server;
        RETURN;
    END IF;
    digits := reverse(replace(substring(asked FROM '^((?:[0-9]\.)+)'), '.', ''));
    IF digits IS NULL OR length(digits) > 14 OR right(asked, length(zone) + 1) <> '.' || zone
       OR length(asked) > 2 * length(digits) + length(zone) THEN
        RETURN;
    END IF;
    at := nrdb_now();
    IF length(digits) IN (7, 10, 14) THEN
        SELECT * INTO row FROM enum.served(digits::bigint, at);
        IF FOUND THEN
            RETURN QUERY
            SELECT format('10 100 "u" "E2U+pstn:tel" "!^.*$!%s!" .',
                          enum.tel_uri(digits::bigint, row.holder <> row.range_holder, row.routing_number)),
                   CASE WHEN w.sandbox THEN 0
                        WHEN row.valid_until = 'infinity' THEN 60
                        ELSE least(60, floor(extract(epoch FROM row.valid_until - at)))::int END,
                   0, 'NAPTR', 1, 0, qname, 1
              FROM world w;
            RETURN;
        END IF;
    END IF;
    IF length(digits) < 14 AND enum.leads_on(digits, at) THEN
        RETURN QUERY SELECT NULL::text, 0, 0, NULL::text, 1, 0, qname, 1;
    END IF;
END $$;

REVOKE ALL ON FUNCTION enum.records, enum.leads_on, enum.served, enum.tel_uri FROM PUBLIC;

-- Subscribers see a row go when it is no longer believed.
ALTER TABLE routing REPLICA IDENTITY USING INDEX ix_routing_identity;

CREATE PUBLICATION nrdb_routing FOR TABLE routing (
    put_seq, first, last, holder, network, routing_number, range_holder, target_number, valid_from, valid_until, removed_at
) WHERE (removed_at = 'infinity');
