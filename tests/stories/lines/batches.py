"""Lines that send many messages in one request."""

import json
from typing import Any
from uuid import uuid4

import httpx
from tests.stories.teller import CODE, Teller, line


@line(rf"{CODE} sends in one batch: (?P<messages>.+)")
async def _batch(teller: Teller, told: dict[str, Any]) -> None:
    """`NP_FERD in A -> 201 awaiting_completion; not JSON -> 400 not-json; …`."""
    lines, outcomes = [], []
    for part in told["messages"].split("; "):
        what, _, outcome = part.partition(" -> ")
        lines.append(_line(teller, told["code"], what))
        outcomes.append(outcome)
    headers = teller.service.headers(told["code"]) | {"Content-Type": "application/x-ndjson"}
    response = await teller.service.client.post("/v1/messages/batch", headers=headers, content="\n".join(lines))
    assert response.status_code == 200, response.text
    answers = [json.loads(answer) for answer in response.text.splitlines()]
    assert [answer["line"] for answer in answers] == list(range(1, len(lines) + 1))
    for answer, outcome in zip(answers, outcomes, strict=True):
        teller.check(_alone(answer), outcome)


def _line(teller: Teller, code: str, what: str) -> str:
    if what == "not JSON":
        return "{"
    kind, _, where = what.partition(" in ")
    case_id = teller.case_id(where or None)
    return json.dumps({"type": kind, "message_id": str(uuid4()), "sender": code, "case_id": case_id})


def _alone(answer: dict[str, Any]) -> httpx.Response:
    """The answer to one line as the same message alone would have it."""
    status = answer["status"]
    headers = {"content-type": "application/problem+json" if status >= 400 else "application/json"}
    headers["x-request-id"] = answer.get("request_id", "")
    return httpx.Response(status, json=answer, headers=headers)
