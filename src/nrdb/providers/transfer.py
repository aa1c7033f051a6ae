"""A provider code becomes another one: everything that it holds and is party to, in statements over whole sets.

`at` is the instant of the transfer. Everything that time has done by then has been written down, so the stored state of
a case is its true one. Messages, their views and closed cases keep the old code.
"""

from datetime import datetime
from uuid import UUID

from nrdb.db import LONG, Connection

_BLOCKING = "('awaiting_donor', 'awaiting_recipient', 'scheduled', 'awaiting_termination', 'awaiting_return')"

_MEETING = f"""
SELECT case_id FROM cases
 WHERE state IN {_BLOCKING}
   AND CASE WHEN kind = 'termination'
            THEN donor IN ($1, $2) AND range_holders && ARRAY[$1, $2]::text[] AND range_holders <@ ARRAY[$1, $2]::text[]
            ELSE recipient IN ($1, $2) AND donor IN ($1, $2) AND recipient <> donor END
 ORDER BY created_at, case_id
"""


async def meeting(connection: Connection, code: str, to: str) -> list[UUID]:
    """Blocking cases in which the two codes are on both sides, oldest first."""
    return [row["case_id"] for row in await connection.fetch(_MEETING, code, to, timeout=LONG)]


async def is_network(connection: Connection, code: str, at: datetime) -> bool:
    """Whether calls to ported numbers are routed to the code's network, now or as scheduled."""
    found: bool = await connection.fetchval(
        """
        SELECT EXISTS (SELECT 1 FROM routing
                        WHERE network = $1 AND own_holder IS NOT NULL AND removed_at = 'infinity' AND valid_until > $2)
        """,
        code,
        at,
        timeout=LONG,
    )
    return found


async def rename_said(connection: Connection, code: str, to: str, at: datetime) -> None:
    """What is said of numbers from then on names the new code; their rows have told it since the transfer was set."""
    await connection.execute(
        """
        UPDATE routing SET own_holder = CASE own_holder WHEN $1 THEN $2 ELSE own_holder END,
               own_network = CASE own_network WHEN $1 THEN $2 ELSE own_network END
         WHERE removed_at = 'infinity' AND valid_from >= $3 AND $1 IN (own_holder, own_network)
        """,
        code,
        to,
        at,
        timeout=LONG,
    )


async def count_held(connection: Connection, code: str, at: datetime) -> int:
    """How many numbers the code serves at that instant."""
    held: int = await connection.fetchval(
        """
        SELECT coalesce(sum(last - first + 1), 0)::bigint FROM routing
         WHERE removed_at = 'infinity' AND holder = $1 AND valid_from <= $2 AND $2 < valid_until
        """,
        code,
        at,
        timeout=LONG,
    )
    return held


def _renamed(column: str) -> str:
    """A set of codes with the new code for the old one: each once, without the recipient."""
    return f"""ARRAY(SELECT DISTINCT code FROM unnest(array_replace(c.{column}, $1, $2)) AS code
                      WHERE code IS DISTINCT FROM p.recipient ORDER BY code)"""


