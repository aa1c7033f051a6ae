"""The SQLite file of a copy: rows by number, the hash tree over them, and what they are a copy of (docs/mirror.md)."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from nrdb.mirror.rows import StoredRow, instant_of, tree_row
from nrdb.routing.tree import (
    NOTHING,
    ROOT,
    Node,
    TreeRow,
    block_name,
    block_size,
    blocks,
    depth_of,
    inner_hash,
    leaf_depth,
    leaves,
    parent_of,
)

#: The form of the file; another one is copied anew.
FORM = 1
_SCHEMA = f"""
CREATE TABLE routing (
    first INTEGER NOT NULL, last INTEGER NOT NULL, holder TEXT NOT NULL, network TEXT, routing_number TEXT,
    range_holder TEXT NOT NULL, target_number INTEGER, valid_from INTEGER NOT NULL, valid_until INTEGER,
    PRIMARY KEY (first, valid_from)
) WITHOUT ROWID;
CREATE TABLE node (depth INTEGER NOT NULL, name TEXT NOT NULL, hash TEXT NOT NULL, PRIMARY KEY (depth, name))
    WITHOUT ROWID;
CREATE TABLE state (id INTEGER PRIMARY KEY CHECK (id = 1), source TEXT NOT NULL, seq INTEGER NOT NULL,
                    at INTEGER NOT NULL, root TEXT);
PRAGMA user_version = {FORM};
"""
_ENDS = "CREATE INDEX routing_ends ON routing (valid_until) WHERE valid_until IS NOT NULL"
_PUT = "INSERT OR REPLACE INTO routing VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_REMOVE = """
DELETE FROM routing
 WHERE first = ? AND last = ? AND holder = ? AND network IS ? AND routing_number IS ? AND range_holder = ?
   AND target_number IS ? AND valid_from = ? AND valid_until IS ?
"""
#: All rows of a number have the same first and last.
_OVERLAPPING = """
SELECT * FROM routing
 WHERE first BETWEEN coalesce((SELECT max(first) FROM routing WHERE first <= :low), :low) AND :high AND last >= :low
   AND (valid_until IS NULL OR valid_until > :at)
 ORDER BY first, valid_from
"""
#: A column of SQLite takes whatever is written into it; from such values no hash can be made.
_UNSOUND = """
SELECT first FROM routing
 WHERE NOT (typeof(first) = 'integer' AND first BETWEEN 4700000 AND 47999999999999
            AND typeof(last) = 'integer' AND last BETWEEN first AND 47999999999999
            AND typeof(target_number) IN ('integer', 'null')
            AND typeof(valid_from) = 'integer' AND valid_from BETWEEN :earliest AND :latest
            AND (valid_until IS NULL OR typeof(valid_until) = 'integer' AND valid_until BETWEEN :earliest AND :latest))
 LIMIT 1
