"""A throwaway sandbox: `nrdb serve` as a process of its own, on data that nobody else uses."""

import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Self

import httpx

_SERVES = re.compile(r"^nrdb serves (http://\S+)$", re.MULTILINE)
_START_SECONDS = 120.0
_STOP_SECONDS = 15.0
_ANSWER_SECONDS = 5.0
_LOOK_AGAIN_SECONDS = 0.05
_TAIL_LINES = 12
_ERROR_LINES = 5


class ServiceError(Exception):
    """The sandbox did not start; the text says what it wrote last."""


class Service:
    """Runs inside its `with` block, and is gone with its data afterwards, whatever happened in between."""

    def __init__(self, *, worker: bool, clock_start: str, seed: str = "none") -> None:
        self.admin_key = f"demo_{secrets.token_urlsafe(32)}"
        self.url = ""
        self.has_worker = worker
        self._arguments = [] if worker else ["--no-worker"]
        self._clock_start = clock_start
        self._seed = seed
        self._place = Path()
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    def __enter__(self) -> Self:
        self._place = Path(tempfile.mkdtemp(prefix="nrdb-demo-"))
        try:
            self.start()
        except BaseException:
            self._clear_away()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self._clear_away()

    @property
    def data_dir(self) -> Path:
        """Where its data is."""
        return self._place / "data"

    @property
    def _log(self) -> Path:
        return self._place / "serve.log"

    @property
    def _said(self) -> Path:
        return self._place / "serve.out"

    def start(self) -> None:
        """Start, or start again after `kill` on the same data and port, and wait until it is ready."""
        with self._said.open("wb") as said, self._log.open("ab") as log:
            # A session of its own: Ctrl-C reaches the demo first, which then stops the service in order.
            self._process = subprocess.Popen(  # noqa: S603 (this very program)
                [sys.executable, "-m", "nrdb", "serve", *self._arguments],
                stdin=subprocess.DEVNULL, stdout=said, stderr=log, env=self._environment(),
                start_new_session=True,
            )  # fmt: skip
        with httpx.Client(timeout=_ANSWER_SECONDS, trust_env=False) as client:
            self._wait_until_ready(self._process, client)

    def _wait_until_ready(self, process: subprocess.Popen[bytes], client: httpx.Client) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not self._is_ready(client):
            if process.poll() is not None:
                raise ServiceError(f"the sandbox ended at start with {process.returncode}:\n{self.tail()}")
            if time.monotonic() > deadline:
                raise ServiceError(f"the sandbox was not ready in {_START_SECONDS:.0f} s:\n{self.tail()}")
            time.sleep(_LOOK_AGAIN_SECONDS)

    def kill(self) -> None:
        """SIGKILL: no goodbye, no last write."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def tail(self) -> str:
        """What it logged last."""
        return "\n".join(self._lines()[-_TAIL_LINES:])

    def _lines(self) -> list[str]:
        return self._log.read_text(errors="replace").splitlines() if self._log.exists() else []

    def errors(self) -> list[str]:
        """The errors it logged, newest last; personal data stand in no log."""
        if self._process is not None and self._process.poll() is not None:
            return [
                f"the service ended by itself with {self._process.returncode}",
                *self._lines()[-_TAIL_LINES:],
            ]
        return [line for line in self._lines() if "[error" in line or "[critical" in line][-_ERROR_LINES:]

    def _environment(self) -> dict[str, str]:
        """Ours, without any setting that is meant for another service."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("NRDB_")}
        return {
            **kept,
            "NRDB_ADMIN_KEY": self.admin_key,
            "NRDB_DATA_DIR": str(self.data_dir),
            "NRDB_HOST": "127.0.0.1",
            "NRDB_PORT": str(self._port),
            "NRDB_SANDBOX": "1",
            "NRDB_SANDBOX_START": self._clock_start,
            "NRDB_SEED": self._seed,
        }

    def _is_ready(self, client: httpx.Client) -> bool:
        found = _SERVES.search(self._said.read_text(errors="replace"))
        if found is None:
            return False
        self.url = found[1]
        self._port = httpx.URL(self.url).port or 0
        try:
            return client.get(f"{self.url}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def _clear_away(self) -> None:
        # An impatient second Ctrl-C would leave a database behind.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            self._stop()
        finally:
            shutil.rmtree(self._place, ignore_errors=True)

    def _stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
        self._stop_database()

    def _stop_database(self) -> None:
        """A service that was killed leaves its PostgreSQL behind for the next one; here no next one comes."""
        mark = self._place / "data" / "postgres" / "postmaster.pid"
        try:
            number, cluster, *_ = mark.read_text().splitlines()
        except (OSError, ValueError):
            return
        if Path(cluster).resolve() != mark.parent.resolve():
            return
        deadline = time.monotonic() + _STOP_SECONDS
        try:
            os.kill(int(number), signal.SIGINT)
            while mark.exists() and time.monotonic() < deadline:
                time.sleep(_LOOK_AGAIN_SECONDS)
        except ProcessLookupError:
            return
