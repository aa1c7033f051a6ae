"""The page of a case: whose turn it is, what stands in it for whom, what is hidden, and that it changes by itself."""

import re
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from tests.support import rows
from tests.support.console import Element, Visitor, read, visitor
from tests.support.service import KARI, PATHS, Service, local

NUMBER = "90012345"
#: TELIA orders from LYSE a number of TELENOR's series; COM4 is a network like any other.
READERS = ("TELIA", "LYSE", "TELENOR", "COM4", "OPERATOR")
#: Whose turn it is, of the readers.
TURNS: dict[str, set[str]] = {
    "awaiting_donor": {"LYSE"},
    "awaiting_recipient": {"TELIA"},
    "awaiting_completion": {"LYSE", "TELENOR", "COM4"},
}
#: Who sees a porting that has not been sent to the networks.
EARLY = {"TELIA", "LYSE", "OPERATOR"}
SENTENCES = {"en": "It is your turn.", "nb": "Det er din tur."}
BADGES = {
    "awaiting_donor": "venter på avgivende", "awaiting_recipient": "venter på mottakende", "scheduled": "planlagt",
    "awaiting_completion": "venter på ferdigmeldinger", "completed": "fullført", "rejected": "avvist",
    "cancelled": "stanset", "obsolete": "bortfalt", "awaiting_termination": "venter på opphør",
    "awaiting_return": "venter på tilbakelevering", "returned": "tilbakelevert",
}  # fmt: skip


async def porting_in(service: Service, state: str) -> str:
    await rows.ported(service, NUMBER, NUMBER, "LYSE")
    return await service.case_in(state, donor="LYSE")


async def termination_in(service: Service, state: str) -> str:
    await rows.ported(service, NUMBER, NUMBER, "LYSE")
    at = "2026-11-23T10:00:00+01:00"
    answer = await service.accepted("LYSE", "NP_OPPS", main_number=NUMBER, termination_time=at)
    case_id: str = answer["case"]["case_id"]
    if state == "cancelled":
        await service.accepted("LYSE", "NP_ANNU", case_id=case_id)
    if state == "rejected":
        await service.accepted("TELENOR", "NP_FOPS", case_id=case_id, reason="other")
    if state in {"awaiting_return", "returned"}:
        await service.clock(local("2026-11-23 10:00"))
    if state == "returned":
        await service.accepted("TELENOR", "NP_TILB", case_id=case_id)
    return case_id


async def five_digit_in(service: Service, state: str) -> str:
    answer = await service.accepted(
        "TELIA", "5_IVER", main_number="02800", donor="0", porting_time="2026-11-23T10:00:00+01:00",
        target_number="22000001", right_holder={"name": "Sparebanken AS", "organisation_number": "974760673"},
    )  # fmt: skip
    case_id: str = answer["case"]["case_id"]
    if state == "cancelled":
        await service.accepted("TELIA", "NP_ANNU", case_id=case_id)
    if state in {"awaiting_completion", "completed"}:
        await service.clock(local("2026-11-23 10:00"))
    if state == "completed":
        for code in answer["case"]["completion"]["missing"]:
            await service.accepted(code, "5_FERD", case_id=case_id)
    return case_id


async def looks_right(service: Service, case_id: str, state: str, seen_by: set[str], turns: set[str]) -> None:
    """Every reader in both languages gets the page of this state, or is told that there is no such case."""
    case = await service.case(case_id)
    assert case["state"] == state
    for who in READERS:
        for language in ("en", "nb"):
            async with visitor(service, who, language) as reader:
                if who not in seen_by:
                    assert NUMBER not in (await reader.get(f"/cases/{case_id}", 404)).text
                    continue
                page = await reader.get(f"/cases/{case_id}")
                assert case["main_number"] in page.one("h1").text
                assert (SENTENCES[language] in page.text) == (who in turns), (who, state)
                if language == "nb":
                    assert page.one("span", id="case-badge").text == BADGES[state]
                drawing = page.one("svg", role="img")
                assert drawing.one("title", id="drawing-title").text
                # Whatever the drawing shows stands in a table, too.
                windows = page.one("div", id="case-windows").one("tbody").all("tr")
                assert [row.one("th").text for row in windows] == [
                    text.text for text in drawing.all("text", class_="end") if re.fullmatch(r"T\d+(–T\d+)?", text.text)
                ]
                log = page.one("div", id="case-log").one("tbody").all("tr")
                assert len(log) == len(await service.history(case_id))
                assert "Kari" not in page.text


