"""The `nrdb` command: serve, worker, migrate, verify, openapi, send, follow, lookup, mirror, robot, import, demo.

The service's own modules are imported inside the commands that need them, because reading them takes as long as
starting the database, and the two can go on side by side. Clients of the service (send, follow, lookup, mirror, robot,
demo) need none of them.

What is wrong at start is told in one line: exit code 2 for a setting, 1 for a database or a port that cannot
be had. A stop by SIGTERM or Ctrl-C is no error: what is in hand is finished, and the exit code is 0.
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

from nrdb.embedded import EmbeddedError, EmbeddedPostgres
from nrdb.errors import ConfigurationError, UnusableError
from nrdb.listening import SIGNALS, bind
from nrdb.logs import configure_logs
from nrdb.settings import Settings, load_settings

_log = structlog.get_logger(__name__)
_cli = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False)

_UNUSABLE = 1
_MISCONFIGURED = 2

#: What clients of the service are told with.
_HERE = "http://127.0.0.1:8000"
_Url = Annotated[str, typer.Option(envvar="NRDB_URL", help="Where the service is.")]
_AnyKey = Annotated[str | None, typer.Option(envvar="NRDB_KEY", help="Any key.")]


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


@_cli.command()
def send(
    file: Annotated[Path, typer.Argument(help="Messages, one a line (NDJSON).")],
    url: _Url = _HERE,
    key: Annotated[str | None, typer.Option(envvar="NRDB_KEY", help="Your provider's key.")] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Forget the answers so far and send every line.")] = False,
    wait: Annotated[float, typer.Option(help="Seconds to wait in a row for a service that is away.", min=0)] = 600,
) -> None:
    """Send a file of messages; the answers stand beside it, and the same command goes on after a stop.

    Exit code 0: every line is accepted or was before; 1: some were refused; 2: wrong use, or not all is sent.
    """
    from nrdb.sending import send as send_file  # noqa: PLC0415

    raise SystemExit(send_file(file, url=url, key=key, restart=restart, patience=wait))


@_cli.command()
def follow(
    code: Annotated[str | None, typer.Option(help="Whose inbox; may be left out when the key has one code.")] = None,
    url: _Url = _HERE,
    key: Annotated[str | None, typer.Option(envvar="NRDB_KEY", help="A key that may read the inbox.")] = None,
    after: Annotated[int | None, typer.Option(help="Begin after this seq, 0 for all there is.", min=0)] = None,
    cursor: Annotated[Path | None, typer.Option(help="Keep the place in this file and go on from it.")] = None,
    kind: Annotated[str | None, typer.Option("--type", help="Only this type of message.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Each item as a line of JSON.")] = False,
) -> None:
    """Print a provider's messages as they come, through every restart of the service, until Ctrl-C.

    It begins at the acknowledged position, and acknowledges nothing itself.
    """
    from nrdb.watching import watch  # noqa: PLC0415

    raise SystemExit(watch(url=url, key=key, code=code, after=after, cursor=cursor, kind=kind, plain=not as_json))


@_cli.command()
def lookup(
    numbers: Annotated[
        list[str] | None, typer.Argument(help="Numbers; without any, one a line from the input.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="Read the numbers from this file, one a line; - is the input.")
    ] = None,
    at: Annotated[str | None, typer.Option(help="At this instant, as 2026-11-23T08:35:00+01:00; default: now.")] = None,
    url: _Url = _HERE,
    key: _AnyKey = None,
    as_json: Annotated[bool, typer.Option("--json", help="Each answer as a line of JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="A row of CSV for each number.")] = False,
) -> None:
    """Look up where calls to numbers go, as many as there are.

    Exit code 0: all are in the number plan; 1: some are not, and shown as unknown; 2: wrong use, no number at all, or
    lines that are no numbers, which are named on standard error and left out.
    """
    if as_json and as_csv:
        _fail("lookup: --json or --csv, not both", _MISCONFIGURED)
    from nrdb.looking_up import Form, look_up  # noqa: PLC0415

    form: Form = "json" if as_json else "csv" if as_csv else "table"
    raise SystemExit(look_up(numbers or (), file, at=at, url=url, key=key, form=form))


_mirror = typer.Typer(no_args_is_help=True, help="A local copy of the routing table, kept current and proven equal.")
_cli.add_typer(_mirror, name="mirror")
_Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the copy.")]


@_mirror.command("run")
def mirror_run(
    folder: _Folder,
    once: Annotated[bool, typer.Option("--once", help="Make the copy equal to the table now, and end.")] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Do not check all rows of a copy that is there before going on with it.")
    ] = False,
    every: Annotated[float, typer.Option(help="Seconds between two looks.", min=0.1)] = 5.0,
    url: _Url = _HERE,
    key: _AnyKey = None,
    as_json: Annotated[bool, typer.Option("--json", help="Each thing that happens as a line of JSON.")] = False,
) -> None:
    """Keep DIR/routing.db, a SQLite file, equal to the service's routing table, until Ctrl-C.

    Each step is proven by the root hash before it is kept. A file that is damaged or not equal is copied anew.
    Exit code 0: stopped, or with --once the copy is equal; 1: it could not be made so; 2: wrong use, or a copy of
    another service.
    """
    from nrdb.mirror import run  # noqa: PLC0415

    raise SystemExit(run(folder, url=url, key=key, once=once, quick=quick, every=every, as_json=as_json))


@_mirror.command("verify")
def mirror_verify(
    folder: _Folder,
    url: _Url = _HERE,
    key: _AnyKey = None,
    max_age: Annotated[
        float, typer.Option(help="Seconds that the file may be behind; a copy that is kept is some behind.", min=0)
    ] = 600.0,
    as_json: Annotated[bool, typer.Option("--json", help="What was found as JSON.")] = False,
) -> None:
    """Compare every row of the copy in DIR with the service's table, and show the numbers in which they differ.

    First it tells of when the file is and how far it is behind; then a look at it catches up, and that is compared. It
    changes nothing and may be used while the copy is kept. Exit code 0: equal; 1: different, or the file is damaged;
    2: could not be compared, such as the copy of another service; 3: equal once it has caught up, but older than
    --max-age.
    """
    from nrdb.mirror import verify  # noqa: PLC0415

    raise SystemExit(verify(folder, url=url, key=key, max_age=max_age, as_json=as_json))


@_cli.command()
def robot(
    code: Annotated[
        list[str] | None, typer.Option(help="Play this code, repeat for several; without it, all that the keys open.")
    ] = None,
    but: Annotated[list[str] | None, typer.Option(help="Leave this code to you, repeat for several.")] = None,
    keys: Annotated[
        Path | None, typer.Option(help="A file of keys like .nrdb/sandbox-keys.env, in the place of --key.")
    ] = None,
    url: Annotated[str, typer.Option(envvar="NRDB_URL", help="Where the sandbox is.")] = "http://127.0.0.1:8000",
    key: Annotated[str | None, typer.Option(envvar="NRDB_KEY", help="The key of the codes to play.")] = None,
    profile: Annotated[
        str, typer.Option(help="prompt, slow, strict, silent, forgetful, stuttering, mixed, or a file in .toml.")
    ] = "prompt",
    seed: Annotated[int, typer.Option(help="What chance decides, it decides alike with the same seed.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Each thing it does as a line of JSON.")] = False,
) -> None:
    """Answer in a sandbox as donors, networks and range holders do, until Ctrl-C.

    Alone with a sandbox, and you are TELIA: nrdb robot --keys .nrdb/sandbox-keys.env --but TELIA
    """
    from nrdb.robot import Wanted, play  # noqa: PLC0415

    wanted = Wanted(url, key, keys, code or (), but or (), profile, seed, plain=not as_json)
    raise SystemExit(play(wanted))


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
