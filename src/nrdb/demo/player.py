"""A provider, as its engineer would write it: post, follow the inbox, keep what was answered."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

from nrdb.demo.checks import DifferenceError

if TYPE_CHECKING:
    from nrdb.demo.stage import Stage
    from nrdb.demo.wire import Reply

Json = dict[str, Any]
KARI: Json = {"name": "Kari Nordmann", "birth_date": "1980-01-31"}
FIRM: Json = {"name": "Sagene Bakeri AS", "organisation_number": "974760673"}
#: Seconds to wait for somebody who answers by itself.
_PATIENCE = 20.0
#: Shown to the recipient and the donor of a case and to nobody else (contract section 3).
PERSONAL = ("customer", "expected", "comment", "authorisation_reference", "right_holder")


class Case(Protocol):
    """What a message about a case needs to know of it."""

    case_id: str
    number: str


@dataclass
class Opened:
    """A case that nobody has to approve: a termination, or a five-digit number on its way."""

    case_id: str
    number: str
    by: Player


@dataclass
class Porting:
    """A case as its parties follow it; `order_id` is the newest NP_BEST or NP_ENDR."""

    case_id: str
    order_id: str
    recipient: Player
    donor: Player
    number: str


@dataclass
class Player:
    """One provider code with its key. `inbox` holds what was received and not yet looked at."""

    code: str
    key: str
    stage: Stage
    position: int = 0
    received: list[int] = field(default_factory=list)
    inbox: list[Json] = field(default_factory=list)

    # --- the verbs of a porting, each answered 201 ----------------------------------------------------------

    def orders(self, donor: Player, number: str, at: str, **more: object) -> Porting:
        """NP_BEST, accepted."""
        answer = self.sends("awaiting_donor", **self.order(donor, number, at, **more))
        return Porting(answer["case"]["case_id"], answer["message_id"], self, donor, number)

    def approves(self, porting: Porting, **more: object) -> Json:
        """NP_GODK."""
        return self.sends("awaiting_recipient", **self.about(porting, "NP_GODK", **more))

    def refuses(self, porting: Porting, reason: str, **more: object) -> Json:
        """NP_FBES."""
        return self.sends("rejected", **self.about(porting, "NP_FBES", reason=reason, **more))

    def changes(self, porting: Porting, **what: object) -> Json:
        """NP_ENDR: from now on it is the order that the donor answers."""
        answer = self.sends("awaiting_donor", **self.about(porting, "NP_ENDR", **what))
        porting.order_id = answer["message_id"]
        return answer

    def cancels(self, porting: Porting) -> Json:
        """NP_ANNU."""
        return self.sends("cancelled", **self.about(porting, "NP_ANNU"))

    def executes(self, porting: Porting, **more: object) -> Json:
        """NP_IVER."""
        return self.sends("scheduled", **self.about(porting, "NP_IVER", **more))

    def terminates(self, number: str, at: str, kind: str = "NP_OPPS", **more: object) -> Opened:
        """NP_OPPS or 5_OPPS, accepted."""
        answer = self.sends("awaiting_termination", **self.termination(number, at, kind, **more))
        return Opened(answer["case"]["case_id"], number, self)

    def leads(self, number: str, donor: str, at: str, target: str, owner: Json, **more: object) -> Opened:
        """5_IVER, accepted: from `at` on the five-digit number is ours and leads to `target`."""
        answer = self.sends("scheduled", **self.leading(number, donor, at, target, owner, **more))
        return Opened(answer["case"]["case_id"], number, self)

    # --- how they go over the wire --------------------------------------------------------------------------

    def order(self, donor: Player, number: str, at: str, **more: object) -> Json:
        """An NP_BEST as it is sent."""
        return {
            "type": "NP_BEST",
            "message_id": str(uuid4()),
            "sender": self.code,
            "donor": donor.code,
            "number_type": "E",
            "main_number": number,
            "porting_time": at,
            "customer": KARI,
            "authorisation_reference": "FM-2026-0815",
            **more,
        }

    def termination(self, number: str, at: str, kind: str = "NP_OPPS", **more: object) -> Json:
        """An NP_OPPS or 5_OPPS as it is sent."""
        common = {"type": kind, "message_id": str(uuid4()), "sender": self.code}
        return {**common, "main_number": number, "termination_time": at, **more}

    def leading(self, number: str, donor: str, at: str, target: str, owner: Json, **more: object) -> Json:
        """A 5_IVER as it is sent."""
        common = {"type": "5_IVER", "message_id": str(uuid4()), "sender": self.code}
        order = {"main_number": number, "donor": donor, "porting_time": at, "target_number": target}
        return {**common, **order, "right_holder": owner, **more}

    def about(self, case: Case, kind: str, **more: object) -> Json:
        """A message about a case as it is sent."""
        common = {"message_id": str(uuid4()), "sender": self.code, "case_id": case.case_id}
        return {"type": kind, **common, **more}

    def post(self, message: Json, **headers: str) -> Reply:
        """One message, whatever is answered."""
        return self.stage.wire.ask("POST", "/v1/messages", key=self.key, json=message, headers=headers)

    def asks(self, path: str, body: object) -> Json:
        """A POST that changes nothing, which must be answered."""
        reply = self.stage.wire.ask("POST", path, key=self.key, json=body)
        self.stage.checks.answered(f"{self.code} asks {path}", reply, 200)
        return reply.body

    def sends(self, state: str, **message: object) -> Json:
        """A message that must be accepted and leave the case in `state`; the answer is kept."""
        reply = self.post(message)
        self.stage.note(self.code, message, str(reply))
        self.stage.checks.answered(f"{self.code} sends {message['type']}", reply, 201)
        self.stage.accepted(self, message, reply.body)
        self.stage.checks.holds(
            f"the answer to {message['type']}", reply.body, type=message["type"],
            message_id=message["message_id"], accepted_at=self.stage.now,
        )  # fmt: skip
        self.stage.checks.holds(f"the case after {message['type']}", reply.body["case"], state=state)
        return reply.body

    def meets(self, code: str, rule: str | None = None, **message: object) -> Json:
        """A message that must be refused with `code`, under `rule` if it has a number; returns the facts."""
        case_id = message.get("case_id")
        before = self.case_or_nothing(case_id)
        reply = self.post(message)
        self.stage.note(self.code, message, str(reply))
        what = f"{self.code} sends {message['type']}, to be refused"
        self.stage.checks.answered(what, reply, 409, code)
        self.stage.checks.equal(f"{what}: media type", reply.headers["content-type"], "application/problem+json")
        self.stage.checks.true(f"{what}: a sentence", len(reply.body.get("detail", "")) > 20, reply.body)
        if rule is not None:
            self.stage.checks.holds(what, reply.body, rule=rule)
        self.stage.refused(code, reply.body)
        self.stage.checks.equal(f"{what}: the case is as it was", self.case_or_nothing(case_id), before)
        facts: Json = reply.body.get("facts") or {}
        return facts

    # --- reading --------------------------------------------------------------------------------------------

    def get(self, path: str, params: Json | None = None, status: int = 200) -> Json:
        """A GET that must be answered with `status`."""
        reply = self.stage.wire.ask("GET", path, key=self.key, params=params)
        self.stage.checks.answered(f"{self.code} reads {path}", reply, status)
        return reply.body

    def case(self, case: Case) -> Json:
        """The case as this provider sees it."""
        return self.get(f"/v1/cases/{case.case_id}")

    def case_or_nothing(self, case_id: object) -> Json | None:
        """The case, or None where this provider must not see it."""
        if case_id is None:
            return None
        reply = self.stage.wire.ask("GET", f"/v1/cases/{case_id}", key=self.key)
        return reply.body if reply.status == 200 else None

    def reads_inbox(self) -> None:
        """Everything new, page by page, and the acknowledgement of it."""
        while True:
            page = self.get("/v1/inbox", {"after": self.position, "limit": 100})
            for item in page["items"]:
                self._take(item)
            self.stage.checks.true(f"{self.code}: next", page["next"] >= self.position, page["next"])
            self.position = page["next"]
            if not page["items"]:
                break
        if self.received:
            answer = self.stage.wire.ask("POST", "/v1/inbox/ack", key=self.key, json={"through": self.position})
            self.stage.checks.answered(f"{self.code} acknowledges", answer, 200)
            # Where robots play, too, something may have come since.
            rest = {} if self.stage.others_play else {"unacknowledged": 0}
            self.stage.checks.holds(f"{self.code} acknowledges", answer.body, acknowledged=self.position, **rest)

    def _take(self, item: Json) -> None:
        checks = self.stage.checks
        checks.equal(f"{self.code}: an inbox item's receiver", item["to"], self.code)
        checks.true(f"{self.code}: seq ascends", item["seq"] > self.position, item["seq"])
        checks.true(f"{self.code}: once only", item["seq"] not in self.received, item["seq"])
        message = item["message"]
        case = message.get("case") or {}
        if self.code not in (case.get("recipient"), case.get("donor")):
            shown = {name: message[name] for name in PERSONAL if message.get(name) is not None}
            checks.equal(f"{self.code} is no party: personal data in {message['type']}", shown, {})
        self.position = item["seq"]
        self.received.append(item["seq"])
        if message.get("case_id") not in self.stage.disowned:
            self.inbox.append(message)

    def finds(self, kind: str, case: Case) -> Json:
        """Exactly one new message of this kind about the case in the inbox; it is then looked at."""
        return self._takes_out(kind, case.case_id, f"one {kind} for {case.number}")

    def awaits(self, kind: str, case: Case) -> Json:
        """The same, of somebody who answers when it likes, as robots do."""
        deadline = time.monotonic() + _PATIENCE
        while not any((item["type"], item.get("case_id")) == (kind, case.case_id) for item in self.inbox):
            if time.monotonic() > deadline:
                break
            self.get("/v1/inbox", {"after": self.position, "wait": 1})
            self.reads_inbox()
        return self.finds(kind, case)

    def hears(self, notice: str, **wanted: object) -> Json:
        """Exactly one new NOTICE that is about no case."""
        found = self._takes_out("NOTICE", None, f"one NOTICE {notice}")
        self.stage.checks.holds(f"the notice to {self.code}", found, notice=notice, sender="NRDB", **wanted)
        return found

    def _takes_out(self, kind: str, case_id: str | None, what: str) -> Json:
        self.reads_inbox()
        wanted = [item for item in self.inbox if (item["type"], item.get("case_id")) == (kind, case_id)]
        if len(wanted) != 1:
            there = [item["type"] for item in self.inbox]
            raise DifferenceError(f"{self.code}'s inbox: expected {what}, came {there}")
        self.stage.checks.count += 1
        self.inbox.remove(wanted[0])
        return wanted[0]
