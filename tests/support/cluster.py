"""A service of several processes that can be killed one by one, each at its own address, and the PostgreSQL below."""

import asyncio
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import orjson
from tests.support.processes import ROOT, START, environment
from tests.support.server import ADMIN_KEY, DATA_KEY

from nrdb.embedded import EmbeddedPostgres, pg_bin
from nrdb.embedded_server import ready

#: Seconds after which something counts as what never comes, even on a machine that is starved by starting processes.
LONG = 240.0


class OwnPostgres:
    """A PostgreSQL of a test's own, as durable as in production, that the test may kill and start again.

    It lies in a short path, so that its socket, and with it its address, is the same after each start.
    """

    def __init__(self, options: Mapping[str, str] | None = None) -> None:
        self.place = Path(tempfile.mkdtemp(prefix="nrdb-faults-"))
        self._options = options
        self._server = EmbeddedPostgres(self.place, options)
        self._server.__enter__()
        self.dsn = self._server.dsn

    @property
    def pid(self) -> int:
        """The postmaster."""
        assert self._server.pid is not None
        return self._server.pid

    def kill(self, sign: signal.Signals) -> None:
        """The postmaster gets the signal: SIGQUIT is an immediate stop, SIGKILL leaves it no time for anything."""
        os.kill(self.pid, sign)
        self._server.close()

    def start(self) -> None:
        """Start it again on its files, or take over the one that runs there."""
        self._server.close()
        self._server = EmbeddedPostgres(self.place, self._options)
        self._server.__enter__()
        assert self._server.dsn == self.dsn

    def restart_immediately(self) -> None:
        """`pg_ctl restart -m immediate`, as an administrator would, who is not root."""
        owner = (self.place / "postgres").stat()
        subprocess.run(
            [pg_bin("pg_ctl"), "restart", "-m", "immediate", "-w", "-D", self.place / "postgres", "-l", "/dev/null"],
            check=True, capture_output=True, cwd="/", user=owner.st_uid, group=owner.st_gid, extra_groups=[],
        )  # fmt: skip
        self._server.close()
        self.start()

    def end(self) -> None:
        """Stop it and remove its files."""
        try:
            self._server.close()
        finally:
            shutil.rmtree(self.place, ignore_errors=True)


@contextmanager
def reserved_port() -> Iterator[int]:
    """A port that stays ours while nobody listens on it: a socket that shares it, and never listens itself."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


class Member:
    """One `nrdb` process of a cluster, started again after each kill as a supervisor would."""

    def __init__(self, name: str, arguments: list[str], settings: dict[str, str], data_dir: Path) -> None:
        self.name = name
        self.port = int(settings.get("NRDB_PORT", "0"))
        self.log_path = data_dir.with_name(f"{data_dir.name}-{name}.log")
        self._arguments = arguments
        self._environment = environment(data_dir, **settings)
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0

    @property
    def address(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def works(self) -> bool:
        """Whether a worker has said since its start that it is at work."""
        return b"the worker is at work" in self.log_path.read_bytes()[self._began :]

    def start(self, group: int = 0) -> None:
        """Start it in a process group: its own, or that of another."""
        self._began = self.log_path.stat().st_size if self.log_path.exists() else 0
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "nrdb", *self._arguments],
                env=self._environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log, cwd=ROOT,
                process_group=group,
            )  # fmt: skip

    def kill(self) -> None:
        """SIGKILL: no goodbye, no last write."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        assert self._process is not None
        return self._process.wait(LONG)

    def stop(self) -> int:
        """SIGTERM, as a supervisor stops it; the exit code."""
        if self.runs:
            os.kill(self.pid, signal.SIGTERM)
        return self.wait()

    def faults(self) -> list[str]:
        """Lines of its log that no fault from outside excuses: errors, and what is not a line of the log at all.

        A process that is killed may leave half a line.
        """
        found = []
        for line in self.log_path.read_bytes().splitlines():
            try:
                if orjson.loads(line).get("level") in {"error", "critical"}:
                    found.append(line.decode())
            except orjson.JSONDecodeError:
                if not line.startswith(b"{"):
                    found.append(line.decode(errors="replace"))
        return found