@pytest.mark.parametrize("state", PATHS)
async def test_every_state_of_a_porting(service: Service, state: str) -> None:
    case_id = await porting_in(service, state)
    sent_to_all = state in {"scheduled", "awaiting_completion", "completed"}
    await looks_right(service, case_id, state, set(READERS) if sent_to_all else EARLY, TURNS.get(state, set()))


@pytest.mark.parametrize("state", ["awaiting_termination", "awaiting_return", "returned", "rejected", "cancelled"])
async def test_every_state_of_a_termination(service: Service, state: str) -> None:
    case_id = await termination_in(service, state)
    seen_by = {"LYSE", "TELENOR", "OPERATOR"} | ({"TELIA", "COM4"} if state == "returned" else set())
    await looks_right(service, case_id, state, seen_by, {"TELENOR"} if state == "awaiting_return" else set())


@pytest.mark.parametrize("state", ["scheduled", "awaiting_completion", "completed", "cancelled"])
async def test_every_state_of_a_five_digit_number(service: Service, state: str) -> None:
    case_id = await five_digit_in(service, state)
    turns = {"LYSE", "TELENOR", "COM4"} if state == "awaiting_completion" else set()
    await looks_right(service, case_id, state, set(READERS), turns)


async def test_who_must_do_what_until_when(service: Service) -> None:
    case_id = await service.ordered()
    async with visitor(service, "TELENOR") as at, visitor(service, "OPERATOR", "nb") as operator:
        said = (await at.get(f"/cases/{case_id}")).one("div", id="case-turns").text
        assert "You must approve the order (NP_GODK) or reject the order, with a reason (NP_FBES) before" in said
        assert "before Mon 2026-11-23 10:00." in said
        assert "TELIA can stop it (NP_ANNU) at the latest Mon 2026-11-23 09:30." in said
        said = (await operator.get(f"/cases/{case_id}")).one("div", id="case-turns").text
        assert "TELENOR må godkjenne bestillingen (NP_GODK) eller avvise bestillingen" in said
        assert "før man. 23.11.2026 10.00." in said


async def test_working_time_is_explained(service: Service) -> None:
    """By when an answer is due, and where a new porting time may lie, reckoned as the API reckons it."""
    case_id = await service.ordered(porting_time="2026-11-24T10:00:00+01:00")
    async with visitor(service, "TELIA") as mt, visitor(service, "TELENOR") as at:
        due, change = (await mt.get(f"/cases/{case_id}")).one("div", id="case-remarks").all("details")
        assert "The answer is expected by Mon 2026-11-23 10:00." in due.text
        assert "ASSUMPTION" in due.text
        assert "between Mon 2026-11-23 08:35 and" in change.text
        start = local("2026-11-23 08:00").isoformat()
        reckoned = await service.read("/calendar/add", from_=start, working_minutes=35)
        assert [item.text for item in change.all("li")][: len(reckoned["derivation"])] == reckoned["derivation"]
        # Only the recipient changes the time; the donor is told when it is late.
        await service.clock(local("2026-11-23 10:01"))
        (late,) = (await at.get(f"/cases/{case_id}")).one("div", id="case-remarks").all("details")
        assert late.text.startswith("Late.")


