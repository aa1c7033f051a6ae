"""Many numbers, little room, and two who want the same."""

from concurrent.futures import ThreadPoolExecutor

from nrdb.demo.player import FIRM, Porting
from nrdb.demo.stage import Stage

BLOCK = [{"first": "22000000", "last": "22009999"}]
HALF = [{"first": "73000000", "last": "73004999"}]


def ten_thousand(stage: Stage) -> str:
    """A municipality takes its 10,000 numbers along: one case. One number more would be Nkom's business."""
    nord, skog, night = stage["NORD"], stage["SKOG"], stage.at(2, "06:00")
    stage.clock(1, "10:15")
    block = {"number_type": "S", "customer": FIRM}
    larger = [{"first": "22000000", "last": "22010000"}]
    facts = skog.meets("block-too-large", **skog.order(nord, "22000000", night, series=larger, **block))
    stage.checks.holds("the limit", facts, limit=10_000, count=10_001)
    porting = skog.orders(nord, "22000000", night, series=BLOCK, **block)
    stage.checks.holds("the case", skog.case(porting), number_count=10_000, numbers=BLOCK)
    told = stage.moves(porting)
    stage.checks.equal("the network reads one range", told["case"]["numbers"], BLOCK)
    stage.checks.equal("room taken", stage.room("SKOG", 2)["used"], 10_000)
    _the_day_fills(stage)
    stage.clock(2, "05:59:59")
    stage.served_by("22004711", "NORD")
    stage.clock(2, "06:00")
    for number, holder in (
        ("22000000", "SKOG"),
        ("22004711", "SKOG"),
        ("22009999", "SKOG"),
        ("22010000", "NORD"),
    ):
        stage.served_by(number, holder)
    stage.all_report_done(porting)
    return "10,000 numbers switched in one instant, the neighbour not; the day was full at 15,000"


def _the_day_fills(stage: Stage) -> None:
    """15,000 numbers a day to one code; for special reasons an administrator lifts the limit of a day."""
    kyst, skog, day = stage["KYST"], stage["SKOG"], 2
    night = stage.at(day, "07:00")
    half = skog.orders(kyst, "73000000", night, number_type="S", series=HALF, customer=FIRM)
    one_more = skog.order(kyst, "73005000", night)
    facts = skog.meets("daily-cap-exceeded", **one_more)
    stage.checks.holds(
        "the cap", facts, code="SKOG", day=stage.day(day), limit=15_000, used=15_000, requested=1,
        next_day_with_room=stage.day(day + 1),
    )  # fmt: skip
    other_day = skog.orders(kyst, "73005001", stage.at(day + 1, "07:00"))
    skog.meets("daily-cap-exceeded", **skog.about(other_day, "NP_ENDR", porting_time=night))
    path = f"/v1/admin/caps/SKOG/{stage.day(day)}"
    lifted = stage.admin("PUT", path, json={"limit": 15_001, "reason": "demo: a merger, approved"})
    stage.checks.holds("the lifted limit", lifted, limit=15_001, used=15_000, free=1)
    accepted = skog.orders(kyst, "73005000", one_more["porting_time"])
    stage.checks.holds("the day", stage.room("SKOG", day), limit=15_001, used=15_001, free=0)
    for porting in (half, accepted, other_day):
        _approved_and_stopped(stage, porting)
    stage.checks.holds("only the block stays", stage.room("SKOG", day), used=10_000, free=5_001)


def _approved_and_stopped(stage: Stage, porting: Porting) -> None:
    stage.told("NP_BEST", porting, porting.donor.code)
    porting.recipient.cancels(porting)
    stage.told("NP_ANNU", porting, porting.donor.code)


def two_want_one(stage: Stage) -> str:
    """FJELL, KYST and SKOG order one number in the same moment; exactly one of them gets it."""
    nord, number, at = stage["NORD"], "90000007", stage.at(2, "12:30")
    stage.clock(2, "11:05")
    rivals = [stage[code] for code in ("FJELL", "KYST", "SKOG")] * 2
    orders = [rival.order(nord, number, at) for rival in rivals]
    with ThreadPoolExecutor(len(rivals)) as crowd:
        replies = list(crowd.map(lambda rival, order: rival.post(order), rivals, orders))
    for rival, order, reply in zip(rivals, orders, replies, strict=True):
        stage.note(rival.code, order, str(reply))
    statuses = sorted(reply.status for reply in replies)
    stage.checks.equal("one winner", statuses, [201, *[409] * (len(rivals) - 1)])
    for reply in replies:
        if reply.status != 201:
            stage.checks.holds("the others", reply.body, code="number-in-open-case")
            stage.refused("number-in-open-case", reply.body)
    place = next(place for place, reply in enumerate(replies) if reply.status == 201)
    winner, body = rivals[place], replies[place].body
    stage.accepted(winner, orders[place], body)
    porting = Porting(body["case"]["case_id"], body["message_id"], winner, nord, number)
    stage.moves(porting)
    stage.clock(2, "12:30")
    stage.served_by(number, winner.code)
    stage.all_report_done(porting)
    return f"{winner.code} was first; {len(rivals) - 1} orders refused"


def several_numbers(stage: Stage) -> str:
    """One case for four numbers, of 8 and 12 digits; type E takes the main number only, and says so."""
    nord, kyst = stage["NORD"], stage["KYST"]
    stage.clock(2, "12:35")
    family = kyst.orders(
        nord, "90000008", stage.at(2, "13:30"), number_type="T",
        additional_numbers=["+4790000010", "90000009", "580000000001"],
    )  # fmt: skip
    wanted = [
        {"first": "90000008", "last": "90000010"},
        {"first": "580000000001", "last": "580000000001"},
    ]
    stage.checks.holds("ascending, joined", kyst.case(family), numbers=wanted, number_count=4)
    single = kyst.order(nord, "90000013", stage.at(2, "13:30"), additional_numbers=["90000014"])
    answer = kyst.sends("awaiting_donor", **single)
    codes = [warning["code"] for warning in answer["warnings"]]
    stage.checks.equal("the warning", codes, ["extra-numbers-not-registered"])
    alone = Porting(answer["case"]["case_id"], answer["message_id"], kyst, nord, "90000013")
    for porting in (family, alone):
        stage.moves(porting)
    stage.clock(2, "13:30")
    for number, holder in (
        ("90000010", "KYST"),
        ("580000000001", "KYST"),
        ("90000013", "KYST"),
        ("90000014", "NORD"),
    ):
        stage.served_by(number, holder)
    for porting in (family, alone):
        stage.all_report_done(porting)
    return "90000008 to 10 and 580000000001 in one case; of type E only the main number moved"
