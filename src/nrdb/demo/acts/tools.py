"""What spares a porting clerk a call: the next lawful time, an answer before it counts, Norwegian, many at once."""

import json
from uuid import uuid4

from nrdb.demo.player import Json, Player, Porting
from nrdb.demo.stage import Stage
from nrdb.demo.wire import Reply

TITLE_NB = "Porteringstidspunktet er for tidlig"
NIGHT_SHIFT = ("90000110", "90000111", "90000112")


def a_batch(stage: Stage) -> str:
    """The orders of a weekend in one file: each line is decided by itself, and a bad one sinks no other."""
    fjell, nord = stage["FJELL"], stage["NORD"]
    stage.clock(7, "08:00")
    orders = [fjell.order(nord, number, stage.at(7, "16:00")) for number in NIGHT_SHIFT]
    second = fjell.order(nord, NIGHT_SHIFT[0], stage.at(7, "17:00"))
    form = {**orders[0], "message_id": str(uuid4()), "main_number": "9000011"}
    foreign = {**orders[0], "message_id": str(uuid4()), "sender": "NORD"}
    lines = [_line(orders[0]), _line(orders[0]), b"{torn", b"", _line(second), _line(form), _line(orders[1]),
             _line(foreign), _line(orders[2])]  # fmt: skip
    answers = _post(stage, fjell, lines)
    said = [(answer["line"], answer["status"], answer.get("code")) for answer in answers]
    wanted = [
        (1, 201, None), (2, 200, None), (3, 400, "not-json"), (5, 409, "number-in-open-case"),
        (6, 422, "invalid-message"), (7, 201, None), (8, 403, "sender-not-yours"), (9, 201, None),
    ]  # fmt: skip
    stage.checks.equal("the answers, line by line", said, wanted)
    by_line = {answer["line"]: answer for answer in answers}
    portings = []
    for line, order in zip((1, 7, 9), orders, strict=True):
        answer = {name: value for name, value in by_line[line].items() if name not in ("line", "status")}
        stage.accepted(fjell, order, answer)
        portings.append(Porting(answer["case"]["case_id"], order["message_id"], fjell, nord, order["main_number"]))
    stage.refused("number-in-open-case", by_line[5])
    again = [answer["status"] for answer in _post(stage, fjell, lines)]
    stage.checks.equal("the file sent again", again, [200, 200, 400, 409, 422, 200, 403, 200])
    for porting in portings:
        stage.told("NP_BEST", porting, "NORD")
        fjell.cancels(porting)
        stage.told("NP_ANNU", porting, "NORD")
    return "nine lines: three accepted, one replayed, four bad, one blank; sent again, nothing twice"


def _line(message: Json) -> bytes:
    return json.dumps(message).encode()


def _post(stage: Stage, player: Player, lines: list[bytes]) -> list[Json]:
    for line in lines:
        if line.endswith(b"}"):
            stage.note(player.code, json.loads(line), "in a batch")
    reply = stage.wire.ask(
        "POST", "/v1/messages/batch", key=player.key, content=b"\n".join(lines),
        headers={"Content-Type": "application/x-ndjson"},
    )  # fmt: skip
    stage.checks.answered(f"{player.code} posts {len(lines)} lines", reply, 200)
    found: list[Json] = reply.body["lines"]
    return found


def asked_first(stage: Stage) -> str:
    """When may it be at the earliest, and what would the answer be? Asking changes nothing."""
    nord, skog, number = stage["NORD"], stage["SKOG"], "90000120"
    stage.clock(7, "15:50")
    wish = {"type": "NP_BEST", "numbers": [number], "donor": "NORD", "recipient": "SKOG"}
    found = skog.asks("/v1/slots", wish)
    first, why = found["slots"][0]["from"], found["not_before"][0]
    stage.checks.equal("the first lawful time", first, stage.at(8, "08:25"))
    stage.checks.holds("why not earlier", why, until=first, code="porting-time-too-early", rule="T9")
    order = skog.order(nord, number, stage.at(8, "08:24:59"))
    early = skog.asks("/v1/messages/check", order)
    stage.checks.equal("a second before", (early["status"], early["answer"]["code"]), (409, why["code"]))
    order["porting_time"] = first
    checked = skog.asks("/v1/messages/check", order)
    stage.checks.holds("exactly then", checked, status=201)
    stage.checks.holds("no case yet", checked["answer"]["case"], case_id=None, state="awaiting_donor")
    nord.reads_inbox()
    stage.checks.equal("NORD hears nothing of it", nord.inbox, [])
    porting = skog.orders(nord, number, first)
    stage.told("NP_BEST", porting, "NORD")
    later = skog.asks("/v1/slots", {**wish, "type": "NP_BEST", "numbers": [number, "90000121"]})
    codes = [item["code"] for item in later["not_before"]]
    stage.checks.true("an open case stands before it", "number-in-open-case" in codes, codes)
    skog.cancels(porting)
    stage.told("NP_ANNU", porting, "NORD")
    return "from Monday 15:50 the first lawful time is Tuesday 08:25; check and order agreed"


def in_norwegian(stage: Stage) -> str:
    """The same refusal for a clerk who reads Norwegian; what programs read stays the same."""
    nord, fjell = stage["NORD"], stage["FJELL"]
    stage.clock(7, "15:55")
    early = fjell.order(nord, "90000122", stage.at(7, "15:56"))
    english = fjell.post(early)
    norwegian = fjell.post(early, **{"Accept-Language": "nb"})
    for reply, language in ((english, "en"), (norwegian, "nb")):
        stage.note("FJELL", early, str(reply))
        stage.checks.answered(f"too early, in {language}", reply, 409, "porting-time-too-early")
        stage.checks.equal("the language", reply.headers.get("content-language"), language)
        stage.refused("porting-time-too-early", reply.body)
    stage.checks.equal("the title", norwegian.body["title"], TITLE_NB)
    stage.checks.true("it is reckoned in Norwegian", "virkeminutter" in _derivation(norwegian), _derivation(norwegian))
    stage.checks.true("and in English", "working minutes" in _derivation(english), _derivation(english))
    for name in ("code", "rule", "source", "type"):
        stage.checks.equal(f"the same {name}", norwegian.body[name], english.body[name])
    for name in ("earliest", "porting_time"):
        stage.checks.equal(f"the same {name}", norwegian.body["facts"][name], english.body["facts"][name])
    rules = fjell.get("/v1/rules")["items"]
    texts = [rule["text"]["nb"] for rule in rules if rule["timer"] == "T9"]
    stage.checks.true("the rule itself, in Norwegian", texts and all(texts), texts)
    detail: str = norwegian.body["detail"]
    return f"«{detail}»"


def _derivation(reply: Reply) -> str:
    return " ".join(reply.body["facts"]["derivation"])