async def test_the_windows_are_those_of_the_rules(service: Service) -> None:
    case_id = await service.case_in("awaiting_recipient")

    async def windows() -> dict[str, list[str]]:
        async with visitor(service, "OPERATOR") as operator:
            page = await operator.get(f"/cases/{case_id}")
        found = page.one("div", id="case-windows").one("tbody").all("tr")
        return {row.one("th").text: [cell.text for cell in row.all("td")[1:]] for row in found}

    assert await windows() == {
        "T9–T11": ["Mon 2026-11-23 08:35", "Wed 2027-02-17 24:00", "kept"],
        "T10": ["Mon 2026-11-23 08:00", "Mon 2026-11-23 09:30", "open"],
        "T12": ["Mon 2026-11-23 08:00", "Mon 2026-11-23 09:30", "open"],
        "T15": ["Mon 2026-11-23 10:00", "no end", "later"],
    }
    await service.clock(local("2026-11-23 09:31"))
    found = await windows()
    assert [found[name][-1] for name in ("T10", "T12", "T15")] == ["over", "over", "later"]


async def test_nobody_carries_out_what_is_not_approved_or_already_carried_out(service: Service) -> None:
    case_id = await service.case_in("awaiting_recipient", porting_time="2026-11-24T10:00:00+01:00")

    async def execution() -> str:
        async with visitor(service, "OPERATOR") as operator:
            page = await operator.get(f"/cases/{case_id}")
        (row,) = (
            row for row in page.one("div", id="case-windows").one("tbody").all("tr") if row.one("th").text == "T10"
        )
        return row.all("td")[-1].text

    assert await execution() == "open"
    await service.accepted("TELIA", "NP_ENDR", case_id=case_id, porting_time="2026-11-24T11:00:00+01:00")
    assert await execution() == "later"
    await service.accepted("TELENOR", "NP_GODK", case_id=case_id)
    await service.accepted("TELIA", "NP_IVER", case_id=case_id)
    assert await execution() == "over"


async def test_a_five_digit_number_goes_back_to_nkom(service: Service) -> None:
    await five_digit_in(service, "completed")
    answer = await service.accepted(
        "TELIA", "5_OPPS", main_number="02800", termination_time="2026-11-23T12:00:00+01:00"
    )
    case_id = answer["case"]["case_id"]
    async with visitor(service, "TELIA") as holder:
        page = await holder.get(f"/cases/{case_id}")
        assert "Nkom takes the numbers back" in page.one("div", id="case-windows").text
        assert "NP_TILB" not in page.one("div", id="case-turns").text
        await service.clock(local("2026-11-23 12:00"))
        page = await holder.get(f"/cases/{case_id}")
        assert page.one("span", id="case-badge").text == "returned"
        assert "5_TILB" in page.one("div", id="case-log").text


async def test_a_case_of_others_does_not_exist(service: Service) -> None:
    case_id = await porting_in(service, "awaiting_recipient")
    for who in ("TELENOR", "COM4"):
        async with visitor(service, who) as stranger:
            strange = await stranger.get(f"/cases/{case_id}", 404)
            missing = await stranger.get("/cases/01a20734-5580-72dc-9a76-348df6743527", 404)
            assert _without_ids(strange) == _without_ids(missing)
            for form in ("customer", "remind"):
                assert (await stranger.post(f"/cases/{case_id}/{form}")).status_code == 404
    await service.accepted("TELIA", "NP_IVER", case_id=case_id)
    async with visitor(service, "TELENOR") as range_holder:
        assert NUMBER in (await range_holder.get(f"/cases/{case_id}")).one("h1").text


def _without_ids(page: Element) -> str:
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "", page.one("main").text)


# --- what is personal ---


async def audit(service: Service) -> list[dict[str, Any]]:
    items = (await service.read("/audit", "ADMIN", limit=1000))["items"]
    return [line for line in items if line["action"] == "customer-shown"]


