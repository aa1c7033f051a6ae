"""The routing table in both times, and copies of it (contract section 5)."""

import asyncio
import gzip
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Any

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message
from tests.support import copies
from tests.support.service import Service, local

from nrdb.api.limits import CopyPlaces
from nrdb.api.snapshot import _PIECE, Sender, Snapshot
from nrdb.db import _SESSION, open_pool
from nrdb.errors import Code, Problem
from nrdb.providers.keys import Caller, find_caller
from nrdb.routing.export import edition

NUMBER = "90012345"
NINE, TEN = local("2026-11-23 09:00"), local("2026-11-23 10:00")


async def served(service: Service, number: str = NUMBER, **asked: Any) -> tuple[Any, ...]:
    """Who serves a number, and what comes next."""
    texts = {name: at.isoformat() for name, at in asked.items()}
    found = await service.read(f"/routing/{number}", "CHILI", **texts)
    following = found["next"]
    return found["holder"], found["ported"], following and (following["at"], following["holder"])


async def test_what_was_known_when(service: Service) -> None:
    start = await service.now()
    await service.clock(minutes=1)
    case_id = await service.case_in("scheduled")
    executed = await service.now()
    assert await served(service, known_at=start) == ("TELENOR", False, None)
    # What is recorded at the very instant is known at it.
    assert await served(service, known_at=executed) == ("TELENOR", False, ("2026-11-23T09:00:00Z", "TELIA"))
    assert await served(service, known_at=executed, at=TEN) == ("TELIA", True, None)
    assert await served(service, known_at=start, at=TEN) == ("TELENOR", False, None)
    await service.clock(minutes=1)
    await service.accepted("TELIA", "NP_ANNU", case_id=case_id)
    assert await served(service, at=TEN) == ("TELENOR", False, None)
    assert await served(service, at=TEN, known_at=executed) == ("TELIA", True, None)


async def test_nobody_knows_what_will_be_known(service: Service) -> None:
    later = await service.now() + timedelta(microseconds=1)
    response = await service.get(f"/routing/{NUMBER}", known_at=later.isoformat())
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == "/known_at"


async def test_the_history_of_a_number(service: Service) -> None:
    case_id = await service.case_in("scheduled")
    await service.clock(minutes=1)
    # A neighbour's porting parts the row that the number is in, and tells nothing new of it.
    await service.case_in("scheduled", main_number="90012346")
    await service.accepted("TELIA", "NP_ANNU", case_id=case_id)
    items = (await service.read(f"/routing/{NUMBER}/history", "CHILI"))["items"]
    told = [
        (item["holder"], item["valid_until"], item["removed_at"] is None, item["removed_at"] == item["recorded_at"])
        for item in items
    ]
    assert told == [
        ("TELENOR", None, False, False),
        ("TELENOR", "2026-11-23T09:00:00Z", False, False),
        ("TELIA", None, False, False),
        ("TELENOR", None, True, False),
    ]
    assert items[1]["recorded_at"] == items[2]["recorded_at"] == items[0]["removed_at"]
    # Removals have their places in the same order of changes, those that a copy is told of the same ones.
    changes = (await service.read("/routing/changes", "CHILI", limit=1000))["items"]
    assert {(item["seq"], "put") for item in items} <= {(change["seq"], change["op"]) for change in changes}
    removed = {(item["removed_seq"], item["removed_at"]) for item in items[:3]}
    assert removed <= {(change["seq"], change["at"]) for change in changes if change["op"] == "remove"}
    assert items[0]["seq"] < items[0]["removed_seq"] < items[1]["seq"] < items[2]["seq"] < items[1]["removed_seq"]
    assert items[3]["removed_seq"] is None
    page = await service.read(f"/routing/{NUMBER}/history", "CHILI", limit=3)
    rest = await service.read(f"/routing/{NUMBER}/history", "CHILI", after=page["next"])
    assert page["items"] + rest["items"] == items
    neighbour = (await service.read("/routing/90012399/history", "CHILI"))["items"]
    assert [(item["holder"], item["removed_at"]) for item in neighbour] == [("TELENOR", None)]
    service.refused(await service.get("/routing/99999999/history"), "number-unknown", status=404)


