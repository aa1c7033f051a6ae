"""Reports and the audit log: what they say, to whom, as JSON and as CSV."""

import csv
import io
from typing import Any

from tests.support.rows import open_termination, ported
from tests.support.service import Service, local

from nrdb.api.tables import csv_text
from nrdb.errors import Code, Problem
from nrdb.reports.refusals import is_refusal
from nrdb.texts import say


async def items(service: Service, report: str, who: str = "OPERATOR", **params: Any) -> list[dict[str, Any]]:
    return list((await service.read(f"/reports/{report}", who, **params))["items"])


async def table(service: Service, path: str, who: str = "OPERATOR", **params: str) -> list[dict[str, str]]:
    headers = service.headers(who) | {"Accept": "text/csv"}
    response = await service.client.get(f"/v1{path}", headers=headers, params=params)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/csv; charset=utf-8")
    assert response.headers["content-disposition"].startswith('attachment; filename="nrdb-')
    return list(csv.DictReader(io.StringIO(response.content.decode(), newline="")))


async def test_an_answer_is_overdue_after_two_working_hours(service: Service) -> None:
    case_id = await service.ordered(porting_time="2026-11-25T10:00:00+01:00")
    assert await items(service, "overdue") == []
    await service.clock(local("2026-11-23 10:00"))
    assert await items(service, "overdue") == []  # Due now, and not yet overdue.
    await service.time_passes(local("2026-11-23 10:01"))
    (item,) = await items(service, "overdue")
    assert item == {
        "case_id": case_id, "kind": "porting", "state": "awaiting_donor", "waiting_for": "TELENOR",
        "message": "NP_GODK", "since": "2026-11-23T07:00:00Z", "due_at": "2026-11-23T09:00:00Z",
        "overdue_working_minutes": 1, "recipient": "TELIA", "donor": "TELENOR", "main_number": "90012345",
        "number_count": 1,
    }  # fmt: skip
    for who, seen in (("TELIA", 1), ("TELENOR", 1), ("LYSE", 0), ("ADMIN", 1)):
        assert len(await items(service, "overdue", who)) == seen
    assert await items(service, "overdue", code="TELIA") == []
    assert len(await items(service, "overdue", code="TELENOR")) == 1
    # A change of the order asks anew.
    await service.accepted("TELIA", "NP_ENDR", case_id=case_id, porting_time="2026-11-25T11:00:00+01:00")
    assert await items(service, "overdue") == []
    # Ordered outside working hours: the clock of the donor starts in the morning. At night nothing becomes overdue.
    await service.time_passes(local("2026-11-23 22:00"))
    late = await service.ordered(main_number="90012346", porting_time="2026-11-26T10:00:00+01:00")
    await service.time_passes(local("2026-11-24 10:00"))
    assert [item["case_id"] for item in await items(service, "overdue")] == [case_id]
    await service.time_passes(local("2026-11-24 10:30"))
    assert [item["case_id"] for item in await items(service, "overdue")] == [case_id, late]
    # Once its porting time has passed, nobody waits for an answer any more.
    await service.time_passes(local("2026-11-25 11:00"))
    assert [item["case_id"] for item in await items(service, "overdue")] == [late]
    await service.accepted("TELENOR", "NP_GODK", case_id=late)
    assert await items(service, "overdue") == []