@pytest.mark.parametrize("who", ["TELIA", "TELENOR"])
async def test_the_customer_is_shown_when_asked_for(service: Service, who: str) -> None:
    case_id = await service.ordered()
    async with visitor(service, who) as party:
        for path in (f"/cases/{case_id}", f"/cases/{case_id}?seen=x"):
            answer = await party.client.get(f"/console{path}")
            assert answer.status_code == 200
            assert KARI["name"] not in answer.text
            assert KARI["birth_date"] not in answer.text
        assert await audit(service) == []
        shown = await party.submit(f"/cases/{case_id}/customer")
        assert KARI["name"] in shown.text
        assert KARI["birth_date"] in shown.text
        (line,) = await audit(service)
        key_id = (await service.read("/me", who))["key_id"]
        assert (line["subject"], line["key_id"]) == (case_id, key_id)
        assert KARI["name"] not in str(line)
        # Loaded again it is hidden again.
        again = await party.get(f"/cases/{case_id}/customer")
        assert KARI["name"] not in again.text
        assert len(await audit(service)) == 1


async def test_nobody_else_is_shown_the_customer(service: Service) -> None:
    case_id = await porting_in(service, "scheduled")
    for who, status in (("TELENOR", 409), ("COM4", 409), ("OPERATOR", 403), ("ADMIN", 403)):
        async with visitor(service, who) as other:
            page = await other.get(f"/cases/{case_id}")
            assert "Show the customer" not in page.text
            answer = await other.post(f"/cases/{case_id}/customer")
            assert answer.status_code == status
            assert KARI["name"] not in answer.text
    assert await audit(service) == []


async def test_a_forged_form_shows_nothing(service: Service) -> None:
    case_id = await service.ordered()
    async with visitor(service, "TELIA") as party, visitor(service, "TELENOR") as other:
        for token in ("", "0" * 64, await other.token()):
            answer = await party.client.post(f"/console/cases/{case_id}/customer", data={"form_token": token})
            assert answer.status_code == 403
            assert KARI["name"] not in answer.text
        answer = await party.client.post(
            f"/console/cases/{case_id}/remind", data={"form_token": await party.token()},
            headers={"Sec-Fetch-Site": "cross-site"},
        )  # fmt: skip
        assert answer.status_code == 403
    assert await audit(service) == []


SCRIPT = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


async def test_script_in_a_text_stays_text(service: Service) -> None:
    contact = {"role": "porting", "name": SCRIPT, "email": "x@example.no", "phone": "22000000"}
    answer = await service.send("PUT", "/providers/TELENOR/contacts", "TELENOR", [contact])
    assert answer.is_success, answer.text
    case_id = await service.case_in("awaiting_recipient", customer={**KARI, "name": SCRIPT})
    await service.accepted("TELIA", "NP_IVER", case_id=case_id)
    message_id = "b9d2a8a0-0000-4000-8000-000000000001"
    await service.accepted("TELENOR", "NP_FIVE", case_id=case_id, comment=SCRIPT, message_id=message_id)
    async with visitor(service, "TELIA") as party:
        for page in (
            await party.get(f"/cases/{case_id}"),
            await party.submit(f"/cases/{case_id}/customer"),
            await party.submit(f"/messages/{message_id}/personal"),
            await party.get(f"/cases/{case_id}?reminded={SCRIPT}&sent={SCRIPT}"),
        ):
            assert [script.attributes.keys() for script in page.all("script")] == [{"src", "defer"}]
            assert page.all("img") == []
        assert SCRIPT in (await party.submit(f"/cases/{case_id}/customer")).text


# --- reminding ---


async def test_the_recipient_reminds_once_an_hour(service: Service) -> None:
    case_id = await porting_in(service, "awaiting_completion")
    async with visitor(service, "TELIA") as mt, visitor(service, "LYSE") as at:
        assert "Remind those" in (await mt.get(f"/cases/{case_id}")).text
        reminded = await mt.submit(f"/cases/{case_id}/remind")
        assert re.search(r"Reminded: .*\bCOM4\b.*\bTELENOR\b", reminded.text)
        assert "NOTICE reminder" in await service.inbox_types("COM4")
        again = await mt.submit(f"/cases/{case_id}/remind", 409)
        assert "The last reminder in this case was sent" in again.one("div", role="alert").text
        # The donor is reminded, and does not remind.
        assert "Remind those" not in (await at.get(f"/cases/{case_id}")).text
        refused = await at.submit(f"/cases/{case_id}/remind", 409)
        assert "TELIA reminds in this case, not LYSE." in refused.one("div", role="alert").text