async def test_many_numbers_at_once(service: Service) -> None:
    await service.case_in("scheduled")
    asked = [NUMBER, "99999999", "02800", "+4790012345", "123", "22000001", NUMBER]
    for at in (None, TEN.isoformat()):
        response = await service.send(
            "POST", "/routing/lookup", "CHILI", {"numbers": asked, **({"at": at} if at else {})}
        )
        items = response.json()["items"]
        alone = [await service.get(f"/routing/{number}", "CHILI", at=at) for number in asked]
        assert items == [
            answer.json() if answer.status_code == 200 else {"number": number, "error": "number-unknown"}
            for number, answer in zip(asked, alone, strict=True)
        ]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"numbers": []}, "/numbers"),
        ({"numbers": ["9" * 8] * 10_001}, "/numbers"),
        ({"numbers": [NUMBER, "+46701234567"]}, "/numbers/1"),
        ({"numbers": [NUMBER, 90012345]}, "/numbers/1"),
        ({"numbers": [NUMBER], "at": "yesterday"}, "/at"),
        ({"numbers": [NUMBER], "more": 1}, "/more"),
    ],
)
async def test_a_wrong_list_of_numbers(service: Service, body: dict[str, Any], pointer: str) -> None:
    response = await service.send("POST", "/routing/lookup", "CHILI", body)
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == pointer


async def test_a_copy_follows_a_porting(service: Service) -> None:
    copy = await copies.snapshot(service)
    assert copy.serving(NUMBER, copy.at)[2] == "TELENOR"
    case_id = await service.case_in("scheduled")
    later = await copies.snapshot(service)
    await copies.follow(service, copy, limit=1)
    assert (copy.rows, copy.seq) == (later.rows, later.seq)
    assert copy.serving(NUMBER, TEN)[2:5] == ("TELIA", "TELIA", "+47990010")
    assert copy.serving(NUMBER, copy.at)[2] == copy.serving("90012346", TEN)[2] == "TELENOR"
    await service.accepted("TELIA", "NP_ANNU", case_id=case_id)
    await copies.follow(service, copy)
    assert copy.serving(NUMBER, TEN)[2] == "TELENOR"
    assert copy.rows == (await copies.snapshot(service)).rows


async def test_rows_whose_time_has_passed_are_not_copied(service: Service) -> None:
    await service.case_in("scheduled")
    copy = await copies.snapshot(service)
    await service.clock(TEN)
    later = await copies.snapshot(service)
    assert later.seq == copy.seq
    assert later.rows == copy.in_force(later.at)
    assert len(copy.rows) - len(later.rows) == 1


async def test_forms_of_a_snapshot(service: Service) -> None:
    await service.case_in("scheduled")
    plain = await copies.snapshot(service)
    assert (await copies.snapshot(service, accept="text/csv")).rows == plain.rows
    headers = service.headers("CHILI") | {"accept-encoding": "gzip"}
    async with service.client.stream("GET", "/v1/routing/snapshot", headers=headers) as response:
        assert response.headers["content-encoding"] == "gzip"
        lines = gzip.decompress(b"".join([piece async for piece in response.aiter_raw()]))
    assert len(lines.splitlines()) == len(plain.rows)
    for tags in (f'"x", W/"{plain.seq}"', f'"{plain.seq}"', "*"):
        same = await service.client.get(
            "/v1/routing/snapshot", headers=service.headers("CHILI") | {"if-none-match": tags}
        )
        assert (same.status_code, same.content) == (304, b"")
        assert same.headers["vary"] == "Accept, Accept-Encoding"
        assert same.headers["etag"] == f'W/"{same.headers["routing-seq"]}"'
        # The place alone does not tell whose table it is.
        assert same.headers["routing-source"] == str(await service.db.fetchval("SELECT source FROM world"))
    await service.case_in("scheduled", main_number="90012346")
    changed = await service.client.get(
        "/v1/routing/snapshot", headers=service.headers("CHILI") | {"if-none-match": f'W/"{plain.seq}"'}
    )
    assert changed.status_code == 200


@pytest.mark.parametrize(
    ("accept", "csv"),
    [
        (b"text/csv", True),
        (b"text/csv, */*", True),
        (b"text/*", True),
        (b"text/csv;q=.5, application/x-ndjson;q=0.4", True),
        (b"*/*", False),
        (b"application/json, text/plain, */*", False),
        (b"application/x-ndjson, text/csv", False),
        (b"text/csv;q=0, */*", False),
        (b"text/csv;q=0.5, */*", False),
        (b"application/xml, application/*;q=0.1", False),
        (b"text/csv;q=\xb2, */*;q=0.1", False),
        (b";q=1,,;;=", False),
        (b"", False),
    ],
)
async def test_who_gets_csv(service: Service, accept: bytes, csv: bool) -> None:
    headers = {name.encode(): value.encode() for name, value in service.headers("CHILI").items()}
    response = await service.client.get("/v1/routing/snapshot", headers=headers | {b"accept": accept})
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/csv") is csv


