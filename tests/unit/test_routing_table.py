"""The routing table as pure changes: portings one after the other, splits, and taking back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nrdb.routing.numbers import NumberRange
from nrdb.routing.table import RoutingChange, RoutingRow, port, unport

START = datetime(2026, 11, 23, tzinfo=UTC)


def hour(n: float) -> datetime:
    return START + timedelta(hours=n)


class Table:
    """Rows that are believed, as the database would hold them."""

    def __init__(self) -> None:
        self.rows: dict[int, RoutingRow] = {}
        self._ids = count(1)

    def apply(self, change: RoutingChange) -> None:
        for row_id in change.removed:
            del self.rows[row_id]
        for row in change.added:
            row_id = next(self._ids)
            self.rows[row_id] = replace(row, row_id=row_id)
        self.check()

    def check(self) -> None:
        rows = list(self.rows.values())
        for one in rows:
            assert one.valid_until is None or one.valid_from < one.valid_until
            for other in rows:
                if one.row_id != other.row_id and one.numbers.overlap(other.numbers):
                    apart = (one.valid_until is not None and one.valid_until <= other.valid_from) or (
                        other.valid_until is not None and other.valid_until <= one.valid_from
                    )
                    assert apart, f"two answers: {one} {other}"

    def port(self, case: int, holder: str, at: datetime, *ranges: tuple[int, int]) -> None:
        new = [RoutingRow(NumberRange(*item), holder, holder, UUID(int=case), at) for item in ranges]
        touched = [row for row in self.rows.values() if any(row.numbers.overlap(NumberRange(*item)) for item in ranges)]
        self.apply(port(touched, new))

    def unport(self, case: int) -> None:
        own = [row.numbers for row in self.rows.values() if row.case_id == UUID(int=case)]
        touched = [row for row in self.rows.values() if any(row.numbers.overlap(item) for item in own)]
        self.apply(unport(touched, UUID(int=case)))

    def holder(self, number: int, at: datetime) -> str:
        found = [
            row.holder
            for row in self.rows.values()
            if row.numbers.overlap(NumberRange(number, number)) and row.in_force(at)
        ]
        assert len(found) <= 1
        return found[0] if found else "-"


def test_one_number_on_and_on() -> None:
    table = Table()
    table.port(1, "B", hour(1), (5, 5))
    table.port(2, "C", hour(2), (5, 5))
    table.port(3, "A", hour(3), (5, 5))
    assert [table.holder(5, hour(h)) for h in (0, 1, 1.9, 2, 3, 99)] == ["-", "B", "B", "C", "A", "A"]


def test_a_porting_splits_what_was_ported_together() -> None:
    table = Table()
    table.port(1, "B", hour(1), (0, 99))
    table.port(2, "C", hour(2), (40, 49))
    assert [table.holder(n, hour(1.5)) for n in (0, 39, 40, 49, 50, 99)] == ["B"] * 6
    assert [table.holder(n, hour(2)) for n in (0, 39, 40, 49, 50, 99)] == ["B", "B", "C", "C", "B", "B"]
    table.unport(2)
    assert [table.holder(n, hour(2)) for n in (0, 39, 40, 49, 50, 99)] == ["B"] * 6
    table.port(3, "D", hour(3), (0, 9), (45, 60))
    assert [table.holder(n, hour(3)) for n in (9, 10, 44, 45, 60, 61)] == ["D", "B", "B", "D", "D", "B"]


def test_taking_back_restores_what_was() -> None:
    table = Table()
    table.port(1, "B", hour(1), (5, 5))
    table.port(2, "C", hour(2), (5, 5))
    table.unport(2)
    assert [table.holder(5, hour(h)) for h in (1, 2, 99)] == ["B", "B", "B"]
    table.unport(1)
    assert table.rows == {}


def test_taking_back_leaves_other_cases_of_the_same_instant() -> None:
    table = Table()
    table.port(1, "B", hour(1), (0, 9))
    table.port(2, "C", hour(2), (0, 1))
    table.port(3, "D", hour(2), (8, 9))
    table.unport(2)
    assert [table.holder(n, hour(2)) for n in (0, 1, 5, 8, 9)] == ["B", "B", "B", "D", "D"]


@given(st.lists(st.tuples(st.integers(0, 15), st.integers(0, 8), st.sampled_from("BCD"), st.booleans()), max_size=10))
def test_any_sequence_of_portings(steps: list[tuple[int, int, str, bool]]) -> None:
    """Portings one hour after the other, some cancelled before they take effect: as if those had never been."""
    table = Table()
    for n, (first, length, holder, cancelled) in enumerate(steps, start=1):
        table.port(n, holder, hour(n), (first, first + length))
        if cancelled:
            table.unport(n)
    for number in range(24):
        for at in range(len(steps) + 1):
            wanted = "-"
            for n, (first, length, holder, cancelled) in enumerate(steps[:at], start=1):
                if not cancelled and n <= at and first <= number <= first + length:
                    wanted = holder
            assert table.holder(number, hour(at + 0.5)) == wanted


@pytest.mark.parametrize("at", [hour(1), hour(1) - timedelta(microseconds=1)])
def test_the_boundary_belongs_to_the_new_holder(at: datetime) -> None:
    table = Table()
    table.port(1, "B", hour(1), (5, 5))
    assert table.holder(5, at) == ("B" if at == hour(1) else "-")
