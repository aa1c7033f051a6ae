"""Imports: what is loaded, what is refused and with which words, and that a refused file leaves nothing."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import asyncpg
import orjson
import pytest
from asyncpg.transaction import Transaction
from tests.support.importing import LEFT, ROUTING, execute, fetch, read_errors, run_import, write_table, wrong_lines
from tests.support.server import Databases

from nrdb import importing
from nrdb.importing import Wanted, checking, import_file, reading, staging

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


def names_in(place: Path) -> list[str]:
    return sorted(path.name for path in place.iterdir())


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


async def test_a_number_that_is_back_is_imported_as_any_other(dsn: str, capsys: Capture, tmp_path: Path) -> None:
    """Ported away and home again: its range holder serves it, so it is not ported; before that it was."""
    for days, holder in ((9, "LYSE"), (3, "TELIA")):
        await execute(
            dsn,
            f"""
            SELECT reroute(nrdb_now(), ARRAY[4792000711], ARRAY[4792000711], json_build_array(json_build_object(
                   'since', nrdb_now() - interval '{days} days', 'undo', false, 'holder', '{holder}',
                   'network', '{holder}')))
            """,
        )
    while_away = write_table(tmp_path / "away.csv", "number,holder,since", ["92000711,TELENOR,2026-11-18"])
    code, summary = await run_import(capsys, dsn, "ported", while_away)
    assert (code, summary["errors"]) == (1, {"already-ported": 1})
    now = write_table(tmp_path / "now.csv", "number,holder", ["92000711,TELENOR"])
    assert (await run_import(capsys, dsn, "ported", now))[0] == 0
    assert await routing(dsn, 92000711) == [("TELENOR", "TELENOR", "D0009", "TELIA", None, NOW)]


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
    ("92000001,,LYSE,,2026-11-24,", "time-in-future", "it is 2026-11-23T07:00:00Z only"),
    ("02800,,TELIA,,,44000000", "target-number-unknown", "44000000"),
    ("02800,,TELIA,,,59900001", "target-number-unknown", "59900001"),
    ("92000500,,LYSE,,,", "number-in-open-case", "92000500 is in the open case 00000000-0000-"),
    ("92000400,92000600,LYSE,,,", "number-in-open-case", "92000400-92000600"),
    (
        "92000700,,LYSE,,,",
        "already-ported",
        "92000700-92000709 is ported to TELENOR already, since 2026-11-22T00:00:00.25Z",
    ),
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
           '[{"first": 4792000700, "since": "2026-11-22T00:00:00.250Z", "undo": false, "holder": "TELENOR",
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


async def test_what_was_read_of_another_content_is_not_gone_on_with(
    dsn: str, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Changed while it is read, and put back: the rows of the meantime must not stand under the file's digest."""
    right, other = b"number,holder\n92000001,LYSE\n", b"number,holder\n92000002,LYSE\n"
    file = tmp_path / "ported.csv"
    file.write_bytes(right)
    taken = staging.take_turn

    async def change(connection: asyncpg.Connection) -> None:
        await taken(connection)
        file.write_bytes(other)

    with monkeypatch.context() as patched:
        patched.setattr(staging, "take_turn", change)
        code, summary = await run_import(capsys, dsn, "ported", file)
    assert (code, summary["errors"]) == (1, {"file-changed": 1})
    assert await fetch(dsn, LEFT) == [(None,)]
    file.write_bytes(right)
    code, summary = await run_import(capsys, dsn, "ported", file)
    assert (code, summary["imported"]) == (0, 1)
    assert [[row[0] for row in await routing(dsn, number)] for number in (92000001, 92000002)] == [["LYSE"], ["TELIA"]]


async def test_wrong_lines_do_not_pile_up(
    dsn: str, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "BLOCK", 100)
    monkeypatch.setattr(staging, "REFUSED", 60)
    piled: list[int] = []
    copy = asyncpg.Connection.copy_records_to_table

    async def seen(connection: asyncpg.Connection, table: str, *, records: list[Any], **more: Any) -> str:
        piled.append(len(records))
        return str(await copy(connection, table, records=records, **more))

    monkeypatch.setattr(asyncpg.Connection, "copy_records_to_table", seen)
    file = write_table(tmp_path / "ported.csv", "number,holder", ["x"] * 1000)
    code, summary = await run_import(capsys, dsn, "ported", file)
    assert (code, summary["rows"], summary["errors"]) == (1, 1000, {"wrong-fields": 1000})
    assert sum(piled) == 1000
    # A block has at most 50 such lines.
    assert max(piled) < 110


