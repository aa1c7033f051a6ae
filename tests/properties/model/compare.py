"""Holding the service to the model. Each function tells what differs, or nothing."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from tests.properties.model.clearinghouse import BLOCKING, BY_TIME, MAY, Case, Model
from tests.properties.model.market import MICROSECOND, NETWORKS, NKOM, POOL, instant, ranges, series_of, text
from tests.properties.model.refusals import accepts, earliest, latest, refusal
from tests.properties.model.sandbox import Act, Clock, Remind, Reply, Seen

TIME_FIELD = {"porting": "porting_time", "five_digit": "porting_time", "termination": "termination_time"}


def everything(model: Model, seen: Seen) -> list[str]:
    """What differs between the model and what was seen at one moment."""
    found = list(cases(model, seen.cases))
    if found:
        return found
    for case_id, case in model.cases.items():
        if case.reminded != seen.reminded.get(case_id):
            found.append(f"{case_id} was reminded of {seen.reminded.get(case_id)} instead of {case.reminded}")
    for case_id, lines in seen.histories.items():
        found += history(model.cases[case_id], lines)
        found += upcoming(model, model.cases[case_id], seen.cases[case_id]["next"])
    return [*found, *routing(model, seen.routing, model.now), *taken(model, seen.taken)]


# --- answers ------------------------------------------------------------------------------------------------


def answer(model: Model, act: Act, reply: Reply | None) -> Iterator[str]:
    """Let the model do what was done; what differs between the two answers, or nothing."""
    if isinstance(act, Clock):
        model.pass_time(act.to)
        return
    assert reply is not None
    if isinstance(act, Remind):
        told = model.remind(model.cases[act.case_id], act.code)
        if (reply.code, reply.body.get("reminded", [])) != told:
            yield f"{act} is answered {reply} instead of {told}"
        return
    m = act.message
    before = model.accepted.get((m["sender"], m["message_id"]))
    refused = refusal(model, m) if before is None else None
    if before is not None:
        wanted: tuple[int, str | None] = (200, None) if before == m else (409, "duplicate-message")
    else:
        wanted = (refused.status, refused.code) if refused else (201, None)
    if (reply.status, reply.code) != wanted:
        yield f"{m['type']} of {m['sender']}: {reply.status} {reply.code} instead of {wanted}"
        return
    facts = reply.body.get("facts") or {}
    for name, value in (refused.facts if refused else {}).items():
        if facts.get(name) != value:
            yield f"{m['type']} of {m['sender']} is {reply.code}, {name} {facts.get(name)} instead of {value}"
    if wanted[0] == 201:
        case = model.apply(m, reply.body["case"]["case_id"])
        if (reply.body["accepted_at"], reply.body["case"]["state"]) != (text(model.now), case.state):
            yield f"{m['type']} was accepted {reply.body['accepted_at']} into {reply.body['case']['state']}"


# --- cases --------------------------------------------------------------------------------------------------


def case_view(case: Case) -> dict[str, Any]:
    """What an operator sees of a case, `next` apart."""
    return {
        "case_id": case.case_id,
        "kind": case.kind,
        "state": case.state,
        "recipient": case.mt,
        "donor": case.at,
        "range_holders": case.oats,
        "range_holder": case.oats[0] if len(case.oats) == 1 else None,
        "number_type": case.number_type,
        "main_number": case.main,
        "numbers": ranges(case.numbers),
        "number_count": len(case.numbers),
        TIME_FIELD[case.kind]: text(case.time),
        "network": case.network,
        "target_number": case.target,
        "customer": None,
        "created_at": text(case.created),
        "updated_at": text(case.updated or case.created),
        "completion": {
            "expected": case.expected,
            "received": case.received,
            "missing": case.missing,
            "waived": case.waived,
        },
    }


def cases(model: Model, seen: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Every case is there and is what it should be."""
    if set(seen) != set(model.cases):
        yield f"cases: {sorted(seen)} instead of {sorted(model.cases)}"
        return
    for case_id, case in model.cases.items():
        wanted, got = case_view(case), seen[case_id]
        for name, value in wanted.items():
            if got[name] != value:
                yield f"{name} of {case_id} ({case.kind}): {got[name]} instead of {value}"
        if len(got["warnings"]) != case.warnings:
            yield f"warnings of {case_id}: {got['warnings']}"


