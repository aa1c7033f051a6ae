"""The page of a case in a browser: it changes while people look, and can be read by everybody in every look."""

import pytest
from playwright.async_api import expect
from tests.support.browser import Visitors, Watched
from tests.support.console import visitor
from tests.support.service import KARI, Service, local


async def come_in(service: Service, page: Watched, who: str) -> None:
    """Signed in with a key."""
    async with visitor(service, who) as signed_in:
        cookie = signed_in.client.cookies["nrdb_console"]
    await page.page.context.add_cookies([{"name": "nrdb_console", "value": cookie, "url": f"{page.origin}/console"}])


@pytest.mark.parametrize("state", ["awaiting_recipient", "awaiting_completion", "completed"])
async def test_a_case_in_every_look(service: Service, page: Watched, state: str) -> None:
    case_id = await service.case_in(state)
    await come_in(service, page, "TELIA")
    await page.page.goto(f"/console/cases/{case_id}")
    await expect(page.page.get_by_role("heading", level=1)).to_contain_text("90012345")
    await expect(page.page.get_by_role("img")).to_be_visible()
    await page.accessible()
    await page.fits()


async def test_a_number_and_a_message_in_every_look(service: Service, page: Watched) -> None:
    case_id = await service.case_in("scheduled")
    await come_in(service, page, "TELIA")
    await page.page.goto("/console/numbers/90012345")
    await expect(page.page.get_by_role("img")).to_be_visible()
    await page.accessible()
    await page.fits()
    await page.page.goto(f"/console/cases/{case_id}")
    await page.page.get_by_role("link", name="NP_BEST", exact=True).click()
    await expect(page.page.get_by_role("heading", level=1)).to_contain_text("NP_BEST")
    await page.accessible()
    await page.fits()


async def test_a_case_changes_while_two_look_at_it(service: Service, visitors: Visitors) -> None:
    case_id = await service.ordered()
    mt, at = await visitors.visit(width=1440), await visitors.visit("nb-NO", width=390)
    for who, page in (("TELIA", mt), ("TELENOR", at)):
        await come_in(service, page, who)
        await page.page.goto(f"/console/cases/{case_id}")
    await expect(at.page.get_by_text("Det er din tur.")).to_be_visible()
    # What is shown, and where the drawing has been moved to, stays when the rest changes.
    await mt.page.get_by_role("button", name="Show the customer").click()
    await expect(mt.page.get_by_text(KARI["name"])).to_be_visible()
    drawing = at.page.locator("#case-drawing")
    await drawing.evaluate("one => { one.scrollLeft = 120 }")

    await service.accepted("TELENOR", "NP_GODK", case_id=case_id)
    await expect(mt.page.get_by_text("It is your turn.")).to_be_visible()
    await expect(at.page.get_by_text("Det er din tur.")).to_have_count(0)
    await expect(mt.page.locator("#case-news")).to_contain_text("You must carry the porting out (NP_IVER)")
    await expect(mt.page).to_have_title("90012345: waits for the recipient · nrdb")
    await expect(mt.page.get_by_text(KARI["name"])).to_be_visible()
    assert await drawing.evaluate("one => one.scrollLeft") == 120

    await service.accepted("TELIA", "NP_IVER", case_id=case_id)
    await service.clock(local("2026-11-23 10:00"))
    await expect(at.page.locator("#case-badge")).to_have_text("venter på ferdigmeldinger")
    for code in (await service.case(case_id))["completion"]["missing"]:
        await service.accepted(code, "NP_FERD", case_id=case_id)
    await expect(mt.page.locator("#case-badge")).to_have_text("completed")
    for page in (mt, at):
        # Nothing can follow, so nobody asks any more.
        await expect(page.page.locator("[hx-get]")).to_have_count(0)
        await page.accessible()
        await page.fits()


MARK = """
[...document.querySelectorAll("[hx-get]")].map(one => one.classList.add("htmx-request")).length
"""


async def test_a_page_that_asks_is_as_readable(service: Service, visitors: Visitors) -> None:
    case_id = await service.ordered()
    page = await visitors.visit()
    await come_in(service, page, "TELENOR")
    for path in (f"cases/{case_id}", "work/mine"):
        await page.page.goto(f"/console/{path}")
        # As htmx marks what waits for an answer.
        assert await page.page.evaluate(MARK) == 1
        await page.accessible()


async def test_a_case_without_javascript(service: Service, visitors: Visitors) -> None:
    case_id = await service.ordered()
    page = await visitors.visit(java_script_enabled=False)
    await come_in(service, page, "TELENOR")
    await page.page.goto(f"/console/cases/{case_id}")
    await expect(page.page.get_by_text("Changes appear by themselves")).to_be_hidden()
    await page.page.get_by_role("button", name="Show the customer").press("Enter")
    await expect(page.page.get_by_text(KARI["name"])).to_be_visible()
    # The language changes here, too, and hides again what was shown.
    await page.page.get_by_role("button", name="Norsk").press("Enter")
    await expect(page.page.get_by_text("Det er din tur.")).to_be_visible()
    await expect(page.page.get_by_text(KARI["name"])).to_have_count(0)
    await service.accepted("TELENOR", "NP_GODK", case_id=case_id)
    await page.page.get_by_role("link", name="Last på nytt").press("Enter")
    await expect(page.page.get_by_text("Det er din tur.")).to_have_count(0)
