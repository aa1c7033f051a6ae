"""The ways a porting can go: through, back, changed, stopped, forgotten."""

from nrdb.demo.player import FIRM, Porting
from nrdb.demo.stage import Stage


def a_number_moves(stage: Stage) -> str:
    """FJELL wins a customer of NORD: ordered, approved, executed, switched, reported by every network."""
    nord, fjell, number = stage["NORD"], stage["FJELL"], "90000001"
    stage.clock(0, "08:00")
    may = fjell.get(f"/v1/portability/{number}")
    stage.checks.holds(
        "the pre-check", may, portable=True, reasons=[], holder="NORD", range_holder="NORD",
        number_class="MOBILE", open_case=None, earliest_porting_time=stage.at(0, "08:35"),
    )  # fmt: skip
    porting = fjell.orders(nord, number, stage.at(0, "09:00"))
    _until_the_execution(stage, porting)
    stage.clock(0, "08:59:59")
    early = stage["SKOG"].about(porting, "NP_FERD")
    facts = stage["SKOG"].meets("too-early-to-complete", "T15", **early)
    stage.checks.holds("the earliest completion", facts, earliest=stage.at(0, "09:00"))
    stage.served_by(number, "NORD")
    stage.clock(0, "09:00")
    _after_the_switch(stage, porting)
    return "routed to FJELL at 09:00:00 sharp"


def _until_the_execution(stage: Stage, porting: Porting) -> None:
    nord, fjell = porting.donor, porting.recipient
    order = nord.finds("NP_BEST", porting)
    stage.checks.true("the donor sees whose number it is", order["customer"]["name"], order["customer"])
    stage["KYST"].get(f"/v1/cases/{porting.case_id}", status=404)
    stage.clock(0, "08:10")
    nord.approves(porting, answers=porting.order_id)
    fjell.finds("NP_GODK", porting)
    stage.clock(0, "08:30")
    told = stage.execution(porting)
    stage.checks.equal("whom NP_IVER reached", fjell.case(porting)["completion"]["expected"], ["KYST", "NORD", "SKOG"])
    stage.checks.holds(
        "what a network reads", told["case"], network="FJELL", routing_number="+47990102",
        porting_time=stage.at(0, "09:00"), numbers=[{"first": porting.number, "last": porting.number}],
    )  # fmt: skip
    scheduled = stage.served_by(porting.number, "NORD")["next"]
    stage.checks.holds("what comes next", scheduled, at=stage.at(0, "09:00"), holder="FJELL", network="FJELL")


def _after_the_switch(stage: Stage, porting: Porting) -> None:
    now = stage.served_by(porting.number, "FJELL")
    stage.checks.holds(
        "the ported number", now, ported=True, range_holder="NORD", since=stage.at(0, "09:00"), next=None,
        tel_uri="tel:+4790000001;npdi;rn=+47990102",
    )  # fmt: skip
    stage.checks.holds("waiting for the networks", porting.donor.case(porting), state="awaiting_completion")
    skog = stage["SKOG"]
    skog.sends("awaiting_completion", **skog.about(porting, "NP_FERD"))
    skog.meets("already-sent", **skog.about(porting, "NP_FERD"))
    porting.recipient.finds("NP_FERD", porting)
    missing = porting.recipient.case(porting)["completion"]["missing"]
    stage.checks.equal("whose NP_FERD is missing", missing, ["KYST", "NORD"])
    for code, state in (("KYST", "awaiting_completion"), ("NORD", "completed")):
        stage[code].sends(state, **stage[code].about(porting, "NP_FERD"))
        porting.recipient.finds("NP_FERD", porting)
    for party in (porting.recipient, porting.donor):
        notice = party.finds("NOTICE", porting)
        stage.checks.holds("the notice", notice, notice="completed", sender="NRDB")
    lines = stage.admin("GET", f"/v1/cases/{porting.case_id}/history")["items"]
    wanted = ["NP_BEST", "NP_GODK", "NP_IVER", "time", "NP_FERD", "NP_FERD", "NP_FERD"]
    stage.checks.equal("the history", [line["type"] for line in lines if line["type"] != "NOTICE"], wanted)


