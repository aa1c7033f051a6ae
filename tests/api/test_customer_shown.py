"""Looking at the customer of a case leaves a line in the audit log."""

from uuid import uuid4

import pytest
from tests.support.service import KARI, Service


async def shown_lines(service: Service) -> list[tuple[str, str]]:
    items = (await service.read("/audit", "ADMIN", action="customer-shown"))["items"]
    return [(line["key_id"], line["subject"]) for line in items]


@pytest.mark.parametrize("who", ["TELIA", "TELENOR"])
async def test_the_parties_are_shown_the_customer(service: Service, who: str) -> None:
    case_id = await service.ordered()
    for times in (1, 2):
        answer = await service.send("POST", f"/cases/{case_id}/customer", who, None)
        assert answer.status_code == 200
        assert {name: value for name, value in answer.json()["customer"].items() if value} == KARI
        key_id = (await service.read("/me", who))["key_id"]
        assert await shown_lines(service) == [(key_id, case_id)] * times


async def test_nobody_else_is(service: Service) -> None:
    case_id = await service.case_in("scheduled")
    async with service.unchanged():
        for who, code in (("LYSE", "role-not-permitted"), ("OPERATOR", "role-not-permitted-here"),
                          ("ADMIN", "role-not-permitted-here"), (None, "unauthenticated")):  # fmt: skip
            answer = await service.send("POST", f"/cases/{case_id}/customer", who, None)
            service.refused(answer, code, status=None if code != "role-not-permitted-here" else 403)
            assert KARI["name"] not in answer.text
        for unknown in (str(uuid4()), "x"):
            service.refused(await service.send("POST", f"/cases/{unknown}/customer", "TELIA", None), "unknown-case")


async def test_a_case_of_others_is_unknown(service: Service) -> None:
    case_id = await service.ordered()
    answer = await service.send("POST", f"/cases/{case_id}/customer", "LYSE", None)
    service.refused(answer, "unknown-case")
    assert await shown_lines(service) == []


async def test_an_operator_reads_a_message_without_a_code(service: Service) -> None:
    message_id = str(uuid4())
    await service.ordered(message_id=message_id)
    for who in ("OPERATOR", "ADMIN"):
        found = await service.read(f"/messages/{message_id}", who)
        assert (found["type"], found["sender"]) == ("NP_BEST", "TELIA")
        assert KARI["name"] not in str(found)
        assert found == await service.read(f"/messages/{message_id}", who, code="TELIA")
        service.refused(await service.get(f"/messages/{uuid4()}", who), "not-found")
