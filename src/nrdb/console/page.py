"""What every page gets: who asks, the API as that person, the language, and a way to become HTML."""

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import parse_qsl, quote, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.datastructures import ImmutableMultiDict
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from nrdb.api.context import Services
from nrdb.api.guard import PATIENCE, BoundedRequest
from nrdb.api.languages import language_of
from nrdb.console.inner import Api, ApiError
from nrdb.console.sessions import COOKIE, find_session, form_token, is_own_form, split_address
from nrdb.console.words import called, clock, day, end, word
from nrdb.db import acquire
from nrdb.providers.keys import Caller, Role
from nrdb.texts import Language

HOME: Final = "/console"
#: The first page.
FIRST: Final = f"{HOME}/"
_FOLDER: Final = Path(__file__).parent
STATIC: Final = _FOLDER / "static"
LANGUAGE_COOKIE, THEME_COOKIE = "nrdb_language", "nrdb_theme"
EVERYBODY: Final[tuple[Role, ...]] = ("provider", "operator", "admin")
#: Fields of a form at most.
MOST_FIELDS = 500
#: The fields of a form; one may stand there several times.
Form = ImmutableMultiDict[str, str]
FORM: Final = "application/x-www-form-urlencoded"

#: Nothing is loaded from anywhere else, no script or style stands in a page, and nobody may frame one.
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class NotForYou(Exception):  # noqa: N818 (an answer, not an error)
    """A page that is for other roles."""


_CONSTANT: Final = re.compile(r"""\{\{ _\((["'])((?:(?!\1).)+)\1\) \}\}""")


class _Loader(FileSystemLoader):
    """Templates whose words are those of one language already: most of a page is words that never change."""

    def __init__(self, language: Language) -> None:
        super().__init__(_FOLDER / "templates")
        self._language = language

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        """The source with the words that are always the same in their places."""
        source, file, is_fresh = super().get_source(environment, template)
        return _CONSTANT.sub(lambda found: escape(word(self._language, found[2])), source), file, is_fresh


class _Environment(Environment):
    """Looks names up in what the API answers, which are dictionaries, before it looks for attributes."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        """What `obj.attribute` is in a template."""
        if type(obj) is dict and attribute in obj:
            return obj[attribute]
        try:
            return getattr(obj, attribute)
        except AttributeError:
            return super().getattr(obj, attribute)


@cache
def templates(language: Language) -> Environment:
    """The templates. Whatever is put into one is escaped, and a name that is not given is an error."""
    environment = _Environment(
        loader=_Loader(language),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # They come with the code, and are not looked for on the disk again at every page.
        auto_reload=False,
    )
    environment.globals |= {
        "static": static_address,
        "menu": partial(menu, language),
        "looks": LOOKS,
        "called": called,
        "language": language,
        "_": partial(word, language),
        "day": partial(day, language),
        "clock": partial(clock, language),
        "end": partial(end, language),
    }
    return environment


#: How the badge of a state looks: somebody must act, all wait for time, it went well, it did not, it is over.
LOOKS: Final[Mapping[str, str]] = {
    "awaiting_donor": "act",
    "awaiting_recipient": "act",
    "scheduled": "wait",
    "awaiting_completion": "act",
    "completed": "good",
    "rejected": "bad",
    "cancelled": "",
    "obsolete": "bad",
    "awaiting_termination": "wait",
    "awaiting_return": "act",
    "returned": "good",
}
#: The main menu: address, name, and for whom.
_MENU: Final[tuple[tuple[str, str, tuple[Role, ...]], ...]] = (
    (FIRST, "Start", EVERYBODY),
    (f"{HOME}/work", "Work", EVERYBODY),
    (f"{HOME}/post", "Post", ("provider",)),
    (f"{HOME}/overview", "Overview", EVERYBODY),
    (f"{HOME}/providers", "Providers", EVERYBODY),
    (f"{HOME}/series", "Number plan", EVERYBODY),
    (f"{HOME}/limits", "Limits", EVERYBODY),
    (f"{HOME}/rules", "Rules", EVERYBODY),
    (f"{HOME}/admin", "Administration", ("operator", "admin")),
)


def menu(language: Language, role: Role, here: str) -> Markup:
    """The pages that somebody finds in the menu, with a mark at the one that they are on."""
    path = here.partition("?")[0]
    current = (one for one, _, _ in _MENU if path == one or (one != FIRST and path.startswith(f"{one}/")))
    return _menu(language, role, next(current, ""))


@cache
def _menu(language: Language, role: Role, current: str) -> Markup:
    entries = [(address, name) for address, name, roles in _MENU if role in roles]
    return html(language, "_menu.html", entries=entries, current=current)


@lru_cache(maxsize=100)
def static_address(name: str) -> str:
    """Where a file of `static` is; it changes with the file, so that browsers keep what has not changed."""
    mark = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"{HOME}/static/{name}?v={mark}"


def language_for(request: Request) -> Language:
    """The reader's choice, else what the browser asks for."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    return cast("Language", chosen) if chosen in {"en", "nb"} else language_of(request.scope)


def theme_for(request: Request) -> str | None:
    """`light` or `dark` where the reader has chosen; else the browser decides."""
    chosen = request.cookies.get(THEME_COOKIE)
    return chosen if chosen in {"light", "dark"} else None


