"""What people see of an import: how far it is, what it has found, and the file of what is wrong."""

import csv
import os
import sys
from collections.abc import AsyncIterable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from enum import Enum
from io import BufferedReader
from pathlib import Path
from secrets import token_hex
from types import TracebackType
from typing import Self

import orjson
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from nrdb.errors import UnusableError
from nrdb.importing.reading import Lines

_PLAIN_WIDTH = 160
#: Without a terminal, a line for each of so many parts of a step.
_PARTS = 10
#: Errors that are shown where no file takes them.
SHOWN = 10


@dataclass(frozen=True, slots=True)
class Wrong:
    """A row that is not loaded, and why; a warning does not hinder the others."""

    line: int
    code: str
    detail: str
    is_warning: bool


class Stage(Enum):
    """How far an import has come, by what is true when it ends there; `then` says it."""

    BEGUN = "Nothing is imported."
    READ = (
        "Nothing is imported. The same command goes on behind what has been read, or begins again where the database "
        "has lost that."
    )
    COMMITTED = "Whether the rows are imported is not known: the same command says that they are, or imports them."
    IMPORTED = "The rows are imported."

    @property
    def then(self) -> str:
        """The sentence."""
        return self.value


@dataclass(slots=True)
class Summary:
    """What has come of it. `state` is one word for it; counts are of rows of the file but for those of routing."""

    file: str
    table: str
    database: str
    state: str = ""
    sha256: str | None = None
    rows: int = 0
    imported_in_part_at: str | None = None
    resumed_at_line: int | None = None
    errors: dict[str, int] = field(default_factory=dict)
    warnings: dict[str, int] = field(default_factory=dict)
    missing_providers: list[str] = field(default_factory=list)
    before_plan: int = 0
    before_plan_lines: list[int] = field(default_factory=list)
    imported: int = 0
    routing_put: int = 0
    routing_removed: int = 0
    seconds: float = 0.0
    says: str = ""
    stage: Stage = Stage.BEGUN

    def told(self) -> dict[str, object]:
        """All of it that is told."""
        return {name: value for name, value in asdict(self).items() if name != "stage"}


def read_so_far(rows: int, wrong: int) -> str:
    """Rows of the file, the wrong ones among them: every step counts the same rows."""
    return f"{rows:,} rows" + (f", {wrong:,} of them wrong" if wrong else "")


class Show:
    """The terminal: a bar for each step. Without a terminal, plain lines; with `as_json` the summary alone."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._console = Console(stderr=as_json)
        if not self._console.is_terminal:
            self._console = Console(stderr=as_json, width=_PLAIN_WIDTH)
        self._progress = Progress(
            TextColumn("{task.description:12}"), BarColumn(24), TaskProgressColumn(), TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[note]}"), console=self._console,
            disable=as_json or not self._console.is_terminal,
        )  # fmt: skip
        self._name, self._total, self._part = "", 0, 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def step(self, name: str, total: int, done: int = 0) -> None:
        """A new step begins, of so many parts."""
        for task in self._progress.tasks:
            self._progress.update(task.id, completed=task.total)
        self._progress.add_task(name, total=max(total, 1), completed=done, note="")
        self._name, self._total, self._part = name, max(total, 1), done * _PARTS // max(total, 1)
        if self._progress.disable:
            self.say(f"{name} …")

    def reach(self, done: int, note: str = "") -> None:
        """So much of the step is done."""
        self._progress.update(self._progress.tasks[-1].id, completed=done, note=escape(note))
        part = done * _PARTS // self._total
        if self._progress.disable and part > self._part:
            self._part = part
            self.say(f"{self._name} {part * 100 // _PARTS} %{note and ', '}{note}")

    def say(self, text: str) -> None:
        """A line."""
        if self._as_json:
            return
        self._console.print(escape(text), highlight=False, soft_wrap=True)

    def end(self, summary: Summary, wrong: Iterable[Wrong]) -> None:
        """What has come of it."""
        self._progress.stop()
        if self._as_json:
            sys.stdout.write(orjson.dumps(summary.told()).decode() + "\n")
            return
        if summary.errors or summary.warnings:
            table = Table("Code", "Rows", "", expand=False)
            for counts, kind in ((summary.errors, "error"), (summary.warnings, "warning")):
                for code, count in sorted(counts.items(), key=lambda item: -item[1]):
                    table.add_row(code, f"{count:,}", kind)
            self._console.print(table)
        for item in wrong:
            self.say(f"line {item.line}: {item.code}: {item.detail}")
        if summary.missing_providers:
            self.say(f"There are no providers {', '.join(summary.missing_providers)}: enter them first.")
        if summary.before_plan:
            lines = ", ".join(map(str, summary.before_plan_lines))
            more = ", …" if summary.before_plan > len(summary.before_plan_lines) else ""
            self.say(
                f"{summary.before_plan:,} rows have a since before their series begins in the number plan, and are "
                f"answered from its valid_from on (lines {lines}{more})."
            )
        self.say(summary.says)


def verify_errors(path: Path, file: Path) -> None:
    """Raises `UnusableError` where the file of what is wrong could not be written: better now than after hours."""
    try:
        if path.exists() and not path.is_file():
            raise UnusableError(f"--errors {path} is there already and is no file: name another one")
        if path.exists() and path.samefile(file):
            raise UnusableError(f"--errors {path} is the file itself: name another one for the errors")
        fresh = _beside(path)
        fresh.open("x").close()
        fresh.unlink()
    except OSError as error:
        raise UnusableError(f"--errors {path} cannot be written: {error.strerror}") from None


def _beside(path: Path) -> Path:
    """A name that nothing has."""
    return path.with_name(f".{path.name[:200]}-{token_hex(6)}")


async def write_wrong(path: Path, file: BufferedReader, wrong: AsyncIterable[Wrong]) -> None:
    """The file of what is wrong, whole or not at all: line, code, what it is, and the row as it stands."""
    fresh = _beside(path)
    try:
        with fresh.open("x", encoding="utf-8", newline="") as target:
            writer = csv.writer(target, lineterminator="\n")
            writer.writerow(("line", "code", "detail", "row"))
            rows = Lines(file)
            async for item in wrong:
                writer.writerow((item.line, item.code, item.detail, rows.at(item.line)))
            target.flush()
            os.fsync(target.fileno())
        fresh.replace(path)
    except BaseException as error:
        with suppress(OSError):
            fresh.unlink()
        if isinstance(error, OSError):
            raise UnusableError(f"--errors {path} cannot be written: {error.strerror}") from None
        raise
