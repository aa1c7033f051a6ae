"""What the pages carry: it works under a policy without inline code, can be read by everybody, and weighs little."""

from typing import Final

from playwright.async_api import Route, expect
from tests.support.browser import SETTLE, Visitors, Watched, open_made_up
from tests.support.processes import ROOT

STATIC: Final = ROOT / "src" / "nrdb" / "console" / "static"
TYPES: Final = {".css": "text/css", ".js": "text/javascript"}
CONFIG: Final = '{"allowEval":false,"allowScriptTags":false,"includeIndicatorStyles":false,"historyCacheSize":0}'
PAGE: Final = f"""<!doctype html><html lang="en"><head><title>A page</title>
<meta name="htmx-config" content='{CONFIG}'>
<link rel="stylesheet" href="/made-up/vendor/pico.min.css"><link rel="stylesheet" href="/made-up/console.css">
<script src="/made-up/vendor/htmx.min.js"></script></head>
<body><a class="skip" href="#main">Skip</a><header class="top"><a class="brand" href="/">nrdb</a></header>
<main id="main"><div class="head"><h1>A page</h1><span class="badge %s">State</span></div>
<p class="note %s">A note <button class="quiet">Quiet</button> <button class="danger">Danger</button>
<a role="button" class="quiet" href="/">Link</a></p>
<p class="muted">Muted <a href="/">link</a></p><p class="field"><span class="error">Error</span></p>
<button hx-get="/made-up/part" hx-target="#part">Get</button><p id="part">before</p></main></body></html>"""


async def open_page(page: Watched, state: str = "act") -> None:
    """The page, its files and one part of it, as if the service had sent them."""

    async def send(route: Route) -> None:
        name = route.request.url.partition("/made-up/")[2]
        if name == "part":
            await route.fulfill(body="after", content_type="text/html")
        else:
            file = STATIC / name
            await route.fulfill(path=file, content_type=TYPES[file.suffix])

    await page.page.route("**/made-up/**", send)
    await open_made_up(page, PAGE % (state, state))


async def test_parts_arrive_without_inline_code(page: Watched) -> None:
    await open_page(page)
    await page.page.click("text=Get")
    await expect(page.page.locator("#part")).to_have_text("after")


async def test_every_state_can_be_read(page: Watched) -> None:
    for state in ("act", "wait", "good", "bad", "off"):
        await open_page(page, state)
        await page.accessible()
        await page.fits()


async def test_the_theme_that_somebody_chose_wins(visitors: Visitors) -> None:
    page = await visitors.visit(scheme="light")
    await open_page(page)
    colour = "getComputedStyle(document.documentElement).backgroundColor"
    light = await page.page.evaluate(colour)
    await page.page.evaluate("document.documentElement.dataset.theme = 'dark'")
    await page.page.evaluate(SETTLE)
    dark = await page.page.evaluate(colour)
    assert light != dark
    await page.accessible()
