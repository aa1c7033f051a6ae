"""Keeping a copy of the routing table, beside what tests/api/test_mirror.py shows with a service."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from nrdb.client import Client, ProtocolError
from nrdb.mirror.folder import Folder
from nrdb.mirror.keeping import Keeper
from nrdb.mirror.rows import StoredRow
from nrdb.mirror.server import Server
from nrdb.mirror.table import State
from nrdb.mirror.telling import Teller


class BreaksOff(Server):
    """A service whose snapshots begin and do not end."""

    async def snapshot(self) -> AsyncGenerator[State | list[StoredRow]]:
        yield State("0" * 32, 1, 0, None)
        yield []
        raise ProtocolError("no-snapshot", "it broke off")


def names_in(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


async def test_copies_that_break_off_leave_nothing_behind(tmp_path: Path) -> None:
    async with Client("http://127.0.0.1:9", "a-key") as client:
        with Folder(tmp_path) as folder, Teller(as_json=True) as tell:
            keeper = Keeper(folder, BreaksOff(client), tell)
            for _ in range(3):
                with pytest.raises(ProtocolError, match="it broke off"):
                    await keeper.step()
                assert names_in(tmp_path) == ["lock"]
