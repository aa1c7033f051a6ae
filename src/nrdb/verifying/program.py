"""The command: replay, compare, tell."""

import json
import secrets
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import asyncpg

from nrdb.clock import format_time, monotonic
from nrdb.data_key import open_vault
from nrdb.db import dumps
from nrdb.settings import Settings
from nrdb.verifying.compare import Difference, differing_cases, differing_routing
from nrdb.verifying.events import Event, read_beginning, read_events
from nrdb.verifying.replay import RefusedError, empty_service

#: Events between two lines about how far it has come.
_TOLD_AFTER = 1000
Tell = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was accepted then and is not accepted again; the text says what and why."""

    text: str


#: What is done with a finding as soon as there is one. Nobody else keeps it: a lost table is millions of them.
Found = Callable[[Refusal | Difference], object]


@dataclass(slots=True)
class Verdict:
    """What the replay has come to: how many events, and how much of it is otherwise."""

    at: datetime
    beginning: int = 0
    events: int = 0
    refused: int = 0
    differences: int = 0

    @property
    def equal(self) -> bool:
        """Whether everything was accepted again, and led to the same."""
        return not (self.refused or self.differences)


async def verify(settings: Settings, dsn: str, tell: Tell, found: Found) -> Verdict:
    """Replay what stands in the logs, as of one moment, and compare. The service may go on meanwhile."""
    source = await _connect(dsn)
    try:
        vault = await open_vault(source, settings)
        async with (
            _empty_database(dsn) as empty,
            source.transaction(isolation="repeatable_read", readonly=True),
        ):
            now = await source.fetchval("SELECT nrdb_now()")
            beginning = await read_beginning(source)
            first = await source.fetchval(
                "SELECT least($1, (SELECT min(at) FROM audit), (SELECT min(at) FROM message_log))", now
            )
            start = min(first, *(event.at for event in beginning))
            async with empty_service(empty, start, source, vault) as replay:
                verdict = Verdict(now, beginning=sum(event.name != "series-imported" for event in beginning))
                began = monotonic()
                async for event in _all(beginning, read_events(source)):
                    try:
                        await replay.say(event)
                    except RefusedError as error:
                        verdict.refused += 1
                        found(Refusal(str(error)))
                    verdict.events += 1
                    if verdict.events % _TOLD_AFTER == 0:
                        pace = verdict.events / (monotonic() - began)
                        tell(f"{verdict.events} events replayed, {pace:.0f} a second, up to {format_time(event.at)}")
                await replay.end(now)
                await _compare(source, empty, replay.ids, verdict, found)
        return verdict
    finally:
        await source.close()


async def _all(beginning: Sequence[Event], events: AsyncIterator[Event]) -> AsyncIterator[Event]:
    """In order of time: a plan may have been imported in the middle."""
    waiting = deque(beginning)
    async for event in events:
        while waiting and waiting[0].at <= event.at:
            yield waiting.popleft()
        yield event
    for event in waiting:
        yield event


async def _compare(source: asyncpg.Connection, empty: str, ids: dict[str, str], verdict: Verdict, found: Found) -> None:
    replayed = await _connect(empty)
    try:
        async with replayed.transaction(isolation="repeatable_read", readonly=True):
            async for difference in differing_routing(source, replayed):
                verdict.differences += 1
                found(difference)
            async for difference in differing_cases(source, replayed, verdict.at, ids):
                verdict.differences += 1
                found(difference)
    finally:
        await replayed.close()


async def _connect(dsn: str) -> asyncpg.Connection:
    connection = await asyncpg.connect(dsn, server_settings={"timezone": "UTC", "application_name": "nrdb verify"})
    await connection.set_type_codec("json", schema="pg_catalog", encoder=dumps, decoder=json.loads)
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=dumps, decoder=json.loads)
    return connection


@asynccontextmanager
async def _empty_database(dsn: str) -> AsyncIterator[str]:
    """A database of its own on the same server, gone at the end."""
    name = f"nrdb_verify_{secrets.token_hex(6)}"
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(f"CREATE DATABASE {name}")
        try:
            yield urlsplit(dsn)._replace(path=f"/{name}").geturl()
        finally:
            await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()
