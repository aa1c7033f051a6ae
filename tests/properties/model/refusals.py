"""Contract section 6 in plain Python: the first refusal that applies to a message, or none.

Each row is a line of a generator, in the contract's order; the first that is told is the answer. A refusal comes with
those of its facts that can be foretold.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.properties.model.clearinghouse import BY_TIME, MAY, OPENINGS, Case, Message, Model, mentions_of, numbers_of
from tests.properties.model.market import (
    BLOCK_LIMIT,
    MICROSECOND,
    NETWORKS,
    NKOM,
    day_of,
    instant,
    ranges,
    series_of,
    text,
    working_days,
    working_minutes,
)

HALF_HOUR = timedelta(minutes=30)
NEVER_A_GROUND = ("outstanding-balance", "customer-changed-mind", "staff-unavailable")


@dataclass(slots=True)
class Refusal:
    """A code, and facts that must be among those told."""

    code: str
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """What HTTP says."""
        return 404 if self.code == "unknown-case" else 409


def refusal(model: Model, m: Message) -> Refusal | None:
    """The answer to a message that has not been accepted before, or None where it is lawful."""
    rows = _opening(model, m) if m["type"] in OPENINGS else _about_a_case(model, m)
    return next(rows, None)


def _failing(code: str, numbers: Iterable[str]) -> Iterator[Refusal]:
    failing = list(numbers)
    if failing:
        yield Refusal(code, {"numbers": ranges(failing)[:100], "count": len(set(failing))})


def earliest(model: Model, kind: str) -> datetime:
    """The earliest time that a message of this type may name."""
    match kind:
        case "NP_BEST" | "NP_ENDR":
            return working_minutes(model.now, 35, model.closed)
        case "5_IVER":
            return model.now + HALF_HOUR
        case _:
            return working_minutes(model.now, 30, model.closed)


def latest(model: Model) -> datetime:
    """The latest time that any message may name."""
    return working_days(model.now, 60, model.closed)


# --- Messages that open a case ------------------------------------------------------------------------------


def _opening(model: Model, m: Message) -> Iterator[Refusal]:
    kind, sender, numbers = m["type"], m["sender"], numbers_of(m)
    series = {number: series_of(number) for number in numbers}
    if kind == "5_IVER" and m.get("network", sender) not in NETWORKS:
        yield Refusal("network-not-usable")
    if kind.startswith("NP_"):
        yield from _failing("five-digit-message-required", (n for n in numbers if len(n) == 5))
    else:
        yield from _failing("five-digit-only", (n for n in numbers if len(n) != 5))
    yield from _failing("number-unknown", (n for n in numbers if series[n] is None))
    plan = {number: found for number, found in series.items() if found is not None}
    yield from _failing("number-not-portable", (n for n in numbers if plan[n].status == "blocked"))
    classes = {found.number_class for found in plan.values()}
    if len(classes) > 1:
        yield Refusal("mixed-number-classes", {"classes": sorted(classes)})
    if m.get("number_type") == "T" and classes & {"GEO", "NONGEO"} and not m.get("additional_numbers"):
        yield Refusal("number-type-mismatch")
    if kind == "5_IVER":
        target = series_of(m["target_number"])
        if target is None or target.status == "blocked":
            yield Refusal("target-number-unknown")
    yield from _failing("duplicate-number", _named_twice(m))
    blocks = [r for r in ranges(numbers) if int(r["last"]) - int(r["first"]) >= BLOCK_LIMIT]
    if blocks:
        yield Refusal("block-too-large", {"numbers": blocks, "limit": BLOCK_LIMIT})
    holders = {number: model.serving(number)[0] for number in numbers}
    yield from _parties(model, m, holders)
    yield from _taken(model, numbers)
    yield from _window(model, m)
    code = sender if kind in ("NP_BEST", "5_IVER") else plan[numbers[0]].holder
    if sender != m.get("donor"):
        yield from _room(model, code, instant(_time_of(m)), len(numbers))


def _time_of(m: Message) -> str:
    named: str = m["porting_time"] if m["type"] in ("NP_BEST", "5_IVER", "NP_ENDR") else m["termination_time"]
    return named


def _named_twice(m: Message) -> Iterator[str]:
    """`main_number` may lie in a series."""
    main, *others = mentions_of(m)
    in_series = m.get("number_type") != "E" and any(
        len(item["first"]) == len(main[0]) and item["first"] <= main[0] <= item["last"] for item in m.get("series", ())
    )
    times = Counter(number for mention in (others if in_series else [main, *others]) for number in mention)
    return (number for number, count in times.items() if count > 1)


def _parties(model: Model, m: Message, holders: dict[str, str]) -> Iterator[Refusal]:
    kind, sender = m["type"], m["sender"]
    range_holders = {number: series.holder for number in holders if (series := series_of(number))}
    if kind == "NP_BEST":
        yield from _failing("number-not-in-use", (n for n, holder in holders.items() if holder == NKOM))
    if kind == "5_IVER" and m["donor"] != NKOM:
        yield from _failing("donor-must-be-nkom", (n for n, holder in holders.items() if holder == NKOM))
    giver = m.get("donor", sender)
    yield from _failing("donor-not-holder", (n for n, holder in holders.items() if holder != giver))
    if kind in ("NP_BEST", "5_IVER") and sender == giver:
        now = (m.get("network", sender), m.get("target_number"))
        if kind == "NP_BEST" or model.serving(m["main_number"])[1:] == now:
            yield Refusal("recipient-is-donor")
    if kind == "5_IVER":
        right = model.rights.get(m["main_number"])
        if right and right[0] != m["right_holder"]["organisation_number"]:
            yield Refusal("right-holder-differs")
    if kind == "NP_OPPS":
        yield from _failing("not-ported", (n for n in holders if range_holders[n] == sender))
        if len(set(range_holders.values())) > 1:
            yield Refusal("range-holders-differ")


def _taken(model: Model, numbers: list[str]) -> Iterator[Refusal]:
    by = {number: cases for number in numbers if (cases := model.blocking(number))}
    for found in _failing("number-in-open-case", by):
        cases = [case for cases in by.values() for case in cases]
        endless = any(case.kind == "termination" and case.oats != [NKOM] for case in cases)
        found.facts["until"] = None if endless else text(max(case.time for case in cases))
        yield found


def _window(model: Model, m: Message) -> Iterator[Refusal]:
    kind, at = m["type"], instant(_time_of(m))
    what = "termination" if kind in ("NP_OPPS", "5_OPPS") else "porting"
    first, last = earliest(model, kind), latest(model)
    if at < first:
        yield Refusal(f"{what}-time-too-early", {"earliest": text(first)})
    if at > last:
        yield Refusal(f"{what}-time-too-late", {"latest": text(last)})


def _room(model: Model, code: str, at: datetime, wanted: int) -> Iterator[Refusal]:
    day = day_of(at)
    used, limit = model.used(code, day), model.limit(code, day)
    if used + wanted <= limit:
        return
    free, last = day + timedelta(days=1), day_of(latest(model) - MICROSECOND)
    while free <= last and model.used(code, free) + wanted > model.limit(code, free):
        free += timedelta(days=1)
    yield Refusal(
        "daily-cap-exceeded",
        {
            "code": code, "day": day.isoformat(), "limit": limit, "used": used, "requested": wanted,
            "next_day_with_room": free.isoformat() if free <= last else None,
        },
    )  # fmt: skip


# --- Messages about a case ----------------------------------------------------------------------------------


def _about_a_case(model: Model, m: Message) -> Iterator[Refusal]:
    kind, sender = m["type"], m["sender"]
    case = model.cases.get(m["case_id"])
    if case is None or not case.visible_to(sender):
        yield Refusal("unknown-case")
        return
    role, states = MAY.get((case.kind, kind), (None, ()))
    if role is not None and sender not in case.holders_of(role):
        yield Refusal("role-not-permitted")
    if kind in ("NP_FERD", "5_FERD") and role is not None and sender in case.received:
        yield Refusal("already-sent")
    yield from _state(kind, case, states)
    if m.get("answers") not in (None, case.newest):
        yield Refusal("stale-answer", {"newest": case.newest})
    yield from _content(model, m, case)


def _content(model: Model, m: Message, case: Case) -> Iterator[Refusal]:
    kind, sender = m["type"], m["sender"]
    match kind:
        case "NP_IVER":
            if m.get("network", sender) not in NETWORKS:
                yield Refusal("network-not-usable")
            first = model.now + HALF_HOUR
            if case.time < first:
                yield Refusal("porting-time-too-early", {"earliest": text(first)})
        case "NP_ENDR":
            at = m.get("porting_time", text(case.time))
            yield from _window(model, {"type": kind, "porting_time": at})
            if day_of(instant(at)) != day_of(case.time) and case.cap_code:
                yield from _room(model, case.cap_code, instant(at), len(case.numbers))
        case "NP_ANNU":
            if model.now > case.time - HALF_HOUR:
                yield Refusal("stop-too-late", {"latest": text(case.time - HALF_HOUR)})
        case "NP_FBES":
            yield from _ground(m, case)


def _state(kind: str, case: Case, states: tuple[str, ...]) -> Iterator[Refusal]:
    if case.state in states:
        return
    if case.by_time_from in states:
        if kind == "NP_ANNU":
            yield Refusal("stop-too-late", {"latest": text(case.time - HALF_HOUR)})
        yield Refusal("porting-time-passed", {"latest": text(case.time)})
    by_time = BY_TIME.get(case.state)
    if by_time == "awaiting_completion" and not case.missing:
        by_time = "completed"
    if by_time in states:
        completes = kind in ("NP_FERD", "5_FERD")
        yield Refusal("too-early-to-complete" if completes else "too-early-to-return", {"earliest": text(case.time)})
    yield Refusal("case-state", {"state": case.state, "kind": case.kind})


def _ground(m: Message, case: Case) -> Iterator[Refusal]:
    reason, secret = m["reason"], m.get("secret_number", False)
    expected: dict[str, Any] = m.get("expected") or {}
    mobile = any((series := series_of(number)) and series.number_class == "MOBILE" for number in case.numbers)
    customer = case.customer or {}
    identity = [name for name in ("birth_date", "organisation_number") if name in expected]
    same = any(expected[name] == customer.get(name, "").replace("-", "") for name in identity)
    if reason in NEVER_A_GROUND or (reason == "numbers-incomplete" and mobile):
        yield Refusal("reason-not-permitted", {"reason": reason})
    if reason == "owner-mismatch" and same and not secret:
        yield Refusal("reason-not-permitted", {"reason": reason})
    needs = {"numbers-incomplete": "numbers", "number-type-wrong": "number_type", "complex-porting": "porting_time"}
    if (field := needs.get(reason)) and field not in expected:
        yield Refusal("expected-value-missing")
    if reason == "owner-mismatch" and not secret and not ("name" in expected and identity):
        yield Refusal("expected-value-missing")
    if secret and ({"name", *identity} & {*expected} or m.get("comment") is not None):
        yield Refusal("secret-number-disclosed")


# --- What a case tells of its future ------------------------------------------------------------------------


def benign(kind: str, sender: str, case: Case, model: Model) -> Message:
    """A message about the case whose content meets no refusal."""
    m: Message = {"type": kind, "sender": sender, "message_id": "", "case_id": case.case_id}
    match kind:
        case "NP_FBES" | "NP_FOPS":
            m["reason"] = "number-not-held"
        case "NP_ENDR":
            # The same day takes no room; else the earliest time there is.
            m["porting_time"] = text(max(case.time, earliest(model, kind)))
        case "NP_IVER":
            m["network"] = "TELIA"
        case "NP_FIVE":
            m["comment"] = "x"
    return m


def accepts(model: Model, case: Case, kind: str, sender: str) -> bool:
    """Whether such a message would be accepted now, cap and content apart."""
    found = refusal(model, benign(kind, sender, case, model))
    return found is None or found.code == "daily-cap-exceeded"
