"""The client against a scripted server on a real socket: what others get wrong, it gets right."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import aclosing
from datetime import datetime
from pathlib import Path
from typing import Any, get_args, get_type_hints
from uuid import uuid4

import httpx
import pytest
from tests.support.receivers import Answer, Receiver, answer, listening, receiver, says
from tests.support.service import eventually

from nrdb import client as nrdb_client
from nrdb.client import (
    AcknowledgedCursor,
    Client,
    FileCursor,
    InvalidMessageError,
    Item,
    MemoryCursor,
    NotPermittedError,
    NrdbError,
    PositionGoneError,
    ProtocolError,
    RefusedError,
    State,
    UnavailableError,
    following,
    messages,
    waiting,
)
from nrdb.messages.fields import Range
from nrdb.messages.kinds import MESSAGE_TYPES, AnyMessage, Customer, Expected, RightHolder

WRONG = [{"pointer": "/x", "detail": "y"}]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: connected\n"
ACCEPTED = {"message_id": "m", "type": "NP_GODK", "accepted_at": "2026-11-23T07:00:00Z", "case": {"case_id": "c"},
            "warnings": []}  # fmt: skip


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "FIRST", 0.001)
    monkeypatch.setattr(waiting, "LONGEST", 0.01)


def client_of(server: Receiver, patience: float = 5.0) -> Client:
    http = httpx.AsyncClient(timeout=5, trust_env=False)
    return Client(f"http://127.0.0.1:{server.port}", "key", code="TELIA", patience=patience, http=http)


def says_json(status: int, body: Any, *headers: str) -> Answer:
    return answer(status, "Content-Type: application/json", *headers, body=json.dumps(body).encode())


def problem(status: int, code: str, *headers: str, **more: Any) -> Answer:
    return says_json(status, {"code": code, "status": status, "detail": "because", **more}, *headers)


def item(seq: int, kind: str = "NP_BEST") -> dict[str, Any]:
    message = {"type": kind, "message_id": str(uuid4()), "sender": "TELENOR", "case_id": "c", "more": "æ\u2028"}
    return {"seq": seq, "at": "2026-11-23T07:00:00Z", "to": "TELIA", "message": message}


def event(seq: int, kind: str = "NP_BEST") -> bytes:
    data = json.dumps(item(seq, kind), ensure_ascii=False)
    return f"id: {seq}\nevent: {kind}\ndata: {data}\n\n".encode()


def page(*seqs: int, following_seq: int | None = None) -> Answer:
    return says_json(200, {"items": [item(seq) for seq in seqs], "next": following_seq or seqs[-1]})


def asked(server: Receiver) -> list[str]:
    """The paths asked for, and from which position."""
    found = []
    for request in server.received:
        url = httpx.URL(request.line.split()[1])
        found.append(f"{url.path.removeprefix('/v1/inbox') or '/'} {url.params.get('after')}")
    return found


async def take(client: Client, count: int, after: int = 0, **more: Any) -> list[Item]:
    found: list[Item] = []
    async with asyncio.timeout(10):
        async for one in client.items(after, **more):
            found.append(one)
            if len(found) == count:
                break
    return found


# --- sending ---


async def test_a_message_is_tried_again_under_the_same_id() -> None:
    """Whatever passes by waiting: a service that is away, busy, or cut in the middle of its answer."""
    answers = [
        problem(503, "unavailable", "Retry-After: 0"),
        says(b"HTTP/1.1 201 Crea"),
        problem(429, "too-many-requests"),
        says(b""),
        problem(500, "internal"),
        answer(502, body=b"<html>"),
        answer(408),
        answer(520, body=b"<html>"),
        says_json(201, ACCEPTED),
    ]
    async with receiver(answers) as server, client_of(server) as client:
        done = await client.send({"type": "NP_GODK", "case_id": "c"})
    bodies = [json.loads(request.body) for request in server.received]
    assert len(bodies) == len(answers)
    assert all(body == bodies[0] for body in bodies)
    assert bodies[0].keys() == {"type", "case_id", "message_id", "sender"}
    assert (bodies[0]["sender"], done.case_id, done.replayed) == ("TELIA", "c", False)
    assert server.received[0].headers["authorization"] == "Bearer key"


async def test_an_answer_that_had_been_given_before_is_a_success() -> None:
    async with receiver([says_json(200, ACCEPTED)]) as server, client_of(server) as client:
        assert (await client.send({"type": "NP_GODK", "case_id": "c", "message_id": "m", "sender": "X"})).replayed
    assert json.loads(server.received[0].body)["sender"] == "X"


async def test_a_refusal_is_an_error_with_its_facts_and_is_not_tried_again() -> None:
    facts = {"earliest": "2026-11-23T07:35:00Z"}
    refusal = problem(409, "porting-time-too-early", rule="T9", source="S3 2.2.1", facts=facts)
    async with receiver([refusal]) as server, client_of(server) as client:
        with pytest.raises(RefusedError) as raised:
            await client.send({"type": "NP_IVER", "case_id": "c"})
    error = raised.value
    assert (error.code, error.rule, error.source, error.facts) == ("porting-time-too-early", "T9", "S3 2.2.1", facts)
    assert (error.status, error.detail, len(server.received)) == (409, "because", 1)


@pytest.mark.parametrize(
    ("reply", "kind", "code"),
    [
        (problem(422, "invalid-message", errors=WRONG), InvalidMessageError, "invalid-message"),
        (problem(401, "unauthenticated"), NotPermittedError, "unauthenticated"),
        (problem(403, "sender-not-yours"), NotPermittedError, "sender-not-yours"),
        (problem(404, "unknown-case"), RefusedError, "unknown-case"),
        (problem(410, "position-gone", facts={"requested": 1, "oldest": 9}), PositionGoneError, "position-gone"),
        (problem(410, "position-gone", facts={"requested": 1}), ProtocolError, "position-gone"),
        (answer(418, body=b"teapot"), ProtocolError, "unknown"),
        # What stands in between, and no word of the rulebook.
        (answer(404, body=b"<html>"), ProtocolError, "unknown"),
        (says_json(404, {"code": 404, "message": "no route"}), ProtocolError, "unknown"),
        (answer(410, body=b"<html>"), ProtocolError, "unknown"),
        (says_json(200, {"well": "come"}), ProtocolError, "no-json"),
        (answer(301, "Location: /elsewhere"), ProtocolError, "unknown"),
        (answer(200, body=b"<html>"), ProtocolError, "no-json"),
    ],
)  # fmt: skip
async def test_every_answer_is_told(reply: Answer, kind: type[NrdbError], code: str) -> None:
    async with receiver([reply]) as server, client_of(server) as client:
        with pytest.raises(kind) as raised:
            await client.send({"type": "NP_IVER", "case_id": "c"})
    assert raised.value.code == code
    assert len(server.received) == 1
    if isinstance(raised.value, InvalidMessageError):
        assert raised.value.errors == WRONG


async def test_patience_has_an_end_that_is_told() -> None:
    async with receiver([problem(503, "unavailable", "Retry-After: 60")]) as server, client_of(server, 0.1) as client:
        with pytest.raises(UnavailableError, match="status 503"):
            await client.send({"type": "NP_IVER", "case_id": "c"})
    with pytest.raises(UnavailableError, match=r"ConnectError: .*failed"):
        await client_of(server, 0.1).send({"type": "NP_IVER", "case_id": "c"})


@pytest.mark.parametrize("key", ["", " ", "se cret", "se\ncret", "secr\u00e9t", "secret\x00"])
def test_a_key_that_is_none_is_told_and_not_shown(key: str) -> None:
    """The library would repeat a header that it cannot send, for ever, and the logs with it."""
    with pytest.raises(ValueError, match="the key is one word") as raised:
        Client("http://127.0.0.1", key)
    assert "cret" not in str(raised.value)


async def test_the_end_of_a_line_is_no_part_of_a_key() -> None:
    async with receiver([says_json(200, {})]) as server:
        http = httpx.AsyncClient(trust_env=False)
        client = Client(f"http://127.0.0.1:{server.port}", "secret\r\n", http=http)
        await client.get("/v1/me")
        await client.aclose()
    assert server.received[0].headers["authorization"] == "Bearer secret"


async def test_lent_connections_carry_no_key_elsewhere() -> None:
    async with receiver([says_json(200, {})]) as server, httpx.AsyncClient(trust_env=False) as http:
        url = f"http://127.0.0.1:{server.port}"
        first, second = Client(f"{url}/a/", "first", http=http), Client(f"{url}/b", "second", http=http)
        await first.get("/v1/me")
        await second.get("/v1/me")
        await http.get(url)
    assert [request.headers.get("authorization") for request in server.received] == [
        "Bearer first", "Bearer second", None,
    ]  # fmt: skip
    assert [request.line.split()[1] for request in server.received] == ["/a/v1/me", "/b/v1/me", "/"]


async def test_a_redirect_is_not_followed_with_a_message() -> None:
    """It would arrive as another request, or at somebody else's."""
    moved = answer(302, "Location: /elsewhere")
    async with receiver([moved]) as server:
        http = httpx.AsyncClient(trust_env=False, follow_redirects=True)
        async with Client(f"http://127.0.0.1:{server.port}", "key", http=http) as client:
            with pytest.raises(ProtocolError, match="302"):
                await client.send({"type": "NP_IVER", "case_id": "c"})
    assert len(server.received) == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "86400"}, 300.0),
        ({"retry-after": "Mon, 23 Nov 2026 07:00:07 GMT", "date": "Mon, 23 Nov 2026 07:00:00 GMT"}, 7.0),
        ({"retry-after": "Mon, 23 Nov 2026 07:00:00 GMT", "date": "Mon, 23 Nov 2026 07:00:07 GMT"}, 0.0),
        ({"retry-after": "Mon, 23 Nov 2026 07:00:07 GMT"}, 0.0),
        ({"retry-after": "soon", "date": "Mon, 23 Nov 2026 07:00:00 GMT"}, 0.0),
        ({"retry-after": "-1"}, 0.0),
        ({}, 0.0),
    ],
)
def test_how_long_it_is_asked_to_wait(headers: dict[str, str], seconds: float) -> None:
    assert waiting.asked_for(headers) == seconds


