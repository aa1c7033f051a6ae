"""Committing an outcome: one statement writes all of it, with the guards that make it all or nothing."""

from typing import Any

import asyncpg

from nrdb.cases.case import Case
from nrdb.cases.machine import ENDED_BEFORE_TIME
from nrdb.cases.outcome import Entry, Outcome, RightChange
from nrdb.db import Connection, fetch_one
from nrdb.routing.table import Said
from nrdb.timers.calendar import oslo_day
from nrdb.vault import Vault

#: A new case with its message, its numbers, its parties, its room under the cap and its lines in the inboxes.
_OPEN = """
WITH line AS (
    INSERT INTO message_log (id, at, type, sender, message_id, digest, case_id, to_state, body, sealed, customer_log,
                             case_after, warnings)
    SELECT id, $2, $3, $4, $5, $6, $7, $8, $9, $10, CASE WHEN $26 THEN id END, $11, $12::json
      FROM nextval('message_log_id_seq') AS id
    RETURNING id
), opened AS (
    INSERT INTO cases (case_id, kind, state, version, recipient, donor, range_holders, cap_code, number_type,
                       main_number, number_count, effective_time, newest_order, customer_log, network, routing_number,
                       target_number, expected, told, warnings, due_at, personal_until, created_at, updated_at)
    SELECT $7, $13, $8, 1, $27, $14, $15, $28, $16, $17, $18, $19, $29, CASE WHEN $26 THEN id END, $30, $31,
           $32, $33, $33, $12::json, $20, $19, $2, $2 FROM line
), party AS (
    INSERT INTO case_party (code, created_at, case_id) SELECT code, $2, $7 FROM unnest($34::text[]) AS code
), taken AS (
    INSERT INTO case_numbers (case_id, numbers, during)
    SELECT $7, int8range(first, last, '[]'), tstzrange($2, $35)
      FROM unnest($21::bigint[], $22::bigint[]) AS n(first, last)
), told AS (
    INSERT INTO inbox (to_code, log_id) SELECT receiver, id FROM line, unnest($23::text[]) AS receiver
)
SELECT hold_world($1, $2), hold_message($4, $5, $2),
       CASE WHEN $28::text IS NOT NULL THEN take_room($28, $24, $18, $25) END
"""

#: Orders that were decided together, each as `_OPEN` writes one.
_OPEN_MANY = """
WITH o AS MATERIALIZED (
    SELECT o.*, nextval('message_log_id_seq') AS id
      FROM unnest($3::text[], $4::uuid[], $5::bytea[], $6::uuid[], $7::json[], $8::bytea[], $9::json[], $10::json[],
                  $11::text[], $12::text[], $13::text[], $14::bigint[], $15::bigint[], $16::timestamptz[])
           WITH ORDINALITY AS o(sender, message_id, digest, case_id, body, sealed, case_after, warnings, donor,
                                range_holders, number_type, main_number, number_count, effective_time, place)
), line AS (
    INSERT INTO message_log (id, at, type, sender, message_id, digest, case_id, to_state, body, sealed, customer_log,
                             case_after, warnings)
    SELECT id, $2, 'NP_BEST', sender, message_id, digest, case_id, 'awaiting_donor', body, sealed, id, case_after,
           warnings FROM o
), opened AS (
    INSERT INTO cases (case_id, kind, state, version, recipient, donor, range_holders, cap_code, number_type,
                       main_number, number_count, effective_time, newest_order, customer_log, warnings, due_at,
                       personal_until, created_at, updated_at)
    SELECT case_id, 'porting', 'awaiting_donor', 1, sender, donor, string_to_array(range_holders, ' '), sender,
           number_type, main_number, number_count, effective_time, message_id, id, warnings, effective_time,
           effective_time, $2, $2 FROM o
), party AS (
    INSERT INTO case_party (code, created_at, case_id)
    SELECT code, $2, case_id FROM o, unnest(ARRAY[sender, donor]) AS code
), taken AS (
    INSERT INTO case_numbers (case_id, numbers, during)
    SELECT o.case_id, int8range(n.first, n.last, '[]'), tstzrange($2, o.effective_time)
      FROM unnest($17::int[], $18::bigint[], $19::bigint[]) AS n(place, first, last) JOIN o USING (place)
), told AS (
    INSERT INTO inbox (to_code, log_id) SELECT donor, id FROM o ORDER BY place
)
SELECT hold_world($1, $2),
       (SELECT bool_and(hold_message(sender, message_id, $2)) FROM o),
       (SELECT bool_and(take_room(code, day, numbers, $23))
          FROM (SELECT * FROM unnest($20::text[], $21::date[], $22::bigint[]) AS r(code, day, numbers)
                 ORDER BY code, day) room)
"""

#: What is said of numbers, and what follows for the routing table.
_ROUTE = "SELECT reroute($1, $2, $3, $4)"

