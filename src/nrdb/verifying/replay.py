"""The replay: a service of its own on an empty database, to which everything is said again, at the instant of then.

It goes through the whole service, rules and all: what was accepted must be accepted again. Ids that the service makes
at random are other ones in the replay, so they are told apart here.
"""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from pydantic import SecretStr

from nrdb.app import create_app
from nrdb.clock import format_time
from nrdb.migrate import upgrade
from nrdb.seed import bootstrap
from nrdb.settings import Settings
from nrdb.vault import Vault
from nrdb.verifying.events import Event, message_of

_REASON = "replay"
#: What has no part in routing or cases, or follows from another event by itself.
_WITHOUT_EFFECT = frozenset(
    {
        "contacts-set", "customer-shown", "key-changed", "key-created", "key-limited", "key-revoked", "plan-imported",
        "planned-change-redirected", "webhook-deleted", "webhook-secret-rotated", "webhook-set",
    }
)  # fmt: skip


_AT_ONCE = 2000
_IMPORTED = """
SELECT array_agg(first), array_agg(last), json_agg(json_build_object(
       'since', own_since, 'undo', false, 'holder', own_holder, 'network', own_network,
       'target_number', target_number))::text
  FROM (SELECT DISTINCT ON (first) *, row_number() OVER (ORDER BY first) AS place FROM routing
         WHERE put_seq BETWEEN $1 AND $2 AND own_holder IS NOT NULL AND case_id IS NULL ORDER BY first, valid_from) r
 GROUP BY place / $3::bigint ORDER BY min(first)
"""


# Under the id that it has there.
_ENTER = """
INSERT INTO series (series_id, numbers, number_class, holder, status, reason, valid)
VALUES ($1::text::uuid, int8range(('47' || $2::text)::bigint, ('47' || $3::text)::bigint, '[]'), $4, $5, $6, $7,
        tstzrange($8::text::timestamptz, NULL))
"""
_FOLLOW = """
SELECT reroute($1, ARRAY[('47' || $2::text)::bigint], ARRAY[('47' || $3::text)::bigint], json_build_array(
       json_build_object('since', $4::text::timestamptz, 'undo', true)))
"""


class RefusedError(Exception):
    """What was accepted then is not accepted now; the text says what and why."""


