"""The daily cap: at most so many numbers to one code on one day (S3 2.3.1)."""

from datetime import date, datetime, timedelta

from nrdb.errors import Code, Problem
from nrdb.messages.facts import CapDay, Facts
from nrdb.texts import say
from nrdb.timers.calendar import oslo_day


def room(code: str, day: date, requested: int, facts: Facts, common_limit: int, latest: datetime) -> None:
    """The code has room for the numbers on that day. `latest` is the last lawful time for another day (T11, T14)."""
    full = facts.full_days.get(day) or _over_any_limit(common_limit, requested, day, facts)
    if full is None:
        return
    free_day = _next_day_with_room(common_limit, day, requested, facts, latest)
    numbers = {"code": code, "limit": full.limit, "day": day, "used": full.used, "requested": requested}
    raise Problem(
        Code.DAILY_CAP_EXCEEDED,
        say(
            "{code} may receive {limit} numbers on {day}; {used} are taken and {requested} asked for. "
            "The next day with room is {free_day}.",
            **numbers,
            free_day=free_day,
        )
        if free_day
        else say(
            "{code} may receive {limit} numbers on {day}; {used} are taken and {requested} asked for. "
            "No lawful day has room.",
            **numbers,
        ),
        facts={
            "code": code,
            "day": day.isoformat(),
            "limit": full.limit,
            "used": full.used,
            "requested": requested,
            "next_day_with_room": free_day.isoformat() if free_day else None,
        },
    )


def _over_any_limit(common_limit: int, requested: int, day: date, facts: Facts) -> CapDay | None:
    """A day without an entry in the ledger is empty and has the common limit."""
    over = requested > common_limit and day not in facts.raised_days
    return CapDay(used=0, limit=common_limit) if over else None


def _next_day_with_room(common_limit: int, day: date, requested: int, facts: Facts, latest: datetime) -> date | None:
    last = oslo_day(latest - timedelta(microseconds=1))
    for ahead in range(1, (last - day).days + 1):
        candidate = day + timedelta(days=ahead)
        if candidate not in facts.full_days and not _over_any_limit(common_limit, requested, candidate, facts):
            return candidate
    return None
