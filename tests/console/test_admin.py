"""Administration by form: what was and what will be, a reason, and who may."""

from typing import Any

import pytest
from tests.support.console import Element, Visitor, read, visitor
from tests.support.service import Service

PAGES = (
    "/admin", "/admin/keys", "/admin/keys?revoked=yes&q=telia", "/admin/planned", "/admin/audit", "/series",
    "/series?holder=TELENOR", "/series?number=90012345", "/limits", "/limits?code=TELENOR&month=2026-11", "/calendar",
    "/calendar?month=2026-12", "/providers", "/providers/TELIA", "/overview",
)  # fmt: skip


@pytest.mark.parametrize("language", ["en", "nb"])
async def test_every_page_answers(service: Service, language: str) -> None:
    await service.case_in("awaiting_completion")
    (series,) = (await service.read("/series", number="90012345"))["items"]
    for who in ("ADMIN", "OPERATOR", "TELENOR"):
        async with visitor(service, who, language) as person:
            for path in (*PAGES, f"/series/{series['series_id']}"):
                page = await person.get(path, 403 if who == "TELENOR" and path.startswith("/admin") else 200)
                assert len(page.all("h1")) == 1


def table(page: Element) -> dict[str, tuple[str, str]]:
    """Before and after of the review, by what it is about."""
    (shown,) = [
        found
        for found in page.all("table")
        if found.all("ins")
        or found.all("del")
        or {"Before", "Før"} & {head.text for head in found.all("th", scope="col")}
    ]
    return {row.one("th").text: tuple(cell.text for cell in row.all("td")) for row in shown.one("tbody").all("tr")}  # type: ignore[misc]


def hidden(page: Element) -> dict[str, str]:
    """What the review carries to the confirmation."""
    (form,) = [found for found in page.all("form") if "/admin/change/" in found.attributes.get("action", "")]
    return {
        field.attributes["name"]: field.attributes["value"]
        for field in form.all("input", type="hidden")
        if field.attributes["name"] != "form_token"
    }


async def _step(person: Visitor, path: str, expected: int, fields: dict[str, str]) -> Element:
    response = await person.post(f"/admin/change/{path}", **fields)
    if response.is_redirect:
        response = await person.client.get(response.headers["location"])
    assert response.status_code == expected, read(response).one("main").text
    return read(response)


async def review(person: Visitor, path: str, expected: int = 200, /, **fields: str) -> Element:
    """The second step."""
    return await _step(person, path, expected, {"step": "review", **fields})


async def confirm(person: Visitor, path: str, shown: Element, expected: int = 200, /, **more: str) -> Element:
    """The third step, from a review."""
    return await _step(person, path, expected, {"step": "confirm", **hidden(shown), **more})


def error_at(page: Element, name: str) -> str:
    """What stands at a field as wrong."""
    (field,) = [
        found
        for kind in ("input", "select", "textarea")
        for found in page.all(kind, name=name)
        if found.attributes.get("type") != "hidden"
    ]
    assert field.attributes["aria-invalid"] == "true"
    described = field.attributes["aria-describedby"].split()[-1]
    return page.one("p", id=described).text


async def last_line(service: Service) -> dict[str, Any]:
    """The newest line of the audit log."""
    (line,) = (await service.read("/audit", newest="true", limit=1))["items"]
    return dict(line)


NEW: dict[str, str] = {
    "code": "nytt", "name": "Nytt AS", "terminating": "yes", "routing_number": "+47990099",
    "contact/email": "porting@nytt.example", "contact/phone": "22000000", "reason": "new licence",
}  # fmt: skip


async def test_a_new_provider(service: Service) -> None:
    async with visitor(service, "ADMIN") as admin:
        async with service.unchanged():
            page = await review(admin, "provider-new", 422, **NEW | {"reason": " "})
            assert error_at(page, "reason") == "must be filled in"
            page = await review(admin, "provider-new", 422, **NEW | {"routing_number": ""})
            assert "routing_number" in page.text
            page = await review(admin, "provider-new", 422, **NEW | {"contact/email": "nobody"})
            assert error_at(page, "contact/email")
            assert page.one("input", name="name").attributes["value"] == "Nytt AS"
            page = await review(admin, "provider-new", 409, **NEW | {"code": "TELIA"})
            assert "TELIA" in error_at(page, "code")
            shown = await review(admin, "provider-new", **NEW)
        assert table(shown)["Name"] == ("–", "Nytt AS")
        assert "new licence" in shown.text
        page = await confirm(admin, "provider-new", shown)
        assert page.one("h1").text == "NYTT"
        assert "Done: New provider" in page.text
        line = await last_line(service)
        assert (line["action"], line["subject"], line["reason"]) == ("provider-created", "NYTT", "new licence")
        # The same form again is told so at its field.
        page = await confirm(admin, "provider-new", shown, 409)
        assert error_at(page, "code")