#: Steps of existing cases, and everything that follows from them.
_STEP = """
WITH line AS MATERIALIZED (
    SELECT l.*, nextval('message_log_id_seq') AS id
      FROM json_to_recordset($3::json) AS l(
           at timestamptz, type text, sender text, message_id uuid, digest text, case_id uuid, from_state text,
           to_state text, body json, sealed text, sets_customer boolean, case_after json, warnings json,
           "to" text[])
), changed AS MATERIALIZED (
    SELECT c.*, coalesce((SELECT max(line.id) FROM line WHERE line.case_id = c.case_id AND line.sets_customer),
                         c.old_customer_log) AS customer_log
      FROM json_to_recordset($4::json) AS c(
           case_id uuid, old_version int, state text, entered_from text, range_holders text[],
           effective_time timestamptz,
           newest_order uuid, old_customer_log bigint, network text, routing_number text, expected text[],
           received text[], waived text[], told text[], parties text[], due_at timestamptz,
           personal_until timestamptz, reminded_at timestamptz, created_at timestamptz,
           updated_at timestamptz, blocks_until timestamptz, reblock boolean)
), written AS (
    UPDATE cases c SET
           state = n.state, entered_from = n.entered_from, version = n.old_version + 1,
           range_holders = n.range_holders,
           effective_time = n.effective_time, newest_order = n.newest_order, customer_log = n.customer_log,
           network = n.network, routing_number = n.routing_number, expected = n.expected, received = n.received,
           waived = n.waived, told = n.told, due_at = n.due_at, personal_until = n.personal_until,
           reminded_at = n.reminded_at, updated_at = n.updated_at
      FROM changed n WHERE c.case_id = n.case_id AND c.version = n.old_version
    RETURNING 1
), party AS (
    INSERT INTO case_party (code, created_at, case_id)
    SELECT code, created_at, case_id FROM changed, unnest(parties) AS code ON CONFLICT DO NOTHING
), logged AS (
    INSERT INTO message_log (id, at, type, sender, message_id, digest, case_id, from_state, to_state, body, sealed,
                             customer_log, case_after, warnings)
    SELECT line.id, at, type, sender, message_id, decode(digest, 'hex'), case_id, from_state, to_state, body,
           decode(sealed, 'hex'), changed.customer_log, case_after, warnings
      FROM line JOIN changed USING (case_id)
), reblocked AS (
    UPDATE case_numbers n
       SET during = tstzrange(lower(n.during), CASE WHEN changed.blocks_until IS NOT NULL
                              THEN greatest(lower(n.during), changed.blocks_until) END)
      FROM changed WHERE changed.reblock AND n.case_id = changed.case_id
), told AS (
    INSERT INTO inbox (to_code, log_id)
    SELECT receiver, id FROM line, unnest(line."to") AS receiver ORDER BY id
)
SELECT hold_world($1, $2),
       (SELECT bool_and(hold_message(sender, message_id, at)) FROM line WHERE digest IS NOT NULL),
       expect_rows((SELECT count(*) FROM changed), (SELECT count(*) FROM written)),
       (SELECT bool_and(take_room(room.code, room.day, room.numbers, $6))
          FROM json_to_recordset($5::json) AS room(code text, day date, numbers bigint)),
       CASE WHEN cardinality($7::bigint[]) > 0 THEN reroute($2, $7, $8::bigint[], $9::json) END
"""

_BEGIN_RIGHT = "INSERT INTO right_of_use (number, sealed, since, case_id) VALUES ($1, $2, $3, $4)"
_END_RIGHT = """
UPDATE right_of_use SET until = $2 WHERE number = $1 AND until IS NULL AND ($3::uuid IS NULL OR case_id = $3)
"""


async def write(connection: Connection, outcome: Outcome, vault: Vault) -> None:
    """Commit the outcome as a whole, or raise what `db.retried` starts again on."""
    if outcome.before and not outcome.rights:
        await _write_steps(connection, outcome, vault)
        return
    if not outcome.before and not (outcome.rights or outcome.routing):
        await (_open_case if len(outcome.cases) == 1 else _open_many)(connection, outcome, vault)
        return
    async with connection.transaction():
        if outcome.before:
            await _write_steps(connection, outcome, vault)
        else:
            await _open_case(connection, outcome, vault)
            await connection.fetchrow(_ROUTE, outcome.decided_at, *_routing(outcome))
        for right in outcome.rights:
            await _write_right(connection, right, vault)


async def _write_right(connection: Connection, right: RightChange, vault: Vault) -> None:
    if right.holder is not None:
        sealed = vault.seal(right.holder)
        await connection.execute(_BEGIN_RIGHT, right.number, sealed, right.at, right.case_id)
    else:
        await connection.execute(_END_RIGHT, right.number, right.at, right.case_id)


async def _open_case(connection: Connection, outcome: Outcome, vault: Vault) -> None:
    (case,) = outcome.cases.values()
    (line,) = outcome.entries
    await connection.fetchrow(
        _OPEN,
        outcome.epoch,
        line.at,
        line.type,
        line.sender,
        line.message_id,
        vault.mac(line.content) if line.content else None,
        case.case_id,
        case.state,
        line.body,
        vault.seal(line.personal) if line.personal else None,
        line.case_after,
        line.warnings,
        case.kind,
        case.donor,
        case.range_holders,
        case.number_type,
        case.main_number,
        case.number_count,
        case.effective_time,
        case.due_at,
        [item.first for item in case.numbers],
        [item.last for item in case.numbers],
        line.to,
        oslo_day(case.effective_time),
        outcome.cap_limit,
        line.sets_customer,
        case.recipient,
        case.cap_code,
        case.newest_order,
        case.network,
        case.routing_number,
        case.target_number,
        case.told,
        sorted({*case.parties, *case.told}),
        case.blocks_until,
    )


