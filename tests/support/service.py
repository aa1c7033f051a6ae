"""The real service behind a real HTTP server, and a helper that speaks to it as providers do."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any, cast
from uuid import uuid4
from zoneinfo import ZoneInfo

import asyncpg
import httpx
import uvicorn

from nrdb.app import create_app
from nrdb.listening import bind
from nrdb.settings import Settings

OSLO = ZoneInfo("Europe/Oslo")
#: What a refusal must cite, where contract section 6 says so.
CITED: Mapping[str, tuple[str | None, str]] = {
    "role-not-permitted": (None, "S3 2.4.1"),
    "five-digit-message-required": (None, "S3 2.7"),
    "number-not-portable": (None, "S3 2.10"),
    "mixed-number-classes": (None, "S3 2.3.2, 2.9"),
    "number-type-mismatch": (None, "S3 2.3.2.1"),
    "block-too-large": (None, "S3 2.9"),
    "number-not-in-use": (None, "S3 2.3.1"),
    "number-in-open-case": (None, "S3 2.4.1, 2.4.2"),
    "porting-time-passed": (None, "S3 2.4.2"),
    "porting-time-too-early": (None, "S3 2.2.1"),
    "porting-time-too-late": ("T11", "S3 2.2.1"),
    "stop-too-late": ("T12", "S3 2.2.1"),
    "too-early-to-complete": ("T15", "S3 2.2.1"),
    "daily-cap-exceeded": (None, "S3 2.3.1"),
    "reason-not-permitted": (None, "S3 2.1, 2.3.1, 2.5.1, 2.5.3"),
    "expected-value-missing": (None, "S3 2.5.2"),
    "secret-number-disclosed": (None, "S3 2.5.2"),
}
#: Statuses other than 409.
STATUSES = {
    "unauthenticated": 401, "role-not-permitted-here": 403, "body-too-large": 413, "unsupported-media-type": 415,
    "not-json": 400, "invalid-message": 422, "sender-not-yours": 403, "provider-inactive": 403,
    "unknown-case": 404, "not-found": 404, "method-not-allowed": 405, "not-acceptable": 406,
    "unavailable": 503,
}  # fmt: skip
#: Tables whose content a message may change, in the order in which a difference is easiest to read.
TABLES = (
    "cases", "case_numbers", "message_log", "inbox", "inbox_ack", "cap_day", "routing", "series", "provider",
    "closed_day", "audit", "world", "planned_change", "case_party", "right_of_use", "webhook", "webhook_attempt",
    "webhook_skip",
)  # fmt: skip
KARI = {"name": "Kari Nordmann", "birth_date": "1980-01-31"}


def local(text: str) -> datetime:
    """A time on Norwegian clocks."""
    return datetime.fromisoformat(text).replace(tzinfo=OSLO)


def utc_text(at: datetime) -> str:
    """A whole second as answers write it."""
    return at.astimezone(ZoneInfo("UTC")).strftime("%Y-%m-%dT%H:%M:%SZ")


class _Server(uvicorn.Server):
    """Uvicorn without signals, and stopped by an event instead of a look ten times a second."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()
        self.end = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to pytest."""
        yield

    async def main_loop(self) -> None:
        """Serve until told."""
        self.up.set()
        await self.end.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn does it, without its rest of a tenth of a second."""
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        for _ in range(2000):
            if not (self.server_state.connections or self.server_state.tasks):
                break
            await asyncio.sleep(0.001)
        await self.lifespan.shutdown()


@cache
def _no_tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def new_client(address: str) -> httpx.AsyncClient:
    """A client that shares the costly part and no proxy of the machine."""
    return httpx.AsyncClient(
        base_url=address, verify=_no_tls(), trust_env=False, timeout=60, limits=httpx.Limits(max_connections=200)
    )


@asynccontextmanager
async def served(settings: Settings, dsn: str) -> AsyncIterator[str]:
    """The application on a loopback port, in the loop of the test; its address."""
    app = create_app(settings, dsn)
    app.state.stopping = asyncio.Event()
    # As the service binds it: a socket of no named protocol would send with Nagle's delay of 40 ms an answer.
    listener = bind("127.0.0.1", 0)
    server = _Server(
        uvicorn.Config(
            app, http="httptools", ws="none", lifespan="on", log_config=None, access_log=False, proxy_headers=False,
            timeout_graceful_shutdown=3,
        )
    )  # fmt: skip
    running = asyncio.create_task(server.serve(sockets=[listener]))
    waiting = asyncio.create_task(server.up.wait())
    await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if running.done():
        running.result()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        app.state.stopping.set()
        server.end.set()
        await running
        listener.close()


