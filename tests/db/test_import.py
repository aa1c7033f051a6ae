"""Imports: what is loaded, what is refused and with which words, and that a refused file leaves nothing."""

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest
from tests.support.importing import LEFT, ROUTING, execute, fetch, read_errors, run_import, write_table, wrong_lines
from tests.support.server import Databases

from nrdb import importing
from nrdb.importing import Wanted, import_file, staging

NOW = datetime.fromisoformat("2026-11-23T08:00:00+01:00")
PORTED = "first,last,holder,network,since,target_number"
PLAN = "first,last,holder,number_class,status,reason,valid_from"
#: Everything that an import may change.
ALL = {
    "routing": ROUTING,
    "series": "SELECT numbers, holder, status, valid FROM series ORDER BY numbers, valid",
    "audit": "SELECT action, subject FROM audit ORDER BY id",
}
Capture = pytest.CaptureFixture[str]


@pytest.fixture
async def dsn(databases: Databases) -> AsyncIterator[str]:
    async with databases.sandbox(NOW) as found:
        yield found


async def everything(dsn: str) -> dict[str, list[Any]]:
    return {name: await fetch(dsn, statement) for name, statement in ALL.items()}


async def routing(dsn: str, number: int) -> list[tuple[Any, ...]]:
    """What is believed of a number: holder, network, routing number, range holder, target, from when on."""
    return await fetch(
        dsn,
        """
        SELECT holder, network, routing_number, range_holder, target_number, valid_from
          FROM routing_of($1, $1) WHERE valid_until = 'infinity' ORDER BY valid_from
        """,
        4_700_000_000 + number if number >= 10**7 else int(f"47{number:05}"),
    )


async def test_a_plan_and_its_ported_numbers(dsn: str, capsys: Capture, tmp_path: Path) -> None:
    plan = write_table(tmp_path / "plan.csv", PLAN, [
        "24000000,24009999,TELENOR,,,a reason,2000-01-01",
        "24010000,24019999,0,,returned,,",
        "59800000,59809999,BANENOR,MOBILE,blocked,GSM-R,2010-05-01",
    ])  # fmt: skip
    code, summary = await run_import(capsys, dsn, "plan", plan, reason="cut-over")
    assert (code, summary["state"], summary["imported"]) == (0, "imported", 3)
    assert await fetch(
        dsn,
        """
        SELECT lower(numbers), upper(numbers) - 1, number_class, holder, status, reason, lower(valid)::text
          FROM series WHERE lower(numbers) IN (4724000000, 4724010000, 4759800000) ORDER BY 1
        """,
    ) == [
        (4724000000, 4724009999, "GEO", "TELENOR", "open", "a reason", "1999-12-31 23:00:00+00"),
        (4724010000, 4724019999, "GEO", "0", "returned", "cut-over", "2026-11-23 07:00:00+00"),
        (4759800000, 4759809999, "MOBILE", "BANENOR", "blocked", "GSM-R", "2010-04-30 22:00:00+00"),
    ]
    ported = write_table(tmp_path / "ported.csv", PORTED, [
        "24000005,,TELIA,,2019-05-14,", "24000010,24000019,LYCA,TELIA,,", "02800,,TELIA,TELIA,,22000001",
    ])  # fmt: skip
    code, summary = await run_import(capsys, dsn, "ported", ported)
    assert (code, summary["imported"]) == (0, 3)
    day = datetime.fromisoformat("2019-05-14T00:00:00+02:00")
    assert await routing(dsn, 24000005) == [("TELIA", "TELIA", "+47990010", "TELENOR", None, day)]
    assert await routing(dsn, 24000015) == [("LYCA", "TELIA", "+47990010", "TELENOR", None, NOW)]
    assert [row[0] for row in await routing(dsn, 24000020)] == ["TELENOR"]
    assert await routing(dsn, 2800) == [("TELIA", "TELIA", "+47990010", "0", 4722000001, NOW)]
    lines = await fetch(dsn, "SELECT action, subject, reason, key_id, at FROM audit ORDER BY id")
    assert [line[0] for line in lines[-2:]] == ["plan-imported", "ported-imported"]
    assert lines[-1][1:] == (summary["sha256"], "import of ported.csv", None, NOW)
    assert await fetch(dsn, LEFT) == [(None,)]