@pytest.mark.parametrize(
    "accept",
    ["application/xml", "application/json", "text/html, image/*", "*/*;q=0", "text/csv;q=0, application/x-ndjson;q=0"],
)
async def test_forms_that_there_are_not(service: Service, accept: str) -> None:
    headers = service.headers("CHILI") | {"accept": accept}
    response = await service.client.get("/v1/routing/snapshot", headers=headers)
    service.refused(response, "not-acceptable")
    assert "comes as application/x-ndjson or text/csv" in response.json()["detail"]


async def test_several_headers_that_say_what_is_accepted(service: Service) -> None:
    headers = [*service.headers("CHILI").items(), ("accept", "text/html"), ("accept", "text/csv")]
    response = await service.client.get("/v1/routing/snapshot", headers=headers)
    assert response.headers["content-type"].startswith("text/csv")


@pytest.mark.parametrize(
    ("encoding", "compressed"),
    [("gzip", True), ("br, *", True), ("gzip;q=0", False), ("gzip;q=0, *", False), ("*;q=0", False), ("", False)],
)
async def test_who_gets_it_compressed(service: Service, encoding: str, compressed: bool) -> None:
    headers = service.headers("CHILI") | {"accept-encoding": encoding}
    response = await service.client.get("/v1/routing/snapshot", headers=headers)
    assert response.headers.get("content-encoding") == ("gzip" if compressed else None)


