"""What a message said, without what is personal until somebody asks for it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from starlette.responses import Response
from starlette.routing import Route

from nrdb.console.inner import ApiError
from nrdb.console.page import HOME, Page, go, signed_in

#: Personal data (contract section 3). In a termination there is a comment at most, which its two parties wrote.
PERSONAL: Final = ("customer", "right_holder", "expected", "comment", "authorisation_reference")
#: What the page shows elsewhere or in words of its own.
_ELSEWHERE: Final = frozenset({"type", "message_id", "sender", "received_at", "case", "case_id"})


async def message(page: Page) -> Response:
    """The message, with what is personal left out."""
    return await _page(page, await _found(page), shown=False)


async def personal(page: Page) -> Response:
    """The whole message, which is written down in the audit log."""
    found = await _found(page)
    await page.api.send("POST", f"/cases/{_case_id(found)}/customer")
    return await _page(page, found, shown=True)


async def back(page: Page) -> Response:
    """The message, for whoever loads the address of its form again."""
    return go(f"{HOME}/messages/{page.path('message_id')}")


async def _found(page: Page) -> dict[str, Any]:
    codes = (page.query("code") or None,) if page.caller.role != "provider" else page.caller.codes
    return await find_message(page, page.path("message_id"), codes)


async def find_message(page: Page, message_id: str, codes: Sequence[str | None]) -> dict[str, Any]:
    """The message as one of these codes has it. Raises the last refusal where none has."""
    refused: ApiError | None = None
    for code in codes:
        try:
            found: dict[str, Any] = await page.api.get(f"/messages/{message_id}", code=code)
        except ApiError as error:
            refused = error
        else:
            return found
    raise refused or ApiError(404, {})


async def _page(page: Page, found: Mapping[str, Any], *, shown: bool) -> Response:
    case = found.get("case") or {}
    hidden = [name for name in PERSONAL if found.get(name) is not None] if case.get("kind") != "termination" else []
    fields = {
        name: value
        for name, value in found.items()
        if name not in _ELSEWHERE and value is not None and (shown or name not in hidden)
    }
    if "reason" in fields:
        fields["reason"] = await reason_of(page, fields["reason"])
    return page.render(
        "message.html", message={name: found.get(name) for name in _ELSEWHERE}, case_id=_case_id(found), fields=fields,
        hidden=[] if shown else hidden, shown=shown,
    )  # fmt: skip


async def reason_of(page: Page, code: str) -> str:
    """A reason of NP_FBES or NP_FOPS with what it means."""
    for rule in (await page.api.get("/rules"))["items"]:
        if rule["kind"] in {"reason", "termination-reason"} and rule["code"] == code:
            return f"{code}: {rule['text'][page.language]}"
    return code


def _case_id(found: Mapping[str, Any]) -> str | None:
    return found.get("case_id") or (found.get("case") or {}).get("case_id")


ROUTES = [
    Route("/messages/{message_id}", signed_in(message)),
    Route("/messages/{message_id}/personal", signed_in(back), methods=["GET"]),
    Route("/messages/{message_id}/personal", signed_in(personal, "provider"), methods=["POST"]),
]
