"""Health, readiness, metrics, and the pages that the `type` of a problem points to. No key is needed here."""

from html import escape

import asyncpg
from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from nrdb.api.answers import Shown, problems
from nrdb.api.context import services
from nrdb.api.languages import language_headers, language_of
from nrdb.api.metrics import REGISTRY
from nrdb.db import UNAVAILABLE, acquire
from nrdb.errors import CATALOGUE, Code, Problem
from nrdb.texts import say, tell

router = APIRouter(tags=["operations"])


class Health(Shown):
    """`ok`."""

    status: str


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz", summary="The process is up")
async def healthz() -> Health:
    """Answers as long as the process can answer at all."""
    return Health(status="ok")


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", summary="The service can accept messages", responses=problems(503))
async def readyz(request: Request) -> Health:
    """The database can be reached and is migrated."""
    try:
        async with acquire(services(request).pool) as connection:
            version = await connection.fetchval("SELECT version_num FROM alembic_version")
    except (*UNAVAILABLE, asyncpg.PostgresError):
        version = None
    if version != services(request).schema_version:
        raise Problem(
            Code.UNAVAILABLE,
            say("The database cannot be reached, or is not migrated to the version that this process needs."),
            headers={"Retry-After": "2"},
        )
    return Health(status="ok")


@router.get("/metrics", response_class=PlainTextResponse, summary="Metrics for Prometheus")
async def metrics() -> Response:
    """Prometheus text format."""
    return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)


@router.get("/problems/{code}", response_class=HTMLResponse, responses=problems(404), summary="What a code means")
async def problem_page(request: Request, code: str) -> Response:
    """One page for each code: what it means, by which rule, and what would be right."""
    if code not in CATALOGUE:
        raise Problem(Code.NOT_FOUND, say("There is no such problem code."))
    info, language = CATALOGUE[Code(code)], language_of(request.scope)
    title, text = (escape(tell(told, language)) for told in (info.title, info.text))
    about = say("{code}, status {status}", code=code, status=info.status)
    cited = say("Rule: {rule}. Source: {source}.", rule=info.rule, source=info.source) if info.rule else ""
    return HTMLResponse(
        f"<!doctype html><html lang={language}><meta charset=utf-8><title>{escape(code)}</title>"
        f"<h1>{title}</h1><p>{escape(tell(about, language))}</p>"
        f"<p>{text}</p><p>{escape(tell(cited, language))}</p></html>",
        headers=language_headers(language),
    )