async def test_there_is_nobody_to_remind(service: Service) -> None:
    """Where the case waits for its recipient or for time, there is no button."""
    case_id = await service.case_in("awaiting_recipient")
    async with visitor(service, "TELIA") as mt:
        assert "Remind those" not in (await mt.get(f"/cases/{case_id}")).text
        assert (await mt.post(f"/cases/{case_id}/remind")).status_code == 409


async def test_who_has_reported_and_who_has_not(service: Service) -> None:
    case_id = await porting_in(service, "awaiting_completion")
    await service.accepted("LYSE", "NP_FERD", case_id=case_id)
    await service.admin("POST", f"/cases/{case_id}/waive", {"code": "COM4", "reason": "has closed"})
    async with visitor(service, "TELIA") as mt:
        page = (await mt.get(f"/cases/{case_id}")).one("div", id="case-completion")
        said = dict(item.text.split(" ", 1) for item in page.all("li"))
        assert said["LYSE"] == "has reported"
        assert said["COM4"] == "is not waited for"
        assert said["TELENOR"] == "has not reported"
        assert set(said) == set((await service.case(case_id))["completion"]["expected"])


@pytest.mark.parametrize("who", ["TELIA", "TELENOR", "OPERATOR"])
async def test_a_rejected_order_says_why(service: Service, who: str) -> None:
    case_id = await service.ordered()
    expected = {"name": "Ola Nordmann", "birth_date": "19700101"}
    await service.accepted("TELENOR", "NP_FBES", case_id=case_id, reason="owner-mismatch", expected=expected)
    async with visitor(service, who) as person:
        said = (await person.get(f"/cases/{case_id}")).one("div", id="case-turns").text
        assert "The order was rejected. A new one can be sent. Reason: owner-mismatch: " in said
        assert "Ola" not in said


async def test_an_error_in_the_execution_stands_on_top(service: Service) -> None:
    case_id = await service.case_in("scheduled")
    await service.accepted("TELENOR", "NP_FIVE", case_id=case_id, comment="wrong network")
    async with visitor(service, "TELIA") as recipient:
        said = (await recipient.get(f"/cases/{case_id}")).one("div", id="case-turns")
        assert "TELENOR has told of an error in the execution." in said.text
        assert "wrong network" not in said.text


# --- it changes while one looks ---


def seen_of(page: Element) -> str:
    return page.one("span", class_="live").attributes["hx-get"].removeprefix("/console")


async def changes(reader: Visitor, path: str) -> tuple[dict[str, str], str]:
    """What a look at a live address brings, by the element that it goes into; and where to look next."""
    answer = await reader.client.get(f"/console{path}")
    if answer.status_code == 204:
        assert answer.content == b""
        return {}, path
    page = read(answer)
    parts = [one for one in page.all("div") if "hx-swap-oob" in one.attributes]
    found = {part.attributes["hx-swap-oob"].removeprefix("innerHTML:#case-"): part.text for part in parts}
    return found, seen_of(page) if page.all("span", class_="live") else ""


async def test_what_has_changed_comes_and_nothing_else(service: Service) -> None:
    case_id = await service.ordered()
    async with visitor(service, "TELIA") as mt:
        page = await mt.get(f"/cases/{case_id}")
        assert page.one("p", id="case-news").attributes["aria-live"] == "polite"
        path = seen_of(page)
        assert await changes(mt, path) == ({}, path)
        await service.accepted("TELENOR", "NP_GODK", case_id=case_id)
        found, following = await changes(mt, path)
        assert set(found) == {"news", "badge", "turns", "remarks", "drawing", "windows", "log"}
        assert "You must carry the porting out (NP_IVER)" in found["news"]
        assert found["badge"] == "waits for the recipient"
        assert await changes(mt, following) == ({}, following)
        # Every part that is sent stands in the page.
        for name in found:
            assert [one for one in _elements(page) if one.attributes.get("id") == f"case-{name}"]


