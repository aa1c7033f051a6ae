"""Committing an outcome: one statement that writes all of it, with the guards that make it all or nothing."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import asyncpg

from nrdb.cases.case import Case
from nrdb.cases.machine import ENDED_BEFORE_TIME
from nrdb.cases.outcome import Entry, Outcome
from nrdb.db import Connection
from nrdb.routing.table import RoutingRow

_WRITE = """
WITH line AS MATERIALIZED (
    SELECT l.*, nextval('message_log_id_seq') AS id
      FROM json_to_recordset($3::json) AS l(
           at timestamptz, type text, sender text, message_id uuid, digest text, case_id uuid, from_state text,
           to_state text, body json, personal json, sets_customer boolean, case_after json, warnings json,
           "to" text[], audience text[])
), changed AS MATERIALIZED (
    SELECT c.*, coalesce((SELECT max(line.id) FROM line WHERE line.case_id = c.case_id AND line.sets_customer),
                         c.old_customer_log) AS customer_log
      FROM json_to_recordset($4::json) AS c(
           case_id uuid, kind text, state text, version int, recipient text, donor text, range_holders text[],
           number_type text, main_number bigint, number_count bigint, effective_time timestamptz,
           newest_order uuid, old_customer_log bigint, network text, routing_number text, expected text[],
           received text[], waived text[], told text[], warnings jsonb, due_at timestamptz,
           created_at timestamptz, updated_at timestamptz, blocks_until timestamptz, reblock boolean)
), written AS (
    INSERT INTO cases AS c (
           case_id, kind, state, version, recipient, donor, range_holders, number_type, main_number, number_count,
           effective_time, newest_order, customer_log, network, routing_number, expected, received, waived, told,
           warnings, due_at, created_at, updated_at)
    SELECT case_id, kind, state, version, recipient, donor, range_holders, number_type, main_number, number_count,
           effective_time, newest_order, customer_log, network, routing_number, expected, received, waived, told,
           warnings, due_at, created_at, updated_at
      FROM changed
    ON CONFLICT (case_id) DO UPDATE SET
           state = excluded.state, version = excluded.version, effective_time = excluded.effective_time,
           range_holders = excluded.range_holders, newest_order = excluded.newest_order,
           customer_log = excluded.customer_log, network = excluded.network,
           routing_number = excluded.routing_number, expected = excluded.expected, received = excluded.received,
           waived = excluded.waived, told = excluded.told, due_at = excluded.due_at,
           updated_at = excluded.updated_at
     WHERE c.version = excluded.version - 1
    RETURNING 1
), logged AS (
    INSERT INTO message_log (id, at, type, sender, message_id, digest, case_id, from_state, to_state, body, personal,
                             customer_log, case_after, warnings)
    SELECT line.id, at, type, sender, message_id, decode(digest, 'hex'), line.case_id, from_state, to_state, body,
           personal, changed.customer_log, case_after, line.warnings
      FROM line LEFT JOIN changed ON changed.case_id = line.case_id
), taken AS (
    INSERT INTO case_numbers (case_id, numbers, during)
    SELECT n.case_id, int8range(n.first, n.last, '[]'), tstzrange(n.from_time, n.until_time)
      FROM json_to_recordset($5::json) AS n(
           case_id uuid, first bigint, last bigint, from_time timestamptz, until_time timestamptz)
), reblocked AS (
    UPDATE case_numbers n
       SET during = tstzrange(lower(n.during), greatest(lower(n.during), changed.blocks_until))
      FROM changed WHERE changed.reblock AND n.case_id = changed.case_id
), told_one AS (
    INSERT INTO inbox (to_code, log_id)
    SELECT receiver, id FROM line, unnest(line."to") AS receiver ORDER BY id
), told_many AS (
    INSERT INTO inbox (audience, log_id)
    SELECT audience, id FROM line WHERE cardinality(audience) > 0 ORDER BY id
), unrouted AS (
    UPDATE routing SET removed_at = $2 WHERE row_id = ANY($8::bigint[]) AND removed_at IS NULL RETURNING 1
), routed AS (
    INSERT INTO routing (numbers, holder, network, case_id, valid, recorded_at)
    SELECT int8range(r.first, r.last, '[]'), r.holder, r.network, r.case_id, tstzrange(r.from_time, r.until_time), $2
      FROM json_to_recordset($9::json) AS r(
           first bigint, last bigint, holder text, network text, case_id uuid, from_time timestamptz,
           until_time timestamptz)
)
SELECT hold_world($1, $2),
       expect_rows((SELECT count(*) FROM changed), (SELECT count(*) FROM written)),
       expect_rows(cardinality($8::bigint[]), (SELECT count(*) FROM unrouted)),
       (SELECT count(r.taken) FROM (
            SELECT take_room(c.code, c.day, c.numbers, $7)::text AS taken
              FROM json_to_recordset($6::json) AS c(code text, day date, numbers bigint)) r)
"""


async def write(connection: Connection, outcome: Outcome) -> None:
    """Commit the outcome as a whole, or raise what `db.retried` starts again on."""
    change = outcome.routing
    new = [case for key, case in outcome.cases.items() if key not in outcome.before]
    await connection.fetchrow(
        _WRITE,
        outcome.epoch,
        outcome.decided_at,
        [_entry_row(entry) for entry in outcome.entries],
        [_case_row(case, outcome) for case in outcome.cases.values()],
        [row for case in new for row in _number_rows(case)],
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
        "audience": entry.audience,
    }


def _case_row(case: Case, outcome: Outcome) -> dict[str, Any]:
    before = outcome.before.get(case.case_id)
    return {
        "case_id": case.case_id,
        "kind": case.kind,
        "state": case.state,
        "version": before.version + 1 if before else 1,
        "recipient": case.recipient,
        "donor": case.donor,
        "range_holders": case.range_holders,
        "number_type": case.number_type,
        "main_number": case.main_number,
        "number_count": case.number_count,
        "effective_time": case.effective_time,
        "newest_order": case.newest_order,
        "old_customer_log": outcome.customer_logs.get(case.case_id),
        "network": case.network,
        "routing_number": case.routing_number,
        "expected": case.expected,
        "received": case.received,
        "waived": case.waived,
        "told": case.told,
        "warnings": case.warnings,
        "due_at": case.due_at,
        "created_at": case.created_at,
        "updated_at": case.updated_at,
        "blocks_until": _blocks_until(case),
        "reblock": before is not None and _blocks_until(case) != _blocks_until(before),
    }


def _blocks_until(case: Case) -> datetime:
    """Until when the numbers are taken: the porting time, or the instant at which the case ended before it."""
    return case.effective_time if case.state not in ENDED_BEFORE_TIME else case.updated_at


def _number_rows(case: Case) -> Iterator[dict[str, Any]]:
    for item in case.numbers:
        yield {
            "case_id": case.case_id,
            "first": item.first,
            "last": item.last,
            "from_time": case.created_at,
            "until_time": case.effective_time,
        }


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
    return await connection.fetchrow(_REPLAY, log_id)