async def test_a_provider_is_changed(service: Service) -> None:
    async with visitor(service, "ADMIN") as admin:
        page = await admin.get("/admin/change/provider-change", code="LYSE")
        before = {field.attributes["name"]: field.attributes["value"] for field in page.all("input", type="text")}
        was = {field.attributes["name"]: field.attributes["value"] for field in page.all("input", type="hidden")}
        fields = was | before | {"terminating": "yes", "active": "yes", "reason": "moved"}
        page = await review(admin, "provider-change?code=LYSE", 422, **fields)
        assert "Nothing would be different." in page.text
        shown = await review(admin, "provider-change?code=LYSE", **fields | {"contact/phone": "55555555"})
        lines = table(shown)
        assert lines["Contact, Telephone"] == (before["contact/phone"], "55555555")
        assert lines["Name"] == (before["name"], before["name"])
        # Somebody else changes it meanwhile: it is shown again, and nothing is written back.
        await service.admin("PATCH", "/providers/LYSE", {"name": "Lyse Tele AS"})
        again = await confirm(admin, "provider-change?code=LYSE", shown, 409)
        assert "It has changed since you looked." in again.text
        assert (await last_line(service))["after"]["name"] == "Lyse Tele AS"
        assert table(again)["Name"] == ("Lyse Tele AS", "Lyse Tele AS")
        assert table(again)["Contact, Telephone"] == (before["contact/phone"], "55555555")
        # What others have changed since the form was opened stays theirs, in the other half of a field's parts, too.
        contact = {"email": "new@lyse.example", "phone": before["contact/phone"]}
        await service.admin("PATCH", "/providers/LYSE", {"contact": contact})
        again = await review(admin, "provider-change?code=LYSE", **fields | {"contact/phone": "55555555"})
        await confirm(admin, "provider-change?code=LYSE", again)
        assert (await last_line(service))["after"]["contact"] == {"email": "new@lyse.example", "phone": "55555555"}
        (lyse,) = [one for one in (await service.read("/providers", limit=1000))["items"] if one["code"] == "LYSE"]
        assert (lyse["name"], lyse["contact"]["phone"]) == ("Lyse Tele AS", "55555555")
        # It holds series, so it stays active, and the page says which.
        page = await review(admin, "provider-change?code=LYSE", 409, **fields | {"active": "no"})
        assert "LYSE" in error_at(page, "active")
        assert "Series that hinder it" in page.text
        # What it may do without is taken away by emptying the field.
        page = await admin.get("/admin/change/provider-change", code="LYSE")
        was = {field.attributes["name"]: field.attributes["value"] for field in page.all("input", type="hidden")}
        fields |= was | {"name": "Lyse Tele AS", "contact/phone": "55555555", "contact/email": "new@lyse.example"}
        for number in ("914778271", ""):
            typed = fields | {"organisation_number": number, "was-organisation_number": "" if number else "914778271"}
            shown = await review(admin, "provider-change?code=LYSE", **typed)
            assert table(shown)["Organisation number"][1] == (number or "–")
            await confirm(admin, "provider-change?code=LYSE", shown)
            assert (await last_line(service))["after"]["organisation_number"] == (number or None)
        page = await review(admin, "provider-change?code=LYSE", 422, **fields | {"routing_number": ""})
        assert error_at(page, "routing_number")
        page = await review(admin, "provider-change?code=NOBODY", 404, **fields)
        assert "There is no such page" in page.text


