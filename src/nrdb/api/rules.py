"""The rules, for everybody to read, from the same rulebook that decides."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Literal

from fastapi import Request
from starlette.responses import Response

from nrdb.api.answers import RuleView, page
from nrdb.api.context import services
from nrdb.api.guard import guarded
from nrdb.api.problems import json_response
from nrdb.errors import CATALOGUE, REFUSALS, Code
from nrdb.rulebook import Rulebook, Text
from nrdb.texts import Both, Told, tell

router = guarded("provider", "operator", "admin", tags=["rules"])
Kind = Literal["refusal", "reason", "termination-reason", "working-time", "deadline"]


@router.get("/rules", response_model=page(RuleView), summary="Every rule, with its value and where it is written")
async def get_rules(request: Request) -> Response:
    """The refusals as they are decided in order, reasons of NP_FBES and of NP_FOPS, working time, and assumptions."""
    return json_response({"items": list_rules(services(request).rulebook), "next": None})


@lru_cache(maxsize=1)
def list_rules(rulebook: Rulebook) -> list[dict[str, Any]]:
    """All items. A refusal that several timers decide has one for each, told by the timer."""
    return [*_refusals(rulebook), *_reasons(rulebook), *_working_time(rulebook), *_deadlines(rulebook)]


def _refusals(rulebook: Rulebook) -> Iterator[dict[str, Any]]:
    limits = {
        Code.DAILY_CAP_EXCEEDED: (rulebook.cap.daily_limit, "numbers/day"),
        Code.BLOCK_TOO_LARGE: (rulebook.block_limit.value, "numbers"),
    }
    for code in REFUSALS:
        refusal = rulebook.refusals[code]
        for name in refusal.timers:
            timer = rulebook.timers[name]
            yield _item("refusal", code, timer.source, timer.text, timer=name, value=timer.value, unit=timer.unit)
        if not refusal.timers:
            value, unit = limits.get(code, (None, None))
            yield _item("refusal", code, refusal.source, CATALOGUE[code].text, value=value, unit=unit)


def _reasons(rulebook: Rulebook) -> Iterator[dict[str, Any]]:
    for name, reason in rulebook.reasons.items():
        yield _item("reason", name, reason.source, reason.text)
    for name, ours in rulebook.termination_reasons.items():
        yield _item("termination-reason", name, ours.source, ours.text)


def _working_time(rulebook: Rulebook) -> Iterator[dict[str, Any]]:
    for hours in rulebook.calendar.hours:
        yield _item("working-time", "working-hours", hours.source, hours.text)


def _deadlines(rulebook: Rulebook) -> Iterator[dict[str, Any]]:
    """They serve reports only; nothing is refused by them."""
    assumed = rulebook.assumptions
    for code, due in (("answer-due", assumed.answer_due), ("completion-due", assumed.completion_due)):
        yield _item("deadline", code, due.source, due.text, value=due.value, unit=due.unit)


def _item(
    kind: Kind,
    code: str,
    source: str | None,
    text: Text | Told,
    *,
    timer: str | None = None,
    value: int | None = None,
    unit: str | None = None,
) -> dict[str, Any]:
    both = Both(text.en, text.nb) if isinstance(text, Text) else text
    return {
        "kind": kind,
        "code": code,
        "timer": timer,
        "value": value,
        "unit": unit,
        "source": source,
        "text": {"en": tell(both, "en"), "nb": tell(both, "nb")},
    }
