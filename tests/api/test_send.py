"""`nrdb send`: the real command against the running service."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import orjson
import pytest
from tests.support.server import Databases, sandbox_settings
from tests.support.service import Service, eventually, local, order_fields, running

import nrdb

SECRETS = ("Kari", "1980-01-31", "9001")


def order(number: int, sender: str = "TELIA", **fields: Any) -> bytes:
    """A lawful order, as a line."""
    fields = order_fields(main_number=str(number), **fields)
    return orjson.dumps({"type": "NP_BEST", "message_id": str(uuid4()), "sender": sender, **fields}) + b"\n"


def orders(count: int) -> list[bytes]:
    """So many lawful orders."""
    return [order(90_010_000 + number) for number in range(count)]


async def begin(address: str, key: str, file: Path, *options: str, **variables: str) -> Process:
    """The command in a process of its own, without a terminal."""
    assert nrdb.__file__
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower() and name[:5] != "NRDB_"}
    # Rich takes the width of its lines from the environment.
    own = {"PYTHONPATH": str(Path(nrdb.__file__).parents[1]), "NRDB_URL": address, "NRDB_KEY": key, "COLUMNS": "200"}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "nrdb", "send", str(file), *options, stdout=PIPE, stderr=STDOUT,
        env={**kept, **own, **variables},
    )  # fmt: skip


async def end(process: Process) -> tuple[int, str]:
    """The exit code and all that was said, in which no customer and no number stands."""
    said = (await process.communicate())[0].decode()
    for secret in SECRETS:
        assert secret not in said
    assert process.returncode is not None
    return process.returncode, said


async def send(service: Service, file: Path, *options: str, who: str = "TELIA", **variables: str) -> tuple[int, str]:
    """Send the file to the end."""
    return await end(await begin(service.address, service.keys[who], file, *options, **variables))


def put(file: Path, content: bytes) -> None:
    """Write the file, for its owner only."""
    file.write_bytes(content)
    file.chmod(0o600)


def beside(file: Path) -> Path:
    """Where the answers are."""
    return file.with_name(file.name + ".answers.ndjson")


def answers_of(file: Path) -> list[tuple[int, int, str | None]]:
    """Number, status and code of each answer."""
    answers = [orjson.loads(line) for line in beside(file).read_bytes().splitlines()]
    return [(answer["line"], answer["status"], answer.get("code")) for answer in answers]


def answered(file: Path) -> int:
    """How many answers there are."""
    return beside(file).read_bytes().count(b"\n") if beside(file).exists() else 0


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file to be sent."""
    return tmp_path / "orders.ndjson"


async def test_a_file_and_its_answers(service: Service, file: Path) -> None:
    """Numbers are those of the file, blank lines and lines that are too long included."""
    first = order(90012341)
    put(
        file,
        b"".join([first, b"\n", b"no json\n", first, b'"' + b"x" * (3 << 20) + b'"\n', b" \n", order(90012342)])
        + order(90012343).rstrip(),
    )
    code, said = await send(service, file)
    assert code == 1, said
    assert answers_of(file) == [
        (1, 201, None), (3, 400, "not-json"), (4, 200, None), (5, 413, "body-too-large"), (7, 201, None),
        (8, 201, None),
    ]  # fmt: skip
    assert "3 accepted, 1 replayed, 2 refused" in said
    assert "body-too-large" in said
    assert beside(file).stat().st_mode & 0o777 == 0o600
    # It is all answered: nothing is sent, and the verdict is the same.
    before = beside(file).read_bytes()
    async with service.unchanged():
        assert (await send(service, file))[0] == 1
    assert beside(file).read_bytes() == before


async def test_more_lines_than_a_batch_holds(service: Service, file: Path) -> None:
    put(file, order(90012341) + b"{}\n" * 10_500 + order(90012342))
    code, said = await send(service, file)
    assert code == 1, said
    found = answers_of(file)
    assert [line for line, _, _ in found] == list(range(1, 10_503))
    assert (found[0][1], found[-1][1]) == (201, 201)
    assert "10,500 refused" in said


