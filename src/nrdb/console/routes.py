"""Which page is where."""

import orjson
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.datastructures import State
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nrdb.api.languages import write_json
from nrdb.api.problems import problem_document, problem_of
from nrdb.console import admin, cases, finding, messages, overview, posting, reference, signing, work
from nrdb.console.page import STATIC, Page, language_for, render, signed_in, static_address

_YEAR = b"public, max-age=31536000, immutable"


def console(api: FastAPI) -> Starlette:
    """The console on an API, to be mounted at `HOME`."""
    pages = Starlette(
        routes=[
            *signing.ROUTES,
            *finding.ROUTES,
            *cases.ROUTES,
            *messages.ROUTES,
            *posting.ROUTES,
            *reference.ROUTES,
            *work.ROUTES,
            *overview.ROUTES,
            *admin.ROUTES,
            # Pages are not compressed: what a reader types into an address stands in them beside the form's token, and
            # their size must not tell which of its letters have been guessed.
            Mount("/static", GZipMiddleware(_kept(StaticFiles(directory=STATIC)))),
            Route("/{anything_else:path}", signed_in(_nowhere)),
        ],
        exception_handlers={HTTPException: _missing},
        # Not among the handlers above: there Starlette answers and raises the error again, which costs the connection.
        middleware=[Middleware(ExceptionMiddleware, handlers={Exception: _failed})],
    )
    pages.state = State({"api": api})
    # It would lead to the host and the scheme that we are reached by, which are not always those of the browser.
    pages.router.redirect_slashes = False
    return pages


def _kept(files: StaticFiles) -> ASGIApp:
    """Files whose address changes with them are asked for once."""

    def is_current(scope: Scope) -> bool:
        """Whether the address is that of the file as it is here: another version of the service has another mark."""
        return static_address(files.get_path(scope)).endswith(f"?{scope['query_string'].decode('latin-1')}")

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_kept(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200 and is_current(scope):
                message["headers"] = [
                    *message["headers"],
                    (b"cache-control", _YEAR),
                    (b"x-content-type-options", b"nosniff"),
                ]
            await send(message)

        await files(scope, receive, send_kept)

    return answer


async def _missing(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    return render(request, "missing.html", status)


async def _nowhere(_: Page) -> Response:
    """An address that there is no page for, with the menu for whoever is signed in."""
    raise HTTPException(404)


async def _failed(request: Request, error: Exception) -> Response:
    """What goes wrong outside the API's answers: the database is away, or a fault of ours."""
    problem = problem_of(error, getattr(request.state, "request_id", None))
    document = orjson.loads(write_json(problem_document(problem), language_for(request)))
    return render(request, "failed.html", problem.status, problem=document)
