"""Running: health, metrics, problem pages, request ids, and the sandbox clock (contract section 9)."""

import asyncio
from pathlib import Path

import asyncpg
import pytest
from tests.support.server import ADMIN_KEY, Databases, sandbox_settings
from tests.support.service import Service, eventually, local, running

from nrdb.errors import CATALOGUE
from nrdb.migrate import upgrade
from nrdb.seed import bootstrap
from nrdb.settings import Settings


async def test_health_and_readiness_need_no_key(service: Service) -> None:
    for path in ("/healthz", "/readyz", "/docs", "/openapi.json"):
        assert (await service.client.get(path)).status_code == 200
    document = (await service.client.get("/openapi.json")).json()
    assert "/v1/messages" in document["paths"]


async def test_a_database_that_is_away(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> None:
    """503 with Retry-After, never 500; and back when the database is back."""
    place = tmp_path_factory.mktemp("s")
    async with databases.sandbox(local("2026-11-23 08:00")) as dsn:
        way, _, directory = dsn.partition("?host=")
        real, link = Path(directory) / ".s.PGSQL.5432", place / ".s.PGSQL.5432"
        link.symlink_to(real)
        settings = sandbox_settings(place)
        async with running(settings, f"{way}?host={place}", databases.keys) as service:
            await service.ordered()
            link.unlink()
            await databases.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                f"WHERE datname = '{way.rpartition('/')[2]}'"
            )
            again = {"main_number": "90012346"}
            for _ in range(2):
                for response in (
                    await service.order(**again), await service.get("/cases"), await service.client.get("/readyz"),
                ):  # fmt: skip
                    service.refused(response, "unavailable")
                    assert int(response.headers["retry-after"]) > 0
            assert (await service.client.get("/healthz")).status_code == 200
            link.symlink_to(real)

            async def back() -> bool:
                return (await service.client.get("/readyz")).status_code == 200

            await eventually(back)
            assert (await service.order(**again)).status_code == 201


async def test_metrics_hold_no_numbers(service: Service) -> None:
    await service.case_in("scheduled")
    await service.order(main_number="02800")
    await service.get("/routing/90012345")
    text = (await service.client.get("/metrics")).text
    assert 'nrdb_messages_total{outcome="accepted",type="NP_BEST"}' in text
    assert 'outcome="five-digit-message-required"' in text
    for secret in ("90012345", "Kari", "TELIA", service.keys["TELIA"]):
        assert secret not in text


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_the_catalogue_is_about_one_code_each(code: str) -> None:
    assert str(CATALOGUE[code].title)  # type: ignore[index]  # The codes are strings.
    assert str(CATALOGUE[code].text)  # type: ignore[index]


async def test_every_code_has_a_page(service: Service) -> None:
    for code, info in CATALOGUE.items():
        response = await service.client.get(f"/problems/{code}")
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/html")
        assert str(info.title).replace("'", "&#x27;") in response.text
        if info.source:
            assert info.source in response.text
    service.refused(await service.client.get("/problems/nonsense"), "not-found")


async def test_request_ids_are_echoed_or_made(service: Service) -> None:
    headers = {**service.headers("TELIA"), "X-Request-Id": "my-own-id-42"}
    response = await service.client.get("/v1/cases/x", headers=headers)
    assert response.headers["x-request-id"] == response.json()["request_id"] == "my-own-id-42"
    made = {(await service.client.get("/healthz")).headers["x-request-id"] for _ in range(3)}
    assert len(made) == 3
    for bad in ("x" * 500, "with space"):
        response = await service.client.get("/healthz", headers=[(b"X-Request-Id", bad.encode())])
        assert response.headers["x-request-id"] != bad


async def test_the_clock_only_moves_forward(service: Service) -> None:
    assert await service.read("/sandbox/clock", "TELIA") == {"now": "2026-11-23T07:00:00Z"}
    async with service.unchanged():
        back = {"now": "2026-11-23T07:59:59+01:00"}
        response = await service.send("PUT", "/sandbox/clock", "ADMIN", back)
        service.refused(response, "clock-backwards")
        for wrong in (
            {},
            {"now": None},
            {"advance": "PT-5M"},
            {"advance": 5},
            {"now": "x"},
            {"advance": "PT35M", "x": 1},
        ):
            response = await service.send("PUT", "/sandbox/clock", "ADMIN", wrong)
            service.refused(response, "invalid-message")
    response = await service.send("PUT", "/sandbox/clock", "ADMIN", {"advance": "P1DT2H35M0.5S"})
    assert (response.status_code, response.json()) == (200, {"now": "2026-11-24T09:35:00.5Z"})
    assert await service.read("/sandbox/clock") == {"now": "2026-11-24T09:35:00.5Z"}


async def test_what_is_due_has_happened_in_order(service: Service) -> None:
    """Before the clock call answers: obsolete, executed and completed, each at its own instant."""
    late = await service.ordered(main_number="90012341", porting_time="2026-11-23T12:00:00+01:00")
    early = await service.ordered(main_number="90012342", porting_time="2026-11-23T10:00:00+01:00")
    executed = await service.ordered(main_number="90012343", porting_time="2026-11-23T11:00:00+01:00")
    await service.accepted("TELENOR", "NP_GODK", case_id=executed)
    await service.accepted("TELIA", "NP_IVER", case_id=executed)
    after = (await service.read("/inbox", "TELIA", after=0))["next"]
    await service.clock(local("2026-11-24 08:00"))
    items = await service.inbox("TELIA", after=after)
    assert [(i["message"]["case_id"], i["message"]["notice"], i["at"]) for i in items] == [
        (early, "obsolete", "2026-11-23T09:00:00Z"), (late, "obsolete", "2026-11-23T11:00:00Z"),
    ]  # fmt: skip
    logged = await service.db.fetch("SELECT case_id FROM message_log WHERE type = 'time' ORDER BY id")
    assert [str(row[0]) for row in logged] == [early, executed, late]
    assert (await service.case(executed))["state"] == "awaiting_completion"


async def test_a_move_waits_for_a_message_in_flight(service: Service) -> None:
    held = await asyncpg.connect(service.dsn)
    transaction = held.transaction()
    await transaction.start()
    await held.execute("SELECT pg_advisory_xact_lock_shared(7267, 1)")  # As every decision does until it ends.
    move = asyncio.create_task(service.send("PUT", "/sandbox/clock", "ADMIN", {"advance": "PT1H"}))
    finished, _ = await asyncio.wait({move}, timeout=0.3)
    assert not finished
    assert (await service.now()) == local("2026-11-23 08:00")
    await transaction.rollback()
    assert (await move).json() == {"now": "2026-11-23T08:00:00Z"}
    await held.close()


async def test_no_clock_without_a_sandbox(databases: Databases, tmp_path: Path) -> None:
    settings = Settings(sandbox=False, data_dir=tmp_path, admin_key=ADMIN_KEY)  # type: ignore[arg-type]
    async with databases.empty() as dsn:
        await upgrade(dsn)
        await bootstrap(settings, dsn)
        async with running(settings, dsn, {"ADMIN": ADMIN_KEY}) as service:
            for method in ("GET", "PUT"):
                response = await service.send(method, "/sandbox/clock", "ADMIN", {"advance": "PT1H"})
                service.refused(response, "not-found")
            document = (await service.client.get("/openapi.json")).json()
            assert not [path for path in document["paths"] if "sandbox" in path]
            assert (await service.read("/series", "ADMIN"))["items"] == []
            page = await service.read("/providers", "ADMIN")
            assert [item["code"] for item in page["items"]] == ["0"]
