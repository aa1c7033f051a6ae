"""Numbers go back: to their range holder, who may object, and to Nkom, for whom the clearinghouse itself returns."""

from nrdb.demo.player import FIRM
from nrdb.demo.stage import Stage

#: Everybody who routes calls; BYTEL has no network.
NETWORKS = ("FJELL", "KYST", "NORD", "SKOG")


def given_back(stage: Stage) -> str:
    """KYST's customer ends the subscription: the numbers go back to NORD, whose series they are in."""
    kyst, nord, end = stage["KYST"], stage["NORD"], stage.at(4, "09:00")
    stage.clock(4, "08:00")
    nord.meets("not-ported", **nord.termination("90000020", end))
    early = kyst.termination("90000009", stage.at(4, "08:29:59"))
    facts = kyst.meets("termination-time-too-early", "T13", **early)
    stage.checks.holds("the earliest", facts, earliest=stage.at(4, "08:30"))
    used = stage.room("NORD", 4)["used"]
    leaving = kyst.terminates("90000009", end, additional_numbers=["580000000001"])
    stage.checks.holds("what NORD reads", nord.finds("NP_OPPS", leaving)["case"], termination_time=end)
    stage.checks.equal("room taken of the range holder", stage.room("NORD", 4)["used"], used + 2)
    stage["SKOG"].get(f"/v1/cases/{leaving.case_id}", status=404)
    waiting = stage["FJELL"].order(kyst, "90000009", stage.at(4, "09:00"))
    stage["FJELL"].meets("number-in-open-case", **waiting)
    nord.meets("too-early-to-return", "T16", **nord.about(leaving, "NP_TILB"))
    stage.clock(4, "09:00")
    stage.checks.holds("NORD's turn", kyst.case(leaving), state="awaiting_return")
    stage.served_by("90000009", "KYST")
    nord.sends("returned", **nord.about(leaving, "NP_TILB"))
    stage.told("NP_TILB", leaving, "FJELL", "KYST", "SKOG")
    for number in ("90000009", "580000000001"):
        stage.checks.holds("home again", stage.served_by(number, "NORD"), ported=False, since=end)
    return "back with NORD at its NP_TILB, not before; every network was told"


def not_given_back(stage: Stage) -> str:
    """NORD objects with NP_FOPS: the number stays with KYST, and may be announced anew."""
    kyst, nord = stage["KYST"], stage["NORD"]
    stage.clock(4, "09:05")
    leaving = kyst.terminates("90000010", stage.at(4, "10:30"))
    stage.told("NP_OPPS", leaving, "NORD")
    wrong = {"reason": "termination-time-wrong", "comment": "Agreed for the end of the month."}
    kyst.meets("role-not-permitted", **kyst.about(leaving, "NP_FOPS", **wrong))
    nord.sends("rejected", **nord.about(leaving, "NP_FOPS", **wrong))
    stage.checks.holds("what KYST reads", kyst.finds("NP_FOPS", leaving), **wrong)
    nord.meets("case-state", **nord.about(leaving, "NP_TILB"))
    stage.served_by("90000010", "KYST")
    return "rejected with its reason; KYST keeps the number"


def stopped(stage: Stage) -> str:
    """Of two terminations one is stopped at the last instant, the other a second too late."""
    kyst, fjell, nord, end = stage["KYST"], stage["FJELL"], stage["NORD"], stage.at(4, "10:00")
    stage.clock(4, "09:10")
    stays, goes = kyst.terminates("90000013", end), fjell.terminates("90000003", end)
    for leaving in (stays, goes):
        stage.told("NP_OPPS", leaving, "NORD")
    stage.clock(4, "09:30")
    kyst.sends("cancelled", **kyst.about(stays, "NP_ANNU"))
    stage.told("NP_ANNU", stays, "NORD")
    stage.clock(4, "09:30:01")
    facts = fjell.meets("stop-too-late", "T18", **fjell.about(goes, "NP_ANNU"))
    stage.checks.holds("the last instant to stop", facts, latest=stage.at(4, "09:30"))
    stage.clock(4, "10:00")
    nord.sends("returned", **nord.about(goes, "NP_TILB"))
    stage.told("NP_TILB", goes, "FJELL", "KYST", "SKOG")
    stage.served_by("90000013", "KYST")
    stage.served_by("90000003", "NORD")
    return "90000013 stopped 30 minutes before, 90000003 too late"


def back_to_nkom(stage: Stage) -> str:
    """SKOG has returned its series: what was ported of it goes back to Nkom, and Nkom sends nothing itself."""
    fjell, skog = stage["FJELL"], stage["SKOG"]
    stage.clock(4, "10:05")
    porting = fjell.orders(
        skog, "67000100", stage.at(4, "11:00"), number_type="T", additional_numbers=["67000101"], customer=FIRM
    )
    stage.moves(porting)
    stage.clock(4, "11:00")
    stage.all_report_done(porting)
    (series,) = stage.admin("GET", "/v1/series", params={"number": "67000100"})["items"]
    path = f"/v1/admin/series/{series['series_id']}"
    returned = {"holder": "0", "status": "returned", "reason": "demo: SKOG leaves the district"}
    stage.checks.holds("a dry run", stage.rehearses("PATCH", path, returned), numbers=9_998)
    stage.checks.holds("the series", stage.admin("PATCH", path, json=returned), holder="0", status="returned")
    stage.checks.holds("what was ported stays", stage.served_by("67000100", "FJELL"), range_holder="0", ported=True)
    leaving = fjell.terminates("67000100", stage.at(4, "12:00"))
    stage.clock(4, "11:59:59")
    stage.served_by("67000100", "FJELL")
    stage.clock(4, "12:00")
    stage.served_by("67000100", "0")
    for told in stage.told("NP_TILB", leaving, *NETWORKS):
        stage.checks.holds("who returns", told, sender="0", received_at=stage.at(4, "12:00"))
    lines = stage.admin("GET", f"/v1/cases/{leaving.case_id}/history")["items"]
    last = (lines[-1]["type"], lines[-1]["by"], lines[-1]["to_state"])
    stage.checks.equal("the history ends", last, ("NP_TILB", "0", "returned"))
    assigned = stage.admin("PATCH", path, json={"holder": "KYST", "reason": "demo: assigned anew"})
    ported = [{"first": "67000101", "last": "67000101", "holder": "FJELL", "since": stage.at(4, "11:00")}]
    stage.checks.holds("assigned anew", assigned, holder="KYST", status="open", ported=ported)
    stage["KYST"].hears("series-assigned", first=series["first"], last=series["last"])
    stage.served_by("67000100", "KYST")
    return "NP_TILB by code 0 at 12:00:00 in every inbox; then Nkom gave the series to KYST"
