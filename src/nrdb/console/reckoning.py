"""The times of a case by the rules: T9 to T18 as windows, and how the ones in working time are reckoned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from nrdb.cases.case import NKOM
from nrdb.cases.machine import ENDS
from nrdb.clock import parse_time
from nrdb.console.drawing import Window
from nrdb.console.page import Page
from nrdb.console.turns import Turn
from nrdb.console.words import clock, end, text

#: Messages that set the time of a case.
_SETTERS: Final = frozenset({"NP_BEST", "NP_ENDR", "NP_OPPS", "5_IVER", "5_OPPS"})
#: For each kind of case the timers between which its time must lie when it is set, and how a page says so.
BOUNDS: Final[Mapping[str, tuple[str, str, str]]] = {
    "porting": ("T9", "T11", text("the porting time must lie here")),
    "five_digit": ("T10", "T11", text("the porting time must lie here")),
    "termination": ("T13", "T14", text("the termination time must lie here")),
}
_STOPS: Final[Mapping[str, str]] = {"porting": "T12", "five_digit": "T12", "termination": "T18"}
#: What comes after the time of the case.
_ENDS: Final[Mapping[str, tuple[str, str]]] = {
    "porting": ("T15", text("NP_FERD can be sent")),
    "five_digit": ("T15", text("5_FERD can be sent")),
    "termination": ("T16", text("NP_TILB can be sent")),
}


UNITS: Final[Mapping[str, str]] = {
    "minutes": text("minutes"),
    "working_minutes": text("working minutes"),
    "working_days": text("working days"),
    "numbers": text("numbers"),
}


def value_of(page: Page, rule: Mapping[str, Any]) -> str:
    """The value of a rule with its unit; empty where it has none."""
    unit = rule["unit"] or ""
    return "" if rule["value"] is None else f"{rule['value']} {page.word(UNITS.get(unit, unit))}".strip()


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules as /v1/rules tells them, by timer and by code."""

    items: Mapping[str, Mapping[str, Any]]
    page: Page

    def __getitem__(self, name: str) -> Mapping[str, Any]:
        return self.items[name]

    def says(self, *names: str) -> str:
        """The text of the rules, with their values and sources."""
        told = (
            f"{name}: {rule['text'][self.page.language]}, {value_of(self.page, rule)} ({rule['source']})"
            for name, rule in ((name, self[name]) for name in names)
        )
        return ". ".join(told)

    async def reckon(self, name: str, start: datetime) -> tuple[datetime, list[str]]:
        """So long after `start` as the rule says, and how that is reckoned where it is in working time."""
        rule = self[name]
        if rule["unit"] == "minutes":
            return start + timedelta(minutes=rule["value"]), []
        found = await self.page.api.get("/calendar/add", from_=start.isoformat(), **{rule["unit"]: rule["value"]})
        return parse_time(found["at"]), found["derivation"]


async def rules_of(page: Page) -> Rules:
    """All rules that have a timer, and the deadlines."""
    items = (await page.api.get("/rules"))["items"]
    return Rules({rule["timer"] or rule["code"]: rule for rule in items}, page)


@dataclass(frozen=True, slots=True)
class Remark:
    """A sentence about working time, and how it was reckoned. `moving`: its times go with now."""

    say: str
    derivation: Sequence[str]
    late: bool = False
    moving: bool = False


def placed_at(found: Mapping[str, Any], history: Sequence[Mapping[str, Any]]) -> datetime:
    """When the time of the case was set last; its beginning where no message stands behind it."""
    set_at = (line["at"] for line in reversed(history) if line["type"] in _SETTERS)
    return parse_time(next(set_at, found["created_at"]))


