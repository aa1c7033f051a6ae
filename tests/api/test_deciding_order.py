"""The order in which a request is judged (contract section 1): the first thing wrong answers."""

import re
from typing import Any
from uuid import uuid4

import pytest
from tests.support.service import Service, order_fields

#: Nothing has this id. It is the same in every process that collects these tests, so that they can share them.
UNKNOWN = "b4b3a02d-a8c5-4bee-a0b7-69d5d1c38124"
LARGE = b'{"a": "' + b"x" * (1 << 20) + b'"}'


async def _post(service: Service, who: str | None, content: bytes, kind: str = "application/json") -> Any:
    headers = {**service.headers(who), "Content-Type": kind}
    return await service.client.post("/v1/messages", headers=headers, content=content)


async def test_every_stage_in_turn(service: Service) -> None:
    async with service.unchanged():
        # Everything wrong at once, then one thing mended after the other.
        response = await _post(service, None, LARGE, "text/plain")
        service.refused(response, "unauthenticated")
        assert response.headers["www-authenticate"].startswith("Bearer")
        service.refused(await _post(service, "ADMIN", LARGE, "text/plain"), "role-not-permitted-here")
        service.refused(await _post(service, "OPERATOR", LARGE, "text/plain"), "role-not-permitted-here")
        service.refused(await _post(service, "TELIA", LARGE, "text/plain"), "body-too-large")
        service.refused(await _post(service, "TELIA", b"not json", "text/plain"), "unsupported-media-type")
        service.refused(await _post(service, "TELIA", b"not json"), "not-json")
        service.refused(await _post(service, "TELIA", b'{"sender": "LYSE"}'), "invalid-message")


async def test_the_sender_comes_before_the_rest(service: Service) -> None:
    await service.admin("PATCH", "/providers/FJORD", {"active": False, "reason": "test"})
    own = str(uuid4())
    async with service.unchanged():
        foreign = await service.post("LYSE", "NP_BEST", key="TELIA", **order_fields(main_number="02800"))
        service.refused(foreign, "sender-not-yours")
        # The inactive code of somebody else: still not yours.
        response = await service.post("FJORD", "NP_BEST", key="TELIA", **order_fields())
        service.refused(response, "sender-not-yours")
        response = await service.post("FJORD", "NP_BEST", **order_fields(main_number="02800"))
        service.refused(response, "provider-inactive")
        response = await service.post("FJORD", "NP_ANNU", case_id=str(uuid4()))
        service.refused(response, "provider-inactive")
        response = await service.post("FJORD", "NP_ANNU", case_id="no-uuid")
        service.refused(response, "provider-inactive")
    await service.accepted("TELIA", "NP_BEST", message_id=own, **order_fields())
    async with service.unchanged():
        # A message_id that is taken is told before any rule of section 6.
        taken = await service.post("TELIA", "NP_BEST", message_id=own, **order_fields(main_number="02800"))
        service.refused(taken, "duplicate-message")
        taken = await service.post("TELIA", "NP_ANNU", message_id=own, case_id=str(uuid4()))
        service.refused(taken, "duplicate-message")
        taken = await service.post("TELIA", "NP_ANNU", message_id=own, case_id="no-uuid")
        service.refused(taken, "duplicate-message")


async def test_an_inactive_provider_reads_and_acknowledges(service: Service) -> None:
    await service.case_in("scheduled")
    await service.admin("PATCH", "/providers/TLINX", {"active": False, "reason": "test"})
    (item,) = await service.inbox("TLINX")
    response = await service.send("POST", "/inbox/ack", "TLINX", {"through": item["seq"]})
    assert response.status_code == 200, response.text
    service.refused(await service.post("TLINX", "NP_FERD", case_id=item["message"]["case_id"]), "provider-inactive")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/admin/providers", {}),
        ("PATCH", "/admin/providers/TELIA", {}),
        ("POST", "/admin/providers/TELIA/keys", {"label": "x"}),
        ("POST", "/admin/keys", {}),
        ("GET", "/admin/keys", None),
        ("DELETE", f"/admin/keys/{UNKNOWN}", None),
        ("POST", "/admin/series", {}),
        ("PUT", "/admin/caps/TELIA/2026-11-23", {}),
        ("PUT", "/admin/calendar/closed-days/2026-12-24", {}),
        ("GET", "/audit", None),
        ("PUT", "/sandbox/clock", {}),
    ],
)
async def test_administration_is_for_administrators(service: Service, method: str, path: str, body: Any) -> None:
    async with service.unchanged():
        service.refused(await service.send(method, path, None, body), "unauthenticated")
        service.refused(await service.send(method, path, "TELIA", body), "role-not-permitted-here")
        if method != "GET":  # Operators read everything and change nothing.
            service.refused(await service.send(method, path, "OPERATOR", body), "role-not-permitted-here")


