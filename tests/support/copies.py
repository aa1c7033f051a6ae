"""A copy of the routing table, kept as the contract says (section 5): the snapshot, then the changes."""

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx
from tests.support.service import Service

Row = tuple[Any, ...]
FIELDS = (
    "first", "last", "holder", "network", "routing_number", "range_holder", "target_number", "valid_from",
    "valid_until",
)  # fmt: skip


def row_of(row: dict[str, Any]) -> Row:
    """A row as a value."""
    assert tuple(row) == FIELDS
    return tuple(row[name] for name in FIELDS)


@dataclass
class Copy:
    """Rows as they were copied, at a place and an instant."""

    seq: int
    at: datetime
    rows: set[Row] = field(default_factory=set)

    def apply(self, items: Iterable[dict[str, Any]]) -> None:
        """Changes after the place, in order."""
        for item in items:
            assert item["seq"] > self.seq
            self.seq = item["seq"]
            row = row_of(item["row"])
            if item["op"] == "put":
                assert row not in self.rows
                self.rows.add(row)
            else:
                # What has passed may have been let go of.
                assert row in self.rows or row[8] is not None
                self.rows.discard(row)

    def in_force(self, at: datetime) -> set[Row]:
        """The rows less those whose time has passed."""
        return {row for row in self.rows if row[8] is None or datetime.fromisoformat(row[8]) > at}

    def serving(self, number: str, at: datetime) -> Row:
        """The one row of a number at an instant."""
        found = [
            row
            for row in self.in_force(at)
            if len(row[0]) == len(number) and row[0] <= number <= row[1] and datetime.fromisoformat(row[7]) <= at
        ]
        assert len(found) == 1, found
        return found[0]


def read(response: httpx.Response) -> Copy:
    """The copy that a snapshot is, in either form."""
    assert response.status_code == 200, response.text
    if response.headers["content-type"].startswith("text/csv"):
        table = csv.DictReader(io.StringIO(response.text))
        lines = [{name: value or None for name, value in line.items()} for line in table]
    else:
        assert response.headers["content-type"] == "application/x-ndjson"
        lines = [json.loads(line) for line in response.text.splitlines()]
    rows = [row_of(line) for line in lines]
    assert rows == sorted(rows, key=lambda row: (int("47" + row[0]), row[7]))
    copy = Copy(int(response.headers["routing-seq"]), datetime.fromisoformat(response.headers["routing-at"]), set(rows))
    assert len(copy.rows) == len(rows)
    assert response.headers["etag"] == f'W/"{copy.seq}"'
    return copy


async def snapshot(service: Service, **headers: str) -> Copy:
    """The table now."""
    return read(await service.client.get("/v1/routing/snapshot", headers=service.headers("CHILI") | headers))


async def follow(service: Service, copy: Copy, limit: int = 1000) -> None:
    """Bring a copy to where the table is."""
    while True:
        page = await service.read("/routing/changes", "CHILI", after=copy.seq, limit=limit)
        copy.apply(page["items"])
        assert page["next"] >= copy.seq
        copy.seq = page["next"]
        if not page["items"]:
            return
