"""The parts of webhooks that need no database: signatures, times, addresses, and one attempt at real receivers."""

import asyncio
import json
import socket
import ssl
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
import standardwebhooks
from hypothesis import given
from hypothesis import strategies as st
from tests.support import receivers
from tests.support.receivers import answer, receiver, says

from nrdb.clock import monotonic
from nrdb.delivery.webhooks import attempt
from nrdb.delivery.webhooks.addresses import Address, Resolve, check_url, is_public
from nrdb.delivery.webhooks.attempt import Sender
from nrdb.delivery.webhooks.schedule import LONGEST, LONGEST_ASKED, TRIED_FOR, next_attempt
from nrdb.delivery.webhooks.signing import new_secret, signed_headers
from nrdb.texts import FieldError

BODY = json.dumps({"seq": 7, "message": {"type": "NP_BEST", "name": "Åse"}}).encode()
NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


# --- signatures ---


def test_a_foreign_library_verifies_what_is_signed() -> None:
    """With the old secret and the new one while both live; with no other, and not when a byte has changed."""
    old, new, other = new_secret(), new_secret(), new_secret()
    headers = signed_headers([new, old], "TELIA-7", int(datetime.now(UTC).timestamp()), BODY)  # noqa: TID251 (real time)
    for secret in (old, new):
        assert standardwebhooks.Webhook(secret).verify(BODY.decode(), headers) == json.loads(BODY)
    for secret, body in ((other, BODY), (new, BODY.replace(b"7", b"8"))):
        with pytest.raises(standardwebhooks.WebhookVerificationError):
            standardwebhooks.Webhook(secret).verify(body.decode(), headers)


# --- when it is tried again ---


def test_the_first_retry_comes_within_five_seconds() -> None:
    for jitter in (0.0, 0.5, 1.0):
        due = next_attempt(1, NOW, NOW, None, jitter)
        assert due is not None
        assert timedelta(seconds=1) <= due - NOW <= timedelta(seconds=5)


@given(
    failures=st.integers(1, 10_000),
    passed=st.timedeltas(timedelta(), TRIED_FOR - timedelta(microseconds=1)),
    jitter=st.floats(0, 1),
    asked=st.one_of(st.none(), st.text(max_size=20), st.integers(0, 10**30).map(str)),
)
def test_tried_for_three_days_and_no_longer(failures: int, passed: timedelta, jitter: float, asked: str | None) -> None:
    now = NOW + passed
    due = next_attempt(failures, now, NOW, asked, jitter)
    assert due is not None
    assert now < due <= NOW + TRIED_FOR
    if asked is None:
        assert due - now <= LONGEST


def test_after_three_days_it_is_skipped() -> None:
    assert next_attempt(500, NOW + TRIED_FOR, NOW, None, 1.0) is None
    assert next_attempt(500, NOW + TRIED_FOR, NOW, "60", 1.0) is None


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ("3600", timedelta(hours=1)),
        (" 3600 ", timedelta(hours=1)),
        ("Mon, 23 Nov 2026 10:00:00 GMT", timedelta(hours=2)),
        ("Mon, 23 Nov 2026 07:00:00 GMT", timedelta(seconds=4)),
        ("0", timedelta(seconds=4)),
        ("-5", timedelta(seconds=4)),
        ("soon", timedelta(seconds=4)),
        ("9" * 40, LONGEST_ASKED),
        ("Mon, 23 Nov 9998 07:00:00 GMT", LONGEST_ASKED),
        ("Mon, 23 Nov 99999999999999999999 07:00:00 GMT", timedelta(seconds=4)),
        ("Mon, 23 Nov 2026 07:00:00 +99999999999999999999", timedelta(seconds=4)),
    ],
)
def test_what_the_receiver_asks_for(asked: str, wanted: timedelta) -> None:
    assert next_attempt(1, NOW, NOW, asked, 1.0) == NOW + wanted


# --- where it may go ---


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "224.0.0.1",  # noqa: S104
     "255.255.255.255", "100.64.0.1", "192.0.0.8", "240.0.0.1", "::1", "::", "fe80::1", "fc00::1", "fec0::1", "ff02::1",
     "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2001:db8::1"],
)  # fmt: skip
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["193.213.112.4", "8.8.8.8", "2001:4860:4860::8888", "64:ff9b::808:808"])
def test_addresses_that_are_public(address: str) -> None:
    assert is_public(ip_address(address))


