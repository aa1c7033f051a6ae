"""Many messages in one request: contract section 2, `POST /v1/messages/batch`."""

import asyncio
import tracemalloc
from collections.abc import Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import httpx
import orjson
import pytest
from tests.support.duplex import Duplex, duplex
from tests.support.server import Databases, sandbox_settings
from tests.support.service import Service, eventually, local, order_fields, running

from nrdb.api.batch import LINES, Line, Splitter

NDJSON = {"Content-Type": "application/x-ndjson"}
MIB = 1 << 20
#: Two bytes that are JSON and no message, with an answer of some hundred.
CHEAP = b"{}\n"
#: A line whose answer is longer than the line itself: it tells of each wrong element.
LONG = orjson.dumps({"type": "NP_BEST", "additional_numbers": ["x"] * 25}) + b"\n"


def message(kind: str, sender: str = "TELIA", **fields: Any) -> bytes:
    """A message as a line, without its newline."""
    return orjson.dumps({"type": kind, "message_id": str(uuid4()), "sender": sender, **fields})


def order(number: int | str, sender: str = "TELIA", **fields: Any) -> bytes:
    """A lawful order."""
    return message("NP_BEST", sender, **order_fields(main_number=str(number), **fields))


async def post(service: Service, body: Iterable[bytes] | bytes, who: str | None = "TELIA", **headers: str) -> Any:
    """A whole batch."""
    content = body if isinstance(body, bytes) else b"\n".join(body)
    every = {**service.headers(who), **NDJSON, **headers}
    return await service.client.post("/v1/messages/batch", content=content, headers=every)


