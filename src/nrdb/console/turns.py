"""Whose turn it is in a case, in sentences: who must or can do what, and until when."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from nrdb.cases.case import NKOM
from nrdb.clock import parse_time
from nrdb.console.page import LOOKS, Page
from nrdb.console.words import called, clock, text

#: What a message does, as it stands after "can" or "must".
ACTS: Final[Mapping[str, str]] = {
    "NP_GODK": text("approve the order"),
    "NP_FBES": text("reject the order, with a reason"),
    "NP_ENDR": text("change the porting time or the customer"),
    "NP_ANNU": text("stop it"),
    "NP_IVER": text("carry the porting out"),
    "NP_FIVE": text("tell of an error in the execution"),
    "NP_FERD": text("report that it is done"),
    "NP_FOPS": text("object to the termination"),
    "NP_TILB": text("take the numbers back"),
    "5_FERD": text("report that it is done"),
    "5_TILB": text("take the number back"),
}
#: The same as what a button says.
INVITATIONS: Final[Mapping[str, str]] = {
    "NP_GODK": text("Approve"),
    "NP_FBES": text("Reject"),
    "NP_ENDR": text("Change"),
    "NP_ANNU": text("Stop"),
    "NP_IVER": text("Carry out"),
    "NP_FIVE": text("Tell of an error"),
    "NP_FERD": text("Report as done"),
    "NP_FOPS": text("Object"),
    "NP_TILB": text("Take back"),
    "5_FERD": text("Report as done"),
    "5_TILB": text("Take back"),
}
#: What a state waits for: whoever may send one of these must, everybody else only can.
DUTIES: Final[Mapping[str, frozenset[str]]] = {
    "awaiting_donor": frozenset({"NP_GODK", "NP_FBES"}),
    "awaiting_recipient": frozenset({"NP_IVER"}),
    "awaiting_completion": frozenset({"NP_FERD", "5_FERD"}),
    "awaiting_return": frozenset({"NP_TILB", "5_TILB"}),
}
#: What a state means, for a reader who knows nothing of states. A termination that ended has words of its own.
MEANINGS: Final[Mapping[str, str]] = {
    "awaiting_donor": text(
        "{recipient} has ordered. Without an answer before the porting time the order comes to nothing."
    ),
    "awaiting_recipient": text(
        "{donor} has approved. Without NP_IVER in time nothing is ported, and the order comes to nothing."
    ),
    "scheduled": text("It is decided: at that time calls go to {recipient}."),
    "awaiting_completion": text(
        "Calls go to {recipient} now. Some have not yet reported that they have set up their routing."
    ),
    "completed": text("Calls go to {recipient}, and everybody has reported so."),
    "rejected": text("The order was rejected. A new one can be sent."),
    "cancelled": text("It was stopped in time. Nothing has changed."),
    "obsolete": text("The porting time passed without NP_IVER, so nothing has changed. A new order can be sent."),
    "awaiting_termination": text("{donor} gives the numbers up at that time."),
    "awaiting_return": text(
        "The numbers wait to be taken back by the holder of their series. Until then {donor} stays their holder."
    ),
    "returned": text("The numbers are back with the holder of their series."),
    "too late for NP_IVER": text(
        "It is too late for NP_IVER now (T10): unless the porting time is moved, the order comes to nothing then."
    ),
    "termination rejected": text("The termination was rejected: {donor} stays the holder of the numbers."),
}
#: Codes that one sentence names; of more it says how many there are.
_NAMED: Final = 4


@dataclass(frozen=True, slots=True)
class Act:
    """Something that somebody may do, now or later by the passing of time alone."""

    type: str
    by: str
    begin: datetime | None
    until: datetime | None
    included: bool
    earliest: datetime | None
    latest: datetime | None
    duty: bool
    mine: bool


@dataclass(frozen=True, slots=True)
class Turn:
    """A sentence of it. `duty`: the case waits for it now; `sets`: between which times a message may set a new one."""

    say: str
    types: tuple[str, ...]
    duty: bool
    mine: bool
    sets: tuple[datetime, datetime] | None


def acts_of(found: Mapping[str, Any], codes: Iterable[str]) -> list[Act]:
    """What `next` of a case offers, as somebody with these codes sees it."""
    mine, duties = frozenset(codes), DUTIES.get(found["state"], frozenset())
    return [
        Act(
            item["type"],
            item["by"],
            _instant(item["from"]),
            _instant(item["until"]),
            item["until_included"],
            _instant(item["earliest"]),
            _instant(item["latest"]),
            item["from"] is None and item["type"] in duties,
            item["by"] in mine,
        )
        for item in found["next"]
    ]


def _instant(value: str | None) -> datetime | None:
    return parse_time(value) if value else None


def turns(page: Page, acts: Sequence[Act]) -> list[Turn]:
    """The sentences: what must be done before what can be, and the reader's own first."""
    # What one code may do in one window is one sentence, and codes that may do the same share it.
    windows: dict[tuple[Any, ...], list[Act]] = {}
    for act in acts:
        key = (act.by, act.begin, act.until, act.included, act.duty, act.earliest)
        windows.setdefault(key, []).append(act)
    groups: dict[tuple[Any, ...], list[list[Act]]] = {}
    for (_, *window), same in windows.items():
        key = (same[0].mine, tuple(act.type for act in same), *window)
        groups.setdefault(key, []).append(same)
    found = [_turn(page, group) for group in groups.values()]
    return sorted(found, key=lambda turn: (not turn.duty, not turn.mine))


