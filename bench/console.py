"""The console: pages against the API calls that they show, their bytes, and work lists while cases pile up."""

import re
import statistics
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from operator import truediv
from pathlib import Path

import asyncpg
import httpx
from pydantic import SecretStr
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bench.market import ADMIN_KEY, CODES, DATA_KEY
from bench.service import Service
from nrdb.api.guard import CALLER
from nrdb.app import create_app
from nrdb.settings import Settings

#: Cases that are open, in a small database and in a large one: they come and go, and what has ended piles up.
OPEN = 5_000
#: How often each page is asked for.
LOOKS = 25
#: A page that takes long is asked for less often: until it has taken so many seconds, and so many times at least.
LONGEST, FEWEST = 10, 3
_LISTS = ("mine", "others", "near", "overdue", "obsolete")
_ASSETS = re.compile(r'(?:href|src)="(/console/static/[^"]+)"')

# The newest cases by number stay open, in all states that somebody must act in: some are due soon, some have waited for
# days. The others have been completed, or came to nothing, a hundred of them today.
_AGE = """
UPDATE cases SET state = 'completed', due_at = NULL, effective_time = created_at, version = version + 2
 WHERE main_number < $1;
UPDATE cases SET state = 'obsolete', effective_time = created_at - interval '30 days'
 WHERE main_number < $1 AND main_number % 50 = 7;
UPDATE cases SET state = 'obsolete' WHERE main_number >= $1 - 100 AND main_number < $1;
UPDATE cases SET state = 'awaiting_recipient' WHERE main_number >= $1 AND main_number / 10 % 5 = 2;
UPDATE cases SET effective_time = now() + interval '3 hours', due_at = now() + interval '3 hours'
 WHERE main_number >= $1 AND main_number / 10 % 5 = 4;
UPDATE case_party p SET created_at = p.created_at - interval '7 days'
  FROM cases c WHERE c.case_id = p.case_id AND c.main_number >= $1 AND c.main_number / 10 % 5 = 3;
UPDATE cases SET state = 'awaiting_completion', due_at = NULL, created_at = created_at - interval '7 days',
       effective_time = created_at - interval '6 days', expected = ARRAY[donor, recipient], received = ARRAY[donor]
 WHERE main_number >= $1 AND main_number / 10 % 5 = 3;
UPDATE case_numbers n SET during = tstzrange(lower(during), lower(during) + interval '1 hour')
  FROM cases c WHERE c.case_id = n.case_id AND c.main_number < $1;
ANALYZE
"""


async def age(dsn: str, count: int) -> None:
    """Most cases end; `OPEN` of them wait for somebody."""
    connection = await asyncpg.connect(dsn, command_timeout=3600)
    try:
        newest = 4_790_000_000 + count - OPEN
        for statement in _AGE.replace("$1", str(newest)).split(";"):
            await connection.execute(statement)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


@dataclass(frozen=True)
class Call:
    """What a page asks the API."""

    method: str
    path: str
    content: bytes


@dataclass(frozen=True)
class Look:
    """A page: how long it took, how long its calls took one after the other, and the bytes of a first visit.

    `ratio` is of the page to its calls, asked in turn; there is none for a page that asks nothing.
    """

    name: str
    page_ms: float
    calls_ms: float
    ratio: float | None
    calls: int
    kilobytes: float


async def pages(running: Service, folder: Path) -> list[Look]:
    """Every main page, as a provider and as an admin see them."""
    code = CODES[10]
    connection = await asyncpg.connect(running.dsn)
    ((case_id, number, message_id),) = await connection.fetch(
        """SELECT case_id, substr(main_number::text, 3), newest_order FROM cases
            WHERE recipient = $1 AND state = 'awaiting_completion' LIMIT 1""",
        code,
    )
    await connection.close()
    theirs = ("", *(f"work/{name}" for name in _LISTS), f"cases/{case_id}", f"numbers/{number}",
              f"messages/{message_id}", "post", f"post/NP_BEST?main_number={number}", "limits")  # fmt: skip
    ours = ("overview", "providers", f"providers/{code}", "series", "limits", f"limits?code={code}", "calendar",
            "rules", "admin", "admin/keys", "admin/audit", f"admin/change/provider-change?code={code}")  # fmt: skip
    found = []
    for key, paths in ((running.market.keys[code], theirs), (ADMIN_KEY, ours)):
        async with signed_in(running, key) as person:
            calls = await _calls(running, folder, person, paths)
            found += [await _look(running, person, key, path, calls[path]) for path in paths]
    return found


