"""What people see of a case, and what may come next in it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from nrdb.cases.case import Case
from nrdb.cases.machine import events_in, reached_by_time
from nrdb.cases.roles import senders
from nrdb.clock import format_time
from nrdb.routing.numbers import national
from nrdb.rulebook import Rulebook
from nrdb.texts import Sentence, say
from nrdb.timers import windows
from nrdb.timers.calendar import WorkingCalendar

EXTRA_NUMBERS: Final = "extra-numbers-not-registered"
#: What each warning says. A case keeps the code and the English; who reads it is told in his own language.
_WARNINGS: Final[Mapping[str, Sentence]] = {
    EXTRA_NUMBERS: say("Type E ports the main number only; the other numbers are not registered (S3 2.3.2)."),
}


def stored_warning(code: str) -> dict[str, Any]:
    """A warning as a case keeps it."""
    return {"code": code, "detail": str(_WARNINGS[code])}


def told_warnings(warnings: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Kept warnings, to be told in the reader's language; one whose code is no longer known, as it was kept."""
    return [{**warning, "detail": _WARNINGS.get(warning["code"], warning["detail"])} for warning in warnings]


def snapshot(case: Case) -> dict[str, Any]:
    """The case as an inbox item carries it: enough for a network to act without another request."""
    return {
        "kind": case.kind,
        "state": case.state,
        "recipient": case.recipient,
        "donor": case.donor,
        "range_holders": list(case.range_holders),
        "number_type": case.number_type,
        "main_number": national(case.main_number),
        "numbers": [item.view() for item in case.numbers],
        case.time_field: format_time(case.effective_time),
        "network": case.network,
        "routing_number": case.routing_number,
        "target_number": national(case.target_number) if case.target_number else None,
    }


def case_view(case: Case, now: datetime, rulebook: Rulebook, calendar: WorkingCalendar) -> dict[str, Any]:
    """The whole case, settled at `now`, without personal data: `customer` is null until `with_customer`."""
    holders = case.range_holders
    return {
        "case_id": str(case.case_id),
        **snapshot(case),
        "range_holder": holders[0] if len(holders) == 1 else None,
        "number_count": case.number_count,
        "customer": None,
        "next": list(_next(case, now, rulebook, calendar)),
        "completion": {
            "expected": list(case.expected),
            "received": list(case.received),
            "missing": list(case.missing),
            "waived": list(case.waived),
        },
        "warnings": list(case.warnings),
        "created_at": format_time(case.created_at),
        "updated_at": format_time(case.updated_at),
    }


def with_customer(view: dict[str, Any], case: Case, codes: frozenset[str]) -> dict[str, Any]:
    """The view with the customer, for the MT and AT of the case; unchanged for everybody else."""
    if codes & {case.recipient, case.donor}:
        return {**view, "customer": case.customer}
    return view


def _next(case: Case, now: datetime, rulebook: Rulebook, calendar: WorkingCalendar) -> Iterator[dict[str, Any]]:
    for event in events_in(case.kind, case.state):
        until, included = _until(case, event, rulebook)
        if until is not None and (until < now or (until == now and not included)):
            continue
        earliest, latest = _bounds(event, now, rulebook, calendar)
        yield from _entries(event, senders(case, event), None, until, included, earliest, latest)
    if case.returns_itself:
        return
    later = reached_by_time(case.kind, case.state, all_done=not case.missing)
    for event in events_in(case.kind, later) if later else ():
        yield from _entries(event, senders(case, event), case.effective_time, None, False, None, None)


def _until(case: Case, event: str, rulebook: Rulebook) -> tuple[datetime | None, bool]:
    """The last instant for the event in its state, and whether the instant itself is allowed."""
    if event == "NP_ANNU":
        return windows.latest_stop(rulebook, case.kind, case.effective_time).at, True
    if event == "NP_IVER":
        return windows.latest_execution_sending(rulebook, case.effective_time).at, True
    if case.due_at is None:
        return None, False
    return case.due_at, False


def _bounds(
    event: str, now: datetime, rulebook: Rulebook, calendar: WorkingCalendar
) -> tuple[datetime | None, datetime | None]:
    """The earliest and latest porting time that a message which sets one may name."""
    if event != "NP_ENDR":
        return None, None
    earliest = windows.earliest_order(rulebook, calendar, now).at
    return earliest, windows.latest_porting(rulebook, calendar, now).at


def _entries(
    event: str,
    codes: Iterable[str],
    start: datetime | None,
    until: datetime | None,
    included: bool,
    earliest: datetime | None,
    latest: datetime | None,
) -> Iterator[dict[str, Any]]:
    """The same event by each of the codes: after NP_IVER that may be every network of the country."""
    times = {"from": start, "until": until, "earliest": earliest, "latest": latest}
    shown = {name: format_time(at) if at else None for name, at in times.items()}
    for code in codes:
        yield {"type": event, "by": code, **shown, "until_included": included}
