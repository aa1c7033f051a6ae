"""The `nrdb` command: serve, worker, migrate, verify, openapi, import, demo, and those of `client_cli`.

The service's own modules are imported inside the commands that need them, because reading them takes as long as
starting the database, and the two can go on side by side.
"""

import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Annotated, Literal, NoReturn

import structlog
import typer
import uvloop

from nrdb import client_cli
from nrdb.embedded import EmbeddedError, EmbeddedPostgres
from nrdb.errors import ConfigurationError, UnusableError
from nrdb.listening import SIGNALS, bind
from nrdb.logs import configure_logs
from nrdb.settings import Settings, load_settings

_log = structlog.get_logger(__name__)
_HELP = """A clearinghouse for number portability, and tools for those who use it.

What is wrong at start is told in one line: exit code 2 for a setting, 1 for a database or a port that cannot be had.
A stop by SIGTERM or Ctrl-C is no error: what is in hand is finished, and the exit code is 0.
"""
_cli = typer.Typer(no_args_is_help=True, add_completion=False, help=_HELP, pretty_exceptions_enable=False)
_cli.add_typer(client_cli.commands)

_UNUSABLE = 1
_MISCONFIGURED = 2


def _fail(text: str, code: int) -> NoReturn:
    """End with one line on standard error."""
    sys.stderr.write(f"nrdb: {' '.join(text.split())}\n")
    raise SystemExit(code)


def _begin(*, stop_is_success: bool) -> Settings:
    """Read the settings and open the log; from here on a signal unwinds the start, database and all."""

    def unwind(number: int, _frame: FrameType | None) -> NoReturn:
        raise SystemExit(0 if stop_is_success else 128 + number)

    for number in SIGNALS:
        signal.signal(number, unwind)
    settings = load_settings()
    configure_logs(settings.log_format)
    return settings


@contextmanager
def _reading_ahead() -> Iterator[None]:
    """Read the service's own modules and libraries meanwhile: half of the time of a start, and so is the database's."""
    thread = threading.Thread(target=import_module, args=("nrdb.serving",))
    thread.start()
    try:
        yield
    finally:
        thread.join()


@contextmanager
def _database(settings: Settings, *, made: bool = False) -> Iterator[str]:
    """The address of the database; one of its own is started, and stopped at the end, when none is given.

    `made`: it must be there already, because a new one would be a mistake (the command was run in the wrong folder).
    """
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    with ExitStack() as stack:
        with _reading_ahead():
            server = stack.enter_context(EmbeddedPostgres(settings.data_dir, made=made))
        _log.info("using the embedded PostgreSQL", data_dir=str(server.data_dir), owner=server.owner)
        yield server.dsn


def _listen(settings: Settings, *, shared: bool) -> socket.socket:
    """Take the address before anything is started, so that a taken one costs nothing."""
    try:
        return bind(settings.host, settings.port, shared=shared)
    except OSError as error:
        place = f"{settings.host} port {settings.port}"
        raise UnusableError(f"cannot listen on {place}: {error.strerror or error}") from None


@_cli.command()
def serve(
    worker: Annotated[bool, typer.Option(help="Do the background work in this process too.")] = True,
    share_port: Annotated[
        bool,
        typer.Option("--share-port", help="Let other processes serve the same port; the kernel spreads connections."),
    ] = False,
) -> None:
    """Run the API, and the background work unless --no-worker."""
    settings = _begin(stop_is_success=True)
    with _listen(settings, shared=share_port) as listener, _database(settings) as dsn:
        from nrdb import serving  # noqa: PLC0415

        code = uvloop.run(serving.serve(settings, dsn, listener, with_worker=worker))
    raise SystemExit(code)


@_cli.command()
def worker() -> None:
    """Run the background work alone: announce what is due."""
    settings = _begin(stop_is_success=True)
    with _database(settings) as dsn:
        from nrdb import serving  # noqa: PLC0415

        code = uvloop.run(serving.work(settings, dsn))
    raise SystemExit(code)


@_cli.command()
def migrate(
    check: Annotated[bool, typer.Option("--check", help="Compare the migrations with the models.")] = False,
) -> None:
    """Bring the database to the newest schema."""
    settings = _begin(stop_is_success=False)
    if not check:
        with _database(settings) as dsn:
            from nrdb import starting  # noqa: PLC0415

            uvloop.run(starting.bring_up_to_date(dsn))
        return
    from nrdb.migrate import differences  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="nrdb-check-") as place, EmbeddedPostgres(Path(place)) as server:
        found = uvloop.run(differences(server.dsn))
    for line in found:
        sys.stderr.write(f"{line}\n")
    if found:
        _fail(f"{len(found)} differences between the migrations and the models", _UNUSABLE)


