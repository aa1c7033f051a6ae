"""Five-digit numbers: a right of use that an organisation has, and an ordinary number that each leads to."""

from nrdb.demo.acts.terminations import NETWORKS
from nrdb.demo.player import Json
from nrdb.demo.stage import Stage

BANK: Json = {"name": "Sparebanken Eksempel AS", "organisation_number": "974760673"}
TAXI: Json = {"name": "Taxi Eksempel SA", "organisation_number": "923609016"}
NUMBER, KEPT = "02800", "03000"


def set_up_and_moved(stage: Stage) -> str:
    """A bank gets two five-digit numbers with FJELL, and takes one of them along to KYST."""
    fjell, kyst = stage["FJELL"], stage["KYST"]
    stage.clock(3, "09:00")
    at = stage.at(3, "09:30")
    fjell.meets("donor-must-be-nkom", **fjell.leading(NUMBER, "NORD", at, "22015001", BANK))
    fjell.meets("target-number-unknown", **fjell.leading(NUMBER, "0", at, "59900112", BANK))
    fjell.meets("five-digit-only", **fjell.leading("90000019", "0", at, "22015001", BANK))
    early = fjell.leading(NUMBER, "0", stage.at(3, "09:29:59"), "22015001", BANK)
    fjell.meets("porting-time-too-early", "T10", **early)
    cases = [fjell.leads(number, "0", at, "22015001", BANK) for number in (NUMBER, KEPT)]
    for case in cases:
        for told in stage.told("5_IVER", case, "KYST", "NORD", "SKOG"):
            stage.checks.holds("what a network reads", told["case"], target_number="22015001", network="FJELL")
    stage.clock(3, "09:30")
    for case in cases:
        stage.checks.holds("where it leads", stage.served_by(case.number, "FJELL"), target_number="22015001")
        stage.all_lead(case)
    moving = kyst.leads(NUMBER, "FJELL", stage.at(3, "10:00"), "73000002", BANK)
    told, *_ = stage.told("5_IVER", moving, "FJELL", "NORD", "SKOG")
    stage.checks.equal("the donor sees the right holder", told["right_holder"], BANK)
    stage.clock(3, "10:00")
    there = stage.served_by(NUMBER, "KYST")
    uri = "tel:+4702800;npdi;rn=D0103;rn-context=+47"
    stage.checks.holds("the moved number", there, target_number="73000002", range_holder="0", tel_uri=uri)
    stage.all_lead(moving, "FJELL")
    return "set up with FJELL, moved to KYST by the same bank without any approval"


def another_organisation(stage: Stage) -> str:
    """A taxi company wants the bank's number: only Nkom's consent, on record, lets it pass to another."""
    skog, kyst, at = stage["SKOG"], stage["KYST"], stage.at(3, "10:35")
    stage.clock(3, "10:05")
    wanted = skog.leading(NUMBER, "KYST", at, "22010001", TAXI)
    facts = skog.meets("right-holder-differs", **wanted)
    shown = str(facts)
    for owner in (BANK, TAXI):
        stage.checks.true("the refusal names nobody", owner["organisation_number"] not in shown, "a number of one")
    stage.checks.equal(
        "KYST knows its customer", kyst.get(f"/v1/five-digit/{NUMBER}/right-holder")["name"], BANK["name"]
    )
    stage["NORD"].get(f"/v1/five-digit/{NUMBER}/right-holder", status=404)
    consent = {**TAXI, "reason": "demo: Nkom has consented"}
    answer = stage.admin("PUT", f"/v1/admin/five-digit/{NUMBER}/right-holder", json=consent)
    stage.checks.holds("the consent", answer, organisation_number=TAXI["organisation_number"], name=None)
    moving = skog.leads(NUMBER, "KYST", at, "22010001", TAXI)
    stage.told("5_IVER", moving, "FJELL", "KYST", "NORD")
    stage.clock(3, "10:35")
    stage.checks.holds("the taxi's number", stage.served_by(NUMBER, "SKOG"), target_number="22010001")
    stage.all_lead(moving, "KYST")
    return "refused until the administrator recorded Nkom's consent"


def led_elsewhere(stage: Stage) -> str:
    """The taxi company answers elsewhere, and gives the number up: then it is Nkom's again."""
    skog = stage["SKOG"]
    stage.clock(3, "10:40")
    at = stage.at(3, "11:10")
    skog.meets("recipient-is-donor", **skog.leading(NUMBER, "SKOG", at, "22010001", TAXI))
    case = skog.leads(NUMBER, "SKOG", at, "41000002", TAXI)
    stage.told("5_IVER", case, "FJELL", "KYST", "NORD")
    stage.clock(3, "11:10")
    stage.checks.holds("led elsewhere", stage.served_by(NUMBER, "SKOG"), target_number="41000002")
    stage.all_lead(case)
    leaving = skog.terminates(NUMBER, stage.at(3, "11:45"), "5_OPPS")
    stage.clock(3, "11:45")
    free = stage.served_by(NUMBER, "0")
    stage.checks.holds("nobody's", free, target_number=None, network=None, tel_uri=None)
    for told in stage.told("5_TILB", leaving, *NETWORKS):
        stage.checks.holds("who returns", told, sender="0", received_at=stage.at(3, "11:45"))
    stage.checks.holds("the case", skog.case(leaving), state="returned", next=[])
    return "led to 41000002, then given back: 5_TILB by code 0 at 11:45:00"
