"""What people see: progress while it plays, and tables at the end. Without a terminal, plain lines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table

if TYPE_CHECKING:
    from types import TracebackType

    from nrdb.demo.stage import Book, Sheet, Stage

_PLAIN_WIDTH = 160
_TITLE_WIDTH = 32
_MESSAGES_WIDTH = 24
#: From here on the outcomes of the acts, which have been told line by line, stand in the table once more.
_WIDE = 140


@dataclass(frozen=True, slots=True)
class Played:
    """An act that is over; `difference` is None where everything came as expected."""

    title: str
    book: Book
    checks: int
    seconds: float
    outcome: str = ""
    difference: str | None = None


@dataclass
class Show:
    """The terminal. `verbose` prints every message as it is sent."""

    verbose: bool
    console: Console = field(default_factory=Console)
    played: list[Played] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.console.is_terminal:
            # Tables keep their width where no terminal tells one, as in the log of a build.
            self.console = Console(width=_PLAIN_WIDTH)
        self._progress = Progress(
            SpinnerColumn(), TextColumn("[bold]{task.description}"), BarColumn(24), MofNCompleteColumn(),
            TextColumn("[dim]{task.fields[step]}", table_column=None), console=self.console, transient=True,
            disable=not self.console.is_terminal,
        )  # fmt: skip
        self._task = self._progress.add_task("Starting a sandbox", total=None, step="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def say(self, text: str) -> None:
        """A line of its own."""
        self.console.print(text, highlight=False, soft_wrap=not self.console.is_terminal)

    def begin(self, title: str, total: int) -> None:
        """An act begins."""
        self._progress.update(self._task, description=title, total=total, completed=len(self.played), step="")

    def step(self, text: str) -> None:
        """Something was said on stage."""
        self._progress.update(self._task, step=escape(text))
        if self.verbose:
            self.console.print(f"      [dim]{escape(text)}", highlight=False)

    def end(self, act: Played) -> None:
        """An act is over."""
        self.played.append(act)
        mark = "[green]ok  [/]" if act.difference is None else "[bold red]DIFF[/]"
        effort = f"[dim]{_effort(act)}[/]"
        outcome = escape(act.difference or act.outcome)
        if not self.console.is_terminal:
            self.say(f"{mark} {act.title:<{_TITLE_WIDTH}} {effort}  {outcome}")
            return
        line = Table.grid(padding=(0, 1))
        for width in (4, _TITLE_WIDTH, len(_effort(act)), None):
            line.add_column(width=width)
        line.add_row(mark, escape(act.title), effort, outcome)
        self.console.print(line, highlight=False)

    def tables(self, stage: Stage) -> None:
        """What happened, where calls went before and after, and the reports."""
        wide = self.console.width >= _WIDE
        for table in (_what_happened(self.played, wide=wide), _routing(stage), *map(_report, stage.sheets)):
            self.console.print()
            self.console.print(table)

    def verdict(self, seconds: float, errors: list[str]) -> int:
        """The last word; returns the exit code. `errors` is what the service logged."""
        checks = sum(act.checks for act in self.played)
        differences = [act for act in self.played if act.difference is not None]
        for act in differences:
            self.say(f"[bold red]{act.title}:[/] {escape(act.difference or '')}")
        if differences:
            for line in errors:
                self.say(f"[dim]the service: {escape(line)}")
            self.say(f"[bold red]{len(differences)} of {len(self.played)} acts differ[/] from what was promised.")
            return 1
        self.say(f"[bold green]As promised:[/] {len(self.played)} acts, {checks} checks, {seconds:.1f} s.")
        return 0


def _effort(act: Played) -> str:
    return f"{act.checks:4} checks {act.seconds:5.1f} s"


def _what_happened(played: list[Played], *, wide: bool) -> Table:
    table = Table(title="What happened", title_justify="left", expand=False, row_styles=("", "dim"))
    table.add_column("Act", style="bold", no_wrap=True)
    # In a terminal of 100 columns no code of a refusal is cut off.
    table.add_column("Messages", width=None if wide else _MESSAGES_WIDTH)
    table.add_column("Refused, as it must be (rule)")
    if wide:
        table.add_column("Outcome")
    for act in played:
        messages = ", ".join(f"{count} {kind}" if count > 1 else kind for kind, count in act.book.messages.items())
        refusals = ", ".join(f"{code} ({rule})" if rule else code for code, rule in act.book.refusals.items())
        outcome = act.outcome if act.difference is None else "[bold red]differs: see below"
        table.add_row(act.title, messages, refusals, *([outcome] if wide else []))
    return table


def _routing(stage: Stage) -> Table:
    table = Table(title="Routing answers before and after", title_justify="left", expand=False)
    for heading in ("Number", "Before", "After", "Network", "tel_uri after"):
        table.add_column(heading, no_wrap=True)
    for number, before in stage.before.items():
        after = stage.after.get(number, {})
        holder = after.get("holder", "?")
        style = "bold" if holder != before["holder"] else "dim"
        table.add_row(
            number,
            before["holder"],
            holder,
            after.get("network") or "-",
            after.get("tel_uri") or "-",
            style=style,
        )
    return table


def _report(sheet: Sheet) -> Table:
    table = Table(title=sheet.title, title_justify="left", expand=False)
    for place, heading in enumerate(sheet.headings):
        counts = all(isinstance(row[place], int) for row in sheet.rows)
        table.add_column(heading, justify="right" if counts else "left", no_wrap=not counts)
    for row in sheet.rows:
        table.add_row(*(f"{value:,}" if isinstance(value, int) else str(value) for value in row))
    return table