async def test_more_copies_than_may_be_made_at_once(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes too many is told that others are copying, and the places come free again."""
    monkeypatch.setattr("nrdb.db.ACQUIRE_SECONDS", 0.01)
    pool = await open_pool(service.dsn, 1)
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def nothing() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def cut_off(message: Message) -> None:
        if message["type"] == "http.response.body":
            raise OSError

    try:
        async with pool.acquire() as held:
            copy = Snapshot(pool, nullcontext(), await edition(held), "", (False, False))
            with pytest.raises(Problem) as told:
                await copy({}, nothing, send)
        assert told.value.code is Code.UNAVAILABLE
        assert str(told.value.detail).startswith("Others are copying the routing table.")
        assert told.value.headers == {"Retry-After": "10"}
        for _ in range(3):
            with pytest.raises(OSError):  # noqa: PT011 - It has no text.
                await copy({}, nothing, cut_off)
        assert sent == []
        await copy({}, nothing, send)
        assert sent[0]["type"] == "http.response.start"
        assert sent[-1]["more_body"] is False
    finally:
        await pool.close()


async def test_who_takes_a_copy_too_slowly_has_to_begin_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each piece goes in time, but all of them would take hours: the place is for those who take what they ask for."""
    now, taken = 0.0, []

    async def slowly(message: Message) -> None:
        nonlocal now
        await asyncio.sleep(0)
        taken.append(len(message["body"]))
        now += 10

    monkeypatch.setattr("nrdb.api.snapshot.monotonic", lambda: now)
    # Enough in ten seconds for the whole of the minute to stay.
    steady = Sender(slowly)
    for _ in range(100):
        await steady(bytes(160 * 1024))
    taken.clear()
    trickling = Sender(slowly)

    async def go_on() -> None:
        for _ in range(100):
            await trickling(b"x")

    with pytest.raises(ClientDisconnect):
        await go_on()
    # After a minute it has earned less than a thousandth of a second.
    assert len(taken) in (6, 7)


async def test_a_place_that_was_never_given(service: Service) -> None:
    copy = await copies.snapshot(service)
    response = await service.get("/routing/changes", after=copy.seq + 1)
    service.refused(response, "position-gone", status=410)
    assert response.json()["facts"] == {"newest": copy.seq}
    response = await service.get("/routing/changes", after=-1)
    assert response.status_code == 422


async def test_another_routing_number_is_no_news_of_the_past(service: Service) -> None:
    copy, before = await copies.snapshot(service), await service.now()
    await service.clock(minutes=1)
    changed = await service.admin("PATCH", "/providers/TELENOR", {"routing_number": "+47990777"})
    assert changed["changed"]["routing_rows"] > 0
    assert (await service.read(f"/routing/{NUMBER}"))["routing_number"] == "+47990777"
    past = await service.read(f"/routing/{NUMBER}", at=before.isoformat())
    assert (past["routing_number"], past["next"]["routing_number"]) == ("D0009", "+47990777")
    await copies.follow(service, copy)
    assert copy.in_force(await service.now()) == (await copies.snapshot(service)).rows


async def test_a_transfer_that_is_set_is_known(service: Service) -> None:
    """Rows tell of it as soon as it is set; what is ported meanwhile follows, and so does its cancellation."""
    copy = await copies.snapshot(service)
    planned = await service.admin("POST", "/provider-codes/TELIA/transfer", {
        "to": "LYSE", "reason": "merger", "effective_at": TEN.isoformat()})  # fmt: skip
    await service.case_in("scheduled")
    assert (await served(service, at=NINE))[2] == ("2026-11-23T09:00:00Z", "LYSE")
    eleven = TEN + timedelta(hours=1)
    assert await served(service, at=eleven) == ("LYSE", True, None)
    await copies.follow(service, copy)
    assert copy.rows == (await copies.snapshot(service)).rows
    response = await service.send("DELETE", f"/admin/planned-changes/{planned['planned']['id']}", "ADMIN", None)
    assert response.status_code == 204
    assert await served(service, at=eleven) == ("TELIA", True, None)
    await copies.follow(service, copy)
    assert copy.rows == (await copies.snapshot(service)).rows


async def test_a_series_that_is_to_change_hands_is_known(service: Service) -> None:
    series = (await service.read("/series", number=NUMBER))["items"][0]
    before = await copies.snapshot(service)
    planned = await service.admin("PATCH", f"/series/{series['series_id']}", {
        "holder": "LYSE", "reason": "sold", "valid_from": TEN.isoformat()})  # fmt: skip
    assert await served(service) == ("TELENOR", False, ("2026-11-23T09:00:00Z", "LYSE"))
    # Ported to the new holder before its time, a number is ported until then, and not any more from then on.
    copy = await copies.snapshot(service)
    assert copy.serving(NUMBER, TEN)[2:6] == ("LYSE", "LYSE", "D0006", "LYSE")
    response = await service.send("DELETE", f"/admin/planned-changes/{planned['planned']['id']}", "ADMIN", None)
    assert response.status_code == 204
    assert {row[2:] for row in (await copies.snapshot(service)).rows} == {row[2:] for row in before.rows}


async def test_two_who_port_numbers_of_one_row_at_once(service: Service) -> None:
    copy = await copies.snapshot(service)
    cases = [await service.ordered(main_number=f"900123{place:02}") for place in range(12)]
    for case_id in cases:
        await service.accepted("TELENOR", "NP_GODK", case_id=case_id)
    answers = await asyncio.gather(*(service.post("TELIA", "NP_IVER", case_id=case_id) for case_id in cases))
    assert {answer.status_code for answer in answers} == {201}
    await copies.follow(service, copy, limit=7)
    assert copy.rows == (await copies.snapshot(service)).rows
    for place in range(12):
        assert copy.serving(f"900123{place:02}", TEN)[2] == "TELIA"
    assert copy.serving("90012312", TEN)[2] == "TELENOR"


async def test_a_large_series_parts_one_row(service: Service) -> None:
    ranges = [{"first": "90020000", "last": "90029999"}]
    case_id = await service.ordered(number_type="S", main_number="90020000", series=ranges)
    await service.accepted("TELENOR", "NP_GODK", case_id=case_id)
    copy = await copies.snapshot(service)
    await service.accepted("TELIA", "NP_IVER", case_id=case_id)
    items = (await service.read("/routing/changes", after=copy.seq))["items"]
    assert [item["op"] for item in items] == ["remove", "put", "put", "put", "put"]
    assert [(item["row"]["first"], item["row"]["last"]) for item in items[2:4]] == [("90020000", "90029999")] * 2


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def test_no_other_transaction_holds_changes_back(service: Service) -> None:
    copy = await copies.snapshot(service)
    transaction = service.db.transaction()
    await transaction.start()
    await service.db.execute("CREATE TEMPORARY TABLE something ON COMMIT DROP AS SELECT txid_current()")
    try:
        await service.case_in("scheduled")
        page = await service.read("/routing/changes", after=copy.seq)
        assert {_instant(item["at"]) for item in page["items"]} == {await service.now()}
    finally:
        await transaction.rollback()


async def test_a_revoked_key_is_told_nothing_more(service: Service) -> None:
    """A key that was seen a moment ago is looked at again with the number."""
    made = await service.admin("POST", "/providers/CHILI/keys", {"label": "short"})
    headers = {"authorization": f"Bearer {made['key']}"}
    path = f"/v1/routing/{NUMBER}"
    assert (await service.client.get(path, headers=headers)).status_code == 200
    await service.send("DELETE", f"/admin/keys/{made['key_id']}", "ADMIN", None)
    assert (await service.client.get(path, headers=headers)).status_code == 401


async def test_a_planned_change_is_true_at_its_instant_for_those_who_ask_for_numbers(service: Service) -> None:
    series = (await service.read("/series", number=NUMBER))["items"][0]
    await service.admin("PATCH", f"/series/{series['series_id']}", {
        "holder": "LYSE", "reason": "sold", "valid_from": TEN.isoformat()})  # fmt: skip
    await service.time_passes(TEN)
    assert await served(service) == ("LYSE", False, None)


async def test_numbers_asked_for_stand_in_no_metric(service: Service) -> None:
    await service.read(f"/routing/{NUMBER}")
    metrics = (await service.client.get("/metrics")).text
    assert 'route="/v1/routing/{number}"' in metrics
    assert NUMBER not in metrics


@pytest.mark.parametrize("piece", [_PIECE, 1])
async def test_one_copy_at_a_time_for_each_who_copies(
    service: Service, monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    """A code keeps no other from copying, and its own place is free as soon as it has the end of its copy."""
    monkeypatch.setattr("nrdb.api.snapshot._PIECE", piece)
    pool, places = await open_pool(service.dsn, 2), CopyPlaces()
    begun, left = asyncio.Event(), asyncio.Event()

    async def leaves() -> Message:
        await left.wait()
        return {"type": "http.disconnect"}

    async def nothing() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def stands_still(message: Message) -> None:
        if message["type"] == "http.response.body":
            begun.set()
            await asyncio.Event().wait()

    async def takes(message: Message) -> None:
        sent.append(message)

    sent: list[Message] = []
    chili = await _caller(service, "CHILI")
    try:
        async with pool.acquire() as held:
            table = await edition(held)

        def copied(caller: Caller) -> Snapshot:
            return Snapshot(pool, places.one(caller), table, "", (False, False))

        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            group.create_task(copied(chili)({}, leaves, stands_still))
            await begun.wait()
            with pytest.raises(Problem) as told:
                await copied(chili)({}, nothing, takes)
            assert told.value.code is Code.TOO_MANY_REQUESTS
            assert told.value.headers == {"Retry-After": "10"}
            for who in ("TELIA", "OPERATOR"):
                await copied(await _caller(service, who))({}, nothing, takes)
                assert sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}
            left.set()
        await copied(chili)({}, nothing, takes)
        assert sent[-1]["more_body"] is False
    finally:
        await pool.close()
    for _ in range(5):
        assert (await service.get("/routing/snapshot", "CHILI")).status_code == 200


async def _caller(service: Service, who: str) -> Caller:
    caller, _ = await find_caller(service.db, service.keys[who])
    assert caller is not None
    return caller


async def test_a_reader_may_be_slow_at_the_end(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the database has nothing left to send, its session is idle in a transaction, and yet not ended."""
    monkeypatch.setattr("nrdb.api.snapshot._PIECE", 1)
    monkeypatch.setitem(_SESSION, "idle_in_transaction_session_timeout", "50ms")
    pool = await open_pool(service.dsn, 1)
    sent: list[Message] = []

    async def stays() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def slowly(message: Message) -> None:
        sent.append(message)
        if len(sent) == 2:
            await asyncio.sleep(0.5)

    try:
        async with pool.acquire() as held:
            table = await edition(held)
        await Snapshot(pool, nullcontext(), table, "", (False, False))({}, stays, slowly)
    finally:
        await pool.close()
    assert sent[-1]["more_body"] is False
    whole = b"".join(message["body"] for message in sent[1:])
    assert whole.decode() == (await service.get("/routing/snapshot")).text


@pytest.mark.parametrize("piece", [_PIECE, 1])
async def test_a_copy_ends_with_whoever_asked_for_it(
    service: Service, monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    """Sending to a client that has left goes nowhere, silently: the database would go on to the end of the table.

    In the last piece all rows have been read, in smaller ones the database may still be sending.
    """
    monkeypatch.setattr("nrdb.api.snapshot._PIECE", piece)
    pool = await open_pool(service.dsn, 1)
    begun = asyncio.Event()

    async def stands_still(message: Message) -> None:
        if message["type"] == "http.response.body":
            begun.set()
            await asyncio.Event().wait()

    async def leaves() -> Message:
        await begun.wait()
        return {"type": "http.disconnect"}

    try:
        async with pool.acquire() as held:
            table = await edition(held)
        await asyncio.wait_for(Snapshot(pool, nullcontext(), table, "", (False, False))({}, leaves, stands_still), 10)
        async with asyncio.timeout(10), pool.acquire() as free:
            assert await free.fetchval("SELECT 1") == 1
    finally:
        await pool.close()