def changed(stage: Stage) -> str:
    """The customer wants another hour: an approval given to the old order no longer counts."""
    nord, fjell = stage["NORD"], stage["FJELL"]
    stage.clock(0, "09:20")
    porting = fjell.orders(nord, "90000003", stage.at(0, "11:00"))
    first_order = porting.order_id
    stage.told("NP_BEST", porting, "NORD")
    nord.approves(porting, answers=first_order)
    stage.told("NP_GODK", porting, "FJELL")
    fjell.meets("porting-time-too-early", "T9",
                **fjell.about(porting, "NP_ENDR", porting_time=stage.at(0, "09:54:59")))  # fmt: skip
    fjell.changes(porting, porting_time=stage.at(0, "13:00"), customer=FIRM)
    seen = nord.finds("NP_ENDR", porting)
    stage.checks.holds("what the donor reads", seen, porting_time=stage.at(0, "13:00"), customer=FIRM)
    fjell.meets("case-state", **fjell.about(porting, "NP_IVER"))
    facts = nord.meets("stale-answer", **nord.about(porting, "NP_GODK", answers=first_order))
    stage.checks.holds("the newest order", facts, newest=porting.order_id)
    nord.approves(porting, answers=porting.order_id)
    stage.told("NP_GODK", porting, "FJELL")
    stage.execution(porting)
    stage.clock(0, "12:59:59")
    stage.served_by("90000003", "NORD")
    stage.clock(0, "13:00")
    stage.served_by("90000003", "FJELL")
    stage.all_report_done(porting)
    return "moved from 11:00 to 13:00, approved anew"


def cancelled(stage: Stage) -> str:
    """Of two executed portings one is stopped at the last instant, the other a second too late."""
    nord, fjell = stage["NORD"], stage["FJELL"]
    stage.clock(0, "13:00")
    stopped = fjell.orders(nord, "90000004", stage.at(0, "15:00"))
    gone = fjell.orders(nord, "90000005", stage.at(0, "15:00"))
    receivers = ("KYST", "NORD", "SKOG")
    for porting in (stopped, gone):
        stage.moves(porting)
    nord.meets("role-not-permitted", **nord.about(stopped, "NP_ANNU"))
    stage.clock(0, "14:30")
    fjell.cancels(stopped)
    stage.told("NP_ANNU", stopped, *receivers)
    stage.clock(0, "14:30:01")
    facts = fjell.meets("stop-too-late", "T12", **fjell.about(gone, "NP_ANNU"))
    stage.checks.holds("the last instant to stop", facts, latest=stage.at(0, "14:30"))
    stage.clock(0, "15:00")
    stage.checks.holds("the stopped one", stage.served_by("90000004", "NORD"), ported=False, next=None)
    stage.served_by("90000005", "FJELL")
    fjell.meets("stop-too-late", "T12", **fjell.about(gone, "NP_ANNU"))
    stage.all_report_done(gone)
    fjell.meets("case-state", **fjell.about(stopped, "NP_ANNU"))
    return "90000004 stopped exactly 30 minutes before, 90000005 too late"


