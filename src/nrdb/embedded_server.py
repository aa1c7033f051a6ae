"""What can be seen of a PostgreSQL from outside: does it answer, does it still run, what has it left behind.

The owner of a data directory asks this before it starts a server, since a former owner may have been killed
at any point, with or without its server.
"""

import contextlib
import os
import socket
import struct
from dataclasses import dataclass
from pathlib import Path

_ANSWER_SECONDS = 5.0
_SSL_REQUEST = struct.pack("!II", 8, 80877103)


@dataclass(frozen=True, slots=True)
class Server:
    """What postmaster.pid says of a server that answers."""

    pid: int
    socket_dir: str
    ready: bool


def _answers(directory: str, port: str) -> bool:
    """Whether a server answers.

    A socket file proves nothing, it outlives a killed server; a connection little more, since the system
    accepts it for a server that is dying. So we ask something: "do you speak TLS?"
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(_ANSWER_SECONDS)
        try:
            client.connect(f"{directory}/.s.PGSQL.{port}")
            client.sendall(_SSL_REQUEST)
            return client.recv(1) != b""
        except OSError:
            return False


def running(cluster: Path) -> Server | None:
    """The server of these files, if one answers; its pid file may be stale or half written."""
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return None
    if len(lines) < 8 or not _answers(lines[4], lines[3]):
        return None
    return Server(int(lines[0]), lines[4], lines[7].strip() == "ready")


def clear_away(cluster: Path) -> None:
    """Remove what a killed server left: its number may live on, as a zombie or as somebody else."""
    with contextlib.suppress(FileNotFoundError, IndexError):
        place = Path((cluster / "postmaster.pid").read_text().splitlines()[4])
        for name in (".s.PGSQL.5432", ".s.PGSQL.5432.lock"):
            (place / name).unlink(missing_ok=True)
        forget(place, cluster)
    (cluster / "postmaster.pid").unlink(missing_ok=True)


def forget(socket_dir: Path, cluster: Path) -> None:
    """Remove the short directory that one run had for its socket."""
    if socket_dir != cluster:
        with contextlib.suppress(OSError):
            socket_dir.rmdir()


def ready(cluster: Path) -> Server | None:
    """The server of these files, if it takes queries."""
    server = running(cluster)
    return server if server is not None and server.ready else None


def alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and is ours to bury is buried here."""
    with contextlib.suppress(ChildProcessError):
        return os.waitpid(pid, os.WNOHANG) == (0, 0)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _works_in(process: Path, cluster: Path) -> bool:
    try:
        return (process / "comm").read_text() == "postgres\n" and (process / "cwd").readlink() == cluster
    except OSError:
        return False


def survivors(cluster: Path) -> bool:
    """Whether any process of a server still uses these files.

    Every PostgreSQL process works in its data directory. A pid file is no proof: after a crash its number may
    belong to somebody else, in a fresh container quite likely to ourselves.
    """
    proc = Path("/proc")
    if (proc / "self" / "cwd").exists():
        return any(_works_in(process, cluster) for process in proc.iterdir() if process.name.isdigit())
    try:
        return alive(int((cluster / "postmaster.pid").read_text().splitlines()[0]))
    except (FileNotFoundError, IndexError, ValueError):
        return False