def lines_of(response: httpx.Response) -> list[dict[str, Any]]:
    """The answers, each a whole line."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/x-ndjson"
    assert response.content.endswith(b"\n") or not response.content
    return [orjson.loads(line) for line in response.content.split(b"\n") if line]


def said(answers: list[dict[str, Any]]) -> list[tuple[int, int, str | None]]:
    """Number, status and code of each answer."""
    return [(answer["line"], answer["status"], answer.get("code")) for answer in answers]


async def test_good_bad_duplicate_and_blank_lines(service: Service) -> None:
    first, second = order(90012341), order(90012342)
    other = orjson.loads(first) | {"authorisation_reference": "another"}
    body = b"\r\n".join(
        [
            first, b"", b"   \t", b"no json", b"[]", b'{"type": NaN}', message("NP_XXXX"), first, orjson.dumps(other),
            order(90012341), order("02800"), message("NP_ANNU", case_id=str(uuid4())), b"\xef\xbb\xbf" + first, second,
        ]
    )  # fmt: skip
    response = await post(service, body + b"\n\n")
    answers = lines_of(response)
    assert said(answers) == [
        (1, 201, None), (4, 400, "not-json"), (5, 422, "invalid-message"), (6, 400, "not-json"),
        (7, 422, "invalid-message"), (8, 200, None), (9, 409, "duplicate-message"), (10, 409, "number-in-open-case"),
        (11, 409, "five-digit-message-required"), (12, 404, "unknown-case"), (13, 400, "not-json"), (14, 201, None),
    ]  # fmt: skip
    assert "replayed" not in answers[0]
    assert answers[5].pop("replayed") is True
    assert {**answers[5], "line": 1, "status": 201} == answers[0]
    for answer in answers:
        if "code" in answer:
            assert answer["type"] == f"/problems/{answer['code']}"
            assert answer["detail"]
            assert answer["request_id"] == response.headers["x-request-id"]
    assert answers[7]["facts"]["until"] == "2026-11-23T09:00:00Z"
    # As the single call would have said it.
    single = await service.client.post(
        "/v1/messages", content=second, headers={**service.headers("TELIA"), "Content-Type": "application/json"}
    )
    assert single.status_code == 200
    assert {"line": 14, "status": 201, **single.json()} == answers[-1]
    assert len(await service.inbox("TELENOR")) == 2


async def test_a_later_line_sees_the_earlier(service: Service) -> None:
    """The order, then its change; and a second order for the number is refused by the first."""
    case_id = await service.ordered()
    await service.accepted("TELENOR", "NP_GODK", case_id=case_id)
    answers = lines_of(
        await post(
            service,
            [
                message("NP_ENDR", case_id=case_id, porting_time="2026-11-23T11:00:00+01:00"),
                message("NP_IVER", case_id=case_id),
                message("NP_ANNU", case_id=case_id),
                order(90012345),
                order(90012345),
            ],
        )
    )
    assert said(answers) == [
        (1, 201, None), (2, 409, "case-state"), (3, 201, None), (4, 201, None), (5, 409, "number-in-open-case"),
    ]  # fmt: skip
    assert [line["type"] for line in await service.history(case_id)] == ["NP_BEST", "NP_GODK", "NP_ENDR", "NP_ANNU"]


async def test_each_sender_is_one_of_the_caller(service: Service) -> None:
    created = await service.admin(
        "POST", "/keys", {"role": "provider", "codes": ["TELIA", "LYSE"], "label": "two codes"}
    )
    service.keys["BOTH"] = created["key"]
    body = [order(90012341), order(90012342, "LYSE"), order(90012343, "FJORD"), order(90012344, "TELENOR")]
    assert said(lines_of(await post(service, body, "BOTH"))) == [
        (1, 201, None), (2, 201, None), (3, 403, "sender-not-yours"), (4, 403, "sender-not-yours"),
    ]  # fmt: skip
    async with service.unchanged():
        answers = lines_of(await post(service, body, "TELENOR"))
    assert [answer["code"] for answer in answers[:3]] == ["sender-not-yours"] * 3


async def test_the_request_itself(service: Service) -> None:
    """401, 403, 415, before a line is looked at; and a body that is nothing, or blank."""
    body = order(90012345)
    async with service.unchanged():
        wrong = {"Content-Type": "text/plain"}
        service.refused(await post(service, body, None, **wrong), "unauthenticated")
        for who in ("ADMIN", "OPERATOR"):
            service.refused(await post(service, body, who, **wrong), "role-not-permitted-here")
        for kind in ("text/plain", "application/json", ""):
            refused = await post(service, body, **{"Content-Type": kind})
            service.refused(refused, "unsupported-media-type")
            assert "application/x-ndjson" in refused.json()["detail"]
            assert refused.json()["title"] == "The Content-Type is not the one that is asked for"
        for nothing in (b"", b"\n", b"\r\n \n\t"):
            assert lines_of(await post(service, nothing)) == []
    assert said(lines_of(await post(service, body, **{"Content-Type": "Application/X-NDJSON; charset=utf-8"}))) == [
        (1, 201, None)
    ]


async def test_a_line_that_is_too_long(service: Service) -> None:
    """It is not held; a line of exactly the limit is read, and the line after it is a line."""
    good = order(90012341)
    fits = good[:-1] + b" " * (MIB - len(good)) + b"}"
    assert len(fits) == MIB
    body = [b'"' + b"x" * (3 * MIB) + b'"', fits, fits + b" ", order(90012342), b" " * (MIB + 1)]
    answers = lines_of(await post(service, body))
    assert said(answers) == [
        (1, 413, "body-too-large"), (2, 201, None), (3, 413, "body-too-large"), (4, 201, None),
        (5, 413, "body-too-large"),
    ]  # fmt: skip
    assert answers[0]["facts"] == {"limit": MIB}


async def test_a_batch_that_is_too_long(service: Service) -> None:
    """Blank lines count as lines, and trailing ones bring no answer."""
    last = order(90012341) + b"\n"
    whole = CHEAP * 4_000 + b"\n" * 5_000 + CHEAP * 999 + last
    answers = lines_of(await post(service, whole + b"\n \n"))
    assert (len(answers), answers[-1]["line"], answers[-1]["status"]) == (5_000, LINES, 201)
    for more in (order(90012342), b"\n\n" + CHEAP * 3, b"x"):
        answers = lines_of(await post(service, whole + more))
        assert len(answers) == 5_001
        assert said(answers[-2:]) == [(LINES, 200, None), (LINES + 1, 413, "batch-too-long")]
        assert answers[-1]["facts"] == {"limit": LINES}
    assert (await service.read("/cases", "TELIA", number="90012342"))["items"] == []


async def test_answers_come_while_lines_are_sent(service: Service) -> None:
    """Both directions at once, pieces that end anywhere, and a last line without a newline."""
    async with duplex(service.address, service.headers("TELIA")) as batch:
        case_ids = []
        for number in range(90012341, 90012346):
            line = order(number) + b"\n"
            await batch.send(line[:50])
            await batch.send(line[50:])
            answer = await batch.answer()
            assert answer
            assert answer["status"] == 201
            # It is committed: another connection sees it while the batch goes on.
            case_ids.append(answer["case"]["case_id"])
            assert (await service.case(case_ids[-1]))["state"] == "awaiting_donor"
        # What the answer brought is the next line.
        await batch.send(message("NP_ANNU", case_id=case_ids[2]))
        await batch.finish()
        assert [(found["line"], found["type"]) async for found in batch.answers()] == [(6, "NP_ANNU")]


async def test_a_sender_that_asks_before_it_sends(service: Service) -> None:
    async with duplex(service.address, {**service.headers("TELIA"), "Expect": "100-continue"}) as batch:
        await batch.read_head()
        assert batch.status == 100
        batch.status = 0
        await batch.send(order(90012345))
        await batch.finish()
        assert [found["status"] async for found in batch.answers()] == [201]
        assert batch.status == 200


async def test_a_broken_connection_leaves_what_was_committed(service: Service) -> None:
    """The torn line is not executed, although it is a message as it stands; sending again replays."""
    lines = [order(number) for number in range(90012341, 90012345)]
    async with duplex(service.address, service.headers("TELIA")) as batch:
        await batch.send(b"\n".join(lines[:2]) + b"\n" + lines[2])
        first, second = await batch.answer(), await batch.answer()
        batch.cut()
    answers = lines_of(await post(service, lines))
    assert said(answers) == [(1, 200, None), (2, 200, None), (3, 201, None), (4, 201, None)]
    for before, after in zip((first, second), answers[:2], strict=True):
        assert before
        assert after["case"]["case_id"] == before["case"]["case_id"]
    assert len(await service.inbox("TELENOR")) == 4


async def test_a_key_revoked_on_the_way_ends_the_batch(service: Service) -> None:
    created = await service.admin("POST", "/providers/TELIA/keys", {"label": "short"})
    async with duplex(service.address, {"Authorization": f"Bearer {created['key']}"}) as batch:
        await batch.send(order(90012341) + b"\n")
        answer = await batch.answer()
        assert answer
        assert answer["status"] == 201
        await service.admin("DELETE", f"/keys/{created['key_id']}", None)
        await batch.send(order(90012342) + b"\n" + order(90012343) + b"\n")
        rest = await rest_of(batch)
    assert said(rest) == [(2, 401, "unauthenticated")]
    assert len(await service.inbox("TELENOR")) == 1


async def test_a_stop_ends_the_batch_between_two_lines(databases: Databases, tmp_path: Path) -> None:
    """The last answer says from which line on nothing was done; what had been sent of that one is not executed."""
    async with databases.sandbox(local("2026-11-23 08:00")) as dsn, AsyncExitStack() as outside:
        async with running(sandbox_settings(tmp_path), dsn, databases.keys) as service:
            batch = await outside.enter_async_context(duplex(service.address, service.headers("TELIA")))
            await batch.send(order(90012341) + b"\n" + order(90012342))
            answer = await batch.answer()
            assert answer
            assert answer["status"] == 201
            reading = asyncio.create_task(rest_of(batch))
        rest = await reading
        assert said(rest) == [(2, 503, "unavailable")]
        assert rest[0]["retry_after"] > 0


async def rest_of(batch: Duplex) -> list[dict[str, Any]]:
    """All answers that are still to come."""
    return [answer async for answer in batch.answers()]


async def test_a_database_that_is_away_ends_the_batch(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What cannot be decided is not passed over: the first 503 is the last answer."""
    place = tmp_path_factory.mktemp("s")
    async with databases.sandbox(local("2026-11-23 08:00")) as dsn:
        way, _, directory = dsn.partition("?host=")
        real, link = Path(directory) / ".s.PGSQL.5432", place / ".s.PGSQL.5432"
        link.symlink_to(real)
        async with running(sandbox_settings(place), f"{way}?host={place}", databases.keys) as service:
            async with duplex(service.address, service.headers("TELIA")) as batch:
                await batch.send(order(90012341) + b"\n")
                assert cast(dict[str, Any], await batch.answer())["status"] == 201
                link.unlink()
                await databases.execute(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                    f"WHERE datname = '{way.rpartition('/')[2]}'"
                )
                await batch.send(CHEAP + order(90012342) + b"\n" + order(90012343) + b"\n")
                rest = await rest_of(batch)
            assert said(rest) == [(2, 422, "invalid-message"), (3, 503, "unavailable")]
            assert rest[-1]["retry_after"] == 2
            link.symlink_to(real)

            async def back() -> bool:
                return (await service.client.get("/readyz")).status_code == 200

            await eventually(back)
            assert said(lines_of(await post(service, order(90012342)))) == [(1, 201, None)]


