"""Health, readiness, metrics, and the pages that the `type` of a problem points to. No key is needed here."""

from html import escape

import asyncpg
from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from nrdb.api.answers import Shown, problems
from nrdb.api.context import services
from nrdb.api.metrics import REGISTRY
from nrdb.db import UNAVAILABLE, acquire
from nrdb.errors import CATALOGUE, Code, Problem

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
            "The database cannot be reached, or is not migrated to the version that this process needs.",
            headers={"Retry-After": "2"},
        )
    return Health(status="ok")


@router.get("/metrics", response_class=PlainTextResponse, summary="Metrics for Prometheus")
async def metrics() -> Response:
    """Prometheus text format."""
    return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)


@router.get("/problems/{code}", response_class=HTMLResponse, responses=problems(404), summary="What a code means")
async def problem_page(code: str) -> Response:
    """One page for each code: what it means, by which rule, and what would be right."""
    if code not in CATALOGUE:
        raise Problem(Code.NOT_FOUND, "There is no such problem code.")
    info = CATALOGUE[Code(code)]
    rule = f"<p>Rule: {escape(info.rule)}. Source: {escape(info.source or 'ours')}.</p>" if info.rule else ""
    return HTMLResponse(
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(code)}</title>"
        f"<h1>{escape(info.title)}</h1><p><code>{escape(code)}</code>, status {info.status}</p>"
        f"<p>{escape(info.text)}</p>{rule}</html>"
    )