async def test_what_will_be_overdue_soon(service: Service) -> None:
    """Every answer or report stands in one of the two lists: late, or late in so many working minutes."""
    answer = await service.ordered(porting_time="2026-11-25T10:00:00+01:00")
    for minutes, found in ((119, []), (120, []), (121, [answer])):
        assert [item["case_id"] for item in await items(service, "overdue", due_within=minutes)] == found
    await service.time_passes(local("2026-11-23 09:30"))
    (item,) = await items(service, "overdue", "TELENOR", due_within=60, code="TELENOR")
    assert (item["due_at"], item["overdue_working_minutes"]) == ("2026-11-23T09:00:00Z", 0)
    assert await items(service, "overdue", due_within=60, code="TELIA") == []
    assert await items(service, "overdue", due_within=60, kind="five_digit") == []
    assert len(await items(service, "overdue", due_within=60, kind="porting")) == 1
    await service.time_passes(local("2026-11-23 10:00"))
    # Due now: not late yet, but late as soon as a minute has passed.
    assert await items(service, "overdue") == []
    assert len(await items(service, "overdue", due_within=1)) == 1
    await service.time_passes(local("2026-11-23 10:01"))
    assert len(await items(service, "overdue", kind="porting")) == 1
    assert await items(service, "overdue", due_within=2400) == []
    assert await items(service, "overdue", kind="termination") == []
    # Reports become due after the porting time only; what has not been carried out waits for none.
    await service.accepted("TELENOR", "NP_GODK", case_id=answer)
    await service.accepted("TELIA", "NP_IVER", case_id=answer)
    assert await items(service, "overdue", due_within=2400) == []
    await service.time_passes(local("2026-11-25 10:00"))
    missing = (await service.case(answer))["completion"]["missing"]
    assert [item["waiting_for"] for item in await items(service, "overdue", due_within=121)] == sorted(missing)
    assert await items(service, "overdue", due_within=119) == []
    for wrong in (0, 2401, "x"):
        service.refused(await service.get("/reports/overdue", due_within=wrong), "invalid-message")
    service.refused(await service.get("/reports/overdue", kind="x"), "invalid-message")


async def test_the_edge_of_a_closed_day(service: Service) -> None:
    """Due exactly when the working day ends: overdue the instant after, although no working minute has passed."""
    await service.clock(local("2026-11-23 14:00"))
    await service.ordered(porting_time="2026-11-25T10:00:00+01:00")
    await service.time_passes(local("2026-11-23 16:00"))
    assert await items(service, "overdue") == []
    await service.time_passes(local("2026-11-23 16:01"))
    (item,) = await items(service, "overdue")
    assert (item["due_at"], item["overdue_working_minutes"]) == ("2026-11-23T15:00:00Z", 0)


