"""What every endpoint works with, made once by the composition root."""

import asyncio
from dataclasses import dataclass, field

from fastapi import Request

from nrdb.api.limits import CopyPlaces, RequestLimits, StreamSlots
from nrdb.db import Pool
from nrdb.delivery.inbox import Reader
from nrdb.delivery.tail import Tail
from nrdb.intake import Intake
from nrdb.providers.keys import Caller
from nrdb.rulebook import Rulebook
from nrdb.settings import Settings
from nrdb.vault import Vault


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of a running service.

    `schema_version` is the one that this code needs. `stopping` is set when the process is to end: whoever waits,
    answers then. `readers` are the connections for reading inboxes, so that readers never wait with senders for one;
    `copiers` are those for copies of the routing table.
    `known_callers` are callers by the `Authorization` that they have shown, and until when they count as known;
    `testing` are the codes whose webhook is being tested.
    """

    settings: Settings
    rulebook: Rulebook
    pool: Pool
    readers: Pool
    copiers: Pool
    reader: Reader
    tail: Tail
    intake: Intake
    vault: Vault
    schema_version: str | None
    stopping: asyncio.Event
    requests: RequestLimits
    streams: StreamSlots
    copies: CopyPlaces = field(default_factory=CopyPlaces)
    known_callers: dict[str, tuple[Caller, float]] = field(default_factory=dict)
    testing: set[str] = field(default_factory=set)

    def vault_for(self, caller: Caller) -> Vault | None:
        """What opens personal data for a provider; operators and admins see none (contract section 3)."""
        return None if caller.sees_all else self.vault


def services(request: Request) -> Services:
    """The parts of the service that this request came to."""
    found: Services = request.app.state.services
    return found
