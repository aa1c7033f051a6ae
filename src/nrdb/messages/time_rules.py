"""The rows of contract section 6 about time: T9 to T18. Each raises one code, or returns; both ends are allowed."""

from datetime import datetime
from typing import Any, Final

from nrdb.cases.case import Case
from nrdb.cases.roles import COMPLETION_REPORTS
from nrdb.clock import format_time
from nrdb.errors import Code, Problem
from nrdb.rulebook import Rulebook
from nrdb.texts import say
from nrdb.timers import windows
from nrdb.timers.calendar import WorkingCalendar
from nrdb.timers.windows import Bound

#: What messages call the instant that numbers move at.
_PORTING: Final = "porting_time"
_TERMINATION: Final = "termination_time"


def order_window(rulebook: Rulebook, calendar: WorkingCalendar, porting_time: datetime, now: datetime) -> None:
    """T9 and T11: the porting time of NP_BEST and NP_ENDR."""
    _not_before(windows.earliest_order(rulebook, calendar, now), porting_time)
    _not_after(windows.latest_porting(rulebook, calendar, now), porting_time)


def set_up_window(rulebook: Rulebook, calendar: WorkingCalendar, porting_time: datetime, now: datetime) -> None:
    """T10 and T11: the porting time of 5_IVER."""
    execution_in_time(rulebook, porting_time, now)
    _not_after(windows.latest_porting(rulebook, calendar, now), porting_time)


def execution_in_time(rulebook: Rulebook, porting_time: datetime, now: datetime) -> None:
    """T10: NP_IVER and 5_IVER."""
    _not_before(windows.earliest_execution(rulebook, now), porting_time)


def termination_window(rulebook: Rulebook, calendar: WorkingCalendar, at: datetime, now: datetime) -> None:
    """T13 and T14: the termination time of NP_OPPS and 5_OPPS."""
    _not_before(windows.earliest_termination(rulebook, calendar, now), at, _TERMINATION)
    _not_after(windows.latest_termination(rulebook, calendar, now), at, _TERMINATION)


def _not_before(earliest: Bound, at: datetime, field: str = _PORTING) -> None:
    if at < earliest.at:
        raise Problem(
            Code.TERMINATION_TIME_TOO_EARLY if field == _TERMINATION else Code.PORTING_TIME_TOO_EARLY,
            say("The termination time may be at the earliest {earliest}.", earliest=earliest.at)
            if field == _TERMINATION
            else say("The porting time may be at the earliest {earliest}.", earliest=earliest.at),
            rule=earliest.rule,
            facts={field: format_time(at), **_facts("earliest", earliest)},
        )


def _not_after(latest: Bound, at: datetime, field: str = _PORTING) -> None:
    if at > latest.at:
        raise Problem(
            Code.TERMINATION_TIME_TOO_LATE if field == _TERMINATION else Code.PORTING_TIME_TOO_LATE,
            say("The termination time may be at the latest {latest}.", latest=latest.at)
            if field == _TERMINATION
            else say("The porting time may be at the latest {latest}.", latest=latest.at),
            rule=latest.rule,
            facts={field: format_time(at), **_facts("latest", latest)},
        )


def stop_in_time(rulebook: Rulebook, message_type: str, case: Case, now: datetime) -> None:
    """T12 and T18: exactly 30 minutes before is in time. Concerns NP_ANNU only."""
    if message_type != "NP_ANNU":
        return
    latest = windows.latest_stop(rulebook, case.kind, case.effective_time)
    if now > latest.at:
        raise Problem(
            Code.STOP_TOO_LATE,
            say("The termination could be stopped until {latest}.", latest=latest.at)
            if case.kind == "termination"
            else say(
                "The porting could be stopped until {latest}. Moving the number back is a new order.", latest=latest.at
            ),
            rule=latest.rule,
            facts={case.time_field: format_time(case.effective_time), **_facts("latest", latest)},
        )


def time_passed(message_type: str, case: Case) -> Problem:
    """The porting or termination time has come, after which the message says nothing any more (S3 2.4.2)."""
    at = case.effective_time
    return Problem(
        Code.PORTING_TIME_PASSED,
        say("{type} had to be sent before the termination time, {at}.", type=message_type, at=at)
        if case.kind == "termination"
        else say("{type} had to be sent before the porting time, {at}.", type=message_type, at=at),
        facts={
            case.time_field: format_time(at),
            "latest": format_time(at),
            "latest_included": False,
            "derivation": [say("{at} itself is too late", at=at)],
        },
    )


def too_early(rulebook: Rulebook, message_type: str, case: Case) -> Problem:
    """What is only possible once the porting or termination time has come: T15, T16."""
    at = case.effective_time
    if message_type in COMPLETION_REPORTS:
        bound = windows.earliest_completion(rulebook, at)
        return Problem(
            Code.TOO_EARLY_TO_COMPLETE,
            say("Completion is reported at the porting time, {at}, or later.", at=at),
            rule=bound.rule,
            facts={"porting_time": format_time(at), **_facts("earliest", bound)},
        )
    bound = windows.earliest_return(rulebook, at)
    return Problem(
        Code.TOO_EARLY_TO_RETURN,
        say("Numbers are returned at the termination time, {at}, or later.", at=at),
        rule=bound.rule,
        facts={"termination_time": format_time(at), **_facts("earliest", bound)},
    )


def _facts(side: str, bound: Bound) -> dict[str, Any]:
    return {side: format_time(bound.at), "derivation": list(bound.explain())}