def _elements(page: Element) -> list[Element]:
    return [inner for child in page.children for inner in (child, *_elements(child))]


async def test_a_minute_moves_the_line_of_now_and_is_not_announced(service: Service) -> None:
    case_id = await service.ordered()
    async with visitor(service, "TELENOR") as at:
        path = seen_of(await at.get(f"/cases/{case_id}"))
        await service.clock(seconds=59)
        assert await changes(at, path) == ({}, path)
        await service.clock(seconds=1)
        found, path = await changes(at, path)
        assert set(found) == {"drawing"}
        assert await changes(at, path) == ({}, path)


async def test_a_minute_leaves_a_remark_that_somebody_reads(service: Service) -> None:
    """By when a change could move the porting goes with now; it comes with the next news."""
    case_id = await service.ordered()
    async with visitor(service, "TELIA") as mt:
        page = await mt.get(f"/cases/{case_id}")
        assert "A change that is sent by Mon 2026-11-23 08:00" in page.one("div", id="case-remarks").text
        await service.clock(minutes=1)
        found, path = await changes(mt, seen_of(page))
        assert set(found) == {"drawing"}
        await service.accepted("TELENOR", "NP_GODK", case_id=case_id)
        found, _ = await changes(mt, path)
        assert "A change that is sent by Mon 2026-11-23 08:01" in found["remarks"]


async def test_what_time_does_appears_by_itself(service: Service) -> None:
    """The order comes to nothing at its porting time; then there is nothing more to look for."""
    case_id = await service.ordered()
    async with visitor(service, "TELENOR", "nb") as at:
        path = seen_of(await at.get(f"/cases/{case_id}"))
        await service.time_passes(local("2026-11-23 10:00"))
        found, following = await changes(at, path)
        assert found["badge"] == "bortfalt"
        assert following == ""


async def test_a_session_that_has_ended_leads_to_the_sign_in(service: Service) -> None:
    case_id = await service.ordered()
    async with visitor(service, "TELENOR") as at:
        path = seen_of(await at.get(f"/cases/{case_id}"))
        await service.db.execute("DELETE FROM console_session")
        shown = {"HX-Request": "true", "HX-Current-URL": f"{service.address}/console/cases/{case_id}?sent=NP_BEST"}
        answer = await at.client.get(f"/console{path}", headers=shown)
        # Back to the page, not to the part of it that was asked for.
        following = f"/console/cases/{case_id}?sent=NP_BEST"
        assert answer.headers["hx-redirect"] == f"/console/sign-in?next={quote(following, safe='')}"
        answer = await at.client.get(f"/console{path}", headers=shown | {"HX-Current-URL": "https://other.example/x"})
        assert answer.headers["hx-redirect"] == "/console/sign-in?next=%2Fconsole%2F"
        answer = await at.client.post(f"/console/cases/{case_id}/post/NP_GODK", data={"act": "send"})
        page = await at.get(answer.headers["location"].removeprefix("/console"))
        assert "nothing was sent" in page.one("p", role="status").text


@pytest.mark.parametrize("seen", [".", "x.y.z", "é", "0" * 5000, "........................", "%00"])
async def test_a_torn_mark_brings_the_whole(service: Service, seen: str) -> None:
    case_id = await service.ordered()
    async with visitor(service, "TELENOR") as at:
        answer = await at.client.get(f"/console/cases/{case_id}", params={"seen": seen})
        assert answer.status_code == 200
        assert "case-drawing" in answer.text


async def test_a_porting_far_ahead_is_drawn(service: Service) -> None:
    """Weeks ahead, over Christmas and without shading too thin to see."""
    at: datetime = local("2026-11-23 08:00") + timedelta(days=80)
    case_id = await service.ordered(porting_time=at.isoformat())
    async with visitor(service, "TELIA") as mt:
        drawing = (await mt.get(f"/cases/{case_id}")).one("svg", role="img")
        assert drawing.all("rect", class_="hours") == []
        assert len(drawing.all("line", class_="grid")) <= 7
        assert len(drawing.all("line", class_="port")) == 1
