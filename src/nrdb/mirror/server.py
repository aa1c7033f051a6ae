"""What a copy asks of the service: the snapshot, what has changed, and proof."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from nrdb.client import Client, NrdbError, ProtocolError
from nrdb.client.requests import read_object
from nrdb.mirror.rows import StoredRow, instant_of, stored
from nrdb.mirror.table import State
from nrdb.routing.tree import Node

#: Seconds to wait for an answer: the service reckons its tree anew at the first question.
_LONG = 300.0
_PAGE = 1000
#: How far below a node to look: the most that the service shows.
DEPTH = 4


class OtherSourceError(NrdbError):
    """What answers is not the service that the copy is of."""

    def __init__(self, known: str, found: str) -> None:
        super().__init__("other-source", f"the copy is of {known}, and what answers is {found}")


#: Whether a row is put or removed, and the row.
Change = tuple[bool, StoredRow]


@dataclass(frozen=True, slots=True)
class Proof:
    """What the service says of a node, at a place and an instant."""

    source: str
    seq: int
    at: int
    hash: str
    children: tuple[Node, ...]
    rows: tuple[StoredRow, ...]


class Server:
    """One service, and what is wrong with its answers in one place. Raises the client's errors."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.requests = 0

    async def proof(self, prefix: str = "", depth: int = DEPTH) -> Proof:
        """The hash of a node and of those below it, or its rows."""
        response = await self._ask("/v1/routing/proof", prefix=prefix, depth=depth)
        found = read_object(response, "seq", "at", "hash", "children", "rows")
        try:
            return Proof(
                source_of(response),
                int(found["seq"]),
                instant_of(found["at"]),
                str(found["hash"]),
                tuple(Node(child["prefix"], child["hash"]) for child in found["children"]),
                tuple(stored(row) for row in found["rows"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ProtocolError("no-proof", "what answered is no proof of a routing table") from error

    async def changes(self, source: str, after: int, through: int) -> AsyncGenerator[list[Change]]:
        """The changes after a place, up to another one and that one too, in order."""
        while after < through:
            response = await self._ask("/v1/routing/changes", after=after, limit=_PAGE)
            check_source(source, source_of(response))
            page = read_object(response, "items", "next")
            try:
                items = [(item["op"] == "put", stored(item["row"])) for item in page["items"] if item["seq"] <= through]
                following = int(page["next"])
            except (KeyError, TypeError, ValueError) as error:
                raise ProtocolError("no-changes", "what answered are no changes of a routing table") from error
            if following <= after:
                raise ProtocolError("no-changes", f"after {after} there is nothing, but {through} has been told of")
            after = following
            yield items

    async def snapshot(self) -> AsyncGenerator[State | list[StoredRow]]:
        """What the table is, and then its rows in order, many at a time. Not tried again when it breaks."""
        self.requests += 1
        headers = {"Accept": "application/x-ndjson"}
        async with self._client.stream("/v1/routing/snapshot", headers=headers, read=_LONG) as response:
            try:
                seq, at = int(response.headers["Routing-Seq"]), instant_of(response.headers["Routing-At"])
                yield State(source_of(response), seq, at, None)
                rest = b""
                async for piece in response.aiter_bytes():
                    whole, _, rest = (rest + piece).rpartition(b"\n")
                    if whole:
                        yield [stored(row) for row in orjson.loads(b"[" + whole.replace(b"\n", b",") + b"]")]
                if rest:
                    raise ProtocolError("no-snapshot", "the snapshot ends in the middle of a row")
            except (KeyError, TypeError, ValueError) as error:
                raise ProtocolError("no-snapshot", "what answered is no snapshot of a routing table") from error

    async def _ask(self, path: str, **params: Any) -> httpx.Response:
        self.requests += 1
        return await self._client.ask("GET", path, read=_LONG, **params)


def source_of(response: httpx.Response) -> str:
    """Whose table it is."""
    found = response.headers.get("routing-source")
    if not found:
        raise ProtocolError("no-source", f"{response.url.path} was answered without telling whose table it is")
    return str(found)


def check_source(known: str, found: str) -> None:
    """Raises `OtherSourceError` where they differ."""
    if known != found:
        raise OtherSourceError(known, found)