def _turn(page: Page, group: Sequence[Sequence[Act]]) -> Turn:
    acts = group[0]
    first = acts[0]
    who = _codes(page, [same[0].by for same in group])
    if first.mine:
        who = page.word("subject you") if len(page.caller.codes) == 1 else page.word("You ({codes})", codes=who)
    what = listed([f"{page.word(ACTS.get(act.type, act.type))} ({act.type})" for act in acts], page.word("or"))
    until = clock(page.language, first.until) if first.until else ""
    begin = clock(page.language, first.begin) if first.begin else ""
    if begin:
        say = page.word("{who} can {what} from {begin} on.", who=who, what=what, begin=begin)
    elif first.duty:
        say = _until(page, first, _MUST, who=who, what=what, until=until)
    else:
        say = _until(page, first, _CAN, who=who, what=what, until=until)
    sets = next(((act.earliest, act.latest) for act in acts if act.earliest and act.latest), None)
    return Turn(say, tuple(act.type for act in acts), first.duty, first.mine, sets)


#: Without an end, up to and including it, before it.
_MUST: Final = (
    text("{who} must {what}."),
    text("{who} must {what} at the latest {until}."),
    text("{who} must {what} before {until}."),
)
_CAN: Final = (
    text("{who} can {what}."),
    text("{who} can {what} at the latest {until}."),
    text("{who} can {what} before {until}."),
)


def _until(page: Page, act: Act, said: tuple[str, str, str], **values: str) -> str:
    return page.word(said[0 if act.until is None else 1 if act.included else 2], **values)


def _codes(page: Page, codes: Sequence[str]) -> str:
    codes = [called(code) for code in codes]
    if len(codes) <= _NAMED:
        return listed(codes, page.word("and"))
    shown = ", ".join(codes[: _NAMED - 1])
    return page.word("{codes} and {count} others", codes=shown, count=len(codes) - _NAMED + 1)


def effective_time(found: Mapping[str, Any]) -> datetime:
    """The porting time of a case, or its termination time."""
    return parse_time(found.get("porting_time") or found["termination_time"])


def waits_for(found: Mapping[str, Any]) -> list[str]:
    """The codes whose turn it is."""
    match found["state"]:
        case "awaiting_donor":
            return [found["donor"]]
        case "awaiting_recipient":
            return [found["recipient"]]
        case "awaiting_completion":
            return list(found["completion"]["missing"])
        case "awaiting_return":
            return list(found["range_holders"])
        case _:
            return []


def look(page: Page, state: str, waiting: Iterable[str]) -> str:
    """How the badge of a state looks to the reader: theirs to act on only where their code is waited for."""
    found = LOOKS[state]
    return "wait" if found == "act" and not {*waiting} & {*page.caller.codes} else found


def listed(parts: Sequence[str], joint: str) -> str:
    """A list as people say it: a, b or c."""
    return f"{', '.join(parts[:-1])} {joint} {parts[-1]}" if len(parts) > 1 else "".join(parts)


def meaning(page: Page, found: Mapping[str, Any]) -> str:
    """What the state of the case means."""
    name = f"{found['kind']} {found['state']}"
    if found["state"] == "awaiting_recipient" and all(item["type"] != "NP_IVER" for item in found["next"]):
        name = "too late for NP_IVER"
    template = MEANINGS.get(name) or MEANINGS[found["state"]]
    return page.word(template, donor=found["donor"], recipient=found["recipient"])


def reminder_of(found: Mapping[str, Any], codes: Iterable[str]) -> str | None:
    """The reader's code that may remind now; None where there is none, or nobody to remind."""
    by = found["donor"] if found["kind"] == "termination" else found["recipient"]
    waits = {"awaiting_donor": [found["donor"]], "awaiting_completion": found["completion"]["missing"],
             "awaiting_return": found["range_holders"]}.get(found["state"], [])  # fmt: skip
    return by if by in set(codes) and set(waits) - {NKOM} else None