async def test_the_same_file_twice_is_one_import(dsn: str, capsys: Capture, tmp_path: Path) -> None:
    file = write_table(tmp_path / "ported.csv", "number,holder", ["92000001,LYSE", "92000002,LYSE"])
    assert (await run_import(capsys, dsn, "ported", file))[0] == 0
    before = await everything(dsn)
    code, summary = await run_import(capsys, dsn, "ported", file)
    assert (code, summary["state"], summary["imported"]) == (0, "imported-before", 0)
    assert await everything(dsn) == before
    # The same rows in another file are told where they stand.
    other = write_table(tmp_path / "other.csv", "number;holder", ["92000002;LYSE"])
    code, _ = await run_import(capsys, dsn, "ported", other, errors=tmp_path / "errors.csv")
    (error,) = read_errors(tmp_path / "errors.csv")
    assert code == 1
    assert (error["line"], error["code"], error["row"]) == ("2", "already-ported", "92000002;LYSE")
    assert "92000002 is ported to LYSE already" in error["detail"]


ROWS = [
    ("44000000,,TELIA,,,", "number-unknown", "44000000 is in no series"),
    ("99999999,,TELIA,,,", "number-unknown", ""),
    ("00000001,,TELIA,,,", "number-unknown", ""),
    ("22099999,22100000,TELIA,,,", "not-one-series", "22000000-22099999 ends before it"),
    ("59900000,,TELIA,,,", "number-not-portable", "59900000-59909999 is blocked"),
    ("92000001,,NOBODY,,,", "provider-unknown", "there is no provider NOBODY"),
    ("92000001,,LYSE,NONE,,", "provider-unknown", "there is no provider NONE"),
    ("92000001,,LYSE,LYCA,,", "network-not-usable", "LYCA terminates no calls"),
    ("92000001,,GONE,LYSE,,", "provider-inactive", "GONE is inactive"),
    ("92000001,,LYSE,GONE,,", "network-not-usable", "GONE terminates no calls"),
    ("92000001,,LYSE,,2026-11-24,", "time-in-future", "2026-11-23 07:00:00+00 only"),
    ("02800,,TELIA,,,44000000", "target-number-unknown", "44000000"),
    ("02800,,TELIA,,,59900001", "target-number-unknown", "59900001"),
    ("92000500,,LYSE,,,", "number-in-open-case", "92000500 is in the open case 00000000-0000-"),
    ("92000400,92000600,LYSE,,,", "number-in-open-case", "92000400-92000600"),
    ("92000700,,LYSE,,,", "already-ported", "92000700-92000709 is ported to TELENOR already, since 2026-11-22"),
    ("92000690,92000700,LYSE,,,", "already-ported", ""),
    ("9200070,,LYSE,,,", "wrong-number", ""),
]
_BEFORE = (
    """
    INSERT INTO provider (code, name, terminating, routing_number, active, email, phone, created_at)
    VALUES ('GONE', 'Gone', true, 'D0999', false, '', '', nrdb_now())
    """,
    """
    INSERT INTO case_numbers (case_id, numbers, during)
    SELECT '00000000-0000-0000-0000-000000000001'::uuid, '[4792000500,4792000500]'::int8range,
           tstzrange(now, now + '1 day'::interval)
      FROM (SELECT nrdb_now() AS now) clock
     UNION ALL
    SELECT '00000000-0000-0000-0000-000000000002', '[4792000800,4792000800]', tstzrange(now - '1 day'::interval, now)
      FROM (SELECT nrdb_now() AS now) clock
    """,
    """
    SELECT reroute(nrdb_now(), ARRAY[4792000700], ARRAY[4792000709],
           '[{"first": 4792000700, "since": "2026-11-22T00:00:00Z", "undo": false, "holder": "TELENOR",
              "network": "TELENOR"}]')
    """,
)