# Where both codes owe a report, the new code has reported when both have: no network's report is taken for another's.
_MOVE_CASES = f"""
WITH touched AS MATERIALIZED (
    SELECT c.*,
           c.expected @> ARRAY[$1, $2]::text[]
           AND NOT ARRAY[$1, $2]::text[] <@ (c.received || c.waived) AS one_is_missing
      FROM cases c
     WHERE (c.state IN {_BLOCKING} OR c.state = 'awaiting_completion')
       AND ($1 IN (c.recipient, c.donor, c.cap_code, c.network)
            OR $1 = ANY(c.range_holders || c.told || c.expected || c.received || c.waived))
), renamed AS MATERIALIZED (
    SELECT c.*, p.recipient AS new_recipient, CASE c.donor WHEN $1 THEN $2 ELSE c.donor END AS new_donor,
           {_renamed("range_holders").replace("code IS DISTINCT FROM p.recipient", "true")} AS new_range_holders,
           {_renamed("told")} AS new_told, {_renamed("expected")} AS new_expected,
           CASE WHEN c.one_is_missing THEN array_remove(array_remove(c.received, $1), $2)
                ELSE {_renamed("received")} END AS new_received,
           CASE WHEN c.one_is_missing THEN array_remove(array_remove(c.waived, $1), $2)
                ELSE {_renamed("waived")} END AS new_waived
      FROM touched c, LATERAL (SELECT CASE c.recipient WHEN $1 THEN $2 ELSE c.recipient END AS recipient) p
), written AS (
    UPDATE cases c SET recipient = n.new_recipient, donor = n.new_donor, range_holders = n.new_range_holders,
           cap_code = CASE c.cap_code WHEN $1 THEN $2 ELSE c.cap_code END,
           network = CASE c.network WHEN $1 THEN $2 ELSE c.network END,
           routing_number = CASE WHEN c.network = $1 THEN (SELECT routing_number FROM provider WHERE code = $2)
                                 ELSE c.routing_number END,
           told = n.new_told, expected = n.new_expected, received = n.new_received,
           waived = ARRAY(SELECT code FROM unnest(n.new_waived) AS code WHERE code <> ALL(n.new_received)),
           version = c.version + 1, updated_at = greatest(c.updated_at, $3)
      FROM renamed n WHERE c.case_id = n.case_id
    RETURNING c.case_id, c.kind, c.state, c.recipient, c.donor, c.range_holders, c.told, c.created_at, c.updated_at,
              c.state = 'awaiting_completion' AND c.expected <@ (c.received || c.waived) AS complete
), logged AS (
    INSERT INTO message_log (id, at, type, sender, message_id, case_id, from_state, to_state, body)
    SELECT nextval('message_log_id_seq'), updated_at, 'code-transfer', 'NRDB', message_id, case_id, state, state,
           json_build_object('type', 'code-transfer', 'message_id', message_id, 'sender', 'NRDB', 'case_id', case_id,
                             'from', $1::text, 'to', $2::text)
      FROM (SELECT *, gen_random_uuid() AS message_id FROM written ORDER BY created_at, case_id) w
), hidden AS (
    DELETE FROM case_party p USING written w
     WHERE p.code = $1 AND p.created_at = w.created_at AND p.case_id = w.case_id
), shown AS (
    INSERT INTO case_party (code, created_at, case_id)
    SELECT $2, created_at, case_id FROM written
     WHERE $2 IN (recipient, donor) OR $2 = ANY(told) OR kind = 'termination' AND $2 = ANY(range_holders)
    ON CONFLICT DO NOTHING
)
SELECT case_id, complete FROM written ORDER BY created_at, case_id
"""


async def move_cases(connection: Connection, code: str, to: str, at: datetime) -> tuple[list[UUID], list[UUID]]:
    """Open cases; returns them, and those that wait for nobody any more."""
    rows = await connection.fetch(_MOVE_CASES, code, to, at, timeout=LONG)
    return [row["case_id"] for row in rows], [row["case_id"] for row in rows if row["complete"]]


async def move_caps(connection: Connection, code: str, to: str, at: datetime) -> None:
    """Room taken on the day of the transfer and later counts for the new code, whose own limits stay."""
    await connection.execute(
        """
        INSERT INTO cap_day AS c (code, day, used)
        SELECT $2, day, used FROM cap_day
         WHERE code = $1 AND used > 0 AND day >= ($3::timestamptz AT TIME ZONE 'Europe/Oslo')::date
        ON CONFLICT (code, day) DO UPDATE SET used = c.used + excluded.used
        """,
        code,
        to,
        at,
    )
    await connection.execute(
        "UPDATE cap_day SET used = 0 WHERE code = $1 AND day >= ($2::timestamptz AT TIME ZONE 'Europe/Oslo')::date",
        code,
        at,
    )


async def close_code(connection: Connection, code: str) -> None:
    """From now on its keys read and acknowledge, and send nothing."""
    await connection.execute("UPDATE provider SET active = false WHERE code = $1", code)


async def active_codes(connection: Connection) -> list[str]:
    """Every active code but Nkom's, which has no inbox."""
    rows = await connection.fetch("SELECT code FROM provider WHERE active AND code <> '0' ORDER BY code")
    return [row["code"] for row in rows]