def own_address(wanted: object) -> str:
    """An address of the console to go on to; the first page for everything else, so that nobody is led away."""
    if isinstance(wanted, str) and wanted.startswith(FIRST):
        parts = urlsplit(wanted)
        if not parts.scheme and not parts.netloc and "\\" not in wanted and wanted.isprintable():
            return wanted
    return FIRST


def _here(request: Request) -> str:
    """The address of the page, without the host."""
    url = request.url
    return f"{url.path}?{url.query}" if url.query else url.path


def html(language: Language, template: str, **values: Any) -> Markup:
    """A template with its values, whatever is put into it escaped."""
    return Markup(templates(language).get_template(template).render(**values))  # noqa: S704 (escaped by the template)


def _page_html(request: Request, template: str, **values: Any) -> Markup:
    """A template with what belongs to the request, too."""
    return html(
        language_for(request),
        template,
        theme=theme_for(request),
        here=_here(request),
        **{"caller": None, "now": None, "form_token": "", "title": "", "sandbox": parts_of(request).settings.sandbox}
        | values,
    )


def render(request: Request, template: str, status: int = 200, **values: Any) -> Response:
    """A page that nobody needs to be signed in for."""
    return _answer(request, _page_html(request, template, **values), status)


def _answer(request: Request, content: Markup, status: int) -> Response:
    return Response(content, status, {**HEADERS, "Content-Language": language_for(request)}, "text/html; charset=utf-8")


async def read_form(request: Request) -> Form:
    """The fields of a form, none where it is no form. Raises 413 for one over 1 MiB."""
    body = await BoundedRequest(request.scope, request.receive).body()
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        return Form()
    try:
        return Form(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict"))
    except ValueError:
        return Form()


def parts_of(request: Request) -> Services:
    """The parts of the service."""
    return cast("Services", request.app.state.api.state.services)


def go(address: str) -> Response:
    """Go on to a page of ours, with GET."""
    return RedirectResponse(address, 303, HEADERS)


@dataclass(frozen=True, slots=True)
class Page:
    """One request of somebody who is signed in.

    `form` is empty but for a POST, whose token has been looked at. `api` raises `ApiError`, which becomes a page that
    says what the API said, unless the handler shows it better itself. `now` is the service's time, a sandbox's too.
    """

    request: Request
    caller: Caller
    api: Api
    secret: str
    now: datetime
    form: Form = field(default_factory=Form)

    @property
    def language(self) -> Language:
        """The reader's language."""
        return self.api.language

    def word(self, template: str, **values: object) -> str:
        """A text in the reader's language."""
        return word(self.language, template, **values)

    def query(self, name: str) -> str:
        """A parameter of the address without spaces around it; empty where it is not given."""
        return self.request.query_params.get(name, "").strip()

    def path(self, name: str) -> str:
        """A part of the address, as it may stand in an address again."""
        return quote(self.request.path_params[name], safe="")

    def field(self, name: str) -> str:
        """A field of the form without spaces around it; empty where it is not given."""
        return str(self.form.get(name, "")).strip()

    def part(self, template: str, **values: Any) -> Markup:
        """A part of this page as HTML."""
        own = {"caller": self.caller, "form_token": form_token(self.secret), "now": self.now}
        return _page_html(self.request, template, **own, **values)

    def render(self, template: str, status: int = 200, **values: Any) -> Response:
        """This page as HTML."""
        return _answer(self.request, self.part(template, **values), status)


Handler = Callable[[Page], Awaitable[Response]]


def signed_in(handler: Handler, *roles: Role) -> Callable[[Request], Awaitable[Response]]:
    """A page for those who are signed in with one of these roles (none named: everybody)."""

    async def answer(request: Request) -> Response:
        parts = parts_of(request)
        secret = request.cookies.get(COOKIE, "")
        async with acquire(parts.pool) as connection:
            found = await find_session(connection, secret) if secret else None
        if found is None:
            return _sign_in_first(request)
        caller, world_is_due, now = found
        if world_is_due:
            await parts.intake.catch_up(PATIENCE)
        parts.requests.take(caller)
        form = await read_form(request) if request.method == "POST" else Form()
        page = Page(
            request,
            caller,
            Api(request.app.state.api, caller, language_for(request), request.state.request_id),
            secret,
            now,
            form,
        )
        try:
            if caller.role not in (roles or EVERYBODY):
                raise NotForYou
            if request.method == "POST" and not is_own_form(request, secret, form.get("form_token")):
                return page.render("not_ours.html", 403)
            return await handler(page)
        except HTTPException as error:
            return page.render("missing.html", error.status_code)
        except NotForYou:
            return page.render("not_for_you.html", 403)
        except ApiError as error:
            return page.render("problem.html", error.status, problem=error.document, title=page.word("Not possible"))

    return answer


def _sign_in_first(request: Request) -> Response:
    """To the sign-in, and from there back to the page; what a form held is not sent, which the sign-in says."""
    here = _here(request)
    if "hx-request" in request.headers:
        # A part of a page cannot become the sign-in: the whole page goes there, and back to the whole.
        shown = split_address(request.headers.get("hx-current-url", ""))
        here = own_address(f"{shown.path}?{shown.query}" if shown.query else shown.path)
    target = f"{HOME}/sign-in?next={quote(here, safe='')}"
    if "hx-request" in request.headers:
        return Response(None, 204, {**HEADERS, "HX-Redirect": target})
    return go(target if request.method == "GET" else f"{target}&ended=1")
