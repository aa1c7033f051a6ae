"""Refusals: the donor's, which rest on a ground, and the rulebook's."""

from nrdb.demo.player import KARI, Porting
from nrdb.demo.stage import Stage

OLA = {"name": "Ola Nordmann", "birth_date": "19760517"}


def wrong_owner(stage: Stage) -> str:
    """The subscription is not Kari's: NORD says whose it is, and only a lawful ground counts."""
    nord, fjell, number = stage["NORD"], stage["FJELL"], "90000002"
    stage.clock(0, "09:05")
    used = stage.room("FJELL", 0)["used"]
    porting = fjell.orders(nord, number, stage.at(0, "16:00"))
    stage.told("NP_BEST", porting, "NORD")
    stage.checks.equal("room taken", stage.room("FJELL", 0)["used"], used + 1)
    _no_ground(porting)
    nord.refuses(porting, "owner-mismatch", expected=OLA)
    told = fjell.finds("NP_FBES", porting)
    stage.checks.holds("what FJELL reads", told, reason="owner-mismatch", expected=OLA)
    stage.checks.equal("room given back", stage.room("FJELL", 0)["used"], used)
    right = {"name": "Ola N.", "birth_date": "1976-05-17"}
    again = fjell.orders(nord, number, stage.at(0, "16:00"), customer=right)
    stage.told("NP_BEST", again, "NORD")
    same = nord.about(again, "NP_FBES", reason="owner-mismatch", expected=OLA)
    nord.meets("reason-not-permitted", **same)
    fjell.cancels(again)
    stage.told("NP_ANNU", again, "NORD")
    return "rejected with the right owner; the name alone was no ground the second time"


def _no_ground(porting: Porting) -> None:
    nord = porting.donor
    for reason in ("outstanding-balance", "customer-changed-mind", "staff-unavailable"):
        nord.meets("reason-not-permitted", **nord.about(porting, "NP_FBES", reason=reason))
    incomplete = nord.about(
        porting, "NP_FBES", reason="numbers-incomplete",
        expected={"numbers": [{"first": "90000002", "last": "90000003"}]},
    )  # fmt: skip
    nord.meets("reason-not-permitted", **incomplete)
    name_only = nord.about(porting, "NP_FBES", reason="owner-mismatch", expected={"name": "Ola Nordmann"})
    nord.meets("expected-value-missing", **name_only)
    porting.recipient.meets("role-not-permitted", **porting.recipient.about(porting, "NP_GODK"))


def secret_number(stage: Stage) -> str:
    """The owner of a secret number must not be named, not even in a refusal."""
    nord, kyst = stage["NORD"], stage["KYST"]
    stage.clock(0, "09:10")
    porting = kyst.orders(nord, "90000009", stage.at(0, "16:00"))
    stage.told("NP_BEST", porting, "NORD")
    telling = nord.about(porting, "NP_FBES", reason="owner-mismatch", secret_number=True, expected=OLA)
    nord.meets("secret-number-disclosed", **telling)
    nord.refuses(porting, "owner-mismatch", secret_number=True)
    told = kyst.finds("NP_FBES", porting)
    stage.checks.equal("nothing disclosed", told.get("expected"), None)
    return "rejected without a name"


def never_portable(stage: Stage) -> str:
    """Blocked series and everything else that an order must not ask for."""
    fjell, nord, at = stage["FJELL"], stage["NORD"], stage.at(1, "16:00")
    stage.clock(1, "10:05")
    blocked = {**fjell.order(nord, "59900112", at), "donor": "VAKT"}
    facts = fjell.meets("number-not-portable", **blocked)
    stage.checks.holds("which numbers", facts, numbers=[{"first": "59900112", "last": "59900112"}], count=1)
    why = fjell.get("/v1/portability/59900112")
    stage.checks.holds("the pre-check", why, portable=False, reasons=["number-not-portable"])
    fjell.get("/v1/routing/99999999", status=404)
    _not_orderable(stage, at)
    return "eight kinds of order refused, nothing changed"


def _not_orderable(stage: Stage, at: str) -> None:
    fjell, nord = stage["FJELL"], stage["NORD"]

    def refused(code: str, number: str, **more: object) -> None:
        fjell.meets(code, **{**fjell.order(nord, number, at), **more})

    refused("number-unknown", "99999999")
    refused("five-digit-message-required", "02000")
    refused("number-not-in-use", "45360001")
    refused("donor-not-holder", "73000001")
    refused("donor-not-holder", "41000009")
    refused("recipient-is-donor", "41000009", donor="FJELL")
    refused("mixed-number-classes", "90000011", number_type="T", additional_numbers=["22015000"])
    refused("number-type-mismatch", "22015000", number_type="T")
    refused("duplicate-number", "90000011", number_type="T", additional_numbers=["90000011"])


def friday_afternoon(stage: Stage) -> str:
    """Working minutes stop over the weekend; the service tells how it reckons. The hours are assumed."""
    fjell, nord, number = stage["FJELL"], stage["NORD"], "90000012"
    stage.clock(4, "15:50")
    monday = stage.at(7, "08:25")
    reckoned = fjell.get("/v1/calendar/add", {"from": stage.now, "working_minutes": 35})
    stage.checks.holds("35 working minutes", reckoned, at=monday)
    facts = fjell.meets("porting-time-too-early", "T9", **fjell.order(nord, number, stage.at(7, "08:24:59")))
    stage.checks.holds("the earliest", facts, earliest=monday)
    stage.checks.equal("how it was reached", facts["derivation"][-3:], reckoned["derivation"])
    end = fjell.get("/v1/calendar/add", {"from": stage.now, "working_days": 60})
    facts = fjell.meets("porting-time-too-late", "T11", **fjell.order(nord, number, stage.at(365, "12:00")))
    stage.checks.holds("the latest", facts, latest=end["at"])
    last = fjell.orders(nord, number, end["at"])
    stage.told("NP_BEST", last, "NORD")
    stage.checks.equal("room on Monday", stage.room("FJELL", 7)["used"], 0)
    fjell.changes(last, porting_time=monday)
    stage.checks.equal("room moves along", stage.room("FJELL", 7)["used"], 1)
    stage.told("NP_ENDR", last, "NORD")
    nord.refuses(last, "subscription-ended")
    stage.told("NP_FBES", last, "FJELL")
    stage.checks.equal("and is given back", stage.room("FJELL", 7)["used"], 0)
    stage.checks.equal("the identity stays", fjell.case(last)["customer"], KARI)
    return "35 minutes from Friday 15:50 end on Monday 08:25; the 60th working day is allowed"
