"""The stage that every act plays on: the providers, the sandbox clock, and the book of what was said."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from nrdb.demo.checks import Checks
from nrdb.demo.followers import Followers
from nrdb.demo.player import Case, Json, Opened, Player, Porting
from nrdb.demo.service import Service
from nrdb.demo.wire import Wire

OSLO = ZoneInfo("Europe/Oslo")


class Audience(Protocol):
    """Who watches the demo."""

    def step(self, text: str) -> None:
        """Something has been said on stage."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message that was answered 201, with that answer."""

    sender: Player
    message: Json
    answer: Json


@dataclass
class Book:
    """What happened in one act."""

    messages: Counter[str] = field(default_factory=Counter)
    refusals: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A report as it is shown at the end."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]


@dataclass
class Stage:
    """Everything an act needs. `service` is None where the demo plays on somebody else's sandbox."""

    wire: Wire
    admin_key: str
    first_day: date
    audience: Audience
    service: Service | None = None
    checks: Checks = field(default_factory=Checks)
    players: dict[str, Player] = field(default_factory=dict)
    book: Book = field(default_factory=Book)
    answered: list[Accepted] = field(default_factory=list)
    problem_types: set[str] = field(default_factory=set)
    before: dict[str, Json] = field(default_factory=dict)
    after: dict[str, Json] = field(default_factory=dict)
    disowned: set[str] = field(default_factory=set)
    merged: set[str] = field(default_factory=set)
    sheets: list[Sheet] = field(default_factory=list)
    followers: Followers | None = None
    others_play: bool = False
    now: str = ""

    def follow(self) -> None:
        """From now on every provider's own client follows its inbox, beside what it does on stage."""
        self.followers = Followers(self.wire.urls, {code: player.key for code, player in self.players.items()})

    # --- time -----------------------------------------------------------------------------------------------

    def at(self, day: int, clock: str) -> str:
        """An instant by the clocks of Oslo, `day` days after the first Monday, as the service writes it."""
        there = datetime.combine(self.first_day + timedelta(days=day), time.fromisoformat(clock), OSLO)
        return there.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def day(self, day: int) -> str:
        """A calendar day, `day` days after the first Monday."""
        return (self.first_day + timedelta(days=day)).isoformat()

    def clock(self, day: int, clock: str) -> None:
        """Move the sandbox clock; what is due by then has happened when it answers."""
        now = self.at(day, clock)
        self.audience.step(f"the clock moves to {self.day(day)} {clock}")
        self.checks.holds("the clock", self.admin("PUT", "/v1/sandbox/clock", json={"now": now}), now=now)
        self.now = now

    # --- the administrator ----------------------------------------------------------------------------------

    def admin(
        self, method: str, path: str, status: int = 200, *, json: object = None, params: Json | None = None
    ) -> Json:
        """What the administrator asks for, answered with `status`."""
        reply = self.wire.ask(method, path, key=self.admin_key, json=json, params=params)
        self.checks.answered(f"the admin's {method} {path}", reply, status)
        return reply.body

    def rehearses(self, method: str, path: str, json: Json) -> Json:
        """A dry run: what the change would bring, and nothing of it has happened."""
        self.audience.step(f"admin  {method} {path}, dry run")
        answer = self.admin(method, path, json=json, params={"dry_run": "true"})
        self.checks.holds("a dry run", answer, dry_run=True)
        return answer

    def hindered(self, code: str, method: str, path: str, json: Json) -> Json:
        """A change of the administrator's that must be refused with `code`; the facts."""
        problem = self.admin(method, path, 409, json=json)
        self.checks.holds(f"the admin's {method} {path}", problem, code=code)
        self.refused(code, problem)
        facts: Json = problem.get("facts") or {}
        return facts

    # --- the book -------------------------------------------------------------------------------------------

    def note(self, code: str, message: Json, outcome: str) -> None:
        """A message was sent."""
        self.book.messages[message["type"]] += 1
        about = message.get("main_number") or message.get("reason") or ""
        self.audience.step(f"{code:<6} {message['type']:<8} {about:<16} {outcome}")

    def accepted(self, sender: Player, message: Json, answer: Json) -> None:
        """It was answered 201: from now on that is true for ever."""
        self.answered.append(Accepted(sender, message, answer))

    def refused(self, code: str, problem: Json) -> None:
        """It was refused, as it had to be."""
        self.book.refusals[code] = problem.get("rule") or ""
        self.problem_types.add(problem["type"])

    def forget(self, answered_before: int) -> None:
        """An act broke off: what its cases still bring to the inboxes is no fault of the acts that follow."""
        self.disowned |= {accepted.answer["case"]["case_id"] for accepted in self.answered[answered_before:]}
        for player in self.players.values():
            player.inbox = [item for item in player.inbox if item.get("case_id") not in self.disowned]

    def __getitem__(self, code: str) -> Player:
        return self.players[code]

    # --- what several acts look at --------------------------------------------------------------------------

    def told(self, kind: str, case: Case, *codes: str) -> list[Json]:
        """Each of these codes finds the message, once."""
        return [self[code].finds(kind, case) for code in codes]

    def nobody_else_was_told(self) -> None:
        """At the end of an act no inbox holds anything that the act did not expect."""
        for player in self.players.values():
            player.reads_inbox()
            left = [(item["type"], item.get("case_id")) for item in player.inbox]
            self.checks.equal(f"what is left in {player.code}'s inbox", left, [])

    def routing(self, number: str) -> Json:
        """The routing answer now."""
        return self.admin("GET", f"/v1/routing/{number}")

    def served_by(self, number: str, holder: str) -> Json:
        """A call to the number goes to `holder` now."""
        answer = self.routing(number)
        self.checks.holds(f"routing of {number}", answer, number=number, holder=holder)
        return answer

    def room(self, code: str, day: int) -> Json:
        """What the daily cap leaves the code on that day."""
        span = {"from": self.day(day), "to": self.day(day + 1)}
        (line,) = self.admin("GET", f"/v1/caps/{code}", params=span)["items"]
        found: Json = line
        return found

    def all_report_done(self, porting: Porting) -> None:
        """Everybody who was told to route has routed, and the parties hear that the case is complete."""
        self._all_report(porting, "NP_FERD", porting.recipient, {porting.recipient.code, porting.donor.code})

    def all_lead(self, case: Opened, *donor: str) -> None:
        """The same for a five-digit number; without `donor` it came from Nkom, or stays with its holder."""
        self._all_report(case, "5_FERD", case.by, {case.by.code, *donor})

    def _all_report(self, case: Case, kind: str, recipient: Player, parties: set[str]) -> None:
        expected = recipient.case(case)["completion"]["expected"]
        for position, code in enumerate(expected):
            last = position == len(expected) - 1
            player = self[code]
            player.sends("completed" if last else "awaiting_completion", **player.about(case, kind))
            recipient.finds(kind, case)
        for party in sorted(parties):
            notice = self[party].finds("NOTICE", case)
            self.checks.holds(f"the notice to {party}", notice, notice="completed", sender="NRDB")
        done = recipient.case(case)["completion"]
        self.checks.holds("the completion", done, expected=expected, missing=[], waived=[])

    def moves(self, porting: Porting, **execution: object) -> Json:
        """The usual middle of a porting: told, approved, executed, everybody told; what a network reads."""
        self.told("NP_BEST", porting, porting.donor.code)
        porting.donor.approves(porting)
        self.told("NP_GODK", porting, porting.recipient.code)
        return self.execution(porting, **execution)

    def execution(self, porting: Porting, **execution: object) -> Json:
        """NP_IVER, and everybody who must route finds it."""
        case = porting.recipient.executes(porting, **execution)["case"]
        orders = self.told("NP_IVER", porting, *case["completion"]["expected"])
        return orders[0]