async def test_a_code_is_transferred(service: Service) -> None:
    case_id = await service.ordered()
    async with visitor(service, "ADMIN") as admin:
        path = "transfer?code=TELENOR"
        page = await review(admin, path, 409, to="TELIA", reason="merger")
        assert "TELENOR" in error_at(page, "to")
        assert page.all("a", href=f"/console/cases/{case_id}")
        page = await review(admin, path, 409, to="TELENOR", reason="merger")
        assert error_at(page, "to")
        page = await review(admin, path, 422, to="NOBODY", reason="merger")
        assert error_at(page, "to")
        page = await review(admin, path, 409, to="LYSE", reason="merger", effective_at="2026-11-01T00:00")
        assert error_at(page, "effective_at")
        page = await review(admin, path, 422, to="LYSE", reason="merger", effective_at="2027-03-28T02:30")
        assert "the clocks go forward" in error_at(page, "effective_at")
        async with service.unchanged():
            shown = await review(admin, path, to="LYSE", reason="merger")
            effects = (
                await service.client.post(
                    "/v1/admin/provider-codes/TELENOR/transfer?dry_run=true",
                    headers=service.headers("ADMIN"),
                    json={"to": "LYSE", "reason": "merger"},
                )
            ).json()
            counts = dict(zip(*(
                [one.text for one in shown.all("dl", class_="facts")[-1].all(name)] for name in ("dt", "dd")
            ), strict=True))  # fmt: skip
            assert counts["Series that change"] == str(effects["series_count"])
            assert counts["Cases that follow"] == "1"
            for typed in ("", "LYSE", "TELENO"):
                page = await confirm(admin, path, shown, 422, typed=typed)
                assert "is not TELENOR" in page.text
        page = await confirm(admin, path, shown, typed="telenor")
        assert page.one("h1").text == "TELENOR"
        assert "not active" in page.text
        assert (await service.case(case_id))["donor"] == "LYSE"
        assert (await last_line(service))["reason"] == "merger"


async def test_a_transfer_is_planned_and_cancelled(service: Service) -> None:
    async with visitor(service, "ADMIN") as admin, visitor(service, "OPERATOR", "nb") as operator:
        path = "transfer?code=LYSE"
        shown = await review(admin, path, to="TELENOR", reason="sale", effective_at="2027-01-01T00:00")
        assert "Fri 2027-01-01 00:00" in shown.text
        page = await confirm(admin, path, shown, typed="LYSE")
        assert "Set for later: Transfer a code" in page.text
        (planned,) = (await service.read("/admin/planned-changes"))["items"]
        assert planned["due_at"] == "2026-12-31T23:00:00Z"
        page = await operator.get("/admin/planned")
        assert "Kode overført" in page.text
        assert "fre. 01.01.2027 00.00" in page.text
        assert not page.one("main").all("form")
        assert "Avlys" not in page.one("main").text
        page = await admin.get("/admin/planned")
        address = page.one("main").all("a")[-1].attributes["href"]
        shown = await review(admin, address.rpartition("/")[2], reason="postponed")
        assert table(shown)["Becomes, To the code"] == ("TELENOR", "–")
        await confirm(admin, address.rpartition("/")[2], shown)
        assert (await service.read("/admin/planned-changes"))["items"] == []
        assert (await last_line(service))["reason"] == "postponed"
        await confirm(admin, address.rpartition("/")[2], shown, 404)


