"""The clearinghouse of the contract, in plain Python: cases, time, routing, room, inboxes.

Sections 2, 3, 5 and 7. Refusals (section 6) are in `refusals`. Everything happens at `now`, one message after another;
time is settled at once, so there is no other order of things than the one in which they are told here.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from tests.properties.model.market import (
    COMMON_LIMIT,
    MICROSECOND,
    NETWORKS,
    NKOM,
    PREPARED,
    day_of,
    instant,
    series_of,
)

Message = dict[str, Any]
OPENINGS = ("NP_BEST", "5_IVER", "NP_OPPS", "5_OPPS")
BLOCKING = ("awaiting_donor", "awaiting_recipient", "scheduled", "awaiting_termination", "awaiting_return")
NO_ROOM_TAKEN = ("rejected", "cancelled", "obsolete")
#: kind, message -> who may send it, in which states (contract section 2).
MAY = {
    ("porting", "NP_GODK"): ("AT", ("awaiting_donor",)),
    ("porting", "NP_FBES"): ("AT", ("awaiting_donor",)),
    ("porting", "NP_ENDR"): ("MT", ("awaiting_donor", "awaiting_recipient")),
    ("porting", "NP_IVER"): ("MT", ("awaiting_recipient",)),
    ("porting", "NP_ANNU"): ("MT", ("awaiting_donor", "awaiting_recipient", "scheduled")),
    ("porting", "NP_FIVE"): ("expected", ("scheduled",)),
    ("porting", "NP_FERD"): ("expected", ("awaiting_completion",)),
    ("termination", "NP_ANNU"): ("AT", ("awaiting_termination",)),
    ("termination", "NP_FOPS"): ("OAT", ("awaiting_termination",)),
    ("termination", "NP_TILB"): ("OAT", ("awaiting_return",)),
    ("termination", "5_TILB"): ("nobody", ("awaiting_return",)),
    ("five_digit", "NP_ANNU"): ("MT", ("scheduled",)),
    ("five_digit", "NP_FIVE"): ("expected", ("scheduled",)),
    ("five_digit", "5_FERD"): ("expected", ("awaiting_completion",)),
}
#: What a message about a case leaves it in; NP_FERD and 5_FERD complete it when nobody is missing.
LEADS_TO = {
    "NP_GODK": "awaiting_recipient", "NP_FBES": "rejected", "NP_ENDR": "awaiting_donor", "NP_IVER": "scheduled",
    "NP_ANNU": "cancelled", "NP_FIVE": "scheduled", "NP_FERD": "awaiting_completion", "5_FERD": "awaiting_completion",
    "NP_FOPS": "rejected", "NP_TILB": "returned",
}  # fmt: skip
#: What a case becomes at its porting or termination time.
BY_TIME = {
    "awaiting_donor": "obsolete", "awaiting_recipient": "obsolete", "scheduled": "awaiting_completion",
    "awaiting_termination": "awaiting_return",
}  # fmt: skip


@dataclass(slots=True)
class Case:
    """A case. `at` gives numbers away (AT, or the terminating holder); `mt` gets them (None: a termination)."""

    case_id: str
    kind: str
    state: str
    mt: str | None
    at: str
    oats: list[str]
    cap_code: str | None
    number_type: str | None
    main: str
    numbers: frozenset[str]
    time: datetime
    created: datetime
    customer: dict[str, str] | None = None
    newest: str | None = None
    network: str | None = None
    target: str | None = None
    warnings: int = 0
    by_time_from: str | None = None
    expected: list[str] = field(default_factory=list)
    received: list[str] = field(default_factory=list)
    waived: list[str] = field(default_factory=list)
    told: set[str] = field(default_factory=set)
    log: list[tuple[Any, ...]] = field(default_factory=list)
    updated: datetime | None = None
    reminded: datetime | None = None

    @property
    def missing(self) -> list[str]:
        """Whose completion is awaited."""
        return [code for code in self.expected if code not in self.received and code not in self.waived]

    @property
    def parties(self) -> set[str]:
        """Who sees the case from the first message on."""
        codes = {self.at, *self.oats} if self.kind == "termination" else {self.at, self.mt or NKOM}
        return codes - {NKOM}

    @property
    def privy(self) -> set[str]:
        """Who sees its personal data."""
        return self.parties

    def visible_to(self, code: str) -> bool:
        """Whether the case exists for the code."""
        return code in self.parties or code in self.told

    def holders_of(self, role: str) -> list[str]:
        """The codes with the role."""
        match role:
            case "MT":
                return [self.mt] if self.mt else []
            case "AT":
                return [self.at]
            case "OAT":
                return list(self.oats)
            case "expected":
                return self.expected if self.told else [self.at]
            case _:
                return []


@dataclass(slots=True)
class Model:
    """The whole world. `served` are the changes of who serves a number: (from, number, holder, network, target, case).

    `inboxes` are the items of each code: (type or notice, case, message id or None for what nobody sent).
    """

    now: datetime
    cases: dict[str, Case] = field(default_factory=dict)
    closed: frozenset[date] = frozenset()
    limits: dict[tuple[str, date], int] = field(default_factory=dict)
    accepted: dict[tuple[str, str], Message] = field(default_factory=dict)
    served: list[tuple[datetime, str, str | None, str | None, str | None, str]] = field(default_factory=list)
    rights: dict[str, tuple[str, str]] = field(default_factory=dict)
    inboxes: dict[str, list[tuple[str, str, str | None]]] = field(default_factory=dict)
    #: Personal data: a text that stands nowhere else, and who may see it.
    secrets: dict[str, set[str]] = field(default_factory=dict)

    def copy(self) -> "Model":
        """Another world that goes its own way from here on."""
        return copy.deepcopy(self)

    def glimpse(self, case: Case, at: datetime) -> tuple["Model", Case]:
        """This one case at another time, as far as messages about it are concerned."""
        there = copy.copy(self)
        there.cases = {case.case_id: copy.deepcopy(case)}
        there.inboxes, there.served, there.rights = {}, [], {}
        there.pass_time(at)
        return there, there.cases[case.case_id]

    # --- time ---

    def pass_time(self, to: datetime) -> None:
        """It is `to`, and all that is due has happened."""
        self.now = max(self.now, to)
        for case in sorted(self.cases.values(), key=lambda case: case.time):
            if case.state in BY_TIME and case.time <= self.now:
                self._time_of(case)

    def _time_of(self, case: Case) -> None:
        before, case.state = case.state, BY_TIME[case.state]
        if case.state == "awaiting_completion" and not case.missing:
            case.state = "completed"
        case.by_time_from = before
        self._line(case, case.time, None, "time", "NRDB", before)
        if case.oats == [NKOM] and case.kind == "termination":
            case.state, case.by_time_from = "returned", None
            kind = "5_TILB" if len(case.main) == 5 else "NP_TILB"
            self._line(case, case.time, None, kind, NKOM, "awaiting_return")
            self._returned(case, case.time)
            self.tell(case.told, kind, case, None)
        self._notice(case)

    def _notice(self, case: Case) -> None:
        if case.state in ("completed", "obsolete"):
            self.tell(case.parties, case.state, case, None)

    def _returned(self, case: Case, at: datetime) -> None:
        case.told = {*NETWORKS, case.at} - {*case.oats, NKOM}
        self.served += [(at, number, None, None, None, case.case_id) for number in case.numbers]
        for number in case.numbers:
            self.rights.pop(number, None)

    @staticmethod
    def _line(case: Case, at: datetime, message_id: str | None, kind: str, by: str, before: str | None) -> None:
        case.log.append((at, message_id, kind, by, before, case.state))
        case.updated = at

    def tell(self, codes: set[str], kind: str, case: Case, message_id: str | None) -> None:
        """The codes get an item; code 0 has no inbox."""
        for code in codes - {NKOM}:
            self.inboxes.setdefault(code, []).append((kind, case.case_id, message_id))

    # --- reminders ---

    def remind(self, case: Case, code: str) -> tuple[str | None, list[str]]:
        """Why the code may not remind now; or nothing, and who is reminded (S3 2.3.3, 2.6.1)."""
        waiting = {"awaiting_donor": [case.at], "awaiting_completion": case.missing, "awaiting_return": case.oats}
        if not case.visible_to(code):
            return "unknown-case", []
        if code != (case.mt or case.at):
            return "role-not-permitted", []
        if case.state not in waiting:
            return "case-state", []
        if case.reminded and self.now < case.reminded + timedelta(hours=1):
            return "reminded-recently", []
        case.reminded = self.now
        self.tell(set(waiting[case.state]), "reminder", case, None)
        return None, waiting[case.state]

    # --- who serves what ---

    def history_of(self, number: str) -> list[tuple[datetime, str | None, str | None, str | None]]:
        """All changes of who serves the number, oldest first; holder None is the range holder."""
        found = [change for change in self.served if change[1] == number]
        return [
            (at, holder, network, target) for at, _, holder, network, target, _ in sorted(found, key=lambda c: c[0])
        ]

    def serving(self, number: str, at: datetime | None = None) -> tuple[str, str | None, str | None]:
        """Holder, network and target number at the instant (None: now)."""
        series = series_of(number)
        assert series is not None
        own = series.holder if series.holder in NETWORKS else None
        home: tuple[str, str | None, str | None] = (series.holder, own, None)
        found = (PREPARED[number], PREPARED[number], None) if number in PREPARED else home
        for since, holder, network, target in self.history_of(number):
            if since <= (at or self.now):
                found = (holder, network, target) if holder else home
        return found

    @staticmethod
    def home(number: str) -> str:
        """The number's range holder."""
        series = series_of(number)
        assert series is not None
        return series.holder

    def blocking(self, number: str) -> list[Case]:
        """The cases that the number is taken by."""
        return [case for case in self.cases.values() if number in case.numbers and case.state in BLOCKING]

    # --- room ---

    def used(self, code: str, day: date) -> int:
        """Numbers that move to the code on that day."""
        return sum(
            len(case.numbers)
            for case in self.cases.values()
            if case.cap_code == code and case.state not in NO_ROOM_TAKEN and day_of(case.time) == day
        )

    def limit(self, code: str, day: date) -> int:
        """How many may."""
        return self.limits.get((code, day), COMMON_LIMIT)

    # --- messages that are lawful ---

    def apply(self, m: Message, case_id: str) -> Case:
        """What a lawful message does. `case_id` is the name of a case that it opens."""
        self.accepted[m["sender"], m["message_id"]] = m
        if m["type"] in OPENINGS:
            case = self._open(m, case_id)
            self.cases[case_id] = case
            self._line(case, self.now, m["message_id"], m["type"], m["sender"], None)
            to = case.told if m["type"] == "5_IVER" else {case.at} if m["type"] == "NP_BEST" else set(case.oats)
        else:
            case = self.cases[m["case_id"]]
            to = self._step(case, m)
        self.tell(to - {m["sender"]}, m["type"], case, m["message_id"])
        if m["type"] in ("NP_FERD", "5_FERD"):
            self._notice(case)
        for secret in secrets_of(m):
            self.secrets.setdefault(secret, set()).update(case.privy)
        return case

    def _open(self, m: Message, case_id: str) -> Case:
        numbers = numbers_of(m)
        oats = sorted({series.holder for number in numbers if (series := series_of(number))})
        common: dict[str, Any] = {"case_id": case_id, "main": m["main_number"], "numbers": frozenset(numbers)}
        common |= {"created": self.now}
        sender = m["sender"]
        match m["type"]:
            case "NP_BEST":
                extra = m["number_type"] == "E" and (m.get("additional_numbers") or m.get("series"))
                return Case(
                    **common, kind="porting", state="awaiting_donor", mt=sender, at=m["donor"], oats=oats,
                    cap_code=sender, number_type=m["number_type"], time=instant(m["porting_time"]),
                    customer=m["customer"], newest=m["message_id"], warnings=int(bool(extra)),
                )  # fmt: skip
            case "5_IVER":
                case = Case(
                    **common, kind="five_digit", state="scheduled", mt=sender, at=m["donor"], oats=oats,
                    cap_code=sender if sender != m["donor"] else None, number_type=None,
                    time=instant(m["porting_time"]), target=m["target_number"],
                )  # fmt: skip
                self._execute(case, m)
                if m["donor"] == NKOM:
                    right = (m["right_holder"]["organisation_number"], case_id)
                    self.rights.setdefault(m["main_number"], right)
                return case
            case _:
                return Case(
                    **common, kind="termination", state="awaiting_termination", mt=None, at=sender, oats=oats,
                    cap_code=oats[0], number_type=None, time=instant(m["termination_time"]),
                )  # fmt: skip

    def _execute(self, case: Case, m: Message) -> None:
        case.network = m.get("network", m["sender"])
        case.expected = sorted({*NETWORKS, case.at, *case.oats} - {case.mt, NKOM})
        case.told = set(case.expected)
        self.served += [
            (case.time, number, case.mt, case.network, case.target, case.case_id) for number in case.numbers
        ]

    def _step(self, case: Case, m: Message) -> set[str]:
        kind, before = m["type"], case.state
        case.state = LEADS_TO[kind]
        to = {case.mt or case.at}
        match kind:
            case "NP_ENDR":
                case.time = instant(m["porting_time"]) if "porting_time" in m else case.time
                case.customer = m.get("customer", case.customer)
                case.newest = m["message_id"]
                to = {case.at}
            case "NP_IVER":
                self._execute(case, m)
                to = case.told
            case "NP_ANNU":
                to = case.told or case.parties
                self.served = [change for change in self.served if change[5] != case.case_id]
                if case.kind == "five_digit" and self.rights.get(case.main, ("", ""))[1] == case.case_id:
                    del self.rights[case.main]
            case "NP_FERD" | "5_FERD":
                case.received.append(m["sender"])
                case.state = "awaiting_completion" if case.missing else "completed"
            case "NP_TILB":
                self._returned(case, self.now)
                to = case.told
        if case.state != before:
            case.by_time_from = None
        self._line(case, self.now, m["message_id"], kind, m["sender"], before)
        return to


def numbers_of(m: Message) -> list[str]:
    """The numbers that a message is about."""
    return sorted({number for mention in mentions_of(m) for number in mention})


def mentions_of(m: Message) -> Iterator[list[str]]:
    """Each mention of numbers that counts; type E is about its main number only."""
    yield [m["main_number"]]
    if m.get("number_type") == "E":
        return
    for number in m.get("additional_numbers", ()):
        yield [number]
    for item in m.get("series", ()):
        width = len(item["first"])
        yield [str(number).zfill(width) for number in range(int(item["first"]), int(item["last"]) + 1)]


def secrets_of(m: Message) -> Iterator[str]:
    """The personal data of a message that are recognised wherever they stand."""
    for holder in (m.get("customer"), m.get("right_holder"), m.get("expected")):
        if holder and "name" in holder:
            yield holder["name"]
    if "customer" in m and "birth_date" in m["customer"]:
        yield m["customer"]["birth_date"]
    for name in ("comment", "authorisation_reference"):
        # What is as short as the comment of `benign` would be found anywhere.
        if len(m.get(name, "")) > 3:
            yield m[name]


def just_before(at: datetime) -> datetime:
    """One microsecond earlier."""
    return at - MICROSECOND
