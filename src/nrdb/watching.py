"""`nrdb follow`: a provider's inbox on the terminal, live. It looks on and acknowledges nothing."""

import asyncio
import json
import logging
import signal
import sys
from collections.abc import Mapping
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

import httpx

from nrdb.client import Client, FileCursor, Item, MemoryCursor, NrdbError, State

_FAILED = 1
_WRONG_USE = 2


def watch(
    *,
    url: str,
    key: str | None,
    code: str | None,
    after: int | None,
    cursor: Path | None,
    kind: str | None,
    plain: bool,
) -> int:
    """Print items until Ctrl-C; the exit code. `plain` is for a terminal, otherwise each line is an item as JSON."""
    if not key:
        sys.stderr.write("nrdb follow: a key is needed, in NRDB_KEY or --key\n")
        return _WRONG_USE
    # `_tell` says the same, for people.
    logging.getLogger("nrdb.client").addHandler(logging.NullHandler())
    try:
        asyncio.run(_watch(url, key, code, after, cursor, kind, plain=plain))
    except BrokenPipeError:
        raise
    except (NrdbError, ValueError, OSError, httpx.InvalidURL) as error:
        sys.stderr.write(f"nrdb follow: {error}\n")
        return _FAILED
    return 0


async def _watch(
    url: str, key: str, code: str | None, after: int | None, file: Path | None, kind: str | None, *, plain: bool
) -> None:
    place = FileCursor(file) if file is not None else MemoryCursor()
    if after is None:
        after = await place.load()
    work = asyncio.create_task(_print_items(url, key, code, after, place, kind, plain=plain))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, work.cancel)
    with suppress(asyncio.CancelledError):
        await work


async def _print_items(
    url: str,
    key: str,
    code: str | None,
    after: int | None,
    place: FileCursor | MemoryCursor,
    kind: str | None,
    *,
    plain: bool,
) -> None:
    async with (
        Client(url, key, code=code) as client,
        aclosing(client.items(after, type=kind, on_state=_tell)) as items,
    ):
        async for item in items:
            sys.stdout.write(f"{line(item) if plain else _json(item)}\n")
            sys.stdout.flush()
            await place.save(item.seq)


def _tell(state: State) -> None:
    text = {
        "stream": "following, by stream",
        "poll": f"following, by asking: {state.reason}" if state.reason else "following, by asking",
        "away": f"the service is away ({state.reason}); trying on",
    }[state.by]
    sys.stderr.write(f"-- {text}\n")
    sys.stderr.flush()


def _json(item: Item) -> str:
    at = item.at.isoformat().replace("+00:00", "Z")
    return json.dumps({"seq": item.seq, "at": at, "to": item.to, "message": item.message}, ensure_ascii=False)


def line(item: Item) -> str:
    """One item for the eye: its place, when, what, from whom, the case as it was left, and its numbers."""
    case = item.case
    parts = [
        f"{item.seq:>8}",
        f"{item.at:%Y-%m-%d %H:%M:%S}Z",
        f"{item.type}{f' {item.notice}' if item.notice else ''}",
        f"from {item.sender}",
    ]
    if case:
        parts += case_shown(case)
    if item.case_id:
        parts.append(item.case_id)
    return "  ".join(parts)


def case_shown(case: Mapping[str, Any]) -> list[str]:
    """A case for the eye: its numbers, its parties and its state."""
    return [_numbers(case), f"{case.get('recipient') or '-'} <- {case.get('donor')}", str(case.get("state"))]


def _numbers(case: Mapping[str, Any]) -> str:
    """As far as they fit a line."""
    ranges = case.get("numbers") or []
    shown = [
        first if (first := found["first"]) == found["last"] else f"{first}-{found['last']}" for found in ranges[:3]
    ]
    return ",".join(shown) + (f" and {len(ranges) - 3} more" if len(ranges) > 3 else "")
