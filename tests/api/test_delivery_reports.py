"""What operators and providers are told of delivery: who reads nothing, whose webhook fails, what was given up on."""

import csv
import io
from datetime import timedelta
from typing import Any

from tests.support.service import Service, local

from nrdb.clock import format_time
from nrdb.db import open_pool
from nrdb.reports.delivery import read_delivery

BEGAN = "2026-11-23T07:00:00Z"


async def delivery(service: Service, who: str = "OPERATOR", **params: Any) -> list[dict[str, Any]]:
    return list((await service.read("/reports/delivery", who, **params))["items"])


async def table(service: Service, path: str, **params: Any) -> list[dict[str, str]]:
    headers = service.headers("OPERATOR") | {"Accept": "text/csv"}
    response = await service.client.get(f"/v1{path}", headers=headers, params=params)
    assert response.status_code == 200, response.text
    return list(csv.DictReader(io.StringIO(response.content.decode(), newline="")))


async def webhook(service: Service, code: str, position: int = 0, **columns: Any) -> None:
    """A webhook as its owner has set it up; times are real ones, here told as how long ago they are."""
    await service.db.execute(
        """
        INSERT INTO webhook (code, url, secret, position, failing_since, switched_off_at, created_at)
        VALUES ($1, 'https://hooks.example/nrdb', ''::bytea, $2, clock_timestamp() - $3::interval,
                clock_timestamp() - $4::interval, clock_timestamp())
        """,
        code,
        position,
        columns.get("failing"),
        columns.get("off"),
    )


async def failing_since(service: Service, code: str) -> str:
    return format_time(await service.db.fetchval("SELECT failing_since FROM webhook WHERE code = $1", code))


async def skip(service: Service, code: str, item: dict[str, Any], minutes: int, **columns: Any) -> None:
    at = local("2026-11-26 12:00") + timedelta(minutes=minutes)
    log_id = await service.db.fetchval("SELECT log_id FROM inbox WHERE to_code = $1 AND seq = $2", code, item["seq"])
    await service.db.execute(
        """
        INSERT INTO webhook_skip (code, seq, log_id, first_attempt_at, skipped_at, attempts, status, error)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        """,
        code,
        item["seq"],
        log_id,
        at - timedelta(days=3),
        at,
        columns.get("attempts", 40),
        columns.get("status"),
        columns.get("error"),
    )


async def test_how_far_a_reader_is(service: Service) -> None:
    assert await delivery(service) == []
    await service.ordered()
    await service.clock(minutes=10)
    await service.ordered("LYSE", main_number="90012346")
    (row,) = await delivery(service)
    first, second = await service.inbox("TELENOR")
    assert row == {
        "code": "TELENOR", "acknowledged": 0, "newest": second["seq"], "unacknowledged": 2,
        "more_unacknowledged": False, "oldest_unacknowledged_at": BEGAN, "webhook": "none", "failing_since": None,
        "position": None, "pending": None, "more_pending": None, "skipped": 0, "waiting_since": BEGAN,
    }  # fmt: skip
    await service.send("POST", "/inbox/ack", "TELENOR", {"through": first["seq"]})
    (row,) = await delivery(service)
    assert (row["acknowledged"], row["unacknowledged"]) == (first["seq"], 1)
    assert row["oldest_unacknowledged_at"] == row["waiting_since"] == "2026-11-23T07:10:00Z"
    # What a webhook has taken waits no more, whether it is acknowledged or not.
    await webhook(service, "TELENOR", second["seq"])
    (row,) = await delivery(service)
    assert (row["webhook"], row["position"], row["pending"], row["more_pending"]) == ("on", second["seq"], 0, False)
    assert (row["unacknowledged"], row["waiting_since"]) == (1, None)
    assert row["oldest_unacknowledged_at"] == "2026-11-23T07:10:00Z"
    await service.send("POST", "/inbox/ack", "TELENOR", {"through": second["seq"]})
    (row,) = await delivery(service)
    assert (row["unacknowledged"], row["oldest_unacknowledged_at"]) == (0, None)
    # The report says what the code is told of itself.
    status = await service.read("/inbox/status", "TELENOR")
    assert status.pop("webhook") == {"state": row["webhook"], "failing_since": row["failing_since"]}
    assert {name: row[name] for name in status} == status
    # Items that are no longer kept count as seen.
    await service.db.execute("DELETE FROM inbox")
    assert await delivery(service) == [row]