async def test_a_time_needs_an_offset() -> None:
    async with receiver([says_json(201, ACCEPTED)]) as server, client_of(server) as client:
        at = datetime.fromisoformat("2026-11-23T10:00:00+01:00")
        await client.send({"type": "NP_ENDR", "case_id": "c", "porting_time": at})
        assert json.loads(server.received[0].body)["porting_time"] == "2026-11-23T10:00:00+01:00"
        with pytest.raises(NrdbError, match="no offset"):
            await client.send({"type": "NP_ENDR", "case_id": "c", "porting_time": at.replace(tzinfo=None)})


# --- following ---


async def test_a_stream_that_breaks_anywhere_loses_and_doubles_nothing() -> None:
    """The bytes of four events, cut after each of them once; what was not whole comes again."""
    events = [event(seq) for seq in range(1, 6)]
    whole, rest = HEAD + b"".join(events[:4]), HEAD + b"".join(events)
    ends = [len(HEAD) + sum(map(len, events[:count])) for count in range(1, 5)]
    for cut in range(0, len(whole), 13):
        async with receiver([says(whole[:cut]), says(rest, close=False)]) as server, client_of(server) as client:
            seqs = [one.seq for one in await take(client, 5)]
        assert seqs == [1, 2, 3, 4, 5], cut
        # It went on behind the last one that was whole.
        had = sum(event_ends <= cut for event_ends in ends)
        assert asked(server) == ["/stream 0", f"/stream {had}"], cut


