"""Proof of equality: whoever holds a copy reckons its hashes, and finds where it differs in a few questions."""

from datetime import datetime

import pytest
from tests.support import copies
from tests.support.copies import Copy, Row
from tests.support.service import Service, utc_text

from nrdb.routing.tree import NOTHING, Node, TreeRow, depth_of, leaves, parents, root_of


def tree_rows(rows: set[Row]) -> list[TreeRow]:
    """The rows of a copy, as they go into the tree."""
    found = sorted(rows, key=lambda row: (int("47" + row[0]), datetime.fromisoformat(row[7])))
    return [
        TreeRow(int("47" + r[0]), int("47" + r[1]), ";".join(value or "" for value in r[2:7]), r[7], r[8] or "")
        for r in found
    ]


def root_of_copy(copy: Copy, at: datetime) -> str:
    """Reckoned by whoever holds the copy."""
    return root_of(leaves(tree_rows(copy.in_force(at))))


async def test_a_copy_has_the_root_of_the_table_at_every_step(service: Service) -> None:
    copy = await copies.snapshot(service)
    for i in range(4):
        await service.case_in("scheduled", main_number=f"9001{i}345", porting_time="2026-11-24T10:00:00+01:00")
        await service.clock(minutes=i)
        found = await service.read("/routing/proof", "CHILI")
        await copies.follow(service, copy)
        assert copy.seq == found["seq"]
        assert found["at"] == utc_text(await service.now())
        assert root_of_copy(copy, datetime.fromisoformat(found["at"])) == found["hash"]
    await service.clock(days=3)
    found = await service.read("/routing/proof", "CHILI")
    assert root_of_copy(copy, datetime.fromisoformat(found["at"])) == found["hash"]


async def test_from_the_root_to_the_rows_in_three_questions(service: Service) -> None:
    await service.case_in("scheduled")
    copy = await copies.snapshot(service)
    at = await service.now()
    wrong = next(row for row in copy.rows if row[0] == "90012345" and row[8] is None)
    copy.rows.remove(wrong)
    own = dict(leaves(tree_rows(copy.in_force(at))))
    prefix, asked = "", 0
    found = await service.read("/routing/proof", "CHILI", prefix=prefix, depth=4)
    while found["children"]:
        asked += 1
        below = {child["prefix"] for child in found["children"]}
        differing = [child["prefix"] for child in found["children"] if child["hash"] != _own_hash(own, child["prefix"])]
        assert len(differing) == 1, below
        found = await service.read("/routing/proof", "CHILI", prefix=differing[0], depth=4)
    assert (found["prefix"], asked) == ("8:90012", 2)
    assert set(map(copies.row_of, found["rows"])) - copy.rows == {wrong}


def _own_hash(own: dict[str, str], prefix: str) -> str:
    """A node of the copy over its leaves."""
    nodes = [Node(name, hash_) for name, hash_ in own.items() if name.startswith(prefix)]
    while nodes and depth_of(nodes[0].prefix) > depth_of(prefix):
        nodes = list(parents(nodes))
    return nodes[0].hash if nodes else NOTHING


async def test_what_it_answers(service: Service) -> None:
    response = await service.get("/routing/proof", "CHILI", prefix="12:", depth=2)
    found = response.json()
    assert response.headers["routing-source"] == str(await service.db.fetchval("SELECT source FROM world"))
    assert list(found) == ["prefix", "seq", "at", "hash", "children", "rows"]
    assert [child["prefix"] for child in found["children"]] == ["12:58"]
    assert found["rows"] == []
    # Of what is in no series, nothing is said.
    empty = await service.read("/routing/proof", "CHILI", prefix="8:1")
    assert (empty["hash"], empty["children"], empty["rows"]) == (NOTHING, [], [])


@pytest.mark.parametrize("prefix", ["90012", "8:900123", "7:1", "8:9 ", "8:æ", "x" * 1000, "\x00"])
async def test_what_names_no_part_of_the_number_space(service: Service, prefix: str) -> None:
    response = await service.get("/routing/proof", "CHILI", prefix=prefix)
    assert response.status_code == 422
    (error,) = response.json()["errors"]
    assert error["pointer"] == "/prefix"
    assert error["detail"].startswith("is like 8:90012")


@pytest.mark.parametrize("depth", ["0", "5", "x"])
async def test_how_deep_one_may_look(service: Service, depth: str) -> None:
    response = await service.get("/routing/proof", "CHILI", depth=depth)
    assert response.status_code == 422
    assert [error["pointer"] for error in response.json()["errors"]] == ["/depth"]


async def test_while_somebody_reckons_for_long_others_are_told_to_come_again(service: Service) -> None:
    async with service.db.transaction():
        await service.db.execute("SELECT 1 FROM routing_tree FOR UPDATE")
        answers = [await service.get(path, "CHILI") for path in ("/routing/proof", "/routing/snapshot")]
    for response in answers:
        service.refused(response, "unavailable")
        assert response.headers["retry-after"] == "10"
        assert response.json()["detail"].startswith("The hash tree over the routing table is being made anew")
