"""The two steps of every change: fill in, then see what was and what will be, and confirm.

Nothing is kept between the steps: the second one carries what was typed in the first, and a mark of what was shown as
before. Where that is another one when somebody confirms, they are shown it again instead.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from nrdb.console.admin.diff import Line, lines
from nrdb.console.admin.forms import ABOUT, CHANGES, ChangeForm
from nrdb.console.inner import ApiError
from nrdb.console.message_forms import errors_at, message_of, unplaced
from nrdb.console.page import HOME, NotForYou, Page, go, signed_in
from nrdb.console.words import text


@dataclass(frozen=True, slots=True)
class Asked:
    """A change that somebody is making: which, of what, what they have typed, and what the fields said before."""

    key: str
    form: ChangeForm
    subject: Mapping[str, str]
    values: Mapping[str, str]
    was: Mapping[str, str]

    @property
    def address(self) -> str:
        """The form, for this subject."""
        query = f"?{urlencode(self.subject)}" if self.subject else ""
        return f"{HOME}/admin/change/{self.key}{query}"


@dataclass(frozen=True, slots=True)
class Review:
    """What a change would do. `content` is what is typed, as the API takes it."""

    content: Mapping[str, Any]
    before: Mapping[str, Any] | None
    lines: list[Line]
    effects: Mapping[str, Any]
    mark: str


#: How the names of fields begin that carry what a form's fields said before anybody typed.
_WAS = "was-"


class Wrong(Exception):  # noqa: N818 (an answer, not an error)
    """What is typed cannot be sent: a sentence for each field that is wrong, and one for the whole."""

    def __init__(self, errors: Mapping[str, str], whole: str = "") -> None:
        super().__init__(whole)
        self.errors = errors
        self.whole = whole


async def ask(page: Page) -> Response:
    """The form, with what is so now; where the address does not say of what, that is asked first."""
    asked = _asked(page)
    if any(not asked.subject.get(field.name) for field in asked.form.subject):
        return page.render("change_subject.html", change=asked, values={n: page.query(n) for n in asked.subject},
                           errors={}, fields=asked.form.subject, windows=None, twice=[])  # fmt: skip
    values: Mapping[str, str] = {field.name: page.query(field.name) for field in asked.form.fields}
    before = await asked.form.before(page, asked.subject)
    if asked.form.prefilled is not None:
        values = asked.form.prefilled(before or {})
    return _form(page, replace(asked, values=values, was=values), before)


async def change(page: Page) -> Response:
    """The step that the form says: look, confirm, or go back to the form."""
    asked = _asked(page)
    if any(not asked.subject.get(field.name) for field in asked.form.subject):
        return go(asked.address)
    step = page.field("step")
    if step == "edit":
        return await _filled_in(page, asked)
    try:
        review = await _review(page, asked)
        if step != "confirm":
            return _reviewed(page, asked, review)
        if page.field("seen") != review.mark:
            return _reviewed(page, asked, review, status=409, changed=True)
        if asked.form.typed and page.field("typed").upper() != asked.subject[asked.form.typed].upper():
            return _reviewed(page, asked, review, status=422, mistyped=True)
        answer = await _carry_out(page, asked, review)
    except Wrong as wrong:
        return await _filled_in(page, asked, 422, errors=wrong.errors, whole=wrong.whole)
    except ApiError as error:
        return await _refused(page, asked, error)
    if asked.key == "key-new":
        # The one page that shows a key, as the answer to the form: it stands in no address and in nobody's history.
        return page.render("key_new.html", made=answer, label=review.content["label"])
    known = {name: quote(str(value), safe="") for name, value in {**review.content, **asked.subject}.items()}
    back = HOME + asked.form.back.format(**known)
    said = "planned" if isinstance(answer, Mapping) and answer.get("planned") else "done"
    return go(f"{back}{'&' if '?' in back else '?'}{said}={asked.key}")


def done(page: Page) -> str:
    """What has just been changed or set for later, as the address says it; nothing for what is no change of ours."""
    for said, template in (("done", text("Done: {what}")), ("planned", text("Set for later: {what}"))):
        form = CHANGES.get(page.query(said))
        if form and page.caller.role in form.roles:
            return page.word(template, what=page.word(form.title))
    return ""


def offers(page: Page, *keys: str) -> list[tuple[str, str]]:
    """Those of these changes that the reader may make, with their names."""
    return [(key, CHANGES[key].title) for key in keys if page.caller.role in CHANGES[key].roles]


def _asked(page: Page) -> Asked:
    key = page.request.path_params["key"]
    form = CHANGES.get(key)
    if form is None:
        raise HTTPException(404)
    if page.caller.role not in form.roles:
        raise NotForYou
    subject = {field.name: page.query(field.name) for field in form.subject}
    subject = {
        field.name: subject[field.name].upper() if field.kind == "code" else subject[field.name]
        for field in form.subject
    }
    if page.caller.codes and subject.get("code") and subject["code"] not in page.caller.codes:
        raise NotForYou
    values, was = (
        {field.name: str(page.form.get(f"{before}{field.name}", "")) for field in form.fields} for before in ("", _WAS)
    )
    return Asked(key, form, subject, values, was)


async def _review(page: Page, asked: Asked) -> Review:
    """Read what is, ask the API what would follow, and put the two beside each other."""
    form = asked.form
    content, unread = message_of(form.fields, page.form)
    errors = {name: page.word(template) for name, template in unread.items()}
    for field in form.fields:
        if field.needed and not page.field(field.name):
            errors[field.name] = page.word("must be filled in")
    if errors:
        raise Wrong(errors)
    before = await form.before(page, asked.subject)
    if form.partial:
        content |= dict.fromkeys(name for name in form.removable if not page.field(name))
        content = _own(asked, content, before or {})
        if set(content) <= {"reason"}:
            raise Wrong({}, page.word("Nothing would be different."))
    effects: Mapping[str, Any] = {}
    if form.rehearsed:
        effects = await _send(page, asked, content, before, {"dry_run": True})
    after = form.after(before, content, effects)
    if not form.rehearsed and before == after:
        raise Wrong({}, page.word("Nothing would be different."))
    return Review(content, before, lines(page, before, after), effects, _mark(form, before))


def _own(asked: Asked, content: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """What the reader has changed in the form and would be different: what others have changed since stays theirs."""
    touched = {name for name, typed in asked.values.items() if typed.strip() != asked.was[name].strip()}
    own: dict[str, Any] = {}
    for name, value in content.items():
        if isinstance(value, Mapping):
            parts = {part: one for part, one in value.items() if f"{name}/{part}" in touched}
            if parts:
                own[name] = {**before.get(name, {}), **parts}
        elif name in touched:
            own[name] = value
    return {name: value for name, value in own.items() if before.get(name) != value}


def _mark(form: ChangeForm, before: Mapping[str, Any] | None) -> str:
    """Another one whenever what was before is another, but for what moves by itself."""
    kept = None if before is None else {name: value for name, value in before.items() if name not in form.moving}
    return hashlib.sha256(orjson.dumps(kept, option=orjson.OPT_SORT_KEYS)).hexdigest()[:24]


async def _carry_out(page: Page, asked: Asked, review: Review) -> Any:
    return await _send(page, asked, review.content, review.before, {})


async def _send(
    page: Page, asked: Asked, content: Mapping[str, Any], before: Mapping[str, Any] | None, query: Mapping[str, Any]
) -> Any:
    form = asked.form
    path = form.path.format(**{name: quote(value, safe="") for name, value in asked.subject.items()})
    in_query = {name: content[name] for name in form.in_query if name in content}
    body = {name: value for name, value in content.items() if name not in in_query}
    sent = None if form.method == "DELETE" else form.body(body, before)
    return await page.api.send(form.method, path, sent, {**in_query, **query})


async def _refused(page: Page, asked: Asked, error: ApiError) -> Response:
    """The form again, with what was typed, and what is wrong where it is wrong."""
    content, _ = message_of(asked.form.fields, page.form)
    for one in error.document.get("errors", ()):
        one["pointer"] = asked.form.placed(content, one["pointer"])
    errors, problem = errors_at(asked.form.fields, error, ABOUT, page.word), unplaced(asked.form.fields, error)
    return await _filled_in(page, asked, error.status, errors=errors, problem=problem)


async def _filled_in(page: Page, asked: Asked, status: int = 200, **more: Any) -> Response:
    """The form with what was typed."""
    return _form(page, asked, await asked.form.before(page, asked.subject), status, **more)


def _form(page: Page, asked: Asked, before: Mapping[str, Any] | None, status: int = 200, **more: Any) -> Response:
    """The form, beside what is so now and does not stand in its fields."""
    shown: dict[str, Any] = {"errors": {}, "whole": "", "problem": None} | more
    fields = {field.name.partition("/")[0] for field in asked.form.fields} if asked.form.prefilled else set()
    now = {name: value for name, value in (before or {}).items() if name not in fields and value not in (None, [])}
    return page.render("change.html", status, change=asked, values=asked.values, fields=asked.form.fields, windows=None,
                       twice=[], now_so=lines(page, now, now), was=_WAS, **shown)  # fmt: skip


def _reviewed(page: Page, asked: Asked, review: Review, status: int = 200, **more: Any) -> Response:
    shown: dict[str, Any] = {"changed": False, "mistyped": False} | more
    return page.render("change_review.html", status, change=asked, review=review, reason=page.field("reason"),
                       counts=_counts(page, review.effects), was=_WAS, **shown)  # fmt: skip


#: What follows from a change, in the words of the page.
_COUNTS = (
    ("numbers", text("Numbers that get another holder")),
    ("series_count", text("Series that change")),
    ("case_count", text("Cases that follow")),
    ("routing_rows", text("Rows of the routing table")),
)


def _counts(page: Page, effects: Mapping[str, Any]) -> list[tuple[str, str]]:
    # A million in groups of three: nobody counts digits before confirming.
    return [
        (page.word(label), f"{effects[name]:,}".replace(",", "\u00a0")) for name, label in _COUNTS if effects.get(name)
    ]


ROUTES = [
    Route("/admin/change/{key}", signed_in(ask)),
    Route("/admin/change/{key}", signed_in(change), methods=["POST"]),
]
