"""Personal data at rest: sealed where the first release wrote them in the open, and gone when their time is up.

A case says in `personal_until` from when its retention runs: the porting or termination time or the close, whichever is
first. After the retention the case, its history and the log remain, and the person is gone. A right holder's name goes
as long after the number was returned.
"""

from datetime import timedelta

from nrdb.db import Connection
from nrdb.vault import Vault

#: How many cases, rights of use or lines of the log one look takes.
BATCH = 500
#: One process at a time: two that wait for each other's rows would gain nothing.
_TURN = "SELECT pg_advisory_xact_lock(7267, 4)"
_TRY_TURN = "SELECT pg_try_advisory_xact_lock(7267, 4)"

# A case that a message has in hand is passed over; the next look finds it.
_DUE_CASES = """
SELECT case_id FROM cases WHERE personal_until <= (SELECT nrdb_now()) - $1::interval
 ORDER BY personal_until LIMIT $2 FOR UPDATE SKIP LOCKED
"""
# A statement of its own, after the cases are locked, so that it sees every line that they have. Their version stays:
# nothing that a decision rests on has changed. A message in flight may log the customer once more, and says with it
# from when the retention of the case runs, so that the next look finds it.
_ERASE_CASES = """
WITH emptied AS (
    UPDATE message_log SET sealed = NULL, personal = NULL
     WHERE case_id = ANY($1::uuid[]) AND (sealed IS NOT NULL OR personal IS NOT NULL)
)
UPDATE cases SET personal_until = NULL WHERE case_id = ANY($1::uuid[])
"""
_ERASE_RIGHTS = """
WITH due AS MATERIALIZED (
    SELECT id FROM right_of_use WHERE sealed IS NOT NULL AND until <= (SELECT nrdb_now()) - $1::interval
     ORDER BY until LIMIT $2 FOR UPDATE SKIP LOCKED
), done AS (
    UPDATE right_of_use r SET sealed = NULL FROM due WHERE r.id = due.id RETURNING 1
)
SELECT count(*) FROM done
"""


async def try_turn(connection: Connection) -> bool:
    """Take the turn within the caller's transaction, unless somebody else has it."""
    taken: bool = await connection.fetchval(_TRY_TURN)
    return taken


async def erase(connection: Connection, retention: timedelta, limit: int) -> int:
    """Erase what is due, at most `limit` cases and as many rights of use; returns how many there were.

    In the caller's transaction (READ COMMITTED), and at the time that it sees.
    """
    await connection.execute(_TURN)
    cases = [row["case_id"] for row in await connection.fetch(_DUE_CASES, retention, limit)]
    if cases:
        await connection.execute(_ERASE_CASES, cases)
    rights: int = await connection.fetchval(_ERASE_RIGHTS, retention, limit)
    return len(cases) + rights


_OPEN_LINES = "SELECT id, case_id, personal, digest FROM message_log WHERE personal IS NOT NULL ORDER BY id LIMIT $1"
_SEAL_LINES = """
UPDATE message_log m SET sealed = s.sealed, digest = s.digest, personal = NULL
  FROM unnest($1::bigint[], $2::bytea[], $3::bytea[]) AS s(id, sealed, digest) WHERE m.id = s.id
"""
# As the migration does for the cases that it meets; the first release knows no retention.
_START_RETENTION = """
UPDATE cases
   SET personal_until = CASE WHEN due_at IS NULL THEN least(effective_time, updated_at) ELSE effective_time END
 WHERE case_id = ANY($1::uuid[]) AND personal_until IS NULL
"""


async def seal(connection: Connection, vault: Vault, limit: int) -> int:
    """Seal at most `limit` lines that the first release wrote in the open; returns how many there were.

    Their digests were made of the content without a key, so that a birth date could be found by trying; they are
    made anew from the old ones. Where no retention runs for their cases yet, it does from now on.
    """
    await connection.execute(_TURN)
    rows = await connection.fetch(_OPEN_LINES, limit)
    if rows:
        sealed = [vault.seal(row["personal"]) for row in rows]
        digests = [vault.mac(row["digest"]) if row["digest"] else None for row in rows]
        await connection.execute(_SEAL_LINES, [row["id"] for row in rows], sealed, digests)
        await connection.execute(_START_RETENTION, [row["case_id"] for row in rows])
    return len(rows)
