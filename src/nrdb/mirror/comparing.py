"""Where a copy and the service's table differ: from the root down to the rows, number range by number range."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from nrdb.mirror.keeping import bring_to
from nrdb.mirror.rows import StoredRow, national, shown, tree_row
from nrdb.mirror.server import DEPTH, Proof, Server
from nrdb.mirror.table import State, Table
from nrdb.routing.tree import ROOT, Story, bounds, is_leaf, joined

#: Blocks whose rows are asked for; of more only the names are told.
MOST = 100


@dataclass(frozen=True, slots=True)
class Difference:
    """Numbers of which the copy and the service say different things."""

    first: int
    last: int
    copy: tuple[StoredRow, ...]
    server: tuple[StoredRow, ...]

    def view(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "first": national(self.first),
            "last": national(self.last),
            "copy": [shown(row) for row in self.copy],
            "server": [shown(row) for row in self.server],
        }


@dataclass(slots=True)
class Comparison:
    """What was found: where it was compared, the differences, and blocks that differ beside those looked into.

    Before that, what the file itself held (`kept`), and how far that was behind: changes, and microseconds.
    """

    kept: State
    state: State
    changes_behind: int
    behind: int
    differences: list[Difference]
    more: list[str]

    @property
    def equal(self) -> bool:
        """Nothing differs."""
        return not self.differences and not self.more


async def compare(table: Table, server: Server) -> Comparison:
    """Go down where hashes differ. The copy goes along to the place of each answer, since the table moves on."""
    state = table.state
    found = Comparison(state, state, 0, 0, [], [])
    waiting, looked_into = [ROOT], 0
    table.begin()
    while waiting:
        prefix = waiting.pop()
        if is_leaf(prefix) and looked_into == MOST:
            found.more.append(prefix)
            continue
        proof = await server.proof(prefix, DEPTH)
        root = await bring_to(table, server, proof, found.state)
        if prefix == ROOT:
            found.changes_behind, found.behind = table.applied, proof.at - state.at
        found.state = State(proof.source, proof.seq, proof.at, root)
        if is_leaf(prefix):
            looked_into += 1
            found.differences += _differences(table, prefix, proof)
        elif table.hash_of(prefix) != proof.hash:
            # Those who are in one of the two only, and those whose hashes differ.
            names = {node.prefix for node in set(table.below(prefix, DEPTH)) ^ set(proof.children)}
            waiting += sorted(names, reverse=True)
    table.undo()
    return found


def _differences(table: Table, prefix: str, proof: Proof) -> list[Difference]:
    low, high = bounds(prefix)
    ours, theirs = table.rows(low, high, proof.at), list(proof.rows)
    # At these numbers something else may begin to be said.
    edges = {low, high + 1}
    for row in ours + theirs:
        edges |= {edge for edge in (row[0], row[1] + 1) if low < edge <= high}
    differences: list[Difference] = []
    for first, following in pairwise(sorted(edges)):
        mine, yours = _said_of(first, ours), _said_of(first, theirs)
        if _story(mine) == _story(yours):
            continue
        before = differences[-1] if differences else None
        if before and before.last + 1 == first and (before.copy, before.server) == (mine, yours):
            differences[-1] = Difference(before.first, following - 1, mine, yours)
        else:
            differences.append(Difference(first, following - 1, mine, yours))
    return differences


def _said_of(number: int, rows: Sequence[StoredRow]) -> tuple[StoredRow, ...]:
    return tuple(sorted((row for row in rows if row[0] <= number <= row[1]), key=lambda row: row[7]))


def _story(rows: Sequence[StoredRow]) -> Story:
    return joined([tree_row(row) for row in rows])
