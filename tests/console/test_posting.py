"""Messages by form: what a case allows, in the time that is lawful, and refusals where they belong."""

from datetime import timedelta
from uuid import uuid4

import pytest
from tests.support.console import Element, Visitor, read, visitor
from tests.support.rows import ported
from tests.support.service import Service

from nrdb.clock import parse_time
from nrdb.console.message_forms import FORMS, EntryError, comes_twice, instant
from nrdb.messages.kinds import MESSAGE

ORDER = {
    "donor": "TELENOR", "number_type": "E", "main_number": "900 12 345", "porting_time": "2026-11-23T10:00",
    "customer/name": "Kari Nordmann", "customer/birth_date": "1980-01-31", "authorisation_reference": "ref-1",
}  # fmt: skip


async def send(
    person: Visitor, path: str, fields: dict[str, str] | None = None, status: int = 200, act: str = "send"
) -> Element:
    """Fill the form at an address in and send it."""
    form = (await person.get(path)).one("form", class_="card")
    hidden = {one.attributes["name"]: one.attributes["value"] for one in form.all("input", type="hidden")}
    return await person.submit(
        form.attributes["action"].removeprefix("/console"), status, **{**hidden, **(fields or {}), "act": act}
    )


def error_at(page: Element, field: str) -> str:
    """What stands at a field as its error."""
    (entry,) = [one for name in ("input", "select", "textarea") for one in page.all(name, name=field)]
    assert entry.attributes["aria-invalid"] == "true"
    (place,) = [one for one in entry.attributes["aria-describedby"].split() if one.startswith("error-")]
    return page.one("p", id=place).text


def case_of(page: Element) -> str:
    """The case whose page it is."""
    (again,) = [link for link in page.all("a") if link.text == "Load anew"]
    return again.attributes["href"].rpartition("/")[2]


async def test_a_porting_by_hand(service: Service) -> None:
    """From the order to the last report, by three kinds of people."""
    async with visitor(service, "TELIA") as mt, visitor(service, "TELENOR") as at:
        page = await send(mt, "/post/NP_BEST?main_number=90012345", ORDER)
        case_id = case_of(page)
        assert "Your NP_BEST is accepted." in page.text
        # The donor finds it, and is offered just what it may do.
        case = await at.get(f"/cases/{case_id}")
        offered = [link.text for link in case.all("a") if "/post/NP_" in link.attributes["href"]]
        assert offered == ["Approve", "Reject"]
        await send(at, f"/cases/{case_id}/post/NP_GODK")
        await send(mt, f"/cases/{case_id}/post/NP_IVER")
        await service.clock(hours=3)
        expected = (await service.case(case_id))["completion"]["expected"]
        for code in expected:
            async with visitor(service, code) as network:
                await send(network, f"/cases/{case_id}/post/NP_FERD")
        assert (await service.case(case_id))["state"] == "completed"
        assert "everybody has reported so" in (await mt.get(f"/cases/{case_id}")).text


async def test_change_stop_and_reject(service: Service) -> None:
    async with visitor(service, "TELIA") as mt, visitor(service, "TELENOR") as at:
        case_id = case_of(await send(mt, "/post/NP_BEST", ORDER))
        await send(mt, f"/cases/{case_id}/post/NP_ENDR", {"porting_time": "2026-11-24T12:00:00"})
        assert (await service.case(case_id))["porting_time"] == "2026-11-24T11:00:00Z"
        await send(mt, f"/cases/{case_id}/post/NP_ANNU")
        assert (await service.case(case_id))["state"] == "cancelled"
        case_id = case_of(await send(mt, "/post/NP_BEST", ORDER))
        page = await send(at, f"/cases/{case_id}/post/NP_FBES", {"reason": "owner-mismatch"}, 409)
        assert error_at(page, "reason")
        answer = {"reason": "owner-mismatch", "expected/name": "Ola Nordmann", "expected/birth_date": "19700101"}
        await send(at, f"/cases/{case_id}/post/NP_FBES", answer)
        assert (await service.case(case_id))["state"] == "rejected"


