"""Signing in with a key or at the identity provider, signing out, and what the reader prefers."""

import hmac
from dataclasses import asdict, fields
from urllib.parse import parse_qsl, urlencode

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from nrdb.audit import record_change
from nrdb.console.identity import (
    Attempt,
    NoGroupError,
    SignInError,
    address_of_provider,
    key_of,
    person_of,
    sign_out_everywhere,
)
from nrdb.console.page import (
    HEADERS,
    HOME,
    LANGUAGE_COOKIE,
    THEME_COOKIE,
    Page,
    go,
    own_address,
    parts_of,
    read_form,
    render,
    signed_in,
)
from nrdb.console.sessions import COOKIE, LONGEST, begin_session, comes_from_here, end_session, end_sessions
from nrdb.db import acquire
from nrdb.providers.keys import find_caller
from nrdb.settings import OidcSettings

_YEAR = 365 * 86400
#: What a browser keeps while it is at the identity provider, and for how many seconds.
ATTEMPT, _PATIENCE = "nrdb_sign_in", 600

log = structlog.get_logger()


async def sign_in_page(request: Request) -> Response:
    """Where to go on to afterwards stands in the address."""
    return _sign_in_form(request, own_address(request.query_params.get("next")), wrong=False)


def _sign_in_form(request: Request, target: str, *, wrong: bool) -> Response:
    provider = parts_of(request).settings.oidc is not None
    return render(request, "sign_in.html", 401 if wrong else 200, next=target, wrong=wrong, provider=provider,
                  ended="ended" in request.query_params)  # fmt: skip


async def sign_in(request: Request) -> Response:
    """Sign in with a key. Whoever was signed in in this browser no longer is."""
    if not comes_from_here(request):
        return render(request, "not_ours.html", 403)
    form = await read_form(request)
    key, target = form.get("key", "").strip(), own_address(form.get("next"))
    before = request.cookies.get(COOKIE)
    async with acquire(parts_of(request).pool) as connection:
        caller = (await find_caller(connection, key))[0] if key else None
        if caller is None:
            return _sign_in_form(request, target, wrong=True)
        if before:
            await end_session(connection, before)
        secret = await begin_session(connection, caller.key_id)
    return signed(request, go(target), secret)


def signed(request: Request, answer: Response, secret: str) -> Response:
    """The answer, with the cookie of a new session."""
    answer.set_cookie(
        COOKIE,
        secret,
        max_age=int(LONGEST.total_seconds()),
        path=HOME,
        secure=is_secure(request),
        httponly=True,
        samesite="lax",
    )
    return answer


def is_secure(request: Request) -> bool:
    """Whether browsers reach us over TLS, so that a cookie never travels without."""
    return (parts_of(request).settings.public_url or str(request.url)).startswith("https:")


async def to_provider(request: Request) -> Response:
    """Go and sign in at the identity provider."""
    settings = _oidc(request)
    attempt = Attempt.new(own_address(request.query_params.get("next")))
    try:
        address = await address_of_provider(settings, attempt, _back(request))
    except SignInError as error:
        return _refused(request, error)
    answer = RedirectResponse(address, 303, HEADERS)
    answer.set_cookie(
        ATTEMPT,
        urlencode(asdict(attempt)),
        max_age=_PATIENCE,
        path=f"{HOME}/sign-in",
        secure=is_secure(request),
        httponly=True,
        samesite="lax",
    )
    return answer


async def from_provider(request: Request) -> Response:
    """Back from the identity provider: sign in whom it names, once for each attempt.

    Whoever was signed in in this browser no longer is, and whoever has lost all groups is signed out everywhere.
    """
    settings = _oidc(request)
    kept, asked = dict(parse_qsl(request.cookies.get(ATTEMPT, ""))), request.query_params
    try:
        if set(kept) != {field.name for field in fields(Attempt)}:
            raise SignInError("the browser has no attempt")
        attempt = Attempt(**kept)
        if not hmac.compare_digest(attempt.state.encode(), asked.get("state", "").encode()) or "code" not in asked:
            raise SignInError("the provider refused, or the answer belongs to another attempt")
        person = await person_of(settings, attempt, asked["code"], _back(request))
        async with record_change(parts_of(request).pool, None) as change:
            await end_session(change.connection, request.cookies.get(COOKIE, ""))
            key_id = await key_of(change, person)
            secret = await begin_session(change.connection, key_id) if key_id else None
        if secret is None:
            raise SignInError("an administrator has revoked this person")
    except SignInError as error:
        if isinstance(error, NoGroupError):
            async with acquire(parts_of(request).pool) as connection:
                await sign_out_everywhere(connection, error.subject)
        return _refused(request, error)
    answer = signed(request, go(own_address(attempt.next)), secret)
    answer.delete_cookie(ATTEMPT, path=f"{HOME}/sign-in", httponly=True, samesite="lax")
    return answer


def _oidc(request: Request) -> OidcSettings:
    settings = parts_of(request).settings.oidc
    if settings is None:
        raise HTTPException(404)
    return settings


def _back(request: Request) -> str:
    return f"{parts_of(request).settings.public_url}{HOME}/sign-in/back"


def _refused(request: Request, error: SignInError) -> Response:
    log.warning("sign-in", error=str(error))
    answer = render(request, "not_signed_in.html", 403)
    answer.delete_cookie(ATTEMPT, path=f"{HOME}/sign-in", httponly=True, samesite="lax")
    return answer


async def sign_out(page: Page) -> Response:
    """Sign out here, or everywhere."""
    async with acquire(parts_of(page.request).pool) as connection:
        if page.field("everywhere"):
            await end_sessions(connection, page.caller.key_id)
        else:
            await end_session(connection, page.secret)
    answer = go(f"{HOME}/sign-in")
    answer.delete_cookie(COOKIE, path=HOME, httponly=True, samesite="lax")
    return answer


async def prefer(request: Request) -> Response:
    """Keep the language or the colours that somebody has chosen; back to where they were."""
    if not comes_from_here(request):
        return render(request, "not_ours.html", 403)
    form = await read_form(request)
    answer = go(own_address(form.get("here")))
    for name, cookie, allowed in (
        ("language", LANGUAGE_COOKIE, {"en", "nb"}),
        ("theme", THEME_COOKIE, {"light", "dark", "auto"}),
    ):
        value = form.get(name)
        if value in allowed:
            answer.set_cookie(cookie, value, max_age=_YEAR, path=HOME, httponly=True, samesite="lax")
    return answer


async def me(page: Page) -> Response:
    """Who is signed in."""
    return page.render("me.html", me=await page.api.get("/me"))


ROUTES = [
    Route("/sign-in", sign_in_page),
    Route("/sign-in", sign_in, methods=["POST"]),
    Route("/sign-in/provider", to_provider),
    Route("/sign-in/back", from_provider),
    Route("/sign-out", signed_in(sign_out), methods=["POST"]),
    Route("/preferences", prefer, methods=["POST"]),
    Route("/me", signed_in(me)),
]