def obsolete(stage: Stage) -> str:
    """Approved and forgotten, or never answered: at its porting time a case is obsolete and blocks nobody."""
    nord, kyst, number = stage["NORD"], stage["KYST"], "90000006"
    stage.clock(1, "08:00")
    used = stage.room("KYST", 1)["used"]
    forgotten = kyst.orders(nord, number, stage.at(1, "09:00"))
    unanswered = stage["FJELL"].orders(nord, "90000016", stage.at(1, "09:00"))
    for porting in (forgotten, unanswered):
        stage.told("NP_BEST", porting, "NORD")
    nord.approves(forgotten)
    stage.told("NP_GODK", forgotten, "KYST")
    second = kyst.order(nord, number, stage.at(1, "10:00"))
    facts = kyst.meets("number-in-open-case", **second)
    stage.checks.holds("until when", facts, until=stage.at(1, "09:00"))
    stage.checks.equal("room taken", stage.room("KYST", 1)["used"], used + 1)
    stage.clock(1, "09:00")
    stage.checks.equal("room given back", stage.room("KYST", 1)["used"], used)
    stage.checks.holds("the forgotten case", kyst.case(forgotten), state="obsolete", next=[])
    kyst.meets("porting-time-passed", **kyst.about(forgotten, "NP_IVER"))
    kyst.meets("stop-too-late", "T12", **kyst.about(forgotten, "NP_ANNU"))
    nord.meets("porting-time-passed", **nord.about(unanswered, "NP_GODK"))
    notices = [
        *stage.told("NOTICE", forgotten, "KYST", "NORD"),
        *stage.told("NOTICE", unanswered, "FJELL", "NORD"),
    ]
    for notice in notices:
        stage.checks.holds("the notice", notice, notice="obsolete", received_at=stage.at(1, "09:00"))
    stage.served_by(number, "NORD")
    again = kyst.orders(nord, number, stage.at(1, "10:00"))
    stage.moves(again)
    stage.clock(1, "10:00")
    stage.served_by(number, "KYST")
    stage.all_report_done(again)
    return "obsolete at 09:00, ordered again, ported at 10:00"


def on_and_home(stage: Stage) -> str:
    """A ported number moves on, with three networks concerned, and then home to its range holder."""
    stage.clock(2, "08:00")
    onward = stage["KYST"].orders(stage["FJELL"], "90000001", stage.at(2, "09:00"))
    stage.told("NP_BEST", onward, "FJELL")
    stage["FJELL"].approves(onward)
    stage.told("NP_GODK", onward, "KYST")
    stage["KYST"].executes(onward)
    stage.told("NP_IVER", onward, "FJELL", "NORD", "SKOG")
    stage.clock(2, "09:00")
    there = stage.served_by("90000001", "KYST")
    uri = "tel:+4790000001;npdi;rn=D0103;rn-context=+47"
    stage.checks.holds("the moved number", there, range_holder="NORD", ported=True, tel_uri=uri)
    stage.all_report_done(onward)
    home = stage["NORD"].orders(stage["KYST"], "90000001", stage.at(2, "10:00"))
    stage.moves(home)
    stage.clock(2, "10:00")
    back = stage.served_by("90000001", "NORD")
    stage.checks.holds("home again", back, ported=False, tel_uri="tel:+4790000001;npdi")
    stage.all_report_done(home)
    then = stage.admin("GET", "/v1/routing/90000001", params={"at": stage.at(2, "09:59:59")})
    stage.checks.holds("who had it a second before", then, holder="KYST", until=stage.at(2, "10:00"))
    return "FJELL to KYST to NORD; the past can still be asked"


def borrowed_network(stage: Stage) -> str:
    """BYTEL has no network of its own, so it must name one that terminates its calls."""
    bytel, fjell = stage["BYTEL"], stage["FJELL"]
    stage.clock(2, "10:05")
    porting = bytel.orders(fjell, "41000001", stage.at(2, "11:00"), customer=FIRM)
    stage.told("NP_BEST", porting, "FJELL")
    fjell.approves(porting)
    stage.told("NP_GODK", porting, "BYTEL")
    bytel.meets("network-not-usable", **bytel.about(porting, "NP_IVER"))
    stage.execution(porting, network="KYST")
    wrong = fjell.about(porting, "NP_FIVE", comment="The number is not prepared in our network.")
    fjell.sends("scheduled", **wrong)
    stage.checks.true("the remark", bytel.finds("NP_FIVE", porting)["comment"], "no comment")
    stage.clock(2, "11:00")
    there = stage.served_by("41000001", "BYTEL")
    stage.checks.holds("whose network", there, network="KYST", routing_number="D0103")
    stage.all_report_done(porting)
    return "held by BYTEL, routed to KYST; NP_FIVE informed and stopped nothing"
