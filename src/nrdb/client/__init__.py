"""A client of the clearinghouse for a provider's own systems: asynchronous, typed, and nothing of the server in it.

    async with Client("https://nrdb.example", key, code="TELIA") as client:
        answer = await client.send({"type": "NP_GODK", "case_id": case_id})
        await client.follow(handle, FileCursor("telia.cursor"))

`send` tries again under the same `message_id` until it has an answer, so nothing is lost and nothing happens twice.
`follow` gives every item of the inbox to the handler, in order, and keeps its place behind the last one handled.
Refusals are errors with their code and facts.
"""

from nrdb.client.client import Accepted, Client
from nrdb.client.cursors import AcknowledgedCursor, Cursor, FileCursor, MemoryCursor
from nrdb.client.errors import (
    InvalidMessageError,
    NotPermittedError,
    NrdbError,
    PositionGoneError,
    ProtocolError,
    RefusedError,
    UnavailableError,
)
from nrdb.client.following import State
from nrdb.client.items import Item
from nrdb.client.messages import Message

__all__ = [
    "Accepted",
    "AcknowledgedCursor",
    "Client",
    "Cursor",
    "FileCursor",
    "InvalidMessageError",
    "Item",
    "MemoryCursor",
    "Message",
    "NotPermittedError",
    "NrdbError",
    "PositionGoneError",
    "ProtocolError",
    "RefusedError",
    "State",
    "UnavailableError",
]