@pytest.mark.parametrize(("row", "name", "words"), ROWS)
async def test_one_wrong_row_refuses_the_file(
    dsn: str, capsys: Capture, tmp_path: Path, row: str, name: str, words: str
) -> None:
    await execute(dsn, *_BEFORE)
    before = await everything(dsn)
    # The case of the last number has ended, and its porting has not been carried out.
    file = write_table(tmp_path / "ported.csv", PORTED, ["92000003,,LYSE,,,", row, "92000800,,LYSE,,,"])
    errors = tmp_path / "errors.csv"
    code, summary = await run_import(capsys, dsn, "ported", file, errors=errors)
    assert (code, summary["state"], summary["errors"]) == (1, "refused", {name: 1})
    (error,) = read_errors(errors)
    assert (error["line"], error["code"], error["row"]) == ("3", name, row)
    assert words in error["detail"]
    assert summary["missing_providers"] == [text for text in ("NOBODY", "NONE") if text in row]
    assert await everything(dsn) == before
    code, summary = await run_import(capsys, dsn, "ported", file, skip_bad=True)
    assert (code, summary["state"], summary["imported"], summary["rows"]) == (1, "imported-in-part", 2, 3)
    assert [row[0] for row in await routing(dsn, 92000800)] == ["LYSE"]


async def test_overlaps_are_told_with_both_lines(dsn: str, capsys: Capture, tmp_path: Path) -> None:
    file = write_table(tmp_path / "ported.csv", PORTED, [
        "92000100,92000199,LYSE,,,", "92000001,,LYSE,,,", "92000150,,COM4,,,", "92000001,,LYSE,,,",
        "92000199,92000210,LYSE,,,", "92000205,,LYSE,,,", "92000300,,LYSE,,,",
    ])  # fmt: skip
    errors = tmp_path / "errors.csv"
    code, summary = await run_import(capsys, dsn, "ported", file, errors=errors, dry_run=True)
    assert (code, summary["errors"]) == (1, {"overlap": 6})
    told = {int(row["line"]): row["detail"] for row in read_errors(errors)}
    assert told == {
        2: "92000100-92000199 of line 2: line 4 has 92000150 too",
        3: "92000001 of line 3: line 5 has 92000001 too",
        4: "92000150 of line 4: line 2 has 92000100-92000199 too",
        5: "92000001 of line 5: line 3 has 92000001 too",
        6: "92000199-92000210 of line 6: line 2 has 92000100-92000199 too",
        7: "92000205 of line 7: line 6 has 92000199-92000210 too",
    }
    code, summary = await run_import(capsys, dsn, "ported", file, skip_bad=True)
    assert (code, summary["imported"]) == (1, 1)


async def test_one_number_a_thousand_times(dsn: str, capsys: Capture, tmp_path: Path) -> None:
    file = write_table(tmp_path / "ported.csv", "number,holder", ["92000001,LYSE"] * 1000)
    code, summary = await run_import(capsys, dsn, "ported", file)
    assert (code, summary["errors"]) == (1, {"overlap": 1000})


async def test_a_number_at_its_range_holder_is_left_out(dsn: str, capsys: Capture, tmp_path: Path) -> None:
    file = write_table(tmp_path / "ported.csv", "number,holder,network", [
        "92000001,TELIA,", "92000002,LYSE,", "92000003,TELIA,LYSE",
    ])  # fmt: skip
    errors = tmp_path / "errors.csv"
    code, summary = await run_import(capsys, dsn, "ported", file, errors=errors)
    assert (code, summary["state"], summary["imported"]) == (0, "imported", 2)
    assert (summary["warnings"], summary["errors"]) == ({"as-planned": 1}, {})
    assert wrong_lines(errors) == [(2, "as-planned")]
    assert [row[:2] for row in await routing(dsn, 92000003)] == [("TELIA", "LYSE")]
    # A later holder of the series takes it, because nothing is said of it.
    assert await fetch(dsn, "SELECT own_holder FROM routing_of(4792000001, 4792000001)") == [(None,)]


