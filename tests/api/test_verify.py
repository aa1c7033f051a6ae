"""`nrdb verify` over damage: each is told by its numbers or its case."""

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.importing import run_import, write_table
from tests.support.server import DATA_KEY, sandbox_settings
from tests.support.service import Service

from nrdb.verifying.compare import Difference
from nrdb.verifying.program import Refusal, Verdict, verify

DAMAGE = {
    "the holder of a ported number": (
        "UPDATE routing SET holder = 'LYSE' WHERE first = 4790012345 AND holder = 'TELIA' AND removed_at = 'infinity'",
        "numbers 90012345 to 90012345",
    ),
    "a routing number of many": (
        "UPDATE routing SET routing_number = 'D9999' WHERE first = 4790012346 AND removed_at = 'infinity'",
        "numbers 90012346 to 90199999",
    ),
    "a row that is lost": (
        "DELETE FROM routing WHERE first = 4722000000 AND removed_at = 'infinity'",
        "numbers 22000000 to ",
    ),
    "since when a number has been served": (
        "UPDATE routing SET served_since = served_since - interval '1 day' WHERE first = 4722000000",
        "numbers 22000000 to ",
    ),
    "what was, and is no more": (
        "UPDATE routing SET network = 'LYSE' WHERE first = 4790012345 AND valid_until < 'infinity'",
        "numbers 90012345 to 90012345",
    ),
    "whether a number goes with its series": (
        "UPDATE routing SET own_holder = holder, own_network = holder, own_since = valid_from WHERE first = 4722000000",
        "numbers 22000000 to ",
    ),
    "a number of a case": ("UPDATE case_numbers SET numbers = '[4790012346,4790012346]'", "case "),
    "who is to report": ("UPDATE cases SET expected = expected[2:]", "case "),
    "the state of a case": ("UPDATE cases SET state = 'completed', due_at = NULL", "case "),
    "a message that is lost": ("DELETE FROM message_log WHERE type = 'NP_IVER'", "numbers 90012345 to 90012345"),
}


async def _verified(service: Service, place: Path) -> tuple[Verdict, list[Refusal | Difference]]:
    found: list[Refusal | Difference] = []
    verdict = await verify(sandbox_settings(place), service.dsn, lambda _: None, found.append)
    assert verdict.refused + verdict.differences == len(found)
    return verdict, found


@pytest.mark.parametrize("damage", DAMAGE)
async def test_damage_is_told(service: Service, damage: str, tmp_path: Path) -> None:
    statement, told = DAMAGE[damage]
    await service.case_in("awaiting_completion")
    assert (await _verified(service, tmp_path))[0].equal
    await service.db.execute("CREATE TABLE kept AS SELECT * FROM routing")
    await service.db.execute(statement)
    verdict, found = await _verified(service, tmp_path)
    assert not verdict.equal
    assert any(isinstance(each, Difference) and each.what.startswith(told) for each in found), found
    # What is sound again for what every test looks at in the end.
    await service.db.execute("DELETE FROM routing; INSERT INTO routing SELECT * FROM kept; DROP TABLE kept")