@_cli.command()
def verify(
    limit: Annotated[int, typer.Option(help="Show so many differences; all are counted.", min=1)] = 1000,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Replay the message log and the audit log into an empty database, and compare routing table and cases.

    The database needs room for both, and its user the right to create one. Exit code 0: the same; 1: not.
    """
    settings = _begin(stop_is_success=False)
    with _database(settings, made=True) as dsn:
        from nrdb.verifying import program, show  # noqa: PLC0415

        shown = show.Show(limit=limit, as_json=as_json)
        verdict = uvloop.run(program.verify(settings, dsn, lambda line: sys.stderr.write(f"{line}\n"), shown.found))
    shown.end(verdict)
    raise SystemExit(0 if verdict.equal else 1)


@_cli.command()
def openapi(
    check: Annotated[Path | None, typer.Option(help="Compare with this file instead of printing.")] = None,
) -> None:
    """Print the OpenAPI document, or compare it with the committed one."""
    from nrdb.starting import document as of_the_code  # noqa: PLC0415

    document = of_the_code()
    if check is None:
        sys.stdout.buffer.write(document)
    elif not check.exists() or check.read_bytes() != document:
        _fail(f"{check} is not what the code says: run `make openapi` and look at the change", _UNUSABLE)


_File = Annotated[Path, typer.Argument(help="A table in CSV, UTF-8, parted by commas or semicolons.")]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Look at every row, and import nothing.")]
_Errors = Annotated[Path | None, typer.Option("--errors", help="Write what is wrong into this file, a line for a row.")]
_SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Import the rows that are right, although others are not.")]
_Reason = Annotated[str | None, typer.Option(help="Why, for the audit log.")]
_Json = Annotated[bool, typer.Option("--json", help="Only a summary, as a line of JSON.")]
_import = typer.Typer(
    no_args_is_help=True,
    help="Load a number plan, or the numbers ported in it, from a file into the database: all of it, or nothing.",
)
_cli.add_typer(_import, name="import")


@_import.command()
def plan(
    file: _File,
    dry_run: _DryRun = False,
    errors: _Errors = None,
    skip_bad: _SkipBad = False,
    reason: _Reason = None,
    as_json: _Json = False,
) -> None:
    """Load series: first, last, holder, and if you like number_class, status, reason, valid_from.

    Exit code 0: done, or done before; 1: rows are wrong, nothing (--skip-bad: the rest) is imported; 2: not done.
    """
    _run_import("plan", file, errors, dry_run, skip_bad, reason, as_json)


@_import.command()
def ported(
    file: _File,
    dry_run: _DryRun = False,
    errors: _Errors = None,
    skip_bad: _SkipBad = False,
    reason: _Reason = None,
    as_json: _Json = False,
) -> None:
    """Load ported numbers: number or first, holder, and if you like last, network, since, target_number.

    Exit code 0: done, or done before; 1: rows are wrong, nothing (--skip-bad: the rest) is imported; 2: not done.
    """
    _run_import("ported", file, errors, dry_run, skip_bad, reason, as_json)


def _run_import(
    kind: Literal["plan", "ported"], file: Path, errors: Path | None,
    dry_run: bool, skip_bad: bool, reason: str | None, as_json: bool,
) -> NoReturn:  # fmt: skip
    settings = _begin(stop_is_success=False)
    from nrdb.importing import Wanted, import_file  # noqa: PLC0415

    try:
        with _database(settings, made=True) as dsn:
            wanted = Wanted(kind, file, errors, dry_run, skip_bad, reason, as_json)
            folder = settings.data_dir if settings.database_url is None else None
            raise SystemExit(uvloop.run(import_file(wanted, dsn, folder)))
    except EmbeddedError as error:
        _fail(str(error), _MISCONFIGURED)


@_cli.command()
def demo(
    worker: Annotated[bool, typer.Option("--worker/--no-worker", help="Run the sandbox with its worker.")] = True,
    kill: Annotated[bool, typer.Option("--kill", help="Kill the sandbox midway; prove that nothing is lost.")] = False,
    url: Annotated[list[str] | None, typer.Option(help="Play on this empty sandbox; several take turns.")] = None,
    key: Annotated[str | None, typer.Option(envvar="NRDB_KEY", help="The admin key for --url.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show every message.")] = False,
) -> None:
    """Play a market of five providers against a sandbox of its own, and check every answer."""
    from nrdb.demo import main as play  # noqa: PLC0415

    play(worker=worker, kill=kill, urls=url or (), key=key, verbose=verbose)


def main() -> None:
    """Run the command; every expected failure is one line and an exit code."""
    with suppress(BrokenPipeError):
        try:
            _cli()
        except ConfigurationError as error:
            _fail(str(error), _MISCONFIGURED)
        except (EmbeddedError, UnusableError) as error:
            _fail(str(error), _UNUSABLE)
