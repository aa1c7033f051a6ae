"""Who does not get what is sent to it: inboxes that nobody acknowledges, webhooks that fail, items given up on.

Times of webhooks are real ones, in a sandbox too; those of items are the clearinghouse's.
"""

from collections.abc import Sequence
from typing import Any, Final

from nrdb.clock import format_time
from nrdb.db import Connection
from nrdb.delivery.webhooks.store import STATE

#: Items are counted up to here for each code: a reader that has stayed away for a year costs no more than this.
COUNTED: Final = 10_000

DELIVERY_COLUMNS = (
    "code", "acknowledged", "newest", "unacknowledged", "more_unacknowledged", "oldest_unacknowledged_at", "webhook",
    "failing_since", "position", "pending", "more_pending", "skipped", "waiting_since",
)  # fmt: skip
SKIPPED_COLUMNS = (
    "code", "seq", "message_id", "type", "case_id", "first_attempt_at", "skipped_at", "attempts", "status", "error",
)  # fmt: skip

# Each look into the inbox is one descent of its key, for each code of the register; what is counted, is counted for the
# codes of the page only.
_FIRST_AFTER = """
LATERAL (SELECT m.at FROM (SELECT log_id FROM inbox WHERE to_code = {0}.code AND seq > {1} AND seq <= $1
                            ORDER BY seq LIMIT 1) i JOIN message_log m ON m.id = i.log_id) {2} ON true
"""
_COUNT_AFTER = """
LATERAL (SELECT count(*) FROM (SELECT FROM inbox WHERE to_code = {0}.code AND seq > {1} AND seq <= $1
                                ORDER BY seq LIMIT $6 + 1) i) {2}
"""

#: $1 the horizon, $2 the codes or null for all, $3 to $5 after.
_DELIVERY = f"""
WITH codes AS MATERIALIZED (
    SELECT p.code, coalesce(a.through, 0) AS through, greatest(a.through, w.position, 0) AS reached,
           a.code IS NOT NULL OR w.code IS NOT NULL AS known, w.position, w.failing_since,
           CASE WHEN w.code IS NULL THEN 'none' ELSE {STATE} END AS webhook
      FROM provider p LEFT JOIN inbox_ack a USING (code) LEFT JOIN webhook w USING (code)
     WHERE $2::text[] IS NULL OR p.code = ANY($2)
), placed AS MATERIALIZED (
    SELECT c.*, newest.seq AS newest, waiting.at AS waiting_since, (webhook <> 'failing')::int AS rank,
           CASE webhook WHEN 'failing' THEN failing_since ELSE coalesce(waiting.at, 'infinity') END AS since
      FROM codes c
      LEFT JOIN LATERAL (SELECT seq FROM inbox WHERE to_code = c.code AND seq <= $1
                          ORDER BY seq DESC LIMIT 1) newest ON true
      LEFT JOIN {_FIRST_AFTER.format("c", "c.reached", "waiting")}
     WHERE known OR newest.seq IS NOT NULL
), page AS MATERIALIZED (
    SELECT * FROM placed
     WHERE $3::int IS NULL OR (rank, since, code) > ($3, coalesce($4::timestamptz, 'infinity'), $5::text)
     ORDER BY rank, since, code LIMIT $7
)
SELECT p.code, through AS acknowledged, greatest(newest, through) AS newest, unacknowledged.count AS unacknowledged,
       oldest.at AS oldest_unacknowledged_at, webhook, failing_since, position,
       CASE WHEN position IS NOT NULL THEN pending.count END AS pending,
       (SELECT count(*) FROM webhook_skip s WHERE s.code = p.code) AS skipped, waiting_since
  FROM page p
  LEFT JOIN {_FIRST_AFTER.format("p", "p.through", "oldest")},
       {_COUNT_AFTER.format("p", "p.through", "unacknowledged")},
       {_COUNT_AFTER.format("p", "coalesce(p.position, $1)", "pending")}
 ORDER BY rank, since, p.code
"""


async def read_delivery(
    connection: Connection, *, codes: tuple[str, ...] | None, after: Sequence[Any] | None, limit: int
) -> list[dict[str, Any]]:
    """A row for each code that has an inbox or a webhook: those that fail first, then those that wait longest.

    Costs a few look-ups for each code of the register, and at most `COUNTED` index entries twice for each of the page.
    """
    horizon = await connection.fetchval("SELECT inbox_horizon()")
    wanted = list(codes) if codes is not None else None
    position = tuple(after or (None, None, None))
    rows = await connection.fetch(_DELIVERY, horizon, wanted, *position, COUNTED, limit)
    return [_code(row) for row in rows]


def place(item: dict[str, Any]) -> tuple[int, str | None, str]:
    """Where a row stands in the list."""
    if item["webhook"] == "failing":
        return 0, item["failing_since"], item["code"]
    return 1, item["waiting_since"], item["code"]


def _code(row: Any) -> dict[str, Any]:
    pending = row["pending"]
    times = ("oldest_unacknowledged_at", "failing_since", "waiting_since")
    return {
        **{name: row[name] for name in DELIVERY_COLUMNS if name in row},
        **{name: format_time(row[name]) if row[name] else None for name in times},
        "unacknowledged": min(row["unacknowledged"], COUNTED),
        "more_unacknowledged": row["unacknowledged"] > COUNTED,
        "pending": None if pending is None else min(pending, COUNTED),
        "more_pending": None if pending is None else pending > COUNTED,
    }


# The newest of each code by its key, merged: what has been given up on grows with the years, a page does not.
_SKIPPED = """
SELECT s.code, s.seq, m.message_id, m.type, m.case_id, s.first_attempt_at, s.skipped_at, s.attempts, s.status, s.error
  FROM (SELECT s.* FROM provider p, LATERAL (
               SELECT * FROM webhook_skip WHERE code = p.code AND ($2::bigint IS NULL OR seq < $2)
                ORDER BY seq DESC LIMIT $3) s
         WHERE $1::text[] IS NULL OR p.code = ANY($1)
         ORDER BY s.seq DESC LIMIT $3) s
  JOIN message_log m ON m.id = s.log_id
 ORDER BY s.seq DESC
"""


async def read_skipped(
    connection: Connection, *, codes: tuple[str, ...] | None, before: int | None, limit: int
) -> list[dict[str, Any]]:
    """Items that no webhook took within three days, newest item first. They stand in the inbox all the same."""
    rows = await connection.fetch(_SKIPPED, list(codes) if codes is not None else None, before, limit)
    return [
        {
            **row,
            "message_id": str(row["message_id"]),
            "case_id": str(row["case_id"]) if row["case_id"] else None,
            "first_attempt_at": format_time(row["first_attempt_at"]),
            "skipped_at": format_time(row["skipped_at"]),
        }
        for row in rows
    ]
