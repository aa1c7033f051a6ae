"""What an import writes set by set is what `reroute` would have written, row by row, in both times."""

import random
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import orjson
import pytest
from tests.support.importing import ROUTING, fetch, run_import, write_table, wrong_lines
from tests.support.server import Databases
from tests.support.soundness import check_routing_of

NOW = datetime.fromisoformat("2026-11-23T08:00:00+01:00")
#: Series of the seed, with some room for what is ported in them.
SERIES = [("23000000", "23009999"), ("51000000", "51009999"), ("73000000", "73009999"), ("92000000", "92099999"),
          ("580010000000", "580010999999"), ("45000000", "45049999")]  # fmt: skip
CODES = ["TELENOR", "TELIA", "LYSE", "COM4", "UNIFON", "NEXTGEN", "GLOBCON"]
#: Before the seed's number plan began, after it, lately; and at the import.
TIMES = ["2012-03-01", "2021-05-01T12:00:00Z", "2026-11-01T08:00:00.5+01:00", "2026-11-23T08:00:00+01:00", ""]
_PORT = "SELECT reroute($1, ARRAY[$2::bigint], ARRAY[$3::bigint], $4::json)"


def said(first: int, since: str, until: str | None, holder: str) -> str:
    item = {"first": first, "since": since, "until": until, "undo": False, "holder": holder, "network": holder}
    return orjson.dumps([item]).decode()


def pieces(chance: random.Random, first: str, last: str, count: int) -> Iterator[tuple[str, str]]:
    """Ranges without overlap, some of which touch, one at each end of the series."""
    low, high = int(first), int(last)
    edges = sorted({low, high + 1, low + 1, high, *(chance.randrange(low, high) for _ in range(count))})
    for begin, end in pairwise(edges):
        if begin in (low, high) or chance.random() < 0.6:
            until = begin if chance.random() < 0.6 else chance.randrange(begin, end)
            yield str(begin), str(until)


async def what_was_before(dsn: str, chance: random.Random, *, transfers: bool) -> None:
    """Portings that are over, in force and to come, a series that changes hands, a code that becomes another one."""
    connection = await asyncpg.connect(dsn)
    for first, last in SERIES[:3]:
        for _ in range(chance.randrange(6)):
            begin = int("47" + first) + chance.randrange(int(last) - int(first))
            since, until = chance.choice(
                [("2022-01-01T00:00:00Z", "2023-01-01T00:00:00Z"), ("2024-01-01T00:00:00Z", None),
                 ("2026-12-01T00:00:00Z", None)]
            )  # fmt: skip
            end = min(begin + chance.randrange(50), int("47" + last))
            await connection.execute(_PORT, NOW, begin, end, said(begin, since, until, chance.choice(CODES)))
    if chance.random() < 0.7:
        first, last = SERIES[3]
        later = datetime.fromisoformat("2026-12-24T00:00:00+01:00")
        await connection.execute(
            """
            WITH before AS (
                UPDATE series SET valid = tstzrange(lower(valid), $2) WHERE lower(numbers) = $1 RETURNING *)
            INSERT INTO series (series_id, numbers, number_class, holder, status, reason, valid)
            SELECT series_id, numbers, number_class, 'LYSE', status, reason, tstzrange($2, NULL) FROM before
            """,
            int("47" + first), later,
        )  # fmt: skip
        await connection.execute("SELECT reroute($1, ARRAY[$2::bigint], ARRAY[$3::bigint])", NOW, int("47" + first),
                                 int("47" + last))  # fmt: skip
    if transfers:
        await connection.execute(
            """
            INSERT INTO planned_change (due_at, action, subject, details, reason, created_at)
            VALUES ($1::timestamptz + interval '3 days', 'code-transferred', 'TELIA', '{"to": "LYSE"}', 'test', $1)
            """,
            NOW,
        )
    # The table follows all of it, as it does where the service has done these things.
    await connection.execute(
        """
        SELECT reroute($1, array_agg(lower(numbers)), array_agg(upper(numbers) - 1))
          FROM (SELECT DISTINCT numbers FROM series) s
        """,
        NOW,
    )
    await connection.close()


