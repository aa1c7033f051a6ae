"""The state that SQL works out for lists is the one that `cases.case.settled` works out for everything else."""

from datetime import UTC, datetime, timedelta
from itertools import product
from uuid import UUID, uuid4

import asyncpg
import pytest
from tests.support.server import Databases

from nrdb.cases.case import settled
from nrdb.cases.facts import read_case
from nrdb.cases.machine import STATES_OF, TIMED_STATES
from nrdb.cases.queries import EFFECTIVE_STATE
from nrdb.routing.numbers import NumberRange

AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
TIMES = [
    AT - timedelta(days=1),
    AT - timedelta(microseconds=1),
    AT,
    AT + timedelta(microseconds=1),
    AT + timedelta(days=1),
]
#: expected, received, waived
COMPLETION: list[tuple[list[str], list[str], list[str]]] = [
    ([], [], []), (["AA", "BB"], [], []), (["AA", "BB"], ["AA"], []), (["AA", "BB"], ["BB", "AA"], []),
    (["AA", "BB"], ["AA"], ["BB"]), (["AA", "BB"], [], ["AA", "BB"]), (["AA"], ["CC"], []),
]  # fmt: skip
STATES = [(kind, state) for kind, states in STATES_OF.items() for state in states]
INSERT = """
INSERT INTO cases (case_id, kind, range_holders, cap_code, state, version, recipient, donor, number_type,
                   main_number, number_count, effective_time, newest_order, customer_log, expected, received, waived,
                   told, due_at, created_at, updated_at)
VALUES ($1, $9, ARRAY[$10], $10, $2, 1, 'TELIA', 'TELENOR', 'E', 4790012345, 1, $3, $1, 1, $4, $5, $6, $4, $7, $8, $8)
"""


@pytest.mark.parametrize("now", TIMES, ids=["day before", "just before", "at", "just after", "day after"])
async def test_sql_and_python_agree(databases: Databases, now: datetime) -> None:
    async with databases.sandbox(now) as dsn:
        connection = await asyncpg.connect(dsn)
        for (kind, state), (expected, received, waived), holder in product(STATES, COMPLETION, ["TELENOR", "0"]):
            due_at = AT if state in TIMED_STATES else None
            await connection.execute(
                INSERT, uuid4(), state, AT, expected, received, waived, due_at, AT - timedelta(days=2), kind, holder
            )
        rows = await connection.fetch(
            f"SELECT c.*, {EFFECTIVE_STATE} AS effective FROM cases c, (SELECT nrdb_now() AS now) w"
        )
        assert len(rows) == 2 * len(STATES) * len(COMPLETION)
        for row in rows:
            fields = {**row, "warnings": [], "case_id": UUID(str(row["case_id"]))}
            case = read_case(fields, (NumberRange(4790012345, 4790012345),))  # type: ignore[arg-type]
            assert row["effective"] == settled(case, now).state, f"{row['state']} {row['expected']} {row['received']}"
        await connection.close()
