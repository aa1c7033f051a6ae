"""A series gets another holder or status, or is taken apart (contract section 8; S3 2.8, 2.10)."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from nrdb.audit import Change
from nrdb.cases.case import NKOM
from nrdb.db import Connection
from nrdb.delivery.notices import announce
from nrdb.errors import Code, Problem
from nrdb.planned import SERIES_CHANGED, Planned, pending_for
from nrdb.routing.plan import Series, change_series, find_series, version_until
from nrdb.routing.reassign import SHOWN, Effects, Taken, reassign, taken_in
from nrdb.routing.rerouting import reroute
from nrdb.texts import say


@dataclass(frozen=True, slots=True)
class SeriesChanged:
    """A series as it is after a change, and what followed. `taken` hinders that it is blocked."""

    series: Series
    effects: Effects
    taken: Taken | None = None

    def hindrances(self) -> dict[str, Any]:
        """What could not follow, for the audit line of a change that had been set for later."""
        found: dict[str, Any] = {}
        if self.taken and self.taken.cases:
            found["open_cases"] = [str(case_id) for case_id in self.taken.cases[:SHOWN]]
        if self.taken and self.taken.ported_count:
            found |= {"ported": self.taken.ported, "ported_count": self.taken.ported_count}
        return found


async def change_now(change: Change, current: Series, *, holder: str, status: str, reason: str) -> SeriesChanged:
    """The change at the instant of `change`. Raises the refusal that lists what hinders it."""
    await change_series(change.connection, current, change.at, holder=holder, status=status, reason=reason)
    done = await follow(change, current)
    refuse(done)
    return done


async def follow(change: Change, before: Series) -> SeriesChanged:
    """What follows from the version of a series that begins at the instant of `change`."""
    series = await find_series(change.connection, before.series_id, change.at)
    if series is None:
        raise RuntimeError("a series that has just been changed is not there")
    effects = await reassign(change.connection, series, before.holder, change.at)
    effects.routing_rows = await reroute(change.connection, change.at, [series.numbers])
    blocks = series.status == "blocked" and before.status != "blocked"
    taken = await taken_in(change.connection, series, change.at) if blocks else None
    if before.holder == NKOM and series.holder != NKOM:
        view = series.view()
        told = {name: view[name] for name in ("series_id", "first", "last", "number_class", "status", "valid_from")}
        await announce(change.connection, change.at, [series.holder], "series-assigned", **told)
    return SeriesChanged(series, effects, taken)


def refuse(done: SeriesChanged) -> None:
    """Raises `series-in-open-case` or `series-has-ported-numbers` where a case or a ported number hinders it."""
    if done.effects.conflicts:
        raise Problem(
            Code.SERIES_IN_OPEN_CASE,
            say("Open cases cannot follow the series to its new holder: see the list. Wait for their end."),
            facts=_cases(done.effects.conflicts),
        )
    if done.taken and done.taken.cases:
        raise Problem(
            Code.SERIES_IN_OPEN_CASE,
            say("Numbers of the series are in open cases: see the list. Wait for their end."),
            facts=_cases(done.taken.cases),
        )
    if done.taken and done.taken.ported_count:
        raise Problem(
            Code.SERIES_HAS_PORTED_NUMBERS,
            say("Numbers of the series are ported, or will be: see the list."),
            facts={"numbers": done.taken.ported, "count": done.taken.ported_count},
        )


def _cases(found: list[UUID]) -> dict[str, Any]:
    return {"cases": [str(case_id) for case_id in found[:SHOWN]], "count": len(found)}


async def check_not_planned(connection: Connection, series: Series) -> None:
    """One change of a series is planned at a time: two could contradict each other. Raises `series-overlap`."""
    planned = await pending_for(connection, SERIES_CHANGED, str(series.series_id))
    if planned:
        raise Problem(
            Code.SERIES_OVERLAP,
            say(
                "A change of this series is set for {at} already. Cancel it first, or wait for it.",
                at=planned[0].due_at,
            ),
            facts={"planned": [item.view() for item in planned], "count": len(planned)},
        )


async def apply_planned(change: Change, planned: Planned) -> None:
    """The version that was set for this instant has begun; numbers and cases follow. Nothing is refused any more."""
    series_id = UUID(planned.subject)
    before = await version_until(change.connection, series_id, change.at)
    done = await follow(change, before)
    await change.record(
        SERIES_CHANGED,
        planned.subject,
        before=before.view(),
        after={**done.series.view(), "changed": done.effects.view(), **done.hindrances()},
        reason=planned.reason,
    )
