"""The `nrdb` command: serve, worker, migrate, openapi, demo.

What is wrong at start is told in one line: exit code 2 for a setting, 1 for a database or a port that cannot
be had. A stop by SIGTERM or Ctrl-C is no error: what is in hand is finished, and the exit code is 0.
"""

import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import asyncpg
import orjson
import structlog
import typer
import uvloop
from sqlalchemy import URL, make_url
from sqlalchemy.exc import DBAPIError

from nrdb import serving
from nrdb.app import create_app
from nrdb.embedded import EmbeddedError, EmbeddedPostgres
from nrdb.errors import ConfigurationError
from nrdb.logs import configure_logs
from nrdb.migrate import differences, upgrade
from nrdb.seed import bootstrap
from nrdb.settings import Settings, load_settings

_log = structlog.get_logger(__name__)
_cli = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False)

_UNUSABLE = 1
_MISCONFIGURED = 2
_CONNECT_SECONDS = 10.0


class _UnusableError(Exception):
    """A database or a port that cannot be had."""


def _fail(text: str, code: int) -> NoReturn:
    """End with one line on standard error."""
    sys.stderr.write(f"nrdb: {' '.join(text.split())}\n")
    raise SystemExit(code)


def _begin(*, stop_is_success: bool) -> Settings:
    """Read the settings and open the log; from here on a signal unwinds the start, database and all."""

    def unwind(number: int, _frame: FrameType | None) -> NoReturn:
        raise SystemExit(0 if stop_is_success else 128 + number)

    for number in serving.SIGNALS:
        signal.signal(number, unwind)
    settings = load_settings()
    configure_logs(settings.log_format)
    return settings


@contextmanager
def _database(settings: Settings) -> Iterator[str]:
    """The address of the database; one of its own is started, and stopped at the end, when none is given."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    with EmbeddedPostgres(settings.data_dir) as server:
        _log.info("using the embedded PostgreSQL", data_dir=str(server.data_dir), owner=server.owner)
        yield server.dsn


def _place(dsn: str) -> str:
    """Where the database is, without the user, the password and the options."""
    url = make_url(dsn)
    return URL.create("postgresql", host=url.host, port=url.port, database=url.database).render_as_string()


async def _verify_reachable(dsn: str) -> None:
    """Tell a wrong address or password from every other trouble."""
    try:
        connection = await asyncpg.connect(dsn, timeout=_CONNECT_SECONDS)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        reason = str(error) or f"no answer in {_CONNECT_SECONDS:.0f} s"
        raise _UnusableError(f"the database {_place(dsn)} cannot be reached: {reason}") from None
    await connection.close()


async def _upgrade(dsn: str) -> None:
    await _verify_reachable(dsn)
    try:
        await upgrade(dsn)
    except DBAPIError as error:
        raise _UnusableError(f"the database cannot be migrated: {error.orig}") from error


async def _prepare(settings: Settings, dsn: str) -> None:
    """Bring the database to what this code needs; any number of processes may do so at once."""
    await _upgrade(dsn)
    await bootstrap(settings, dsn)


def _listen(settings: Settings, *, shared: bool) -> socket.socket:
    """Take the address before anything is started, so that a taken one costs nothing."""
    try:
        return serving.bind(settings.host, settings.port, shared=shared)
    except OSError as error:
        place = f"{settings.host} port {settings.port}"
        raise _UnusableError(f"cannot listen on {place}: {error.strerror or error}") from None


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
        uvloop.run(_prepare(settings, dsn))
        code = uvloop.run(serving.serve(settings, dsn, listener, with_worker=worker))
    raise SystemExit(code)


@_cli.command()
def worker() -> None:
    """Run the background work alone: announce what is due and push deliveries."""
    settings = _begin(stop_is_success=True)
    with _database(settings) as dsn:
        uvloop.run(_prepare(settings, dsn))
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
            uvloop.run(_upgrade(dsn))
        return
    with tempfile.TemporaryDirectory(prefix="nrdb-check-") as place, EmbeddedPostgres(Path(place)) as server:
        found = uvloop.run(differences(server.dsn))
    for line in found:
        sys.stderr.write(f"{line}\n")
    if found:
        _fail(f"{len(found)} differences between the migrations and the models", _UNUSABLE)


def _document() -> bytes:
    """The OpenAPI document of the code, sandbox included, whatever the environment says.

    The application is made but not started, so no database is needed.
    """
    document = create_app(Settings.model_construct(sandbox=True), dsn="postgresql:///").openapi()
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


@_cli.command()
def openapi(
    check: Annotated[Path | None, typer.Option(help="Compare with this file instead of printing.")] = None,
) -> None:
    """Print the OpenAPI document, or compare it with the committed one."""
    document = _document()
    if check is None:
        sys.stdout.buffer.write(document)
    elif not check.exists() or check.read_bytes() != document:
        _fail(f"{check} is not what the code says: run `make openapi` and look at the change", _UNUSABLE)


@_cli.command()
def demo() -> None:
    """Tell a porting from order to routing on the terminal, against a sandbox of its own."""
    # Imported here since it is a client of the service, no part of it, and the other commands start sooner.
    from nrdb.demo import main as tell  # noqa: PLC0415

    tell()


def main() -> None:
    """Run the command; every expected failure is one line and an exit code."""
    with suppress(BrokenPipeError):
        try:
            _cli()
        except ConfigurationError as error:
            _fail(str(error), _MISCONFIGURED)
        except (EmbeddedError, _UnusableError) as error:
            _fail(str(error), _UNUSABLE)