async def test_it_never_gives_up_and_says_so() -> None:
    states: list[State] = []
    away = [problem(503, "unavailable") if n % 2 else says(b"") for n in range(20)]
    async with receiver([*away, says(HEAD + event(1), close=False)]) as server, client_of(server) as client:
        await take(client, 1, on_state=states.append)
    assert len(server.received) == 21
    assert [state.by for state in states] == ["away", "stream"]
    assert states[0].reason


async def test_types_that_nobody_knows_come_like_any_other() -> None:
    stream = HEAD + event(1, "NP_NEW") + b": comment\n" + b"id: 7\nevent: NOTICE\n\n" + event(8)
    async with receiver([says(stream, close=False)]) as server, client_of(server) as client:
        found = await take(client, 2)
    assert [(one.seq, one.type) for one in found] == [(1, "NP_NEW"), (8, "NP_BEST")]
    assert found[0].message["more"] == "æ\u2028"


async def test_what_came_already_does_not_come_again() -> None:
    stream = HEAD + event(1) + event(2) + event(2) + event(1) + event(3)
    async with receiver([says(stream, close=False)]) as server, client_of(server) as client:
        assert [one.seq for one in await take(client, 3)] == [1, 2, 3]


@pytest.mark.parametrize(
    "reply",
    [
        problem(404, "not-found"),
        says_json(404, {"code": 404, "message": "no route"}),
        problem(406, "not-acceptable"),
        problem(429, "too-many-streams", "Retry-After: 5"),
        answer(200, "Content-Type: text/html", body=b"<html>"),
        says(HEAD + b"id: 1\nevent: NP_BEST\ndata: {\n\n", close=False),
    ],
)
async def test_where_no_stream_is_to_be_had_it_asks(reply: Answer) -> None:
    states: list[State] = []
    answers = [reply, page(1, 2), says(b""), page(4, following_seq=6), page(7)]
    async with receiver(answers) as server, client_of(server) as client:
        found = await take(client, 4, on_state=states.append)
    assert [one.seq for one in found] == [1, 2, 4, 7]
    assert asked(server) == ["/stream 0", "/ 0", "/ 2", "/ 2", "/ 6"]
    changes = [state for state in states if state.by != "stream"]
    assert [state.by for state in changes] == ["poll", "away", "poll"]
    assert all(state.reason for state in changes)
    assert server.received[0].headers["accept-encoding"] == "identity"


