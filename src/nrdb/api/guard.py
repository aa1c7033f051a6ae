"""What stands before every endpoint, in the contract's order: the key, the role, the size and kind of the body.

FastAPI reads a body before it resolves dependencies, so a dependency would answer 400 to somebody without a key. The
route class is where the order can be had.
"""

from collections import Counter
from collections.abc import Callable, Collection, Coroutine
from typing import Any

import orjson
from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from nrdb.api.answers import PROBLEMS
from nrdb.api.context import Services, services
from nrdb.api.form_errors import is_field_name
from nrdb.api.problems import field_problems
from nrdb.clock import monotonic
from nrdb.db import acquire
from nrdb.errors import Code, Problem, unauthenticated
from nrdb.providers.keys import Caller, Role, find_caller, is_live
from nrdb.texts import Told, all_of, any_of, say

#: The largest body of a single request (contract section 2).
BODY_LIMIT = 1024 * 1024
#: Seconds that a request waits at most while a planned change is carried out; then it reads what stands.
PATIENCE = 2.0
#: Keys remembered by a process.
KNOWN_CALLERS = 10_000
#: Seconds that one is remembered: so long another limit may take to hold.
KNOWN_SECONDS = 5.0
#: Where a request from within this process says who asks. Nothing that comes over the network can set it.
CALLER = "nrdb.caller"
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class BoundedRequest(Request):
    """A request whose body is never read beyond the limit."""

    async def body(self) -> bytes:
        """The whole body. Raises 413 as soon as it is known to be too large."""
        if not hasattr(self, "_bounded"):
            declared = self.headers.get("content-length", "")
            if declared.isdigit() and int(declared) > BODY_LIMIT:
                raise _too_large()
            chunks, size = [], 0
            async for chunk in self.stream():
                size += len(chunk)
                if size > BODY_LIMIT:
                    raise _too_large()
                chunks.append(chunk)
            self._bounded = b"".join(chunks)
        return self._bounded


def _too_large() -> Problem:
    # The connection stays open: the server reads the rest and drops it, so that the sender gets to the answer.
    return Problem(
        Code.BODY_TOO_LARGE,
        say("The body is larger than {limit} bytes. Nothing was changed.", limit=BODY_LIMIT),
        facts={"limit": BODY_LIMIT},
    )


async def authenticate(request: Request, roles: tuple[Role, ...]) -> Caller:
    """The caller of a live key that has one of the roles. Raises 401 or 403."""
    if CALLER in request.scope:
        return _with_role(request.scope[CALLER], roles)
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    caller = None
    if scheme.lower() == "bearer" and key.strip():
        async with acquire(services(request).pool) as connection:
            caller, world_is_due = await find_caller(connection, key.strip())
        if caller is not None and world_is_due:
            await services(request).intake.catch_up(PATIENCE)
    if caller is None:
        raise unauthenticated()
    return _with_role(caller, roles)


async def known_caller(request: Request, roles: tuple[Role, ...]) -> tuple[Caller, bool]:
    """Who asks, and whether that was confirmed just now; else whoever answers must find the key good at that instant.

    Keys are remembered for some seconds, so that what comes thousands of times a second costs no look-up of its own.
    """
    if CALLER in request.scope:
        found = await authenticate(request, roles)
        services(request).requests.take(found)
        return found, True
    known = services(request).known_callers
    header = request.headers.get("authorization", "")
    caller, until = known.get(header, (None, 0.0))
    now = monotonic()
    confirmed = caller is None or now >= until
    if caller is None or confirmed:
        caller = await authenticate(request, roles)
        if len(known) >= KNOWN_CALLERS:
            known.clear()
        known[header] = (caller, now + KNOWN_SECONDS)
    services(request).requests.take(caller, now)
    return _with_role(caller, roles), confirmed


async def confirm(parts: Services, caller: Caller) -> None:
    """Raises 401 when the key is no longer good: whoever has waited long is told nothing on its old word."""
    async with acquire(parts.readers) as connection:
        if not await is_live(connection, caller.key_id):
            raise unauthenticated()


def _with_role(caller: Caller, roles: tuple[Role, ...]) -> Caller:
    if caller.role not in roles:
        raise Problem(
            Code.ROLE_NOT_PERMITTED_HERE,
            say("This is for the role {roles}; your key has the role {role}.", roles=any_of(roles), role=caller.role),
            facts={"role": caller.role, "roles": list(roles)},
        )
    return caller


async def json_body(request: BoundedRequest) -> bytes:
    """The body, at most 1 MiB and declared as JSON. Raises 413 or 415."""
    body = await request.body()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Problem(Code.UNSUPPORTED_MEDIA_TYPE, say("Send the body with 'Content-Type: application/json'."))
    return body


def guarded(*roles: Role, tags: list[str]) -> APIRouter:
    """A router whose endpoints are for these roles."""

    class GuardedRoute(APIRoute):
        def get_route_handler(self) -> Handler:
            inner = super().get_route_handler()
            takes_body = self.body_field is not None
            # An endpoint that reads its body itself looks at its parameters when it has done so.
            judged = "requestBody" not in (self.openapi_extra or {})
            parameters = {field.alias for field in self.dependant.query_params}

            async def handler(plain: Request) -> Response:
                request = BoundedRequest(plain.scope, plain.receive)
                request.state.caller = caller = await authenticate(request, roles)
                services(request).requests.take(caller)
                if takes_body:
                    check_json(await json_body(request))
                if judged:
                    check_parameters(request, parameters)
                return await inner(request)

            return handler

    return APIRouter(prefix="/v1", route_class=GuardedRoute, responses=PROBLEMS, tags=list(tags))


def check_parameters(request: Request, known: Collection[str] = ()) -> None:
    """Raises 422 for a parameter in the address that the endpoint does not know, or that stands there twice.

    Nobody reads such a one: a misspelt instant would be answered for now, and a dry run where there is none would be
    carried out. No endpoint takes a list in its address.
    """
    if not request.scope["query_string"]:
        return
    given = Counter(name for name, _ in request.query_params.multi_items())
    wrong: list[tuple[str, Told]] = []
    for name, count in given.items():
        if name not in known:
            wrong.append((f"/{name}" if is_field_name(name) else "", _no_such_parameter(known)))
        elif count > 1:
            wrong.append((f"/{name}", say("stands more than once in the address")))
    if wrong:
        raise field_problems(wrong)


def _no_such_parameter(known: Collection[str]) -> Told:
    if not known:
        return say("there are no parameters here")
    return say("there is no such parameter here; there are {known}", known=all_of(sorted(known)))


def check_json(body: bytes) -> None:
    """Raises 400 for anything that is not JSON."""
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Problem(Code.NOT_JSON, say("The body is not JSON in UTF-8. Nothing was changed.")) from None


def caller_of(request: Request) -> Caller:
    """Who asks, once the guard has let them through."""
    caller: Caller = request.state.caller
    return caller


def own_code(caller: Caller, code: str | None) -> str:
    """The code that a request about "mine" means: the one named, or the only one. Raises 403 or 422."""
    if code is None:
        if len(caller.codes) == 1:
            return caller.codes[0]
        raise Problem(
            Code.INVALID_MESSAGE,
            say("Say which code you mean: ?code="),
            errors=[{"pointer": "/code", "detail": say("needed, because your key does not have exactly one code")}],
        )
    if code not in caller.codes and not caller.sees_all:
        raise Problem(
            Code.SENDER_NOT_YOURS,
            say("Your key is not for the code {code}.", code=code),
            facts={"codes": list(caller.codes)},
        )
    return code
