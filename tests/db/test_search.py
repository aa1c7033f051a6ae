"""The search that proves an absence finds what is there."""

import asyncpg
from tests.support.search import find_in_database
from tests.support.server import Databases


async def test_it_finds_a_word_wherever_and_however_it_stands(databases: Databases) -> None:
    async with databases.empty() as dsn:
        db = await asyncpg.connect(dsn)
        await db.execute("CREATE SCHEMA beside")
        await db.execute('CREATE TABLE beside."Odd" ("Col" text[])')
        await db.execute("CREATE TABLE plain (t text, j json, k jsonb, b bytea, bs bytea[], d date, n bigint)")
        assert await find_in_database(db, ["Bjørn"]) == []
        await db.execute("INSERT INTO beside.\"Odd\" VALUES (ARRAY['a', 'bjørn b'])")
        await db.execute(
            "INSERT INTO plain VALUES ('x Bjørn', $1, $2, $3, $4, '1980-01-31', 974760673)",
            '{"name": "Bj\\u00f8rn"}', '{"name": "BJØRN"}', "x Bjørn".encode(), ["Bjørn".encode("latin-1")],
        )  # fmt: skip
        assert await find_in_database(db, ["Bjørn", "1980-01-31", "974760673", "Kari"]) == [
            'Odd."Col": Bjørn',
            "plain.b: Bjørn",
            "plain.bs: Bjørn",
            "plain.d: 1980-01-31",
            "plain.j: Bjørn",
            "plain.k: Bjørn",
            "plain.n: 974760673",
            "plain.t: Bjørn",
        ]
        await db.execute("TRUNCATE plain")
        await db.execute("INSERT INTO plain (t) VALUES ($1)", "Bjørn".encode().hex())
        assert await find_in_database(db, ["Bjørn"]) == ['Odd."Col": Bjørn', "plain.t: Bjørn"]
        await db.close()
