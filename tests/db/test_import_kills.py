"""An import that is killed at any point goes on when it is started again, and ends with the same table."""

import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from tests.support.importing import LEFT, ROUTING, fetch, run_import, write_table
from tests.support.processes import ROOT, environment
from tests.support.server import Databases

NOW = datetime.fromisoformat("2026-11-23T08:00:00+01:00")
#: The import kills itself as a machine would be switched off: at the nth call of a function of one of its modules,
#: before it or behind it. Blocks and chunks are small, so that there are many.
KILLED = """
import os, signal, sys
from nrdb.importing import checking, reading, staging, writing
reading.BLOCK, staging.CHUNK, writing.BATCH, writing.REROUTED = 4096, 2, 200, 100
module, name, call = sys.argv.pop(1).split(":")
found, calls = getattr(globals()[module], name), 0
async def killed(*values):
    global calls
    calls += 1
    if calls == int(call):
        os.kill(os.getpid(), signal.SIGKILL)
    return await found(*values)
setattr(globals()[module], name, killed)
from nrdb.cli import main
main()
"""


def killed(dsn: str, tmp_path: Path, kill: str, *arguments: str) -> int:
    """The exit code of the command as a process."""
    return subprocess.run(
        [sys.executable, "-c", KILLED, kill, "import", *arguments, "--json"],
        env=environment(tmp_path / "data", NRDB_DATABASE_URL=dsn),
        stdout=subprocess.DEVNULL,
        cwd=ROOT,
        timeout=120,
        check=False,
    ).returncode


def ported(tmp_path: Path) -> Path:
    """Three plain series, and one of which numbers are ported before the import."""
    rows = [f"{first + place * 3},{'LYSE' if place % 2 else 'COM4'},2020-05-01"
            for first in (90_000_000, 92_000_000, 46_000_000, 51_000_000) for place in range(400)]  # fmt: skip
    return write_table(tmp_path / "ported.csv", "number,holder,since", rows)


def plan(tmp_path: Path) -> Path:
    rows = [f"{24_000_000 + place * 100},{24_000_099 + place * 100},TELIA,2020-01-01" for place in range(1200)]
    return write_table(tmp_path / "plan.csv", "first,last,holder,valid_from", rows)


BEFORE = """
SELECT reroute(nrdb_now(), ARRAY[4751000006], ARRAY[4751000006],
       '[{"first": 4751000006, "since": "2020-02-01T00:00:00Z", "until": "2020-03-01T00:00:00Z", "undo": false,
          "holder": "TELIA", "network": "TELIA"}]')
"""
KILLS = [
    *(("ported", kill) for kill in (
        "staging:_mark:1", "staging:_mark:3", "staging:sort:1", "checking:leave_out:1", "writing:_took:1",
        "writing:_took:4", "writing:_rerouted:1", "staging:clear:1")),
    *(("plan", kill) for kill in ("staging:_mark:2", "writing:_rerouted:2", "staging:clear:1")),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "kill"), KILLS)
async def test_a_killed_import_goes_on(
    databases: Databases, capsys: pytest.CaptureFixture[str], tmp_path: Path, kind: str, kill: str
) -> None:
    file = ported(tmp_path) if kind == "ported" else plan(tmp_path)
    async with databases.sandbox(NOW) as dsn, databases.sandbox(NOW) as whole:
        for each in (dsn, whole):
            await fetch(each, BEFORE)
        assert (await run_import(capsys, whole, kind, file))[0] == 0
        before = await fetch(dsn, ROUTING)
        assert killed(dsn, tmp_path, kill, kind, str(file)) == -signal.SIGKILL
        # Nothing, or all of it: what is killed behind the commit has only not cleared away.
        committed = kill == "staging:clear:1"
        assert (await fetch(dsn, ROUTING) == before) is not committed
        code, summary = await run_import(capsys, dsn, kind, file)
        assert (code, summary["state"]) == (0, "imported-before" if committed else "imported")
        assert (summary["resumed_at_line"] is None) is (committed or kill == "staging:_mark:1")
        assert await fetch(dsn, ROUTING) == await fetch(whole, ROUTING)
        assert await fetch(dsn, LEFT) == [(None,)]
        assert await fetch(dsn, "SELECT count(*) FROM audit WHERE action LIKE '%-imported'") == [(1,)]


async def test_it_goes_on_at_the_line_where_it_was(
    databases: Databases, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    async with databases.sandbox(NOW) as dsn:
        file = ported(tmp_path)
        assert killed(dsn, tmp_path, "staging:_mark:3", "ported", str(file)) == -signal.SIGKILL
        ((line, staged),) = await fetch(dsn, "SELECT next_line, staged FROM nrdb_import")
        assert 2 < line < 1601
        assert await fetch(dsn, "SELECT count(*), max(line) + 1 FROM nrdb_import_row") == [(staged, line)]
        code, summary = await run_import(capsys, dsn, "ported", file)
        assert (code, summary["resumed_at_line"], summary["rows"]) == (0, line, 1600)


async def test_another_file_begins_at_its_beginning(
    databases: Databases, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    async with databases.sandbox(NOW) as dsn:
        assert killed(dsn, tmp_path, "staging:_mark:3", "ported", str(ported(tmp_path))) == -signal.SIGKILL
        other = write_table(tmp_path / "other.csv", "number,holder", ["92000001,LYSE"])
        code, summary = await run_import(capsys, dsn, "ported", other)
        assert (code, summary["imported"], summary["resumed_at_line"]) == (0, 1, None)