async def test_a_proxy_that_keeps_the_stream_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Headers come and nothing else ever does: not even the comments."""
    monkeypatch.setattr(following, "SILENCE", 0.1)
    monkeypatch.setattr(following, "TRY_STREAM_AGAIN", 0.0)
    silent = says(HEAD.removesuffix(b": connected\n"), close=False)
    async with receiver([silent, says(HEAD + event(1), close=False)]) as server, client_of(server) as client:
        assert [one.seq for one in await take(client, 1)] == [1]
    monkeypatch.setattr(following, "TRY_STREAM_AGAIN", 60.0)
    async with receiver([silent, page(1)]) as server, client_of(server) as client:
        assert [one.seq for one in await take(client, 1)] == [1]
    assert asked(server) == ["/stream 0", "/ 0"]


async def test_a_proxy_that_keeps_even_the_headers_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "SILENCE", 0.1)
    async with receiver([says(b"", close=False), page(1)]) as server, client_of(server) as client:
        assert [one.seq for one in await take(client, 1)] == [1]
    assert asked(server) == ["/stream 0", "/ 0"]


async def test_it_leaves_the_service_alone_as_long_as_it_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """By stream and by asking alike; but nobody waits a day."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(following, "sleep", sleep)
    busy = problem(503, "unavailable", "Retry-After: 7")
    absurd = problem(503, "unavailable", "Retry-After: 86400")
    answers = [busy, problem(404, "not-found"), busy, absurd, page(1)]
    async with receiver(answers) as server, client_of(server) as client:
        await take(client, 1)
    assert slept == [7.0, 7.0, 300.0]


async def test_a_service_that_is_away_at_the_beginning_is_waited_for() -> None:
    """Without a position, which only the service knows."""
    states: list[State] = []
    away = [problem(503, "unavailable")] * 5
    answers = [*away, says_json(200, {"acknowledged": 4}), says(HEAD + event(5), close=False)]
    async with receiver(answers) as server, client_of(server, 0.0) as client:
        async with asyncio.timeout(10):
            async for one in client.items(on_state=states.append):
                assert one.seq == 5
                break
    assert [state.by for state in states] == ["away", "stream"]
    assert asked(server)[-1] == "/stream 4"


class _From(AcknowledgedCursor):
    """From the beginning, acknowledging each item."""

    def __init__(self, client: Client) -> None:
        super().__init__(client, every=1)

    async def load(self) -> int:
        return 0


