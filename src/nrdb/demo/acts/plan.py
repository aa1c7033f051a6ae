"""The number plan and the codes change: a part of a series is sold, a code becomes another, a report never comes."""

from nrdb.demo.acts.terminations import NETWORKS
from nrdb.demo.player import FIRM, Json
from nrdb.demo.stage import Stage

BLOCK: Json = {"first": "22000000", "last": "22009999"}


def part_of_a_series_is_sold(stage: Stage) -> str:
    """NORD sells a quarter of a series to FJELL: cut off now, rehearsed, and handed over at noon."""
    nord, fjell, kyst = stage["NORD"], stage["FJELL"], stage["KYST"]
    stage.clock(8, "08:30")
    gone = kyst.orders(nord, "22017000", stage.at(8, "09:30"), customer=FIRM)
    stage.moves(gone)
    stage.clock(8, "09:30")
    stage.all_report_done(gone)
    waiting = kyst.orders(nord, "22016000", stage.at(8, "14:00"), customer=FIRM)
    stage.told("NP_BEST", waiting, "NORD")
    path = _cut_off(stage)
    noon = stage.at(8, "12:00")
    change = {"holder": "FJELL", "reason": "demo: sold", "valid_from": noon}
    stage.hindered("effective-time-passed", "PATCH", path, {**change, "valid_from": stage.at(8, "09:29:59")})
    effects = stage.rehearses("PATCH", path, change)
    stage.checks.holds("what would change", effects, numbers=4_999, cases=[waiting.case_id], case_count=1)
    planned = stage.admin("PATCH", path, json=change)["planned"]
    stage.checks.holds("the plan", planned, due_at=noon, action="series-changed")
    ahead = stage.admin("GET", "/v1/admin/planned-changes")["items"]
    stage.checks.equal("what is set for later", [item["id"] for item in ahead], [planned["id"]])
    stage.clock(8, "11:59:59")
    stage.served_by("22015000", "NORD")
    stage.clock(8, "12:00")
    stage.checks.holds("sold", stage.served_by("22015000", "FJELL"), range_holder="FJELL", ported=False)
    stage.checks.holds(
        "who had left stays away", stage.served_by("22017000", "KYST"), range_holder="FJELL", ported=True
    )
    stage.checks.holds("the open case follows", fjell.case(waiting), donor="FJELL", range_holders=["FJELL"])
    nord.get(f"/v1/cases/{waiting.case_id}", status=404)
    waiting.donor = fjell
    fjell.approves(waiting)
    stage.told("NP_GODK", waiting, "KYST")
    stage.execution(waiting)
    stage.clock(8, "14:00")
    stage.all_report_done(waiting)
    _who_left(stage, path)
    return "4,999 numbers and an open order went to FJELL at 12:00:00; a ported one stayed"


def _cut_off(stage: Stage) -> str:
    """The quarter becomes a series of its own; returns where it is changed."""
    (series,) = stage.admin("GET", "/v1/series", params={"number": "22015000"})["items"]
    part = {"first": "22015000", "last": "22019999", "reason": "demo: to be sold"}
    answer = stage.admin("POST", f"/v1/admin/series/{series['series_id']}/split", 201, json=part)
    stage.checks.holds("the part", answer, first="22015000", last="22019999", holder="NORD")
    rest = [(item["series_id"], item["first"], item["last"]) for item in answer["rest"]]
    stage.checks.equal("the rest", rest, [(series["series_id"], "22000000", "22014999")])
    return f"/v1/admin/series/{answer['series_id']}"


def _who_left(stage: Stage, path: str) -> None:
    """What is ported of a series, for its holder only; the past can be asked too."""
    sold = path.replace("/admin", "") + "/ported"
    kyst = [("22016000", "KYST"), ("22017000", "KYST")]
    stage.checks.equal("of FJELL's part", _listed(stage["FJELL"].get(sold)), kyst)
    stage.checks.equal("this morning", _listed(stage["FJELL"].get(sold, {"at": stage.at(8, "11:00")})), kyst[1:])
    (rest,) = stage["NORD"].get("/v1/series", {"number": "22000000"})["items"]
    listed = stage["NORD"].get(f"/v1/series/{rest['series_id']}/ported")["items"]
    stage.checks.holds("of NORD's rest", listed[0], **BLOCK, holder="SKOG")
    stage["NORD"].get(sold, status=403)


def _listed(page: Json) -> list[tuple[str, str]]:
    return [(item["first"], item["holder"]) for item in page["items"]]


