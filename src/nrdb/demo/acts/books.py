"""The reports of the week, as an operator reads them: who keeps others waiting, what happened, who has room."""

from nrdb.demo.player import Json
from nrdb.demo.stage import Sheet, Stage

_MOST_CAPS = 6
_SPREADSHEET = {"Accept": "text/csv"}


def the_reports(stage: Stage) -> str:
    """Three things are left lying over night; next morning the reports have them, and the figures of the week."""
    nord, fjell, kyst = stage["NORD"], stage["FJELL"], stage["KYST"]
    stage.clock(9, "13:05")
    unanswered = kyst.orders(nord, "90000140", stage.at(10, "16:00"))
    stage.told("NP_BEST", unanswered, "NORD")
    kept = kyst.terminates("90000010", stage.at(9, "14:00"))
    stage.told("NP_OPPS", kept, "NORD")
    unreported = fjell.orders(nord, "90000141", stage.at(9, "14:00"))
    stage.moves(unreported)
    stage.clock(9, "14:00")
    nord.sends("awaiting_completion", **nord.about(unreported, "NP_FERD"))
    stage.told("NP_FERD", unreported, "FJELL")
    stage.clock(10, "09:00")
    cases = {unanswered.case_id: "NP_GODK", kept.case_id: "NP_TILB", unreported.case_id: "NP_FERD"}
    sheets = [_overdue(stage, cases), _daily(stage), _caps(stage), _majority(stage)]
    stage.sheets += sheets
    _seen_by_a_provider(stage)
    return f"{len(sheets[0].rows)} things overdue, {len(sheets[1].rows)} days, one series mostly ported out"


def _report(stage: Stage, name: str, params: Json | None = None) -> list[Json]:
    """All lines, and the same number of them in the spreadsheet's form."""
    path = f"/v1/reports/{name}"
    items: list[Json] = stage.admin("GET", path, params=params)["items"]
    table = stage.wire.ask("GET", path, key=stage.admin_key, params=params, headers=_SPREADSHEET)
    stage.checks.answered(f"{path} for a spreadsheet", table, 200)
    lines = table.body["text"].splitlines()
    if name != "daily":  # There it is a line a figure.
        stage.checks.equal(f"the lines of {path}", len(lines), len(items) + 1)
        stage.checks.equal(f"the headings of {path}", sorted(lines[0].split(",")), sorted(items[0]))
    return items


def _overdue(stage: Stage, cases: dict[str, str]) -> Sheet:
    items = _report(stage, "overdue")
    found = sorted({(item["case_id"], item["message"]) for item in items})
    stage.checks.equal("what is overdue", found, sorted(cases.items()))
    rows = [
        (item["main_number"], item["message"], item["waiting_for"], item["since"][:16].replace("T", " "),
         _late(item["overdue_working_minutes"]))
        for item in items
    ]  # fmt: skip
    return Sheet("Overdue", ("Number", "Waits for", "Of", "Since (UTC)", "Late"), tuple(rows))


def _late(late: int | None) -> str:
    return "no deadline known" if late is None else f"{late} working minutes"


def _daily(stage: Stage) -> Sheet:
    days = _report(stage, "daily", {"from": stage.day(0), "to": stage.day(11)})
    stage.checks.equal("a line a day", [day["day"] for day in days], [stage.day(number) for number in range(11)])
    moved = {day["day"]: day["numbers_moved"] for day in days}
    stage.checks.true("the block moved on the third day", moved[stage.day(2)] > 10_000, moved)
    refused = {code for day in days for code in day["refusals"]}
    told = {"porting-time-too-early", "right-holder-differs", "not-ported", "daily-cap-exceeded"}
    stage.checks.true("refusals are counted by code", told <= refused, sorted(refused))
    rows = [
        (day["day"], sum(day["messages"].values()), sum(day["refusals"].values()), day["cases"]["opened"],
         day["cases"]["completed"], day["cases"]["returned"], day["numbers_moved"], day["numbers_returned"])
        for day in days if day["messages"] or day["refusals"]
    ]  # fmt: skip
    headings = ("Day", "Messages", "Refused", "Opened", "Completed", "Returned", "Numbers moved", "and returned")
    return Sheet("Daily", headings, tuple(rows))


def _caps(stage: Stage) -> Sheet:
    items = _report(stage, "caps", {"from": stage.day(0), "to": stage.day(11)})
    top = items[0]
    stage.checks.holds("the fullest day", top, code="SKOG", day=stage.day(2), limit=15_001, used=10_000)
    rows = [
        (item["code"], item["day"], item["used"], item["limit"], f"{item['share']:.1%}") for item in items[:_MOST_CAPS]
    ]
    return Sheet("Daily cap, the fullest days", ("To", "Day", "Used", "Limit", "Share"), tuple(rows))


def _majority(stage: Stage) -> Sheet:
    items = _report(stage, "majority")
    stage.checks.equal("series mostly ported out", [item["first"] for item in items], ["22000000"])
    stage.checks.holds("who holds most", items[0], holder="NORD", ported_count=10_000, top_holder="SKOG")
    rows = [
        (f"{item['first']}-{item['last']}", item["holder"], item["ported_count"], f"{item['ported_share']:.1%}",
         f"{item['top_holder']} ({item['top_share']:.1%})")
        for item in items
    ]  # fmt: skip
    return Sheet("More than half ported out", ("Series", "Holder", "Ported", "Share", "Most of it"), tuple(rows))


def _seen_by_a_provider(stage: Stage) -> None:
    """A provider reads what concerns it, and nothing of its competitors'."""
    codes = {item["code"] for item in stage["SKOG"].get(
        "/v1/reports/caps", {"from": stage.day(0), "to": stage.day(11)})["items"]}  # fmt: skip
    stage.checks.equal("SKOG's caps", codes, {"SKOG"})
    stage.checks.equal("SKOG's series", stage["SKOG"].get("/v1/reports/majority")["items"], [])
    stage["SKOG"].get("/v1/audit", status=403)
