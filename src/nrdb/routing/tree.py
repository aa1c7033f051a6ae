"""The hash tree over the routing table, byte for byte as docs/routing-tree.md says: a leaf is a block of numbers, an
inner node a shorter prefix, the root the whole table. Who has an equal root has an equal table.

A node is named by the length of its numbers and the digits that they share, `8:90012`; the three below the root are
`5:`, `8:` and `12:`, and the root is the empty name. Here everything is reckoned from rows in order, in one pass and in
the room of one block; the database reckons the same in SQL (fifth migration).
"""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import groupby, pairwise
from operator import itemgetter
from typing import NamedTuple

#: By the length of numbers: how many of their digits a leaf names.
LEAF_DIGITS = {5: 2, 8: 5, 12: 7}
ROOT = ""
#: The hash of a node below which there is nothing: only the root of an empty table is shown with it.
NOTHING = sha256(b"").hexdigest()
_COUNTRY = "47"


class TreeRow(NamedTuple):
    """A row of the table. Numbers have their country code; the rest is text as in answers, empty for null."""

    first: int
    last: int
    #: Holder, network, routing number, range holder and target number, parted by semicolons.
    told: str
    valid_from: str
    valid_until: str


class Node(NamedTuple):
    """A part of the number space and its hash, in hexadecimal digits."""

    prefix: str
    hash: str


#: What is said of some numbers, one row after the other in time.
Story = tuple[tuple[str, str, str], ...]


def block_size(number: int) -> int:
    """How many numbers there are in the block of a number."""
    return 100_000 if number >= 10**13 else 1000


def block_name(number: int) -> str:
    """The leaf in which a number lies."""
    text = str(number)
    length = len(text) - len(_COUNTRY)
    return f"{length}:{text[len(_COUNTRY) : len(_COUNTRY) + LEAF_DIGITS[length]]}"


def blocks(first: int, last: int) -> Iterator[int]:
    """The first numbers of the blocks that these numbers touch."""
    size = block_size(first)
    yield from range(first - first % size, last + 1, size)


def bounds(prefix: str) -> tuple[int, int]:
    """The first and the last number of a node below the root's children, or of one of these."""
    length, _, digits = prefix.partition(":")
    missing = int(length) - len(digits)
    return int(_COUNTRY + digits + "0" * missing), int(_COUNTRY + digits + "9" * missing)


def depth_of(prefix: str) -> int:
    """How far from the root it is."""
    return len(prefix) - prefix.index(":") if prefix else 0


def parent_of(prefix: str) -> str:
    """The node that it hangs on."""
    return ROOT if prefix.endswith(":") else prefix[:-1]


def leaf_depth(prefix: str) -> int:
    """How far from the root the blocks below a node are, or the node itself where it is one; not for the root."""
    return 1 + LEAF_DIGITS[int(prefix.partition(":")[0])]


def is_leaf(prefix: str) -> bool:
    """Whether it is a block."""
    return bool(prefix) and depth_of(prefix) == leaf_depth(prefix)


def is_prefix(text: str) -> bool:
    """Whether it names a node that could be."""
    length, sign, digits = text.partition(":")
    if not sign:
        return text == ROOT
    known = {str(known): leaf for known, leaf in LEAF_DIGITS.items()}
    return length in known and len(digits) <= known[length] and digits.isascii() and (digits + "0").isdecimal()


def leaves(rows: Iterable[TreeRow]) -> Iterator[Node]:
    """The leaves of rows that come in order of number and time, and of which no two say something of one number at one
    time. Blocks of which nothing is said have none.
    """
    for block, pieces in groupby(_pieces(rows), key=itemgetter(0)):
        yield Node(block_name(block), leaf_hash((first, last, story) for _, first, last, story in pieces))


def leaf_hash(pieces: Iterable[tuple[int, int, Story]]) -> str:
    """The hash over the lines of one block. Neighbouring numbers of which the same is said share their lines."""
    digest = sha256()
    begun, ended = 0, -1
    known: Story = ()
    for first, last, story in pieces:
        if first == ended + 1 and story == known:
            ended = last
            continue
        digest.update(_lines(begun, ended, known))
        begun, ended, known = first, last, story
    digest.update(_lines(begun, ended, known))
    return digest.hexdigest()


def inner_hash(children: Iterable[Node]) -> str:
    """The hash of a node over its children that are not empty, in the order of the bytes of their names."""
    return sha256("".join(f"{child.prefix};{child.hash}\n" for child in children).encode()).hexdigest()


def parents(nodes: Iterable[Node]) -> Iterator[Node]:
    """The nodes one step nearer to the root, from all of one depth in order."""
    for prefix, children in groupby(nodes, key=lambda node: parent_of(node.prefix)):
        yield Node(prefix, inner_hash(children))


def root_of(found: Iterable[Node]) -> str:
    """The root over all leaves, in any order."""
    by_depth: dict[int, list[Node]] = {}
    for node in found:
        by_depth.setdefault(depth_of(node.prefix), []).append(node)
    for depth in range(max(by_depth, default=0), 0, -1):
        by_depth.setdefault(depth - 1, []).extend(parents(sorted(by_depth.pop(depth, ()))))
    return by_depth[0][0].hash if by_depth else NOTHING


def _lines(first: int, last: int, story: Story) -> bytes:
    numbers = f"{str(first)[len(_COUNTRY) :]};{str(last)[len(_COUNTRY) :]};"
    return "".join([f"{numbers}{told};{begin};{end}\n" for told, begin, end in story]).encode()


def _pieces(rows: Iterable[TreeRow]) -> Iterator[tuple[int, int, int, Story]]:
    """What is said of the numbers of one row, cut to blocks: the first number of the block, first, last, the story."""
    for begun, told in groupby(rows, key=itemgetter(0)):
        cell = list(told)
        story = joined(cell)
        first, last, size = begun, cell[0].last, block_size(begun)
        block = first - first % size
        while block + size <= last:
            yield block, first, block + size - 1, story
            first = block = block + size
        yield block, first, last, story


def joined(cell: Sequence[TreeRow]) -> Story:
    """What is said of one number, by its rows in order; those that go on joined."""
    story = [row[2:] for row in cell[:1]]
    for before, row in pairwise(cell):
        if before.told == row.told and before.valid_until == row.valid_from:
            story[-1] = (row.told, story[-1][1], row.valid_until)
        else:
            story.append(row[2:])
    return tuple(story)
