"""The web application, put together: settings in, FastAPI out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi_offline import FastAPIOffline
from starlette.responses import RedirectResponse

from nrdb import __version__
from nrdb.api import (
    admin,
    batch,
    calendar,
    cases,
    five_digit,
    inbox,
    messages,
    numbers,
    ops,
    proof,
    providers,
    reports,
    routing,
    rules,
    series,
    slots,
    transfer,
    webhooks,
)
from nrdb.api.answers import ProblemDocument
from nrdb.api.context import Services
from nrdb.api.limits import RequestLimits, StreamSlots
from nrdb.api.problems import install
from nrdb.api.requests import RequestLog
from nrdb.api.sandbox import sandbox_router
from nrdb.console.page import FIRST, HOME
from nrdb.console.routes import console
from nrdb.data_key import open_vault
from nrdb.db import acquire, open_pool
from nrdb.delivery.inbox import Reader
from nrdb.delivery.tail import Tail
from nrdb.intake import Intake
from nrdb.messages.kinds import MESSAGE
from nrdb.migrate import head
from nrdb.rulebook import load_rulebook
from nrdb.settings import Settings

#: Connections for reading inboxes: few, for all who follow share one look.
_READERS = 3
#: Connections for copying the routing table: so many copies at a time, and nobody else waits for one.
_COPIERS = 2
#: What needs none of the framework (see `RequestLog`).
_DIRECT = {
    ("POST", "/v1/messages"): messages.bare_post_message,
    ("GET", "/v1/routing/{number}"): routing.bare_get_routing,
}
_DESCRIPTION = """
Number-portability clearinghouse: providers post porting messages, the rulebook decides, everybody concerned is told.

NP_BEST, NP_ENDR, NP_IVER, NP_FERD, NP_FBES and NP_FIVE are NRDB's names; NP_GODK, NP_ANNU, NOTICE and all codes
are ours.
Problems and derivations are in English, or in Norwegian with `Accept-Language: nb`; `/v1/rules` has both.
Working hours (Monday to Friday 08:00-16:00 Europe/Oslo, not on public holidays) are an assumption.
"""


@asynccontextmanager
async def _in_background(tail: Tail, stopping: asyncio.Event) -> AsyncIterator[None]:
    """Look at the inboxes while the application runs."""
    looking = asyncio.create_task(tail.run(stopping))
    try:
        yield
    finally:
        looking.cancel()
        await asyncio.wait({looking})
    if not looking.cancelled():
        looking.result()


def create_app(settings: Settings, dsn: str) -> FastAPI:
    """The application on one database. It opens its connections when it starts and closes them when it stops."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        rulebook = load_rulebook()
        stopping: asyncio.Event = app.state.stopping
        async with AsyncExitStack() as stack:
            pool = await open_pool(dsn, settings.pool_size, settings.retention_days)
            stack.push_async_callback(pool.close)
            readers = await open_pool(dsn, _READERS, settings.retention_days)
            stack.push_async_callback(readers.close)
            copiers = await open_pool(dsn, _COPIERS, settings.retention_days)
            stack.push_async_callback(copiers.close)
            async with acquire(pool) as connection:
                vault = await open_vault(connection, settings)
            tail = Tail(readers)
            await stack.enter_async_context(_in_background(tail, stopping))
            app.state.services = Services(
                settings,
                rulebook,
                pool,
                readers,
                copiers,
                Reader(readers, vault),
                tail,
                Intake(pool, rulebook, vault),
                vault,
                head(),
                stopping,
                RequestLimits(settings.requests_per_second),
                StreamSlots(settings.streams_per_code),
            )
            yield

    # The documentation comes with its own scripts: a clearinghouse's machines reach no content network.
    app = FastAPIOffline(
        title="nrdb",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        redoc_url=None,
        redirect_slashes=False,
        # Spans would carry request addresses, and addresses carry telephone numbers.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    app.state.stopping = asyncio.Event()
    install(app)
    app.add_route(HOME, lambda _: RedirectResponse(FIRST), include_in_schema=False)
    app.mount(HOME, console(app))
    for router in (
        messages.posting, messages.reading, batch.router, cases.router, cases.reminding, inbox.reading, inbox.acking,
        numbers.router, proof.router, routing.router, calendar.router, rules.router, slots.router, providers.everybody,
        providers.themselves, providers.admins, admin.router, admin.reading, series.reading, series.admins,
        transfer.admins, transfer.reading, five_digit.admins, five_digit.reading, reports.router, reports.reading,
        ops.router, webhooks.reading, webhooks.setting,
    ):  # fmt: skip
        app.include_router(router)
    if settings.sandbox:
        app.include_router(sandbox_router())
    app.add_middleware(RequestLog, direct=_DIRECT)
    app.openapi = lambda: _document(app)  # type: ignore[method-assign]
    return app


def _document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with the two forms that no endpoint signature shows: the message and the problem."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
            license_info=app.license_info,
        )
        schemas = document["components"]["schemas"]
        for name, schema in (
            ("Message", MESSAGE.json_schema(ref_template="#/components/schemas/{model}")),
            (
                "ProblemDocument",
                ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}"),
            ),
        ):
            schemas |= schema.pop("$defs", {})
            schemas[name] = schema
        document["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        for path, methods in document["paths"].items():
            for operation in methods.values() if path.startswith("/v1/") else ():
                operation["security"] = [{"key": []}]
        app.openapi_schema = document
    return app.openapi_schema
