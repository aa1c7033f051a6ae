"""What is said of numbers, as data: by portings, by their cancellation, by returns.

What follows from it (which row of the routing table ends, which begins, what the range holder and the routing number
are) is reckoned where the rows are, by `reroute` in the fourth migration: two who port numbers of one series at once
meet in one row of that series, and a decision made from rows read before would lose the race again and again.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from nrdb.routing.numbers import NumberRange


@dataclass(frozen=True, slots=True)
class PortedRow:
    """`numbers` are served by `holder` in `network` from `valid_from` until `valid_until` (None: no end known).

    Calls to a five-digit number are led on to `target_number` (S1).
    """

    numbers: NumberRange
    holder: str
    network: str
    valid_from: datetime
    valid_until: datetime | None = None
    target_number: int | None = None

    def in_force(self, at: datetime) -> bool:
        """Whether the row gives the answer at that instant."""
        return self.valid_from <= at and (self.valid_until is None or at < self.valid_until)


@dataclass(frozen=True, slots=True)
class Said:
    """From `since` on `numbers` are served by `holder`; without one they go home, with the number plan.

    With `undo` what was said of them before `since` goes on, as if nothing had been said.
    """

    numbers: NumberRange
    since: datetime
    holder: str | None = None
    network: str | None = None
    target_number: int | None = None
    case_id: UUID | None = None
    undo: bool = False