@pytest.mark.parametrize(
    "path",
    ["/me", "/cases", f"/cases/{UNKNOWN}", f"/cases/{UNKNOWN}/history", "/inbox", "/inbox/status", "/providers",
     "/routing/90012345", "/portability/90012345", "/series", "/caps/TELIA?from=2026-11-23&to=2026-11-24",
     "/calendar?from=2026-11-23&to=2026-11-24", "/audit", "/sandbox/clock", f"/messages/{UNKNOWN}"],
)  # fmt: skip
async def test_reading_needs_a_key(service: Service, path: str) -> None:
    for key in ("", "Bearer", "Bearer wrong", "Basic dXNlcjpwYXNz", service.keys["TELIA"]):
        response = await service.client.get(f"/v1{path}", headers={"Authorization": key} if key else {})
        service.refused(response, "unauthenticated")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("DELETE", "/admin/planned-changes/10", None),
        ("DELETE", f"/admin/keys/{UNKNOWN}", None),
        ("PUT", f"/admin/keys/{UNKNOWN}/limits", {"requests_per_second": 1, "reason": "x"}),
        ("PUT", "/admin/caps/TELIA/2026-11-23", {"limit": 1, "reason": "x"}),
        ("PUT", "/admin/calendar/closed-days/2026-12-23", {"reason": "x"}),
        ("PUT", "/sandbox/clock", {"advance": "PT1M"}),
    ],
)
async def test_a_parameter_that_nobody_reads_changes_nothing(
    service: Service, method: str, path: str, body: Any
) -> None:
    """Who asks for a dry run where there is none is told so, and nothing is done."""
    async with service.unchanged():
        response = await service.send(method, f"{path}?dry_run=true", "ADMIN", body)
        service.refused(response, "invalid-message")
        assert [error["pointer"] for error in response.json()["errors"]] == ["/dry_run"]


async def test_a_parameter_is_judged_after_the_body_and_never_repeated(service: Service) -> None:
    async with service.unchanged():
        for path in ("messages", "messages/check"):
            for content, kind, code in (
                (b"not json", "text/plain", "unsupported-media-type"),
                (b"not json", "application/json", "not-json"),
                (b"{}", "application/json", "invalid-message"),
            ):
                headers = {**service.headers("TELIA"), "Content-Type": kind}
                address = f"/v1/{path}?dry_run=true&Kari%20Nordmann=01017012345"
                response = await service.client.post(address, headers=headers, content=content)
                if path == "messages/check" and response.status_code == 200:
                    assert response.json()["answer"]["code"] == code
                else:
                    service.refused(response, code)
                assert "Kari" not in response.text
                assert "0101" not in response.text
            assert [error["pointer"] for error in response.json()["errors"]] == ["/dry_run", ""]
        headers = {**service.headers("TELIA"), "Content-Type": "application/x-ndjson"}
        response = await service.client.post("/v1/messages/batch?dry_run=1", headers=headers, content=b"{}\n")
        service.refused(response, "invalid-message")


async def test_no_address_takes_a_parameter_that_it_does_not_know_or_knows_twice(service: Service) -> None:
    """A misspelt instant would be answered for now: every endpoint that is read says so, and what there is."""
    document = (await service.client.get("/openapi.json")).json()
    read = {path: methods["get"] for path, methods in document["paths"].items() if "get" in methods}
    guarded = {path: operation for path, operation in read.items() if path.startswith("/v1/")}
    assert len(guarded) > 30
    headers = service.headers("ADMIN")
    for path, operation in guarded.items():
        place = re.sub(r"\{[a-z_]+\}", "90012345", path)
        names = sorted(item["name"] for item in operation.get("parameters", []) if item["in"] == "query")
        response = await service.client.get(f"{place}?know_at=2026-11-23T08:00:00Z", headers=headers)
        service.refused(response, "invalid-message")
        (error,) = response.json()["errors"]
        assert error["pointer"] == "/know_at"
        assert re.findall(r"[a-z_]+", error["detail"].partition("there are ")[2].replace(" and ", " ")) == (
            names or ["no", "parameters", "here"]
        )
        for name in names:
            response = await service.client.get(f"{place}?{name}=1&{name}=1", headers=headers)
            service.refused(response, "invalid-message")
            assert {"pointer": f"/{name}", "detail": "stands more than once in the address"} in response.json()[
                "errors"
            ]


async def test_a_number_that_is_asked_for_with_a_misspelt_instant(service: Service) -> None:
    """Neither the direct way to the answer nor the other one answers for now."""
    response = await service.get("/routing/90012345", "TELIA", know_at="2026-11-23T08:00:00Z")
    service.refused(response, "invalid-message")
    assert response.json()["errors"] == [
        {"pointer": "/know_at", "detail": "there is no such parameter here; there are at and known_at"}
    ]
    headers = service.headers("TELIA") | {"Accept-Language": "nb"}
    at = "at=2026-11-23T08:00:00Z"
    response = await service.client.get(f"/v1/routing/90012345?{at}&{at}", headers=headers)
    service.refused(response, "invalid-message")
    assert response.json()["errors"] == [{"pointer": "/at", "detail": "står mer enn én gang i adressen"}]