@pytest.mark.parametrize(
    ("row", "name", "words"),
    [
        ("90000000,90000099,TELIA,,,,", "series-overlap", "90000000-90199999 is in the number plan already, as the"),
        ("39000000,41000000,TELIA,MOBILE,,,", "series-overlap", ""),
        ("24000000,24000099,NOBODY,,,,", "provider-unknown", "NOBODY"),
        ("24000000,24000099,TELIA,,,,2026-11-24", "time-in-future", ""),
        ("25000050,25000060,TELIA,,,,", "overlap", "25000050-25000060 of line 3: line 2 has 25000000-25000099 too"),
        ("24000000,24000099,TELIA,PAGER,,,", "wrong-class", ""),
    ],
)
async def test_one_wrong_series_refuses_the_plan(
    dsn: str, capsys: Capture, tmp_path: Path, row: str, name: str, words: str
) -> None:
    before = await everything(dsn)
    file = write_table(tmp_path / "plan.csv", PLAN, ["25000000,25000099,TELIA,,,,", row])
    errors = tmp_path / "errors.csv"
    code, summary = await run_import(capsys, dsn, "plan", file, errors=errors)
    assert (code, set(summary["errors"])) == (1, {name})
    assert words in read_errors(errors)[-1]["detail"]
    assert await everything(dsn) == before


async def test_a_dry_run_changes_nothing(dsn: str, capsys: Capture, tmp_path: Path) -> None:
    before = [*(await everything(dsn)).values(), await fetch(dsn, "SELECT * FROM world")]
    file = write_table(tmp_path / "ported.csv", "number,holder", ["92000001,LYSE"])
    code, summary = await run_import(capsys, dsn, "ported", file, dry_run=True)
    assert (code, summary["state"], summary["imported"]) == (0, "checked", 0)
    assert [*(await everything(dsn)).values(), await fetch(dsn, "SELECT * FROM world")] == before
    assert await fetch(dsn, LEFT) == [(None,)]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"", "empty-file"),
        (b"number,price\n1,2\n", "unknown-column"),
        (b"number,holder\n92000001,LYSE\n92000002,\xc5\n", "not-utf8"),
        (b"number,holder\n92000001,LYSE\n\0\n", "nul-byte"),
        (b"," * 10_000_000 + b"\n", "header-too-long"),
    ],
    ids=["empty", "columns", "Latin-1", "NUL", "10 million columns"],
)
async def test_what_is_no_table_is_refused_as_a_whole(
    dsn: str, capsys: Capture, tmp_path: Path, content: bytes, name: str
) -> None:
    before = await everything(dsn)
    file = tmp_path / "ported.csv"
    file.write_bytes(content)
    code, summary = await run_import(capsys, dsn, "ported", file, errors=tmp_path / "errors.csv", skip_bad=True)
    assert (code, summary["state"], summary["errors"]) == (1, "refused", {name: 1})
    assert await everything(dsn) == before
    code, summary = await run_import(capsys, dsn, "ported", tmp_path)
    assert (code, summary["errors"]) == (1, {"not-a-file": 1})