async def test_errors_and_terminations(service: Service) -> None:
    case_id = await service.case_in("scheduled")
    async with visitor(service, "TELENOR") as at, visitor(service, "TELIA") as mt:
        await send(at, f"/cases/{case_id}/post/NP_FIVE", {"comment": "<script>alert(1)</script> is wrong"})
        assert [line["type"] for line in await service.history(case_id)][-1] == "NP_FIVE"
        await service.clock(hours=3)
        ending = {"main_number": "90012345", "termination_time": "2026-11-23T16:00"}
        ended = case_of(await send(mt, "/post/NP_OPPS", ending))
        await send(at, f"/cases/{ended}/post/NP_FOPS", {"reason": "other", "comment": "not yet"})
        assert (await service.case(ended))["state"] == "rejected"
        ended = case_of(await send(mt, "/post/NP_OPPS", ending))
        await service.clock(hours=8)
        await send(at, f"/cases/{ended}/post/NP_TILB")
        assert (await service.case(ended))["state"] == "returned"


async def test_five_digits(service: Service) -> None:
    async with visitor(service, "TELIA") as telia:
        fields = {
            "main_number": "02800", "donor": "0", "porting_time": "2026-11-23T12:00", "target_number": "22015000",
            "right_holder/name": "Firma AS", "right_holder/organisation_number": "974760673",
        }  # fmt: skip
        case_id = case_of(await send(telia, "/post/5_IVER", fields))
        await service.clock(hours=5)
        async with visitor(service, (await service.case(case_id))["completion"]["expected"][0]) as network:
            await send(network, f"/cases/{case_id}/post/5_FERD")
        ending = {"main_number": "02800", "termination_time": "2026-11-23T16:00"}
        await send(telia, "/post/5_OPPS", ending)


def test_every_message_has_its_form() -> None:
    """Each type, with each field that the message may have; `answers` is for machines that cross each other."""
    common = {"type", "message_id", "sender", "case_id", "answers"}
    for branch in MESSAGE.json_schema()["$defs"].values():
        kind = branch.get("properties", {}).get("type", {}).get("const")
        if kind in {None, "5_TILB"}:
            continue
        fields = {field.name.split("/")[0] for field in FORMS[kind]}
        assert set(branch["properties"]) - common == fields, kind


@pytest.mark.parametrize(
    ("fields", "field", "code"),
    [
        ({"porting_time": "2026-11-23T08:10"}, "porting_time", "porting-time-too-early"),
        ({"porting_time": "2027-11-23T08:10"}, "porting_time", "porting-time-too-late"),
        ({"donor": "LYSE"}, "donor", "donor-not-holder"),
        ({"donor": "lyse"}, "donor", "donor-not-holder"),
        ({"donor": "<b>"}, "donor", "invalid-message"),
        ({"main_number": "12345678"}, "main_number", "number-unknown"),
        ({"main_number": "02800"}, "main_number", "five-digit-message-required"),
        ({"customer/birth_date": ""}, "customer/name", "invalid-message"),
        ({"customer/name": ""}, "customer/name", "invalid-message"),
        ({"number_type": "S"}, "series", "invalid-message"),
        ({"number_type": "T", "additional_numbers": "900123\nx"}, "additional_numbers", "invalid-message"),
        ({"porting_time": "tomorrow"}, "porting_time", None),
        ({"porting_time": "2027-03-28T02:30"}, "porting_time", None),
    ],
)
async def test_a_refusal_stands_at_its_field(
    service: Service, fields: dict[str, str], field: str, code: str | None
) -> None:
    typed = {**ORDER, **fields}
    async with visitor(service, "TELIA") as telia:
        page = await send(telia, "/post/NP_BEST", typed, 422 if code in {None, "invalid-message"} else 409)
        assert error_at(page, field)
        # What was typed is kept.
        assert page.one("input", name="authorisation_reference").attributes["value"] == "ref-1"
        assert page.one("input", name="donor").attributes["value"] == typed["donor"]
        assert (await service.read("/cases"))["items"] == []


