"""Signing in as people do it: with a key, and at an identity provider."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from playwright.async_api import Browser, expect
from tests.support import processes
from tests.support.browser import Visitors, Watched
from tests.support.identity_provider import identity_provider, sign_in
from tests.support.nginx import free_port
from tests.support.processes import bearer, client_of
from tests.support.server import BEGINNING, DATA_KEY, Databases
from tests.support.service import Service, local

START = "2026-11-23 08:00"
WORDS = {"nb-NO": ("Logg inn", "Nøkkelen din"), "en-GB": ("Sign in", "Your key")}


async def test_sign_in_with_a_key(service: Service, page: Watched) -> None:
    await page.page.goto("/console")
    language = await page.page.evaluate("navigator.language")
    button, label = WORDS[language]
    await expect(page.page.get_by_role("heading", level=1)).to_have_text(button)
    await page.accessible()
    await page.fits()
    await page.page.get_by_label(label).fill(service.keys["TELIA"])
    await page.page.keyboard.press("Enter")
    await expect(page.page.get_by_role("heading", level=1)).to_have_text("Start")
    await page.accessible()
    await page.fits()


async def test_a_number_is_found_by_keyboard_and_without_javascript(service: Service, visitors: Visitors) -> None:
    page = await visitors.visit(java_script_enabled=False)
    await page.page.goto("/console/")
    await page.page.get_by_label("Your key").fill(service.keys["OPERATOR"])
    await page.page.keyboard.press("Enter")
    await page.page.get_by_role("banner").get_by_role("searchbox").fill("+47 900 12 345")
    await page.page.keyboard.press("Enter")
    await expect(page.page.get_by_role("heading", level=1)).to_contain_text("90012345")
    await page.page.get_by_role("button", name="Norsk").click()
    await expect(page.page.locator("html")).to_have_attribute("lang", "nb")
    await expect(page.page.get_by_role("heading", level=1)).to_contain_text("90012345")


@asynccontextmanager
async def served_with_a_provider(
    databases: Databases, browser: Browser, folder: Path, **people: list[str]
) -> AsyncIterator[tuple[Visitors, processes.Process]]:
    """`nrdb serve` where people sign in at a provider: group `porting` is TELIA's, `desk` and `boss` see all."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with identity_provider(f"{address}/console/sign-in/back", **people) as provider:
        async with databases.sandbox(local(START)) as dsn:
            settings = {
                "NRDB_DATABASE_URL": dsn,
                "NRDB_DATA_KEY": DATA_KEY,
                "NRDB_SANDBOX_START": BEGINNING.isoformat(),
                "NRDB_PORT": str(port),
                "NRDB_PUBLIC_URL": address,
                "NRDB_OIDC_ISSUER": provider.issuer,
                "NRDB_OIDC_CLIENT_ID": provider.client_id,
                "NRDB_OIDC_CLIENT_SECRET": provider.client_secret,
                "NRDB_OIDC_GROUPS": json.dumps({"porting": "TELIA", "desk": "operator", "boss": "admin"}),
            }
            with processes.process(folder / "data", "serve", **settings) as started:
                await asyncio.to_thread(started.await_address)
                visitors = Visitors(browser, address, others={provider.issuer})
                yield visitors, started
                await visitors.leave()
                await asyncio.to_thread(started.end)


async def at_provider(page: Watched, name: str, path: str = "/console/") -> None:
    await page.page.goto(path)
    await page.page.get_by_role("button", name="Sign in with your organisation's account").click()
    await sign_in(page.page, name)


async def back_from_provider(page: Watched, name: str) -> str:
    """Where the provider sends a browser back to that has begun to sign in here; the browser has not gone there yet."""
    await page.page.goto("/console/sign-in")
    begin = page.page.get_by_role("button", name="Sign in with your organisation's account")
    asks = page.page.context.request
    asked = await asks.get(str(await begin.get_attribute("href")), max_redirects=0)
    answered = await asks.post(asked.headers["location"], form={"sub": name}, max_redirects=0)
    return answered.headers["location"]


async def test_sign_in_at_an_identity_provider(databases: Databases, browser: Browser, tmp_path: Path) -> None:
    people = {"kari": ["porting"], "ola": ["desk", "porting"], "eve": ["others"]}
    async with served_with_a_provider(databases, browser, tmp_path, **people) as (visitors, started):
        kari = await visitors.visit()
        await at_provider(kari, "kari", "/console/numbers/90012345")
        await expect(kari.page.get_by_role("heading", level=1)).to_contain_text("90012345")
        await kari.page.goto("/console/me")
        await expect(kari.page.get_by_role("main")).to_contain_text("Kari")
        await expect(kari.page.get_by_role("main")).to_contain_text("TELIA")

        # The best role of all groups holds.
        ola = await visitors.visit()
        await at_provider(ola, "ola", "/console/me")
        await expect(ola.page.get_by_role("main")).to_contain_text("operator")

        # Whoever is in none of our groups is nobody here.
        eve = await visitors.visit()
        await at_provider(eve, "eve")
        await expect(eve.page.get_by_role("heading", level=1)).to_have_text("You are not signed in")

        # The audit log names them, and revoking ends the session and all later ones.
        with client_of(started) as client:
            admin = bearer(databases.keys["ADMIN"])
            keys = client.get("/v1/admin/keys", params={"limit": 1000}, headers=admin).json()["items"]
            (hers,) = (key for key in keys if key["label"] == "Kari")
            assert (hers["role"], hers["codes"]) == ("provider", ["TELIA"])
            assert client.delete(f"/v1/admin/keys/{hers['key_id']}", headers=admin).is_success
        await kari.page.goto("/console/me")
        await expect(kari.page.get_by_role("heading", level=1)).to_have_text("Sign in")
        await at_provider(kari, "kari")
        await expect(kari.page.get_by_role("heading", level=1)).to_have_text("You are not signed in")


async def test_an_answer_of_another_attempt_signs_nobody_in(
    databases: Databases, browser: Browser, tmp_path: Path
) -> None:
    async with served_with_a_provider(databases, browser, tmp_path, kari=["porting"]) as (visitors, _):
        page = await visitors.visit()
        for query in ("", "?code=x&state=y", "?error=access_denied"):
            await page.page.goto(f"/console/sign-in/back{query}")
            await expect(page.page.get_by_role("heading", level=1)).to_have_text("You are not signed in")
        # A good code under another state is somebody else's, put upon this browser; under its own it is good.
        for mend, heading in ((str.upper, "You are not signed in"), (str, "Start")):
            back = await back_from_provider(page, "kari")
            state = parse_qs(urlsplit(back).query)["state"][0]
            assert state.upper() != state
            await page.page.goto(back.replace(state, mend(state)))
            await expect(page.page.get_by_role("heading", level=1)).to_have_text(heading)
        await page.page.context.clear_cookies()
        # The right state with another's code.
        await page.page.goto("/console/")
        target = await page.page.get_by_role("button", name="Sign in with your").get_attribute("href")
        answer = await page.page.context.request.get(str(target), max_redirects=0)
        state = answer.headers["location"].partition("state=")[2].partition("&")[0]
        await page.page.goto(f"/console/sign-in/back?code=stolen&state={state}")
        await expect(page.page.get_by_role("heading", level=1)).to_have_text("You are not signed in")