async def test_two_imports_of_one_file_at_once_are_one(dsn: str, capsys: Capture, tmp_path: Path) -> None:
    file = write_table(tmp_path / "ported.csv", "number,holder", ["92000001,LYSE", "92000002,LYSE"])
    wanted = Wanted("ported", file, as_json=True)
    assert await asyncio.gather(*(import_file(wanted, dsn) for _ in range(3))) == [0, 0, 0]
    told = [orjson.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sorted(summary["state"] for summary in told) == ["imported", "imported-before", "imported-before"]
    assert await fetch(dsn, "SELECT count(*) FROM audit WHERE action = 'ported-imported'") == [(1,)]
    assert await fetch(dsn, LEFT) == [(None,)]


ATTACKS = {
    "BOM, CRLF, quotes, empty lines": (
        b'\xef\xbb\xbf\r\n\r\n"Number"; HOLDER\r\n\r\n92000001;LYSE\r\n\r\n \t\r\n"92000002";"LYSE"', 2, {}),
    "CR alone": (b"number,holder\r92000001,LYSE\r", 0, {"header-unreadable": 1}),
    "UTF-16": ("number,holder\n92000001,LYSE\n".encode("utf-16"), 0, {"nul-byte": 1}),
    "UTF-16 without its mark": ("number,holder\n92000001,LYSE\n".encode("utf-16-le"), 0, {"nul-byte": 1}),
    "a quote never closed": (b'number,holder\n"92000001,LYSE\n92000002,LYSE\n', 0, {"row-unreadable": 1}),
    "a quote over two lines": (b'number,holder\n"92000001\n",LYSE\n', 0, {"row-unreadable": 2}),
    "10 million columns": (
        b"number,holder\n92000001,LYSE\n" + b"," * 10_000_000 + b"\n92000002,LYSE\n", 0, {"line-too-long": 1}),
    "CR in a row": (b"number,holder\n92000001,LYSE\n92000002,LY\rSE\n", 0, {"row-unreadable": 1}),
    "a value too many": (b"number,holder\n92000001,LYSE\n92000002,LYSE,\n", 0, {"wrong-fields": 1}),
    "signs of COPY": (b"number,holder\n92000001,LYSE\\\n92000002,\\N\n\\.\n", 0, {"wrong-code": 2, "wrong-fields": 1}),
    "other digits and letters": (
        "number,holder\n\u0968\u0966000001,LYSE\n92000002,\uff2c\uff39\uff33\uff25\n".encode(), 0,
        {"wrong-number": 1, "wrong-code": 1}),
    "far times": (b"number,holder,since\n92000001,LYSE,9999-12-31\n92000002,LYSE,0000-00-00\n", 0, {"wrong-time": 2}),
    "no times": (b"number,holder,since\n92000001,LYSE,infinity\n92000002,LYSE,2020-02-30\n", 0, {"wrong-time": 2}),
    "no rows": (b"number,holder\n", 0, {}),
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
async def test_files_as_they_should_not_be(dsn: str, capsys: Capture, tmp_path: Path, attack: str) -> None:
    content, imported, wrong = ATTACKS[attack]
    before = await everything(dsn)
    file = tmp_path / "ported.csv"
    file.write_bytes(content)
    code, summary = await run_import(capsys, dsn, "ported", file, errors=tmp_path / "errors.csv")
    assert (code, summary["imported"], summary["errors"]) == (int(bool(wrong)), imported, wrong)
    assert len(wrong_lines(tmp_path / "errors.csv")) == sum(wrong.values())
    assert (await fetch(dsn, ROUTING) == before["routing"]) is (imported == 0)
    assert await fetch(dsn, LEFT) == [(None,)]


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


async def test_what_can_not_be_written_is_told_before_anything_is_read(
    dsn: str, capsys: Capture, tmp_path: Path
) -> None:
    before = await everything(dsn)
    file = write_table(tmp_path / "ported.csv", "number,holder", ["92000001,NOBODY"])
    os.mkfifo(tmp_path / "pipe")
    for errors, why in (
        (tmp_path / "none" / "errors.csv", "cannot be written: No such file or directory"),
        (tmp_path / ("e" * 300), "cannot be written: File name too long"),
        (file / "errors.csv", "cannot be written: Not a directory"),
        (tmp_path, "is there already and is no file"),
        (tmp_path / "pipe", "is there already and is no file"),
        (file, "is the file itself"),
    ):
        # No database is needed to find it out.
        code, told = await run_import(capsys, "postgresql://127.0.0.1:1/none", "ported", file, errors=errors)
        assert code == 2
        assert f"--errors {errors} {why}" in told["complaint"]
    code, told = await run_import(capsys, dsn, "ported", tmp_path / "missing.csv")
    assert code == 2
    assert "missing.csv: No such file or directory" in told["complaint"]
    assert await everything(dsn) == before
    assert file.read_text() == "number,holder\n92000001,NOBODY\n"
    assert names_in(tmp_path) == ["pipe", "ported.csv"]


async def test_what_is_left_out_is_told_before_the_rest_is_written(
    dsn: str, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Afterwards nobody could find it out: the rows that were right would be wrong, as ported already."""
    before = await everything(dsn)
    file = write_table(tmp_path / "ported.csv", "number,holder", ["92000001,LYSE", "92000002,NOBODY"])
    errors = tmp_path / "errors.csv"
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", _full)
        code, told = await run_import(capsys, dsn, "ported", file, errors=errors, skip_bad=True)
    assert code == 2
    assert f"--errors {errors} cannot be written: No space left on device" in told["complaint"]
    assert await everything(dsn) == before
    code, summary = await run_import(capsys, dsn, "ported", file, errors=errors, skip_bad=True)
    assert (code, summary["imported"]) == (1, 1)
    assert wrong_lines(errors) == [(3, "provider-unknown")]
    # The same command once more says why rows that were right are wrong now.
    code, summary = await run_import(capsys, dsn, "ported", file, skip_bad=True)
    assert (code, summary["imported"], summary["imported_in_part_at"]) == (1, 0, "2026-11-23T07:00:00Z")
    assert summary["errors"] == {"already-ported": 1, "provider-unknown": 1}


def _full(_from: Path, _to: Path) -> Path:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    ("module", "name", "imported", "then"),
    [
        (staging, "take_turn", False, "Nothing is imported."),
        (staging, "sort", False, "Nothing is imported. The same command goes on behind what has been read, or begins"),
        (checking, "leave_out", False, "Nothing is imported. The same command goes on"),
        (staging, "clear", True, "The rows are imported."),
    ],
)
async def test_what_is_true_when_the_database_goes_away(
    dsn: str, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    module: ModuleType, name: str, imported: bool, then: str,
) -> None:  # fmt: skip
    file = write_table(tmp_path / "ported.csv", "number,holder", ["92000001,LYSE"])
    found = getattr(module, name)

    async def gone(connection: asyncpg.Connection) -> None:
        own = await connection.fetchval("SELECT pg_backend_pid()")
        await fetch(dsn, "SELECT pg_terminate_backend($1, 60000)", own)
        await found(connection)

    with monkeypatch.context() as patched:
        patched.setattr(module, name, gone)
        code, told = await run_import(capsys, dsn, "ported", file)
    assert code == 2
    assert f". {then}" in told["complaint"]
    assert ("goes on" in told["complaint"]) is ("goes on" in then)
    assert ([row[0] for row in await routing(dsn, 92000001)] == ["LYSE"]) is imported
    code, summary = await run_import(capsys, dsn, "ported", file)
    assert (code, summary["state"]) == (0, "imported-before" if imported else "imported")
    assert (summary["resumed_at_line"] is not None) is ("goes on" in then)


async def test_a_commit_without_an_answer(
    dsn: str, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that is lost meanwhile says nothing of what the database has done."""
    file = write_table(tmp_path / "ported.csv", "number,holder", ["92000001,LYSE"])
    leave = Transaction.__aexit__

    async def lost(transaction: Transaction, *outcome: Any) -> None:
        await leave(transaction, *outcome)
        if await fetch(dsn, "SELECT 1 FROM audit WHERE action = 'ported-imported'"):
            raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))

    with monkeypatch.context() as patched:
        patched.setattr(Transaction, "__aexit__", lost)
        code, told = await run_import(capsys, dsn, "ported", file)
    assert code == 2
    assert "Whether the rows are imported is not known: the same command says" in told["complaint"]
    code, summary = await run_import(capsys, dsn, "ported", file)
    assert (code, summary["state"]) == (0, "imported-before")


async def test_a_database_that_is_not_ready(databases: Databases, capsys: Capture, tmp_path: Path) -> None:
    file = write_table(tmp_path / "ported.csv", "number,holder", ["92000001,LYSE"])
    async with databases.empty() as empty:
        code, told = await run_import(capsys, empty, "ported", file)
        assert code == 2
        assert "run `nrdb migrate` first. Nothing is imported.\n" in told["complaint"]
    code, told = await run_import(capsys, databases.dsn("none"), "ported", file)
    assert code == 2
    assert "cannot be reached" in told["complaint"]


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("postgresql://me:secret@db.example:5433/np", "np at db.example:5433"),
        ("postgresql://me:secret@/np?host=/run/pg", "np at /run/pg"),
        ("postgresql:///?host=db.example&dbname=np&password=secret", "np at db.example"),
    ],
)
async def test_it_is_said_which_database_it_is(capsys: Capture, tmp_path: Path, url: str, named: str) -> None:
    (tmp_path / "ported.csv").touch()
    assert (await run_import(capsys, url, "ported", tmp_path / "ported.csv"))[1]["database"] == named
    assert await import_file(Wanted("ported", tmp_path / "ported.csv"), url) == 1
    told = capsys.readouterr().out
    assert told.startswith(f"The database is {named}\n")
    assert "secret" not in told


