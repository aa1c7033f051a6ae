"""Whatever is sent: the right status and code, never 5xx, and nothing changed."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from tests.support.service import Service, order_fields

BASE = {"type": "NP_BEST", "message_id": str(uuid4()), "sender": "TELIA", **order_fields()}
JSON = "application/json"


async def post(service: Service, content: bytes, kind: str = JSON) -> Any:
    headers = {**service.headers("TELIA"), "Content-Type": kind}
    return await service.client.post("/v1/messages", headers=headers, content=content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"nonsense",
        b"{'type': 'NP_BEST'}",
        b'{"type": NaN}',
        b"\xff\xfe",
        b'{"type": "NP_BEST",}',
        b'"\xed\xa0\x80"',
        b'{"a": "\\ud800"}',
        b"\xef\xbb\xbf{}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
    ids=repr,
)
async def test_not_json(service: Service, content: bytes) -> None:
    async with service.unchanged():
        response = await post(service, content)
    service.refused(response, "not-json")


@pytest.mark.parametrize(
    "content",
    [
        b"[]",
        b"null",
        b"1",
        b'"NP_BEST"',
        b"{}",
        b'{"type": "NP_XXXX"}',
        b'{"type": 1}',
        b'{"type": null}',
        b'{"type": ["NP_BEST"]}',
    ],
    ids=repr,
)
async def test_json_that_is_no_message(service: Service, content: bytes) -> None:
    async with service.unchanged():
        response = await post(service, content)
    service.refused(response, "invalid-message")
    assert response.json()["errors"]


WRONG: list[tuple[str, Any, str]] = [
    ("message_id", "not-a-uuid", "/message_id"),
    ("message_id", 1, "/message_id"),
    ("message_id", None, "/message_id"),
    ("sender", "telia", "/sender"),
    ("sender", "A", "/sender"),
    ("sender", "ABCDEFGHI", "/sender"),
    ("sender", 0, "/sender"),
    ("donor", "", "/donor"),
    ("donor", None, "/donor"),
    ("donor", ["TELENOR"], "/donor"),
    ("number_type", "X", "/number_type"),
    ("number_type", "e", "/number_type"),
    ("main_number", "9001234a", "/main_number"),
    ("main_number", 90012345, "/main_number"),
    ("main_number", "900123456", "/main_number"),
    ("main_number", "", "/main_number"),
    ("main_number", "+4690012345", "/main_number"),
    ("main_number", "９００１２３４５", "/main_number"),
    ("main_number", " 90012345", "/main_number"),
    ("main_number", "004790012345678", "/main_number"),
    ("main_number", "90012345\n", "/main_number"),
    ("additional_numbers", "90012346", "/additional_numbers"),
    ("additional_numbers", ["x"], "/additional_numbers/0"),
    ("additional_numbers", [None], "/additional_numbers/0"),
    ("additional_numbers", {"0": "90012346"}, "/additional_numbers"),
    ("series", [{"first": "90012399", "last": "90012300"}], "/series/0"),
    ("series", [{"first": "90012300", "last": "580000000000"}], "/series/0"),
    ("series", [{"first": "90012300"}], "/series/0/last"),
    ("series", ["90012300"], "/series/0"),
    ("series", [{"first": "90012300", "last": "90012309", "step": 2}], "/series/0/step"),
    ("porting_time", "2026-11-23T10:00:00", "/porting_time"),
    ("porting_time", "2026-11-24", "/porting_time"),
    ("porting_time", 1795424400, "/porting_time"),
    ("porting_time", "2026-11-23T10:00:00.0000001Z", "/porting_time"),
    ("porting_time", "2026-13-23T10:00:00Z", "/porting_time"),
    ("porting_time", "2026-02-30T10:00:00Z", "/porting_time"),
    ("porting_time", "9999-12-31T23:59:59-12:00", "/porting_time"),
    ("porting_time", "0000-01-01T00:00:00Z", "/porting_time"),
    ("porting_time", "2026-11-23T24:00:00Z", "/porting_time"),
    ("porting_time", "2026-11-23 10:00:00+25:00", "/porting_time"),
    ("porting_time", "10000-01-01T00:00:00Z", "/porting_time"),
    ("porting_time", "2026-11-23T10:00:60Z", "/porting_time"),
    ("customer", "Kari", "/customer"),
    ("customer", {"name": "Kari"}, "/customer"),
    ("customer", None, "/customer"),
    ("customer", {"name": "Kari", "birth_date": "1980-01-31", "organisation_number": "974760673"}, "/customer"),
    ("customer", {"name": "   ", "birth_date": "1980-01-31"}, "/customer/name"),
    ("customer", {"name": "x" * 201, "birth_date": "1980-01-31"}, "/customer/name"),
    ("customer", {"name": "Kari\u0000", "birth_date": "1980-01-31"}, "/customer/name"),
    ("customer", {"name": "Kari", "birth_date": "1980-02-31"}, "/customer/birth_date"),
    ("customer", {"name": "Kari", "birth_date": "19800131"}, "/customer/birth_date"),
    ("customer", {"name": "Kari", "birth_date": 0}, "/customer/birth_date"),
    ("customer", {"name": "Kari", "organisation_number": "974760674"}, "/customer/organisation_number"),
    ("customer", {"name": "Kari", "birth_date": "1980-01-31", "sex": "F"}, "/customer/sex"),
    ("authorisation_reference", "", "/authorisation_reference"),
    ("authorisation_reference", "x" * 101, "/authorisation_reference"),
    ("authorisation_reference", "a\u0000b", "/authorisation_reference"),
    ("unknown_field", 1, "/unknown_field"),
    ("mainNumber2", 1, "/mainNumber2"),
    # An unknown name that could be a person's is not repeated: the pointer is that of what holds it.
    ("Kari Nordmann", 1, ""),
    ("1980-01-31", 1, ""),
    ("a/b~c", 1, ""),
    ("case_id", str(uuid4()), "/case_id"),
]


def faults(response: Any, value: Any, pointer: str) -> str | None:
    """What is wrong with the answer to a message with one wrong field; None if it is right."""
    problem = response.json()
    if response.status_code != 422 or problem["code"] != "invalid-message":
        return f"{response.status_code} {problem.get('code')}"
    if pointer not in [error["pointer"] for error in problem["errors"]]:
        return f"points to {[error['pointer'] for error in problem['errors']]}"
    repeated = isinstance(value, str) and len(value.strip()) > 3 and value in str(problem["errors"])
    return "repeats the value" if repeated or "Kari" in response.text else None


async def test_a_wrong_field(service: Service) -> None:
    """One after the other; the pointer is right and the value is not repeated."""
    wrong = []
    async with service.unchanged():
        for name, value, pointer in WRONG:
            response = await post(service, json.dumps({**BASE, name: value}).encode())
            if fault := faults(response, value, pointer):
                wrong.append(f"{name} {value!r}: {fault}")
    assert not wrong


@pytest.mark.parametrize(("number_type", "field"), [("T", "series"), ("S", "series")])
async def test_series_fit_the_type(service: Service, number_type: str, field: str) -> None:
    series = [{"first": "90012340", "last": "90012349"}] if number_type == "T" else []
    async with service.unchanged():
        response = await post(service, json.dumps({**BASE, "number_type": number_type, "series": series}).encode())
    service.refused(response, "invalid-message")
    assert response.json()["errors"][0]["pointer"] == f"/{field}"


async def test_too_many_elements(service: Service) -> None:
    for fields in (
        {"number_type": "T", "additional_numbers": [str(90000000 + n) for n in range(15_001)]},
        {"number_type": "S", "series": [{"first": str(90000000 + n), "last": str(90000000 + n)} for n in range(1001)]},
        {"number_type": "T", "additional_numbers": ["x"] * 50_000},
    ):
        async with service.unchanged():
            response = await post(service, json.dumps({**BASE, **fields}).encode())
        service.refused(response, "invalid-message")
        assert len(response.content) < 100_000


async def test_the_most_that_is_allowed_is_accepted(service: Service) -> None:
    numbers = [str(40000000 + 3 * n) for n in range(14_999)]
    fields = {**BASE, "donor": "TELIA", "sender": "LYSE", "number_type": "T", "main_number": "40099999"}
    body = json.dumps({**fields, "additional_numbers": numbers}).encode()
    headers = {**service.headers("LYSE"), "Content-Type": JSON}
    response = await service.client.post("/v1/messages", headers=headers, content=body)
    assert response.status_code == 201, response.text[:500]
    assert response.json()["case"]["number_count"] == 15_000


async def endless(chunk: bytes, count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield chunk


@pytest.mark.parametrize("declared", [True, False])
async def test_a_hundred_megabytes(service: Service, declared: bool) -> None:
    """Refused as soon as it is known, and the sender gets to read why."""
    headers = {**service.headers("TELIA"), "Content-Type": JSON}
    if declared:
        headers["Content-Length"] = str(100 << 20)
    async with service.unchanged():
        response = await service.client.post("/v1/messages", headers=headers, content=endless(b" " * (1 << 20), 100))
    service.refused(response, "body-too-large")


async def test_exactly_one_mebibyte_is_allowed(service: Service) -> None:
    body = json.dumps(BASE).encode()
    response = await post(service, body + b" " * ((1 << 20) - len(body)))
    assert response.status_code == 201, response.text
    async with service.unchanged():
        response = await post(service, body + b" " * ((1 << 20) - len(body) + 1))
    service.refused(response, "body-too-large")


async def test_a_broken_content_length_is_answered(service: Service) -> None:
    """A client that promises more than it sends and hangs up gets nowhere, and neither does its message."""
    place = urlsplit(service.address)
    async with service.unchanged():
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        key = service.keys["TELIA"]
        body = json.dumps(BASE).encode()
        writer.write(
            f"POST /v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Type: {JSON}\r\n"
            f"Content-Length: {len(body) + 10}\r\n\r\n".encode()
            + body
        )
        await writer.drain()
        writer.close()
        assert await reader.read() == b""
        assert (await service.client.get("/healthz")).status_code == 200


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonp", "multipart/form-data"]
)
async def test_other_media_types(service: Service, kind: str) -> None:
    async with service.unchanged():
        response = await post(service, json.dumps(BASE).encode(), kind)
    service.refused(response, "unsupported-media-type")


ADMIN_BODIES: list[tuple[str, str, bytes]] = [
    ("PUT", "/admin/caps/TELIA/2026-11-23", b'{"limit": ' + b"9" * 5000 + b', "reason": "x"}'),
    ("PUT", "/admin/caps/TELIA/2026-11-23", b'{"limit": 1e400, "reason": "x"}'),
    ("PUT", "/admin/caps/TELIA/2026-11-23", b'{"limit": -1, "reason": "x"}'),
    ("PUT", "/admin/caps/TELIA/2026-11-23", b'{"limit": 10.5, "reason": "x"}'),
    ("PUT", "/admin/caps/TELIA/2026-11-23", b'{"limit": true, "reason": "x"}'),
    ("PUT", "/admin/caps/TELIA/2026-11-23", b'{"limit": 5, "reason": ' + b"[" * 990 + b"]" * 990 + b"}"),
    ("PUT", "/admin/caps/TELIA/2026-11-23", b'{"limit": 5, "reason": "\\u0000"}'),
    ("PUT", "/admin/caps/TELIA/2026-11-23", b'{"limit": 5, "reason": " "}'),
    ("PUT", "/admin/caps/TELIA/2026-11-23", b'{"limit": 5}'),
    ("PUT", "/admin/caps/TELIA/2026-02-30", b'{"limit": 5, "reason": "x"}'),
    ("PUT", "/admin/caps/telia/2026-11-23", b'{"limit": 5, "reason": "x"}'),
    ("PUT", "/admin/calendar/closed-days/0000-00-00", b'{"reason": "x"}'),
    ("POST", "/admin/series", b'{"first": "94000099", "last": "94000000", "holder": "TELIA", "reason": "x"}'),
    ("POST", "/admin/series", b'{"first": "94000000", "last": "94000099", "holder": "NOBODY", "reason": "x"}'),
    (
        "POST",
        "/admin/providers",
        b'{"code": "NEW", "name": "New", "terminating": true, "contact": {"email": "a@b", "phone": "123"}}',
    ),
    ("POST", "/admin/keys", b'{"role": "provider", "codes": [], "label": "x"}'),
    ("POST", "/admin/keys", b'{"role": "admin", "codes": ["TELIA"], "label": "x"}'),
    ("POST", "/admin/keys", b'{"role": "provider", "codes": ["NOBODY"], "label": "x"}'),
    ("POST", "/admin/keys", b'{"role": "provider", "codes": ["0"], "label": "x"}'),
    ("PUT", "/sandbox/clock", b'{"advance": "P1Y"}'),
    ("PUT", "/sandbox/clock", b'{"advance": "P"}'),
    ("PUT", "/sandbox/clock", b'{"advance": "P99999D", "now": "2026-11-23T10:00:00Z"}'),
    ("PUT", "/sandbox/clock", b'{"advance": "PT99999999M"}' + b" " * 10 + b"x"),
]


async def test_bad_administration(service: Service) -> None:
    headers = {**service.headers("ADMIN"), "Content-Type": JSON}
    wrong = []
    async with service.unchanged():
        for method, path, body in ADMIN_BODIES:
            response = await service.client.request(method, f"/v1{path}", headers=headers, content=body)
            if (response.status_code, response.json().get("code")) not in {(400, "not-json"), (422, "invalid-message")}:
                wrong.append(f"{method} {path} {body[:60]!r}: {response.status_code} {response.json().get('code')}")
    assert not wrong


PARAMETERS = [
    "/inbox?code=TELIA&type=%00",
    f"/messages/{uuid4()}?code=%00",
    "/inbox?code=%00",
    "/cases?number=%00",
    "/cases?after=%00",
    "/cases?after=AAAA",
    "/cases?after=WyIyMDI2LTExLTIzVDEwOjAwOjAwWiIsMV0",
    "/series?after=WyJ4Il0",
    "/series?after=W251bGxd",
    "/series?after=WzFlNTAwXQ",
    "/series?after=WzkyMjMzNzIwMzY4NTQ3NzU4MDhd",
    "/providers?after=WyJcdTAwMDAiXQ",
    "/audit?after=WzkyMjMzNzIwMzY4NTQ3NzU4MDhd",
    "/audit?after=Wy0xMDAwMDAwMDAwMDAwMDAwMDAwMDBd",
    "/routing/90012345?at=2026-11-23",
    "/cases?limit=0",
    "/cases?limit=1001",
    "/cases?limit=x",
    "/cases?from=yesterday",
    "/calendar?from=2026-11-23&to=2026-11-23",
    "/calendar?from=2026-11-23&to=2030-01-01",
    "/calendar?from=0001-01-01&to=0001-02-01",
    "/calendar?from=9999-12-30&to=9999-12-31",
    "/calendar",
    "/calendar/add?from=2026-11-23T10:00:00Z",
    "/calendar/add?from=2026-11-23T10:00:00Z&working_minutes=1&working_days=1",
    "/calendar/add?from=2026-11-23T10:00:00Z&working_minutes=-1",
    "/calendar/add?from=9998-11-23T10:00:00Z&working_days=1000",
    "/caps/TELIA?from=2026-11-24&to=2026-11-23",
    "/caps/%00?from=2026-11-23&to=2026-11-24",
]


async def test_bad_parameters(service: Service) -> None:
    wrong = []
    for path in PARAMETERS:
        for who in ("OPERATOR", "TELIA"):
            response = await service.client.get(f"/v1{path}", headers=service.headers(who))
            if response.status_code == 403 and who == "TELIA":
                continue
            if response.status_code not in (404, 422):
                wrong.append(f"{who} GET {path}: {response.status_code}")
    assert not wrong


@pytest.mark.parametrize(
    "path",
    [
        "/routing/abc",
        "/routing/%00",
        "/routing/9001234",
        "/routing/" + "9" * 15,
        "/portability/99999999",
        "/cases/%00",
        "/cases/" + "x" * 200,
        "/messages/x",
        "/nothing",
        "/routing/",
    ],
)
async def test_bad_paths(service: Service, path: str) -> None:
    response = await service.client.get(f"/v1{path}", headers=service.headers("TELIA"))
    assert response.status_code in (404, 422), response.text
    service.refused(response, response.json()["code"], status=response.status_code)


async def test_other_methods(service: Service) -> None:
    for method, path in (("PUT", "/messages"), ("DELETE", "/cases"), ("PATCH", "/inbox"), ("GET", "/messages")):
        response = await service.client.request(method, f"/v1{path}", headers=service.headers("TELIA"))
        service.refused(response, "method-not-allowed")
        assert response.headers["allow"]


@pytest.mark.parametrize("name", ["action", "subject"])
async def test_a_filter_that_no_text_can_equal(service: Service, name: str) -> None:
    """PostgreSQL knows no NUL in a text: what asks for one is told so instead of being an error of ours."""
    service.refused(await service.get("/audit", "ADMIN", **{name: "a\x00b"}), "invalid-message")
    assert (await service.read("/audit", "ADMIN", **{name: "nobody's"}))["items"] == []
