"""The right of use of five-digit numbers: recorded by administrators, shown to those concerned (contract section 7)."""

from typing import Annotated

from fastapi import Body, Request
from starlette.responses import Response

from nrdb.api.answers import BODY_PROBLEMS
from nrdb.api.change_answers import DryRunAnswer, RightHolderChanged, RightHolderView
from nrdb.api.changes import DryRun, answer
from nrdb.api.context import services
from nrdb.api.forms import RightHolderForm
from nrdb.api.guard import caller_of, guarded
from nrdb.api.numbers import NumberPath, not_in_plan, number_of
from nrdb.api.problems import field_problem, json_response
from nrdb.changes.due import settled_change
from nrdb.db import acquire
from nrdb.errors import Code, Problem
from nrdb.right_of_use import concerned, read_right, set_right
from nrdb.routing.numbers import is_five_digit, national
from nrdb.routing.reassign import Effects
from nrdb.texts import say

admins = guarded("admin", tags=["administration"])
reading = guarded("provider", "operator", "admin", tags=["numbers"])


@admins.put(
    "/admin/five-digit/{number}/right-holder",
    response_model=RightHolderChanged | DryRunAnswer,
    responses=BODY_PROBLEMS,
    summary="Who has the right to use a five-digit number",
)
async def put_right_holder(
    request: Request, number: NumberPath, form: Annotated[RightHolderForm, Body()], dry_run: DryRun = False
) -> Response:
    """Nkom's grant, or its consent to a transfer. The audit log says that it was recorded, and not whom it names."""
    parts = services(request)
    wanted = _five_digit(number)
    async with settled_change(parts.pool, parts.intake, caller_of(request).key_id, dry_run=dry_run) as change:
        if await concerned(change.connection, wanted) is None:
            raise not_in_plan(number)
        before = await read_right(change.connection, wanted, parts.vault)
        after = await set_right(
            change.connection,
            wanted,
            change.at,
            organisation_number=form.organisation_number,
            name=form.name,
            vault=parts.vault,
        )
        same = before is not None and before.organisation_number == form.organisation_number
        await change.record(
            "right-holder-set",
            national(wanted),
            before={"on_record": before is not None},
            after={"on_record": True, "same_organisation": same},
            reason=form.reason,
        )
    return answer(after.view(name=False), Effects().view(), dry_run=dry_run)


@reading.get(
    "/five-digit/{number}/right-holder",
    response_model=RightHolderView,
    summary="Who has the right to use a five-digit number",
)
async def get_right_holder(request: Request, number: NumberPath) -> Response:
    """For the holder of the number and the MT and AT of its open case; to operators and admins without the name."""
    caller, parts = caller_of(request), services(request)
    wanted = _five_digit(number)
    async with acquire(parts.pool) as connection:
        codes = await concerned(connection, wanted)
        found = await read_right(connection, wanted, parts.vault)
    if codes is None:
        raise not_in_plan(number)
    if found is None or not (caller.sees_all or codes & set(caller.codes)):
        raise Problem(
            Code.NOT_FOUND, say("There is no right of use of this number on record, or it is not visible to you.")
        )
    return json_response(found.view(name=not caller.sees_all))


def _five_digit(text: str) -> int:
    number = number_of(text)
    if not is_five_digit(number):
        raise field_problem("/number", say("only five-digit numbers have a right holder"))
    return number