async def test_people_see_a_table_and_the_first_errors(dsn: str, capsys: Capture, tmp_path: Path) -> None:
    file = write_table(tmp_path / "ported.csv", "number,holder", [f"920000{n},X{n}" for n in range(10, 30)])
    capsys.readouterr()
    assert await import_file(Wanted("ported", file), dsn) == 1
    told = capsys.readouterr().out
    assert told.count(": provider-unknown: holder: there is no provider X") == 10
    assert "There are no providers X10, X11," in told
    assert "20 of 20 rows are wrong. Nothing is imported. The first are shown" in told


async def test_a_number_that_was_ported_before_the_plan_knows_it(dsn: str, capsys: Capture, tmp_path: Path) -> None:
    plan = write_table(tmp_path / "plan.csv", PLAN, [
        "24000000,24009999,TELENOR,,,,2010-01-01", "24010000,24019999,TELENOR,,,,2000-01-01",
    ])  # fmt: skip
    assert (await run_import(capsys, dsn, "plan", plan))[1]["before_plan"] == 0
    # Of two of them the series has been another one's since; one is wrong, one is on the very day.
    await execute(
        dsn,
        "UPDATE series SET valid = tstzrange(lower(valid), '2015-01-01Z') WHERE lower(numbers) = 4724010000",
        """
        INSERT INTO series (series_id, numbers, number_class, holder, status, reason, valid)
        SELECT series_id, numbers, number_class, 'COM4', status, reason, tstzrange(upper(valid), NULL)
          FROM series WHERE lower(numbers) = 4724010000
        """,
        "SELECT reroute('2015-01-01Z', ARRAY[4724010000], ARRAY[4724019999])",
    )
    rows = [
        "24000001,TELIA,2009-12-31", "24000002,TELIA,2010-01-01", "24000003,TELIA,", "24000004,NOBODY,2005-01-01",
        "24010001,TELIA,1999-12-31", "24010002,TELIA,2005-01-01", "24000005,TELENOR,2005-01-01",
    ]  # fmt: skip
    file = write_table(tmp_path / "ported.csv", "number,holder,since", rows)
    for more in ({"dry_run": True}, {"skip_bad": True}):
        code, summary = await run_import(capsys, dsn, "ported", file, **more)
        assert (code, summary["before_plan"], summary["before_plan_lines"]) == (1, 2, [2, 6])
    began = datetime.fromisoformat("2010-01-01T00:00:00+01:00")
    assert await fetch(dsn, "SELECT valid_from, served_since, own_since FROM routing_of(4724000001, 4724000001)") == [
        (began, began, datetime.fromisoformat("2009-12-31T00:00:00+01:00"))
    ]
    file = write_table(
        tmp_path / "more.csv", "number,holder,since", [f"240001{n},TELIA,2001-01-01" for n in range(10, 22)]
    )
    assert await import_file(Wanted("ported", file), dsn) == 0
    assert (
        "12 rows have a since before their series begins in the number plan, and are answered from its valid_from on "
        "(lines 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, …).\n" in capsys.readouterr().out
    )