async def test_an_acknowledgement_that_fails_is_made_later() -> None:
    """Whoever follows goes on; what has been handled is acknowledged when the service answers again."""
    acks = [problem(503, "unavailable")] * 3 + [says_json(200, {"acknowledged": 2})]
    done = asyncio.Event()

    async def by_path(writer: asyncio.StreamWriter) -> None:
        if "/ack" not in server.received[-1].line:
            after = int(httpx.URL(server.received[-1].line.split()[1]).params["after"])
            await says(HEAD + event(after + 1))(writer)
            return
        reply = acks.pop(0) if acks else answer(200, body=b"{}")
        await reply(writer)
        if not acks:
            done.set()

    async def handler(_item: Item) -> None:
        return

    async with receiver([by_path]) as server, client_of(server, 0.0) as client:
        task = asyncio.create_task(client.follow(handler, _From(client)))
        async with asyncio.timeout(10):
            await done.wait()
        assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://x", "", "http://"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(ValueError, match="address of the service"):
        Client(url, "key")


async def test_a_stream_that_falls_silent_is_begun_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection is open and nobody is there any more."""
    monkeypatch.setattr(following, "SILENCE", 0.1)
    answers = [says(HEAD + event(1), close=False), says(HEAD + event(2), close=False)]
    async with receiver(answers) as server, client_of(server) as client:
        assert [one.seq for one in await take(client, 2)] == [1, 2]
    assert asked(server) == ["/stream 0", "/stream 1"]


async def test_a_position_that_is_gone_is_told() -> None:
    reset = HEAD + b'id: 8\nevent: stream-reset\ndata: {"requested":3,"oldest":9}\n\n' + event(9)
    async with receiver([says(reset, close=False)]) as server, client_of(server) as client:
        with pytest.raises(PositionGoneError) as raised:
            await take(client, 1, after=3)
    assert (raised.value.requested, raised.value.oldest) == (3, 9)
    told: list[PositionGoneError] = []
    gone = problem(410, "position-gone", facts={"requested": 3, "oldest": 9})
    for answers in ([says(reset, close=False)], [problem(404, "not-found"), gone, page(9)]):
        async with receiver(answers) as server, client_of(server) as client:
            assert [one.seq for one in await take(client, 1, after=3, on_reset=told.append)] == [9]
    assert [(error.requested, error.oldest) for error in told] == [(3, 9), (3, 9)]


def reset(requested: int, oldest: int) -> bytes:
    data = json.dumps({"requested": requested, "oldest": oldest})
    return f"id: {oldest - 1}\nevent: stream-reset\ndata: {data}\n\n".encode()


@pytest.mark.parametrize(
    "answers",
    [
        [says(HEAD + reset(9, 3) + event(3), close=False)],
        [problem(404, "not-found"), problem(410, "position-gone", facts={"requested": 9, "oldest": 3}), page(3)],
        [problem(404, "not-found"), answer(410, body=b"<html>")],
    ],
)
async def test_nothing_leads_back(answers: list[Answer]) -> None:
    """A reset to an earlier position, or somebody else's 410, is told: obeyed, all would come again, for ever."""
    told: list[PositionGoneError] = []
    async with receiver(answers) as server, client_of(server) as client:
        with pytest.raises((PositionGoneError, ProtocolError)):
            await take(client, 1, after=9, on_reset=told.append)
    assert not told


@pytest.mark.parametrize(
    "error", [ValueError("mine"), KeyError("mine"), httpx.ReadTimeout("mine"), UnavailableError("mine")]
)
@pytest.mark.parametrize("callback", ["on_state", "on_reset"])
async def test_what_a_callback_raises_comes_out(error: Exception, callback: str) -> None:
    """Also where it looks like trouble with the service."""

    def raises(_told: object) -> None:
        raise error

    callbacks: dict[str, Any] = {"on_reset": lambda _gone: None, callback: raises}
    async with receiver([says(HEAD + reset(3, 9) + event(9), close=False)]) as server, client_of(server) as client:
        with pytest.raises(type(error), match="mine"):
            await take(client, 1, after=3, **callbacks)
    assert asked(server) == ["/stream 3"]


async def test_a_key_that_is_no_longer_good_ends_it() -> None:
    answers = [says(HEAD + event(1)), problem(401, "unauthenticated")]
    async with receiver(answers) as server, client_of(server) as client:
        with pytest.raises(NotPermittedError):
            await take(client, 2)


