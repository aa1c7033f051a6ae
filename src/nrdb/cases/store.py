"""Committing an outcome: one statement writes all of it, with the guards that make it all or nothing."""

from datetime import datetime
from typing import Any

import asyncpg

from nrdb.cases.case import Case
from nrdb.cases.machine import ENDED_BEFORE_TIME
from nrdb.cases.outcome import Entry, Outcome
from nrdb.db import Connection, fetch_one
from nrdb.routing.table import RoutingRow

#: A new case with its order, its numbers, its room under the cap and its line in the donor's inbox.
_OPEN = """
WITH line AS (
    INSERT INTO message_log (id, at, type, sender, message_id, digest, case_id, to_state, body, personal, customer_log,
                             case_after, warnings)
    SELECT id, $2, $3, $4, $5, $6, $7, $8, $9, $10, id, $11, $12::json FROM nextval('message_log_id_seq') AS id
    RETURNING id
), opened AS (
    INSERT INTO cases (case_id, kind, state, version, recipient, donor, range_holders, number_type, main_number,
                       number_count, effective_time, newest_order, customer_log, warnings, due_at, created_at,
                       updated_at)
    SELECT $7, $13, $8, 1, $4, $14, $15, $16, $17, $18, $19, $5, id, $12::json, $20, $2, $2 FROM line
), taken AS (
    INSERT INTO case_numbers (case_id, numbers, during)
    SELECT $7, int8range(first, last, '[]'), tstzrange($2, $19)
      FROM unnest($21::bigint[], $22::bigint[]) AS n(first, last)
), party AS (
    INSERT INTO case_party (code, created_at, case_id) SELECT code, $2, $7 FROM unnest(ARRAY[$4, $14]) AS code
), told AS (
    INSERT INTO inbox (to_code, log_id) SELECT receiver, id FROM line, unnest($23::text[]) AS receiver
)
SELECT hold_world($1, $2), take_room($4, $24, $18, $25)
"""

#: Steps of existing cases, and everything that follows from them.
_STEP = """
WITH line AS MATERIALIZED (
    SELECT l.*, nextval('message_log_id_seq') AS id
      FROM json_to_recordset($3::json) AS l(
           at timestamptz, type text, sender text, message_id uuid, digest text, case_id uuid, from_state text,
           to_state text, body json, personal json, sets_customer boolean, case_after json, warnings json,
           "to" text[])
), changed AS MATERIALIZED (
    SELECT c.*, coalesce((SELECT max(line.id) FROM line WHERE line.case_id = c.case_id AND line.sets_customer),
                         c.old_customer_log) AS customer_log
      FROM json_to_recordset($4::json) AS c(
           case_id uuid, old_version int, state text, entered_from text, range_holders text[],
           effective_time timestamptz,
           newest_order uuid, old_customer_log bigint, network text, routing_number text, expected text[],
           received text[], waived text[], told text[], due_at timestamptz, updated_at timestamptz,
           blocks_until timestamptz, reblock boolean)
), written AS (
    UPDATE cases c SET
           state = n.state, entered_from = n.entered_from, version = n.old_version + 1,
           range_holders = n.range_holders,
           effective_time = n.effective_time, newest_order = n.newest_order, customer_log = n.customer_log,
           network = n.network, routing_number = n.routing_number, expected = n.expected, received = n.received,
           waived = n.waived, told = n.told, due_at = n.due_at, updated_at = n.updated_at
      FROM changed n WHERE c.case_id = n.case_id AND c.version = n.old_version
    RETURNING 1
), logged AS (
    INSERT INTO message_log (id, at, type, sender, message_id, digest, case_id, from_state, to_state, body, personal,
                             customer_log, case_after, warnings)
    SELECT line.id, at, type, sender, message_id, decode(digest, 'hex'), case_id, from_state, to_state, body,
           personal, changed.customer_log, case_after, warnings
      FROM line JOIN changed USING (case_id)
), party AS (
    INSERT INTO case_party (code, created_at, case_id)
    SELECT code, c.created_at, c.case_id
      FROM changed JOIN cases c USING (case_id), unnest(changed.told) AS code
     WHERE cardinality(changed.told) > 0
    ON CONFLICT DO NOTHING
), reblocked AS (
    UPDATE case_numbers n
       SET during = tstzrange(lower(n.during), greatest(lower(n.during), changed.blocks_until))
      FROM changed WHERE changed.reblock AND n.case_id = changed.case_id
), told AS (
    INSERT INTO inbox (to_code, log_id)
    SELECT receiver, id FROM line, unnest(line."to") AS receiver ORDER BY id
), unrouted AS (
    UPDATE routing SET removed_at = $2 WHERE row_id = ANY($7::bigint[]) AND removed_at IS NULL RETURNING 1
), routed AS (
    INSERT INTO routing (numbers, holder, network, case_id, valid, recorded_at)
    SELECT int8range(r.first, r.last, '[]'), r.holder, r.network, r.case_id, tstzrange(r.from_time, r.until_time), $2
      FROM json_to_recordset($8::json) AS r(
           first bigint, last bigint, holder text, network text, case_id uuid, from_time timestamptz,
           until_time timestamptz)
)
SELECT hold_world($1, $2),
       expect_rows((SELECT count(*) FROM changed), (SELECT count(*) FROM written)),
       expect_rows(cardinality($7::bigint[]), (SELECT count(*) FROM unrouted)),
       (SELECT bool_and(take_room(room.code, room.day, room.numbers, $6))
          FROM json_to_recordset($5::json) AS room(code text, day date, numbers bigint))
"""


