"""PowerDNS, Kamailio and sipp on the loopback address, with the configuration in `deploy`: for the demo and the tests.

In production the system starts them; nothing here is part of the service.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from nrdb.embedded import pg_bin
from nrdb.errors import UnusableError

_START_SECONDS = 30.0
_STOP_SECONDS = 10.0
_LOOK_AGAIN_SECONDS = 0.05
#: What each program is installed by, on Debian and Ubuntu.
PACKAGES = {
    "pdns_server": "pdns-server pdns-backend-pgsql",
    "kamailio": "kamailio",
    "sipp": "sip-tester",
    "dig": "bind9-dnsutils",
}
INSTALL = f"apt-get install {' '.join(PACKAGES.values())}"


def deploy_dir() -> Path:
    """The shipped configuration: inside the package when it was installed from a wheel, else beside `src`."""
    packaged = Path(__file__).parents[1] / "_deploy"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "deploy"


def found(name: str) -> str | None:
    """Where a program is; Debian keeps servers where an ordinary user's PATH does not look."""
    return shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")


def missing() -> list[str]:
    """The programs that are not installed."""
    return [name for name in PACKAGES if found(name) is None]


def program(name: str) -> str:
    """Where a program is; whoever lacks it is told how to get it."""
    place = found(name)
    if place is None:
        raise UnusableError(f"{name} is not installed: {INSTALL}")
    return place


class Engine:
    """A program that runs within its `with` block, in a folder of its own."""

    def __init__(self) -> None:
        self.place = Path(tempfile.mkdtemp(prefix="nrdb-engine-"))
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> Sequence[str]:
        """What is to run."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Whether it is ready."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    @property
    def log(self) -> str:
        """All that it has said."""
        return (self.place / "log").read_text(errors="replace")

    def start(self) -> None:
        """Start it and wait until it answers."""
        with (self.place / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - Programs that are named here.
                self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.place, start_new_session=True
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self.answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise UnusableError(f"{type(self).__name__} does not start: {self.log[-2000:]}")
            time.sleep(_LOOK_AGAIN_SECONDS)

    def stop(self) -> None:
        """Stop it; `start` brings it back at the same place."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def end(self) -> None:
        """End it, and leave nothing of it behind."""
        self.stop()
        shutil.rmtree(self.place, ignore_errors=True)


def run(*command: str, seconds: float = 30.0) -> subprocess.CompletedProcess[str]:
    """A program that ends by itself."""
    return subprocess.run(  # noqa: S603 - Programs that are named here.
        command, capture_output=True, text=True, check=False, timeout=seconds, stdin=subprocess.DEVNULL
    )


def make_roles(dsn: str) -> None:
    """The roles that the engines have, by the shipped file."""
    file = deploy_dir() / "postgresql" / "roles.sql"
    done = run(str(pg_bin("psql")), dsn, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(file))
    if done.returncode != 0:
        raise UnusableError(f"{file}: {done.stderr}")