async def test_a_file_that_changes_meanwhile_is_not_imported(
    dsn: str, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await everything(dsn)
    file = write_table(tmp_path / "ported.csv", "number,holder", ["92000001,LYSE", "92000002,LYSE"])
    taken = staging.take_turn

    async def change(connection: asyncpg.Connection) -> None:
        await taken(connection)
        with file.open("ab") as more:
            more.write(b"92000003,LYSE\n")

    with monkeypatch.context() as patched:
        patched.setattr(staging, "take_turn", change)
        code, summary = await run_import(capsys, dsn, "ported", file)
    assert (code, summary["errors"]) == (1, {"file-changed": 1})
    assert await everything(dsn) == before
    code, summary = await run_import(capsys, dsn, "ported", file)
    assert (code, summary["imported"], summary["resumed_at_line"]) == (0, 3, None)


async def test_two_imports_take_turns(
    dsn: str, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_table(tmp_path / "ported.csv", "number,holder", ["92000001,LYSE"])
    other = await asyncpg.connect(dsn)
    await staging.take_turn(other)
    monkeypatch.setattr(staging, "_TURN_SECONDS", 0.0)
    code, told = await run_import(capsys, dsn, "ported", file)
    await other.close()
    assert code == 2
    assert "another import is at work" in told["complaint"]
    monkeypatch.setattr(staging, "_TURN_SECONDS", 60.0)
    assert (await run_import(capsys, dsn, "ported", file))[0] == 0


async def test_what_is_due_comes_first(
    dsn: str, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await execute(
        dsn,
        """
        INSERT INTO planned_change (due_at, action, subject, details, reason, created_at)
        VALUES (nrdb_now(), 'code-transferred', 'TELIA', '{"to": "LYSE"}', 'test', nrdb_now())
        """,
    )
    monkeypatch.setattr(importing.waiting, "_SECONDS", 0.0)
    file = write_table(tmp_path / "ported.csv", "number,holder", ["92000001,LYSE"])
    code, told = await run_import(capsys, dsn, "ported", file)
    assert code == 2
    assert "run `nrdb serve` or `nrdb worker` first" in told["complaint"]


async def test_what_can_not_be_written_is_told(dsn: str, capsys: Capture, tmp_path: Path) -> None:
    before = await everything(dsn)
    file = write_table(tmp_path / "ported.csv", "number,holder", ["92000001,NOBODY"])
    code, told = await run_import(capsys, dsn, "ported", file, errors=tmp_path / "none" / "errors.csv")
    assert code == 2
    assert "No such file or directory" in told["complaint"]
    code, told = await run_import(capsys, dsn, "ported", tmp_path / "missing.csv")
    assert code == 2
    assert "missing.csv: No such file or directory" in told["complaint"]
    assert await everything(dsn) == before


async def test_a_database_that_is_not_ready(databases: Databases, capsys: Capture, tmp_path: Path) -> None:
    file = write_table(tmp_path / "ported.csv", "number,holder", ["92000001,LYSE"])
    async with databases.empty() as empty:
        code, told = await run_import(capsys, empty, "ported", file)
        assert code == 2
        assert "nrdb migrate" in told["complaint"]
    code, told = await run_import(capsys, databases.dsn("none"), "ported", file)
    assert code == 2
    assert "cannot be reached" in told["complaint"]


async def test_people_see_a_table_and_the_first_errors(dsn: str, capsys: Capture, tmp_path: Path) -> None:
    file = write_table(tmp_path / "ported.csv", "number,holder", [f"920000{n},X{n}" for n in range(10, 30)])
    capsys.readouterr()
    assert await import_file(Wanted("ported", file), dsn) == 1
    told = capsys.readouterr().out
    assert told.count(": provider-unknown: holder: there is no provider X") == 10
    assert "There are no providers X10, X11," in told
    assert "20 of 20 rows are wrong. Nothing is imported. The first are shown" in told


async def test_two_hundred_thousand_rows(dsn: str, capsys: Capture, tmp_path: Path) -> None:
    """Every second number of a series, in an order that is none: as many rows again are what lies between."""
    numbers = [90_000_000 + (place * 77_777 % 100_000) * 2 for place in range(100_000)]
    numbers += [580_000_000_000 + (place * 77_777 % 100_000) * 3 for place in range(100_000)]
    file = write_table(
        tmp_path / "ported.csv", "number,holder,since", (f"{number},LYSE,2019-01-01" for number in numbers)
    )
    code, summary = await run_import(capsys, dsn, "ported", file)
    assert (code, summary["imported"], summary["routing_put"]) == (0, 200_000, 400_000)
    (counts,) = await fetch(
        dsn,
        """
        SELECT count(*), count(DISTINCT first), sum(last - first + 1)::bigint, count(own_holder),
               count(*) FILTER (WHERE range_holder <> 'TELENOR')
          FROM routing WHERE removed_at = 'infinity'
           AND (first BETWEEN 4790000000 AND 4790199999 OR first BETWEEN 47580000000000 AND 47580000999999)
        """,
    )
    assert counts == (400_000, 400_000, 200_000 + 1_000_000, 200_000, 0)
    (line,) = await fetch(dsn, "SELECT after::text FROM audit WHERE action = 'ported-imported'")
    assert orjson.loads(line[0])["routing_put"] == 400_000