async def test_an_item_that_cannot_be_read_is_never_passed() -> None:
    """Asked for again in the other way; where it cannot be read there either, that is told."""
    bad = says_json(200, {"items": [{"seq": 1}], "next": 1})
    broken = says(HEAD + b"id: 1\ndata: []\n\n", close=False)
    async with receiver([broken, bad]) as server, client_of(server) as client:
        with pytest.raises(ProtocolError, match="after 0"):
            await take(client, 1)


# --- the cursor ---


async def test_the_cursor_stays_before_an_item_whose_handler_raised() -> None:
    cursor = MemoryCursor(0)
    seen: list[int] = []

    async def handler(one: Item) -> None:
        if one.seq == 3 and seen.count(3) == 0:
            seen.append(3)
            raise KeyError("a mistake of the provider's own")
        seen.append(one.seq)

    stream = says(HEAD + event(1) + event(2) + event(3) + event(4), close=False)
    async with receiver([stream, says(HEAD + event(3) + event(4), close=False)]) as server, client_of(server) as client:
        with pytest.raises(KeyError, match="of the provider's own"):
            await client.follow(handler, cursor)
        assert cursor.seq == 2
        await _until(client, handler, cursor, 4)
    assert seen == [1, 2, 3, 3, 4]
    assert asked(server) == ["/stream 0", "/stream 2"]


class _Own:
    """A provider's own cursor: it can load and save, and no more is asked of one."""

    def __init__(self) -> None:
        self.seq = 0

    async def load(self) -> int:
        return self.seq

    async def save(self, seq: int) -> None:
        self.seq = seq


@pytest.mark.parametrize(
    "error",
    [
        AttributeError("mine"),
        ValueError("mine"),
        TimeoutError("mine"),
        httpx.ReadTimeout("mine"),
        UnavailableError("mine"),
        PositionGoneError(1, 2),
    ],
)
async def test_what_a_handler_raises_is_never_taken_for_the_streams(error: Exception) -> None:
    cursor = _Own()

    async def handler(one: Item) -> None:
        if one.seq == 2:
            raise error

    stream = says(HEAD + event(1) + event(2) + event(3), close=False)
    async with receiver([stream]) as server, client_of(server) as client:
        # A deadline of its own would come out as a TimeoutError too, but as another one.
        with pytest.raises(type(error)) as raised:
            await asyncio.wait_for(client.follow(handler, cursor), 10)
    assert raised.value is error
    assert cursor.seq == 1
    assert asked(server) == ["/stream 0"]


async def test_a_cursor_that_cannot_keep_the_place_is_told() -> None:
    class Full(_Own):
        async def save(self, seq: int) -> None:
            raise OSError(28, "No space left on device", str(seq))

    handled: list[int] = []

    async def handler(one: Item) -> None:
        handled.append(one.seq)

    async with receiver([says(HEAD + event(1) + event(2), close=False)]) as server, client_of(server) as client:
        with pytest.raises(OSError, match="No space left"):
            await asyncio.wait_for(client.follow(handler, Full()), 10)
    assert handled == [1]