async def test_those_that_fail_come_first_then_those_that_wait_longest(service: Service) -> None:
    # Every network is told at 08:00, TELIA an hour later.
    case_id = await service.case_in("scheduled", porting_time="2026-11-24T10:00:00+01:00")
    await service.clock(hours=1)
    await service.ordered("LYSE", main_number="40000001", donor="TELIA")
    for code in ("COM4", "TELENOR"):
        newest = (await service.inbox(code))[-1]["seq"]
        await service.send("POST", "/inbox/ack", code, {"through": newest})
    await webhook(service, "CHILI", failing=timedelta(minutes=59, seconds=30))
    await webhook(service, "DSB", failing=timedelta(hours=1))
    await webhook(service, "LYSE", failing=timedelta(hours=71))
    await webhook(service, "UNIFON", off=timedelta(days=1), failing=timedelta(days=2))
    rows = await delivery(service)
    assert [row["code"] for row in rows if row["webhook"] == "failing"] == ["LYSE", "DSB"]
    assert {row["code"]: row["webhook"] for row in rows if row["webhook"] not in ("none", "failing")} == {
        "UNIFON": "off",
        "CHILI": "on",
    }
    expected = (await service.case(case_id))["completion"]["expected"]
    waiting = sorted({*expected, "TELIA"} - {"LYSE", "DSB", "COM4", "TELENOR"})
    assert [row["code"] for row in rows] == ["LYSE", "DSB", *waiting, "CHILI", "COM4", "TELENOR"]
    assert [row["waiting_since"] for row in rows][-3:] == [None, None, None]
    assert rows[0]["failing_since"] == await failing_since(service, "LYSE")
    assert (rows[0]["pending"], rows[0]["position"]) == (1, 0)
    chili = rows[-3]
    assert (chili["failing_since"], chili["newest"], chili["pending"]) == (await failing_since(service, "CHILI"), 0, 0)
    # Page by page it is the same list.
    seen, after = [], None
    while True:
        page = await service.read("/reports/delivery", limit=2, after=after)
        seen += page["items"]
        after = page["next"]
        if after is None:
            break
    assert seen == rows


async def test_an_own_part_for_a_provider(service: Service) -> None:
    await service.case_in("scheduled")
    await webhook(service, "TELENOR", failing=timedelta(hours=2))
    (item,) = [item for item in await service.inbox("TELENOR") if item["message"]["type"] == "NP_BEST"]
    await skip(service, "TELENOR", item, 0)
    assert [row["code"] for row in await delivery(service, "TELENOR")] == ["TELENOR"]
    assert [row["code"] for row in await delivery(service, "LYSE")] == ["LYSE"]
    assert [row["code"] for row in await delivery(service, code="LYSE")] == ["LYSE"]
    assert await delivery(service, "ADMIN") == await delivery(service)
    for report in ("delivery", "skipped"):
        service.refused(await service.get(f"/reports/{report}", "LYSE", code="TELENOR"), "sender-not-yours")
        service.refused(await service.get(f"/reports/{report}", None), "unauthenticated")
        for wrong in ("x", "W10", "WzEsMl0"):
            service.refused(await service.get(f"/reports/{report}", after=wrong), "invalid-message")
    assert (await service.read("/reports/skipped", "LYSE"))["items"] == []
    assert len((await service.read("/reports/skipped", "TELENOR"))["items"]) == 1
    assert len((await service.read("/reports/skipped", code="TELENOR"))["items"]) == 1


async def test_as_a_table(service: Service) -> None:
    await service.ordered()
    await webhook(service, "TELENOR", failing=timedelta(hours=2))
    (row,) = await table(service, "/reports/delivery")
    (item,) = await delivery(service)
    assert row == {
        name: "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in item.items()
    }
    headers = service.headers("OPERATOR") | {"Accept": "text/csv", "Accept-Language": "nb"}
    for report, head in (("delivery", "kode,bekreftet til,nyeste,"), ("skipped", "kode,nr. i innboksen,meldings-id,")):
        response = await service.client.get(f"/v1/reports/{report}", headers=headers)
        assert response.headers["content-disposition"] == f'attachment; filename="nrdb-{report}.csv"'
        assert response.text.startswith(head)


