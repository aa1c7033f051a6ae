"""Keeping a copy current: filled from the snapshot, followed by the changes, and proven after each of them.

Every step ends with the copy at exactly the place and instant of a proof; only when the hashes are equal is it kept. So
what a reader finds has been equal to the service's table, and is at worst old.
"""

import sqlite3
from asyncio import sleep
from contextlib import ExitStack, aclosing, closing, suppress
from pathlib import Path

from nrdb.client import NrdbError
from nrdb.mirror.folder import Folder
from nrdb.mirror.rows import text_of
from nrdb.mirror.server import OtherSourceError, Proof, Server, check_source
from nrdb.mirror.table import DamagedError, State, Table, damage_told
from nrdb.mirror.telling import Teller

#: A copy that is further behind is told so: it takes a while.
_LONG_BEHIND = 24 * 3600 * 1_000_000
_DAY = 24 * 3600 * 1_000_000


class DifferentError(Exception):
    """The copy is at the same place as the service's table and not equal to it."""


async def bring_to(table: Table, server: Server, wanted: Proof, known: State) -> str:
    """Bring an open transaction to the place and the instant of a proof; the root it has then.

    Raises `OtherSourceError`, and `DifferentError` where the service does not know what the copy knows.
    """
    check_source(known.source, wanted.source)
    try:
        async with aclosing(server.changes(known.source, known.seq, wanted.seq)) as pages:
            async for items in pages:
                table.apply(items)
    except NrdbError as error:
        if error.code == "position-gone":
            raise DifferentError(error.detail) from None
        raise
    if wanted.seq < known.seq:
        raise DifferentError(f"the service knows of changes up to {wanted.seq} only: it has been restored")
    return table.move_on(wanted.at)


class Keeper:
    """One copy in one folder that is locked."""

    def __init__(self, folder: Folder, server: Server, tell: Teller) -> None:
        self._folder = folder
        self._server = server
        self._tell = tell
        self._table: Table | None = None

    async def open(self, *, check: bool) -> None:
        """Open the copy that is there; with `check` its rows must have the root that they once had."""
        file = self._folder.current
        if file is None:
            return
        try:
            self._table = Table.open(file)
            if check:
                with damage_told():
                    await self._check(self._table)
        except DamagedError as error:
            self._tell("damaged", f"{file.name} is damaged ({error}): the table is copied anew", reason=str(error))
            self.close()

    async def _check(self, table: Table) -> None:
        state = table.state
        table.begin()
        for leaves in table.reckon(state.at):
            self._tell.progress(f"checking the copy: {leaves:,} blocks of numbers")
            await sleep(0)
        if table.root != state.root:
            raise DamagedError("its rows are not those that were written")
        table.undo()

    def close(self) -> None:
        """Let go of the file."""
        if self._table is not None:
            self._table.close()
            self._table = None

    async def step(self) -> None:
        """Make the copy equal to the service's table, whatever it takes.

        Raises the client's errors, among them `OtherSourceError`; the copy is then as it was.
        """
        if self._table is not None:
            try:
                with damage_told():
                    await self._follow(self._table)
            except DamagedError as error:
                self._tell("damaged", f"the file is damaged ({error}): the table is copied anew", reason=str(error))
            except DifferentError as error:
                self._tell("different", f"the copy is not equal ({error}): the table is copied anew", reason=str(error))
            else:
                return
        await self._fill()

    async def _follow(self, table: Table) -> None:
        known = table.state
        proof = await self._server.proof(depth=1)
        behind = proof.at - known.at
        if behind > _LONG_BEHIND:
            text = f"the copy is of {text_of(known.at)}, {behind // _DAY} days behind: catching up"
            self._tell("behind", text, at=text_of(known.at), seq=known.seq)
        await self._prove(table, known, proof)

    async def _prove(self, table: Table, known: State, proof: Proof) -> None:
        table.begin()
        try:
            root = await bring_to(table, self._server, proof, known)
            if root != proof.hash:
                raise DifferentError(f"at {proof.seq} its root is {root}, and should be {proof.hash}")
            table.commit(State(known.source, proof.seq, proof.at, root))
        except BaseException:
            # A file that is damaged may not even be put back; it is not gone on with.
            with suppress(sqlite3.Error):
                table.undo()
            raise
        if (proof.seq, root) != (known.seq, known.root):
            text = f"equal at {proof.seq}, {text_of(proof.at)}, root {root}"
            self._tell("equal", text, source=known.source, seq=proof.seq, at=text_of(proof.at), root=root)

    async def _fill(self) -> None:
        """A new file from the snapshot; it takes the old one's place when it has been proven."""
        new = self._folder.new()
        try:
            with ExitStack() as open_tables:
                table = await self._filled(new, open_tables)
                await self._prove(table, table.state, await self._server.proof(depth=1))
            self.close()
            self._folder.put_in_place(new)
        except DifferentError as error:
            raise NrdbError("snapshot-not-proven", f"a copy just made is not equal: {error}") from None
        finally:
            # Copies that break off, one after the other, would fill the disk.
            self._folder.clear()
        self._table = Table.open(new)

    async def _filled(self, file: Path, open_tables: ExitStack) -> Table:
        count, table = 0, None
        async with aclosing(self._server.snapshot()) as parts:
            async for part in parts:
                if isinstance(part, State):
                    self._check_known(part.source)
                    table = open_tables.enter_context(closing(Table.create(file, part)))
                elif table is not None:
                    table.fill(part)
                    count += len(part)
                    self._tell.progress(f"copying the table: {count:,} rows")
        if table is None:
            raise NrdbError("no-snapshot", "the snapshot has no beginning")
        for leaves in table.reckon(table.state.at):
            self._tell.progress(f"reckoning its root: {leaves:,} blocks of numbers")
            await sleep(0)
        table.finish()
        seq = table.state.seq
        self._tell("copied", f"copied {count:,} rows at {seq}", rows=count, seq=seq)
        return table

    def _check_known(self, source: str) -> None:
        """A copy is only ever replaced by one of the same service."""
        if self._table is not None:
            known = self._table.state.source
            if known != source:
                raise OtherSourceError(known, source)