class Replay:
    """The service on the empty database, and what its ids are here."""

    def __init__(
        self, client: httpx.AsyncClient, connection: asyncpg.Connection, source: asyncpg.Connection, vault: Vault
    ) -> None:
        self._client = client
        self._source = source
        self._connection = connection
        self._vault = vault
        self._keys: dict[str, str] = {}
        #: Ids there and their likes here: cases, series, planned changes.
        self.ids: dict[str, str] = {}
        self._planned: dict[tuple[str, str], str] = {}
        self._rights: set[str] = set()

    async def say(self, event: Event) -> None:
        """Say it again. Raises `RefusedError`."""
        await self._connection.execute("UPDATE world SET sandbox_now = greatest(sandbox_now, $1)", event.at)
        if event.is_message:
            await self._send(event)
        elif event.name not in _WITHOUT_EFFECT:
            change = getattr(self, "_" + event.name.replace("-", "_"), None)
            if change is None:
                raise RefusedError(f"audit line {event.id}: {event.name} cannot be replayed")
            await change(event)

    async def end(self, at: datetime) -> None:
        """Let the time come to where it is there, and everything happen that is due by then."""
        await self._call("PUT", "/sandbox/clock", {"now": format_time(at)}, f"the clock at {at}")

    async def _send(self, event: Event) -> None:
        message = message_of(event, self._vault)
        if event.content.get("case_id") and event.case_id in self.ids:
            message["case_id"] = self.ids[event.case_id]
        if event.name == "5_IVER":
            await self._right_of_use(message)
        what = f"{event.name} {message['message_id']} of {event.subject}"
        if event.subject not in self._keys:
            made = await self._call("POST", f"/admin/providers/{event.subject}/keys", {"label": _REASON}, what)
            self._keys[event.subject] = made["key"]
        answer = await self._call("POST", "/messages", message, what, self._keys[event.subject])
        if event.case_id:
            self.ids.setdefault(event.case_id, answer["case"]["case_id"])

    async def _right_of_use(self, message: dict[str, Any]) -> None:
        """Who has a right of use is personal and in no audit line: the message that was accepted names them."""
        number = message["main_number"]
        if number in self._rights:
            holder = {**message["right_holder"], "reason": _REASON}
            await self._call("PUT", f"/admin/five-digit/{number}/right-holder", holder, f"right of use of {number}")
        self._rights.add(number)

    async def _call(self, method: str, path: str, body: Any, what: str, key: str | None = None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {key}"} if key else None
        response = await self._client.request(method, f"/v1{path}", json=body, headers=headers)
        if not response.is_success:
            problem = response.json()
            raise RefusedError(f"{what}: {problem['code']}: {problem['detail']}")
        found: dict[str, Any] = response.json() if response.content else {}
        return found

    # --- Changes of administrators, by the action of their line in the audit log ---

    async def _provider_created(self, event: Event) -> None:
        fields = ("code", "name", "organisation_number", "terminating", "routing_number", "contact")
        await self._call("POST", "/admin/providers", {name: event.content[name] for name in fields}, _what(event))

    async def _provider_changed(self, event: Event) -> None:
        fields = ("name", "organisation_number", "terminating", "routing_number", "active", "contact")
        before = event.before or {}
        changed = {name: event.content[name] for name in fields if event.content[name] != before.get(name)}
        await self._call("PATCH", f"/admin/providers/{event.subject}", {**changed, "reason": _REASON}, _what(event))

    async def _series_created(self, event: Event) -> None:
        fields = ("first", "last", "holder", "number_class", "status", "reason")
        body = {name: event.content[name] for name in fields}
        made = await self._call("POST", "/admin/series", body, _what(event))
        self.ids[event.subject] = made["series_id"]

    async def _series_imported(self, event: Event) -> None:
        """A series may have begun long before its import, which nobody but an import can say."""
        said = event.content
        row = [said[name] for name in ("number_class", "holder", "status", "reason", "valid_from")]
        async with self._connection.transaction():
            at = await self._connection.fetchval("SELECT change_world()")
            await self._connection.execute(_ENTER, event.subject, said["first"], said["last"], *row)
            await self._connection.execute(_FOLLOW, at, said["first"], said["last"], said["valid_from"])

    async def _series_changed(self, event: Event) -> None:
        if self._planned.pop((event.subject, event.content["valid_from"]), None) is None:
            await self._change_series(event, {})

    async def _series_change_planned(self, event: Event) -> None:
        at = event.content["valid_from"]
        made = await self._change_series(event, {"valid_from": at})
        self._plan(event.subject, at, event.content["planned"], made["planned"]["id"])

    async def _change_series(self, event: Event, more: dict[str, Any]) -> dict[str, Any]:
        wanted = {name: event.content[name] for name in ("holder", "status")}
        body = {**wanted, "reason": event.reason or _REASON, **more}
        return await self._call("PATCH", f"/admin/series/{self._id(event.subject)}", body, _what(event))

    async def _series_split(self, event: Event) -> None:
        body = {"first": event.content["first"], "last": event.content["last"], "reason": event.reason or _REASON}
        made = await self._call("POST", f"/admin/series/{self._id(event.subject)}/split", body, _what(event))
        parts = zip([event.content, *event.content["rest"]], [made, *made["rest"]], strict=True)
        self.ids |= {there["series_id"]: here["series_id"] for there, here in parts}

    async def _code_transferred(self, event: Event) -> None:
        if self._planned.pop((event.subject, event.content["effective_at"]), None) is None:
            await self._transfer(event, {"to": event.content["to"]})

    async def _code_transfer_planned(self, event: Event) -> None:
        at = event.content["due_at"]
        made = await self._transfer(event, {"to": event.content["details"]["to"], "effective_at": at})
        self._plan(event.subject, at, event.content["id"], made["planned"]["id"])

    async def _transfer(self, event: Event, body: dict[str, Any]) -> dict[str, Any]:
        form = {**body, "reason": event.reason or _REASON}
        return await self._call("POST", f"/admin/provider-codes/{event.subject}/transfer", form, _what(event))

    async def _planned_change_cancelled(self, event: Event) -> None:
        before = event.before or {}
        # What a transfer has cancelled because it would go to itself, the replay's transfer cancels by itself.
        if self._planned.pop((before["subject"], before["due_at"]), None) is not None:
            await self._call("DELETE", f"/admin/planned-changes/{self._id(_planned(before['id']))}", None, _what(event))

    async def _waived(self, event: Event) -> None:
        case_id, before = self._id(event.subject), event.before or {}
        codes = [code for code in event.content["waived"] if code not in before.get("waived", ())]
        if not codes:
            case = await self._call("GET", f"/cases/{case_id}", None, _what(event))
            codes = case["range_holders"][:1]
        for code in codes:
            body = {"code": code, "reason": event.reason or _REASON}
            await self._call("POST", f"/admin/cases/{case_id}/waive", body, _what(event))

    async def _ported_imported(self, event: Event) -> None:
        """The file is not kept, but the rows that it made are, believed or not: they are the log of an import."""
        places = event.content["first_seq"], event.content["last_seq"]
        async with self._connection.transaction():
            at = await self._connection.fetchval("SELECT change_world()")
            async for row in self._source.cursor(_IMPORTED, *places, _AT_ONCE):
                await self._connection.execute("SELECT reroute($1, $2, $3, $4)", at, *row)

    async def _limit_set(self, event: Event) -> None:
        code, day = event.subject.split(" ")
        body = {"limit": event.content["limit"], "reason": event.reason or _REASON}
        await self._call("PUT", f"/admin/caps/{code}/{day}", body, _what(event))

    async def _day_closed(self, event: Event) -> None:
        body = {"reason": event.reason or _REASON}
        await self._call("PUT", f"/admin/calendar/closed-days/{event.subject}", body, _what(event))

    async def _right_holder_set(self, event: Event) -> None:
        self._rights.add(event.subject)

    async def _clock_moved(self, event: Event) -> None:
        await self._call("PUT", "/sandbox/clock", {"now": event.content["now"]}, _what(event))

    def _plan(self, subject: str, at: str, there: Any, here: Any) -> None:
        self._planned[subject, at] = str(here)
        self.ids[_planned(there)] = str(here)

    def _id(self, there: str) -> str:
        return self.ids.get(there, there)


def _planned(planned_id: Any) -> str:
    return f"planned {planned_id}"


def _what(event: Event) -> str:
    return f"{event.name} {event.subject} (audit line {event.id})"


@asynccontextmanager
async def empty_service(dsn: str, start: datetime, source: asyncpg.Connection, vault: Vault) -> AsyncIterator[Replay]:
    """A service in this process on an empty database, whose clock stands at the beginning of what is replayed."""
    admin = secrets.token_hex(20)
    settings = Settings(
        sandbox=True,
        sandbox_start=start,
        seed="none",
        admin_key=SecretStr(admin),
        data_key=SecretStr(secrets.token_hex(20)),
        data_dir=Path("/nonexistent"),
        requests_per_second=1_000_000,
    )
    await upgrade(dsn)
    await bootstrap(settings, dsn)
    app = create_app(settings, dsn)
    connection = await asyncpg.connect(dsn)
    try:
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app),
                base_url="http://replay",
                headers={"Authorization": f"Bearer {admin}"},
                timeout=300,
            ) as client,
        ):
            yield Replay(client, connection, source, vault)
    finally:
        await connection.close()