@dataclass
class Cluster:
    """API processes and workers on one database."""

    apis: list[Member]
    workers: list[Member]
    data_dir: Path
    _dsn: str | None

    @property
    def members(self) -> list[Member]:
        """All processes."""
        return [*self.apis, *self.workers]

    @property
    def addresses(self) -> list[str]:
        """Where the API is."""
        return [member.address for member in self.apis]

    @property
    def dsn(self) -> str:
        """The database below, given or embedded."""
        if self._dsn is not None:
            return self._dsn
        server = ready(self.data_dir / "postgres")
        assert server is not None
        return f"postgresql://nrdb@/nrdb?host={server.socket_dir}"

    def keys(self) -> dict[str, str]:
        """The ready-made keys of the sandbox, and the admin's."""
        lines = (self.data_dir / "sandbox-keys.env").read_text().splitlines()
        found = dict(line.split("_KEY=") for line in lines if "_KEY=" in line and not line.startswith("#"))
        return {**found, "ADMIN": ADMIN_KEY}

    async def ready(self) -> None:
        """Wait until every address accepts messages, and every worker works."""
        async with httpx.AsyncClient(trust_env=False, timeout=5) as client, asyncio.timeout(LONG):
            for member in self.apis:
                while True:
                    assert member.runs, f"{member.name} has ended:\n{member.log_path.read_text()[-3000:]}"
                    with suppress(httpx.TransportError):
                        if (await client.get(f"{member.address}/readyz")).status_code == 200:
                            break
                    await asyncio.sleep(0.02)
            for worker in self.workers:
                while not worker.works:
                    assert worker.runs, f"{worker.name} has ended:\n{worker.log_path.read_text()[-3000:]}"
                    await asyncio.sleep(0.02)

    def start(self, *, one_group: bool = False) -> None:
        """Start who does not run; in one process group, where they shall fall together."""
        leader = next((member.pid for member in self.members if member.runs), 0) if one_group else 0
        for member in self.members:
            if not member.runs:
                member.start(leader if one_group else 0)
                leader = leader or member.pid

    def kill_group(self) -> None:
        """SIGKILL for the whole process group at once."""
        os.killpg(os.getpgid(self.apis[0].pid), signal.SIGKILL)
        for member in self.members:
            member.wait()

    def stop(self) -> dict[str, int]:
        """End everybody who runs, in order; the exit codes that are not 0."""
        codes = {member.name: member.stop() for member in reversed(self.members) if member.runs}
        return {name: code for name, code in codes.items() if code}

    def faults(self) -> list[str]:
        """What stands in the logs that nothing excuses."""
        return [f"{member.name}: {line}" for member in self.members for line in member.faults()]


@asynccontextmanager
async def cluster(
    tmp_path: Path, dsn: str | None = None, *, apis: int = 2, workers: int = 2, one_group: bool = False, **settings: str
) -> AsyncIterator[Cluster]:
    """A seeded sandbox on Monday 2026-11-23 at 08:00; without a database of ours, on its own embedded one."""
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    with ExitStack() as stack:
        common = {"NRDB_DATA_KEY": DATA_KEY, "NRDB_SANDBOX_START": START, **settings}
        if dsn is not None:
            common["NRDB_DATABASE_URL"] = dsn
        made = Cluster([], [], data_dir, dsn)
        for n in range(apis):
            port = str(stack.enter_context(reserved_port()))
            own = {**common, "NRDB_PORT": port}
            made.apis.append(Member(f"api-{n}", ["serve", "--no-worker", "--share-port"], own, data_dir))
        made.workers += [Member(f"worker-{n}", ["worker"], common, data_dir) for n in range(workers)]
        try:
            # The first one migrates and seeds; the others find it done.
            made.apis[0].start()
            await Cluster(made.apis[:1], [], data_dir, dsn).ready()
            made.start(one_group=one_group)
            await made.ready()
            yield made
            assert made.stop() == {}
        finally:
            made.stop()
            if (data_dir / "postgres").exists():
                # An owner that was killed has left it behind.
                with EmbeddedPostgres(data_dir):
                    pass


def chosen_seed() -> int:
    """The seed of random moments: NRDB_SOAK_SEED, or another each time; printed, so that a failure can be repeated."""
    number = int(os.environ.get("NRDB_SOAK_SEED") or int.from_bytes(os.urandom(4), "big"))
    print(f"NRDB_SOAK_SEED={number}", flush=True)
    return number


def chance(seed: int) -> random.Random:
    """Reproducible chance; no secret depends on it."""
    return random.Random(seed)  # noqa: S311