@dataclass(slots=True)
class Service:
    """A running sandbox and everybody's keys. Every call is real HTTP."""

    address: str
    client: httpx.AsyncClient
    keys: dict[str, str]
    dsn: str
    db: asyncpg.Connection
    settings: Settings
    stack: AsyncExitStack = field(repr=False)

    # --- requests ---

    def headers(self, who: str | None) -> dict[str, str]:
        """The key of a provider code, ADMIN or OPERATOR; none for None."""
        return {} if who is None else {"Authorization": f"Bearer {self.keys[who]}"}

    async def get(self, path: str, who: str | None = "OPERATOR", **params: Any) -> httpx.Response:
        """A GET; a parameter named `from_` is sent as `from`."""
        query = {name.removesuffix("_"): value for name, value in params.items() if value is not None}
        return await self.client.get(f"/v1{path}", headers=self.headers(who), params=query)

    async def read(self, path: str, who: str | None = "OPERATOR", **params: Any) -> dict[str, Any]:
        """A GET that must succeed."""
        response = await self.get(path, who, **params)
        assert response.status_code == 200, response.text
        return cast(dict[str, Any], response.json())

    async def send(self, method: str, path: str, who: str | None, body: Any) -> httpx.Response:
        """A request with a JSON body."""
        return await self.client.request(method, f"/v1{path}", headers=self.headers(who), json=body)

    async def admin(self, method: str, path: str, body: Any) -> Any:
        """An administrative change that must succeed."""
        response = await self.send(method, f"/admin{path}", "ADMIN", body)
        assert response.is_success, response.text
        return response.json() if response.content else None

    async def post(self, code: str, kind: str, *, key: str | None = None, **fields: Any) -> httpx.Response:
        """A message of `code`, with the key of `key` (its own); a field that is None is left out."""
        message = {"type": kind, "message_id": str(uuid4()), "sender": code, **fields}
        message = {name: value for name, value in message.items() if value is not None}
        return await self.send("POST", "/messages", key or code, message)

    async def accepted(self, code: str, kind: str, **fields: Any) -> dict[str, Any]:
        """A message that must be accepted; the answer."""
        response = await self.post(code, kind, **fields)
        assert response.status_code == 201, response.text
        return cast(dict[str, Any], response.json())

    async def order(self, code: str = "TELIA", **fields: Any) -> httpx.Response:
        """NP_BEST for 90012345 from TELENOR at 10:00 of the Monday that the clock starts on, unless told otherwise."""
        return await self.post(code, "NP_BEST", **order_fields(**fields))

    async def ordered(self, code: str = "TELIA", **fields: Any) -> str:
        """An order that must be accepted; the case id."""
        response = await self.order(code, **fields)
        assert response.status_code == 201, response.text
        return cast(str, response.json()["case"]["case_id"])

    async def case_in(self, state: str, **fields: Any) -> str:
        """A case of 90012345 from TELENOR to TELIA, brought to the state by messages and the clock."""
        case_id = await self.ordered(**fields)
        donor = fields.get("donor", "TELENOR")
        for step in PATHS[state]:
            match step:
                case "clock":
                    await self.clock(datetime.fromisoformat((await self.case(case_id))["porting_time"]))
                case "NP_FERD":
                    for code in (await self.case(case_id))["completion"]["missing"]:
                        await self.accepted(code, "NP_FERD", case_id=case_id)
                case "NP_GODK":
                    await self.accepted(donor, "NP_GODK", case_id=case_id)
                case "NP_FBES":
                    await self.accepted(donor, "NP_FBES", case_id=case_id, reason="number-not-held")
                case _:
                    await self.accepted("TELIA", step, case_id=case_id)
        assert (await self.case(case_id))["state"] == state
        return case_id

    # --- time ---

    async def clock(self, to: datetime | None = None, **advance: float) -> None:
        """Move the sandbox clock to an instant, or ahead: `clock(minutes=35)`."""
        target = to or await self.now() + timedelta(**advance)
        await self.send_clock(target)

    async def send_clock(self, target: datetime) -> None:
        """The clock call itself, which must succeed."""
        response = await self.send("PUT", "/sandbox/clock", "ADMIN", {"now": target.isoformat()})
        assert response.status_code == 200, response.text

    async def time_passes(self, to: datetime) -> None:
        """It gets later and nobody writes down what that has done: no clock call, no worker."""
        await self.db.execute("UPDATE world SET sandbox_now = $1", to)

    async def now(self) -> datetime:
        """The time in the sandbox."""
        return cast(datetime, await self.db.fetchval("SELECT nrdb_now()"))

    # --- looking ---

    async def case(self, case_id: str, who: str = "OPERATOR") -> dict[str, Any]:
        """A case as somebody sees it."""
        return await self.read(f"/cases/{case_id}", who)

    async def history(self, case_id: str, who: str = "OPERATOR") -> list[dict[str, Any]]:
        """What happened to a case."""
        return cast(list[dict[str, Any]], (await self.read(f"/cases/{case_id}/history", who))["items"])

    async def inbox(self, code: str, **params: Any) -> list[dict[str, Any]]:
        """The items of a code, from the first on unless told otherwise."""
        page = await self.read("/inbox", code, **{"after": 0, **params})
        return cast(list[dict[str, Any]], page["items"])

    async def inbox_types(self, code: str) -> list[str]:
        """The types of all items, a notice with its kind."""
        return [type_of(item["message"]) for item in await self.inbox(code)]

    def refused(
        self, response: httpx.Response, code: str, rule: str | None = None, status: int | None = None
    ) -> dict[str, Any]:
        """The response is the problem `code`, whole and well-formed; its facts."""
        assert response.headers["content-type"] == "application/problem+json", response.text
        problem = response.json()
        assert problem["code"] == code, response.text
        assert response.status_code == problem["status"] == (status or STATUSES.get(code, 409))
        assert problem["type"] == f"/problems/{code}"
        assert problem["title"]
        assert problem["detail"]
        assert problem["request_id"] == response.headers["x-request-id"]
        cited_rule, source = CITED.get(code, (None, None))
        if wanted := rule or cited_rule:
            assert problem["rule"] == wanted
        if source:
            assert problem["source"] == source
        return cast(dict[str, Any], problem.get("facts", {}))

    async def dump(self, *without: str) -> dict[str, list[str]]:
        """Everything that stands in the database, keys apart."""
        return {
            table: [row[0] for row in await self.db.fetch(f"SELECT t::text FROM {table} t ORDER BY t::text")]
            for table in TABLES
            if table not in without
        }

    @asynccontextmanager
    async def unchanged(self) -> AsyncIterator[None]:
        """Whatever happens inside changes nothing in the database."""
        before = await self.dump()
        yield
        after = await self.dump()
        for table, rows in before.items():
            assert after[table] == rows, f"{table} has changed"

    async def second(self) -> "Service":
        """Another process on the same database: its own server, pool and client."""
        address = await self.stack.enter_async_context(served(self.settings, self.dsn))
        client = await self.stack.enter_async_context(new_client(address))
        return Service(address, client, self.keys, self.dsn, self.db, self.settings, self.stack)


