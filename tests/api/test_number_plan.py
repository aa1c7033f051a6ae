"""Series change hands, are blocked, returned and split; numbers and cases follow (contract section 8, S3 2.8, 2.10)."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from tests.support import rows
from tests.support.service import Service, local

NUMBER = "90012345"


async def series_with(service: Service, number: str) -> dict[str, Any]:
    """The series that contains a number."""
    (series,) = (await service.read("/series", number=number))["items"]
    found: dict[str, Any] = series
    return found


async def patched(service: Service, number: str, *, dry_run: bool = False, **change: Any) -> Any:
    """A change of the series with this number that must succeed."""
    series = await series_with(service, number)
    path = f"/series/{series['series_id']}{'?dry_run=true' if dry_run else ''}"
    return await service.admin("PATCH", path, {"reason": "plan", **change})


async def refused(service: Service, number: str, code: str, **change: Any) -> dict[str, Any]:
    """A change of the series that must be refused and change nothing, in a dry run too; the facts."""
    series = await series_with(service, number)
    async with service.unchanged():
        facts = None
        for query in ("", "?dry_run=true"):
            path = f"/admin/series/{series['series_id']}{query}"
            response = await service.send("PATCH", path, "ADMIN", {"reason": "plan", **change})
            found = service.refused(response, code)
            assert facts in (None, found)
            facts = found
    return in_order(facts or {})


def in_order(facts: dict[str, Any]) -> dict[str, Any]:
    """Facts with their cases sorted: those of one instant stand in no promised order."""
    return {**facts, "cases": sorted(facts["cases"])} if "cases" in facts else facts


async def ported(
    service: Service, number: str, recipient: str, donor: str, at: str = "10:00", network: str = "TELIA"
) -> str:
    """A number that has been ported, on the Monday; the case waits for reports."""
    case_id = await scheduled(service, number, recipient, donor, at, network)
    await service.clock(local(f"2026-11-23 {at}"))
    return case_id


async def scheduled(
    service: Service, number: str, recipient: str, donor: str, at: str = "10:00", network: str = "TELIA"
) -> str:
    """A porting that will happen at that time of the Monday."""
    order = {"main_number": number, "donor": donor, "porting_time": f"2026-11-23T{at}:00+01:00"}
    case_id = await service.ordered(recipient, **order)
    await service.accepted(donor, "NP_GODK", case_id=case_id)
    await service.accepted(recipient, "NP_IVER", case_id=case_id, network=network)
    return case_id


async def routing(service: Service, number: str, at: Any = None) -> tuple[str, str, bool]:
    """Who serves a number, who holds its series, and whether it is ported."""
    found = await service.read(f"/routing/{number}", at=at.isoformat() if at else None)
    return found["holder"], found["range_holder"], found["ported"]


async def test_a_new_holder_takes_what_is_not_ported(service: Service) -> None:
    await ported(service, "90012345", "LYSE", "TELENOR")
    await ported(service, "90012346", "TELIA", "TELENOR", "12:00")
    # This one was ported away and home again: a row says so, and its range holder serves it.
    await ported(service, "90012347", "LYSE", "TELENOR", "14:00")
    await ported(service, "90012347", "TELENOR", "LYSE", "16:00")
    await service.clock(minutes=1)
    before, at = await service.now(), await service.now() + timedelta(minutes=5)
    await service.clock(at)
    series = await series_with(service, NUMBER)

    dry = await patched(service, NUMBER, dry_run=True, holder="LYSE")
    assert dry["dry_run"] is True
    assert (await routing(service, NUMBER)) == ("LYSE", "TELENOR", True)
    after = await patched(service, NUMBER, holder="LYSE")
    assert {"dry_run": True, **after["changed"]} == dry
    assert (after["holder"], after["series_id"], after["reason"]) == ("LYSE", series["series_id"], "plan")
    # 200,000 numbers less the one that LYSE had already and the one that TELIA keeps.
    assert after["changed"]["numbers"] == 199_998
    # Three numbers with a story of their own, and what lies before and behind them. 90012347, ported home, goes along;
    # 90012345 leads into TELIA's network as before.
    assert after["changed"]["routing_rows"] == 5
    assert (await service.read(f"/routing/{NUMBER}"))["network"] == "TELIA"

    assert await routing(service, "90000000") == ("LYSE", "LYSE", False)
    assert await routing(service, "90012345") == ("LYSE", "LYSE", False)
    assert await routing(service, "90012346") == ("TELIA", "LYSE", True)
    assert await routing(service, "90012347") == ("LYSE", "LYSE", False)
    assert (await service.read("/routing/90012345"))["tel_uri"] == "tel:+4790012345;npdi"
    # What was so before, and at the last instant before, is still told.
    for earlier in (before, at - timedelta(microseconds=1)):
        assert await routing(service, "90000000", earlier) == ("TELENOR", "TELENOR", False)
        assert await routing(service, "90012345", earlier) == ("LYSE", "TELENOR", True)
        assert await routing(service, "90012346", earlier) == ("TELIA", "TELENOR", True)
        assert await routing(service, "90012347", earlier) == ("TELENOR", "TELENOR", False)
    assert await routing(service, "90012345", at) == ("LYSE", "LYSE", False)

    (line,) = (await service.read("/audit"))["items"][-1:]
    assert (line["action"], line["subject"], line["reason"]) == ("series-changed", series["series_id"], "plan")
    assert (line["before"]["holder"], line["after"]["holder"]) == ("TELENOR", "LYSE")
    page = await service.read(f"/series/{series['series_id']}/history", "CHILI")
    versions = [(item["holder"], item["valid_from"], item["valid_until"]) for item in page["items"]]
    assert [holder for holder, _, _ in versions] == ["TELENOR", "LYSE"]
    assert versions[0][2] == versions[1][1]
    assert versions[1][2] is None
    first = await service.read(f"/series/{series['series_id']}/history", limit=1)
    rest = await service.read(f"/series/{series['series_id']}/history", after=first["next"])
    assert first["items"] + rest["items"] == page["items"]


async def test_open_cases_follow_the_series(service: Service) -> None:
    ordered = await service.ordered("LYSE", main_number="90012345")
    executed = await scheduled(service, "90012346", "TELIA", "TELENOR", "12:00")
    await ported(service, "90012347", "CHILI", "TELENOR", "09:00")
    # A case whose donor is somebody else gets the new range holder only.
    onward = await scheduled(service, "90012347", "LYCA", "CHILI", "13:00")
    away = await service.ordered("LYSE", main_number="22000000", number_type="E")
    done = await service.ordered("LYSE", main_number="90012348")
    await service.accepted("LYSE", "NP_ANNU", case_id=done)

    dry = await patched(service, NUMBER, dry_run=True, holder="UNIFON")
    after = await patched(service, NUMBER, holder="UNIFON")
    assert sorted(after["changed"]["cases"]) == sorted([ordered, executed, onward]) == sorted(dry["cases"])
    assert after["changed"]["case_count"] == 3
    parties = {case_id: await service.case(case_id) for case_id in (ordered, executed, onward, away, done)}
    assert [(c["donor"], c["range_holders"]) for c in parties.values()] == [
        ("UNIFON", ["UNIFON"]), ("UNIFON", ["UNIFON"]), ("CHILI", ["UNIFON"]), ("TELENOR", ["TELENOR"]),
        ("TELENOR", ["TELENOR"]),
    ]  # fmt: skip
    line = (await service.history(ordered))[-1]
    assert (line["type"], line["by"], line["message_id"]) == ("plan-change", "NRDB", None)
    assert line["from_state"] == line["to_state"] == "awaiting_donor"
    assert "TELENOR" in line["note"]
    assert "UNIFON" in line["note"]
    # The new donor sees the case and answers; the old one is nobody's party any more.
    assert (await service.case(ordered, "UNIFON"))["customer"]["name"] == "Kari Nordmann"
    service.refused(await service.get(f"/cases/{ordered}", "TELENOR"), "unknown-case", status=404)
    service.refused(await service.post("TELENOR", "NP_GODK", case_id=ordered), "unknown-case", status=404)
    await service.accepted("UNIFON", "NP_GODK", case_id=ordered)
    answer = await service.accepted("LYSE", "NP_IVER", case_id=ordered, network="LYSE")
    assert answer["case"]["state"] == "scheduled"
    # What was scheduled is carried out, and can still be stopped.
    await service.accepted("TELIA", "NP_ANNU", case_id=executed)
    assert await routing(service, "90012346", local("2026-11-23 12:00")) == ("UNIFON", "UNIFON", False)
    await service.clock(local("2026-11-23 13:00"))
    assert await routing(service, "90012347") == ("LYCA", "UNIFON", True)
    assert await routing(service, "90012345") == ("LYSE", "UNIFON", True)


async def test_cases_that_cannot_follow(service: Service) -> None:
    # MT = AT: the new holder has ordered a number of the series.
    own = await service.ordered("LYSE", main_number="90012345")
    facts = await refused(service, NUMBER, "series-in-open-case", holder="LYSE")
    assert facts == {"cases": [own], "count": 1}
    # Two donors: numbers of another series of the old holder are in the case.
    two = await service.ordered(
        "TELIA", number_type="T", main_number="41000000", additional_numbers=["90012346", "41000001"]
    )
    assert await refused(service, NUMBER, "series-in-open-case", holder="CHILI") == {"cases": [two], "count": 1}
    assert await refused(service, NUMBER, "series-in-open-case", holder="LYSE") == {
        "cases": sorted([own, two]),
        "count": 2,
    }
    assert (await patched(service, "22000000", holder="LYSE"))["changed"]["cases"] == []
    # At their porting time they are obsolete, and nothing hinders any more.
    await service.time_passes(local("2026-11-23 09:59:59"))
    assert (await refused(service, NUMBER, "series-in-open-case", holder="LYSE"))["count"] == 2
    await service.time_passes(local("2026-11-23 10:00"))
    await patched(service, NUMBER, holder="LYSE")
    assert (await service.case(own))["donor"] == "TELENOR"
    assert (await service.case(own))["state"] == "obsolete"


async def test_cases_that_wait_for_reports_stay(service: Service) -> None:
    case_id = await ported(service, NUMBER, "TELIA", "TELENOR")
    before = await service.case(case_id)
    assert before["state"] == "awaiting_completion"
    await patched(service, NUMBER, holder="LYSE")
    assert await service.case(case_id) == before
    await service.accepted("TELENOR", "NP_FERD", case_id=case_id)


async def test_a_series_is_blocked_when_nothing_is_ported(service: Service) -> None:
    case_id = await service.ordered("LYSE", main_number="90012345")
    assert await refused(service, NUMBER, "series-in-open-case", status="blocked") == {"cases": [case_id], "count": 1}
    await service.accepted("TELENOR", "NP_GODK", case_id=case_id)
    await service.accepted("LYSE", "NP_IVER", case_id=case_id)
    # Scheduled is both: the case comes first.
    await refused(service, NUMBER, "series-in-open-case", status="blocked")
    await service.clock(local("2026-11-23 10:00"))
    facts = await refused(service, NUMBER, "series-has-ported-numbers", status="blocked")
    assert facts == {"numbers": [{"first": NUMBER, "last": NUMBER}], "count": 1}
    # Given to the one that it was ported to, it is ported no more.
    after = await patched(service, NUMBER, status="blocked", holder="LYSE")
    assert (after["holder"], after["status"]) == ("LYSE", "blocked")
    service.refused(await service.order("TELIA", donor="LYSE", porting_time="2026-11-24T10:00:00+01:00"),
                    "number-not-portable")  # fmt: skip
    after = await patched(service, NUMBER, status="open")
    assert after["changed"]["numbers"] == 0
    await service.ordered("TELIA", donor="LYSE", porting_time="2026-11-24T10:00:00+01:00")


async def test_a_series_goes_back_to_nkom_and_is_assigned_again(service: Service) -> None:
    await ported(service, NUMBER, "LYSE", "TELENOR")
    returned = await patched(service, NUMBER, holder="0", status="returned")
    assert (returned["holder"], returned["status"]) == ("0", "returned")
    assert "ported" not in returned
    assert await routing(service, "90000000") == ("0", "0", False)
    assert await routing(service, NUMBER) == ("LYSE", "0", True)
    tomorrow = "2026-11-24T10:00:00+01:00"
    service.refused(await service.order(main_number="90000000", donor="0", porting_time=tomorrow), "number-not-in-use")
    case_id = await service.ordered("TELIA", donor="LYSE", porting_time=tomorrow)

    async with service.unchanged():
        dry = await patched(service, NUMBER, dry_run=True, holder="UNIFON")
    before = {code: await service.inbox_types(code) for code in ("UNIFON", "TELENOR", "LYSE")}
    assigned = await patched(service, NUMBER, holder="UNIFON")
    assert (assigned["holder"], assigned["status"]) == ("UNIFON", "open")
    assert dry["numbers"] == assigned["changed"]["numbers"] == 199_999
    assert assigned["ported"] == [{"first": NUMBER, "last": NUMBER, "holder": "LYSE", "since": "2026-11-23T09:00:00Z"}]
    assert (await service.case(case_id))["range_holders"] == ["UNIFON"]
    for code, types in before.items():
        assert await service.inbox_types(code) == types + ["NOTICE series-assigned"] * (code == "UNIFON")
    notice = (await service.inbox("UNIFON"))[-1]["message"]
    assert (notice["sender"], notice["series_id"], notice["first"], notice["last"]) == (
        "NRDB", assigned["series_id"], "90000000", "90199999",
    )  # fmt: skip
    assert notice["received_at"] == assigned["valid_from"]
    again = await service.read(f"/messages/{notice['message_id']}", "UNIFON")
    assert again == notice


async def test_five_digit_numbers_keep_where_they_lead(service: Service) -> None:
    """A row of a five-digit number says where it leads, whoever holds its series."""
    await rows.ported(service, "02800", "02800", "TELIA", target="92000000")
    await patched(service, "02800", holder="TELIA")
    found = await service.read("/routing/02800")
    assert (found["holder"], found["range_holder"], found["ported"]) == ("TELIA", "TELIA", False)
    assert found["target_number"] == "92000000"


async def test_a_series_is_split(service: Service) -> None:
    case_id = await ported(service, NUMBER, "LYSE", "TELENOR")
    # A case over the border of the parts stays as it is.
    open_case = await service.ordered(
        number_type="T",
        main_number="90012399",
        additional_numbers=["90012400"],
        porting_time="2026-11-24T10:00:00+01:00",
    )
    await service.clock(minutes=1)
    before = await series_with(service, NUMBER)
    path = f"/series/{before['series_id']}/split"
    form = {"first": "90012300", "last": "90012399", "reason": "sale"}
    async with service.unchanged():
        dry = await service.admin("POST", f"{path}?dry_run=true", form)
    part = await service.admin("POST", path, form)
    assert (part["first"], part["last"], part["holder"], part["status"]) == (
        "90012300", "90012399", "TELENOR", "open",
    )  # fmt: skip
    assert [(item["first"], item["last"]) for item in part["rest"]] == [
        ("90000000", "90012299"), ("90012400", "90199999"),
    ]  # fmt: skip
    assert part["rest"][0]["series_id"] == before["series_id"]
    assert len({part["series_id"], *(item["series_id"] for item in part["rest"])}) == 3
    assert dry["series_count"] == 3
    assert dry["numbers"] == 0
    for number in ("90000000", "90012300", "90012400"):
        found = await service.read(f"/routing/{number}")
        # The holder has held them since the series was entered.
        assert (found["holder"], found["since"], found["until"]) == ("TELENOR", "2019-12-31T23:00:00Z", None)
    assert (await series_with(service, NUMBER))["series_id"] == part["series_id"]
    assert (await routing(service, NUMBER)) == ("LYSE", "TELENOR", True)
    assert (await service.case(case_id))["range_holders"] == ["TELENOR"]
    facts = await refused(service, "90012300", "series-in-open-case", holder="LYSE")
    assert facts == {"cases": [open_case], "count": 1}
    # The end of a series: one part remains. Then the part changes hands.
    last = await service.admin("POST", path, {"first": "90012000", "last": "90012299", "reason": "x"})
    assert [(item["first"], item["last"]) for item in last["rest"]] == [("90000000", "90011999")]
    await patched(service, "90012000", holder="LYSE")
    assert await routing(service, "90012299") == ("LYSE", "LYSE", False)
    assert await routing(service, "90011999") == ("TELENOR", "TELENOR", False)
    async with service.unchanged():
        for first, final in (("90012000", "90012299"), ("90000000", "90011999"), ("89999999", "90000001"),
                             ("580000000000", "580000000001")):  # fmt: skip
            form = {"first": first, "last": final, "reason": "x"}
            service.refused(await service.send("POST", f"/admin{path}", "ADMIN", form), "invalid-message")
        unknown = f"/admin/series/{uuid4()}/split"
        service.refused(await service.send("POST", unknown, "ADMIN", form), "not-found")


async def test_a_row_over_several_series_is_cut(service: Service) -> None:
    """A block that was ported as one may lie in series that then change hands apart."""
    before = await series_with(service, NUMBER)
    order = {"number_type": "S", "main_number": "90012300", "series": [{"first": "90012300", "last": "90012499"}]}
    case_id = await service.ordered("LYSE", **order)
    await service.accepted("TELENOR", "NP_GODK", case_id=case_id)
    await service.accepted("LYSE", "NP_IVER", case_id=case_id)
    await service.clock(local("2026-11-23 11:00"))
    form = {"first": "90012400", "last": "90012409", "reason": "sale"}
    part = await service.admin("POST", f"/series/{before['series_id']}/split", form)
    after = await patched(service, "90012400", holder="LYSE")
    assert after["changed"]["numbers"] == 0
    for number, expected in {
        "90012300": ("LYSE", "TELENOR", True), "90012399": ("LYSE", "TELENOR", True),
        "90012400": ("LYSE", "LYSE", False), "90012409": ("LYSE", "LYSE", False),
        "90012410": ("LYSE", "TELENOR", True), "90012499": ("LYSE", "TELENOR", True),
    }.items():  # fmt: skip
        assert await routing(service, number) == expected
        assert await routing(service, number, local("2026-11-23 10:30")) == ("LYSE", "TELENOR", True)
    listed = (await service.read(f"/series/{before['series_id']}/ported"))["items"]
    assert [(item["first"], item["last"]) for item in listed] == [("90012300", "90012399")]
    assert (await service.read(f"/series/{part['series_id']}/ported"))["items"] == []


async def test_who_sees_what_is_ported_of_a_series(service: Service) -> None:
    await ported(service, NUMBER, "LYSE", "TELENOR")
    await ported(service, "90012346", "TELIA", "TELENOR", "12:00")
    series = await series_with(service, NUMBER)
    path = f"/series/{series['series_id']}/ported"
    expected = [
        {"first": NUMBER, "last": NUMBER, "holder": "LYSE", "since": "2026-11-23T09:00:00Z"},
        {"first": "90012346", "last": "90012346", "holder": "TELIA", "since": "2026-11-23T11:00:00Z"},
    ]
    for who in ("TELENOR", "OPERATOR", "ADMIN"):
        assert (await service.read(path, who)) == {"items": expected, "next": None}
    page = await service.read(path, limit=1)
    assert page["items"] == expected[:1]
    assert (await service.read(path, after=page["next"]))["items"] == expected[1:]
    assert (await service.read(path, at="2026-11-23T10:59:59Z"))["items"] == expected[:1]
    assert (await service.read(path, at="2026-11-23T11:00:00Z"))["items"] == expected
    assert (await service.read(path, at="2026-11-23T08:59:59Z"))["items"] == []
    service.refused(await service.get(path, "LYSE"), "sender-not-yours")
    service.refused(await service.get(f"/series/{uuid4()}/ported"), "not-found")
    one = await service.read(f"/series/{series['series_id']}", "LYSE")
    assert one == series
    service.refused(await service.get(f"/series/{uuid4()}", "LYSE"), "not-found")
    service.refused(await service.get(f"/series/{uuid4()}/history", "LYSE"), "not-found")
    service.refused(await service.get("/series/x", "LYSE"), "invalid-message")


@pytest.mark.parametrize(
    "form",
    [
        {"reason": "x"}, {"holder": "LYSE"}, {"holder": "NOBODY", "reason": "x"}, {"holder": "TELENOR", "reason": "x"},
        {"status": "open", "reason": "x"}, {"status": "lost", "reason": "x"},
        {"holder": "LYSE", "status": "returned", "reason": "x"}, {"holder": "LYSE", "reason": " "},
        {"holder": "LYSE", "reason": "x", "number_class": "GEO"}, {"holder": "GONE", "reason": "x"},
        {"holder": "LYSE", "reason": "x", "valid_from": "2026-11-24T10:00:00"},
    ],
)  # fmt: skip
async def test_forms_that_change_nothing(service: Service, form: dict[str, Any]) -> None:
    await service.db.execute("INSERT INTO provider SELECT 'GONE', 'Gone', NULL, false, NULL, false, 'a@b', '1', '[]', "
                             "nrdb_now()")  # fmt: skip
    series = await series_with(service, NUMBER)
    async with service.unchanged():
        for query in ("", "?dry_run=true"):
            response = await service.send("PATCH", f"/admin/series/{series['series_id']}{query}", "ADMIN", form)
            service.refused(response, "invalid-message")


async def test_only_administrators_change_the_plan(service: Service) -> None:
    series = await series_with(service, NUMBER)
    async with service.unchanged():
        for who in ("TELENOR", "OPERATOR"):
            for method, path in (("PATCH", ""), ("POST", "/split")):
                response = await service.send(method, f"/admin/series/{series['series_id']}{path}", who, {})
                service.refused(response, "role-not-permitted-here")
        response = await service.send("PATCH", f"/admin/series/{uuid4()}", "ADMIN", {"holder": "LYSE", "reason": "x"})
        service.refused(response, "not-found")


async def test_the_effective_time_is_now_or_later(service: Service) -> None:
    now = await service.now()
    past = (now - timedelta(microseconds=1)).isoformat()
    facts = await refused(service, NUMBER, "effective-time-passed", holder="LYSE", valid_from=past)
    assert facts == {"now": "2026-11-23T07:00:00Z"}
    after = await patched(service, NUMBER, holder="LYSE", valid_from=now.isoformat())
    assert (after["valid_from"], after["holder"]) == ("2026-11-23T07:00:00Z", "LYSE")
    # A second change at the same instant of the sandbox leaves no version without length.
    await patched(service, NUMBER, holder="CHILI")
    page = await service.read(f"/series/{after['series_id']}/history")
    assert [item["holder"] for item in page["items"]] == ["TELENOR", "CHILI"]


async def test_two_changes_and_an_order_at_once(service: Service) -> None:
    """One change wins, the other finds it done; the order is decided before them or after them, never in between."""
    series = await series_with(service, NUMBER)
    other = await service.second()
    form = {"holder": "LYSE", "reason": "x"}
    path = f"/admin/series/{series['series_id']}"
    results = await asyncio.gather(
        service.send("PATCH", path, "ADMIN", form),
        other.send("PATCH", path, "ADMIN", form),
        *(service.order(main_number=f"9001{place:04}", donor="TELENOR") for place in range(10)),
        *(other.order(main_number=f"9002{place:04}", donor="LYSE") for place in range(10)),
    )
    assert sorted(response.status_code for response in results[:2]) == [200, 422]
    for response in results[2:]:
        if response.status_code == 201:
            case = await service.case(response.json()["case"]["case_id"])
            assert (case["donor"], case["range_holders"]) == ("LYSE", ["LYSE"])
        else:
            service.refused(response, "donor-not-holder")
