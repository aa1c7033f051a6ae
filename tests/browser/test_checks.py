"""The checks that every page is put through find what they are for."""

from typing import Final
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from playwright.async_api import Browser
from tests.support.browser import SETTLE, Visitors, Watched, open_made_up, violations
from tests.support.identity_provider import identity_provider, sign_in
from tests.support.processes import Process
from tests.support.service import Service

PICTURE: Final = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="
SOUND: Final = f"""<!doctype html><html lang="en"><title>A page</title>
<main><h1>A page</h1><p>Text</p><img src="{PICTURE}" alt="A picture"></main></html>"""


async def test_nothing_is_found_in_a_sound_page(page: Watched) -> None:
    await open_made_up(page, SOUND)
    await page.accessible()
    await page.fits()
    language, dark, width = await page.page.evaluate(
        "[navigator.language, matchMedia('(prefers-color-scheme: dark)').matches, innerWidth]"
    )
    assert (language, dark, width) in {
        (locale, scheme, at) for locale in ("nb-NO", "en-GB") for scheme in (True, False) for at in (390, 1440)
    }


async def test_what_people_cannot_use_is_found(visitors: Visitors) -> None:
    page = await visitors.visit()
    await page.page.set_content(
        '<!doctype html><html lang="en"><title>A page</title><main><h1>A page</h1>'
        f'<img src="{PICTURE}">'
        '<p style="color:#aaa;background:#fff">Pale</p><input name="nameless"></main>'
    )
    found = "\n".join(await violations(page.page))
    for rule in ("image-alt", "color-contrast", "label"):
        assert f": {rule}: " in found
    with pytest.raises(AssertionError, match="image-alt"):
        await page.accessible()


async def test_a_page_that_scrolls_sideways_is_found(visitors: Visitors) -> None:
    page = await visitors.visit(width=390)
    await page.page.set_content('<!doctype html><div style="width:600px">wide</div>')
    with pytest.raises(AssertionError, match="608 wide in 390"):
        await page.fits()


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        ("<script>1</script>", "policy: script-src-elem forbids inline"),
        ("<style>p { color: red }</style>", "policy: style-src-elem forbids inline"),
        ('<p style="color: red">red</p>', "policy: style-src-attr forbids inline"),
        ('<p onclick="1">click</p>', "policy: script-src-attr forbids inline"),
        ('<img src="http://127.0.0.1:1/absent.png" alt="">', "policy: img-src forbids http://127.0.0.1:1/absent.png"),
    ],
)
async def test_what_the_policy_forbids_is_found(visitors: Visitors, wrong: str, found: str) -> None:
    page = await visitors.visit()
    await open_made_up(page, SOUND.replace("<p>Text</p>", wrong))
    await page.page.evaluate(SETTLE)
    page.expected(found, "console: ")
    page.failures = [failure for failure in page.failures if "absent.png" not in failure]


async def test_a_request_to_another_host_is_found(visitors: Visitors) -> None:
    page = await visitors.visit()
    await page.page.set_content('<!doctype html><img src="http://127.0.0.1:1/absent.png" alt="">')
    await page.page.evaluate(SETTLE)
    page.expected("foreign: http://127.0.0.1:1/", "failed: http://127.0.0.1:1/")


async def test_an_error_of_a_script_is_found(visitors: Visitors, service: Service) -> None:
    page = await visitors.visit()
    await page.page.goto(f"{service.address}/healthz")
    await page.page.evaluate("console.error('it broke'); setTimeout(() => { throw new Error('it threw') })")
    await page.page.evaluate(SETTLE)
    page.expected("console: it broke", "script: it threw")


async def test_what_is_left_over_fails_the_test(visitors: Visitors) -> None:
    page = await visitors.visit()
    await page.page.evaluate("console.error('it broke')")
    await page.page.evaluate(SETTLE)
    with pytest.raises(AssertionError, match="it broke"):
        await visitors.leave()
    page.failures.clear()


async def test_the_service_is_a_program_that_a_browser_reaches(process: Process, browser: Browser) -> None:
    visitors = Visitors(browser, process.address)
    page = await visitors.visit()
    answer = await page.page.goto("/healthz")
    assert answer is not None
    assert answer.status == 200
    await visitors.leave()


async def test_people_sign_in_at_the_identity_provider(browser: Browser, service: Service) -> None:
    back = f"{service.address}/healthz"
    with identity_provider(back, kari=["nrdb-telia"]) as provider:
        visitors = Visitors(browser, service.address, others={provider.issuer})
        page = await visitors.visit()
        async with httpx.AsyncClient(trust_env=False) as client:
            found = (await client.get(f"{provider.issuer}/.well-known/openid-configuration")).json()

            async def exchange(verifier: str) -> httpx.Response:
                await page.page.goto(f"{found['authorization_endpoint']}?{urlencode(asked)}")
                await sign_in(page.page, "kari")
                await page.page.wait_for_url(f"{back}?*")
                (code,) = parse_qs(urlsplit(page.page.url).query)["code"]
                fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": back}
                return await client.post(
                    found["token_endpoint"],
                    data={**fields, "code_verifier": verifier},
                    auth=(provider.client_id, provider.client_secret),
                )

            # The example of RFC 7636, appendix B.
            challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
            asked = {
                "response_type": "code", "client_id": provider.client_id, "scope": "openid profile", "state": "s",
                "redirect_uri": back, "nonce": "n", "code_challenge": challenge, "code_challenge_method": "S256",
            }  # fmt: skip
            refused = await exchange("something-else")
            assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
            asked["nonce"] = "m"
            token = (await exchange("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")).json()["id_token"]
            keys = KeySet.import_key_set((await client.get(found["jwks_uri"])).json())
        claims = jwt.decode(token, keys, algorithms=["RS256"]).claims
        assert (claims["sub"], claims["groups"], claims["nonce"]) == ("kari", ["nrdb-telia"], "m")
        await visitors.leave()