def resolving(*addresses: str) -> Resolve:
    async def resolve(_host: str, _port: int) -> Sequence[Address]:
        return [ip_address(address) for address in addresses]

    return resolve


@pytest.mark.parametrize(
    "url",
    ["", "x", "ftp://porting.example/", "https://", "https:///x", "https://user@porting.example/",
     "https://user:word@porting.example/", "https://porting.example/#x", "https://porting.example:0/",
     "https://porting.example:99999/", "https://porting.example/" + "x" * 2000, "/hook", "https://[::1/"],
)  # fmt: skip
@pytest.mark.parametrize("allow_private", [True, False])
async def test_urls_that_are_none(url: str, *, allow_private: bool) -> None:
    with pytest.raises(FieldError):
        await check_url(url, allow_private=allow_private, resolve=resolving("8.8.8.8"))


async def test_urls_that_are_allowed() -> None:
    await check_url("http://localhost:8080/hook", allow_private=True)
    await check_url("https://10.0.0.1/hook", allow_private=True)
    await check_url("https://blåbær.example/hook?a=b", allow_private=False, resolve=resolving("8.8.8.8"))


@pytest.mark.parametrize(
    ("url", "addresses"),
    [
        ("http://porting.example/", ["8.8.8.8"]),
        ("https://porting.example/", ["10.0.0.1"]),
        ("https://porting.example/", ["8.8.8.8", "127.0.0.1"]),
    ],
)
async def test_urls_that_are_refused_where_private_ones_are(url: str, addresses: list[str]) -> None:
    with pytest.raises(FieldError):
        await check_url(url, allow_private=False, resolve=resolving(*addresses))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]"])
async def test_every_spelling_of_this_machine_is_refused(host: str) -> None:
    """As the real resolver reads it."""
    with pytest.raises(FieldError):
        await check_url(f"https://{host}/", allow_private=False)
    async with Sender(allow_private=False) as sender:
        found = await sender.post(f"http://{host}:1/", {}, BODY)
    assert found.error in ("its address is not on the public internet", "its name does not resolve")


# --- one attempt ---


async def test_a_request_is_what_was_asked_for() -> None:
    async with receiver() as found, Sender(allow_private=True) as sender:
        done = await sender.post(found.url, {"content-type": "application/json", "webhook-id": "TELIA-7"}, BODY)
    (request,) = found.received
    assert done.delivered
    assert (done.status, done.error) == (204, None)
    assert (request.line, request.body) == ("POST /hook?a=b HTTP/1.1", BODY)
    assert request.headers["host"] == f"localhost:{found.port}"
    assert (request.headers["webhook-id"], request.headers["content-length"]) == ("TELIA-7", str(len(BODY)))


async def test_a_connection_is_used_again_and_a_dead_one_is_no_failure() -> None:
    """A receiver may close what it kept open at any time, also when the next request is on its way."""

    async def closes_without_a_word(writer: asyncio.StreamWriter) -> None:
        writer.close()

    answers = [answer(), answer(200, body=b"ok"), closes_without_a_word, answer()]
    async with receiver(answers) as found, Sender(allow_private=True) as sender:
        for _ in range(2):
            assert (await sender.post(found.url, {}, BODY)).delivered
        assert found.connections == 1
        assert (await sender.post(found.url, {}, BODY)).delivered
        assert (found.connections, len(found.received)) == (2, 4)


@pytest.mark.parametrize(
    ("reply", "status", "error"),
    [
        (answer(500, "Retry-After: 7"), 500, None),
        (answer(302, "Location: http://169.254.169.254/"), 302, None),
        (answer(410), 410, None),
        (says(b""), None, "no proper HTTP answer"),
        (says(b"HTTP/1.1 20"), None, "no proper HTTP answer"),
        (says(b"HTTP/1.1 200 OK\r\nContent-Le"), None, "no proper HTTP answer"),
        (says(b"SSH-2.0-OpenSSH_9.2\r\n"), None, "no proper HTTP answer"),
        (says(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 40_000), None, "no proper HTTP answer"),
        # The receiver has said that it has it; what it says beside that is its own affair.
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), 200, None),
        (receivers.gigabyte, 200, None),
    ],
)
async def test_what_counts(reply: receivers.Answer, status: int | None, error: str | None) -> None:
    async with receiver([reply]) as found, Sender(allow_private=True) as sender:
        done = await sender.post(found.url, {}, BODY)
    assert (done.status, done.error) == (status, error)
    assert done.delivered == (status == 200)
    assert done.retry_after == ("7" if status == 500 else None)
    assert len(found.received) == 1


