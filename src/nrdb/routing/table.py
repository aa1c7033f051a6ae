"""The routing table as pure changes: which rows a porting ends and which it enters.

A row says who serves a range of numbers during a stretch of time. Nothing is ever overwritten: a change removes rows
from what is believed and adds rows, so that what was believed earlier can still be asked for.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from nrdb.routing.numbers import NumberRange, join, overlaps, subtract


@dataclass(frozen=True, slots=True)
class RoutingRow:
    """`numbers` are served by `holder` in `network` from `valid_from` until `valid_until` (None: no end known).

    Calls to a five-digit number are led on to `target_number` (S1).
    """

    numbers: NumberRange
    holder: str
    network: str
    case_id: UUID
    valid_from: datetime
    valid_until: datetime | None = None
    target_number: int | None = None
    row_id: int | None = None

    def in_force(self, at: datetime) -> bool:
        """Whether the row gives the answer at that instant."""
        return self.valid_from <= at and (self.valid_until is None or at < self.valid_until)


@dataclass(frozen=True, slots=True)
class RoutingChange:
    """Rows no longer believed, by id, and rows believed instead."""

    removed: tuple[int, ...] = ()
    added: tuple[RoutingRow, ...] = ()


def merge(one: RoutingChange, other: RoutingChange) -> RoutingChange:
    """Both changes; they are about different numbers."""
    return RoutingChange((*one.removed, *other.removed), (*one.added, *other.added))


def port(rows: Iterable[RoutingRow], new: Sequence[RoutingRow]) -> RoutingChange:
    """Enter the rows of one case, which all begin at one instant and end never; what was there before ends then."""
    at = new[0].valid_from
    numbers = [row.numbers for row in new]
    replaced = [row for row in rows if row.valid_until is None or row.valid_until > at]
    return _replace(replaced, numbers, at, new)


def unport(rows: Iterable[RoutingRow], case_id: UUID) -> RoutingChange:
    """Take back the rows that a case entered; what they had ended goes on as if they had never been."""
    known = list(rows)
    own = [row for row in known if row.case_id == case_id and row.valid_until is None]
    begins = {row.valid_from for row in own}
    ended = [row for row in known if row.valid_until in begins]
    restored = _replace(ended, [row.numbers for row in own], None, ())
    return RoutingChange(removed=(*_ids(own), *restored.removed), added=restored.added)


def give_back(rows: Iterable[RoutingRow], numbers: Sequence[NumberRange], at: datetime) -> RoutingChange:
    """End what the rows say of the numbers: their range holder serves them from `at` on."""
    return _replace([row for row in rows if row.valid_until is None or row.valid_until > at], numbers, at, ())


def _replace(
    rows: Iterable[RoutingRow],
    numbers: Sequence[NumberRange],
    until: datetime | None,
    new: Sequence[RoutingRow],
) -> RoutingChange:
    """End (or prolong) what the rows say of `numbers` at `until`; what they say of others stays."""
    removed: list[RoutingRow] = []
    added: list[RoutingRow] = []
    wanted = join(numbers)
    firsts = [item.first for item in wanted]
    for row in rows:
        near = wanted[max(0, bisect_right(firsts, row.numbers.first) - 1) : bisect_right(firsts, row.numbers.last)]
        inside = overlaps([row.numbers], near)
        if not inside:
            continue
        removed.append(row)
        added += [replace(row, numbers=rest) for rest in subtract([row.numbers], near)]
        if until is None or row.valid_from < until:
            added += [replace(row, numbers=part, valid_until=until) for part in inside]
    return RoutingChange(removed=_ids(removed), added=(*added, *new))


def _ids(rows: Iterable[RoutingRow]) -> tuple[int, ...]:
    return tuple(row.row_id for row in rows if row.row_id is not None)