async def _open_many(connection: Connection, outcome: Outcome, vault: Vault) -> None:
    """Orders that were decided together; other messages open their cases alone."""
    opened = [(outcome.cases[line.case_id], line) for line in outcome.entries]
    numbers = [(place, item) for place, (case, _) in enumerate(opened, start=1) for item in case.numbers]
    room = outcome.room_by_day()
    await connection.fetchrow(
        _OPEN_MANY,
        outcome.epoch,
        outcome.decided_at,
        [line.sender for _, line in opened],
        [line.message_id for _, line in opened],
        [vault.mac(line.content or b"") for _, line in opened],
        [case.case_id for case, _ in opened],
        [line.body for _, line in opened],
        [vault.seal(line.personal or {}) for _, line in opened],
        [line.case_after for _, line in opened],
        [line.warnings for _, line in opened],
        [case.donor for case, _ in opened],
        [" ".join(case.range_holders) for case, _ in opened],
        [case.number_type for case, _ in opened],
        [case.main_number for case, _ in opened],
        [case.number_count for case, _ in opened],
        [case.effective_time for case, _ in opened],
        [place for place, _ in numbers],
        [item.first for _, item in numbers],
        [item.last for _, item in numbers],
        [code for code, _, _ in room],
        [day for _, day, _ in room],
        [count for _, _, count in room],
        outcome.cap_limit,
    )


async def _write_steps(connection: Connection, outcome: Outcome, vault: Vault) -> None:
    await connection.fetchrow(
        _STEP,
        outcome.epoch,
        outcome.decided_at,
        [_entry_row(entry, vault) for entry in outcome.entries],
        [_case_row(case, outcome) for case in outcome.cases.values()],
        [{"code": code, "day": day, "numbers": numbers} for code, day, numbers in outcome.room_by_day()],
        outcome.cap_limit,
        *_routing(outcome),
    )


def _routing(outcome: Outcome) -> tuple[list[int], list[int], list[dict[str, Any]]]:
    said = sorted(outcome.routing, key=lambda item: item.numbers)
    return [item.numbers.first for item in said], [item.numbers.last for item in said], [_said(item) for item in said]


def _entry_row(entry: Entry, vault: Vault) -> dict[str, Any]:
    return {
        "at": entry.at,
        "type": entry.type,
        "sender": entry.sender,
        "message_id": entry.message_id,
        "digest": vault.mac(entry.content).hex() if entry.content else None,
        "case_id": entry.case_id,
        "from_state": entry.from_state,
        "to_state": entry.to_state,
        "body": entry.body,
        "sealed": vault.seal(entry.personal).hex() if entry.personal else None,
        "sets_customer": entry.sets_customer,
        "case_after": entry.case_after,
        "warnings": entry.warnings,
        "to": entry.to,
    }


def _case_row(case: Case, outcome: Outcome) -> dict[str, Any]:
    before = outcome.before[case.case_id]
    return {
        "case_id": case.case_id,
        "old_version": before.version,
        "state": case.state,
        "entered_from": case.entered_from,
        "range_holders": case.range_holders,
        "effective_time": case.effective_time,
        "newest_order": case.newest_order,
        "old_customer_log": outcome.customer_logs[case.case_id],
        "network": case.network,
        "routing_number": case.routing_number,
        "expected": case.expected,
        "received": case.received,
        "waived": case.waived,
        "told": case.told,
        "parties": [code for code in case.told if code not in before.told],
        "due_at": case.due_at,
        # The retention of personal data runs from the effective time or the end, whichever is first.
        "personal_until": case.updated_at if case.state in ENDED_BEFORE_TIME else case.effective_time,
        "reminded_at": case.reminded_at,
        "created_at": case.created_at,
        "updated_at": case.updated_at,
        "blocks_until": case.blocks_until,
        "reblock": case.blocks_until != before.blocks_until,
    }


def _said(said: Said) -> dict[str, Any]:
    return {
        "since": said.since,
        "undo": said.undo,
        "holder": said.holder,
        "network": said.network,
        "target_number": said.target_number,
        "case_id": said.case_id,
    }


_REPLAY = """
SELECT m.type, m.message_id, m.at, m.case_after, m.warnings,
       (SELECT owner.sealed FROM message_log owner JOIN cases c USING (case_id)
         WHERE owner.id = m.customer_log AND kept(c.personal_until)) AS sealed
  FROM message_log m
 WHERE m.id = $1
"""


async def read_answer(connection: Connection, log_id: int) -> asyncpg.Record:
    """What was answered when the message was accepted; `sealed` holds the customer of the case as it was then."""
    return await fetch_one(connection, _REPLAY, log_id)
