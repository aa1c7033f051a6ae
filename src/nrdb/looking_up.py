"""`nrdb lookup`: where calls to many numbers go, as a table, JSON or CSV. A client and nothing else."""

import asyncio
import csv
import json
import logging
import re
import sys
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, Literal

import httpx
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from nrdb.client import Client, NrdbError
from nrdb.client.requests import read_object

Form = Literal["table", "json", "csv"]
_UNKNOWN = 1
_WRONG_USE = 2
#: Numbers in one request: the most that the service takes.
_AT_ONCE = 10_000
_FIELDS = (
    "number", "holder", "network", "routing_number", "range_holder", "ported", "since", "until", "target_number",
    "tel_uri", "error",
)  # fmt: skip
#: What people may write in a number, and what is left of it then.
_BETWEEN = re.compile(r"[ \t\u00a0.-]")
_NUMBER = re.compile(r"(\+47)?[0-9]{1,15}", re.ASCII)
#: A longer line is no number, and is not read into memory.
_LINE = 1000
_SHOWN = 20
_PLAIN_WIDTH = 160


class _Input:
    """The numbers, and what was found wrong with their lines."""

    def __init__(self) -> None:
        self.wrong = 0

    def read(self, lines: Iterable[tuple[str, str]]) -> Iterator[str]:
        """The numbers of lines, each with the name of its place; the others are told."""
        for place, line in lines:
            text = _BETWEEN.sub("", line.strip())
            # No number of the plan begins with 00.
            text = text.replace("0047", "+47", 1) if text.startswith("0047") else text
            if not text:
                continue
            if _NUMBER.fullmatch(text):
                yield text
                continue
            self.wrong += 1
            if self.wrong <= _SHOWN:
                shown = line.strip()[:40]
                sys.stderr.write(f"nrdb lookup: {place}: {shown!r} is no number: digits, with or without +47\n")


def look_up(numbers: Sequence[str], file: Path | None, *, at: str | None, url: str, key: str | None, form: Form) -> int:
    """Print the answers in the order asked; the exit code."""
    if not key:
        return _say("a key is needed, in NRDB_KEY or --key")
    if numbers and file is not None:
        return _say("name numbers or a file, not both")
    logging.getLogger("nrdb.client").addHandler(logging.NullHandler())
    given = _Input()
    try:
        with ExitStack() as stack:
            lines = _named(numbers) if numbers else _lines(_opened(stack, file), str(file or "-"))
            asked = given.read(lines)
            some = list(islice(asked, 1))
            unknown = asyncio.run(_print(chain(some, asked), at, url, key, form)) if some else 0
    except BrokenPipeError:
        raise
    except (NrdbError, ValueError, OSError, httpx.InvalidURL) as error:
        return _say(str(error))
    if given.wrong:
        return _say(f"{given.wrong:,} lines are no numbers")
    if not some:
        return _say("there is no number to look up: name some, or give them in --file or on the input, one a line")
    return _UNKNOWN if unknown else 0


def _opened(stack: ExitStack, file: Path | None) -> BinaryIO:
    if file is None or str(file) == "-":
        return sys.stdin.buffer
    return stack.enter_context(file.open("rb"))


def _named(numbers: Sequence[str]) -> Iterator[tuple[str, str]]:
    return ((f"argument {place}", text) for place, text in enumerate(numbers, 1))


def _lines(source: BinaryIO, name: str) -> Iterator[tuple[str, str]]:
    """Each line with its number; of one that is far too long as much as shows that it is no number."""
    place = 0
    while piece := source.readline(_LINE):
        place += 1
        line = piece
        while not piece.endswith(b"\n") and (piece := source.readline(_LINE)):
            pass
        text = line.decode("utf-8", errors="replace")
        yield f"{name} line {place}", text.removeprefix("\ufeff") if place == 1 else text


async def _print(numbers: Iterator[str], at: str | None, url: str, key: str, form: Form) -> int:
    """How many of them are unknown."""
    unknown = 0
    show = _SHOW[form]()
    async with Client(url, key, patience=60) as client:
        async for items in _answers(client, numbers, at):
            for item in items:
                unknown += "error" in item
                show.one(item)
            sys.stdout.flush()
    show.end()
    return unknown


async def _answers(client: Client, numbers: Iterator[str], at: str | None) -> AsyncIterator[list[dict[str, Any]]]:
    while some := list(islice(numbers, _AT_ONCE)):
        body = {"numbers": some} | ({"at": at} if at else {})
        response = await client.ask("POST", "/v1/routing/lookup", body=body)
        yield read_object(response, "items")["items"]


class _Json:
    def one(self, item: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(item) + "\n")

    def end(self) -> None:
        pass


class _Csv:
    def __init__(self) -> None:
        self._out = csv.DictWriter(sys.stdout, _FIELDS, extrasaction="ignore", lineterminator="\n")
        self._out.writeheader()

    def one(self, item: dict[str, Any]) -> None:
        ported = item.get("ported")
        self._out.writerow(item | ({"ported": str(ported).lower()} if ported is not None else {}))

    def end(self) -> None:
        pass


class _Table:
    """For the eye. It holds what it shows, so for very many numbers the other forms are better."""

    def __init__(self) -> None:
        self._table = Table(expand=False)
        for name in ("Number", "Holder", "Network", "Routing number", "Range holder", "Since", "Target", "Next"):
            self._table.add_column(name, no_wrap=True)

    def one(self, item: dict[str, Any]) -> None:
        number = escape(str(item["number"]))
        if "error" in item:
            self._table.add_row(number, "[red]unknown[/]")
            return
        following = item.get("next")
        values = [item[name] for name in ("holder", "network", "routing_number", "range_holder", "since")]
        values += [item["target_number"], following and f"{following['holder']} from {following['at']}"]
        style = "bold" if item["ported"] else None
        self._table.add_row(number, *(escape(str(value or "")) for value in values), style=style)

    def end(self) -> None:
        console = Console()
        # Tables keep their width where no terminal tells one.
        (console if console.is_terminal else Console(width=_PLAIN_WIDTH)).print(self._table)


_SHOW: dict[Form, type[_Json | _Csv | _Table]] = {"json": _Json, "csv": _Csv, "table": _Table}


def _say(text: str) -> int:
    sys.stderr.write(f"nrdb lookup: {text}\n")
    return _WRONG_USE
