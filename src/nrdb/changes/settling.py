"""What changes of the world need of the intake: time's part is written down before a change, and cases end by it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from nrdb.db import Connection


class Settler(Protocol):
    """Writes down what time, or a change, has done to cases, on the caller's connection."""

    async def settle_on(self, connection: Connection) -> int:
        """One batch of what time has done, never beyond the next planned change; returns how many cases."""
        ...

    async def settle_returns_on(self, connection: Connection) -> int:
        """The same, of the returns that the clearinghouse sends for Nkom alone."""
        ...

    async def complete_on(self, connection: Connection, case_ids: Sequence[UUID], at: datetime) -> None:
        """These cases wait for nobody any more: they are completed at `at`, and their parties told."""
        ...
