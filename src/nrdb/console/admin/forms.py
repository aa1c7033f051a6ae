"""The changes that people make by form, one table for all: what is asked, what it is sent to, what was and will be.

Each names where it is sent in the API; `before` reads what it is about, `after` says what becomes of that.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from nrdb.console.admin import states
from nrdb.console.message_forms import Field
from nrdb.console.page import Page
from nrdb.console.words import text
from nrdb.providers.keys import Role

State = Mapping[str, Any]
Before = Callable[[Page, Mapping[str, str]], Awaitable[State | None]]


@dataclass(frozen=True, slots=True)
class ChangeForm:
    """A change. `subject` stands in the address of the form, and in that of the API.

    `placed`: the field that an error of the API is about, from what is typed and the error's pointer.

    `rehearsed`: the API can say what would follow and change nothing. `typed` is the part of the subject that must be
    typed to confirm. `moving` is what may differ when it is confirmed. `partial`: only what is different is sent, so
    that nobody writes back what somebody else has changed; a field of `removable` that is emptied takes its value away.
    """

    title: str
    method: str
    path: str
    fields: tuple[Field, ...]
    before: Before
    back: str
    subject: tuple[Field, ...] = ()
    after: Callable[[State | None, State, State], State | None] = states.merged
    body: Callable[[State, State | None], Any] = states.as_it_is
    about: str = ""
    in_query: tuple[str, ...] = ()
    rehearsed: bool = False
    typed: str = ""
    partial: bool = False
    removable: tuple[str, ...] = ()
    danger: bool = False
    moving: tuple[str, ...] = ()
    prefilled: Callable[[State], Mapping[str, str]] | None = None
    roles: tuple[Role, ...] = ("admin",)
    placed: Callable[[State, str], str] = states.as_named


_REASON = Field("reason", text("Reason"), "text", needed=True, help=text("Stands in the audit log. No personal data."))
_CODE = Field("code", text("Code"), "code", needed=True)
_SERIES_ID = Field("series_id", text("Series"), "text", needed=True)
_KEY_ID = Field("key_id", text("Key"), "text", needed=True)
_DAY = Field("day", text("Day"), "date", needed=True)
_STATUSES = (("open", text("open")), ("blocked", text("blocked")), ("returned", text("returned")))
_CLASSES = (("GEO", "GEO"), ("NONGEO", "NONGEO"), ("MOBILE", "MOBILE"), ("FIVE", "FIVE"))
_ROLES = (("provider", text("provider")), ("operator", text("operator")), ("admin", text("admin")))
_FIRST = Field("first", text("First number"), "text", needed=True)
_LAST = Field("last", text("Last number"), "text", needed=True)
_NOW = text("Norwegian time; empty: now.")


def _provider_fields(*, new: bool) -> tuple[Field, ...]:
    return (
        Field("name", text("Name"), "text", needed=True),
        Field("organisation_number", text("Organisation number"), "text"),
        Field("terminating", text("Carries calls"), "yesno", needed=True),
        Field("routing_number", text("Routing number"), "text", help=text("Needed by whoever carries calls.")),
        *(() if new else (Field("active", text("Active"), "yesno", needed=True),)),
        Field("contact/email", text("Email"), "text", needed=True),
        Field("contact/phone", text("Telephone"), "text", needed=True),
        _REASON,
    )


_CONTACT_ROLES = (("porting", text("Porting")), ("operations", text("Operations")))
#: Contact points that the form has room for; what there is beyond stays.
SLOTS: Final = states.SLOTS
_PLACES: Final = (text("First contact"), text("Second contact"), text("Third contact"), text("Fourth contact"))
_CONTACTS = tuple(
    field
    for slot, place in zip(range(SLOTS), _PLACES, strict=True)
    for field in (
        Field(f"{slot}/role", text("Contact for"), "choice", choices=_CONTACT_ROLES, group=place),
        Field(f"{slot}/name", text("Name"), "text", group=place),
        Field(f"{slot}/email", text("Email"), "text", group=place),
        Field(f"{slot}/phone", text("Telephone"), "text", group=place),
    )
)

CHANGES: Final[Mapping[str, ChangeForm]] = {
    "provider-new": ChangeForm(
        text("New provider"), "POST", "/admin/providers",
        (_CODE, *_provider_fields(new=True)), states.nothing, "/providers/{code}", rehearsed=True,
    ),
    "provider-change": ChangeForm(
        text("Change a provider"), "PATCH", "/admin/providers/{code}",
        _provider_fields(new=False), states.provider, "/providers/{code}", (_CODE,),
        rehearsed=True, partial=True, removable=("organisation_number", "routing_number"), prefilled=states.typed,
    ),
    "contacts": ChangeForm(
        text("Contacts"), "PUT", "/providers/{code}/contacts",
        (*_CONTACTS, _REASON), states.contacts, "/providers/{code}", (_CODE,),
        after=states.contacts_after, body=states.contacts_body, in_query=("reason",), rehearsed=True,
        prefilled=states.contacts_typed, placed=states.contact_named,
        roles=("provider",),
    ),
    "transfer": ChangeForm(
        text("Transfer a code"), "POST", "/admin/provider-codes/{code}/transfer",
        (
            Field("to", text("To the code"), "code", needed=True),
            Field("effective_at", text("From"), "time", help=_NOW), _REASON,
        ),
        states.code, "/providers/{code}", (_CODE,), after=states.transferred,
        about=text("Series, numbers, open cases, expected reports and use of the cap go to the other code at once."),
        rehearsed=True, typed="code", danger=True,
    ),
    "planned-cancel": ChangeForm(
        text("Cancel what is planned"), "DELETE", "/admin/planned-changes/{planned_id}",
        (_REASON,), states.planned, "/admin/planned",
        (Field("planned_id", text("Planned change"), "text", needed=True),),
        after=states.gone, in_query=("reason",), danger=True,
    ),
    "key-new": ChangeForm(
        text("New key"), "POST", "/admin/keys",
        (
            Field("role", text("Role"), "choice", needed=True, choices=_ROLES),
            Field("codes", text("Codes"), "numbers", help=text("One a line; only for a provider.")),
            Field("label", text("Label"), "text", needed=True, help=text("Whose, and what for.")),
            Field("expires_at", text("The key ends"), "time", help=text("Norwegian time; empty: never.")), _REASON,
        ),
        states.keys, "/admin/keys", after=states.one_key_more, body=states.key_body, rehearsed=True,
    ),
    "key-revoke": ChangeForm(
        text("Revoke a key"), "DELETE", "/admin/keys/{key_id}",
        (_REASON,), states.key, "/admin/keys", (_KEY_ID,), after=states.revoked, in_query=("reason",), danger=True,
    ),
    "key-limits": ChangeForm(
        text("How much a key may ask"), "PUT", "/admin/keys/{key_id}/limits",
        (
            Field("requests_per_second", text("Requests a second"), "count", help=text("Empty: as everybody.")),
            Field("streams", text("Open streams"), "count", help=text("Empty: as everybody.")), _REASON,
        ),
        states.key, "/admin/keys", (_KEY_ID,), after=states.key_limited, body=states.key_limits,
        prefilled=states.typed,
    ),
    "series-new": ChangeForm(
        text("New series"), "POST", "/admin/series",
        (
            _FIRST, _LAST, Field("holder", text("Holder"), "code", needed=True),
            Field("number_class", text("Class"), "choice", choices=_CLASSES, help=text("Empty: by its first digits.")),
            Field("status", text("State"), "choice", choices=_STATUSES), _REASON,
        ),
        states.nothing, "/series?number={first}", rehearsed=True,
    ),
    "series-change": ChangeForm(
        text("Change a series"), "PATCH", "/admin/series/{series_id}",
        (
            Field("holder", text("New holder"), "code", help=text("Takes the numbers that are not ported.")),
            Field("status", text("State"), "choice", choices=_STATUSES, help=text("What is blocked is never ported.")),
            Field("valid_from", text("From"), "time", help=_NOW), _REASON,
        ),
        states.series, "/series/{series_id}", (_SERIES_ID,), after=states.series_after, rehearsed=True,
    ),
    "series-split": ChangeForm(
        text("Split a series"), "POST", "/admin/series/{series_id}/split",
        (_FIRST, _LAST, _REASON), states.series, "/series/{series_id}", (_SERIES_ID,), after=states.split,
        about=text("These numbers become a series of their own. Holders, numbers and cases stay."), rehearsed=True,
    ),
    "limit": ChangeForm(
        text("Limit of a day"), "PUT", "/admin/caps/{code}/{day}",
        (
            Field("limit", text("Numbers at most"), "count", needed=True, help=text("A lower one cancels nothing.")),
            _REASON,
        ),
        states.limit, "/limits?code={code}&month={day}", (_CODE, _DAY), after=states.limited,
        prefilled=states.typed, moving=("used", "free"),
    ),
    "closed-day": ChangeForm(
        text("Close a day"), "PUT", "/admin/calendar/closed-days/{day}",
        (_REASON,), states.closed_day, "/calendar?month={day}", (_DAY,), after=states.closed,
        about=text("It counts as no working day for messages from now on. It cannot be opened again."), danger=True,
    ),
    "right-holder": ChangeForm(
        text("Right holder of a five-digit number"), "PUT", "/admin/five-digit/{number}/right-holder",
        (
            Field("organisation_number", text("Organisation number"), "text", needed=True),
            Field("name", text("Name"), "text", needed=True), _REASON,
        ),
        states.right_holder, "/admin", (Field("number", text("Number"), "text", needed=True),),
        about=text("Nkom's grant, or its consent to a transfer."), rehearsed=True,
    ),
    "waive": ChangeForm(
        text("Wait for a code no longer"), "POST", "/admin/cases/{case_id}/waive",
        (Field("code", text("Code"), "code", needed=True), _REASON), states.case, "/cases/{case_id}",
        (Field("case_id", text("Case"), "text", needed=True),), after=states.waived,
        about=text("Its missing report, or return, is no longer awaited."), rehearsed=True, danger=True,
    ),
}  # fmt: skip

#: Which field a refusal is about, the first of these that the form has; the others are about the whole.
ABOUT: Final[Mapping[str, tuple[str, ...]]] = {
    "code-exists": ("code",),
    "provider-in-use": ("active", "terminating"),
    "series-overlap": ("first",),
    "series-in-open-case": ("holder", "status"),
    "series-has-ported-numbers": ("status",),
    "transfer-conflict": ("to",),
    "transfer-to-itself": ("to",),
    "effective-time-passed": ("effective_at", "valid_from"),
    "case-state": ("code",),
}
