"""`nrdb demo`: five providers play every path of a porting on a sandbox, and every answer is asserted.

The demo is a client of the service and nothing else: it speaks HTTP, and imports no part of what it tests.
"""

import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from types import FrameType
from typing import NoReturn

from nrdb.demo.checks import DifferenceError
from nrdb.demo.program import OPENING, Act, program
from nrdb.demo.service import Service, ServiceError
from nrdb.demo.show import Played, Show
from nrdb.demo.stage import OSLO, Book, Stage
from nrdb.demo.wire import Wire

__all__ = ["main"]

#: A Monday with five working days after it; the sandbox of our own starts there.
_FIRST_DAY = date(2026, 11, 23)
_WEEKS_TO_LOOK = 30
_CANNOT_START = 2
_INTERRUPTED = 130


class _NotPlayableError(Exception):
    """What was asked for cannot be played; the text says what would be right."""


def main(
    *,
    worker: bool = True,
    kill: bool = False,
    urls: Sequence[str] = (),
    key: str | None = None,
    verbose: bool = False,
) -> NoReturn:
    """Play, and end the process: 0 as promised, 1 with differences, 2 where it could not begin.

    With `urls` it plays on a fresh sandbox that runs already, asking its processes in turn, with its admin
    `key`; else it starts one of its own, without a worker where `worker` is False. `kill` kills that one.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    show = Show(verbose=verbose)
    try:
        with _sandbox(urls, key, worker=worker, kill=kill, show=show) as stage:
            code = _perform(stage, show, program(kill=kill))
    except (_NotPlayableError, ServiceError, DifferenceError) as error:
        sys.stderr.write(f"nrdb demo: {error}\n")
        code = _CANNOT_START
    except KeyboardInterrupt:
        sys.stderr.write("nrdb demo: interrupted; the sandbox is gone\n")
        code = _INTERRUPTED
    raise SystemExit(code)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


@contextmanager
def _sandbox(urls: Sequence[str], key: str | None, *, worker: bool, kill: bool, show: Show) -> Iterator[Stage]:
    """A stage on a sandbox of our own, or on the one that was named."""
    if urls:
        if kill or not worker:
            raise _NotPlayableError("--kill and --no-worker are for a sandbox of the demo's own, without --url")
        if not key:
            raise _NotPlayableError("--url needs the sandbox's admin key, in NRDB_KEY or --key")
        wire = Wire(tuple(urls))
        try:
            yield Stage(wire, key, _free_week(wire, key), show)
        finally:
            wire.close()
        return
    start = datetime(_FIRST_DAY.year, _FIRST_DAY.month, _FIRST_DAY.day, 8, tzinfo=OSLO).isoformat()
    with Service(worker=worker, clock_start=start) as service:
        wire = Wire((service.url,))
        try:
            yield Stage(wire, service.admin_key, _FIRST_DAY, show, service)
        finally:
            wire.close()


def _free_week(wire: Wire, key: str) -> date:
    """The first Monday after the sandbox clock with two weeks of working days; the market must be empty."""
    clock = wire.ask("GET", "/v1/sandbox/clock", key=key)
    if clock.status != 200:
        raise _NotPlayableError(
            f"there is no sandbox that this key opens: {clock.status} {clock.body.get('detail', '')}"
        )
    codes = [item["code"] for item in wire.ask("GET", "/v1/providers", key=key).body["items"]]
    if codes != ["0"]:
        raise _NotPlayableError("the sandbox has providers already: the demo needs an empty one, without NRDB_SEED")
    today = datetime.fromisoformat(clock.body["now"]).astimezone(OSLO).date()
    monday = today + timedelta(days=7 - today.weekday())
    for week in range(_WEEKS_TO_LOOK):
        first = monday + timedelta(weeks=week)
        span = {"from": first.isoformat(), "to": (first + timedelta(days=12)).isoformat()}
        days = wire.ask("GET", "/v1/calendar", key=key, params=span).body["items"]
        if sum(day["working_day"] for day in days) == 10:
            return first
    raise _NotPlayableError("no two weeks of working days lie ahead of the sandbox clock")


def _perform(stage: Stage, show: Show, acts: Sequence[Act]) -> int:
    """The opening and the acts; an act that differs ends, and the next one begins at its own hour."""
    began = time.perf_counter()
    with show:
        total = len(acts) + 1
        show.begin(OPENING.title, total)
        stage.clock(0, "08:00")
        if _play(stage, show, OPENING):
            for act in acts:
                show.begin(act.title, total)
                _play(stage, show, act)
    if stage.followers is not None:
        stage.followers.close()
    show.tables(stage)
    return show.verdict(time.perf_counter() - began, stage.service.errors() if stage.service else [])


def _play(stage: Stage, show: Show, act: Act) -> bool:
    """One act; True where everything came as expected."""
    began, checks_before, answered_before = time.perf_counter(), stage.checks.count, len(stage.answered)
    stage.book = Book()
    outcome, difference = "", None
    try:
        outcome = act.play(stage)
        stage.nobody_else_was_told()
    except (DifferenceError, KeyError, IndexError, TypeError, ValueError, ServiceError) as error:
        difference = str(error) if isinstance(error, DifferenceError) else _shape(error)
        stage.forget(answered_before)
    checks = stage.checks.count - checks_before
    show.end(Played(act.title, stage.book, checks, time.perf_counter() - began, outcome, difference))
    return difference is None


def _shape(error: Exception) -> str:
    """An answer without the field that the story looked into."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    place = f"{frame.tb_frame.f_code.co_name}, line {frame.tb_lineno}" if frame else "?"
    return f"an answer has another shape: {type(error).__name__}: {error} (in {place})"