async def test_memory_does_not_grow_with_the_lines(service: Service) -> None:
    """Traced over the whole process, server and sender: ten times the lines, the same peak."""

    async def peak_of(lines: int) -> int:
        async with duplex(service.address, service.headers("TELIA")) as batch:
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            count = 0
            for _ in range(lines // 100):
                await batch.send(CHEAP * 99 + replayed + b"\n")
                for _ in range(100):
                    assert await batch.answer()
                    count += 1
            await batch.finish()
            assert await batch.answer() is None
            assert count == lines
            return tracemalloc.get_traced_memory()[1] - before

    replayed = order(90012345)
    tracemalloc.start()
    try:
        await peak_of(1_000)
        few, many = await peak_of(1_000), await peak_of(10_000)
    finally:
        tracemalloc.stop()
    assert many < few + 500_000


async def test_a_sender_that_does_not_read_is_waited_for(service: Service) -> None:
    """Its answers do not pile up in the process: the service stops reading, and goes on when it is read."""
    pieces, piece = 300, LONG * 10

    async def send_all() -> None:
        for _ in range(pieces):
            await deaf.send(piece)
        await deaf.finish()

    async with duplex(service.address, service.headers("TELIA"), receive_buffer=4096) as deaf:
        tracemalloc.start()
        try:
            sending = asyncio.create_task(send_all())
            # Another sender's lines are answered meanwhile, turn by turn, so there was time for all of these, too.
            async with duplex(service.address, service.headers("TELIA")) as other:
                for _ in range(pieces):
                    await other.send(piece)
                    for _ in range(10):
                        assert await other.answer()
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        answers = await rest_of(deaf)
        await sending
    assert len(answers) == pieces * 10
    assert len(orjson.dumps(answers)) > 9_000_000
    assert peak < 12_000_000


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_pieces_end_anywhere(size: int) -> None:
    body = b"a\n\nbcd\r\n" + b"e" * 11 + b"\n  \n" + b"f" * 10 + b"\n" + b"g" * 25
    splitter = Splitter(limit=10)
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    found = [line for piece in pieces for line in splitter.feed(piece)]
    found += splitter.end()
    assert found == [Line(1, b"a"), Line(3, b"bcd\r"), Line(4, None), Line(6, b"f" * 10), Line(7, None)]