def history(case: Case, lines: list[dict[str, Any]]) -> Iterator[str]:
    """What happened to the case, in order; a message that nobody sent has an id that nobody knows."""
    got = [tuple(line[n] for n in ("at", "message_id", "type", "by", "from_state", "to_state")) for line in lines]
    nobody = {NKOM, "NRDB"}
    got = [(at, None if by in nobody else message_id, kind, by, old, new) for at, message_id, kind, by, old, new in got]
    wanted = [(text(line[0]), *line[1:]) for line in case.log]
    if got != wanted:
        yield f"history of {case.case_id}:\n  {got}\ninstead of\n  {wanted}"
    for _, _, kind, _, old, new in got:
        if not _declared(case.kind, kind, old, new):
            yield f"no machine declares {kind} from {old} to {new} in a {case.kind} case"
    if [line["seq"] for line in lines] != list(range(1, len(lines) + 1)):
        yield f"history of {case.case_id} is not numbered from 1"


def _declared(kind: str, message: str, old: str | None, new: str) -> bool:
    """Whether contract section 3 has this arrow."""
    if old is None:
        opened = {"porting": "awaiting_donor", "termination": "awaiting_termination", "five_digit": "scheduled"}
        return new == opened[kind]
    if message == "time":
        return new == BY_TIME.get(old) or (old, new) == ("scheduled", "completed")
    return old in MAY[kind, message][1]


# --- next ---------------------------------------------------------------------------------------------------


def upcoming(model: Model, case: Case, offered: list[dict[str, Any]]) -> Iterator[str]:
    """`next` names exactly what would be accepted now, and later by the passing of time alone."""
    now = {(item["type"], item["by"]) for item in offered if item["from"] is None}
    later = {(item["type"], item["by"]) for item in offered if item["from"] is not None}
    if len(now) + len(later) != len(offered):
        yield f"next of {case.case_id} says something twice: {offered}"
    pairs = [(kind, code) for of, kind in MAY if of == case.kind for code in sorted({*NETWORKS, *case.parties})]
    lawful = {pair for pair in pairs if accepts(model, case, *pair)}
    if now != lawful:
        yield f"next of {case.case_id} ({case.state}) at {text(model.now)}: {now} instead of {lawful}"
    comes: set[tuple[str, str]] = set()
    if case.state in BY_TIME and case.time > model.now:
        there, then = model.glimpse(case, case.time)
        comes = {pair for pair in pairs if accepts(there, then, *pair)} - lawful
    if later != comes:
        yield f"next of {case.case_id} ({case.state}) later: {later} instead of {comes}"
    for item in offered:
        yield from _bounds(model, case, item)


def _bounds(model: Model, case: Case, item: dict[str, Any]) -> Iterator[str]:
    def accepted(at: datetime) -> bool:
        there, then = model.glimpse(case, at)
        return accepts(there, then, item["type"], item["by"])

    right = True
    if item["from"] is not None:
        start = instant(item["from"])
        right = start > model.now and accepted(start) and not accepted(start - MICROSECOND)
    if item["until"] is not None:
        end, before = instant(item["until"]), instant(item["until"]) - MICROSECOND
        if item["until_included"]:
            right = right and accepted(end) and not accepted(end + MICROSECOND)
        else:
            right = right and not accepted(end) and (before < model.now or accepted(before))
    elif case.state in BY_TIME and item["from"] is None:
        right = right and accepted(case.time)
    sets_time = item["type"] == "NP_ENDR"
    bounds = (text(earliest(model, "NP_ENDR")), text(latest(model))) if sets_time else (None, None)
    if not right or (item["earliest"], item["latest"]) != bounds:
        yield f"next of {case.case_id} at {text(model.now)}: {item}, its times are not those of the rules"