async def test_the_window_is_shown_before(service: Service) -> None:
    async with visitor(service, "TELIA") as telia:
        page = await telia.get("/post/NP_BEST", main_number="+4790012345")
        assert page.one("input", name="donor").attributes["value"] == "TELENOR"
        assert "08:35" in page.one("div", class_="window").text
        assert "T9" in page.one("div", class_="window").text
        # It stays in view when the order has been checked, or refused.
        for porting_time, act, status in (("2026-11-24T09:00", "check", 200), ("2026-11-23T08:30", "send", 409)):
            page = await send(telia, "/post/NP_BEST", {**ORDER, "porting_time": porting_time}, status, act=act)
            assert "08:35" in page.one("div", class_="window").text
        for fields in ({"main_number": ""}, {"main_number": "12"}, {"donor": ""}):
            page = await send(telia, "/post/NP_BEST", {**ORDER, **fields}, 422)
            assert page.one("div", class_="window").text == ""
        case_id = await service.ordered()
        page = await telia.get(f"/cases/{case_id}/post/NP_ENDR")
        shown = page.one("div", class_="window").text
        assert "08:35" in shown
        rules = {rule["timer"]: rule for rule in (await service.read("/rules"))["items"]}
        for timer, unit in (("T9", "working minutes"), ("T11", "working days")):
            assert f"{rules[timer]['text']['en']}, {rules[timer]['value']} {unit} (S3 2.2.1)" in shown
        await ported(service, "90012371", "90012371", "TELIA")
        page = await telia.get("/post/NP_OPPS", main_number="90012371")
        assert rules["T14"]["text"]["en"] in page.one("div", class_="window").text


async def test_the_window_for_what_is_typed_so_far(service: Service) -> None:
    async with visitor(service, "TELIA") as telia:
        address = (await telia.get("/post/NP_BEST")).one("div", class_="window").attributes["hx-post"]
        for fields, said in ((ORDER, True), ({**ORDER, "donor": ""}, False), ({"main_number": "<script>"}, False)):
            answer = await telia.post(address.removeprefix("/console"), **fields)
            assert answer.status_code == 200
            assert ("08:35" in answer.text) is said
        assert (await telia.post("/post/NP_GODK/window", **ORDER)).status_code == 404
    async with visitor(service, "OPERATOR") as operator:
        assert (await operator.post("/post/NP_BEST/window", **ORDER)).status_code == 403


async def test_the_window_is_that_of_the_sender(service: Service) -> None:
    """A code whose days are full has another window than the other code of the same people."""
    form = {"role": "provider", "codes": ["TELIA", "LYSE"], "label": "both"}
    service.keys["BOTH"] = (await service.admin("POST", "/keys", form))["key"]
    await service.admin("PUT", "/caps/LYSE/2026-11-23", {"limit": 0, "reason": "full"})
    async with visitor(service, "BOTH") as both:
        for sender, is_full in (("TELIA", False), ("LYSE", True)):
            page = await send(
                both, "/post/NP_BEST", {**ORDER, "sender": sender, "porting_time": "2026-11-24T10:00"}, 200, act="check"
            )
            assert ("daily cap" in page.one("div", class_="window").text) is is_full
            assert page.one("select", name="sender").one("option", selected="").text == sender


async def test_checking_sends_nothing(service: Service) -> None:
    async with visitor(service, "TELIA") as telia:
        page = await send(telia, "/post/NP_BEST", ORDER, act="check")
        assert "It would be accepted now." in page.text
        assert (await service.read("/cases"))["items"] == []


async def test_a_double_click_is_one_order(service: Service) -> None:
    async with visitor(service, "TELIA") as telia:
        fields = {**ORDER, "message_id": str(uuid4()), "act": "send"}
        first, second = [await telia.post("/post/NP_BEST", **fields) for _ in range(2)]
        assert first.headers["location"] == second.headers["location"]
        assert len((await service.read("/cases"))["items"]) == 1