async def test_the_command(service: Service, tmp_path: Path) -> None:
    await service.case_in("scheduled")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NRDB_")}
    environment |= {"NRDB_DATABASE_URL": service.dsn, "NRDB_SANDBOX": "1", "NRDB_DATA_KEY": DATA_KEY}
    command = [sys.executable, "-m", "nrdb", "verify"]

    def run(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *more], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )

    done = await asyncio.to_thread(run)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(": the same routing table and the same cases\n")
    await service.db.execute("UPDATE cases SET state = 'completed', due_at = NULL")
    done = await asyncio.to_thread(run, "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["differences"][0]["what"].startswith("case ")
    left = await service.db.fetchval("SELECT count(*) FROM pg_database WHERE datname LIKE 'nrdb_verify%'")
    assert left == 0


async def test_a_table_that_is_lost_is_shown_in_part_and_counted(service: Service, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NRDB_")}
    environment |= {"NRDB_DATABASE_URL": service.dsn, "NRDB_SANDBOX": "1", "NRDB_DATA_KEY": DATA_KEY}
    await service.db.execute(
        "CREATE TABLE kept AS SELECT * FROM routing; UPDATE routing SET served_since = served_since + make_interval("
        "secs => put_seq % 1000)"
    )

    command = [sys.executable, "-m", "nrdb", "verify"]

    def run(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *more], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )

    def read_a_line() -> tuple[str, int]:
        with subprocess.Popen(
            command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as reads:
            assert reads.stdout is not None
            line = reads.stdout.readline()
            reads.stdout.close()
        return line, reads.returncode

    done = await asyncio.to_thread(run, "--limit", "3")
    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    assert [line[:8] for line in lines[:9]] == ["numbers ", "  here: ", "  replay"] * 3
    assert (told := re.fullmatch(r"differences: (\d+), of which 3 are shown \(--limit\)", lines[9]))
    assert int(told[1]) > 10
    assert lines[-1].endswith(": NOT the same")
    done = await asyncio.to_thread(run, "--limit", "2", "--json")
    shown = json.loads(done.stdout)
    assert (len(shown["differences"]), shown["difference_count"], shown["equal"]) == (2, int(told[1]), False)
    # Who reads a line only learns by the exit code that it is not the same, too.
    line, code = await asyncio.to_thread(read_a_line)
    assert (line[:8], code) == ("numbers ", 1)
    left = await service.db.fetchval("SELECT count(*) FROM pg_database WHERE datname LIKE 'nrdb_verify%'")
    assert left == 0
    await service.db.execute("DELETE FROM routing; INSERT INTO routing SELECT * FROM kept; DROP TABLE kept")


async def test_an_import_is_replayed_from_what_it_has_written(
    service: Service, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await service.case_in("scheduled")
    plan = write_table(tmp_path / "plan.csv", "first,last,holder", ["41230000,41239999,LYSE"])
    code, summary = await run_import(capsys, service.dsn, "plan", plan)
    assert code == 0, summary["errors"]
    ported = write_table(
        tmp_path / "ported.csv", "number,holder,since", ["41230001,TELIA,2020-01-01T00:00:00Z", "41230003,TELENOR,"]
    )
    code, summary = await run_import(capsys, service.dsn, "ported", ported)
    assert code == 0, summary["errors"]
    case_id = await service.ordered("TELENOR", main_number="41230001", donor="TELIA")
    await service.accepted("TELIA", "NP_GODK", case_id=case_id)
    await service.accepted("TELENOR", "NP_IVER", case_id=case_id)
    verdict, found = await _verified(service, tmp_path)
    assert (verdict.equal, found) == (True, [])
    assert (await service.read("/routing/41230001", at="2026-11-23T10:00:00+01:00"))["holder"] == "TELENOR"


async def test_a_plan_from_long_ago_is_replayed(
    service: Service, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A series begins when its file says, even before the audit log and the providers; what came later stays later."""
    before = (await _verified(service, tmp_path))[0].beginning
    await service.clock(days=3)
    rows = ["41230000,41239999,LYSE,1998-06-01", "41240000,41249999,LYSE,", "41250000,41259999,LYSE,2026-11-24"]
    plan = write_table(tmp_path / "plan.csv", "first,last,holder,valid_from", rows)
    code, summary = await run_import(capsys, service.dsn, "plan", plan)
    assert code == 0, summary["errors"]
    # One is changed at the instant of the import, others later.
    for number in ("41240000", "41230000"):
        series = (await service.read("/series", number=number))["items"][0]
        changed = {"holder": "CHILI", "reason": "bought"}
        await service.admin("PATCH", f"/series/{series['series_id']}", changed)
        await service.clock(minutes=1)
    await service.admin("POST", "/provider-codes/LYSE/transfer", {"to": "TELIA", "reason": "merger"})
    rows = ["41230001,TELENOR,2005-01-01", "41240001,TELENOR,", "41250001,TELENOR,2026-11-25"]
    ported = write_table(tmp_path / "ported.csv", "number,holder,since", rows)
    code, summary = await run_import(capsys, service.dsn, "ported", ported)
    assert code == 0, summary["errors"]
    verdict, found = await _verified(service, tmp_path)
    assert (verdict.equal, found) == (True, [])
    assert verdict.beginning == before + 1  # The one that was changed before it was ever in force.
    assert (await service.read("/routing/41230005", at="2000-01-01T00:00:00Z"))["holder"] == "LYSE"
