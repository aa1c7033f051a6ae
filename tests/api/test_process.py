"""The real processes: `nrdb serve` and `nrdb worker`, their stops, their kills, and what survives."""

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from tests.support.processes import bearer, client_of, gone, order, process, until
from tests.support.search import find_in_database
from tests.support.server import ADMIN_KEY, Databases
from tests.support.service import eventually

from nrdb.embedded import EmbeddedPostgres


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """A data directory whose server, if a killed owner left one, is stopped at the end."""
    place = tmp_path / "data"
    yield place
    if (place / "postgres").exists():
        with EmbeddedPostgres(place):
            pass


def test_sigterm_ends_everything_in_time(data_dir: Path) -> None:
    with process(data_dir, "serve") as serve:
        serve.await_address()
        pid = int((data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[0])
        key = serve.keys()["TELIA"]
        with client_of(serve) as client:
            assert client.post("/v1/messages", json=order(90012345), headers=bearer(key)).status_code == 201
            # Readers that wait do not hold up the end.
            followed = threading.Event()

            def wait() -> None:
                with contextlib.suppress(httpx.TransportError), client_of(serve) as other:
                    other.get("/v1/inbox?wait=30", headers=bearer(key))

            def follow() -> None:
                stream = "/v1/inbox/stream?after=0"
                with (
                    contextlib.suppress(httpx.TransportError),
                    client_of(serve) as other,
                    other.stream("GET", stream, headers=bearer(key)) as response,
                ):
                    followed.set()
                    response.read()

            readers = [threading.Thread(target=read) for read in (wait, follow)]
            for reader in readers:
                reader.start()
            assert followed.wait(20)
            code, seconds = serve.end()
            for reader in readers:
                reader.join(5)
                assert not reader.is_alive()
        assert code == 0, serve.log_path.read_text()
        assert seconds < 10
        assert gone(pid)
        log = serve.log_path.read_text()
        for secret in ("90012345", "Kari", "1980-01-31", key, ADMIN_KEY):
            assert secret not in log
        for line in log.splitlines():
            assert json.loads(line)


def test_what_was_answered_survives_a_kill(data_dir: Path) -> None:
    """kill -9 in the middle of posting: every 201 is there exactly once, and a replay says so."""
    answered: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
    sent: list[dict[str, Any]] = []
    with process(data_dir, "serve") as serve:
        serve.await_address()
        headers = bearer(serve.keys()["TELIA"])

        def post(start: int) -> None:
            with client_of(serve) as client, contextlib.suppress(httpx.TransportError):
                for number in range(start, 90_100_000, 4):
                    message = order(number)
                    sent.append(message)
                    response = client.post("/v1/messages", json=message, headers=headers)
                    if response.status_code == 201:
                        answered[message["message_id"]] = message, response.json()

        threads = [threading.Thread(target=post, args=(90_010_000 + n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        until(lambda: len(answered) >= 60, 30)
        serve.popen.kill()
        serve.popen.wait()
        for thread in threads:
            thread.join()
    with process(data_dir, "serve") as serve:
        serve.await_address()
        with client_of(serve) as client:
            for message_id, (message, answer) in answered.items():
                again = client.post("/v1/messages", json=message, headers=headers)
                assert (again.status_code, again.json()) == (200, answer)
                listed = client.get("/v1/cases", params={"number": message["main_number"]}, headers=headers).json()
                assert [item["case_id"] for item in listed["items"]] == [answer["case"]["case_id"]], message_id
            # What was cut off is there whole or not at all; sending it again makes it whole.
            for message in sent:
                response = client.post("/v1/messages", json=message, headers=headers)
                assert response.status_code == (200 if message["message_id"] in answered else response.status_code)
                assert response.status_code in (200, 201)
            inbox = client.get("/v1/inbox?limit=1000&after=0", headers=bearer(serve.keys()["TELENOR"])).json()["items"]
            delivered = [item["message"]["message_id"] for item in inbox]
            assert sorted(delivered) == sorted(message["message_id"] for message in sent)
        assert serve.end()[0] == 0


async def test_a_sandbox_stays_a_sandbox(databases: Databases, data_dir: Path) -> None:
    """The database knows what it is; a process whose setting differs refuses to start."""
    async with databases.empty() as dsn:
        with process(data_dir, "serve", NRDB_DATABASE_URL=dsn) as serve:
            serve.await_address()
            assert serve.end()[0] == 0
        for command in ("serve", "worker"):
            with process(data_dir, command, NRDB_DATABASE_URL=dsn, NRDB_SANDBOX="0") as refused:
                assert refused.popen.wait(30) == 2
                words = refused.log_path.read_text().splitlines()[-1]
                assert "sandbox" in words
                assert "NRDB_SANDBOX" in words


async def test_api_and_worker_in_two_processes(databases: Databases, data_dir: Path) -> None:
    """Without the worker nothing is announced; with it, at the latest 2 s after it is due."""
    async with databases.empty() as dsn:
        with process(data_dir, "serve", "--no-worker", NRDB_DATABASE_URL=dsn) as serve:
            serve.await_address()
            headers = bearer(serve.keys()["TELIA"])
            connection = await asyncpg.connect(dsn)
            with client_of(serve) as client:

                def notices() -> list[str]:
                    items = client.get("/v1/inbox?after=0", headers=headers).json()["items"]
                    return [item["message"]["notice"] for item in items]

                response = client.post("/v1/messages", json=order(90012345), headers=headers)
                assert response.status_code == 201, response.text
                # Time passes as it would by itself, without the clock call that writes down what is due.
                await connection.execute("UPDATE world SET sandbox_now = '2026-11-23T10:00:00+01:00'")
                await asyncio.sleep(1.0)
                assert notices() == []
                with process(data_dir, "worker", NRDB_DATABASE_URL=dsn) as worker:
                    until(notices, 20)
                    later = {**order(90012346), "porting_time": "2026-11-23T12:00:00+01:00"}
                    assert client.post("/v1/messages", json=later, headers=headers).status_code == 201
                    await connection.execute("UPDATE world SET sandbox_now = '2026-11-23T12:00:00+01:00'")
                    until(lambda: len(notices()) == 2, 2.0)
                    assert notices() == ["obsolete", "obsolete"]
                    assert worker.end()[0] == 0
            await connection.close()


def test_a_taken_port_and_a_wrong_setting_are_told_in_one_line(data_dir: Path) -> None:
    with process(data_dir, "serve", NRDB_PORT="x") as wrong:
        assert wrong.popen.wait(30) == 2
        assert wrong.log_path.read_text().startswith("nrdb: NRDB_PORT")
    with process(data_dir, "serve", NRDB_DATABASE_URL="postgresql://u:secret@127.0.0.1:1/x") as away:
        assert away.popen.wait(30) == 1
        assert "secret" not in away.log_path.read_text()


def refused(data_dir: Path, command: str, **settings: str) -> str:
    """The start ends with code 2; its last words."""
    with process(data_dir, command, **settings) as one:
        assert one.popen.wait(30) == 2
        return one.log_path.read_text().splitlines()[-1]


def test_a_key_is_generated_beside_the_embedded_database(data_dir: Path) -> None:
    """Two processes at once agree on it; without it the next start is refused, and no other one is generated."""
    path = data_dir / "data.key"
    with process(data_dir, "serve") as one, process(data_dir, "serve") as other:
        one.await_address()
        other.await_address()
        assert path.stat().st_mode & 0o777 == 0o600
        key = path.read_text().strip()
        for running in (other, one):
            assert running.end()[0] == 0
            assert key not in running.log_path.read_text()
    path.rename(data_dir / "kept")
    words = refused(data_dir, "serve")
    assert words.startswith("nrdb: ")
    assert "data.key is missing" in words
    assert not path.exists()
    (data_dir / "kept").rename(path)
    with process(data_dir, "serve") as again:
        again.await_address()


async def test_a_wrong_data_key_ends_the_start(databases: Databases, data_dir: Path) -> None:
    """With exit code 2 and one line; and so does no key at all, save in a sandbox, whose log says what that means."""
    async with databases.empty() as dsn:
        none = {"NRDB_DATABASE_URL": dsn, "NRDB_SANDBOX": "0", "NRDB_SANDBOX_START": "", "NRDB_SEED": "none"}
        assert refused(data_dir, "serve", **none).startswith("nrdb: NRDB_DATA_KEY is not set")
        with process(data_dir, "serve", NRDB_DATABASE_URL=dsn) as sandbox:
            sandbox.await_address()
            assert sandbox.end()[0] == 0
            assert "published key" in sandbox.log_path.read_text()
        connection = await asyncpg.connect(dsn)
        before = await connection.fetch("SELECT data_key.*, data_key.xmin::text FROM data_key")
        for command in ("serve", "worker"):
            words = refused(data_dir, command, NRDB_DATABASE_URL=dsn, NRDB_DATA_KEY="hunter2" + "x" * 40)
            assert words.startswith("nrdb: no key of NRDB_DATA_KEY opens")
            assert "hunter2" not in words
        assert await connection.fetch("SELECT data_key.*, data_key.xmin::text FROM data_key") == before
        await connection.close()


@pytest.mark.parametrize("command", ["serve", "worker"])
async def test_a_stop_during_the_start_is_a_stop(databases: Databases, data_dir: Path, command: str) -> None:
    """A start that waits for the database ends with 0 at once, and the next one finds everything as it was."""
    async with databases.empty() as dsn:
        connection = await asyncpg.connect(dsn)
        with process(data_dir, "serve", NRDB_DATABASE_URL=dsn) as first:
            first.await_address()
        async with connection.transaction():
            await connection.execute("LOCK TABLE data_key, message_log IN ACCESS EXCLUSIVE MODE")
            with process(data_dir, command, NRDB_DATABASE_URL=dsn) as held:

                async def waits() -> bool:
                    return bool(await connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))

                await eventually(waits, 20)
                code, seconds = held.end()
                assert code == 0
                assert seconds < 5
                assert "exception" not in held.log_path.read_text()
        await connection.close()
        with process(data_dir, "serve", NRDB_DATABASE_URL=dsn) as again:
            again.await_address()


async def test_a_worker_seals_at_its_start_and_erases_in_its_time(databases: Databases, data_dir: Path) -> None:
    """Lines of the first release stand in the open until then; 90 days after the retention began the person is gone."""
    words = ("Kari Nordmann", "1980-01-31", "ref-1")
    async with databases.empty() as dsn:
        connection = await asyncpg.connect(dsn)
        with process(data_dir, "serve", "--no-worker", NRDB_DATABASE_URL=dsn) as serve:
            serve.await_address()
            headers = bearer(serve.keys()["TELIA"])
            with client_of(serve) as client:
                assert client.post("/v1/messages", json=order(90012345), headers=headers).status_code == 201
        await connection.execute(
            """
            UPDATE message_log SET sealed = NULL, personal =
                   '{"customer": {"name": "Kari Nordmann", "birth_date": "1980-01-31"},
                     "authorisation_reference": "ref-1"}' WHERE case_id IS NOT NULL
            """
        )
        assert len(await find_in_database(connection, words)) == len(words)
        with process(data_dir, "worker", NRDB_DATABASE_URL=dsn) as worker:

            async def sealed() -> bool:
                return bool(await connection.fetchval("SELECT sealed IS NOT NULL FROM message_log"))

            await eventually(sealed, 20)
            assert worker.end()[0] == 0
        assert await find_in_database(connection, words) == []
        await connection.execute("UPDATE cases SET personal_until = '2026-11-23T10:00:00+01:00'")
        await connection.execute("UPDATE world SET sandbox_now = '2027-02-21T10:00:00+01:00'")
        with process(data_dir, "worker", NRDB_DATABASE_URL=dsn) as worker:

            async def erased() -> bool:
                return not await connection.fetchval("SELECT count(sealed) FROM message_log")

            await eventually(erased, 20)
        assert await connection.fetchval("SELECT count(*) FROM cases WHERE personal_until IS NULL") == 1
        await connection.close()
