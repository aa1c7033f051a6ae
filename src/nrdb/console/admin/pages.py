"""What administration keeps lists of: keys, planned changes, the audit log."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from starlette.responses import Response
from starlette.routing import Route

from nrdb.clock import format_time
from nrdb.console.admin.changing import done, offers
from nrdb.console.admin.diff import lines
from nrdb.console.message_forms import EntryError, instant
from nrdb.console.page import HOME, Page, signed_in
from nrdb.console.words import text

#: Lines of the audit log on one page.
ROWS = 20
#: What the log calls a change, and what people call it.
ACTIONS: Final = {
    "provider-created": text("New provider"),
    "provider-changed": text("Provider changed"),
    "contacts-set": text("Contacts changed"),
    "key-created": text("New key"),
    "key-changed": text("Key changed"),
    "key-revoked": text("Key revoked"),
    "key-limited": text("Limits of a key changed"),
    "series-created": text("New series"),
    "series-changed": text("Series changed"),
    "series-change-planned": text("Change of a series planned"),
    "series-split": text("Series split"),
    "code-transferred": text("Code transferred"),
    "code-transfer-planned": text("Transfer of a code planned"),
    "planned-change-cancelled": text("Planned change cancelled"),
    "planned-change-redirected": text("Planned change redirected"),
    "limit-set": text("Limit of a day set"),
    "day-closed": text("Day closed"),
    "right-holder-set": text("Right holder recorded"),
    "waived": text("Waited for no longer"),
    "customer-shown": text("Customer shown"),
    "webhook-set": text("Webhook set"),
    "webhook-deleted": text("Webhook removed"),
    "webhook-secret-rotated": text("Secret of a webhook changed"),
    "clock-moved": text("Clock of the sandbox moved"),
}


#: Where there is a page of what a change was about: how the name of the change begins, and the address.
_PLACES: Final = {
    "provider-": "/providers/{}", "contacts-": "/providers/{}", "code-": "/providers/{}", "webhook-": "/providers/{}",
    "series-": "/series/{}", "key-": "/admin/keys?revoked=yes&q={}", "waived": "/cases/{}",
    "customer-": "/cases/{}", "right-holder-": "/numbers/{}",
}  # fmt: skip


def _place(item: Mapping[str, Any]) -> str:
    """The page of what a line of the log is about; empty where there is none."""
    found = next((place for begin, place in _PLACES.items() if item["action"].startswith(begin)), None)
    return HOME + found.format(quote(str(item["subject"]), safe="")) if found else ""


async def home(page: Page) -> Response:
    """What can be changed, and what there is to look at."""
    everything = (
        "provider-new", "provider-change", "transfer", "key-new", "series-new", "limit", "closed-day", "right-holder",
        "waive",
    )  # fmt: skip
    return page.render("admin.html", offers=offers(page, *everything), done=done(page))


async def keys(page: Page) -> Response:
    """All keys, without the keys."""
    wanted, also_revoked = page.query("q").casefold(), page.query("revoked") == "yes"
    found = [
        key
        for key in await page.api.all("/admin/keys")
        if (also_revoked or key["revoked_at"] is None)
        and wanted in f"{key['label']} {key['role']} {' '.join(key['codes'])} {key['key_id']}".casefold()
    ]
    return page.render("admin_keys.html", keys=found, wanted=page.query("q"), also_revoked=also_revoked,
                       done=done(page), offers=offers(page, "key-new"),
                       may=bool(offers(page, "key-revoke")))  # fmt: skip


async def planned(page: Page) -> Response:
    """What is set for later."""
    found = await page.api.all("/admin/planned-changes")
    shown = [{**item, "said": lines(page, None, item["details"])} for item in found]
    return page.render("admin_planned.html", planned=shown, actions=ACTIONS, done=done(page),
                       may=bool(offers(page, "planned-cancel")))  # fmt: skip


async def audit(page: Page) -> Response:
    """Who changed what, when and why, and what was before."""
    filters = {name: page.query(name) for name in ("action", "subject", "from", "to")}
    asked: dict[str, str | None] = {"action": filters["action"] or None, "subject": filters["subject"] or None}
    wrong: dict[str, str] = {}
    for name in ("from", "to"):
        try:
            asked[f"{name}_"] = format_time(instant(filters[name])) if filters[name] else None
        except EntryError as error:
            wrong[name] = page.word(error.template)
    found: dict[str, Any] = {"items": [], "next": None}
    if not wrong:
        found = await page.api.get("/audit", **asked, newest=True, after=page.query("after") or None, limit=ROWS)
    who = {key["key_id"]: key["label"] for key in await page.api.all("/admin/keys")} if found["items"] else {}
    shown = [
        {
            **item,
            "who": who.get(item["key_id"], ""),
            "place": _place(item),
            "diff": lines(page, item["before"], item["after"]),
        }
        for item in found["items"]
    ]
    return page.render("admin_audit.html", 422 if wrong else 200, items=shown, following=found["next"],
                       filters=filters, actions=ACTIONS, wrong=wrong)  # fmt: skip


ROUTES = [
    Route("/admin", signed_in(home, "operator", "admin")),
    Route("/admin/keys", signed_in(keys, "operator", "admin")),
    Route("/admin/planned", signed_in(planned, "operator", "admin")),
    Route("/admin/audit", signed_in(audit, "operator", "admin")),
]