async def test_missing_reports_are_overdue_one_by_one(service: Service) -> None:
    case_id = await service.case_in("scheduled")
    await service.time_passes(local("2026-11-23 12:00"))
    assert await items(service, "overdue") == []
    # Nobody has written down that the porting time has come.
    await service.time_passes(local("2026-11-23 12:30"))
    missing = (await service.case(case_id))["completion"]["missing"]
    found = await items(service, "overdue")
    assert [item["waiting_for"] for item in found] == sorted(missing)
    assert {(item["state"], item["message"], item["since"], item["due_at"]) for item in found} == {
        ("awaiting_completion", "NP_FERD", "2026-11-23T09:00:00Z", "2026-11-23T11:00:00Z")
    }
    assert {item["overdue_working_minutes"] for item in found} == {30}
    await service.clock(seconds=1)
    await service.accepted("LYSE", "NP_FERD", case_id=case_id)
    left = [code for code in sorted(missing) if code != "LYSE"]
    assert [item["waiting_for"] for item in await items(service, "overdue")] == left
    assert [item["case_id"] for item in await items(service, "overdue", "LYSE", code="TELENOR")] == [case_id]
    assert await items(service, "overdue", "CHILI") == []  # Got no NP_IVER, so the case does not exist for it.
    seen, after = [], None
    while True:
        page = await service.read("/reports/overdue", limit=5, after=after)
        seen += [item["waiting_for"] for item in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert seen == left
    rows = await table(service, "/reports/overdue")
    assert [row["waiting_for"] for row in rows] == left
    assert rows[0]["main_number"] == "90012345"
    assert "Kari" not in str(rows)


async def test_numbers_that_are_not_returned_have_no_deadline(service: Service) -> None:
    await service.clock(local("2026-11-23 12:00"))
    own = await open_termination(service, "90012345", "TELIA", "TELENOR", local("2026-11-24 10:00"))
    await open_termination(service, "90012346", "TELIA", "0", local("2026-11-24 10:00"))
    assert await items(service, "overdue") == []
    await service.time_passes(local("2026-11-24 10:00"))
    (item,) = await items(service, "overdue", "TELENOR")
    assert item["case_id"] == own
    assert (item["waiting_for"], item["message"], item["state"]) == ("TELENOR", "NP_TILB", "awaiting_return")
    assert (item["since"], item["due_at"]) == ("2026-11-24T09:00:00Z", None)
    assert (item["overdue_working_minutes"], item["recipient"]) == (None, None)


async def test_the_figures_of_a_day(service: Service) -> None:
    completed = await service.case_in("completed", porting_time="2026-11-23T10:00:00+01:00")
    await service.clock(local("2026-11-24 08:00"))
    slow = await service.ordered(main_number="90012346", porting_time="2026-11-25T10:00:00+01:00")
    fast = await service.ordered(main_number="90012347", porting_time="2026-11-25T10:00:00+01:00")
    gone = await service.ordered("LYSE", main_number="90012348", porting_time="2026-11-24T12:00:00+01:00")
    await service.clock(local("2026-11-24 08:30"))
    await service.accepted("TELENOR", "NP_GODK", case_id=fast)
    await service.clock(local("2026-11-24 16:30"))
    await service.accepted("TELENOR", "NP_FBES", case_id=slow, reason="number-not-held")
    await service.accepted("TELIA", "NP_ANNU", case_id=fast)
    service.refused(await service.post("TELIA", "NP_IVER", case_id=slow), "case-state")
    service.refused(await service.order("LYSE", main_number="19999999"), "number-unknown", status=409)
    monday, tuesday, wednesday = await items(service, "daily", from_="2026-11-23", to="2026-11-26")
    expected = len((await service.case(completed))["completion"]["expected"])
    assert monday["messages"] == {"NP_BEST": 1, "NP_GODK": 1, "NP_IVER": 1, "NP_FERD": expected}
    assert monday["cases"] == {
        "opened": 1, "executed": 1, "completed": 1, "rejected": 0, "cancelled": 0, "obsolete": 0, "returned": 0,
    }  # fmt: skip
    assert (monday["numbers_moved"], monday["numbers_returned"], monday["refusals"]) == (1, 0, {})
    assert tuesday["messages"] == {"NP_ANNU": 1, "NP_BEST": 3, "NP_FBES": 1, "NP_GODK": 1}
    assert tuesday["cases"] == {
        "opened": 3, "executed": 0, "completed": 0, "rejected": 1, "cancelled": 1, "obsolete": 1, "returned": 0,
    }  # fmt: skip
    assert tuesday["refusals"] == {"case-state": 1, "number-unknown": 1}
    assert tuesday["answers"] == [
        {
            "code": "TELENOR",
            "count": 2,
            "working_minutes": {"median": 255.0, "p90": 435.0, "max": 480.0},
            "minutes": {"median": 270.0, "p90": 462.0, "max": 510.0},
            "within_due": 0.5,
        }
    ]
    assert wednesday["messages"] == wednesday["refusals"] == {}
    # A provider reads its own day.
    (lyse,) = await items(service, "daily", "LYSE", from_="2026-11-24", to="2026-11-25")
    assert (lyse["messages"], lyse["refusals"], lyse["answers"]) == ({"NP_BEST": 1}, {"number-unknown": 1}, [])
    assert (lyse["cases"]["opened"], lyse["cases"]["obsolete"], lyse["cases"]["rejected"]) == (1, 1, 0)
    assert [lyse] == await items(service, "daily", code="LYSE", from_="2026-11-24", to="2026-11-25")
    foreign = await service.get("/reports/daily", "LYSE", code="TELIA", from_="2026-11-24", to="2026-11-25")
    service.refused(foreign, "sender-not-yours")
    assert (await service.case(gone))["state"] == "obsolete"
    rows = await table(service, "/reports/daily", **{"from": "2026-11-24", "to": "2026-11-25"})
    figures = {(row["figure"], row["code"], row["name"]): row["value"] for row in rows}
    assert figures["messages", "", "NP_BEST"] == "3"
    assert figures["answers", "TELENOR", "median_working_minutes"] == "255.0"
    assert figures["refusals", "", "case-state"] == "1"


async def test_what_time_did_counts_on_its_day_written_down_or_not(service: Service) -> None:
    await service.case_in("scheduled")
    await service.ordered("LYSE", main_number="90012346")
    await service.time_passes(local("2026-11-24 08:00"))
    asked = {"from_": "2026-11-23", "to": "2026-11-25"}
    before = await items(service, "daily", **asked)
    assert (before[0]["cases"]["obsolete"], before[0]["numbers_moved"]) == (1, 1)
    assert (before[1]["cases"]["obsolete"], before[1]["numbers_moved"]) == (0, 0)
    await service.clock(seconds=1)
    assert await items(service, "daily", **asked) == before


async def test_an_answer_exactly_in_time_is_in_time(service: Service) -> None:
    for place, (asked, answered) in enumerate(
        [("08:00", "10:00"), ("14:00", "16:00")]  # The second one also to the last instant of the working day.
    ):
        day = f"2026-11-{24 + place}"
        await service.clock(local(f"{day} {asked}"))
        case_id = await service.ordered(main_number=f"9001234{place}", porting_time="2026-12-01T10:00:00+01:00")
        await service.clock(local(f"{day} {answered}"))
        await service.accepted("TELENOR", "NP_GODK", case_id=case_id)
    await service.clock(local("2026-11-26 14:00"))
    case_id = await service.ordered(main_number="90012349", porting_time="2026-12-01T10:00:00+01:00")
    await service.clock(local("2026-11-26 16:01"))
    await service.accepted("TELENOR", "NP_GODK", case_id=case_id)
    days = await items(service, "daily", from_="2026-11-24", to="2026-11-27")
    assert [day["answers"][0]["within_due"] for day in days] == [1.0, 1.0, 0.0]
    assert {day["answers"][0]["working_minutes"]["max"] for day in days} == {120.0}


async def test_stretches_of_days_are_bounded(service: Service) -> None:
    for report in ("daily", "caps"):
        for from_, to in (("2026-11-23", "2026-11-23"), ("2026-11-24", "2026-11-23"), ("2026-11-23", "2026-12-25")):
            service.refused(await service.get(f"/reports/{report}", from_=from_, to=to), "invalid-message")
    for wrong in ({}, {"day": "2026-11-23", "to": "2026-11-24"}, {"from_": "2026-11-23"}, {"day": "1492-01-01"}):
        service.refused(await service.get("/reports/caps", **wrong), "invalid-message")


async def test_use_of_the_cap(service: Service) -> None:
    await service.admin("PUT", "/caps/LYSE/2026-11-24", {"limit": 10, "reason": "trial"})
    await service.admin("PUT", "/caps/CHILI/2026-11-24", {"limit": 0, "reason": "closed"})
    await service.ordered(porting_time="2026-11-24T10:00:00+01:00")
    series = [{"first": "90012350", "last": "90012354"}]
    await service.ordered(
        "LYSE", main_number="90012350", number_type="S", series=series, porting_time="2026-11-24T10:00:00+01:00"
    )
    day = "2026-11-24"
    found = await items(service, "caps", day=day)
    assert found == [
        {"day": day, "code": "LYSE", "used": 5, "limit": 10, "free": 5, "share": 0.5},
        {"day": day, "code": "TELIA", "used": 1, "limit": 15_000, "free": 14_999, "share": 0.0001},
        {"day": day, "code": "CHILI", "used": 0, "limit": 0, "free": 0, "share": None},
    ]
    assert [item["code"] for item in await items(service, "caps", "TELIA", day=day)] == ["TELIA"]
    service.refused(await service.get("/reports/caps", "TELIA", day=day, code="LYSE"), "sender-not-yours")
    assert [item["code"] for item in await items(service, "caps", code="LYSE", day=day)] == ["LYSE"]
    assert await items(service, "caps", from_="2026-11-23", to="2026-11-26") == found
    seen, after = [], None
    for _ in found:
        page = await service.read("/reports/caps", day=day, limit=1, after=after)
        seen += page["items"]
        after = page["next"]
    assert seen == found
    assert after is None
    assert [row["share"] for row in await table(service, "/reports/caps", day=day)] == ["0.5", "0.0001", ""]
    # An order that came to nothing takes no room, written down or not.
    await service.time_passes(local("2026-11-24 10:00"))
    assert [item["code"] for item in await items(service, "caps", day=day)] == ["CHILI", "LYSE"]
    await service.clock(seconds=1)
    assert [item["code"] for item in await items(service, "caps", day=day)] == ["CHILI", "LYSE"]


async def test_terminations_announced_long_ahead(service: Service) -> None:
    """Announced on a Monday: the fifth working day after it is the next Monday."""
    await service.clock(local("2026-11-23 12:00"))
    await open_termination(service, "90012341", "TELIA", "TELENOR", local("2026-12-01 00:00"))
    later = await open_termination(service, "90012342", "TELIA", "TELENOR", local("2026-12-01 00:01"))
    await service.clock(local("2026-11-27 12:00"))
    saturday = await open_termination(service, "90012343", "LYSE", "TELIA", local("2026-12-05 10:00"))
    found = await items(service, "terminations")
    assert found[0] == {
        "case_id": later, "announced_at": "2026-11-23T11:00:00Z", "termination_time": "2026-11-30T23:01:00Z",
        "working_days": 6, "holder": "TELIA", "range_holder": "TELENOR", "main_number": "90012342",
        "numbers": [{"first": "90012342", "last": "90012342"}], "number_count": 1,
    }  # fmt: skip
    assert [(item["case_id"], item["working_days"]) for item in found] == [(later, 6), (saturday, 6)]
    for who, seen in (("TELIA", [later, saturday]), ("TELENOR", [later]), ("LYSE", [saturday]), ("CHILI", [])):
        assert [item["case_id"] for item in await items(service, "terminations", who)] == seen
    first = await service.read("/reports/terminations", limit=1)
    second = await service.read("/reports/terminations", limit=1, after=first["next"])
    assert first["items"] + second["items"] == found
    assert second["next"] is None
    (row, _) = await table(service, "/reports/terminations")
    assert row["numbers"] == "90012342"
    await service.time_passes(local("2026-12-01 00:01"))
    assert [item["case_id"] for item in await items(service, "terminations")] == [saturday]


async def test_series_that_are_mostly_ported_out(service: Service) -> None:
    form = {"first": "48990000", "last": "48990009", "holder": "TELENOR", "reason": "test"}
    series = await service.admin("POST", "/series", form)
    await ported(service, "48990000", "48990004", "LYSE")
    assert await items(service, "majority", code="TELENOR") == []  # Exactly half is not more than half.
    await ported(service, "48990005", "48990005", "TELIA")
    (item,) = await items(service, "majority")
    assert item == {
        "series_id": series["series_id"], "first": "48990000", "last": "48990009", "number_class": "MOBILE",
        "holder": "TELENOR", "status": "open", "number_count": 10, "ported_count": 6, "ported_share": 0.6,
        "top_holder": "LYSE", "top_count": 5, "top_share": 0.5,
    }  # fmt: skip
    form = {"first": "48980000", "last": "48980009", "holder": "TELIA", "reason": "test"}
    await service.admin("POST", "/series", form)
    await ported(service, "48980000", "48980002", "LYSE")
    await ported(service, "48980003", "48980005", "CHILI")
    other, same = await items(service, "majority")
    assert same == item
    assert (other["top_holder"], other["top_count"], other["ported_count"]) == ("TELIA", 4, 6)
    assert [found["holder"] for found in await items(service, "majority", "TELIA")] == ["TELIA"]
    assert await items(service, "majority", "LYSE") == []
    first = await service.read("/reports/majority", limit=1)
    second = await service.read("/reports/majority", limit=1, after=first["next"])
    assert first["items"] + second["items"] == [other, item]
    headers = service.headers("OPERATOR") | {"Accept": "text/csv"}
    response = await service.client.get("/v1/reports/majority?limit=1", headers=headers)
    link = response.headers["link"]
    assert link.endswith('>; rel="next"')
    response = await service.client.get(link.removeprefix("<").partition(">")[0], headers=headers)
    assert "48990000" in response.text
    assert "link" not in response.headers


async def test_the_audit_log_is_filtered_and_exported(service: Service) -> None:
    await service.admin("PUT", "/caps/TELIA/2026-11-23", {"limit": 1, "reason": "=HYPERLINK(1)"})
    await service.clock(local("2026-11-23 09:00"))
    await service.admin("PUT", "/caps/LYSE/2026-11-23", {"limit": 2, "reason": 'with "quotes", and\nlines'})
    await service.admin("PUT", "/calendar/closed-days/2026-12-24", {"reason": "Christmas Eve"})

    async def subjects(**filters: str) -> list[str]:
        return [line["subject"] for line in (await service.read("/audit", **filters))["items"]]

    caps = ["TELIA 2026-11-23", "LYSE 2026-11-23"]
    assert await subjects(action="limit-set") == caps
    assert await subjects(subject="2026-12-24") == ["2026-12-24"]
    assert await subjects(action="day-closed", subject="LYSE 2026-11-23") == []
    assert await subjects(from_="2026-11-23T08:00:00Z") == [caps[1], "2026-12-24"]
    assert await subjects(action="limit-set", to="2026-11-23T08:00:00Z") == caps[:1]
    rows = await table(service, "/audit", action="limit-set")
    assert [row["reason"] for row in rows] == ["'=HYPERLINK(1)", 'with "quotes", and\nlines']
    assert rows[0]["after"] == '{"limit":1}'
    assert rows[0]["key_id"]
    service.refused(await service.get("/audit", "TELIA"), "role-not-permitted-here")


async def test_json_unless_csv_is_preferred(service: Service) -> None:
    for accept, kind in {
        "*/*": "application/json", "text/csv": "text/csv", "text/csv;q=0.5, application/json": "application/json",
        "application/json;q=0.2, text/csv;q=0.9": "text/csv", "text/html": "application/json",
        "text/csv;q=0": "application/json", "TEXT/CSV": "text/csv", "text/csv;q=x": "application/json",
    }.items():  # fmt: skip
        headers = service.headers("OPERATOR") | {"Accept": accept}
        response = await service.client.get("/v1/reports/overdue", headers=headers)
        assert response.headers["content-type"].partition(";")[0] == kind, accept
        assert response.headers["vary"].startswith("Accept")
    response = await service.client.get("/v1/reports/overdue", headers=service.headers("OPERATOR"))
    assert response.json() == {"items": [], "next": None}


async def test_heads_in_norwegian(service: Service) -> None:
    """A report comes in the reader's language; the values are the same."""
    headers = service.headers("OPERATOR") | {"Accept": "text/csv", "Accept-Language": "nb-NO"}
    response = await service.client.get("/v1/reports/overdue", headers=headers)
    assert response.headers["content-language"] == "nb"
    assert response.text.startswith("sak,type sak,tilstand,venter på,melding,")


def test_cells() -> None:
    text = csv_text(
        ("code", "name"),
        [{"code": "=1+1", "name": -5}, {"code": "+4790012345", "name": "-x"}, {"code": "@x", "name": 'a,"b"'},
         {"code": None, "name": "æøå"},
         {"code": [{"first": "1", "last": "1"}, {"first": "3", "last": "9"}], "name": {"k": 1}}],
        "en",
    )  # fmt: skip
    assert text == ('code,name\r\n\'=1+1,-5\r\n\'+4790012345,\'-x\r\n\'@x,"a,""b"""\r\n,æøå\r\n1 3-9,"{""k"":1}"\r\n')


def test_what_counts_as_a_refusal() -> None:
    assert is_refusal(Problem(Code.CASE_STATE, say("x")))
    assert is_refusal(Problem(Code.UNKNOWN_CASE, say("x")))
    assert not is_refusal(Problem(Code.INVALID_MESSAGE, say("x")))
    assert not is_refusal(Problem(Code.UNAUTHENTICATED, say("x")))
    assert not is_refusal(Problem(Code.NOT_FOUND, say("x")))


async def test_answers_of_several_days_together(service: Service) -> None:
    asked = {"from_": "2026-11-23", "to": "2026-11-25"}
    assert await items(service, "answers", **asked) == []
    for number, minutes in (("90012345", 10), ("90012346", 30)):
        case_id = await service.ordered(main_number=number, porting_time="2026-11-27T10:00:00+01:00")
        await service.clock(minutes=minutes)
        await service.accepted("TELENOR", "NP_GODK", case_id=case_id)
    await service.clock(local("2026-11-24 09:00"))
    case_id = await service.ordered(main_number="90012347", porting_time="2026-11-27T10:00:00+01:00")
    await service.clock(minutes=170)
    await service.accepted("TELENOR", "NP_GODK", case_id=case_id)
    (item,) = await items(service, "answers", **asked)
    # The middle one of 10, 30 and 170: no day has it for itself.
    assert item == {
        "code": "TELENOR", "count": 3, "working_minutes": {"median": 30.0, "p90": 142.0, "max": 170.0},
        "minutes": {"median": 30.0, "p90": 142.0, "max": 170.0}, "within_due": 0.6667,
    }  # fmt: skip
    (day, _) = await items(service, "daily", **asked)
    assert day["answers"][0]["working_minutes"]["median"] == 20.0
    assert await items(service, "answers", "LYSE", **asked) == []
    assert (await service.get("/reports/answers", "LYSE", code="TELENOR", **asked)).status_code == 403
    assert (await service.get("/reports/answers", from_="2026-01-01", to="2026-03-01")).status_code == 422
    rows = await table(service, "/reports/answers", **{"from": "2026-11-23", "to": "2026-11-25"})
    assert {"code": "TELENOR", "name": "median_working_minutes", "value": "30.0"} in rows


async def test_open_cases_by_state(service: Service) -> None:
    await service.ordered(main_number="90012346", porting_time="2026-11-23T12:00:00+01:00")
    await service.case_in("scheduled")
    assert await items(service, "cases") == [
        {"kind": "porting", "state": "awaiting_donor", "count": 1},
        {"kind": "porting", "state": "scheduled", "count": 1},
    ]
    # Time alone does it, worker or none; what has ended is not open.
    await service.time_passes(local("2026-11-23 12:00"))
    waiting = [{"kind": "porting", "state": "awaiting_completion", "count": 1}]
    for who in ("OPERATOR", "TELIA", "TELENOR", "LYSE"):
        assert await items(service, "cases", who) == waiting
    assert await items(service, "cases", code="DSB") == waiting
    assert await items(service, "cases", "CHILI") == []
    assert (await service.get("/reports/cases", "CHILI", code="TELIA")).status_code == 403
    assert await table(service, "/reports/cases") == [{"kind": "porting", "state": "awaiting_completion", "count": "1"}]


async def test_what_is_ported_out_of_each_series(service: Service) -> None:
    plan = (await service.read("/series", limit=1000))["items"]
    found = await items(service, "series", limit=1000)
    assert [one["series_id"] for one in found] == [one["series_id"] for one in plan]
    assert {one["ported_count"] for one in found} == {0}
    assert all(one["top_holder"] == one["holder"] and one["top_share"] == 1 for one in found)
    await service.case_in("awaiting_completion")
    (item,) = [one for one in await items(service, "series", limit=1000) if one["ported_count"]]
    assert (item["holder"], item["ported_count"]) == ("TELENOR", 1)
    mine = await items(service, "series", "LYSE")
    assert {one["holder"] for one in mine} == {"LYSE"}
    assert (await service.get("/reports/series", "LYSE", code="TELENOR")).status_code == 403
    first = await service.read("/reports/series", limit=1)
    second = await service.read("/reports/series", limit=1, after=first["next"])
    assert [first["items"][0]["first"], second["items"][0]["first"]] == [one["first"] for one in plan[:2]]


async def test_the_newest_lines_of_the_audit_log(service: Service) -> None:
    for day in range(3):
        await service.admin("PUT", f"/caps/TELIA/2026-12-0{day + 1}", {"limit": day, "reason": f"reason {day}"})
    first = await service.read("/audit", newest="true", limit=2)
    assert [line["reason"] for line in first["items"]] == ["reason 2", "reason 1"]
    rest = await service.read("/audit", newest="true", limit=2, after=first["next"])
    assert rest["items"][0]["reason"] == "reason 0"
    assert rest["next"] is None
