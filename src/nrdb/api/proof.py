"""The hash tree of the routing table: that a copy equals it, or where it does not (docs/routing-tree.md)."""

from datetime import datetime
from typing import Annotated

from fastapi import Query, Request
from pydantic import Field
from starlette.responses import Response

from nrdb.api.answers import Shown
from nrdb.api.context import services
from nrdb.api.guard import guarded
from nrdb.api.problems import field_problem, json_response
from nrdb.api.routing_answers import RoutingRowView
from nrdb.db import acquire
from nrdb.routing.proof import DEEPEST, proof
from nrdb.routing.tree import is_prefix
from nrdb.texts import say

router = guarded("provider", "operator", "admin", tags=["routing"])


class NodeView(Shown):
    """A part of the number space and the hash of all that is said of it."""

    prefix: str
    hash: str


class ProofAnswer(Shown):
    """A node of the hash tree as it is at one place in the order of changes and one instant."""

    prefix: str = Field(description="the length of the numbers and the digits they share; empty for the whole table")
    seq: int = Field(description="the last change that is in it")
    at: datetime = Field(description="rows whose time had passed by then are not in it")
    hash: str = Field(description="SHA-256, in hexadecimal digits")
    children: list[NodeView] = Field(
        description="`depth` steps below, or leaves that are nearer; empty ones are not there"
    )
    rows: list[RoutingRowView] = Field(description="at a leaf: its rows, whole where they reach beyond it")


@router.get("/routing/proof", response_model=ProofAnswer, summary="Whether a copy is equal, or where it is not")
async def get_proof(
    request: Request,
    prefix: Annotated[str, Query(examples=["8:90012"], description="like `8:90`; default: the whole table")] = "",
    depth: Annotated[int, Query(ge=1, le=DEEPEST, description="how far below it to look")] = 1,
) -> Response:
    """The hash of a part of the table, and those of the parts below it.

    A copy that has been brought to the same `seq`, less the rows whose time has passed at `at`, has the same hash, or
    differs below those children whose hashes differ; at a leaf the rows themselves are told.
    """
    if not is_prefix(prefix):
        raise field_problem(
            "/prefix",
            say("is like 8:90012: the length of the numbers (5, 8 or 12) and at most 2, 5 or 7 of their first digits"),
        )
    async with acquire(services(request).pool) as connection:
        found = await proof(connection, prefix, depth)
    return json_response(found.view(), headers={"Routing-Source": str(found.edition.source)})
