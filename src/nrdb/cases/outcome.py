"""What one decision changes, as data: the log lines, the cases as they are left, room under the cap, routing.

An outcome is made by pure code (`messages.consequences`) and committed as a whole by `cases.store.write`.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from nrdb.cases.case import Case
from nrdb.routing.table import Said


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the log, and whom it is delivered to.

    A line without receivers (`to`) is history only. `content` is what makes two messages of a sender the same.
    `sets_customer` says that its personal data hold the customer of the case from now on.
    """

    at: datetime
    type: str
    sender: str
    message_id: UUID
    case_id: UUID
    body: dict[str, Any]
    content: bytes | None = None
    from_state: str | None = None
    to_state: str | None = None
    personal: dict[str, Any] | None = None
    sets_customer: bool = False
    case_after: dict[str, Any] | None = None
    warnings: Sequence[dict[str, Any]] = ()
    to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RightChange:
    """A right of use of a five-digit number that begins (with its `holder`) or ends (without) at an instant (S1).

    `case_id` is the 5_IVER that wrote it; one that ends with None ends whoever has written it.
    """

    number: int
    at: datetime
    case_id: UUID | None
    holder: dict[str, Any] | None = None


@dataclass(slots=True)
class Outcome:
    """What one decision, or a batch of what time did, changes. `cases` holds each case once, as it is left.

    `before` are the same cases as they were read; a case without one is new. `customer_logs` are the log lines that
    hold their customers.
    """

    epoch: int
    decided_at: datetime
    cap_limit: int
    cases: dict[UUID, Case] = field(default_factory=dict)
    before: dict[UUID, Case] = field(default_factory=dict)
    customer_logs: dict[UUID, int | None] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    room: list[tuple[str, date, int]] = field(default_factory=list)
    routing: list[Said] = field(default_factory=list)
    rights: list[RightChange] = field(default_factory=list)

    def room_by_day(self) -> list[tuple[str, date, int]]:
        """Room taken (or given back, below zero) of each code on each day, in one order for everybody."""
        total: Counter[tuple[str, date]] = Counter()
        for code, day, numbers in self.room:
            total[code, day] += numbers
        return [(code, day, numbers) for (code, day), numbers in sorted(total.items()) if numbers]

    def add(self, other: "Outcome") -> None:
        """What another decision on the same facts changes, too; the two are about different cases and numbers."""
        self.decided_at = max(self.decided_at, other.decided_at)
        self.cases |= other.cases
        self.before |= other.before
        self.customer_logs |= other.customer_logs
        self.entries += other.entries
        self.room += other.room
        self.routing += other.routing
        self.rights += other.rights
