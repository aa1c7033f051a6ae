"""`nrdb send FILE.ndjson`: a file of messages to the service, stopped and resumed at will.

A client and nothing else: it speaks HTTP and imports no part of the service. What it holds of the file is one request.

httpx sends a whole request before it reads of the answer, and the service stops reading a sender that does not read
its answers; so a request is one that the service takes in whole whatever becomes of the answers (`REQUEST_BYTES`).
"""

import asyncio
import signal
import sys
from pathlib import Path

import httpx
import uvloop

from nrdb.sending.answers import Answers, AnswersError
from nrdb.sending.lines import Queue, read_lines
from nrdb.sending.posting import Posting, RefusedError, TooLongAwayError
from nrdb.sending.show import Show, Tally

__all__ = ["send"]

_ALL_ACCEPTED = 0
_SOME_REFUSED = 1
_NOT_DONE = 2
#: A batch of a service at work is answered line by line; silence for so long is a broken connection.
_TIMEOUT = httpx.Timeout(60, connect=10)


class WrongUseError(Exception):
    """What was asked for cannot be done; the text says what would be right."""


def send(file: Path, *, url: str, key: str | None, restart: bool, patience: float) -> int:
    """Send what has no answer yet; the exit code: 0 all accepted, 1 some refused, 2 wrong use or not all sent.

    `patience` is for how many seconds in a row it waits for a service that is away.
    """
    try:
        headers = _headers(key)
        address = _address(url)
        if not file.is_file():
            raise WrongUseError(f"{file} is no file that can be read")
        return uvloop.run(_send(file, address, headers, restart=restart, patience=patience))
    except (WrongUseError, AnswersError) as error:
        sys.stderr.write(f"nrdb send: {error}\n")
    except OSError as error:
        sys.stderr.write(f"nrdb send: {error.filename or file}: {error.strerror or error}\n")
    return _NOT_DONE


def _headers(key: str | None) -> dict[str, str]:
    if not key:
        raise WrongUseError("a provider's key is needed, in NRDB_KEY or --key")
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise WrongUseError("the key holds signs that no key has")
    return {"Authorization": f"Bearer {key}"}


def _address(url: str) -> str:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL("")
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise WrongUseError("NRDB_URL or --url must be like http://127.0.0.1:8000")
    return url.rstrip("/")


async def _send(file: Path, address: str, headers: dict[str, str], *, restart: bool, patience: float) -> int:
    tally = Tally()
    with (
        file.open("rb") as source,
        Answers(file, restart=restart) as answers,
        Show(file, tally, answers.path) as show,
    ):
        lines = read_lines(source)
        answers.resume(lines, tally)
        show.begin()
        async with httpx.AsyncClient(base_url=address, headers=headers, timeout=_TIMEOUT) as client:
            posting = Posting(client, Queue(lines), answers, show, patience)
            stopped = await _until_stopped(posting)
        show.end(stopped)
    if stopped is not None:
        return _NOT_DONE
    return _ALL_ACCEPTED if tally.all_accepted else _SOME_REFUSED


async def _until_stopped(posting: Posting) -> str | None:
    """Send, until all is answered (None) or it cannot go on (why not).

    At a first signal the request under way gets its answers; a second one ends the patience.
    """
    loop = asyncio.get_running_loop()
    work = asyncio.create_task(posting.run())

    def interrupt() -> None:
        if posting.stop.is_set():
            work.cancel()
        posting.stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupt)
    try:
        return None if await work else "Stopped."
    except (RefusedError, TooLongAwayError) as error:
        return str(error)
    except asyncio.CancelledError:
        return "Stopped."
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
