"""The page of a message: for those who have it, without what is personal until they ask."""

from typing import Any
from uuid import uuid4

import pytest
from tests.support.console import visitor
from tests.support.service import KARI, Service

EXPECTED = {"name": "Ola Hansen", "birth_date": "19700101"}


async def rejected(service: Service) -> tuple[str, str, str]:
    """A case with its order and its rejection, which says who the customer is."""
    order, rejection = str(uuid4()), str(uuid4())
    case_id = await service.ordered(message_id=order)
    await service.accepted(
        "TELENOR", "NP_FBES", case_id=case_id, message_id=rejection, reason="owner-mismatch", expected=EXPECTED,
        comment="ask <b>Ola</b>",
    )  # fmt: skip
    return case_id, order, rejection


async def audit(service: Service) -> list[dict[str, Any]]:
    items = (await service.read("/audit", "ADMIN", limit=1000))["items"]
    return [line for line in items if line["action"] == "customer-shown"]


@pytest.mark.parametrize("who", ["TELIA", "TELENOR"])
async def test_what_is_personal_is_hidden_until_asked_for(service: Service, who: str) -> None:
    case_id, order, rejection = await rejected(service)
    async with visitor(service, who) as party:
        for message_id, secrets in ((order, [*KARI.values(), "ref-1"]), (rejection, [*EXPECTED.values(), "Ola"])):
            for path in (f"/messages/{message_id}", f"/find?q={message_id}", f"/messages/{message_id}/personal"):
                answer = await party.client.get(f"/console{path}", follow_redirects=True)
                assert answer.status_code == 200
                assert [secret for secret in secrets if secret in answer.text] == []
            before = len(await audit(service))
            shown = await party.submit(f"/messages/{message_id}/personal")
            assert [secret for secret in secrets if secret not in shown.text] == []
            lines = await audit(service)
            assert len(lines) == before + 1
            assert lines[-1]["subject"] == case_id


async def test_the_reason_is_told_in_words(service: Service) -> None:
    _, _, rejection = await rejected(service)
    async with visitor(service, "TELIA", "nb") as party:
        page = await party.get(f"/messages/{rejection}")
        assert "owner-mismatch: Eieren av abonnementet er en annen" in page.text
        assert page.one("h1").text == "Melding NP_FBES"


async def test_a_message_of_others_is_not_found(service: Service) -> None:
    _, order, _ = await rejected(service)
    async with visitor(service, "LYSE") as stranger:
        page = await stranger.get(f"/messages/{order}", 404)
        assert "90012345" not in page.text
        assert (await stranger.post(f"/messages/{order}/personal")).status_code == 404
        await stranger.get("/messages/nonsense", 422)
    assert await audit(service) == []


async def test_an_operator_reads_any_message_without_what_is_personal(service: Service) -> None:
    case_id, order, _ = await rejected(service)
    async with visitor(service, "OPERATOR") as operator:
        log = (await operator.get(f"/cases/{case_id}")).one("div", id="case-log")
        links = [link.attributes["href"].removeprefix("/console") for link in log.all("a")]
        assert len(links) == 2
        for path in (*links, f"/find?q={order}", f"/messages/{order}"):
            page = await operator.get(path)
            assert "Message NP_" in page.one("h1").text
            assert "Kari" not in page.text
            assert "Ola" not in page.text
        assert (await operator.post(f"/messages/{order}/personal")).status_code == 403
    missing = await service.get(f"/messages/{uuid4()}")
    service.refused(missing, "not-found")


async def test_the_log_leads_to_the_messages_that_one_has(service: Service) -> None:
    """The reports of the others go to the recipient: the donor sees that they came, and cannot open them."""
    case_id = await service.case_in("completed")
    for who, kinds in (("TELIA", {"NP_BEST", "NP_GODK", "NP_IVER", "NP_FERD"}), ("LYSE", {"NP_IVER", "NP_FERD"})):
        async with visitor(service, who) as reader:
            log = (await reader.get(f"/cases/{case_id}")).one("div", id="case-log")
            links = log.all("a")
            assert {link.text for link in links} == kinds
            for link in links:
                await reader.get(link.attributes["href"].removeprefix("/console"))
            if who == "LYSE":
                assert [link.text for link in links].count("NP_FERD") == 1


async def test_a_comment_of_a_termination_is_for_its_parties(service: Service) -> None:
    """It has no customer to hide; its comment is what the holder has to read."""
    await service.case_in("completed")
    answer = await service.accepted(
        "TELIA", "NP_OPPS", main_number="90012345", termination_time="2026-11-24T10:00:00+01:00"
    )
    message_id = str(uuid4())
    await service.accepted(
        "TELENOR", "NP_FOPS", case_id=answer["case"]["case_id"], message_id=message_id, reason="other",
        comment="<i>not ours</i>",
    )  # fmt: skip
    async with visitor(service, "TELIA") as holder:
        page = await holder.get(f"/messages/{message_id}")
        assert "<i>not ours</i>" in page.text
        assert page.all("i") == []
