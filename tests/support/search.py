"""A search of a whole database for words that must not stand in it."""

import json
from collections.abc import Iterable, Iterator

from nrdb.db import Connection

_COLUMNS = """
SELECT format('%I.%I', n.nspname, c.relname) AS place, c.relname AS name, format('%I', a.attname) AS attname,
       a.atttypid IN ('bytea'::regtype, 'bytea[]'::regtype) AS is_binary
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'm') AND a.attnum > 0 AND NOT a.attisdropped
   AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg_toast%'
 ORDER BY place, a.attnum
"""


async def find_in_database(db: Connection, words: Iterable[str]) -> list[str]:
    """Where any of the words stands, as `table.column: word`; every table, every column, in capitals or not.

    Columns are read as text, binary ones as UTF-8, too, so that what is merely encoded is found. A word is also looked
    for as JSON with escapes would spell it, and in hexadecimal.
    """
    spellings = {word: {spelling.casefold() for spelling in _spellings(word)} for word in words}
    found = set()
    for column in await db.fetch(_COLUMNS):
        place = f"{column['name']}.{column['attname']}"
        async with db.transaction():
            query = f"SELECT {column['attname']}::text AS content FROM {column['place']}"
            if column["is_binary"]:
                query = f"SELECT {column['attname']} AS content FROM {column['place']}"
            async for row in db.cursor(query):
                for text in _texts(row["content"]):
                    found |= {f"{place}: {word}" for word, of in spellings.items() if any(one in text for one in of)}
    return sorted(found)


def _spellings(word: str) -> Iterator[str]:
    yield word
    yield json.dumps(word)[1:-1]
    yield word.encode().hex()


def _texts(content: str | bytes | list[bytes] | None) -> Iterator[str]:
    if isinstance(content, str):
        yield content.casefold()
    elif isinstance(content, bytes):
        yield content.decode("latin-1").casefold()
        yield content.decode("utf-8", errors="replace").casefold()
        yield content.hex()
    elif content is not None:
        for part in content:
            yield from _texts(part)