def table(chance: random.Random) -> list[dict[str, str]]:
    rows = []
    for first, last in SERIES:
        for begin, end in pieces(chance, first, last, chance.choice([0, 3, 40])):
            rows.append({"first": begin, "last": end, "holder": chance.choice(CODES),
                         "network": chance.choice(["", *CODES]), "since": chance.choice(TIMES)})  # fmt: skip
    chance.shuffle(rows)
    return rows


async def reroute_all(dsn: str, rows: list[dict[str, str]]) -> None:
    """The same rows by the function that all others write with."""
    items: list[dict[str, Any]] = [
        {"first": int("47" + row["first"]), "since": row["since"] or NOW.isoformat(), "undo": False,
         "holder": row["holder"], "network": row["network"] or row["holder"]} for row in rows
    ]  # fmt: skip
    for item in items:
        if len(item["since"]) == 10:
            item["since"] += "T00:00:00+01:00"
    await fetch(
        dsn,
        "SELECT reroute(nrdb_now(), $1, $2, $3::text::json)",
        [item["first"] for item in items],
        [int("47" + row["last"]) for row in rows],
        orjson.dumps(items).decode(),
    )


@pytest.mark.parametrize("seed", range(12))
async def test_an_import_writes_what_reroute_would(
    databases: Databases, capsys: pytest.CaptureFixture[str], tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 (no secret)
    rows = table(chance)
    columns = ["first", "last", "holder", "network", "since"]
    file = write_table(
        tmp_path / "ported.csv", ";".join(columns), (";".join(row[name] for name in columns) for row in rows)
    )
    transfers = seed % 4 == 3
    async with databases.sandbox(NOW) as ours:
        await what_was_before(ours, chance, transfers=transfers)
        async with databases.sandbox(NOW, urlsplit(ours).path[1:]) as theirs:
            errors = tmp_path / "errors.csv"
            code, summary = await run_import(capsys, ours, "ported", file, errors=errors, skip_bad=True)
            assert code < 2, summary
            left_out = {line for line, _ in wrong_lines(errors)}
            assert {name for _, name in wrong_lines(errors)} <= {"already-ported", "as-planned"}
            assert code == (1 if summary["errors"] else 0)
            taken = [row for line, row in enumerate(rows, 2) if line not in left_out]
            assert summary["imported"] == len(taken) > 0
            await reroute_all(theirs, taken)
            assert await fetch(ours, ROUTING) == await fetch(theirs, ROUTING)
            await check_routing_of(ours)


async def test_places_of_changes_are_those_of_one_transaction(
    databases: Databases, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = write_table(tmp_path / "ported.csv", "number,holder", ["92000001,LYSE", "92000005,LYSE", "51000000,TELIA"])
    async with databases.sandbox(NOW) as dsn:
        before = (await fetch(dsn, "SELECT routing_horizon()"))[0][0]
        code, summary = await run_import(capsys, dsn, "ported", file)
        assert code == 0
        (after,) = await fetch(dsn, "SELECT after::text, reason FROM audit WHERE action = 'ported-imported'")
        line = orjson.loads(after[0])
        assert (line["sha256"], line["rows"], line["imported"]) == (summary["sha256"], 3, 3)
        puts = [row[0] for row in await fetch(dsn, "SELECT put_seq FROM routing WHERE put_seq > $1 ORDER BY 1", before)]
        gone = [row[0] for row in await fetch(dsn, "SELECT removed_seq FROM routing WHERE removed_seq > $1", before)]
        assert (len(puts), len(gone)) == (summary["routing_put"], summary["routing_removed"]) == (10, 2)
        # What is removed is gone before anything is put in its place, and all of it is one block.
        assert line["first_seq"] <= min(gone) < max(gone) < min(puts) <= max(puts) <= line["last_seq"]
        assert line["first_seq"] >> 24 == line["last_seq"] >> 24
        assert (await fetch(dsn, "SELECT routing_horizon()"))[0][0] == max(puts)
