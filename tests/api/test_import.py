"""An import beside a service that runs: what it changes is seen in every way of asking, and cases go on from it."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import orjson
import pytest
from tests.support.copies import follow, snapshot
from tests.support.importing import fetch, run_import, write_table
from tests.support.processes import ROOT, bearer, client_of, environment, order, process
from tests.support.service import Service, eventually

from nrdb.embedded import EmbeddedPostgres

Capture = pytest.CaptureFixture[str]


async def test_a_copy_follows_an_import(service: Service, capsys: Capture, tmp_path: Path) -> None:
    copy = await snapshot(service)
    plan = write_table(tmp_path / "plan.csv", "first,last,holder,valid_from", ["24000000,24000999,TELENOR,2020-05-01"])
    rows = [f"{24_000_000 + place * 2},LYSE,2021-01-01" for place in range(200)]
    file = write_table(tmp_path / "ported.csv", "number,holder,since", [*rows, "90012345,LYSE,", "92000000,LYSE,"])
    assert (await run_import(capsys, service.dsn, "plan", plan))[0] == 0
    assert (await run_import(capsys, service.dsn, "ported", file))[0] == 0
    await follow(service, copy, limit=77)
    whole = await snapshot(service)
    assert (copy.seq, copy.in_force(whole.at)) == (whole.seq, whole.rows)
    found = await service.read("/routing/24000002")
    assert (found["holder"], found["ported"], found["since"]) == ("LYSE", True, "2020-12-31T23:00:00Z")
    assert (await service.read("/routing/24000003"))["holder"] == "TELENOR"
    lines = (await service.read("/audit", "ADMIN", action="ported-imported"))["items"]
    assert [line["after"]["imported"] for line in lines] == [202]


async def test_an_imported_number_is_ported_on_and_returned(service: Service, capsys: Capture, tmp_path: Path) -> None:
    file = write_table(tmp_path / "ported.csv", "number,holder,since", ["90012345,LYSE,2021-01-01"])
    assert (await run_import(capsys, service.dsn, "ported", file))[0] == 0
    refused = await service.order("TELIA", main_number="90012345", donor="TELENOR")
    service.refused(refused, "donor-not-holder")
    await service.case_in("completed", main_number="90012345", donor="LYSE")
    assert (await service.read("/routing/90012345"))["holder"] == "TELIA"
    code, summary = await run_import(capsys, service.dsn, "ported", file)
    assert (code, summary["state"]) == (0, "imported-before")
    assert (await service.read("/routing/90012345"))["holder"] == "TELIA"


async def test_a_number_under_way_is_not_imported(service: Service, capsys: Capture, tmp_path: Path) -> None:
    case_id = await service.case_in("scheduled")
    file = write_table(tmp_path / "ported.csv", "number,holder", ["90012345,LYSE"])
    async with service.unchanged():
        code, summary = await run_import(capsys, service.dsn, "ported", file, dry_run=True)
    # The porting that is to come stands in the table already, and is told first.
    assert (code, summary["errors"]) == (1, {"already-ported": 1})
    await service.accepted("TELIA", "NP_ANNU", case_id=case_id)
    assert (await run_import(capsys, service.dsn, "ported", file))[0] == 0


async def test_messages_wait_for_an_import_and_readers_do_not(
    service: Service, capsys: Capture, tmp_path: Path
) -> None:
    file = write_table(tmp_path / "ported.csv", "number,holder", ["90012345,LYSE"])
    # The import waits for the last row of the plan, with the world in its hands.
    holding = await asyncpg.connect(service.dsn)
    taken = holding.transaction()
    await taken.start()
    await holding.fetch("SELECT 1 FROM series FOR UPDATE")
    importing = asyncio.create_task(run_import(capsys, service.dsn, "ported", file))
    waits = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'nrdb import' AND wait_event_type = 'Lock'"

    async def waiting() -> bool:
        return await fetch(service.dsn, waits) == [(1,)]

    await eventually(waiting)
    sending = asyncio.create_task(service.order("TELIA", main_number="90012345", donor="TELENOR"))
    assert (await service.read("/routing/90012345"))["holder"] == "TELENOR"
    assert not sending.done()
    await taken.rollback()
    await holding.close()
    assert (await importing)[0] == 0
    service.refused(await sending, "donor-not-holder")
    assert (await service.read("/routing/90012345"))["holder"] == "LYSE"


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "data"
    yield place
    if (place / "postgres").exists():
        with EmbeddedPostgres(place):
            pass


def command(data_dir: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "nrdb", "import", *arguments],
        env=environment(data_dir), capture_output=True, text=True, cwd=ROOT, timeout=120, check=False,
    )  # fmt: skip


def test_the_command_beside_the_embedded_database_and_alone(data_dir: Path, tmp_path: Path) -> None:
    first = write_table(tmp_path / "first.csv", "number;holder", ["90012345;LYSE"])
    second = write_table(tmp_path / "second.csv", "number;holder", ["90012346;LYSE", "90012347;NONE"])
    errors = tmp_path / "errors.csv"
    with process(data_dir, "serve") as serve:
        serve.await_address()
        done = command(data_dir, "ported", str(first))
        assert done.returncode == 0, done.stderr
        assert "1 of 1 rows are imported: 3 rows of routing." in done.stdout
        assert done.stdout.startswith(f"The database is nrdb at {data_dir}")
        with client_of(serve) as client:
            key = bearer(serve.keys()["TELIA"])
            assert client.get("/v1/routing/90012345", headers=key).json()["holder"] == "LYSE"
            assert client.post("/v1/messages", json=order(90012345), headers=key).status_code == 409
    done = command(data_dir, "ported", str(second), "--errors", str(errors), "--json")
    assert done.returncode == 1, done.stderr
    assert orjson.loads(done.stdout)["missing_providers"] == ["NONE"]
    assert errors.read_text().splitlines()[1:] == ["3,provider-unknown,holder: there is no provider NONE,90012347;NONE"]
    done = command(data_dir, "ported", str(second), "--errors", str(second))
    assert (done.returncode, "name another one" in done.stderr) == (2, True)
    assert len(second.read_text().splitlines()) == 3


@pytest.mark.parametrize("arguments", [("import", "ported"), ("import", "plan", "--dry-run"), ("verify",)])
def test_the_wrong_folder_gets_no_database(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Without settings the database is that of the folder in which the command is run."""
    file = write_table(tmp_path / "ported.csv", "number,holder", ["90012345,LYSE"])
    settings = environment(tmp_path / "data")
    del settings["NRDB_DATA_DIR"]
    done = subprocess.run(
        [sys.executable, "-m", "nrdb", *arguments, *([str(file)] if "import" in arguments else [])],
        env=settings, capture_output=True, text=True, cwd=tmp_path, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert f"there is no database in {tmp_path / '.nrdb'}: set NRDB_DATABASE_URL" in done.stderr
    assert list(tmp_path.iterdir()) == [file]


def test_a_full_disk_is_told(data_dir: Path, tmp_path: Path) -> None:
    with process(data_dir, "serve") as serve:
        serve.await_address()
        file = write_table(tmp_path / "ported.csv", "number,holder", [f"{90012345 + n},NONE" for n in range(5000)])
        errors = tmp_path / "errors.csv"
        done = subprocess.run(
            ["/bin/sh", "-c", 'ulimit -f 64; exec "$@"', "sh", sys.executable, "-m", "nrdb", "import", "ported",
             str(file), "--errors", str(errors)],
            env=environment(data_dir), capture_output=True, text=True, cwd=ROOT, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 2
        assert f"--errors {errors} cannot be written: File too large" in done.stderr
        assert list(tmp_path.glob("*errors*")) == []