async def test_what_no_webhook_took(service: Service) -> None:
    case_id = await service.case_in("scheduled")
    await service.admin("POST", "/provider-codes/UNIFON/transfer", {"to": "CHILI", "reason": "merger"})
    best, iver, notice = await service.inbox("TELENOR")
    (other, _) = await service.inbox("LYSE")
    await skip(service, "TELENOR", best, 0, status=500, attempts=41)
    await skip(service, "TELENOR", notice, 9, error="=timeout")
    await skip(service, "LYSE", other, 5, status=404)
    items = (await service.read("/reports/skipped"))["items"]
    assert [item["seq"] for item in items] == sorted([best["seq"], notice["seq"], other["seq"]], reverse=True)
    assert items[-1] == {
        "code": "TELENOR", "seq": best["seq"], "message_id": best["message"]["message_id"], "type": "NP_BEST",
        "case_id": case_id, "first_attempt_at": "2026-11-23T11:00:00Z", "skipped_at": "2026-11-26T11:00:00Z",
        "attempts": 41, "status": 500, "error": None,
    }  # fmt: skip
    assert (items[0]["type"], items[0]["case_id"], items[0]["error"]) == ("NOTICE", None, "=timeout")
    assert "Kari" not in str(items)
    seen, after = [], None
    for _ in items:
        page = await service.read("/reports/skipped", limit=1, after=after)
        seen += page["items"]
        after = page["next"]
    assert seen == items
    assert after is None
    rows = await table(service, "/reports/skipped", code="TELENOR")
    assert [(row["seq"], row["error"]) for row in rows] == [(str(notice["seq"]), "'=timeout"), (str(best["seq"]), "")]
    assert {row["code"]: row["skipped"] for row in await delivery(service) if row["skipped"]} == {
        "TELENOR": 2,
        "LYSE": 1,
    }
    # They stand in the inbox all the same.
    assert [item["seq"] for item in await service.inbox("TELENOR")] == [best["seq"], iver["seq"], notice["seq"]]


async def filled(service: Service, items: int, codes: list[str]) -> None:
    """An inbox as years leave it: many items to every code, taking turns. Written without going through the intake."""
    await service.db.execute(
        """
        WITH line AS (
            INSERT INTO message_log (id, at, type, sender, message_id, body)
            SELECT nextval('message_log_id_seq'), nrdb_now(), 'NOTICE', 'NRDB', gen_random_uuid(), '{}' RETURNING id)
        INSERT INTO inbox (to_code, log_id) SELECT code, id FROM line, generate_series(1, $1), unnest($2::text[]) code
        """,
        items,
        codes,
    )


async def test_counts_end_at_ten_thousand(service: Service) -> None:
    await filled(service, 10_001, ["TELIA"])
    await filled(service, 10_000, ["LYSE"])
    for code in ("TELIA", "LYSE"):
        await webhook(service, code)
    rows = {row["code"]: row for row in await delivery(service)}
    for code, more in (("TELIA", True), ("LYSE", False)):
        row = rows[code]
        assert (row["unacknowledged"], row["more_unacknowledged"]) == (10_000, more)
        assert (row["pending"], row["more_pending"]) == (10_000, more)
        assert row["newest"] == (await service.read("/inbox/status", code))["newest"]


async def test_a_big_backlog_is_not_walked_through(service: Service) -> None:
    """However much stands in the inbox, the report reads no more of it than it counts."""
    await filled(service, 30_000, ["TELIA", "LYSE", "DSB"])
    pool = await open_pool(service.dsn, 1)
    async with pool, pool.acquire() as connection, connection.transaction():
        assert len(await read_delivery(connection, codes=None, after=None, limit=100)) == 3
        # Rows read one after the other, and entries read of the index, in this transaction.
        walked, read = [
            await connection.fetchval("SELECT pg_stat_get_xact_tuples_returned($1::text::regclass)", name)
            for name in ("inbox", "pk_inbox")
        ]
    assert walked == 0
    assert 3 * 10_001 <= read <= 3 * 10_001 + 100
