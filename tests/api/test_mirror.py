"""`nrdb mirror` as a program, against the real service: a copy that is equal, or says that it is not."""

import asyncio
import json
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.support import copies
from tests.support.commands import Ended, command, start
from tests.support.server import Databases, sandbox_settings
from tests.support.service import Service, local, running

NUMBER = "90012345"
LATER = "2026-11-24T10:00:00+01:00"


async def once(service: Service, folder: Path, *more: str) -> Ended:
    return await command(service, "mirror", "run", str(folder), "--once", "--json", *more)


async def made(service: Service, folder: Path) -> dict[str, Any]:
    """A copy that is equal; what was told of it."""
    ended = await once(service, folder)
    assert (ended.code, ended.err) == (0, "")
    return events(ended)[-1]


def events(ended: Ended) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ended.out.splitlines()]


def rows_in(folder: Path) -> set[copies.Row]:
    """The rows of a copy, as the wire has them."""

    def instant(at: int | None) -> str | None:
        if at is None:
            return None
        text = datetime.fromtimestamp(at / 1_000_000, UTC).isoformat().removesuffix("+00:00")
        return (text.rstrip("0") if "." in text else text) + "Z"

    with closing(sqlite3.connect(folder / "routing.db")) as db:
        return {
            (str(r[0])[2:], str(r[1])[2:], *r[2:6], r[6] and str(r[6])[2:], instant(r[7]), instant(r[8]))
            for r in db.execute("SELECT * FROM routing")
        }


def write(folder: Path, statement: str, *values: Any) -> None:
    with closing(sqlite3.connect(folder / "routing.db")) as db:
        db.execute(statement, values)
        db.commit()


async def equals_the_table(service: Service, folder: Path) -> None:
    table = await copies.snapshot(service)
    assert rows_in(folder) == table.rows


async def test_it_is_filled_and_goes_on(service: Service, tmp_path: Path) -> None:
    await service.case_in("scheduled", porting_time=LATER)
    folder = tmp_path / "copy"
    first = events(await once(service, folder))
    assert [event["event"] for event in first] == ["copied", "equal"]
    proof = await service.read("/routing/proof")
    assert (first[-1]["seq"], first[-1]["root"]) == (proof["seq"], proof["hash"])
    await equals_the_table(service, folder)
    await service.case_in("scheduled", main_number="90012346", porting_time=LATER)
    second = events(await once(service, folder))
    assert [event["event"] for event in second] == ["equal"]
    await service.clock(days=3)
    third = events(await once(service, folder, "--quick"))
    assert [event["event"] for event in third] == ["behind", "equal"]
    await equals_the_table(service, folder)
    verified = await command(service, "mirror", "verify", str(folder))
    assert (verified.code, verified.err) == (0, "")
    file, compared = verified.out.splitlines()
    assert file.endswith(f"at {third[-1]['seq']}: 0 changes and 0:00:00 behind")
    assert compared.startswith(f"equal at {third[-1]['seq']}")


async def test_a_copy_that_has_stood_still_is_told_to_be_old(service: Service, tmp_path: Path) -> None:
    """Its readers see what the file holds, not what a look at it has caught up with."""
    kept = await made(service, tmp_path)
    await service.case_in("scheduled", porting_time=LATER)
    await service.clock(days=1, minutes=2)
    behind = await service.read("/routing/changes", after=kept["seq"])
    told = await command(service, "mirror", "verify", str(tmp_path), "--json")
    found = json.loads(told.out)
    assert (told.code, found["equal"]) == (3, True)
    assert found["file"] == {"seq": kept["seq"], "at": kept["at"]}
    assert found["behind"]["changes"] == len(behind["items"]) > 0
    assert found["behind"]["seconds"] >= 86_520
    assert found["seq"] == behind["next"]
    shown = await command(service, "mirror", "verify", str(tmp_path), "--max-age", "100000")
    assert shown.code == 0
    assert shown.out.startswith(
        f"the file is of {kept['at']}, at {kept['seq']}: {len(behind['items'])} changes and 1 day,"
    )
    # That it is different weighs more than that it is old.
    write(tmp_path, "UPDATE routing SET holder = 'ICE' WHERE first = 4702000")
    assert (await command(service, "mirror", "verify", str(tmp_path))).code == 1
    await made_anew(service, tmp_path)
    assert (await command(service, "mirror", "verify", str(tmp_path))).code == 0


async def made_anew(service: Service, folder: Path) -> None:
    """What the nightly line of the page does: without --quick, a copy that is damaged is mended."""
    mended = await once(service, folder)
    assert (mended.code, [event["event"] for event in events(mended)]) == (0, ["damaged", "copied", "equal"])