async def lists(few: Service, many: Service) -> Mapping[str, tuple[list[float], list[float]]]:
    """Seconds that each work list takes with few cases and with many, in turn, as a provider and an admin see it."""
    took: dict[str, tuple[list[float], list[float]]] = {}
    for reader in (CODES[10], "admin"):
        async with _reader(few, reader) as small, _reader(many, reader) as large:
            for name in _LISTS:
                times: tuple[list[float], list[float]] = ([], [])
                for _ in range(LOOKS):
                    for person, place in ((small, 0), (large, 1)):
                        times[place].append(await _seconds(person, f"/console/work/{name}"))
                took[f"{name}, {'a provider' if reader in CODES else 'an admin'}"] = times
    return took


def _reader(running: Service, reader: str) -> AbstractAsyncContextManager[httpx.AsyncClient]:
    return signed_in(running, running.market.keys.get(reader, ADMIN_KEY))


@asynccontextmanager
async def signed_in(running: Service, key: str) -> AsyncIterator[httpx.AsyncClient]:
    """A browser whose person has signed in with a key."""
    async with _client(running, {}) as client:
        answer = await client.post("/console/sign-in", data={"key": key})
        if answer.status_code != httpx.codes.SEE_OTHER:
            raise RuntimeError(answer.text[:200])
        cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    # As a header: the client's own store of cookies takes a tenth of the time of a page, which is not the page's.
    async with _client(running, {"Cookie": cookie}) as client:
        yield client


def _client(running: Service, headers: Mapping[str, str]) -> httpx.AsyncClient:
    """People and machines ask by the same client."""
    return httpx.AsyncClient(base_url=running.market.url, timeout=60, headers={"Accept-Encoding": "gzip", **headers})


async def _seconds(person: httpx.AsyncClient, path: str) -> float:
    began = time.perf_counter()
    (await person.get(path)).raise_for_status()
    return time.perf_counter() - began


async def _calls(
    running: Service, folder: Path, person: httpx.AsyncClient, paths: Sequence[str]
) -> dict[str, list[Call]]:
    """What each page asks the API, as an application of our own on the same database asks it for the same person."""
    settings = Settings(data_dir=folder, admin_key=SecretStr(ADMIN_KEY), data_key=SecretStr(DATA_KEY))
    app = create_app(settings, running.dsn)
    asked: list[Call] = []
    app.add_middleware(_Noting, asked)
    found = {}
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url=running.market.url, headers=person.headers) as own,
    ):
        for path in paths:
            asked.clear()
            (await own.get(f"/console/{path}")).raise_for_status()
            found[path] = list(asked)
    return found


class _Noting:
    """Notes what the console asks the API; what people ask goes by."""

    def __init__(self, app: ASGIApp, asked: list[Call]) -> None:
        self._app = app
        self._asked = asked

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or CALLER not in scope:
            await self._app(scope, receive, send)
            return
        body = b""

        async def read() -> Message:
            nonlocal body
            message = await receive()
            body += message.get("body", b"")
            return message

        await self._app(scope, read, send)
        self._asked.append(Call(scope["method"], f"{scope['path']}?{scope['query_string'].decode()}", body))


async def _look(running: Service, person: httpx.AsyncClient, key: str, path: str, calls: Sequence[Call]) -> Look:
    address = f"/console/{path}"
    page = (await person.get(address)).raise_for_status()
    size = page.num_bytes_downloaded
    for asset in set(_ASSETS.findall(page.text)):
        size += (await person.get(asset)).raise_for_status().num_bytes_downloaded
    ours: list[float] = []
    theirs: list[float] = []
    async with _client(running, {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}) as api:
        await _ask(api, calls)
        while len(ours) < LOOKS and (len(ours) < FEWEST or sum(ours) < LONGEST):
            ours.append(await _seconds(person, address))
            theirs.append(await _ask(api, calls))
    return Look(
        re.sub(r"[0-9a-f-]{36}", "…", path) or "start", statistics.median(ours) * 1e3, statistics.median(theirs) * 1e3,
        statistics.median(map(truediv, ours, theirs)) if calls else None, len(calls), size / 1e3,
    )  # fmt: skip


async def _ask(api: httpx.AsyncClient, calls: Sequence[Call]) -> float:
    """Seconds that the calls take one after the other."""
    began = time.perf_counter()
    for call in calls:
        (await api.request(call.method, call.path, content=call.content)).raise_for_status()
    return time.perf_counter() - began
