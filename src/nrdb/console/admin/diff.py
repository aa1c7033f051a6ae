"""Before and after, side by side: what the API tells, flattened to lines that people can compare."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from nrdb.console.page import Page
from nrdb.console.words import called, clock, text

#: What the fields of the API are called. One that is not here keeps its name.
LABELS: Final[Mapping[str, str]] = {
    "action": text("What"), "active": text("Active"), "code": text("Code"), "created_at": text("Made"),
    "codes": text("Codes"), "contact": text("Contact"), "contacts": text("Contacts"), "details": text("Becomes"),
    "due_at": text("Carried out"), "effective_at": text("From"), "email": text("Email"),
    "expires_at": text("The key ends"), "first": text("First number"), "free": text("Room"), "holder": text("Holder"),
    "id": text("Id"), "key_id": text("Key"), "now": text("Time"), "label": text("Label"), "last": text("Last number"),
    "limit": text("Numbers at most"), "living_keys": text("Living keys"), "main_number": text("Main number"),
    "missing": text("Waits for"),
    "name": text("Name"), "number_class": text("Class"), "organisation_number": text("Organisation number"),
    "parts": text("Series then"), "phone": text("Telephone"), "reason": text("Reason"),
    "requests_per_second": text("Requests a second"), "revoked_at": text("Revoked"), "role": text("Role"),
    "routing_number": text("Routing number"), "since": text("Since"), "state": text("State"), "status": text("State"),
    "streams": text("Open streams"), "subject": text("About"), "terminating": text("Carries calls"),
    "to": text("To the code"), "transferred_to": text("Becomes"), "used": text("Used"), "valid_from": text("From"),
    "valid_until": text("Until"), "waived": text("No longer waited for"), "working_day": text("Working day"),
}  # fmt: skip
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z\Z")
#: Names whose values are words of ours, with what stands before them in the list of words.
_WORDS: Final = {"state": "state ", "status": "", "role": ""}
_STATUSES: Final = frozenset({"open", "blocked", "returned", "provider", "operator", "admin"})


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that can differ. `before` or `after` is None where there is none."""

    label: str
    before: str | None
    after: str | None

    @property
    def differs(self) -> bool:
        """Whether it is another one afterwards."""
        return self.before != self.after


def lines(page: Page, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[Line]:
    """What was beside what will be, in the order in which it stands there."""
    was, is_ = (dict(_flat(found or {})) for found in (before, after))
    names = [*was, *(name for name in is_ if name not in was)]
    return [Line(label(page, name), _side(page, name, was, before), _side(page, name, is_, after)) for name in names]


def _side(page: Page, name: str, side: Mapping[str, Any], whole: object) -> str | None:
    return None if whole is None else said(page, name, side.get(name))


def _flat(found: Mapping[str, Any], above: str = "") -> list[tuple[str, Any]]:
    flat: list[tuple[str, Any]] = []
    for name, value in found.items():
        if isinstance(value, Mapping):
            flat += _flat(value, f"{above}{name}/")
        elif isinstance(value, Sequence) and not isinstance(value, str) and any(isinstance(v, Mapping) for v in value):
            flat += [pair for at, v in enumerate(value, 1) for pair in _flat(v, f"{above}{name}/{at}/")]
        else:
            flat.append((above + name, value))
    return flat


def label(page: Page, name: str) -> str:
    """What a field is called; of one in another, both."""
    return ", ".join(page.word(LABELS[part]) if part in LABELS else part for part in name.split("/"))


def said(page: Page, name: str, value: object) -> str:
    """A value as people read it."""
    last = name.rpartition("/")[2]
    if value is None or value in ("", []):
        return "–"
    if isinstance(value, bool):
        return page.word("yes") if value else page.word("no")
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(said(page, name, one) for one in value)
    shown = called(str(value)) if last == "holder" else str(value)
    if _INSTANT.match(shown):
        return clock(page.language, shown)
    if last == "revoked_at" and shown == "now":
        return page.word("now")
    if last in _WORDS and (shown in _STATUSES or last == "state"):
        return page.word(f"{_WORDS[last]}{shown}")
    return shown
