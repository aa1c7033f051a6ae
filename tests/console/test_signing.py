"""Signing in and out, and what must not be possible for whoever has not."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from tests.support.console import read, visitor
from tests.support.service import Service, order_fields

from nrdb.audit import record_change
from nrdb.console.identity import Person, key_of, sign_out_everywhere
from nrdb.console.sessions import begin_session
from nrdb.db import open_pool

COOKIE = "nrdb_console"


async def test_a_key_opens_the_console(service: Service) -> None:
    async with visitor(service) as anybody:
        page = await anybody.get("/numbers/90012345")
        assert page.one("h1").text == "Sign in"
        target = page.one("input", name="next").attributes["value"]
        answer = await anybody.client.post("/console/sign-in", data={"key": service.keys["TELIA"], "next": target})
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/numbers/90012345")
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert (await anybody.get("/numbers/90012345")).one("h1").text == "90012345"


async def test_a_wrong_key_opens_nothing(service: Service) -> None:
    async with visitor(service) as anybody:
        for key in ("", "x", "nrdb_" + "a" * 43, "<script>alert(1)</script>", "\x00"):
            answer = await anybody.client.post("/console/sign-in", data={"key": key})
            assert answer.status_code == 401
            assert "set-cookie" not in answer.headers
            page = read(answer)
            assert page.one("p", id="key-error").attributes["role"] == "alert"
            assert key not in answer.text or not key or key == "x"


@pytest.mark.parametrize("path", ["", "/", "/find?q=90012345", "/numbers/90012345", "/me", "/cases/x"])
async def test_every_page_wants_a_session(service: Service, path: str) -> None:
    async with visitor(service) as anybody:
        answer = await anybody.client.get(f"/console{path}", follow_redirects=True)
        assert read(answer).one("h1").text == "Sign in"
        assert answer.headers["cache-control"] == "no-store"


async def test_a_key_in_an_address_is_no_key(service: Service) -> None:
    async with visitor(service) as anybody:
        answer = await anybody.client.get("/console/me", params={"key": service.keys["TELIA"]}, follow_redirects=True)
        assert read(answer).one("h1").text == "Sign in"
        with_header = await anybody.client.get("/console/me", headers=service.headers("TELIA"), follow_redirects=True)
        assert read(with_header).one("h1").text == "Sign in"


async def test_a_session_opens_no_api(service: Service) -> None:
    async with visitor(service, "ADMIN") as admin:
        service.refused(await admin.client.get("/v1/me"), "unauthenticated")


async def test_signing_in_makes_a_new_session(service: Service) -> None:
    """A session that somebody has planted in the browser beforehand is worth nothing afterwards."""
    async with visitor(service, "TELIA") as telia:
        planted = telia.client.cookies[COOKIE]
        await telia.client.post("/console/sign-in", data={"key": service.keys["TELIA"]})
        assert telia.client.cookies[COOKIE] != planted
        async with visitor(service) as attacker:
            attacker.client.cookies.set(COOKIE, planted, path="/console")
            assert (await attacker.get("/me")).one("h1").text == "Sign in"


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "/consolevil", "/v1/me", "javascript:alert(1)",
     "/console/\\evil.example", "/console\r\nX: y", "console", "/console/../v1/me\n"],
)  # fmt: skip
async def test_nobody_is_led_away(service: Service, target: str) -> None:
    async with visitor(service) as anybody:
        answer = await anybody.client.post("/console/sign-in", data={"key": service.keys["TELIA"], "next": target})
        assert answer.headers["location"] == "/console/"
        answer = await anybody.client.post("/console/preferences", data={"language": "nb", "here": target})
        assert answer.headers["location"] == "/console/"


async def test_signing_out_here_and_everywhere(service: Service) -> None:
    async with (
        visitor(service, "TELIA") as desk,
        visitor(service, "TELIA") as phone,
        visitor(service, "TELIA") as tablet,
    ):
        assert (await desk.submit("/sign-out")).one("h1").text == "Sign in"
        assert (await desk.get("/me")).one("h1").text == "Sign in"
        assert (await phone.submit("/sign-out", everywhere="1")).one("h1").text == "Sign in"
        assert (await tablet.get("/me")).one("h1").text == "Sign in"


async def test_a_revoked_key_ends_its_sessions(service: Service) -> None:
    async with visitor(service, "TELIA") as telia:
        key_id = (await service.read("/me", "TELIA"))["key_id"]
        await service.admin("DELETE", f"/keys/{key_id}", None)
        assert (await telia.get("/me")).one("h1").text == "Sign in"


async def test_a_session_ends_by_itself(service: Service) -> None:
    async with visitor(service, "TELIA") as telia:
        await service.db.execute("UPDATE console_session SET seen_at = clock_timestamp() - interval '3 hours'")
        assert (await telia.get("/me")).one("h1").text == "Sign in"
    async with visitor(service, "TELIA") as telia:
        await service.db.execute("UPDATE console_session SET expires_at = clock_timestamp()")
        assert (await telia.get("/me")).one("h1").text == "Sign in"


@pytest.mark.parametrize("token", [None, "", "0" * 64, "ÿ"])
async def test_a_forged_form_changes_nothing(service: Service, token: str | None) -> None:
    async with visitor(service, "TELIA") as telia:
        fields = {} if token is None else {"form_token": token}
        answer = await telia.client.post("/console/sign-out", data=fields)
        assert (answer.status_code, read(answer).one("h1").text) == (403, "Nothing was changed")
        assert (await telia.get("/me")).one("h1").text != "Sign in"


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"},
     {"Origin": "null"}],
)  # fmt: skip
async def test_a_form_from_elsewhere_changes_nothing(service: Service, headers: dict[str, str]) -> None:
    async with visitor(service, "TELIA") as telia:
        fields = {"form_token": await telia.token(), "key": service.keys["TELENOR"], "language": "nb"}
        for path in ("/sign-out", "/sign-in", "/preferences"):
            answer = await telia.client.post(f"/console{path}", data=fields, headers=headers)
            assert answer.status_code == 403
            assert "set-cookie" not in answer.headers
        assert (await telia.get("/me")).one("h1").text != "Sign in"


async def test_a_token_is_good_for_its_own_session_only(service: Service) -> None:
    async with visitor(service, "TELIA") as telia, visitor(service, "TELENOR") as telenor:
        answer = await telia.client.post("/console/sign-out", data={"form_token": await telenor.token()})
        assert answer.status_code == 403


async def test_what_a_browser_is_told(service: Service) -> None:
    async with visitor(service, "TELIA") as telia:
        headers = (await telia.client.get("/console/me")).headers
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
        assert headers["x-content-type-options"] == "nosniff"


async def test_language_and_colours_are_kept(service: Service) -> None:
    async with visitor(service, "TELIA", "nb-NO,nb;q=0.9,en;q=0.5") as telia:
        assert (await telia.get("/me")).one("html").attributes == {"lang": "nb"}
        await telia.client.post("/console/preferences", data={"language": "en", "here": "/console/me"})
        await telia.client.post("/console/preferences", data={"theme": "dark", "here": "/console/me"})
        assert (await telia.get("/me")).one("html").attributes == {"lang": "en", "data-theme": "dark"}
        await telia.client.post("/console/preferences", data={"theme": "auto"})
        assert (await telia.get("/me")).one("html").attributes == {"lang": "en"}


async def test_a_form_that_is_too_large_or_torn(service: Service) -> None:
    async with visitor(service, "TELIA") as telia:
        answer = await telia.client.post(
            "/console/sign-out",
            content=b"a=" + b"x" * 1_100_000,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        assert answer.status_code == 413
        for content in (b"form_token=%ff", b"\xff\xfe", b"&" * 5000, b"a=1" + b"&a=1" * 5000):
            answer = await telia.client.post(
                "/console/sign-out", content=content, headers={"Content-Type": "application/x-www-form-urlencoded"}
            )
            assert answer.status_code == 403


async def test_a_missing_page_says_so(service: Service) -> None:
    async with visitor(service, "TELIA") as telia:
        assert (await telia.get("/nothing", 404)).one("h1").text == "There is no such page"
        answer = await telia.client.get("/console/static/../page.py")
        assert answer.status_code == 404


async def test_one_session_never_becomes_another(service: Service) -> None:
    """What the console asks of the API for one person is not remembered for the next, nor for whoever has no key."""
    case_id = await service.ordered()
    async with visitor(service, "TELIA") as telia, visitor(service, "LYSE") as lyse:
        assert (await telia.get("/numbers/90012345")).one("h1").text == "90012345"
        message = order_fields(main_number="90012346", porting_time="2026-11-23T10:00")
        customer = {f"customer/{name}": value for name, value in message.pop("customer").items()}
        message |= {**customer, "message_id": "00000000-0000-4000-8000-000000000009", "act": "check"}
        await telia.post("/post/NP_BEST", **message)
        answer = await lyse.post("/post/NP_BEST", **message, sender="TELIA")
        assert "Your key does not send for TELIA" in read(answer).one("div", role="alert").text
        service.refused(await telia.client.post("/v1/messages", json={}), "unauthenticated")
        service.refused(await telia.client.get("/v1/routing/90012345"), "unauthenticated")
        await lyse.get(f"/cases/{case_id}", 404)


async def test_a_database_that_is_away_costs_one_page(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader is told so, on a connection that goes on."""

    async def away(*_: object) -> None:
        raise OSError("the database is away")

    async with visitor(service, "TELIA", "nb") as telia:

        async def ask(status: int) -> Any:
            answer = await telia.client.get("/console/work")
            assert answer.status_code == status
            return answer.extensions["network_stream"].get_extra_info("client_addr")

        connection = await ask(200)
        with monkeypatch.context() as patched:
            patched.setattr("nrdb.console.page.find_session", away)
            assert await ask(503) == connection
        assert await ask(200) == connection


