"""One message_id of a sender stands for one content, for ever (contract section 2)."""

from typing import Any
from uuid import uuid4

import pytest
from tests.support.service import KARI, Service, local, order_fields


async def test_a_replay_answers_the_first_answer(service: Service) -> None:
    message_id = str(uuid4())
    first = await service.order(message_id=message_id)
    assert first.status_code == 201
    assert "idempotent-replayed" not in first.headers
    case_id = first.json()["case"]["case_id"]
    await service.accepted("TELENOR", "NP_GODK", case_id=case_id)
    await service.clock(local("2026-11-23 11:00"))
    async with service.unchanged():
        again = await service.order(message_id=message_id)
    assert again.status_code == 200
    assert again.headers["idempotent-replayed"] == "true"
    assert again.content == first.content
    assert again.json()["case"]["customer"] == KARI
    assert again.json()["case"]["state"] == "awaiting_donor"


async def test_every_message_of_a_porting_replays(service: Service) -> None:
    steps: list[tuple[str, str, dict[str, Any]]] = [
        ("TELIA", "NP_BEST", order_fields()),
        ("TELIA", "NP_ENDR", {"customer": {"name": "Ola", "birth_date": "1970-01-01"}}),
        ("TELENOR", "NP_GODK", {}),
        ("TELIA", "NP_IVER", {}),
        ("LYSE", "NP_FIVE", {"comment": "no route"}),
        ("TELIA", "clock", {}),
        ("LYSE", "NP_FERD", {}),
        ("TELENOR", "NP_FERD", {}),
    ]
    case_id, sent = None, []
    for code, kind, fields in steps:
        if kind == "clock":
            await service.clock(local("2026-11-23 10:00"))
            continue
        message = {"message_id": str(uuid4()), "case_id": case_id, **fields}
        response = await service.post(code, kind, **message)
        assert response.status_code == 201, response.text
        case_id = response.json()["case"]["case_id"]
        sent.append((code, kind, message, response.json()))
    async with service.unchanged():
        for code, kind, message, answer in sent:
            again = await service.post(code, kind, **message)
            assert (again.status_code, again.json()) == (200, answer)


async def test_the_same_content_in_other_words(service: Service) -> None:
    message_id = str(uuid4())
    first = await service.order(message_id=message_id, number_type="T", additional_numbers=["90012346"])
    assert first.status_code == 201, first.text
    body = (
        f'{{  "porting_time" : "2026-11-23T09:00:00.000Z", "series": [], "additional_numbers":["+4790012346"],\n'
        f'"customer": {{"birth_date":"1980-01-31", "name":"Kari Nordmann"}}, "main_number": "+4790012345",\t'
        f'"number_type":"T","donor":"TELENOR","sender":"TELIA","authorisation_reference":"ref-1",'
        f'"message_id": "{message_id.upper()}", "type":"NP_BEST"}}'
    )
    headers = {**service.headers("TELIA"), "Content-Type": "application/json; charset=utf-8"}
    again = await service.client.post("/v1/messages", content=body, headers=headers)
    assert again.status_code == 200, again.text
    assert again.content == first.content


@pytest.mark.parametrize(
    "other",
    [
        {"main_number": "90012346"},
        {"porting_time": "2026-11-23T10:00:00.000001+01:00"},
        {"customer": {**KARI, "name": "Kari  Nordmann"}},
        {"authorisation_reference": "ref-2"},
        {"donor": "LYSE"},
    ],
)
async def test_another_content_is_a_duplicate(service: Service, other: dict[str, Any]) -> None:
    message_id = str(uuid4())
    await service.ordered(message_id=message_id)
    async with service.unchanged():
        response = await service.order(message_id=message_id, **other)
    service.refused(response, "duplicate-message")
    assert "Kari" not in response.text


async def test_a_refused_message_may_be_corrected(service: Service) -> None:
    message_id = str(uuid4())
    too_early = await service.order(message_id=message_id, porting_time="2026-11-23T08:10:00+01:00")
    service.refused(too_early, "porting-time-too-early")
    again = await service.order(message_id=message_id, porting_time="2026-11-23T08:10:00+01:00")
    service.refused(again, "porting-time-too-early")
    right = await service.order(message_id=message_id)
    assert right.status_code == 201
    service.refused(
        await service.order(message_id=message_id, porting_time="2026-11-23T08:10:00+01:00"),
        "duplicate-message",
    )


async def test_two_senders_may_choose_the_same_id(service: Service) -> None:
    message_id = str(uuid4())
    case_id = await service.ordered(message_id=message_id)
    answer = await service.accepted("TELENOR", "NP_GODK", case_id=case_id, message_id=message_id)
    assert answer["message_id"] == message_id


async def test_the_network_of_an_execution_is_the_sender_by_default(service: Service) -> None:
    """Spelled-out defaults make no difference (contract section 2)."""
    case_id = await service.case_in("awaiting_recipient")
    message_id = str(uuid4())
    first = await service.post("TELIA", "NP_IVER", case_id=case_id, message_id=message_id)
    assert first.status_code == 201, first.text
    again = await service.post("TELIA", "NP_IVER", case_id=case_id, message_id=message_id, network="TELIA")
    assert again.status_code == 200, again.text
    assert again.content == first.content


async def test_an_answer_to_time_and_message_replays_once(service: Service) -> None:
    """A message that comes after its case has run out is refused again and again, and writes time's work once."""
    case_id = await service.ordered()
    await service.time_passes(local("2026-11-23 10:00"))
    message_id = str(uuid4())
    codes = []
    for _ in range(3):
        response = await service.post("TELENOR", "NP_GODK", case_id=case_id, message_id=message_id)
        codes.append(response.json()["code"])
    assert codes == ["porting-time-passed"] * 3
    assert [line["type"] for line in await service.history(case_id)] == ["NP_BEST", "time"]
    assert (await service.inbox_types("TELIA")) == ["NOTICE obsolete"]