async def test_what_is_not_offered(service: Service) -> None:
    case_id = await service.ordered()
    async with visitor(service, "TELIA") as mt, visitor(service, "LYSE") as other, visitor(service, "ADMIN") as admin:
        for kind in ("NP_GODK", "NP_FERD", "NP_TILB"):
            page = await mt.get(f"/cases/{case_id}/post/{kind}")
            assert f"{kind} cannot be sent in this case now." in page.one("p", role="status", class_="note").text
        for kind in ("5_TILB", "NP_BEST", "NOTHING"):
            await mt.get(f"/cases/{case_id}/post/{kind}", 404)
        await other.get(f"/cases/{case_id}/post/NP_GODK", 404)
        assert (await other.post(f"/cases/{case_id}/post/NP_GODK", message_id=str(uuid4()))).status_code == 404
        await admin.get("/post", 403)
        assert (await admin.post("/post/NP_BEST", **ORDER)).status_code == 403
        # The other's turn, sent all the same: the API says why not.
        answer = await mt.post(f"/cases/{case_id}/post/NP_GODK", message_id=str(uuid4()))
        assert answer.status_code == 409
        assert "NP_GODK is sent by TELENOR" in read(answer).one("div", role="alert").text


@pytest.mark.parametrize("kind", ["NP_GODK", "NP_FBES"])
async def test_an_order_that_was_changed_meanwhile_is_not_answered_unseen(service: Service, kind: str) -> None:
    case_id = await service.ordered()
    async with visitor(service, "TELENOR") as at:
        page = await at.get(f"/cases/{case_id}/post/{kind}")
        assert "Mon 2026-11-23 10:00" in page.one("section", class_="card").text
        form = {one.attributes["name"]: one.attributes["value"] for one in page.all("input", type="hidden")}
        form |= {"reason": "authorisation-invalid", "act": "send"}
        await service.accepted("TELIA", "NP_ENDR", case_id=case_id, porting_time="2026-11-25T10:00:00Z")
        page = await at.submit(f"/cases/{case_id}/post/{kind}", 409, **form)
        assert (await service.case(case_id))["state"] == "awaiting_donor"
        # The page shows what stands now and leads to what was changed, and what is sent from it answers that.
        (change,) = [link for link in page.all("a") if link.text == "What has been changed"]
        changed = await at.get(change.attributes["href"].removeprefix("/console"))
        assert "NP_ENDR" in changed.one("h1").text
        assert "Wed 2026-11-25 11:00" in page.one("section", class_="card").text
        form["answers"] = page.one("input", name="answers").attributes["value"]
        await at.submit(f"/cases/{case_id}/post/{kind}", 200, **form)
        assert (await service.case(case_id))["state"] != "awaiting_donor"


async def test_a_form_is_for_one_code_and_sent_once(service: Service) -> None:
    """A key with two codes that both owe a report."""
    case_id = await service.case_in("awaiting_completion")
    one, other = (await service.case(case_id))["completion"]["missing"][:2]
    form = {"role": "provider", "codes": [one, other], "label": "both"}
    service.keys["BOTH"] = (await service.admin("POST", "/keys", form))["key"]
    async with visitor(service, "BOTH") as both:
        page = await both.get(f"/cases/{case_id}")
        links = {link.text: link.attributes["href"] for link in page.one("p", class_="actions").all("a")}
        assert set(links) == {f"Report as done ({one})", f"Report as done ({other})"}
        page = await both.get(links[f"Report as done ({other})"].removeprefix("/console"))
        assert f"{other} will report that it is done." in page.one("form", class_="card").text
        filled = {entry.attributes["name"]: entry.attributes["value"] for entry in page.all("input", type="hidden")}
        for _ in range(2):
            await both.submit(f"/cases/{case_id}/post/NP_FERD", 200, **filled, act="send")
        assert (await service.case(case_id))["completion"]["received"] == [other]


async def test_numbers_as_people_write_them(service: Service) -> None:
    typed = "900 12 346\n90012347, +47 900 12 348\n+4790012349 90012350"
    async with visitor(service, "TELIA") as telia:
        case_id = case_of(
            await send(telia, "/post/NP_BEST", {**ORDER, "number_type": "T", "additional_numbers": typed})
        )
        assert (await service.case(case_id))["numbers"] == [{"first": "90012345", "last": "90012350"}]


async def test_a_refusal_names_the_numbers(service: Service) -> None:
    async with visitor(service, "TELIA") as telia:
        page = await send(
            telia, "/post/NP_BEST", {**ORDER, "number_type": "T", "additional_numbers": "90012346 12345678"}, 409
        )
        assert "12345678" in [link.text for link in page.all("a", class_="number")]