async def test_all_steps_count_the_same_rows(
    dsn: str, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read, checked and written: all rows of the file, those of them that are wrong, and those that are left."""
    rows = ["92000001,LYSE", "9,LYSE", "", "92000002,NOBODY", "92000003,TELIA", "92000004,LYSE"]
    file = write_table(tmp_path / "ported.csv", "number,holder", rows)
    capsys.readouterr()
    assert await import_file(Wanted("ported", file, dry_run=True), dsn) == 1
    checked = capsys.readouterr().out
    assert "\nreading 100 %, 5 rows, 1 of them wrong\n" in checked
    assert "2 of 5 rows are wrong, 1 as planned and left out. This was a dry run" in checked
    # What an earlier run had read is counted as if it had been read now.
    with monkeypatch.context() as patched:
        patched.setattr(staging, "sort", _killed)
        with pytest.raises(KeyboardInterrupt):
            await import_file(Wanted("ported", file), dsn)
    capsys.readouterr()
    assert await import_file(Wanted("ported", file, skip_bad=True), dsn) == 1
    told = capsys.readouterr().out.splitlines()
    assert "An earlier import of this file had read 5 rows, 1 of them wrong, up to line 7: going on there" in told
    assert [line for line in told if line.startswith("checking")][1:] == [
        f"checking {part} %, 5 rows, 2 of them wrong" for part in (30, 60, 100)
    ]
    assert "writing 100 %, 2 of 2 rows" in told
    assert told[-1].startswith(
        "2 of 5 rows are wrong, 1 as planned and left out. 2 of 5 rows are imported: 7 rows of routing."
    )


async def _killed(_connection: asyncpg.Connection) -> None:
    raise KeyboardInterrupt


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
