-- Roles for engines that read the routing table, each of which can read nothing else. Roles are of the whole server, so
-- no migration makes them. Run it on the primary, as often as you like, as the owner of nrdb's tables who may make roles:
--
--     psql "$NRDB_DATABASE_URL" -v ON_ERROR_STOP=1 -f roles.sql
--
-- and set the passwords: \password nrdb_dns, \password nrdb_replica.

-- PowerDNS: asks for names, reads no table.
SELECT 'CREATE ROLE nrdb_dns LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'nrdb_dns') \gexec

GRANT USAGE ON SCHEMA enum TO nrdb_dns;

GRANT EXECUTE ON FUNCTION enum.records TO nrdb_dns;

-- Logical replication: the first copy needs SELECT on the columns of the publication. Read in docs/networks.md what
-- REPLICATION means before you give this role to anybody else.
SELECT 'CREATE ROLE nrdb_replica LOGIN REPLICATION'
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'nrdb_replica') \gexec

GRANT SELECT (put_seq, first, last, holder, network, routing_number, range_holder, target_number, valid_from, valid_until,
              removed_at) ON routing TO nrdb_replica;