async def test_a_check_tells_of_warnings(service: Service) -> None:
    async with visitor(service, "TELIA") as telia:
        page = await send(telia, "/post/NP_BEST", {**ORDER, "additional_numbers": "90012346"}, act="check")
        assert "It would be accepted now." in page.text
        (warning,) = [one.text for one in page.all("p", class_="wait")]
        assert warning.startswith("Warning: ")


async def test_too_late_to_carry_out(service: Service) -> None:
    case_id = await service.case_in("awaiting_recipient")
    async with visitor(service, "TELIA") as telia:
        assert "It is too late for NP_IVER" not in (await telia.get(f"/cases/{case_id}")).text
        at = parse_time((await service.case(case_id))["porting_time"])
        await service.time_passes(at - timedelta(minutes=29))
        assert "It is too late for NP_IVER now (T10)" in (await telia.get(f"/cases/{case_id}")).text


@pytest.mark.parametrize("kind", ["NP_BEST", "NP_OPPS", "5_IVER", "5_OPPS"])
async def test_script_in_every_field(service: Service, kind: str) -> None:
    script = '"><script>alert(1)</script>'
    async with visitor(service, "TELIA") as telia:
        fields = {field.name: script for field in FORMS[kind]}
        page = read(await telia.post(f"/post/{kind}", **fields, message_id=script, sender=script))
        assert len(page.all("script")) == 1
        page = await telia.get(f"/post/{kind}", main_number=script, donor=script)
        assert len(page.all("script")) == 1


def test_norwegian_time() -> None:
    assert instant("2026-11-24T10:00").isoformat() == "2026-11-24T09:00:00+00:00"
    assert instant("2026-07-24T10:00:01").isoformat() == "2026-07-24T08:00:01+00:00"
    # The hour that comes twice: the first is meant.
    assert instant("2026-10-25T02:30").isoformat() == "2026-10-25T00:30:00+00:00"
    assert comes_twice("2026-10-25T02:30")
    assert not comes_twice("2026-10-25T03:00")
    for wrong in ("2027-03-28T02:30", "2026-11-24T10:00Z", "2026-11-24T10:00+01:00", "x", "9999-12-31T23:59:60"):
        with pytest.raises(EntryError):
            instant(wrong)


SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'"


async def read_by_both(service: Service, case_id: str, kind: str, *people: Visitor) -> None:
    """The newest message of a case and the case, as its parties see them: what was written is text and nothing else."""
    (sent,) = [item["message"] for item in await service.inbox("TELIA") if item["message"]["type"] == kind]
    assert sent["comment"] == SCRIPT
    for reader in people:
        # What may tell of the customer is shown when it is asked for; a termination has no customer.
        path = f"/messages/{sent['message_id']}"
        page = await (reader.submit(f"{path}/personal") if kind == "NP_FBES" else reader.get(path))
        assert SCRIPT in page.text
        for shown in (page, await reader.get(f"/cases/{case_id}")):
            assert len(shown.all("script")) == 1
            assert shown.all("img") == []


async def test_script_in_the_free_text_of_answers(service: Service) -> None:
    async with visitor(service, "TELENOR") as at, visitor(service, "TELIA") as mt:
        case_id = await service.ordered(porting_time="2026-11-23T10:00:00+01:00")
        page = await send(at, f"/cases/{case_id}/post/NP_FBES", {"comment": SCRIPT}, 422)
        assert page.one("textarea", name="comment").text.strip() == SCRIPT
        fields = {"reason": "complex-porting", "comment": SCRIPT, "expected/porting_time": "2026-11-25T10:00"}
        await send(at, f"/cases/{case_id}/post/NP_FBES", fields)
        await read_by_both(service, case_id, "NP_FBES", at, mt)
        await service.case_in("completed", porting_time="2026-11-23T10:00:00+01:00")
        ending = {"main_number": "90012345", "termination_time": "2026-11-23T16:00"}
        ended = case_of(await send(mt, "/post/NP_OPPS", ending))
        await send(at, f"/cases/{ended}/post/NP_FOPS", {"reason": "other", "comment": SCRIPT})
        await read_by_both(service, ended, "NP_FOPS", at, mt)