async def test_the_query_of_the_page(service: Service, tmp_path: Path) -> None:
    await service.case_in("scheduled")
    await made(service, tmp_path)
    page = (Path(__file__).parents[2] / "docs/mirror.md").read_text(encoding="utf-8")
    query = page.partition("```sql\n")[2].partition("```")[0]
    with closing(sqlite3.connect(tmp_path / "routing.db")) as db:
        for at, holder in (("2026-11-23T08:59:59Z", "TELENOR"), ("2026-11-23T09:00:00Z", "TELIA")):
            instant = int(datetime.fromisoformat(at).timestamp()) * 1_000_000
            (found,) = db.execute(query, {"number": 4790012345, "at": instant}).fetchall()
            assert found[0] == holder
        assert db.execute(query, {"number": 4710000000, "at": instant}).fetchall() == []


async def test_where_a_copy_differs_is_told_number_by_number(service: Service, tmp_path: Path) -> None:
    await service.case_in("scheduled")
    await made(service, tmp_path)
    write(tmp_path, "UPDATE routing SET holder = 'ICE' WHERE first = 4790012345 AND valid_until IS NULL")
    write(tmp_path, "DELETE FROM routing WHERE first = 4702000")
    ended = await command(service, "mirror", "verify", str(tmp_path), "--json")
    assert ended.code == 1
    found = json.loads(ended.out)
    assert not found["equal"]
    assert found["requests"] <= 12
    told = {
        (item["first"], item["last"]): (
            [row["holder"] for row in item["copy"]],
            [row["holder"] for row in item["server"]],
        )
        for item in found["differences"]
    }
    assert told.pop((NUMBER, NUMBER)) == (["TELENOR", "ICE"], ["TELENOR", "TELIA"])
    assert {(len(first), tuple(ours), len(theirs)) for (first, _), (ours, theirs) in told.items()} == {(5, (), 1)}
    shown = await command(service, "mirror", "verify", str(tmp_path))
    assert shown.code == 1
    assert f"{NUMBER}\n  copy    TELENOR in TELENOR" in shown.out
    assert "  copy    nothing\n" in shown.out
    # Whoever keeps it finds it, too, and mends it.
    mended = await once(service, tmp_path)
    assert (mended.code, [event["event"] for event in events(mended)]) == (0, ["damaged", "copied", "equal"])
    await equals_the_table(service, tmp_path)


async def test_what_no_check_has_found_is_found_by_the_root(service: Service, tmp_path: Path) -> None:
    await service.case_in("scheduled")
    await made(service, tmp_path)
    # Without a check, what the copy has lost goes unseen until something happens in its block.
    write(tmp_path, "DELETE FROM routing WHERE first = 4790012345")
    quick = await once(service, tmp_path, "--quick")
    assert quick.code == 0
    await service.case_in("scheduled", main_number="90012399")
    mended = await once(service, tmp_path, "--quick")
    assert (mended.code, [event["event"] for event in events(mended)]) == (0, ["different", "copied", "equal"])
    await equals_the_table(service, tmp_path)


async def test_a_root_that_is_damaged_is_told_in_digits(service: Service, tmp_path: Path) -> None:
    await made(service, tmp_path)
    write(tmp_path, "UPDATE node SET hash = x'00ff' WHERE depth = 0")
    mended = await once(service, tmp_path, "--quick")
    different = events(mended)[0]
    assert (mended.code, different["event"]) == (0, "different")
    assert "its root is 00ff, and should be " in different["reason"]