async def windows_of(
    rules: Rules, found: Mapping[str, Any], history: Sequence[Mapping[str, Any]], at: datetime
) -> list[Window]:
    """What may be done when in this case, as T9 to T18 say."""
    page, kind, state = rules.page, found["kind"], found["state"]
    first, last, lies = BOUNDS[kind]
    placed, begun = placed_at(found, history), parse_time(found["created_at"])
    ended = parse_time(history[-1]["at"]) if state in ENDS else None
    earliest, _ = await rules.reckon(first, placed)
    latest, _ = await rules.reckon(last, placed)
    bounds_look = "" if state in ENDS else "good"
    windows = [
        Window(f"{first}–{last}", page.word(lies), rules.says(first, last), bounds_look, earliest, latest)
    ]  # fmt: skip
    if kind == "porting":
        approved, executed = _last(history, "NP_GODK"), _last(history, "NP_IVER")
        end = executed or at - timedelta(minutes=rules["T10"]["value"])
        look = "" if executed else _look(page, approved or placed, end, ended)
        if state == "awaiting_donor" and look == "act":
            # After a change the donor answers again.
            look = "wait"
        windows.append(
            Window(
                "T10", page.word("NP_IVER can be sent"), rules.says("T10"), look, max(approved or placed, placed), end
            )
        )
    stop = _STOPS[kind]
    end = at - timedelta(minutes=rules[stop]["value"])
    if state in {"cancelled", "rejected"} and ended is not None:
        end = min(end, ended)
    windows.append(
        Window(stop, page.word("NP_ANNU can stop it"), rules.says(stop), _look(page, begun, end, ended), begun, end)
    )
    if state not in {"rejected", "cancelled", "obsolete"}:
        timer, what = _ENDS[kind]
        if kind == "termination" and found["range_holders"] == [NKOM]:
            # Nobody sends it for Nkom but the clearinghouse itself, at that very time.
            what = text("Nkom takes the numbers back")
        end_of_all = max(ended, at) if ended else None
        look = _look(page, at, end_of_all, ended)
        windows.append(Window(timer, page.word(what), rules.says(timer), look, at, end_of_all))
    return windows


def _last(history: Sequence[Mapping[str, Any]], kind: str) -> datetime | None:
    return next((parse_time(line["at"]) for line in reversed(history) if line["type"] == kind), None)


def _look(page: Page, begin: datetime, end: datetime | None, ended: datetime | None) -> str:
    """Open now, still to come, or over."""
    if ended is not None or (end is not None and end < page.now):
        return ""
    return "wait" if begin > page.now else "act"


async def remarks_of(
    rules: Rules, found: Mapping[str, Any], history: Sequence[Mapping[str, Any]], at: datetime, turns: Sequence[Turn]
) -> list[Remark]:
    """Where working time matters now: by when an answer is due, and to what time the reader may move the porting."""
    page, state = rules.page, found["state"]
    remarks = []
    due = {"awaiting_donor": ("answer-due", placed_at(found, history)), "awaiting_completion": ("completion-due", at)}
    if state in due:
        name, start = due[state]
        by, derivation = await rules.reckon(name, start)
        said = (
            page.word("The answer is expected by {at}.", at=clock(page.language, by))
            if state == "awaiting_donor"
            else page.word("The reports are expected by {at}.", at=clock(page.language, by))
        )
        remarks.append(Remark(f"{said} {rules[name]['text'][page.language]}.", derivation, page.now > by))
    if any(turn.mine and turn.sets for turn in turns):
        # A whole minute that has not passed yet, so that what the page says still holds when it is read.
        start = page.now.replace(second=0, microsecond=0)
        start += timedelta(minutes=start < page.now)
        earliest, first = await rules.reckon("T9", start)
        latest, last = await rules.reckon("T11", start)
        said = page.word(
            "A change that is sent by {now} can move the porting time to between {earliest} and {latest}.",
            now=clock(page.language, start),
            earliest=clock(page.language, earliest),
            latest=end(page.language, latest),
        )
        remarks.append(Remark(f"{said} {rules.says('T9', 'T11')}.", [*first, *last], moving=True))
    return remarks
