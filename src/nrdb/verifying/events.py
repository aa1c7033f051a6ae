"""What has come from outside, in the order in which it was decided: messages of providers, changes of administrators.

What stood before the audit log began (the example market, or a plan entered by an older service) comes first, as it was
before the first line about it. Everything else (what time did, notices, returns for Nkom, what follows from a transfer)
the replay must make by itself.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from nrdb.db import Connection
from nrdb.vault import Vault

#: Rows fetched at a time.
_AT_ONCE = 500

# A change holds the world: messages decided before it stand in the log up to `log_id`, later ones behind it.
_EVENTS = """
SELECT at, id AS place, 0 AS kind, id, type AS name, sender AS subject, body::jsonb AS content, NULL::jsonb AS before,
       NULL AS reason, sealed, case_id::text
  FROM message_log WHERE digest IS NOT NULL
 UNION ALL
SELECT at, log_id, 1, id, action, subject, after, before, reason, NULL, NULL FROM audit
 ORDER BY at, place, kind, id
"""


# Providers and series that no line tells of having been entered, as they were before the first line about them.
_PROVIDERS = """
SELECT p.created_at AS at, p.code AS subject, 'provider-created' AS name,
       coalesce((SELECT before FROM audit WHERE action = 'provider-changed' AND subject = p.code ORDER BY id LIMIT 1),
                to_jsonb(p) || jsonb_build_object('contact', jsonb_build_object('email', email, 'phone', phone)))
       AS content
  FROM provider p
 WHERE code <> '0' AND NOT EXISTS (SELECT 1 FROM audit WHERE action = 'provider-created' AND subject = p.code)
 ORDER BY created_at, code
"""
# An import tells which versions it has entered: the first version of such a series is as the file had it, unless it was
# changed at that very instant and never in force.
_SERIES = """
SELECT coalesce(i.at, lower(s.valid)) AS at, s.series_id::text AS subject,
       CASE WHEN i.at IS NULL THEN 'series-created' ELSE 'series-imported' END AS name,
       coalesce((SELECT before FROM audit
                  WHERE i.at IS NULL AND action IN ('series-changed', 'series-change-planned', 'series-split')
                    AND subject = s.series_id::text ORDER BY id LIMIT 1),
                jsonb_build_object(
                    'first', substr(lower(numbers)::text, 3), 'last', substr((upper(numbers) - 1)::text, 3),
                    'holder', holder, 'number_class', number_class, 'status', status, 'reason', reason,
                    'valid_from', lower(s.valid))) AS content
  FROM (SELECT DISTINCT ON (series_id) * FROM series ORDER BY series_id, lower(valid)) s
  LEFT JOIN LATERAL (
       SELECT at FROM audit
        WHERE action = 'plan-imported' AND (after ->> 'first_version')::bigint <= s.version_id
          AND s.version_id <= (after ->> 'last_version')::bigint) i ON true
 WHERE NOT EXISTS (SELECT 1 FROM audit WHERE action = 'series-created' AND subject = s.series_id::text)
   AND NOT EXISTS (SELECT 1 FROM audit
                    WHERE action = 'series-split'
                      AND (after ->> 'series_id' = s.series_id::text
                           OR after -> 'rest' @> jsonb_build_array(jsonb_build_object('series_id', s.series_id))
                              AND subject <> s.series_id::text))
 ORDER BY 1, lower(numbers)
"""


@dataclass(frozen=True, slots=True)
class Event:
    """A message (`name` its type, `subject` its sender) or a line of the audit log (`name` its action)."""

    at: datetime
    is_message: bool
    id: int
    name: str
    subject: str
    content: dict[str, Any]
    before: dict[str, Any] | None
    reason: str | None
    sealed: bytes | None
    case_id: str | None


async def read_events(connection: Connection) -> AsyncIterator[Event]:
    """All of them, a few at a time. The caller's transaction decides which there are."""
    async for row in connection.cursor(_EVENTS, prefetch=_AT_ONCE):
        yield _event(row)


async def read_beginning(connection: Connection) -> list[Event]:
    """What no line of the audit log tells of by itself: what stood before the log began, and the series of imports."""
    events = [
        Event(row["at"], False, 0, row["name"], row["subject"], row["content"], None, None, None, None)
        for statement in (_PROVIDERS, _SERIES)
        for row in await connection.fetch(statement)
    ]
    return sorted(events, key=lambda event: event.at)


def _event(row: asyncpg.Record) -> Event:
    fields = dict(row)
    del fields["place"]
    return Event(is_message=fields.pop("kind") == 0, **{**fields, "content": fields["content"] or {}})


def message_of(event: Event, vault: Vault) -> dict[str, Any]:
    """The message as it was sent, but for its case.

    What was personal and has been erased gets a stand-in. No rule asks more of it than whether what a donor expects
    equals what was ordered (contract section 6, `reason-not-permitted`): a message that was accepted said no, and no
    stand-in of one equals a stand-in of the other.
    """
    message = {name: value for name, value in event.content.items() if name != "case_id"}
    known = vault.open(event.sealed) or {}
    for name in [name for name, value in message.items() if value is None]:
        if name in known:
            message[name] = known[name]
        elif name in _STAND_INS:
            message[name] = _STAND_INS[name]
        elif name == "expected":
            message[name] = _EXPECTED.get(message.get("reason", ""), {})
        else:
            del message[name]
    return message


_STAND_INS: dict[str, Any] = {
    "customer": {"name": "erased", "birth_date": "1900-01-01"},
    "authorisation_reference": "erased",
    "right_holder": {"name": "erased", "organisation_number": "974760673"},
}
_EXPECTED: dict[str, dict[str, Any]] = {
    "owner-mismatch": {"name": "erased", "birth_date": "19000102"},
    "numbers-incomplete": {"numbers": [{"first": "20000000", "last": "20000000"}]},
    "number-type-wrong": {"number_type": "E"},
    "complex-porting": {"porting_time": "2000-01-01T00:00:00Z"},
}
