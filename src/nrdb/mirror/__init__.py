"""`nrdb mirror`: a local copy of the routing table that keeps itself current and can prove that it is equal.

A client and nothing else: it speaks HTTP and imports no part of the service.
"""

import asyncio
import json
import logging
import signal
import sqlite3
import sys
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path

import httpx

from nrdb.client import Client, NrdbError, UnavailableError
from nrdb.mirror.comparing import Comparison, Difference, compare
from nrdb.mirror.folder import LINK, Folder, FolderError
from nrdb.mirror.keeping import DifferentError, Keeper
from nrdb.mirror.rows import StoredRow, national, text_of
from nrdb.mirror.server import OtherSourceError, Server
from nrdb.mirror.table import DamagedError, Table, damage_told
from nrdb.mirror.telling import Teller

__all__ = ["run", "verify"]

_DIFFERENT = 1
_FAILED = 1
#: The wrong folder, service or key: nothing has been made equal, or compared.
_WRONG_USE = 2
_OLD = 3
#: Seconds in a row for which a service that is away is waited for where there is an end to it.
_PATIENCE = 60.0
#: Microseconds.
_SECOND = 1_000_000


def run(folder: Path, *, url: str, key: str | None, once: bool, quick: bool, every: float, as_json: bool) -> int:
    """Keep the copy current until Ctrl-C, or make it current `once`; the exit code."""
    if not key:
        return _say("run", "a key is needed, in NRDB_KEY or --key", _WRONG_USE)
    logging.getLogger("nrdb.client").addHandler(logging.NullHandler())
    try:
        with Folder(folder) as locked, Teller(as_json=as_json) as tell:
            asyncio.run(_until_stopped(locked, tell, url, key, once=once, quick=quick, every=every))
    except BrokenPipeError:
        raise
    except OtherSourceError as error:
        return _say("run", f"{error}: take {folder} away to copy it, or name another folder", _WRONG_USE)
    except (FolderError, NrdbError, ValueError, OSError, sqlite3.Error, httpx.HTTPError, httpx.InvalidURL) as error:
        return _say("run", str(error) or type(error).__name__, _FAILED)
    return 0


async def _until_stopped(
    folder: Folder, tell: Teller, url: str, key: str, *, once: bool, quick: bool, every: float
) -> None:
    work = asyncio.create_task(_keep(folder, tell, url, key, once=once, quick=quick, every=every))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, work.cancel)
    with suppress(asyncio.CancelledError):
        await work


async def _keep(folder: Folder, tell: Teller, url: str, key: str, *, once: bool, quick: bool, every: float) -> None:
    async with Client(url, key, patience=_PATIENCE) as client:
        keeper = Keeper(folder, Server(client), tell)
        try:
            await keeper.open(check=not quick)
            while True:
                try:
                    await keeper.step()
                except (UnavailableError, httpx.RequestError) as error:
                    if once:
                        raise
                    why = str(error) or type(error).__name__
                    tell("away", f"the service is away ({why}); the copy is as it was; trying on", reason=why)
                if once:
                    return
                await asyncio.sleep(every)
        finally:
            keeper.close()


def verify(folder: Path, *, url: str, key: str | None, max_age: float, as_json: bool) -> int:
    """Compare the copy with the service's table.

    The exit code: 0 equal, 1 different, 2 not compared, 3 equal once it has caught up, but `max_age` seconds old.
    """
    if not key:
        return _say("verify", "a key is needed, in NRDB_KEY or --key", _WRONG_USE)
    logging.getLogger("nrdb.client").addHandler(logging.NullHandler())
    try:
        with Teller(as_json=as_json) as tell:
            found, requests = asyncio.run(_verify(folder, tell, url, key))
    except (DamagedError, DifferentError) as error:
        return _say("verify", f"{folder / LINK}: {error}; nrdb mirror run copies it anew", _DIFFERENT)
    except BrokenPipeError:
        raise
    except (NrdbError, ValueError, OSError, sqlite3.Error, httpx.HTTPError, httpx.InvalidURL) as error:
        return _say("verify", str(error) or type(error).__name__, _WRONG_USE)
    sys.stdout.write(_as_json(found, requests) if as_json else _as_text(found, requests))
    if not found.equal:
        return _DIFFERENT
    return _OLD if found.behind > max_age * _SECOND else 0


async def _verify(folder: Path, tell: Teller, url: str, key: str) -> tuple[Comparison, int]:
    if not (folder / LINK).is_symlink():
        raise ValueError(f"{folder} holds no copy: nrdb mirror run {folder} makes one")
    async with Client(url, key, patience=_PATIENCE) as client:
        server = Server(client)
        kept = Table.open(folder / LINK)
        try:
            table = kept.scratch()
        finally:
            kept.close()
        with closing(table), damage_told():
            for leaves in table.reckon(table.state.at):
                tell.progress(f"reckoning the copy's hashes: {leaves:,} blocks of numbers")
            return await compare(table, server), server.requests


def _as_json(found: Comparison, requests: int) -> str:
    state = found.state
    return (
        json.dumps(
            {
                "equal": found.equal,
                "file": {"seq": found.kept.seq, "at": text_of(found.kept.at)},
                "behind": {"changes": found.changes_behind, "seconds": found.behind / _SECOND},
                "source": state.source,
                "seq": state.seq,
                "at": text_of(state.at),
                "root": state.root,
                "requests": requests,
                "differences": [difference.view() for difference in found.differences],
                "more": found.more,
            }
        )
        + "\n"
    )


def _as_text(found: Comparison, requests: int) -> str:
    state = found.state
    kept = f"the file is of {text_of(found.kept.at)}, at {found.kept.seq}: {_behind(found)}"
    where = f"at {state.seq}, {text_of(state.at)} ({requests} requests)"
    if found.equal:
        # What was compared is a copy that has caught up, whatever its readers see.
        return f"{kept}\nequal {where}, root {state.root}\n"
    lines = [kept, f"different {where}"]
    for difference in found.differences:
        lines += _difference_shown(difference)
    if found.more:
        lines.append(f"and in {len(found.more)} more blocks: {', '.join(found.more[:20])}")
    return "\n".join(lines) + "\n"


def _behind(found: Comparison) -> str:
    changes = "1 change" if found.changes_behind == 1 else f"{found.changes_behind:,} changes"
    return f"{changes} and {timedelta(seconds=found.behind // _SECOND)} behind"


def _difference_shown(difference: Difference) -> list[str]:
    first, last = national(difference.first), national(difference.last)
    lines = [first if first == last else f"{first}-{last}"]
    for name, rows in (("copy", difference.copy), ("server", difference.server)):
        lines += [f"  {name:6}  {_row_shown(row)}" for row in rows] or [f"  {name:6}  nothing"]
    return lines


def _row_shown(row: StoredRow) -> str:
    _, _, holder, network, routing_number, range_holder, target, begins, ends = row
    parts = [f"{holder} in {network or '-'}", f"routing number {routing_number or '-'}", f"range holder {range_holder}"]
    if target is not None:
        parts.append(f"target {national(target)}")
    return ", ".join([*parts, f"from {text_of(begins)}" + ("" if ends is None else f" until {text_of(ends)}")])


def _say(command: str, text: str, code: int) -> int:
    sys.stderr.write(f"nrdb mirror {command}: {text}\n")
    return code
