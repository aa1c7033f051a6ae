"""Every page as people see it, in every look; and a porting by hand from sign-in to the last report."""

from typing import Final

from playwright.async_api import Page, expect
from tests.support.browser import Visitors, Watched
from tests.support.service import Service

PAGES: Final = ("", "work/mine", "work/others", "work/near", "work/overdue", "work/obsolete", "post",
                "post/NP_BEST?main_number=90012346", "post/5_IVER", "numbers/90012345", "providers",
                "providers/TELENOR",
                "rules", "me", "find?q=nothing+of+the+kind", "overview", "series", "limits", "calendar",
                "admin/change/contacts?code=TELIA")  # fmt: skip


async def sign_in(page: Page, key: str) -> None:
    await page.goto("/console/sign-in")
    await page.locator("#key").fill(key)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/console/")


async def test_every_page_in_every_look(service: Service, page: Watched) -> None:
    case_id = await service.case_in("awaiting_recipient")
    await sign_in(page.page, service.keys["TELIA"])
    for path in (*PAGES, f"cases/{case_id}", f"cases/{case_id}/post/NP_IVER", f"cases/{case_id}/post/NP_ENDR"):
        await page.page.goto(f"/console/{path}")
        await expect(page.page.get_by_role("heading", level=1)).to_have_count(1)
        await page.accessible()
        await page.fits()
    # A refusal at its field is as readable as the rest.
    await page.page.goto(f"/console/cases/{case_id}/post/NP_ENDR")
    await page.page.locator("[name=porting_time]").fill("2026-11-23T08:05:00")
    await page.page.locator("button[value=send]").click()
    await expect(page.page.locator("[name=porting_time]")).to_have_attribute("aria-invalid", "true")
    await page.accessible()


async def test_a_list_that_is_renewed_keeps_the_focus(service: Service, visitors: Visitors) -> None:
    first = await service.ordered()
    page = (await visitors.visit()).page
    await sign_in(page, service.keys["TELENOR"])
    await page.goto("/console/work/mine")
    link = page.locator(f'a[href="/console/cases/{first}"]')
    await link.focus()
    second = await service.ordered(main_number="90012346")
    await expect(page.locator(f'a[href="/console/cases/{second}"]')).to_be_visible(timeout=30_000)
    await expect(link).to_be_focused()


async def test_a_case_that_changes_keeps_the_focus_and_what_is_open(service: Service, visitors: Visitors) -> None:
    case_id = await service.ordered()
    page = (await visitors.visit()).page
    await sign_in(page, service.keys["TELIA"])
    await page.goto(f"/console/cases/{case_id}")
    remark = page.locator("#case-remarks details").filter(has_text="A change that is sent by")
    await remark.locator("summary").click()
    now = page.locator("#case-drawing line.now")
    before = await now.get_attribute("x1")
    assert before
    await service.clock(minutes=1)
    await expect(now).not_to_have_attribute("x1", before, timeout=15_000)
    await expect(remark).to_have_attribute("open", "")
    stop = page.get_by_role("button", name="Stop", exact=True)
    await stop.focus()
    await service.accepted("TELENOR", "NP_GODK", case_id=case_id)
    await expect(page.get_by_role("button", name="Carry out")).to_be_visible(timeout=15_000)
    await expect(stop).to_be_focused()


async def test_the_lawful_times_follow_what_is_typed(service: Service, visitors: Visitors) -> None:
    page = (await visitors.visit()).page
    await sign_in(page, service.keys["TELIA"])
    await page.goto("/console/post/NP_BEST")
    window = page.locator(".window")
    await expect(window).to_be_hidden()
    await page.get_by_label("Main number").fill("900 12 345")
    await page.get_by_label("Donor (AT)").fill("TELENOR")
    await page.get_by_label("Reference of the authorisation").focus()
    await expect(window).to_contain_text("From Mon 2026-11-23 08:35")
    # A whole series on a day that has room for less.
    await service.admin("PUT", "/caps/TELIA/2026-11-23", {"limit": 10, "reason": "test"})
    await page.get_by_label("Type of order").select_option("S")
    await page.get_by_label("Series").fill("90012300-90012399")
    await page.get_by_label("Main number").fill("90012300")
    await page.get_by_label("Reference of the authorisation").focus()
    await expect(window).to_contain_text("From Tue 2026-11-24 00:00")


async def test_a_porting_by_hand(service: Service, visitors: Visitors) -> None:
    """A clerk at the recipient, one at the donor and one at a network; each sees what the others do by itself."""
    mt, at, network = [await visitors.visit() for _ in range(3)]
    for person, code in ((mt, "TELIA"), (at, "TELENOR"), (network, "LYSE")):
        await sign_in(person.page, service.keys[code])

    page = mt.page
    await page.get_by_role("link", name="Post").click()
    await page.get_by_label("Main number").first.fill("900 12 345")
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Donor (AT)")).to_have_value("TELENOR")
    await page.get_by_label("Type of order").select_option("E")
    await page.get_by_label("Porting time").fill("2026-11-23T10:00:00")
    await page.get_by_label("Customer's name").fill("Kari Nordmann")
    await page.get_by_label("Date of birth").fill("1980-01-31")
    await page.get_by_label("Reference of the authorisation").fill("ref-1")
    await page.get_by_role("button", name="Check only").click()
    await expect(page.get_by_text("It would be accepted now.")).to_be_visible()
    await page.get_by_role("button", name="Send NP_BEST").click()
    await expect(page.get_by_text("Your NP_BEST is accepted.")).to_be_visible()
    assert "Kari Nordmann" not in await page.content()

    await at.page.get_by_role("link", name="Work", exact=True).click()
    await at.page.get_by_role("link", name="90012345").click()
    await at.page.get_by_role("button", name="Show the customer").click()
    await expect(at.page.get_by_text("Kari Nordmann")).to_be_visible()
    await at.page.get_by_role("button", name="Approve").click()
    await at.page.get_by_role("button", name="Send NP_GODK").click()

    # The recipient's page has changed by itself.
    await page.get_by_role("button", name="Carry out").click()
    await page.get_by_role("button", name="Send NP_IVER").click()
    await expect(page.get_by_text("Your NP_IVER is accepted.")).to_be_visible()
    case_id = page.url.rpartition("/")[2].partition("?")[0]
    await service.clock(hours=3)
    for code in (await service.case(case_id))["completion"]["missing"]:
        if code != "LYSE":
            await service.accepted(code, "NP_FERD", case_id=case_id)
    await network.page.goto("/console/work")
    await network.page.get_by_role("link", name="90012345").click()
    await network.page.get_by_role("button", name="Report as done").click()
    await network.page.get_by_role("button", name="Send NP_FERD").click()
    await expect(page.get_by_text("everybody has reported so").first).to_be_visible()
    await at.page.goto("/console/find?q=90012345")
    await expect(at.page.get_by_text("TELIA").first).to_be_visible()
