"""What a decision rests on: everything that the rules may look at, read in one statement at one instant."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from nrdb.routing.numbers import NumberRange, join, overlaps, subtract
from nrdb.routing.table import PortedRow


@dataclass(frozen=True, slots=True)
class PlanRow:
    """A part of the number plan: who the series belongs to, its class, and whether it may be ported."""

    numbers: NumberRange
    number_class: str
    range_holder: str
    status: str


@dataclass(frozen=True, slots=True)
class OpenNumbers:
    """Numbers of another open case that the message names too, and until when it blocks them (None: no end known)."""

    numbers: NumberRange
    until: datetime | None


@dataclass(frozen=True, slots=True)
class CapDay:
    """The room of one code on one day: numbers used, and the limit of that day."""

    used: int
    limit: int


@dataclass(frozen=True, slots=True)
class Network:
    """A provider that terminates calls and can be routed to."""

    code: str
    routing_number: str


@dataclass(frozen=True, slots=True)
class Facts:
    """The world around one message.

    `full_days` are the days on which the code that gets the numbers has no room for so many; every other day has room,
    save for more numbers than the common limit: then only the `raised_days`. `networks` are the active
    terminating providers, loaded for the messages that are sent to them all. `right_holder` is the organisation with
    the right to use the five-digit number, where one is on record.
    """

    plan: tuple[PlanRow, ...] = ()
    ported: tuple[PortedRow, ...] = ()
    open_numbers: tuple[OpenNumbers, ...] = ()
    full_days: Mapping[date, CapDay] = field(default_factory=dict)
    raised_days: frozenset[date] = frozenset()
    networks: Mapping[str, Network] = field(default_factory=dict)
    right_holder: str | None = None

    def network(self, code: str) -> Network | None:
        """The network of that code, if calls can be routed to it."""
        return self.networks.get(code)

    def in_plan(self, matching: Iterable[PlanRow] | None = None) -> tuple[NumberRange, ...]:
        """The numbers of the plan, or of the given part of it."""
        return join(row.numbers for row in (self.plan if matching is None else matching))

    def held_by(self, code: str) -> tuple[NumberRange, ...]:
        """The numbers that the code serves: its series less what was ported away, and what was ported to it."""
        own = join(row.numbers for row in self.plan if row.range_holder == code)
        elsewhere = [row.numbers for row in self.ported]
        ported_to = [row.numbers for row in self.ported if row.holder == code]
        return join((*subtract(own, elsewhere), *ported_to))

    def range_holders(self, numbers: Iterable[NumberRange]) -> tuple[str, ...]:
        """The holders of the series that the numbers lie in, each once, in order of code."""
        wanted = list(numbers)
        by_holder: dict[str, list[NumberRange]] = {}
        for row in self.plan:
            by_holder.setdefault(row.range_holder, []).append(row.numbers)
        return tuple(sorted(holder for holder, series in by_holder.items() if overlaps(wanted, series)))