async def test_addresses_that_are_none(service: Service) -> None:
    """What a browser never says is no fault of ours."""
    async with visitor(service, "TELIA") as telia, visitor(service) as anybody:
        torn = {"Origin": "http://["}
        answer = await anybody.client.post("/console/sign-in", data={"key": service.keys["TELIA"]}, headers=torn)
        assert answer.status_code == 403
        assert (await telia.client.post("/console/preferences", headers=torn)).status_code == 403
        for address in ("http://[", "", "/console/work", "https://elsewhere.example/console/work"):
            asked = {"HX-Request": "true", "HX-Current-URL": address}
            answer = await anybody.client.get("/console/work/mine", headers=asked)
            assert answer.status_code == 204
            assert answer.headers["hx-redirect"].startswith("/console/sign-in?next=%2Fconsole%2F")


async def test_a_file_is_kept_under_its_own_address_only(service: Service) -> None:
    async with visitor(service) as anybody:
        page = await anybody.get("/")
        for link in page.all("link", rel="stylesheet"):
            kept = await anybody.client.get(link.attributes["href"])
            assert "immutable" in kept.headers["cache-control"]
            roundabout = link.attributes["href"].replace("/static/", "/static/nowhere%2F..%2F")
            assert (await anybody.client.get(roundabout)).status_code == 200
            # An older process may be asked for the file of a newer one.
            other = await anybody.client.get(link.attributes["href"].partition("?")[0], params={"v": "0" * 12})
            assert other.status_code == 200
            assert "immutable" not in other.headers.get("cache-control", "")


async def test_people_of_the_identity_provider(service: Service) -> None:
    """Two browsers that come back for the first time at once are one person; without groups it is signed out."""
    subject = "https://login.example#kari"
    person = Person(subject, "Kari", "operator", ())
    pool = await open_pool(service.dsn, 4)
    try:

        async def comes_back() -> tuple[UUID | None, str]:
            async with record_change(pool, None) as change:
                key_id = await key_of(change, person)
                assert key_id is not None
                return key_id, await begin_session(change.connection, key_id)

        (key_id, secret), *others = await asyncio.gather(*(comes_back() for _ in range(4)))
        assert {key_id} == {other for other, _ in others}
        async with visitor(service) as kari:
            kari.client.cookies.set(COOKIE, secret, path="/console")
            assert "Kari" in (await kari.get("/me")).one("main").text
            async with pool.acquire() as connection:
                await sign_out_everywhere(connection, "https://login.example#ola")
                assert "Kari" in (await kari.get("/me")).one("main").text
                await sign_out_everywhere(connection, subject)
            assert (await kari.get("/me")).one("h1").text == "Sign in"
    finally:
        await pool.close()