"""
_TIMES = {"earliest": instant_of("0001-01-02T00:00:00Z"), "latest": instant_of("9999-12-30T00:00:00Z")}
#: What SQLite says of a file that is none, or none of ours, or torn.
_DAMAGED = {"SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_ERROR", "SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_MISMATCH"}


class DamagedError(Exception):
    """The file is not what was written: it is copied anew."""


@dataclass(frozen=True, slots=True)
class State:
    """What the rows are a copy of: the source, the last change in them, and when they were proven to have the root."""

    source: str
    seq: int
    at: int
    root: str | None


@contextmanager
def damage_told() -> Iterator[None]:
    """What SQLite says of a file that is not whole, as `DamagedError`; a full disk is none."""
    try:
        yield
    except sqlite3.Error as error:
        name = str(getattr(error, "sqlite_errorname", "SQLITE_CORRUPT"))
        if any(name == known or name.startswith(f"{known}_") for known in _DAMAGED):
            raise DamagedError(str(error)) from error
        raise


class Table:
    """A copy that is open. Nothing is kept before `commit`."""

    def __init__(self, path: Path | None) -> None:
        with damage_told():
            # Without a name it is a file of SQLite's own that goes with the connection.
            self._db = sqlite3.connect(path or "", isolation_level=None, timeout=30)
            # Committed is committed, also when the machine loses its power.
            self._db.execute("PRAGMA synchronous = FULL")
        self._touched: set[int] = set()
        #: Changes taken in since it was opened.
        self.applied = 0

    @classmethod
    def create(cls, path: Path, state: State) -> Self:
        """A new one, to be filled. It is nobody's yet, so a crash may leave anything of it."""
        table = cls(path)
        table._db.execute("PRAGMA journal_mode = OFF")
        table._db.execute("PRAGMA synchronous = OFF")
        table._db.executescript(_SCHEMA)
        table._db.execute("BEGIN")
        table._keep(state)
        return table

    @classmethod
    def open(cls, path: Path) -> Self:
        """One that is there. Raises `DamagedError` for what is none."""
        if not path.is_file():
            raise DamagedError("the file is gone")
        table = cls(path)
        try:
            with damage_told():
                (form,) = table._db.execute("PRAGMA user_version").fetchone()
                if form != FORM:
                    raise DamagedError(f"the file has the form {form}, not {FORM}")
                _ = table.state
        except DamagedError:
            table.close()
            raise
        return table

    def close(self) -> None:
        """Close the file; what is not committed is gone."""
        self._db.close()

    def finish(self) -> None:
        """What has been filled is whole: from here on it can be read while it is written."""
        self._db.execute("COMMIT")
        self._db.execute(_ENDS)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")

    def scratch(self) -> "Table":
        """The same as it is now, for a look while others go on; it goes when it is closed."""
        copy = Table(None)
        with damage_told():
            self._db.backup(copy._db)
        return copy

    @property
    def state(self) -> State:
        """What it is a copy of. Raises `DamagedError` where that is not told."""
        row = self._db.execute("SELECT source, seq, at, root FROM state").fetchone()
        if row is None:
            raise DamagedError("the file does not tell what it is a copy of")
        if not isinstance(row[0], str):
            raise DamagedError("the file does not tell what it is a copy of")
        if not isinstance(row[1], int) or not isinstance(row[2], int):
            raise DamagedError("the file does not tell of when it is a copy")
        return State(*row)

    def _keep(self, state: State) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO state VALUES (1, ?, ?, ?, ?)", (state.source, state.seq, state.at, state.root)
        )

    # --- writing ---

    def begin(self) -> None:
        """From here to `commit` or `undo`."""
        self._touched = set()
        self._db.execute("BEGIN IMMEDIATE")

    def commit(self, state: State) -> None:
        """Keep what has been done since `begin`."""
        self._keep(state)
        self._db.execute("COMMIT")

    def undo(self) -> None:
        """As it was at `begin`."""
        self._db.execute("ROLLBACK")

    def fill(self, rows: Iterable[StoredRow]) -> None:
        """Rows that come in order, of which nothing is there yet."""
        self._db.executemany(_PUT, rows)

    def apply(self, changes: Iterable[tuple[bool, StoredRow]]) -> None:
        """Rows to put or to remove, in their order. Whether they fit is shown by the hash that comes out."""
        for put, row in changes:
            self._db.execute(_PUT if put else _REMOVE, row)
            self.applied += 1
            self._touched.update(blocks(row[0], row[1]))

    def move_on(self, at: int) -> str:
        """Let go of what has passed at that instant, and reckon what has been touched anew; the root."""
        for first, last in self._db.execute("SELECT first, last FROM routing WHERE valid_until <= ?", (at,)):
            self._touched.update(blocks(first, last))
        self._db.execute("DELETE FROM routing WHERE valid_until <= ?", (at,))
        names = set()
        for block in sorted(self._touched):
            names.add(name := block_name(block))
            high = block + block_size(block) - 1
            self._set(name, next((leaf.hash for leaf in leaves(self._cut(block, high, at))), None))
        self._touched = set()
        self._fold(names)
        return self.root

    def reckon(self, at: int) -> Iterator[int]:
        """Reckon the whole tree anew from the rows; how many leaves there are, now and then.

        Raises `DamagedError` for rows that no `nrdb mirror` can have written.
        """
        if self._db.execute(_UNSOUND, _TIMES).fetchone():
            raise DamagedError("its rows are not those that were written")
        self._db.execute("DELETE FROM node")
        names = set()
        for leaf in leaves(map(tree_row, self._rows(at))):
            names.add(leaf.prefix)
            self._set(*leaf)
            if len(names) % 500 == 0:
                yield len(names)
        self._fold(names)

    def _set(self, name: str, found: str | None) -> None:
        if found is None:
            self._db.execute("DELETE FROM node WHERE depth = ? AND name = ?", (depth_of(name), name))
        else:
            self._db.execute("INSERT OR REPLACE INTO node VALUES (?, ?, ?)", (depth_of(name), name, found))

    def _fold(self, names: set[str]) -> None:
        """The nodes above those that have changed."""
        for depth in range(8, 0, -1):
            above = {parent_of(name) for name in names if depth_of(name) == depth}
            for parent in above:
                children = self._at_depth(parent, depth)
                self._set(parent, inner_hash(children) if children else None)
            names = {name for name in names if depth_of(name) < depth} | above

    # --- reading ---

    @property
    def root(self) -> str:
        """The hash over all of it."""
        return self.hash_of(ROOT)

    def hash_of(self, name: str) -> str:
        """The hash of a node."""
        found = self._db.execute("SELECT hash FROM node WHERE depth = ? AND name = ?", (depth_of(name), name))
        hash_ = (found.fetchone() or (NOTHING,))[0]
        # A damaged one may be anything.
        return hash_.hex() if isinstance(hash_, bytes) else str(hash_)

    def below(self, name: str, depth: int) -> list[Node]:
        """The nodes `depth` steps below one, or the leaves that are nearer."""
        if name:
            return self._at_depth(name, min(depth_of(name) + depth, leaf_depth(name)))
        nearer = self._at_depth("5:", leaf_depth("5:")) if depth > leaf_depth("5:") else []
        return self._at_depth(name, depth) + nearer

    def _at_depth(self, name: str, depth: int) -> list[Node]:
        found = self._db.execute(
            "SELECT name, hash FROM node WHERE depth = ? AND name > ? AND name < ? ORDER BY name",
            (depth, name, f"{name}:"),
        )
        return [Node(*row) for row in found]

    def rows(self, low: int, high: int, at: int) -> list[StoredRow]:
        """The rows that say something of these numbers from that instant on."""
        return list(self._db.execute(_OVERLAPPING, {"low": low, "high": high, "at": at}))

    def _rows(self, at: int) -> Iterator[StoredRow]:
        return self._db.execute(
            "SELECT * FROM routing WHERE valid_until IS NULL OR valid_until > ? ORDER BY first, valid_from", (at,)
        )

    def _cut(self, low: int, high: int, at: int) -> Iterator[TreeRow]:
        for row in self.rows(low, high, at):
            yield tree_row((max(row[0], low), min(row[1], high), *row[2:]))
