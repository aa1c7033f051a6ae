"""The embedded PostgreSQL: who owns it, who attaches, and what survives a kill."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from nrdb.embedded import EmbeddedError, EmbeddedPostgres, pg_bin
from nrdb.embedded_account import Account
from nrdb.errors import ConfigurationError

OWNER = textwrap.dedent("""
    import sys, time
    from pathlib import Path
    from nrdb.embedded import EmbeddedPostgres
    from nrdb.logs import configure_logs
    configure_logs("json")
    with EmbeddedPostgres(Path(sys.argv[1])) as server:
        print(server.pid, flush=True)
        time.sleep(60)
""")


def query(dsn: str, sql: str) -> object:
    """One value from the server."""

    async def ask() -> object:
        connection = await asyncpg.connect(dsn, timeout=10)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(ask())


def runs(pid: int | None) -> bool:
    """Whether the process exists; a dead one that nobody has buried yet counts as gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def ends(pid: int | None) -> bool:
    """Whether the process is gone within seconds: the kernel clears a process away after its last file."""
    deadline = time.monotonic() + 5
    while runs(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not runs(pid)


@contextmanager
def owner_process(data_dir: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Another process that owns the server, and the server's process id; whatever is left is stopped."""
    command = [sys.executable, "-c", OWNER, str(data_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, int(process.stdout.readline())
        finally:
            process.kill()
            process.wait()
            with EmbeddedPostgres(data_dir):
                pass


def test_start_serve_stop_and_start_again(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path) as server:
        assert server.owner
        pid = server.pid
        assert query(server.dsn, "SELECT current_database()::text") == "nrdb"
        assert query(server.dsn, "SELECT version()").startswith("PostgreSQL 18")  # type: ignore[attr-defined]
        assert query(server.dsn, "SHOW fsync") == "on"
        assert query(server.dsn, "SHOW server_encoding") == "UTF8"
        assert query(server.dsn, "SHOW listen_addresses") == ""
        assert query(server.dsn, "SELECT upper('blåbærsyltetøy')") == "BLÅBÆRSYLTETØY"
        query(server.dsn, "CREATE TABLE kept AS SELECT 1 AS one")
    assert ends(pid)
    with EmbeddedPostgres(tmp_path) as server:
        assert server.pid != pid
        assert query(server.dsn, "SELECT one FROM kept") == 1


def test_the_dsn_is_known_only_while_it_runs(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="only inside"):
        EmbeddedPostgres(tmp_path).dsn  # noqa: B018 - Reading it is the test.


def test_options_override_the_settings(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path, options={"fsync": "off"}) as server:
        assert query(server.dsn, "SHOW fsync") == "off"


def test_a_second_user_attaches_and_leaves_it_running(tmp_path: Path) -> None:
    with owner_process(tmp_path) as (_process, pid):
        with EmbeddedPostgres(tmp_path) as second:
            assert not second.owner
            assert second.pid == pid
            assert query(second.dsn, "SELECT 1") == 1
        assert runs(pid)


def test_an_owner_that_is_killed_leaves_it_to_the_next(tmp_path: Path) -> None:
    with owner_process(tmp_path) as (process, pid):
        process.kill()
        process.wait()
        assert runs(pid)
        with EmbeddedPostgres(tmp_path) as next_owner:
            assert next_owner.owner
            assert next_owner.pid == pid
            assert query(next_owner.dsn, "SELECT 1") == 1
        assert ends(pid)


def test_a_server_killed_with_its_owner_is_started_again(tmp_path: Path) -> None:
    with owner_process(tmp_path) as (process, pid):
        with EmbeddedPostgres(tmp_path) as other:
            query(other.dsn, "CREATE TABLE kept AS SELECT 1 AS one")
        process.kill()
        process.wait()
        os.kill(pid, signal.SIGKILL)
        with EmbeddedPostgres(tmp_path) as server:
            assert server.owner
            assert server.pid != pid
            assert query(server.dsn, "SELECT one FROM kept") == 1


def test_a_stale_pid_file_that_names_a_living_process_does_not_hinder(tmp_path: Path) -> None:
    """In a fresh container the number of a server long gone may be our own."""
    with EmbeddedPostgres(tmp_path) as server:
        lines = (server.cluster / "postmaster.pid").read_text().splitlines()
    stale = server.cluster / "postmaster.pid"
    stale.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    owned_by = server.cluster.stat()
    os.chown(stale, owned_by.st_uid, owned_by.st_gid)
    with EmbeddedPostgres(tmp_path) as server:
        assert query(server.dsn, "SELECT 1") == 1


def test_ctrl_c_in_the_terminal_does_not_reach_it(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path) as server:
        assert server.pid is not None
        assert os.getsid(server.pid) != os.getsid(0)
        assert os.getpgid(server.pid) != os.getpgid(0)


@pytest.mark.parametrize("name", ["d" * 120, "with space, comma and æ"])
def test_a_path_unfit_for_a_socket_gets_a_short_one(tmp_path: Path, name: str) -> None:
    with EmbeddedPostgres(tmp_path / name) as server:
        socket_dir = query(server.dsn, "SHOW unix_socket_directories")
        assert isinstance(socket_dir, str)
        assert not socket_dir.startswith(str(tmp_path))
    assert not Path(socket_dir).exists()


def test_a_short_path_left_by_a_kill_is_removed(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / ("d" * 120)) as server:
        socket_dir = str(query(server.dsn, "SHOW unix_socket_directories"))
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
    with server:
        assert query(server.dsn, "SELECT 1") == 1
        assert not Path(socket_dir).exists()


def test_a_server_that_ends_at_start_says_why(tmp_path: Path) -> None:
    with (
        pytest.raises(EmbeddedError, match="max_connections"),
        EmbeddedPostgres(tmp_path, options={"max_connections": "none"}),
    ):
        pass
    with EmbeddedPostgres(tmp_path) as server:
        assert server.owner


def test_files_of_another_version_are_refused(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path) as server:
        pass
    (server.cluster / "PG_VERSION").write_text("9\n")
    with pytest.raises(ConfigurationError, match="made by PostgreSQL 9"), server:
        pass


def test_the_lock_is_free_again_after_a_failed_start(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("9\n")
    for _ in range(2):
        with pytest.raises(ConfigurationError), EmbeddedPostgres(tmp_path):
            pass


def test_a_data_dir_that_is_a_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(ConfigurationError, match="NRDB_DATA_DIR"), EmbeddedPostgres(path):
        pass


def test_programs_are_found_and_a_missing_extra_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("psql", "pgbench", "pg_dump"):
        assert os.access(pg_bin(name), os.X_OK)
    with pytest.raises(ConfigurationError, match="no program mysql"):
        pg_bin("mysql")
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(ConfigurationError, match=r"NRDB_DATABASE_URL.*nrdb\[embedded\]"):
        pg_bin("psql")


def test_nothing_secret_is_readable_by_others(tmp_path: Path) -> None:
    """The server trusts whoever reaches its socket, so only its user (and root) may."""
    with EmbeddedPostgres(tmp_path / "data") as server:
        assert server.cluster.stat().st_mode & 0o077 == 0
        assert server.data_dir.stat().st_mode & 0o066 == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can hand files to another user")
def test_root_opens_directories_for_passing_only(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with EmbeddedPostgres(closed / "data") as server:
        assert server.cluster.stat().st_uid != 0
        assert closed.stat().st_mode & 0o777 == 0o701


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can hand files to another user")
def test_root_opens_programs_that_a_strict_umask_has_closed(tmp_path: Path) -> None:
    program = tmp_path / "tree" / "bin" / "postgres"
    program.parent.mkdir(parents=True)
    (data := tmp_path / "tree" / "postgres.bki").touch(mode=0o600)
    program.touch(mode=0o700)
    (tmp_path / "tree").chmod(0o700)
    Account(65534, 65534).read(tmp_path / "tree")
    assert program.stat().st_mode & 0o777 == 0o705
    assert data.stat().st_mode & 0o777 == 0o604


def test_an_ordinary_user_needs_no_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert Account.choose(tmp_path) is None
