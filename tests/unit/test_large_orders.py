"""An order may name 15,000 scattered numbers: what looks at them walks both sides once, not each against each.

These tests would take minutes otherwise; they assert answers, not times.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from nrdb.errors import Code, Problem
from nrdb.messages.facts import Facts, OpenNumbers, PlanRow
from nrdb.messages.number_rules import not_in_open_case
from nrdb.routing.numbers import NumberRange, count
from nrdb.routing.table import RoutingRow, port, unport

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
SCATTERED = [NumberRange(first, first) for first in range(4790000000, 4790030000, 2)]
CASE, OTHER = UUID(int=1), UUID(int=2)


def _rows(case_id: UUID, at: datetime, until: datetime | None = None) -> list[RoutingRow]:
    return [RoutingRow(item, "AA", "AA", case_id, at, until, row_id=place) for place, item in enumerate(SCATTERED)]


def test_all_numbers_in_another_case() -> None:
    facts = Facts(open_numbers=tuple(OpenNumbers(item, NOW) for item in SCATTERED))
    with pytest.raises(Problem) as refused:
        not_in_open_case(SCATTERED, facts)
    assert refused.value.code is Code.NUMBER_IN_OPEN_CASE
    assert refused.value.facts is not None
    assert refused.value.facts["count"] == len(SCATTERED)


def test_range_holders_of_scattered_numbers() -> None:
    plan = tuple(PlanRow(item, "MOBILE", f"H{place % 3}", "open") for place, item in enumerate(SCATTERED))
    assert Facts(plan=plan).range_holders(SCATTERED) == ("H0", "H1", "H2")


def test_porting_on_ends_every_row_once() -> None:
    later = NOW + timedelta(days=1)
    new = [RoutingRow(item, "BB", "BB", OTHER, later) for item in SCATTERED]
    change = port(_rows(CASE, NOW), new)
    assert sorted(change.removed) == list(range(len(SCATTERED)))
    ended = [row for row in change.added if row.case_id == CASE]
    assert count(row.numbers for row in ended) == len(SCATTERED)
    assert {row.valid_until for row in ended} == {later}


def test_taking_back_restores_every_row_once() -> None:
    later = NOW + timedelta(days=1)
    own = [RoutingRow(item, "BB", "BB", OTHER, later, row_id=100_000 + place) for place, item in enumerate(SCATTERED)]
    change = unport([*_rows(CASE, NOW, later), *own], OTHER)
    assert len(change.removed) == 2 * len(SCATTERED)
    assert {(row.case_id, row.valid_until) for row in change.added} == {(CASE, None)}
