"""What people see: how far it is, and at the end a table by answer. Codes and counts, never what is in a line."""

from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from nrdb.sending.lines import Line

_PLAIN_WIDTH = 160
_MEANING = {201: "Accepted and committed", 200: "Had been accepted before"}
#: Without a terminal, a line for each of so many parts of the file.
_PARTS = 10


@dataclass(slots=True)
class Kind:
    """Equal answers: how many, and the first line that got one."""

    name: str
    status: int
    title: str
    first: int
    count: int = 0


@dataclass(slots=True)
class Tally:
    """All answers, counted. It holds one line for each code, however long the file is."""

    kinds: dict[str, Kind] = field(default_factory=dict)
    accepted: int = 0
    replayed: int = 0
    refused: int = 0
    failed: int = 0
    last: int = 0
    end: int = 0

    @property
    def answered(self) -> int:
        """How many lines have their answer."""
        return self.accepted + self.replayed + self.refused + self.failed

    @property
    def all_accepted(self) -> bool:
        """None was refused, and none failed."""
        return not (self.refused or self.failed)

    def count(self, answer: dict[str, Any], line: Line) -> None:
        """One more."""
        status = int(answer["status"])
        match status:
            case 201:
                self.accepted, name = self.accepted + 1, "accepted"
            case 200:
                self.replayed, name = self.replayed + 1, "replayed"
            case _:
                name = str(answer.get("code"))
                failed = status >= 500
                self.failed += failed
                self.refused += not failed
        kind = self.kinds.get(name)
        if kind is None:
            kind = self.kinds[name] = Kind(
                name, status, _MEANING.get(status) or str(answer.get("title", "")), line.number
            )
        kind.count += 1
        self.last, self.end = line.number, line.end

    def __str__(self) -> str:
        counts = [("accepted", self.accepted), ("replayed", self.replayed), ("refused", self.refused)]
        if self.failed:
            counts.append(("failed", self.failed))
        return ", ".join(f"{count:,} {name}" for name, count in counts)


class Show:
    """The terminal: a bar while it goes on. Without a terminal, plain lines."""

    def __init__(self, file: Path, tally: Tally, answers: Path) -> None:
        self._file = file
        self._tally = tally
        self._answers = answers
        self._size = file.stat().st_size
        self._begun = 0
        self._part = 0
        self._console = Console()
        if not self._console.is_terminal:
            # Tables keep their width where no terminal tells one.
            self._console = Console(width=_PLAIN_WIDTH)
        self._progress = Progress(
            BarColumn(24), TaskProgressColumn(), TextColumn("{task.fields[counts]}"),
            TextColumn("[dim]{task.fields[rate]}"), TimeRemainingColumn(), TextColumn("[yellow]{task.fields[note]}"),
            console=self._console, transient=True, disable=not self._console.is_terminal,
        )  # fmt: skip
        self._task = self._progress.add_task("", total=max(self._size, 1), counts="", rate="", note="")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def begin(self) -> None:
        """From here on it is sent. What had been answered before counts, but not toward the rate."""
        self._begun = self._tally.answered
        self._part = self._done()
        if self._begun:
            self._say(f"{self._file} is answered up to line {self._tally.last:,}: going on after it")
        self._progress.reset(self._task, completed=self._tally.end, counts=str(self._tally), rate="", note="")
        self._progress.start()

    def answered(self, line: Line, answer: dict[str, Any]) -> None:
        """A line has its answer."""
        self._tally.count(answer, line)
        if not self._progress.disable:
            elapsed = self._progress.tasks[0].elapsed
            rate = f"{(self._tally.answered - self._begun) / elapsed:,.0f}/s" if elapsed else ""
            self._progress.update(self._task, completed=line.end, counts=str(self._tally), rate=rate, note="")
        elif self._done() > self._part:
            self._part = self._done()
            self._say(f"{self._part * 100 // _PARTS} %, line {line.number:,}: {self._tally}")

    def waiting(self, reason: str, seconds: float) -> None:
        """The service is away."""
        note = f"no answer ({reason}), trying again in {seconds:.1f} s"
        self._progress.update(self._task, note=escape(note))
        if self._progress.disable:
            self._say(note)

    def end(self, stopped: str | None = None) -> None:
        """The table, and what to do next where it was stopped."""
        self._progress.stop()
        if self._tally.kinds:
            self._console.print(_table(self._tally))
        self._say(f"{self._tally}. The answers are in {self._answers}")
        if stopped is not None:
            self._say(stopped)
            place = f"after line {self._tally.last:,}" if self._tally.last else "from the beginning"
            self._say(f"Not all of {self._file} is sent. The same command again goes on {place}.")

    def _done(self) -> int:
        return self._tally.end * _PARTS // max(self._size, 1)

    def _say(self, text: str) -> None:
        self._console.print(escape(text), highlight=False, soft_wrap=True)


def _table(tally: Tally) -> Table:
    table = Table(expand=False)
    table.add_column("Answer", no_wrap=True)
    table.add_column("Status")
    table.add_column("Lines", justify="right")
    table.add_column("First line", justify="right")
    table.add_column("What it means")
    for kind in sorted(tally.kinds.values(), key=lambda kind: (kind.status, -kind.count)):
        name = f"[{'green' if kind.status in (200, 201) else 'red'}]{escape(kind.name)}[/]"
        table.add_row(name, str(kind.status), f"{kind.count:,}", f"{kind.first:,}", escape(kind.title))
    return table