@pytest.mark.parametrize(
    "damage", ["torn", "empty", "other", "gone", "form", "middle", "text", "year", "reach", "when", "whose"]
)
async def test_a_damaged_file_is_copied_anew(service: Service, tmp_path: Path, damage: str) -> None:
    await made(service, tmp_path)
    file = tmp_path / (tmp_path / "routing.db").readlink()
    content = file.read_bytes()
    match damage:
        case "torn":
            file.write_bytes(content[: len(content) // 2])
        case "empty":
            file.write_bytes(b"")
        case "other":
            file.write_bytes(b"first,last,holder\n" * 1000)
        case "gone":
            file.unlink()
        case "form":
            write(tmp_path, "PRAGMA user_version = 99")
        case "text":
            write(tmp_path, "UPDATE routing SET first = 'abc' WHERE first = 4702000")
        case "year":
            write(tmp_path, "UPDATE routing SET valid_from = 9000000000000000000 WHERE first = 4702000")
        case "reach":
            write(tmp_path, "UPDATE routing SET last = 9000000000000000000 WHERE first = 4702000")
        case "when":
            write(tmp_path, "UPDATE state SET at = 'yesterday'")
        case "whose":
            write(tmp_path, "UPDATE state SET source = x'00ff'")
        case "middle":
            half = len(content) // 2
            file.write_bytes(content[:half] + bytes(4096) + content[half + 4096 :])
    verified = await command(service, "mirror", "verify", str(tmp_path))
    assert verified.code == 1
    assert "nrdb mirror run copies it anew" in verified.err or "\ndifferent at " in verified.out
    mended = await once(service, tmp_path)
    assert (mended.code, [event["event"] for event in events(mended)]) == (0, ["damaged", "copied", "equal"])
    await equals_the_table(service, tmp_path)
    assert len(_files(tmp_path)) == 1


def _files(folder: Path) -> list[Path]:
    return list(folder.glob("routing-*.db"))


async def test_a_copy_of_another_service_is_left_alone(
    service: Service, databases: Databases, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path / "copy"
    await made(service, folder)
    before = rows_in(folder)
    async with databases.sandbox(local("2026-11-23 08:00")) as dsn:
        settings = sandbox_settings(tmp_path_factory.mktemp("other"))
        async with running(settings, dsn, databases.keys) as other:
            await other.db.execute("UPDATE world SET source = gen_random_uuid()")
            refused = await once(other, folder)
            verified = await command(other, "mirror", "verify", str(folder))
    assert (refused.code, verified.code) == (2, 2)
    assert "other-source: the copy is of" in refused.err
    assert "name another folder" in refused.err
    assert "other-source" in verified.err
    assert rows_in(folder) == before


async def test_a_service_restored_from_a_backup(service: Service, tmp_path: Path) -> None:
    await service.case_in("scheduled")
    await made(service, tmp_path)
    # What the copy knows beyond is known to nobody.
    write(tmp_path, "UPDATE state SET seq = seq + 1000000000")
    verified = await command(service, "mirror", "verify", str(tmp_path))
    assert verified.code == 1
    mended = await once(service, tmp_path)
    assert (mended.code, [event["event"] for event in events(mended)]) == (0, ["different", "copied", "equal"])
    await equals_the_table(service, tmp_path)


async def test_folders_that_cannot_be_used(service: Service, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    own = tmp_path / "own"
    own.mkdir()
    (own / "routing.db").write_text("somebody's")
    for folder, told in ((file, "is no folder"), (own, "no nrdb mirror has made")):
        ended = await once(service, folder)
        assert (ended.code, ended.out) == (1, "")
        assert told in ended.err
    assert (own / "routing.db").read_text() == "somebody's"
    verified = await command(service, "mirror", "verify", str(tmp_path / "nowhere"))
    assert (verified.code, verified.out) == (2, "")
    assert "holds no copy" in verified.err


@asynccontextmanager
async def kept(service: Service, folder: Path, *more: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A mirror that goes on until it is stopped, or killed."""
    process = await start(service, "mirror", "run", str(folder), "--every", "0.1", "--json", *more)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def told(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None
    async with asyncio.timeout(30):
        line = await process.stdout.readline()
    return dict(json.loads(line))


async def test_one_writer_at_a_time_and_readers_besides(service: Service, tmp_path: Path) -> None:
    async with kept(service, tmp_path) as process:
        assert [(await told(process))["event"] for _ in range(2)] == ["copied", "equal"]
        second = await once(service, tmp_path)
        assert (second.code, second.err) == (1, f"nrdb mirror run: another nrdb mirror keeps {tmp_path}\n")
        await service.case_in("scheduled")
        equal = await told(process)
        proof = await service.read("/routing/proof")
        assert (equal["event"], equal["seq"], equal["root"]) == ("equal", proof["seq"], proof["hash"])
        assert (await command(service, "mirror", "verify", str(tmp_path))).code == 0
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            assert await process.wait() == 0


async def test_killed_at_any_moment_it_goes_on_right(service: Service, tmp_path: Path) -> None:
    random = Random(11)  # noqa: S311 (no secret)
    stopped = asyncio.Event()

    async def port() -> None:
        for number in range(90013000, 90018000):
            if stopped.is_set():
                return
            await service.case_in("scheduled", main_number=str(number), porting_time=LATER)

    porting = asyncio.create_task(port())
    for wait_for in random.choices((0, 1, 2), k=10):
        async with kept(service, tmp_path, *random.choice(((), ("--quick",)))) as process:
            # At first while it starts or fills, then at any moment of following.
            for _ in range(wait_for):
                assert (await told(process))["event"] in ("copied", "equal")
            await asyncio.sleep(random.uniform(0, 0.7))
            process.kill()
    stopped.set()
    await porting
    ended = await once(service, tmp_path)
    assert (ended.code, ended.err) == (0, "")
    assert not any(event["event"] in ("damaged", "different") for event in events(ended))
    await equals_the_table(service, tmp_path)
    assert (await command(service, "mirror", "verify", str(tmp_path))).code == 0


async def test_a_service_that_is_away(service: Service, tmp_path: Path) -> None:
    await made(service, tmp_path)
    before = rows_in(tmp_path)
    wrong = await once(service, tmp_path, "--key", "wrong")
    assert (wrong.code, wrong.err) == (1, "nrdb mirror run: unauthenticated: " + wrong.err.partition("ted: ")[2])
    assert rows_in(tmp_path) == before
