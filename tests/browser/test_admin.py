"""Administration as people do it: every page in every look; an admin blocks a series and transfers a code."""

from typing import Final

from playwright.async_api import Page, expect
from tests.support.browser import Visitors, Watched
from tests.support.service import Service

PAGES: Final = (
    "admin", "admin/keys", "admin/planned", "admin/audit", "admin/change/provider-new", "admin/change/limit",
    "admin/change/provider-change?code=LYSE", "admin/change/transfer?code=LYSE", "admin/change/series-new",
    "admin/change/key-new", "providers", "providers/TELENOR", "series", "limits", "limits?code=TELIA&month=2026-11",
    "calendar?month=2026-12", "overview?from=2026-11-20&to=2026-11-25",
)  # fmt: skip


async def _sign_in(page: Page, key: str) -> None:
    await page.goto("/console/sign-in")
    await page.locator("#key").fill(key)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/console/")


async def test_every_page_in_every_look(service: Service, page: Watched) -> None:
    await service.case_in("awaiting_completion")
    (series,) = (await service.read("/series", number="90012345"))["items"]
    await service.admin("PUT", "/caps/TELIA/2026-11-24", {"limit": 1, "reason": "less"})
    later = {"to": "UNIFON", "reason": "sale", "effective_at": "2027-01-01T00:00:00+01:00"}
    await service.admin("POST", "/provider-codes/CHILI/transfer", later)
    await _sign_in(page.page, service.keys["ADMIN"])
    for path in (*PAGES, f"series/{series['series_id']}"):
        await page.page.goto(f"/console/{path}")
        await expect(page.page.get_by_role("heading", level=1)).to_have_count(1)
        for more in await page.page.locator("main details > summary").all():
            await more.click()
        await page.accessible()
        await page.fits()
    # The steps of a change, a refusal and a code typed wrongly.
    for to, reason, step in (("GLOBCON", "merger", "seen"), ("LYSE", "merger", "to")):
        await page.page.goto("/console/admin/change/transfer?code=LYSE")
        await page.page.locator("[name=to]").fill(to)
        await page.page.locator("[name=reason]").fill(reason)
        await page.page.locator("button[value=review]").click()
        await expect(page.page.locator(f"[name={step}]")).to_have_count(1)
        await page.accessible()
        await page.fits()
        if step == "seen":
            await page.page.locator("#typed").fill("LYS")
            await page.page.keyboard.press("Enter")
            await expect(page.page.locator("#typed")).to_have_attribute("aria-invalid", "true")
            await page.accessible()


async def test_an_admin_blocks_a_series_and_transfers_a_code(service: Service, visitors: Visitors) -> None:
    case_id = await service.ordered(donor="LYSE", main_number="47000001")
    page = (await visitors.visit(java_script_enabled=False)).page
    await _sign_in(page, service.keys["ADMIN"])

    await page.get_by_role("link", name="Number plan").click()
    await page.get_by_label("With the number").fill("57000000")
    await page.keyboard.press("Enter")
    await page.get_by_role("link", name="57000000–57009999").click()
    await page.get_by_role("button", name="Change a series").click()
    await page.get_by_label("State").select_option("blocked")
    await page.get_by_label("Reason").fill("GSM-R")
    await page.get_by_role("button", name="Look at it first").click()
    await expect(page.get_by_role("row", name="State")).to_contain_text("blocked")
    await page.get_by_role("button", name="Confirm: Change a series").click()
    await expect(page.get_by_text("Done: Change a series")).to_be_visible()
    await expect(page.locator("main .badge").first).to_have_text("blocked")

    await page.get_by_role("link", name="Providers").click()
    await page.get_by_role("link", name="LYSE", exact=True).click()
    await page.get_by_role("button", name="Transfer a code").click()
    # In the order TELIA would be its own donor.
    await page.get_by_label("To the code").fill("TELIA")
    await page.get_by_label("Reason").fill("merger")
    await page.get_by_role("button", name="Look at it first").click()
    await expect(page.get_by_label("To the code")).to_have_attribute("aria-invalid", "true")
    await page.get_by_role("link", name=case_id).wait_for()
    await page.get_by_label("To the code").fill("TELENOR")
    await page.get_by_role("button", name="Look at it first").click()
    await page.get_by_role("button", name="Confirm: Transfer a code").click()
    await expect(page.get_by_label("Type LYSE to confirm")).to_have_attribute("aria-invalid", "true")
    await page.get_by_label("Type LYSE to confirm").fill("LYSE")
    await page.get_by_role("button", name="Confirm: Transfer a code").click()
    await expect(page.get_by_text("Done: Transfer a code")).to_be_visible()
    await expect(page.get_by_text("not active").first).to_be_visible()
    assert (await service.case(case_id))["donor"] == "TELENOR"

    await page.get_by_role("link", name="Administration").click()
    await page.get_by_role("link", name="Audit log").click()
    await expect(page.get_by_role("heading", level=2).first).to_have_text("Code transferred: LYSE")
    await page.locator("main summary").first.click()
    await expect(page.get_by_role("row", name="To the code").first).to_contain_text("TELENOR")