class _Held(Receiver):
    """Gives one item, and notes when the other side has left."""

    left: asyncio.Event

    async def reply(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await says(HEAD + event(1), close=False)(writer)
        await reader.read()
        self.left.set()


@pytest.mark.parametrize("where", ["waiting", "handling"])
async def test_cancelled_it_leaves_at_once(where: str) -> None:
    """Between items, or in the middle of a handler, whose item then comes again."""
    server, cursor, begun = _Held([]), _Own(), asyncio.Event()
    server.left = asyncio.Event()

    async def handler(_one: Item) -> None:
        begun.set()
        if where == "handling":
            await asyncio.Event().wait()

    async with listening(server), asyncio.timeout(10), client_of(server) as client:
        task = asyncio.create_task(client.follow(handler, cursor))
        await begun.wait()
        if where == "waiting":
            await eventually(lambda: _is_one(cursor))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.left.wait()
    assert cursor.seq == (1 if where == "waiting" else 0)


async def test_whoever_breaks_off_leaves_at_once() -> None:
    """The connections stay open for others, so the stream's is closed by itself."""
    server = _Held([])
    server.left = asyncio.Event()
    async with listening(server), asyncio.timeout(10), client_of(server) as client:
        async with aclosing(client.items(0)) as items:
            assert (await anext(items)).seq == 1
        await server.left.wait()


class _Endless(_Held):
    """In the place of a stream a page that never ends; answers whoever asks."""

    async def reply(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if "/stream" not in self.received[-1].line:
            await page(1)(writer)
            return
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>")
        await reader.read()
        self.left.set()


async def test_what_is_no_stream_is_left() -> None:
    """Else each try at a stream would keep one more connection open."""
    server = _Endless([])
    server.left = asyncio.Event()
    async with listening(server), asyncio.timeout(10), client_of(server) as client:
        assert [one.seq for one in await take(client, 1)] == [1]
        await server.left.wait()


async def _is_one(cursor: _Own) -> bool:
    return cursor.seq == 1


async def _until(client: Client, handler: Any, cursor: MemoryCursor, seq: int) -> None:
    following_ = asyncio.create_task(client.follow(handler, cursor))

    async def there() -> bool:
        return cursor.seq == seq

    await eventually(there)
    following_.cancel()
    with pytest.raises(asyncio.CancelledError):
        await following_


async def test_without_a_cursor_the_server_keeps_the_place() -> None:
    """From the acknowledged position; acknowledged in lots, and at once when nothing else comes."""
    seen: list[int] = []

    async def handler(one: Item) -> None:
        seen.append(one.seq)

    async def serve(request_line: str) -> Answer:
        if "/status" in request_line:
            return says_json(200, {"acknowledged": 4})
        if "/ack" in request_line:
            return says_json(200, {"acknowledged": 6})
        return says(HEAD + event(5) + event(6), close=False)

    async def by_path(writer: asyncio.StreamWriter) -> None:
        reply = await serve(server.received[-1].line)
        await reply(writer)

    async with receiver([by_path]) as server, client_of(server) as client:
        task = asyncio.create_task(client.follow(handler))

        async def acknowledged() -> bool:
            return any("/ack" in request.line for request in server.received)

        await eventually(acknowledged)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    acks = [json.loads(request.body) for request in server.received if "/ack" in request.line]
    assert seen == [5, 6]
    # Cut off in the middle of the acknowledgement, it is made again.
    assert acks
    assert all(ack == {"through": 6} for ack in acks)
    assert "/stream 4" in asked(server)


async def test_a_file_keeps_the_place(tmp_path: Path) -> None:
    cursor = FileCursor(tmp_path / "cursor")
    assert await cursor.load() is None
    for seq in (1, 12, 9):
        await cursor.save(seq)
        assert await FileCursor(tmp_path / "cursor").load() == seq
    assert not (tmp_path / "cursor.new").exists()
    (tmp_path / "cursor").write_text("x7")
    with pytest.raises(ValueError, match="holds no position"):
        await cursor.load()


# --- the types ---


def test_the_messages_are_those_of_the_service() -> None:
    """The same types, fields and optional fields as the service's own forms."""
    ours = {get_args(get_type_hints(kind)["type"])[0]: kind for kind in get_args(messages.Message)}
    assert tuple(sorted(ours)) == tuple(sorted(MESSAGE_TYPES))
    filled_in = {"message_id", "sender"}
    for model in get_args(AnyMessage):
        (name,) = get_args(model.model_fields["type"].annotation)
        assert ours[name].__annotations__.keys() == model.model_fields.keys(), name
        optional = {field for field, info in model.model_fields.items() if not info.is_required()}
        assert ours[name].__optional_keys__ == optional | filled_in, name
    pairs: Sequence[tuple[Any, Any]] = (
        (messages.Customer, Customer), (messages.Expected, Expected), (messages.RightHolder, RightHolder),
        (messages.Range, Range),
    )  # fmt: skip
    for kind, model in pairs:
        assert kind.__annotations__.keys() == model.model_fields.keys()
        optional = {field for field, info in model.model_fields.items() if not info.is_required()}
        assert kind.__optional_keys__ == optional, kind


def test_everything_named_is_there() -> None:
    assert all(getattr(nrdb_client, name) for name in nrdb_client.__all__)
