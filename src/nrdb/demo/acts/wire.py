"""What an integration engineer relies on: sending again, reading without loss, forms that tell."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from nrdb.demo.player import Player, Porting
from nrdb.demo.stage import Stage


def sent_twice(stage: Stage) -> str:
    """A lost answer is no drama: the same message again gives the first answer again."""
    nord, fjell = stage["NORD"], stage["FJELL"]
    stage.clock(0, "09:00")
    early = fjell.order(nord, "90000015", stage.at(0, "09:10"))
    fjell.meets("porting-time-too-early", "T9", **early)
    corrected = {**early, "porting_time": stage.at(0, "16:00")}
    answer = fjell.sends("awaiting_donor", **corrected)
    porting = Porting(answer["case"]["case_id"], answer["message_id"], fjell, nord, "90000015")
    stage.told("NP_BEST", porting, "NORD")
    spelled = {**corrected, "main_number": "+4790000015", "additional_numbers": []}
    for again in (corrected, dict(reversed(corrected.items())), spelled):
        reply = fjell.post(again)
        stage.note("FJELL", again, str(reply))
        stage.checks.equal("sent again", reply.status, 200)
        stage.checks.equal("said again", reply.headers.get("idempotent-replayed"), "true")
        stage.checks.equal("the first answer", reply.body, answer)
    fjell.meets("duplicate-message", **{**corrected, "main_number": "90000016"})
    _both_at_once(stage, fjell, porting)
    stage.told("NP_ANNU", porting, "NORD")
    return "one 201, then 200 with the same answer; other content under the same id refused"


def _both_at_once(stage: Stage, fjell: Player, porting: Porting) -> None:
    cancel = fjell.about(porting, "NP_ANNU")
    with ThreadPoolExecutor(4) as crowd:
        replies = list(crowd.map(fjell.post, [cancel] * 4))
    for reply in replies:
        stage.note("FJELL", cancel, str(reply))
    stage.checks.equal("four at once", sorted(reply.status for reply in replies), [200, 200, 200, 201])
    first = next(reply.body for reply in replies if reply.status == 201)
    for reply in replies:
        stage.checks.equal("one answer", reply.body, first)
    stage.accepted(fjell, cancel, first)


def wrong_forms(stage: Stage) -> str:
    """A form error names every field that is wrong, never its value; a stranger's case does not exist."""
    nord, fjell = stage["NORD"], stage["FJELL"]
    stage.clock(0, "09:15")
    order = fjell.order(nord, "90000017", stage.at(0, "16:00"))
    wrong = {**order, "main_number": "9000001", "porting_time": "2026-11-23 16:00", "colour": "red"}
    reply = fjell.post(wrong)
    stage.note("FJELL", wrong, str(reply))
    stage.checks.answered("a wrong form", reply, 422, "invalid-message")
    pointers = sorted(error["pointer"] for error in reply.body["errors"])
    stage.checks.equal("where", pointers, ["/colour", "/main_number", "/porting_time"])
    stage.checks.true("the values are not repeated", "9000001" not in str(reply.body["errors"]), reply.body["errors"])
    stage.problem_types.add(reply.body["type"])
    for message, status, code in (
        ({**order, "sender": "NORD"}, 403, "sender-not-yours"),
        (
            {"type": "NP_GODK", "message_id": str(uuid4()), "sender": "FJELL", "case_id": str(uuid4())},
            404,
            "unknown-case",
        ),
    ):
        reply = fjell.post(message)
        stage.note("FJELL", message, str(reply))
        stage.checks.answered(f"a message with {code}", reply, status, code)
        stage.problem_types.add(reply.body["type"])
    return "422 with pointers, 403 for a sender that is not yours, 404 for a stranger's case"


def reading_the_inbox(stage: Stage) -> str:
    """A reader that waits is woken by the message; what is acknowledged stays acknowledged."""
    nord, skog = stage["NORD"], stage["SKOG"]
    stage.clock(3, "08:00")
    skog.reads_inbox()
    order = nord.order(skog, "67000001", stage.at(3, "16:00"))
    with ThreadPoolExecutor(1) as reader:
        waiting = reader.submit(skog.get, "/v1/inbox", {"after": skog.position, "wait": 20})
        answer = nord.sends("awaiting_donor", **order)
        page = waiting.result()
    stage.checks.equal("the reader woke", [item["message"]["type"] for item in page["items"]], ["NP_BEST"])
    status = skog.get("/v1/inbox/status")
    stage.checks.holds(
        "not yet acknowledged", status, unacknowledged=1, acknowledged=skog.position, newest=page["next"]
    )
    beyond = {"through": page["next"] + 1_000_000}
    reply = stage.wire.ask("POST", "/v1/inbox/ack", key=skog.key, json=beyond)
    stage.checks.equal("what nobody has sent cannot be acknowledged", reply.status, 422)
    again = skog.get("/v1/inbox")["items"]
    stage.checks.equal("unacknowledged comes again", again, page["items"])
    porting = Porting(answer["case"]["case_id"], answer["message_id"], nord, skog, "67000001")
    skog.finds("NP_BEST", porting)
    stage.checks.holds("acknowledged", skog.get("/v1/inbox/status"), unacknowledged=0, oldest_unacknowledged_at=None)
    stage.checks.equal("nothing comes again", skog.get("/v1/inbox")["items"], [])
    skog.refuses(porting, "authorisation-invalid")
    stage.told("NP_FBES", porting, "NORD")
    return "woken by the message, acknowledged once"