async def test_keys(service: Service) -> None:
    fields = {"role": "provider", "codes": "telia\nLYSE", "label": "robot", "reason": "new engine"}
    async with visitor(service, "ADMIN") as admin:
        page = await review(admin, "key-new", 422, **fields | {"role": "operator"})
        assert "the others have none" in page.one("div", role="alert").text
        page = await review(admin, "key-new", 422, **fields | {"codes": "NOBODY"})
        assert error_at(page, "codes")
        shown = await review(admin, "key-new", **fields)
        made = await confirm(admin, "key-new", shown)
        key = made.one("input", id="key").attributes["value"]
        answer = await service.client.get("/v1/me", headers={"Authorization": f"Bearer {key}"})
        assert answer.json()["codes"] == ["TELIA", "LYSE"]
        # Sent twice, it makes no second key: there is one more than the form has shown.
        page = await confirm(admin, "key-new", shown, 409)
        assert "It has changed since you looked." in page.text
        page = await admin.get("/admin/keys", q="robot")
        assert key not in page.text
        key_id = made.one("code").text
        for name in ("key-limits", "key-revoke"):
            assert page.all("a", href=f"/console/admin/change/{name}?key_id={key_id}")
        path = f"key-limits?key_id={key_id}"
        page = await review(admin, path, 422, requests_per_second="many", reason="load")
        assert error_at(page, "requests_per_second") == "is not a whole number of 15 digits at most"
        shown = await review(admin, path, requests_per_second="7", streams="", reason="load")
        assert table(shown)["Requests a second"] == ("–", "7")
        await confirm(admin, path, shown)
        shown = await review(admin, f"key-revoke?key_id={key_id}", reason="lost")
        assert table(shown)["Revoked"] == ("–", "now")
        await confirm(admin, f"key-revoke?key_id={key_id}", shown)
        answer = await service.client.get("/v1/me", headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == 401
        assert (await last_line(service))["reason"] == "lost"


async def test_series(service: Service) -> None:
    async with visitor(service, "ADMIN") as admin:
        fields = {"first": "90 01 00 00", "last": "90010009", "holder": "telia", "reason": "assigned"}
        page = await review(admin, "series-new", 409, **fields)
        assert error_at(page, "first")
        assert "TELENOR" in page.one("main").text
        shown = await review(admin, "series-new", **fields | {"first": "99000000", "last": "99000099"})
        page = await confirm(admin, "series-new", shown)
        assert "99000000–99000099" in page.text
        (series,) = (await service.read("/series", number="99000000"))["items"]
        path = f"?series_id={series['series_id']}"
        shown = await review(admin, f"series-split{path}", first="99000000", last="99000049", reason="sale")
        assert "99000050–99000099" in table(shown)["Series then"][1]
        await confirm(admin, f"series-split{path}", shown)
        await service.clock(minutes=1)
        shown = await review(admin, f"series-change{path}", status="blocked", reason="TETRA")
        assert table(shown)["State"] == ("open", "blocked")
        page = await confirm(admin, f"series-change{path}", shown)
        assert page.one("span", class_="badge").text == "blocked"
        assert [row.all("td")[3].text for row in page.all("tbody")[-1].all("tr")] == ["open", "blocked"]
        # What is ported away cannot be blocked.
        await service.case_in("awaiting_completion")
        (series,) = (await service.read("/series", number="90012345"))["items"]
        path = f"series-change?series_id={series['series_id']}"
        page = await review(admin, path, 409, status="blocked", reason="TETRA")
        assert error_at(page, "status")
        assert page.all("a", href="/console/numbers/90012345")
        page = await admin.get(f"/series/{series['series_id']}")
        assert "90012345" in page.text
        assert "TELIA" in page.text


async def test_the_map_is_what_the_report_says(service: Service) -> None:
    await service.case_in("awaiting_completion")
    items = (await service.read("/reports/series", limit=1000))["items"]
    (ported,) = [one for one in items if one["ported_count"]]
    assert (ported["ported_count"], ported["holder"]) == (1, "TELENOR")
    async with visitor(service, "OPERATOR") as operator:
        page = await operator.get("/series")
        shown = {row.one("th").text: [cell.text for cell in row.all("td")] for row in page.one("tbody").all("tr")}
        assert len(shown) == len(items)
        cells = shown[f"{ported['first']}–{ported['last']}"]
        assert cells[3] == f"1 of {ported['number_count']}"
        (drawn,) = page.all("svg", role="img")
        assert any(one.text.startswith(ported["first"]) for one in drawn.all("title"))
        assert "Change" not in page.one("main").text
    async with visitor(service, "TELIA") as stranger:
        page = await stranger.get("/series", holder="TELENOR")
        assert "1 of" not in page.text
        page = await stranger.get(f"/series/{ported['series_id']}")
        assert "90012345" not in page.text


async def test_limits(service: Service) -> None:
    await service.ordered()
    async with visitor(service, "ADMIN") as admin, visitor(service, "TELIA") as telia:
        page = await telia.get("/limits", month="2026-11")
        assert "1 of 15000" in page.text
        assert not page.one("table").all("a")
        page = await admin.get("/limits", code="TELIA", month="2026-11")
        assert page.all("a", href="/console/admin/change/limit?code=TELIA&day=2026-11-23")
        path = "limit?code=TELIA&day=2026-11-23"
        for wrong in ("-1", "1.5", "9" * 16):
            page = await review(admin, path, 422, limit=wrong, reason="campaign")
            assert error_at(page, "limit")
        shown = await review(admin, path, limit="1", reason="campaign")
        assert table(shown)["Numbers at most"] == ("15000", "1")
        # Use moves all day; that does not stop anybody.
        await service.ordered(main_number="90012346")
        page = await confirm(admin, path, shown)
        assert "2 of 1" in page.text
        assert page.all("td", class_="full")
        page = await admin.get("/limits", month="2026-11")
        assert "TELIA" in page.one("tbody").text
        await admin.get("/limits", month="nonsense", code="<script>")
        for month in ("9999-12", "0001-01"):
            await admin.get("/limits", 422, month=month, code="TELIA")


async def test_a_day_is_closed(service: Service) -> None:
    async with visitor(service, "ADMIN", "nb") as admin:
        shown = await review(admin, "closed-day?day=2026-12-24", reason="julaften")
        assert "julaften" in shown.text
        assert table(shown)["Virkedag"] == ("ja", "nei")
        page = await confirm(admin, "closed-day?day=2026-12-24", shown)
        (row,) = [found for found in page.all("tr") if "24.12.2026" in found.text]
        assert "stengt" in row.text
        assert (await last_line(service))["reason"] == "julaften"
        await review(admin, "closed-day?day=nonsense", 404, reason="x")
        await review(admin, "closed-day?day=9999-12-31", 404, reason="x")


async def test_right_of_use_and_waiver(service: Service) -> None:
    case_id = await service.case_in("awaiting_completion")
    missing = (await service.case(case_id))["completion"]["missing"]
    async with visitor(service, "ADMIN") as admin:
        path = f"waive?case_id={case_id}"
        page = await review(admin, path, 422, code="TELIA", reason="bankrupt")
        assert error_at(page, "code")
        shown = await review(admin, path, code=missing[0], reason="bankrupt")
        assert table(shown)["No longer waited for"] == ("–", missing[0])
        await confirm(admin, path, shown)
        assert missing[0] in (await service.case(case_id))["completion"]["waived"]
        path = "right-holder?number=02800"
        page = await review(admin, path, 422, organisation_number="123456789", name="Taxi AS", reason="Nkom 2026/1")
        assert error_at(page, "organisation_number")
        shown = await review(admin, path, organisation_number="974760673", name="Taxi AS", reason="Nkom 2026/1")
        assert table(shown)["Organisation number"] == ("–", "974760673")
        await confirm(admin, path, shown)
        found = await service.read("/five-digit/02800/right-holder")
        assert found["organisation_number"] == "974760673"


async def test_the_audit_log_leads_to_what_was_changed(service: Service) -> None:
    (series,) = (await service.read("/series", number="90012345"))["items"]
    await service.admin("PATCH", "/providers/LYSE", {"name": "Lyse Tele AS"})
    await service.admin("PATCH", f"/series/{series['series_id']}", {"status": "blocked", "reason": "test"})
    async with visitor(service, "ADMIN") as admin:
        page = await admin.get("/admin/audit")
        links = [link.attributes["href"] for head in page.all("h2") for link in head.all("a")]
        assert links[:2] == [f"/console/series/{series['series_id']}", "/console/providers/LYSE"]
        for link in page.one("main").all("a"):
            if "/admin/audit" not in link.attributes["href"]:
                await admin.get(link.attributes["href"].removeprefix("/console"))


async def test_contacts_are_the_providers_own(service: Service) -> None:
    async with visitor(service, "TELIA") as telia:
        page = await telia.get("/providers/TELIA")
        assert page.all("a", href="/console/admin/change/contacts?code=TELIA")
        fields = {"0/role": "porting", "0/name": "Vakt", "0/email": "vakt@telia.example", "0/phone": "22222222"}
        page = await review(telia, "contacts?code=TELIA", 422, **fields | {"0/phone": "call me", "reason": "new desk"})
        assert error_at(page, "0/phone")
        # With the first place empty, what is wrong in the third still stands there.
        third = {name.replace("0/", "2/"): value for name, value in fields.items()} | {"2/phone": "call me"}
        page = await review(telia, "contacts?code=TELIA", 422, **third, reason="new desk")
        assert error_at(page, "2/phone")
        assert page.all("h2", class_="group")[0].text == "First contact"
        shown = await review(telia, "contacts?code=TELIA", **fields, reason="new desk")
        assert table(shown)["Contacts, 1, Email"][1] == "vakt@telia.example"
        page = await confirm(telia, "contacts?code=TELIA", shown)
        assert "vakt@telia.example" in page.text
        page = await telia.get("/admin/change/contacts", code="TELIA")
        assert page.one("input", name="0/email").attributes["value"] == "vakt@telia.example"
        await telia.get("/admin/change/contacts", 403, code="TELENOR")
        await review(telia, "contacts?code=TELENOR", 403, **fields, reason="x")
        page = await telia.get("/providers/TELENOR")
        assert not [link for link in page.all("a") if "/admin/" in link.attributes["href"]]
    async with visitor(service, "ADMIN") as admin:
        await admin.get("/admin/change/contacts", 403, code="TELIA")


ADDRESSES = {
    "provider-new": "", "provider-change": "?code=LYSE", "transfer": "?code=LYSE", "planned-cancel": "?planned_id=1",
    "key-new": "", "key-revoke": f"?key_id={'0' * 8}-0000-4000-8000-{'0' * 12}",
    "key-limits": f"?key_id={'0' * 8}-0000-4000-8000-{'0' * 12}", "series-new": "",
    "series-change": f"?series_id={'0' * 8}-0000-4000-8000-{'0' * 12}",
    "series-split": f"?series_id={'0' * 8}-0000-4000-8000-{'0' * 12}", "limit": "?code=LYSE&day=2026-11-24",
    "closed-day": "?day=2026-11-24", "right-holder": "?number=02800",
    "waive": f"?case_id={'0' * 8}-0000-4000-8000-{'0' * 12}",
}  # fmt: skip


@pytest.mark.parametrize("who", ["TELIA", "OPERATOR"])
async def test_only_administrators_change(service: Service, who: str) -> None:
    async with visitor(service, who) as person, service.unchanged():
        for key, query in ADDRESSES.items():
            await person.get(f"/admin/change/{key}{query}", 403)
            for step in ("review", "confirm"):
                await person.submit(f"/admin/change/{key}{query}", 403, step=step, reason="because")


async def test_forged_forms_change_nothing(service: Service) -> None:
    async with visitor(service, "ADMIN") as admin, service.unchanged():
        for key, query in ADDRESSES.items():
            answer = await admin.client.post(
                f"/console/admin/change/{key}{query}", data={"form_token": "x", "step": "confirm", "reason": "x"}
            )
            assert answer.status_code == 403
            # Without the mark of a review nothing is confirmed either.
            answer = await admin.post(f"/admin/change/{key}{query}", step="confirm", **NEW, role="admin", label="x")
            assert answer.status_code in {404, 409, 422}, key
        await admin.get("/admin/change/nothing", 404)


SCRIPT = "<script>alert(1)</script>"


@pytest.mark.parametrize("language", ["en", "nb"])
async def test_script_in_every_field(service: Service, language: str) -> None:
    async with visitor(service, "ADMIN", language) as admin:
        for key, query in ADDRESSES.items():
            page = await admin.get(f"/admin/change/{key}")
            names = {
                one.attributes["name"] for kind in ("input", "select", "textarea") for one in page.one("main").all(kind)
            } - {"form_token"}
            fields = dict.fromkeys(names | {"reason", "name", "code", "to", "holder", "label"}, SCRIPT)
            for step in ("review", "confirm", "edit"):
                answer = await admin.post(f"/admin/change/{key}{query}", step=step, typed=SCRIPT, seen=SCRIPT, **fields)
                assert answer.status_code < 500
                assert SCRIPT not in answer.text
        # What may be any text stands there as text, before and after.
        shown = await review(admin, "provider-new", **NEW | {"name": SCRIPT, "reason": SCRIPT})
        assert len(shown.all("script")) == 1
        page = await confirm(admin, "provider-new", shown)
        assert SCRIPT in page.one("main").text
        for path in ("/admin/audit", "/providers", "/providers/NYTT", f"/admin/audit?subject={SCRIPT}&action={SCRIPT}"):
            page = await admin.get(path)
            assert len(page.all("script")) == 1
        await admin.get(f"/admin/audit?from={SCRIPT}", 422)
        await admin.get("/series", 422, number=SCRIPT)
        await admin.get("/series", 422, holder=SCRIPT)


async def test_the_audit_log_is_readable(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nrdb.console.admin.pages.ROWS", 2)
    for day in range(3):
        await service.admin("PUT", f"/caps/TELIA/2026-12-0{day + 1}", {"limit": day, "reason": f"reason {day}"})
    async with visitor(service, "OPERATOR") as operator:
        page = await operator.get("/admin/audit", action="limit-set")
        assert [one.text for one in page.all("q")] == ["reason 2", "reason 1"]
        assert page.all("section")[0].one("h2").text == "Limit of a day set: TELIA 2026-12-03"
        assert table(page.all("section")[0]) == {"Numbers at most": ("–", "2")}
        older = page.one("p", class_="pager").one("a").attributes["href"]
        page = await operator.get(older.removeprefix("/console"))
        assert [one.text for one in page.all("q")] == ["reason 0"]
        page = await operator.get("/admin/audit", subject="TELIA 2026-12-02")
        assert len(page.all("section")) == 1
        page = await operator.get("/admin/audit?from=2026-11-24T00:00")
        assert not page.all("section")