# --- routing, room, numbers ---------------------------------------------------------------------------------


def routing(model: Model, seen: dict[str, dict[str, Any]], at: datetime) -> Iterator[str]:
    """One holder for every number, and the right one, at that instant."""
    for number in POOL:
        got, (holder, network, target) = seen[number], model.serving(number, at)
        series = series_of(number)
        assert series is not None
        wanted: dict[str, Any] = {
            "number": number,
            "holder": holder,
            "network": network,
            "routing_number": NETWORKS.get(network or ""),
            "range_holder": series.holder,
            "ported": holder != series.holder,
            "target_number": target,
            "next": None,
        }
        changes = [change for change in model.history_of(number) if change[0] > at]
        if changes:
            then, through, _ = model.serving(number, changes[0][0])
            wanted["next"] = {
                "at": text(changes[0][0]), "holder": then, "network": through,
                "routing_number": NETWORKS.get(through or ""),
            }  # fmt: skip
        wanted["until"] = text(changes[0][0]) if changes else None
        before = [change[0] for change in model.history_of(number) if change[0] <= at]
        if before:
            wanted["since"] = text(before[-1])
        wrong = {name: (got[name], value) for name, value in wanted.items() if got[name] != value}
        if wrong:
            yield f"routing of {number} at {text(at)} (it is, it should be): {wrong}"


def taken(model: Model, seen: Counter[tuple[str, str]]) -> Iterator[str]:
    """At most one blocking case for a number, and the numbers of blocking cases are taken."""
    wanted = Counter(
        (number, case.case_id) for case in model.cases.values() if case.state in BLOCKING for number in case.numbers
    )
    if seen != wanted:
        yield f"taken: {seen} instead of {wanted}"
    twice = [number for number, times in Counter(number for number, _ in seen).items() if times > 1]
    if twice:
        yield f"in two blocking cases: {twice}"


def room(model: Model, code: str, items: list[dict[str, Any]]) -> Iterator[str]:
    """What is used under the cap; `over` it only where a limit was lowered below what was used."""
    for item in items:
        day = datetime.fromisoformat(item["day"]).date()
        used, limit = model.used(code, day), model.limit(code, day)
        wanted = {"day": item["day"], "limit": limit, "used": used, "free": max(0, limit - used)}
        if item != wanted:
            yield f"room of {code}: {item} instead of {wanted}"


# --- inboxes and personal data ------------------------------------------------------------------------------


def inbox(model: Model, code: str, items: list[dict[str, Any]], *, settled: bool) -> Iterator[str]:
    """Everything that was sent to the code, each once. What time sends may come later where nobody has settled it."""
    got: Counter[tuple[str, str, str | None]] = Counter()
    for item in items:
        m = item["message"]
        if m["case_id"] in model.cases:
            unsent = m["sender"] in (NKOM, "NRDB")
            got[m.get("notice", m["type"]), m["case_id"], None if unsent else m["message_id"]] += 1
    wanted = Counter(model.inboxes.get(code, []))
    missing, surplus = wanted - got, got - wanted
    if not settled:
        missing = Counter({key: times for key, times in missing.items() if key[2] is not None})
    if missing or surplus:
        yield f"inbox of {code}: missing {missing}, too much {surplus}"
    seqs = [item["seq"] for item in items]
    if seqs != sorted(set(seqs)):
        yield f"inbox of {code} is out of order: {seqs}"


def personal(model: Model, code: str, told: str) -> Iterator[str]:
    """A code is told the personal data of its own cases only; "" is for those who are told of none."""
    for secret, privy in model.secrets.items():
        if secret in told and code not in privy:
            yield f"{code or 'somebody'} is told {secret}"