def codes_merge(stage: Stage) -> str:
    """KYST has bought BYTEL: everything that was BYTEL's is KYST's in one instant, the open order included."""
    kyst, bytel, fjell = stage["KYST"], stage["BYTEL"], stage["FJELL"]
    stage.clock(9, "08:00")
    path, change = "/v1/admin/provider-codes/BYTEL/transfer", {"to": "KYST", "reason": "demo: a merger"}
    own = kyst.orders(bytel, "81500001", stage.at(9, "15:00"), customer=FIRM)
    away = fjell.orders(bytel, "81500002", stage.at(9, "10:00"), customer=FIRM)
    for porting in (own, away):
        stage.told("NP_BEST", porting, "BYTEL")
    facts = stage.hindered("transfer-conflict", "POST", path, change)
    stage.checks.equal("where the two codes meet", facts["cases"], [own.case_id])
    kyst.cancels(own)
    stage.told("NP_ANNU", own, "BYTEL")
    stage.hindered("transfer-to-itself", "POST", path, {**change, "to": "BYTEL"})
    effects = stage.rehearses("POST", path, change)
    stage.checks.holds("what would change", effects, numbers=10_001, series_count=1, cases=[away.case_id])
    stage.checks.holds("BYTEL still is", bytel.get("/v1/routing/81500009"), holder="BYTEL")
    stage.admin("POST", path, json=change)
    stage.merged.add("BYTEL")
    for code in NETWORKS:
        stage[code].hears("code-transferred", code="BYTEL", to="KYST")
    stage.checks.holds("the series", stage.served_by("81500009", "KYST"), range_holder="KYST")
    stage.checks.holds("the ported number", stage.served_by("41000001", "KYST"), network="KYST", ported=True)
    reply = bytel.post(bytel.order(fjell, "41000003", stage.at(9, "15:00")))
    stage.checks.answered("the old code sends", reply, 403, "provider-inactive")
    stage.problem_types.add(reply.body["type"])
    stage.checks.holds("it may read", bytel.get("/v1/inbox/status"), unacknowledged=0)
    away.donor = kyst
    kyst.approves(away)
    stage.told("NP_GODK", away, "FJELL")
    stage.execution(away)
    stage.clock(9, "10:00")
    stage.checks.holds("the order went on", stage.served_by("81500002", "FJELL"), range_holder="KYST")
    stage.all_report_done(away)
    return "10,001 numbers and an open order are KYST's; BYTEL may read, and sends nothing more"


def a_report_never_comes(stage: Stage) -> str:
    """SKOG's NP_FERD is overdue, SKOG is reminded, then waived: the case is complete without it."""
    nord, fjell, kyst = stage["NORD"], stage["FJELL"], stage["KYST"]
    stage.clock(9, "10:05")
    porting = fjell.orders(nord, "90000130", stage.at(9, "11:00"))
    stage.moves(porting)
    stage.clock(9, "11:00")
    for player in (kyst, nord):
        player.sends("awaiting_completion", **player.about(porting, "NP_FERD"))
        stage.told("NP_FERD", porting, "FJELL")
    owed = {"code": "SKOG"}
    stage.clock(9, "13:00")
    stage.checks.equal("not overdue yet", stage.admin("GET", "/v1/reports/overdue", params=owed)["items"], [])
    stage.clock(9, "13:01")
    (line,) = fjell.get("/v1/reports/overdue", owed)["items"]
    stage.checks.holds(
        "overdue", line, case_id=porting.case_id, waiting_for="SKOG", message="NP_FERD", due_at=stage.at(9, "13:00"),
        overdue_working_minutes=1,
    )  # fmt: skip
    reminder = f"/v1/cases/{porting.case_id}/remind"
    reply = stage.wire.ask("POST", reminder, key=fjell.key)
    stage.checks.answered("FJELL reminds", reply, 202)
    stage.checks.equal("who is reminded", reply.body, {"reminded": ["SKOG"]})
    (notice,) = stage.told("NOTICE", porting, "SKOG")
    stage.checks.holds("the reminder", notice, notice="reminder", sender="NRDB")
    again = stage.wire.ask("POST", reminder, key=fjell.key)
    stage.checks.answered("FJELL reminds again", again, 409, "reminded-recently")
    stage.refused("reminded-recently", again.body)
    path, waiver = f"/v1/admin/cases/{porting.case_id}/waive", {"code": "SKOG", "reason": "demo: its network is down"}
    stage.checks.holds("what would change", stage.rehearses("POST", path, waiver), state="completed")
    stage.checks.holds("waived", stage.admin("POST", path, json=waiver), state="completed")
    for notice in stage.told("NOTICE", porting, "FJELL", "NORD"):
        stage.checks.holds("the notice", notice, notice="completed")
    done = fjell.case(porting)["completion"]
    stage.checks.holds("the completion", done, missing=[], waived=["SKOG"])
    return "overdue after two working hours (assumed), reminded once an hour, waived with a reason, completed"