@pytest.mark.parametrize("service", ["2027-02-01 08:00"], indirect=True)
async def test_the_night_that_lacks_an_hour(service: Service) -> None:
    """On 2027-03-28 the clocks go from 02:00 to 03:00. What they never show is refused, its neighbours are taken."""
    async with visitor(service, "TELIA") as telia:
        for typed, instant in (
            ("2027-03-28T01:59", "2027-03-28T00:59:00Z"),
            ("2027-03-28T03:00", "2027-03-28T01:00:00Z"),
        ):
            case_id = case_of(await send(telia, "/post/NP_BEST", {**ORDER, "porting_time": typed}))
            assert (await service.case(case_id))["porting_time"] == instant
            await send(telia, f"/cases/{case_id}/post/NP_ANNU")
        for typed in ("2027-03-28T02:00", "2027-03-28T02:59:59"):
            page = await send(telia, "/post/NP_BEST", {**ORDER, "porting_time": typed}, 422)
            assert error_at(page, "porting_time")
            assert page.one("input", name="porting_time").attributes["value"] == typed


@pytest.mark.parametrize("service", ["2027-09-20 08:00"], indirect=True)
async def test_the_night_that_has_an_hour_twice(service: Service) -> None:
    """On 2027-10-31 the clocks show 02:00 to 03:00 twice. The first is meant, and the form says so."""
    async with visitor(service, "TELIA") as telia:
        for typed, instant, twice in (
            ("2027-10-31T01:59:59", "2027-10-30T23:59:59Z", False),
            ("2027-10-31T02:00", "2027-10-31T00:00:00Z", True),
            ("2027-10-31T02:59:59", "2027-10-31T00:59:59Z", True),
            ("2027-10-31T03:00", "2027-10-31T02:00:00Z", False),
        ):
            page = await send(telia, "/post/NP_BEST", {**ORDER, "porting_time": typed}, act="check")
            assert ("The clocks show this time twice that night" in page.text) is twice
            case_id = case_of(await send(telia, "/post/NP_BEST", {**ORDER, "porting_time": typed}))
            assert (await service.case(case_id))["porting_time"] == instant
            await send(telia, f"/cases/{case_id}/post/NP_ANNU")


async def test_enter_in_a_field_sends_nothing(service: Service) -> None:
    """Browsers press the first button of a form then."""
    async with visitor(service, "TELIA") as telia:
        form = (await telia.get("/post/NP_BEST")).one("form", class_="card")
        first = form.all("button")[0]
        assert (first.text, first.attributes["value"]) == ("Check only", "check")
        for act in ("check", "", "anything"):
            page = await send(telia, "/post/NP_BEST", ORDER, act=act)
            assert "Nothing has been sent yet." in page.text
        assert (await service.read("/cases"))["items"] == []


async def test_a_wrong_line_of_many_is_named(service: Service) -> None:
    numbers = [str(90_012_346 + place) for place in range(20)]
    numbers[11] = "9001"
    async with visitor(service, "TELIA") as telia, visitor(service, "TELIA", "nb") as norwegian:
        many = {**ORDER, "number_type": "T", "additional_numbers": "\n".join(numbers)}
        page = await send(telia, "/post/NP_BEST", many, 422)
        assert error_at(page, "additional_numbers").startswith("Entry 12: ")
        page = await send(norwegian, "/post/NP_BEST", many, 422)
        assert error_at(page, "additional_numbers").startswith("Nr. 12: ")


async def test_a_number_is_given_back_from_its_page(service: Service) -> None:
    await ported(service, "90012371", "90012371", "TELIA")
    async with visitor(service, "TELIA") as holder, visitor(service, "TELENOR") as home:
        page = await holder.get("/numbers/90012371")
        assert "/console/post/NP_OPPS?main_number=90012371" in [link.attributes["href"] for link in page.all("a")]
        for person, number in ((home, "90012371"), (home, "90012345")):
            page = await person.get(f"/numbers/{number}")
            assert not [link for link in page.all("a") if "NP_OPPS" in link.attributes["href"]]
