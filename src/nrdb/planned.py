"""Changes of the world that an administrator has set for a later instant, until they are applied or cancelled."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from nrdb.clock import format_time
from nrdb.db import Connection

#: What can be planned.
SERIES_CHANGED: Final = "series-changed"
CODE_TRANSFERRED: Final = "code-transferred"


@dataclass(frozen=True, slots=True)
class Planned:
    """One planned change: `subject` is the series id or the code that it is about, `details` what becomes of it."""

    id: int
    due_at: datetime
    action: str
    subject: str
    details: dict[str, Any]
    reason: str
    key_id: UUID | None
    created_at: datetime

    def view(self) -> dict[str, Any]:
        """As answers write it."""
        times = {"due_at": format_time(self.due_at), "created_at": format_time(self.created_at)}
        return {**asdict(self), **times, "key_id": str(self.key_id) if self.key_id else None}


_COLUMNS = "id, due_at, action, subject, details, reason, key_id, created_at"


async def plan(
    connection: Connection,
    action: str,
    subject: str,
    *,
    due_at: datetime,
    details: dict[str, Any],
    reason: str,
    key_id: UUID | None,
    created_at: datetime,
) -> Planned:
    """Set a change for later."""
    row = await connection.fetchrow(
        f"""
        INSERT INTO planned_change (due_at, action, subject, details, reason, key_id, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING {_COLUMNS}
        """,
        due_at,
        action,
        subject,
        details,
        reason,
        key_id,
        created_at,
    )
    return Planned(**dict(row or {}))


async def next_due(connection: Connection, until: datetime) -> Planned | None:
    """The earliest change that is due by then and not yet applied; of one instant, series before codes."""
    row = await connection.fetchrow(
        f"""
        SELECT {_COLUMNS} FROM planned_change
         WHERE done_at IS NULL AND due_at <= $1 ORDER BY due_at, action DESC, id LIMIT 1
        """,
        until,
    )
    return Planned(**dict(row)) if row else None


async def mark_done(connection: Connection, planned_id: int, at: datetime) -> None:
    """It has been applied."""
    await connection.execute("UPDATE planned_change SET done_at = $2 WHERE id = $1", planned_id, at)


async def pending_for(connection: Connection, action: str, subject: str) -> list[Planned]:
    """What is planned of this kind for a series or a code, earliest first."""
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS} FROM planned_change
         WHERE done_at IS NULL AND action = $1 AND subject = $2 ORDER BY due_at, id
        """,
        action,
        subject,
    )
    return [Planned(**dict(row)) for row in rows]


async def pending_naming(connection: Connection, code: str) -> list[Planned]:
    """What is planned that will need the code: its transfer, or series and codes that go to it."""
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS} FROM planned_change
         WHERE done_at IS NULL AND (subject = $1 OR details ->> 'holder' = $1 OR details ->> 'to' = $1)
         ORDER BY due_at, id
        """,
        code,
    )
    return [Planned(**dict(row)) for row in rows]


async def list_pending(connection: Connection, after: tuple[datetime, int] | None, limit: int) -> list[Planned]:
    """Everything that is still to come, earliest first."""
    due_at, planned_id = after or (None, None)
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS} FROM planned_change
         WHERE done_at IS NULL AND ($1::timestamptz IS NULL OR (due_at, id) > ($1, $2::bigint))
         ORDER BY due_at, id LIMIT $3
        """,
        due_at,
        planned_id,
        limit,
    )
    return [Planned(**dict(row)) for row in rows]


async def find_pending(connection: Connection, planned_id: int) -> Planned | None:
    """One that is still to come."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM planned_change WHERE done_at IS NULL AND id = $1", planned_id
    )
    return Planned(**dict(row)) if row else None


async def remove(connection: Connection, planned_id: int) -> None:
    """It will not happen; the audit log keeps that it was planned."""
    await connection.execute("DELETE FROM planned_change WHERE id = $1", planned_id)


async def redirect(
    connection: Connection, code: str, to: str
) -> list[tuple[str, dict[str, Any], dict[str, Any] | None]]:
    """What was planned to go to a code goes to its successor; what would then go to itself is done with.

    Returns each plan that became another, as lines for the audit log: what was done, before, and after.
    """
    lines: list[tuple[str, dict[str, Any], dict[str, Any] | None]] = []
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS} FROM planned_change
         WHERE done_at IS NULL AND $1 IN (details ->> 'holder', details ->> 'to') ORDER BY due_at, id
        """,
        code,
    )
    for planned in (Planned(**dict(row)) for row in rows):
        if planned.details.get("to") == code and planned.subject == to:
            await remove(connection, planned.id)
            lines.append(("planned-change-cancelled", planned.view(), None))
            continue
        details = {name: to if value == code else value for name, value in planned.details.items()}
        await connection.execute("UPDATE planned_change SET details = $2 WHERE id = $1", planned.id, details)
        lines.append(("planned-change-redirected", planned.view(), replace(planned, details=details).view()))
    return lines
