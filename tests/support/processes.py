"""Real processes: `nrdb serve` and `nrdb worker`, as an operator starts, stops and kills them."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from tests.support.server import ADMIN_KEY
from tests.support.service import order_fields

ROOT = Path(__file__).parents[2]
START = "2026-11-23T08:00:00+01:00"


def environment(data_dir: Path, **settings: str) -> dict[str, str]:
    import nrdb  # noqa: PLC0415 - The sources under test, wherever they lie.

    assert nrdb.__file__
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NRDB_")}
    own = {"NRDB_DATA_DIR": str(data_dir), "NRDB_PORT": "0", "NRDB_SANDBOX": "1", "NRDB_SEED": "norway",
           "NRDB_SANDBOX_START": START, "NRDB_ADMIN_KEY": ADMIN_KEY, "NRDB_LOG_FORMAT": "json"}  # fmt: skip
    return {**kept, "PYTHONPATH": str(Path(nrdb.__file__).parents[1]), **own, **settings}


class Process:
    """A running `nrdb`, its address and the lines of its log."""

    def __init__(self, data_dir: Path, *arguments: str, **settings: str) -> None:
        self.data_dir = data_dir
        data_dir.mkdir(exist_ok=True)
        self.log_path = data_dir / f"log-{uuid4()}"
        with self.log_path.open("wb") as log:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "nrdb", *arguments],
                env=environment(data_dir, **settings),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=ROOT,
            )
        self.address = ""
        self.said: list[str] = []

    def await_address(self) -> "Process":
        """Wait until it serves."""
        assert self.popen.stdout is not None
        stdout = self.popen.stdout
        for line in stdout:
            self.said.append(line)
            if found := re.search(r"http://\S+:\d+", line):
                self.address = found[0]
                break
        assert self.address, self.log_path.read_text()
        threading.Thread(target=lambda: self.said.append(stdout.read()), daemon=True).start()
        return self

    def keys(self) -> dict[str, str]:
        """The ready-made keys of the sandbox."""
        lines = (self.data_dir / "sandbox-keys.env").read_text().splitlines()
        return dict(line.split("_KEY=") for line in lines if "_KEY=" in line)

    def end(self, sign: int = signal.SIGTERM) -> tuple[int, float]:
        """Send the signal; the exit code, and after how many seconds."""
        began = time.monotonic()
        self.popen.send_signal(sign)
        code = self.popen.wait(20)
        return code, time.monotonic() - began


@contextmanager
def process(data_dir: Path, *arguments: str, **settings: str) -> Iterator[Process]:
    started = Process(data_dir, *arguments, **settings)
    try:
        yield started
    finally:
        if started.popen.poll() is None:
            started.end()
        if started.popen.stdout is not None:
            started.popen.stdout.close()


def until(check: Callable[[], Any], seconds: float) -> Any:
    """Look again until the check is true."""
    deadline = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return found


def gone(pid: int) -> bool:
    """Whether the process has ended; one that nobody has buried counts as gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def client_of(one: Process) -> httpx.Client:
    return httpx.Client(base_url=one.address, trust_env=False, timeout=20)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def order(number: int) -> dict[str, Any]:
    fields = order_fields(main_number=str(number))
    return {"type": "NP_BEST", "sender": "TELIA", "message_id": str(uuid4()), **fields}