@pytest.mark.parametrize("reply", [receivers.hangs, receivers.slow_headers, receivers.byte_by_byte])
async def test_no_attempt_takes_longer_than_its_time(reply: receivers.Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempt, "TIMEOUT", 0.3)
    async with receiver([reply]) as found, Sender(allow_private=True) as sender:
        began = monotonic()
        done = await sender.post(found.url, {}, BODY)
        assert monotonic() - began < 10
    assert done.status is None
    assert done.error in ("timed out after 0 s", "no proper HTTP answer")


async def test_a_slow_body_does_not_hold_up_the_next_item(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempt, "_READ_SECONDS", 0.1)

    async def slow_body(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        await receivers.byte_by_byte(writer)

    async with receiver([slow_body, answer()]) as found, Sender(allow_private=True) as sender:
        assert (await sender.post(found.url, {}, BODY)).delivered
        assert (await sender.post(found.url, {}, BODY)).status == 204
        assert found.connections == 2


async def test_an_answer_that_came_in_time_is_none_too_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """The headers were complete; that the time ran out while the body came changes nothing."""
    monkeypatch.setattr(attempt, "TIMEOUT", 0.5)

    async def late(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        await receivers.byte_by_byte(writer)

    async with receiver([late]) as found, Sender(allow_private=True) as sender:
        done = await sender.post(found.url, {}, BODY)
    assert (done.status, done.error, done.delivered) == (200, None, True)


async def test_an_address_that_does_not_answer_leaves_time_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempt, "_NEXT_ADDRESS_SECONDS", 0.1)
    with socket.socket() as silent:
        # A backlog that is full answers nobody.
        silent.bind(("127.0.0.2", 0))
        silent.listen(0)
        port = silent.getsockname()[1]
        filling = [socket.socket() for _ in range(3)]
        for one in filling:
            one.setblocking(False)
            one.connect_ex(("127.0.0.2", port))
        server = await asyncio.start_server(receivers.Receiver([answer()]).serve, "127.0.0.1", port)
        async with Sender(allow_private=True, resolve=resolving("127.0.0.2", "127.0.0.1")) as sender, server:
            done = await sender.post(f"http://receiver.example:{port}/", {}, BODY)
        for one in filling:
            one.close()
    assert (done.status, done.error) == (204, None)


async def test_nobody_is_there() -> None:
    async with receiver() as found:
        url = found.url
    async with Sender(allow_private=True) as sender:
        assert (await sender.post(url, {}, BODY)).error == "cannot connect"
        done = await sender.post("http://no-such-name.invalid/", {}, BODY)
    assert (done.status, done.error) == (None, "its name does not resolve")


async def test_a_name_that_has_become_a_private_address() -> None:
    """It was checked when it was entered; what counts is what it means at the connection."""
    async with receiver() as found, Sender(allow_private=False, resolve=resolving("8.8.8.8", "127.0.0.1")) as sender:
        done = await sender.post(found.url, {}, BODY)
    assert (done.status, done.error, found.connections) == (None, "its address is not on the public internet", 0)


async def test_the_environment_sends_it_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    async with receiver() as found, Sender(allow_private=True) as sender:
        assert (await sender.post(found.url, {}, BODY)).delivered


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A key and a certificate for localhost that nobody else has signed, in one file."""
    file = tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", f"{file}.key", "-out", file],
        check=True, capture_output=True,
    )  # fmt: skip
    return file


async def test_tls_goes_by_the_name(certificate: Path) -> None:
    own = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    own.load_cert_chain(certificate, f"{certificate}.key")
    trusting = ssl.create_default_context(cafile=certificate)
    async with receiver(tls=own) as found:
        async with Sender(allow_private=True, trusted=trusting) as sender:
            assert (await sender.post(found.url, {}, BODY)).delivered
            elsewhere = found.url.replace("localhost", "127.0.0.1")
            assert (await sender.post(elsewhere, {}, BODY)).error == "TLS failure"
        async with Sender(allow_private=True) as sender:
            assert (await sender.post(found.url, {}, BODY)).error == "TLS failure"