async def write(connection: Connection, outcome: Outcome) -> None:
    """Commit the outcome as a whole, or raise what `db.retried` starts again on."""
    if outcome.before:
        await _write_steps(connection, outcome)
    else:
        await _open_case(connection, outcome)


async def _open_case(connection: Connection, outcome: Outcome) -> None:
    (case,) = outcome.cases.values()
    (order,) = outcome.entries
    ((code, day, numbers),) = outcome.room
    await connection.fetchrow(
        _OPEN,
        outcome.epoch,
        order.at,
        order.type,
        code,
        order.message_id,
        order.digest,
        case.case_id,
        case.state,
        order.body,
        order.personal,
        order.case_after,
        order.warnings,
        case.kind,
        case.donor,
        case.range_holders,
        case.number_type,
        case.main_number,
        numbers,
        case.effective_time,
        case.due_at,
        [item.first for item in case.numbers],
        [item.last for item in case.numbers],
        order.to,
        day,
        outcome.cap_limit,
    )


async def _write_steps(connection: Connection, outcome: Outcome) -> None:
    change = outcome.routing
    await connection.fetchrow(
        _STEP,
        outcome.epoch,
        outcome.decided_at,
        [_entry_row(entry) for entry in outcome.entries],
        [_case_row(case, outcome) for case in outcome.cases.values()],
        [{"code": code, "day": day, "numbers": numbers} for code, day, numbers in sorted(outcome.room)],
        outcome.cap_limit,
        list(change.removed),
        [_routing_row(row) for row in change.added],
    )


def _entry_row(entry: Entry) -> dict[str, Any]:
    return {
        "at": entry.at,
        "type": entry.type,
        "sender": entry.sender,
        "message_id": entry.message_id,
        "digest": entry.digest.hex() if entry.digest else None,
        "case_id": entry.case_id,
        "from_state": entry.from_state,
        "to_state": entry.to_state,
        "body": entry.body,
        "personal": entry.personal,
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
        "due_at": case.due_at,
        "updated_at": case.updated_at,
        "blocks_until": _blocks_until(case),
        "reblock": _blocks_until(case) != _blocks_until(before),
    }


def _blocks_until(case: Case) -> datetime:
    """Until when the numbers are taken: the porting time, or the instant at which the case ended before it."""
    return case.effective_time if case.state not in ENDED_BEFORE_TIME else case.updated_at


def _routing_row(row: RoutingRow) -> dict[str, Any]:
    return {
        "first": row.numbers.first,
        "last": row.numbers.last,
        "holder": row.holder,
        "network": row.network,
        "case_id": row.case_id,
        "from_time": row.valid_from,
        "until_time": row.valid_until,
    }


_REPLAY = """
SELECT m.type, m.message_id, m.at, m.case_after, m.warnings, owner.personal -> 'customer' AS customer
  FROM message_log m LEFT JOIN message_log owner ON owner.id = m.customer_log
 WHERE m.id = $1
"""


async def read_answer(connection: Connection, log_id: int) -> asyncpg.Record:
    """What was answered when the message was accepted, and the customer of the case as it was then."""
    return await fetch_one(connection, _REPLAY, log_id)