async def test_stopped_in_the_middle_and_resumed(service: Service, file: Path) -> None:
    """Ctrl-C: what is under way is answered; then killed; what is left comes afterwards, and all is there once."""
    lines = orders(900)
    put(file, b"".join(lines))
    async with Forwarder.open() as way:
        way.target = service.address
        for sign in (signal.SIGINT, signal.SIGKILL):
            known = answered(file)
            # Room for one request of 64 KiB, and for a part of the second.
            way.hold_back(100_000)
            process = await begin(way.address, service.keys["TELIA"], file)

            async def more(known: int = known) -> bool:
                return answered(file) > known

            await eventually(more, 20)
            process.send_signal(sign)
            way.open_again()
            code, said = await end(process)
            if sign == signal.SIGINT:
                assert code == 2, said
                assert f"goes on after line {answered(file):,}" in said
            assert known < answered(file) < len(lines)
    with beside(file).open("ab") as answers:
        answers.write(b'{"line": 7')  # As a process leaves it that was killed while it wrote.
    code, said = await send(service, file)
    assert code == 0, said
    assert "going on after" in said
    assert [line for line, _, _ in answers_of(file)] == list(range(1, len(lines) + 1))
    count = await service.db.fetchval("SELECT count(*) FROM message_log WHERE type = 'NP_BEST'")
    assert count == len(lines)


async def test_a_changed_file_is_refused(service: Service, file: Path) -> None:
    lines = orders(5)
    put(file, b"".join(lines[:3]))
    assert (await send(service, file))[0] == 0
    for changed in (
        [lines[0], order(90012399), lines[2]],
        [b"\n", *lines[:3]],
        lines[:2],
        [lines[1], lines[0], lines[2]],
    ):
        put(file, b"".join(changed))
        before = beside(file).read_bytes()
        async with service.unchanged():
            code, said = await send(service, file)
        assert code == 2
        assert "has changed" in said
        assert "--restart" in said
        assert beside(file).read_bytes() == before
    # Lines after the answered ones are nobody's business.
    put(file, b"".join(lines))
    assert (await send(service, file))[0] == 0
    assert [status for _, status, _ in answers_of(file)] == [201] * 5
    put(file, b"".join([lines[0], order(90012399), *lines[2:]]))
    assert (await send(service, file, "--restart"))[0] == 0
    assert [status for _, status, _ in answers_of(file)] == [200, 201, 200, 200, 200]


async def test_a_service_that_is_away_for_a_while(databases: Databases, file: Path, tmp_path: Path) -> None:
    """Restarted in the middle: it waits, goes on by itself, and every message is there once."""
    lines = orders(600)
    put(file, b"".join(lines))
    settings = sandbox_settings(tmp_path)
    async with databases.sandbox(local("2026-11-23 08:00")) as dsn, Forwarder.open() as way:
        process = await begin(way.address, databases.keys["TELIA"], file)
        # Nobody is there at first.
        await way.refused.wait()
        async with running(settings, dsn, databases.keys) as service:
            way.target = service.address

            async def begun() -> bool:
                return beside(file).exists() and beside(file).stat().st_size > 0

            await eventually(begun, 20)
            way.target = None
        way.refused.clear()
        await way.refused.wait()
        async with running(settings, dsn, databases.keys) as service:
            way.target = service.address
            code, said = await end(process)
            assert code == 0, said
            assert "trying again" in said
            assert [line for line, _, _ in answers_of(file)] == list(range(1, len(lines) + 1))
            assert await service.db.fetchval("SELECT count(*) FROM message_log") == len(lines)


async def test_a_service_that_stays_away(file: Path) -> None:
    """It gives up after the patience it was told to have, and says how to go on."""
    put(file, order(90012341))
    async with Forwarder.open() as way:
        code, said = await end(await begin(way.address, "a-key", file, "--wait", "0.2"))
    assert code == 2
    assert "goes on from the beginning" in said


