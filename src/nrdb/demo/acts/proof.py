"""What was answered 201 is there, once: at the end of every demo, and after the service was killed."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

from nrdb.demo.checks import UnansweredError
from nrdb.demo.market import WATCHED
from nrdb.demo.player import Json, Player, Porting
from nrdb.demo.service import Service
from nrdb.demo.stage import Accepted, Stage
from nrdb.demo.wire import Reply

_ORDERS = 60
_SENDERS = 4
_KILL_AFTER = 15
#: What stands in the audit log after the performance.
_ADMINISTERED = (
    "provider-created", "key-created", "series-created", "series-changed", "series-split", "series-change-planned",
    "code-transferred", "right-holder-set", "waived", "limit-set", "clock-moved",
)  # fmt: skip


def killed_in_the_middle(stage: Stage) -> str:
    """Orders pour in, and the service dies by SIGKILL; it comes back with everything it had answered."""
    service = stage.service
    if service is None:
        return "left out: the service is somebody else's"
    nord, kyst, at = stage["NORD"], stage["KYST"], stage.at(4, "16:00")
    stage.clock(3, "08:30")
    orders = [kyst.order(nord, f"9000{5000 + place}", at) for place in range(_ORDERS)]
    answered = _pour(stage, service, kyst, orders)
    stage.checks.holds("the clock survived", stage.admin("GET", "/v1/sandbox/clock"), now=stage.now)
    proved = every_answer_stands(stage)
    late = 0
    for order in orders:
        reply = kyst.post(order)
        stage.note("KYST", order, str(reply))
        expected = (200,) if order["message_id"] in answered else (200, 201)
        stage.checks.true(f"sent again: one of {expected}", reply.status in expected, str(reply))
        late += order["message_id"] not in answered and reply.status == 200
        if order["message_id"] not in answered:
            stage.accepted(kyst, order, reply.body)
        _stopped(stage, kyst, order, reply)
    return (
        f"{len(answered)} of {_ORDERS} orders were answered before the end, {late} more had been committed; "
        f"{proved} answers of before stand, none twice"
    )


def _pour(stage: Stage, service: Service, kyst: Player, orders: list[Json]) -> dict[str, Json]:
    """Send from several threads and kill the service among them; returns what was answered, by message_id."""
    enough = Event()
    answered: dict[str, Json] = {}

    def send(order: Json) -> Reply | None:
        try:
            reply = kyst.post(order)
        except UnansweredError:
            enough.set()
            return None
        answered[order["message_id"]] = reply.body
        if len(answered) >= _KILL_AFTER:
            enough.set()
        return reply

    try:
        with ThreadPoolExecutor(_SENDERS) as senders:
            sent = [senders.submit(send, order) for order in orders]
            enough.wait()
            service.kill()
    finally:
        stage.audience.step(f"killed after {len(answered)} answers; starting again")
        service.start()
    for order, done in zip(orders, sent, strict=True):
        reply = done.result()
        stage.note("KYST", order, str(reply or "no answer"))
        if reply is not None:
            stage.checks.equal("an order before the end", reply.status, 201)
            stage.accepted(kyst, order, reply.body)
    stage.checks.true("some orders were cut off", 0 < len(answered) < len(orders), len(answered))
    return answered


def _stopped(stage: Stage, kyst: Player, order: Json, reply: Reply) -> None:
    """One case for each order, which is then stopped, so that the story goes on as if nothing had been."""
    case_id = reply.body["case"]["case_id"]
    listed = stage.admin("GET", "/v1/cases", params={"number": order["main_number"]})["items"]
    stage.checks.equal("the cases of the number", [case["case_id"] for case in listed], [case_id])
    porting = Porting(case_id, order["message_id"], kyst, stage["NORD"], order["main_number"])
    stage.told("NP_BEST", porting, "NORD")
    kyst.cancels(porting)
    stage.told("NP_ANNU", porting, "NORD")


def every_answer_stands(stage: Stage) -> int:
    """Each message that was answered 201: the same answer again, and one line in the history of its case."""
    for accepted in stage.answered:
        _stands(stage, accepted)
    return len(stage.answered)


def _stands(stage: Stage, accepted: Accepted) -> None:
    message_id = accepted.message["message_id"]
    what = f"{accepted.message['type']} {message_id}"
    reply = accepted.sender.post(accepted.message)
    if accepted.sender.code in stage.merged:
        stage.checks.answered(f"{what} again, of a code that is no more", reply, 403, "provider-inactive")
    else:
        stage.checks.answered(f"{what} again", reply, 200)
        stage.checks.equal(f"{what} again", reply.body, accepted.answer)
    path = f"/v1/cases/{accepted.answer['case']['case_id']}/history"
    lines = [line for line in stage.admin("GET", path)["items"] if line["message_id"] == message_id]
    stage.checks.equal(f"{what} in the history", len(lines), 1)
    again = accepted.sender.get(f"/v1/messages/{message_id}")
    stage.checks.holds("the message again", again, type=accepted.message["type"], sender=accepted.sender.code)


def the_books_agree(stage: Stage) -> str:
    """Every answer stands, every inbox reads the same from its beginning, the audit has every change."""
    proved = every_answer_stands(stage)
    for player in stage.players.values():
        _reads_the_same_again(stage, player)
    actions = {line["action"] for line in stage.admin("GET", "/v1/audit", params={"limit": 1000})["items"]}
    for action in _ADMINISTERED:
        stage.checks.true(f"the audit log has {action}", action in actions, sorted(actions))
    for page in sorted(stage.problem_types):
        stage.checks.equal(f"the page {page}", stage.wire.ask("GET", page).status, 200)
    metrics = stage.wire.ask("GET", "/metrics").body["text"]
    stage.checks.true("metrics hold no name and no number", not {"Kari", "90000001"} & set(metrics.split()), "one")
    for number in WATCHED:
        stage.after[number] = stage.routing(number)
    return f"{proved} accepted messages are there, each once; {len(stage.problem_types)} problem pages open"


def _reads_the_same_again(stage: Stage, player: Player) -> None:
    position, found = 0, list[int]()
    while True:
        page = player.get("/v1/inbox", {"after": position, "limit": 7})
        if not page["items"]:
            break
        found += [item["seq"] for item in page["items"]]
        position = page["next"]
    stage.checks.equal(f"{player.code}'s inbox from the beginning", found, player.received)
