"""Routing tables made up, their rows split and ordered in many ways, and their hash reckoned number by number.

The oracle here knows nothing of ranges: it asks for each number of a block by itself what is said of it, and only then
puts together what is equal. What it says is what docs/routing-tree.md says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from random import Random

from hypothesis import strategies as st

from nrdb.clock import format_time
from nrdb.routing.tree import TreeRow

NOW = datetime(2026, 11, 23, 7, tzinfo=UTC)
#: Numbers near the edges of blocks, of each length, and such as begin alike.
STARTS = (4702000, 4702998, 4709990, 4758000000, 4758000990, 4790012995, 47580000000000, 47580000099990, 47580012345678)
DIGITS = {5: 2, 8: 5, 12: 7}
CODES = (("TELIA", "TELIA", "+47990001"), ("LYSE", "TELIA", "+47990001"), ("ICE", None, None), ("0", None, None))


@dataclass(frozen=True)
class MadeRow:
    """A row of the table; `valid_until` None has no end."""

    first: int
    last: int
    holder: str
    network: str | None
    routing_number: str | None
    range_holder: str
    target_number: int | None
    valid_from: datetime
    valid_until: datetime | None

    def tree_row(self) -> TreeRow:
        """As the tree takes it."""
        values = (self.holder, self.network, self.routing_number, self.range_holder)
        told = [value or "" for value in values] + [str(self.target_number)[2:] if self.target_number else ""]
        ends = format_time(self.valid_until) if self.valid_until else ""
        return TreeRow(self.first, self.last, ";".join(told), format_time(self.valid_from), ends)


@st.composite
def cells(draw: st.DrawFn) -> list[list[MadeRow]]:
    """A table: ranges of numbers without overlap, each with its rows in time."""
    made: list[list[MadeRow]] = []
    taken: set[int] = set()
    for start in draw(st.lists(st.sampled_from(STARTS), unique=True, max_size=5)):
        first = start
        for _ in range(draw(st.integers(1, 3))):
            size = draw(st.sampled_from((1, 1, 2, 8, 1000))) if start > 4710000 else 1
            last = first + size - 1
            if taken.isdisjoint(range(first, last + 1)):
                taken |= set(range(first, last + 1))
                made.append(_story(draw, first, last))
            first = last + draw(st.integers(1, 2))
    return made


def _story(draw: st.DrawFn, first: int, last: int) -> list[MadeRow]:
    hours = sorted(draw(st.sets(st.integers(-3, 3), min_size=1, max_size=3)))
    rows = []
    for i, hour in enumerate(hours):
        holder, network, routing_number = draw(st.sampled_from(CODES))
        following = hours[i + 1] if i + 1 < len(hours) else draw(st.sampled_from((None, None, 4)))
        begins = NOW + timedelta(hours=hour, microseconds=draw(st.sampled_from((0, 0, 500_000, 1))))
        ends = None if following is None else NOW + timedelta(hours=following)
        target = draw(st.sampled_from((None, None, 4790012345)))
        rows.append(MadeRow(first, last, holder, network, routing_number, "TELENOR", target, begins, ends))
    # A row begins where the one before it ends.
    return [
        row if i + 1 == len(rows) else replace(row, valid_until=rows[i + 1].valid_from) for i, row in enumerate(rows)
    ]


def split(table: Sequence[Sequence[MadeRow]], random: Random) -> list[MadeRow]:
    """The same table in other rows: cut between numbers and at instants that have not passed, in order."""
    rows: list[MadeRow] = []
    for cell in table:
        first, last = cell[0].first, cell[0].last
        cuts = sorted({first, *(random.randint(first, last) for _ in range(random.randint(0, 3)))})
        for low, high in zip(cuts, [*(cut - 1 for cut in cuts[1:]), last], strict=True):
            for row in cell:
                rows += _cut_in_time(replace(row, first=low, last=high), random)
    return sorted(rows, key=lambda row: (row.first, row.valid_from))


def _cut_in_time(row: MadeRow, random: Random) -> list[MadeRow]:
    at = NOW + timedelta(minutes=random.randint(1, 200))
    if row.valid_from < at and (row.valid_until is None or at < row.valid_until):
        return [replace(row, valid_until=at), replace(row, valid_from=at)]
    return [row]


def lasting(rows: Sequence[MadeRow], at: datetime) -> list[TreeRow]:
    """What is in the tree at an instant."""
    return [row.tree_row() for row in rows if row.valid_until is None or row.valid_until > at]


def oracle(rows: Sequence[MadeRow], at: datetime) -> str:
    """The root, number by number."""
    said: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        if row.valid_until is None or row.valid_until > at:
            line = row.tree_row()
            for digits in range(row.first, row.last + 1):
                said.setdefault(str(digits)[2:], []).append((f"{line.told};{line.valid_from}", line.valid_until))
    blocks: dict[str, dict[str, list[tuple[str, str]]]] = {}
    for number, story in said.items():
        name = f"{len(number)}:{number[: DIGITS[len(number)]]}"
        blocks.setdefault(name, {})[number] = _one_after_another(story)
    hashes = {name: sha256(_text(found).encode()).hexdigest() for name, found in blocks.items()}
    for depth in range(8, 0, -1):
        children: dict[str, str] = {}
        for name in sorted(name for name in hashes if _depth(name) == depth):
            parent = "" if name[-1] == ":" else name[:-1]
            children[parent] = children.get(parent, "") + f"{name};{hashes[name]}\n"
        hashes |= {parent: sha256(text.encode()).hexdigest() for parent, text in children.items()}
    return hashes.get("", sha256(b"").hexdigest())


def _depth(name: str) -> int:
    return 1 + len(name.split(":")[1]) if name else 0


def _one_after_another(story: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    joined: list[tuple[str, str]] = []
    for begun, ends in sorted(story, key=lambda said: datetime.fromisoformat(said[0].rpartition(";")[2])):
        told, _, begins = begun.rpartition(";")
        if joined and joined[-1][1] == begins and joined[-1][0].rpartition(";")[0] == told:
            joined[-1] = (joined[-1][0], ends)
        else:
            joined.append((begun, ends))
    return joined


def _text(block: Mapping[str, list[tuple[str, str]]]) -> str:
    lines: list[str] = []
    numbers = sorted(block)
    while numbers:
        first = last = numbers.pop(0)
        while numbers and int(numbers[0]) == int(last) + 1 and block[numbers[0]] == block[first]:
            last = numbers.pop(0)
        lines += [f"{first};{last};{begun};{ends}\n" for begun, ends in block[first]]
    return "".join(lines)