async def test_a_stop_while_waiting(file: Path) -> None:
    put(file, order(90012341))
    async with Forwarder.open() as way:
        process = await begin(way.address, "a-key", file)
        await way.refused.wait()
        process.send_signal(signal.SIGTERM)
        assert (await end(process))[0] == 2


async def test_what_is_told_at_once(service: Service, file: Path) -> None:
    """Wrong use, and what waiting does not mend: exit code 2, and nothing is changed."""
    put(file, order(90012341))
    key = service.keys["TELIA"]
    cases: list[tuple[list[str], dict[str, str], str]] = [
        ([], {"NRDB_KEY": ""}, "NRDB_KEY"),
        ([], {"NRDB_KEY": "wrong"}, "401 unauthenticated"),
        ([], {"NRDB_KEY": service.keys["OPERATOR"]}, "403 role-not-permitted-here"),
        ([], {"NRDB_KEY": "two words"}, "the key"),
        ([], {"NRDB_URL": "127.0.0.1:8000"}, "NRDB_URL"),
        (["--url", f"{service.address}/elsewhere"], {}, "404"),
        (["--wait", "-1"], {}, "--wait"),
    ]
    copies = [file.with_name(f"{number}.ndjson") for number in range(len(cases))]
    for copy in copies:
        put(copy, order(90012341))
    notes = file.with_name(file.name + ".answers.ndjson")
    put(notes, b"my notes\n")
    async with service.unchanged():
        ends = await asyncio.gather(
            *(send(service, copy, *options, **{"NRDB_KEY": key, **variables})
              for copy, (options, variables, _) in zip(copies, cases, strict=True)),
            send(service, file), send(service, file.with_name("missing")), send(service, file.parent),
        )  # fmt: skip
    for (code, said), words in zip(
        ends, [*(words for _, _, words in cases), "move it away", "missing", "no file"], strict=True
    ):
        assert (code, words in said) == (2, True), said
    assert notes.read_bytes() == b"my notes\n"
    assert not any(beside(copy).exists() and answers_of(copy) for copy in copies)


async def test_two_at_once_on_one_file(service: Service, file: Path) -> None:
    put(file, order(90012341))
    async with Forwarder.open() as way:
        first = await begin(way.address, service.keys["TELIA"], file)
        await way.refused.wait()
        code, said = await send(service, file)
        assert (code, "another nrdb send" in said) == (2, True)
        way.target = service.address
        assert (await end(first))[0] == 0


async def test_a_terminal_shows_a_bar(service: Service, file: Path) -> None:
    put(file, b"".join(orders(3)))
    code, said = await send(service, file, FORCE_COLOR="1", TERM="xterm", COLUMNS="120")
    assert code == 0
    assert "3 accepted" in said
    assert "\x1b[" in said


class Forwarder:
    """An address that stays while what is behind it comes and goes."""

    def __init__(self) -> None:
        self.target: str | None = None
        self.refused = asyncio.Event()
        self.address = ""
        self._room = sys.maxsize
        self._opened = asyncio.Event()

    def hold_back(self, after: int) -> None:
        """Of what is sent from now on, pass on so many bytes and keep the rest."""
        self._room = after
        self._opened.clear()

    def open_again(self) -> None:
        """Pass everything on."""
        self._room = sys.maxsize
        self._opened.set()

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator["Forwarder"]:
        """Listen until the end of the block."""
        way = cls()
        server = await asyncio.start_server(way._pass_on, "127.0.0.1", 0)
        way.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield way
        finally:
            server.close()
            await server.wait_closed()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.target is None:
            writer.transport.abort()
            self.refused.set()
            return
        url = urlsplit(self.target)
        there_reader, there_writer = await asyncio.open_connection(url.hostname, url.port)
        ways = [
            asyncio.create_task(self._send_on(reader, there_writer)),
            asyncio.create_task(_copy(there_reader, writer)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        for found in (writer, there_writer):
            found.transport.abort()

    async def _send_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while piece := await reader.read(8192):
                self._room -= len(piece)
                if self._room < 0:
                    await self._opened.wait()
                writer.write(piece)
                await writer.drain()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