#: The messages that lead to each state; `clock` is the porting time.
PATHS: Mapping[str, tuple[str, ...]] = {
    "awaiting_donor": (),
    "awaiting_recipient": ("NP_GODK",),
    "scheduled": ("NP_GODK", "NP_IVER"),
    "awaiting_completion": ("NP_GODK", "NP_IVER", "clock"),
    "completed": ("NP_GODK", "NP_IVER", "clock", "NP_FERD"),
    "rejected": ("NP_FBES",),
    "cancelled": ("NP_ANNU",),
    "obsolete": ("clock",),
}


def order_fields(**fields: Any) -> dict[str, Any]:
    """The fields of a lawful NP_BEST, with others in their place."""
    return {
        "donor": "TELENOR",
        "number_type": "E",
        "main_number": "90012345",
        "porting_time": "2026-11-23T10:00:00+01:00",
        "customer": KARI,
        "authorisation_reference": "ref-1",
        **fields,
    }


def type_of(message: Mapping[str, Any]) -> str:
    """A message's type; of a notice also what it tells."""
    return f"NOTICE {message['notice']}" if message["type"] == "NOTICE" else cast(str, message["type"])


@asynccontextmanager
async def running(settings: Settings, dsn: str, keys: dict[str, str]) -> AsyncIterator[Service]:
    """The service on a database, and a connection beside it."""
    async with AsyncExitStack() as stack:
        db = await asyncpg.connect(dsn)
        stack.push_async_callback(db.close)
        address = await stack.enter_async_context(served(settings, dsn))
        client = await stack.enter_async_context(new_client(address))
        yield Service(address, client, keys, dsn, db, settings, stack)


async def eventually(check: Callable[[], Any], seconds: float = 5.0) -> None:
    """Look again and again until the check (an async function) is true."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not await check():
        assert asyncio.get_running_loop().time() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)
