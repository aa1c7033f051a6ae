"""A code is transferred to another one: a merger, a sale, a new name (contract section 8)."""

from datetime import datetime
from typing import Any

from nrdb.audit import Change
from nrdb.changes.settling import Settler
from nrdb.clock import TICK, format_time
from nrdb.db import Connection
from nrdb.delivery.notices import announce
from nrdb.errors import Code, Problem
from nrdb.planned import CODE_TRANSFERRED, Planned, mark_done, pending_for, plan, redirect
from nrdb.providers.transfer import (
    active_codes,
    close_code,
    count_held,
    meeting,
    move_caps,
    move_cases,
    rename_said,
)
from nrdb.routing.plan import change_series, redirect_planned, series_of
from nrdb.routing.reassign import SHOWN, Effects
from nrdb.routing.rerouting import reroute_code
from nrdb.texts import say


async def transfer_now(change: Change, settler: Settler, code: str, to: str, reason: str) -> Effects:
    """The transfer at the instant of `change`. Raises `transfer-conflict` with the cases where the two codes meet."""
    conflicts = await meeting(change.connection, code, to)
    if conflicts:
        raise Problem(
            Code.TRANSFER_CONFLICT,
            say("In open cases {code} and {to} would be one code on both sides: see the list.", code=code, to=to),
            facts={"cases": [str(case_id) for case_id in conflicts[:SHOWN]], "count": len(conflicts)},
        )
    numbers = await count_held(change.connection, code, change.at)
    # It is set for this instant, as one that is set for later: routing knows it from then on. Then it is carried out.
    planned, rows = await set_transfer(change, code, to, change.at, reason)
    await mark_done(change.connection, planned.id, change.at)
    return await _transfer(change, settler, code, to, reason, Effects(numbers=numbers, routing_rows=rows))


async def set_transfer(change: Change, code: str, to: str, due_at: datetime, reason: str) -> tuple[Planned, int]:
    """Set a transfer for that instant; routing tells of it at once. Also how many rows are no longer believed."""
    planned = await plan(
        change.connection,
        CODE_TRANSFERRED,
        code,
        due_at=due_at,
        details={"to": to},
        reason=reason,
        key_id=change.key_id,
        created_at=change.at,
    )
    return planned, await reroute_code(change.connection, change.at, code)


async def _transfer(change: Change, settler: Settler, code: str, to: str, reason: str, effects: Effects) -> Effects:
    connection, at = change.connection, change.at
    held = await series_of(connection, code, at)
    effects.series = [
        await change_series(connection, series, at, holder=to, status=series.status, reason=reason) for series in held
    ]
    await redirect_planned(connection, code, to, at)
    for action, before, after in await redirect(connection, code, to):
        await change.record(action, before["subject"], before=before, after=after, reason=reason)
    await rename_said(connection, code, to, at)
    effects.cases, complete = await move_cases(connection, code, to, at)
    await move_caps(connection, code, to, at)
    await close_code(connection, code)
    await settler.complete_on(connection, complete, at)
    codes = await active_codes(connection)
    await announce(connection, at, codes, "code-transferred", code=code, to=to, effective_at=format_time(at))
    return effects


async def check_not_planned(connection: Connection, code: str) -> None:
    """A code becomes another one once. Raises `transfer-conflict` where that is set already."""
    planned = await pending_for(connection, CODE_TRANSFERRED, code)
    if planned:
        raise Problem(
            Code.TRANSFER_CONFLICT,
            say(
                "A transfer of {code} is set for {at} already. Cancel it first.",
                code=code,
                at=planned[0].due_at,
            ),
            facts={"planned": [item.view() for item in planned], "count": len(planned)},
        )


async def apply_planned(change: Change, settler: Settler, planned: Planned) -> None:
    """The transfer that was set for this instant.

    Cases in which the two codes meet by now can no longer hinder it. They move, too, so that somebody can act in them:
    the new code is then on both sides. The audit line lists them.
    """
    code, to = planned.subject, planned.details["to"]
    effects = Effects(
        conflicts=await meeting(change.connection, code, to),
        # At its instant routing tells of the new code already.
        numbers=await count_held(change.connection, code, change.at - TICK),
    )
    await _transfer(change, settler, code, to, planned.reason, effects)
    await change.record(
        CODE_TRANSFERRED,
        code,
        before={"code": code},
        after=transferred(change, code, to, effects),
        reason=planned.reason,
    )


def transferred(change: Change, code: str, to: str, effects: Effects) -> dict[str, Any]:
    """The answer, and what stands in the audit log."""
    return {"code": code, "to": to, "effective_at": format_time(change.at), "changed": effects.view()}
