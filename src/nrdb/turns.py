"""The same message twice at once: the second waits for the first, so that it finds the first one's answer.

A refusal writes nothing that another could meet. Without a turn, two of the same message that arrive while the clock
passes a boundary could be answered 201 and 409. Within a process that cannot happen; of two processes at the same
instant the database still lets one win only, and the other may be refused.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Protocol
from uuid import UUID


class _Identified(Protocol):
    @property
    def sender(self) -> str: ...

    @property
    def message_id(self) -> UUID: ...


class Turns:
    """Which messages are being decided on."""

    def __init__(self) -> None:
        self._taken: dict[tuple[str, UUID], asyncio.Event] = {}

    @asynccontextmanager
    async def of(self, messages: Iterable[_Identified]) -> AsyncIterator[None]:
        """The turn of these messages, all at once: nobody waits for one of them with another in hand."""
        keys = [(message.sender, message.message_id) for message in messages]
        while (busy := next((self._taken[key] for key in keys if key in self._taken), None)) is not None:
            await busy.wait()
        mine = asyncio.Event()
        for key in keys:
            self._taken[key] = mine
        try:
            yield
        finally:
            for key in keys:
                self._taken.pop(key, None)
            mine.set()
