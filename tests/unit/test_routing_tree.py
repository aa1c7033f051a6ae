"""The hash tree over the routing table: against an oracle that goes by single numbers, and however rows are split."""

import csv
import io
import re
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.support.tables import NOW, MadeRow, cells, lasting, oracle, split

from nrdb.routing.tree import (
    NOTHING,
    TreeRow,
    block_name,
    bounds,
    inner_hash,
    is_leaf,
    is_prefix,
    leaves,
    parent_of,
    parents,
    root_of,
)

PAGE = Path(__file__).parents[2] / "docs/routing-tree.md"


@given(cells())
def test_the_root_is_that_of_the_oracle(table: list[list[MadeRow]]) -> None:
    rows = sorted((row for cell in table for row in cell), key=lambda row: (row.first, row.valid_from))
    assert root_of(leaves(lasting(rows, NOW))) == oracle(rows, NOW)


@given(cells(), st.randoms(use_true_random=False))
def test_however_the_rows_are_split_the_root_is_the_same(table: list[list[MadeRow]], random: Random) -> None:
    roots = {root_of(leaves(lasting(split(table, random), NOW))) for _ in range(3)}
    assert len(roots) == 1


@given(cells(), st.data())
def test_another_table_has_another_root(table: list[list[MadeRow]], data: st.DataObject) -> None:
    rows = sorted((row for cell in table for row in cell), key=lambda row: (row.first, row.valid_from))
    shown = [row for row in rows if row.valid_until is None or row.valid_until > NOW]
    assume(shown)
    gone = data.draw(st.sampled_from(shown))
    others = [row for row in rows if row is not gone]
    assert root_of(leaves(lasting(others, NOW))) != root_of(leaves(lasting(rows, NOW)))


def test_nothing_has_the_hash_of_nothing() -> None:
    assert root_of(leaves([])) == NOTHING == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize(
    ("number", "name", "first", "last"),
    [
        (4702000, "5:02", 4702000, 4702999),
        (4790012345, "8:90012", 4790012000, 4790012999),
        (4758001234, "8:58001", 4758001000, 4758001999),
        (47580012345678, "12:5800123", 47580012300000, 47580012399999),
    ],
)
def test_blocks(number: int, name: str, first: int, last: int) -> None:
    assert block_name(number) == name
    assert bounds(name) == (first, last)
    assert is_leaf(name)
    assert not is_leaf(parent_of(name))


@pytest.mark.parametrize("text", ["", "8:", "8:9", "8:90012", "12:5800123", "5:0", "5:02"])
def test_names_of_nodes(text: str) -> None:
    assert is_prefix(text)


@pytest.mark.parametrize(
    "text", ["8", "9", "8:900123", "7:", "08:9", "5:023", "8:9a", "8:٣", ":", "8:9:", " 8:9", "+8:"]
)
def test_what_names_no_node(text: str) -> None:
    assert not is_prefix(text)


def test_an_inner_node_is_over_its_children_in_the_order_of_bytes() -> None:
    found = list(leaves(lasting(_one_of_each_length(), NOW)))
    assert [node.prefix for node in found] == ["5:02", "8:90012", "12:5800123"]
    tops = []
    for node in found:
        while not node.prefix.endswith(":"):
            (node,) = parents([node])  # noqa: PLW2901 (step by step to the top)
        tops.append(node)
    assert root_of(found) == inner_hash(sorted(tops))
    assert [top.prefix for top in sorted(tops)] == ["12:", "5:", "8:"]


def _one_of_each_length() -> list[MadeRow]:
    return [
        MadeRow(number, number, "TELIA", "TELIA", "+47990001", "TELENOR", None, NOW, None)
        for number in (4702000, 4790012345, 47580012345678)
    ]


def _blocks_of(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_the_example_of_the_page() -> None:
    (table,) = _blocks_of("csv")
    lines, shown = _blocks_of("text")
    rows = [
        TreeRow(int("47" + first), int("47" + last), ";".join(told), begins, ends)
        for first, last, *told, begins, ends in list(csv.reader(io.StringIO(table)))[1:]
    ]
    hashes = dict(line.split() for line in shown.splitlines())
    assert {node.prefix: node.hash for node in leaves(rows)} == {
        name: hash_ for name, hash_ in hashes.items() if is_prefix(name) and is_leaf(name)
    }
    assert hashes["8:90012"] == sha256(lines.encode()).hexdigest()
    assert hashes["(root)"] == root_of(leaves(rows))
    for name, hash_ in hashes.items():
        below = [child for child in hashes if is_prefix(child) and parent_of(child) == name.replace("(root)", "")]
        if below:
            assert hash_ == sha256("".join(f"{c};{hashes[c]}\n" for c in sorted(below)).encode()).hexdigest()
