"""Who sees a case, and who sees the person behind it (contract section 3)."""

from typing import Any

import pytest
from tests.support.service import KARI, Service

FBES = {
    "reason": "owner-mismatch",
    "expected": {"name": "Ola Hansen", "birth_date": "19700101"},
    "comment": "the father owns it",
}
PERSONAL = ("Kari", "1980-01-31", "ref-1", "Ola Hansen", "19700101", "the father", "no route to Kari")


def nothing_personal(text: str) -> None:
    for word in PERSONAL:
        assert word not in text, f"{word} is shown"


async def test_only_the_parties_see_an_order(service: Service) -> None:
    case_id = await service.ordered()
    for code in ("TELIA", "TELENOR"):
        assert (await service.case(case_id, code))["customer"] == KARI
        assert len(await service.history(case_id, code)) == 1
        assert [c["case_id"] for c in (await service.read("/cases", code))["items"]] == [case_id]
    for code in ("LYSE", "CHILI"):
        async with service.unchanged():
            service.refused(await service.get(f"/cases/{case_id}", code), "unknown-case")
            service.refused(await service.get(f"/cases/{case_id}/history", code), "unknown-case")
            response = await service.post(code, "NP_FERD", case_id=case_id)
        service.refused(response, "unknown-case")
        assert (await service.read("/cases", code))["items"] == []
        assert (await service.read("/cases", code, number="90012345"))["items"] == []
    unknown = await service.get("/cases/00000000-0000-4000-8000-000000000000", "CHILI")
    hidden = await service.get(f"/cases/{case_id}", "CHILI")
    same = {"request_id": None}
    assert {**unknown.json(), **same} == {**hidden.json(), **same}


async def test_the_range_holder_sees_it_from_the_execution_on(service: Service) -> None:
    """A number of TELENOR's series, ported to TELIA, goes on to LYSE: TELENOR is the range holder then."""
    await service.case_in("completed")
    order = {"donor": "TELIA", "porting_time": "2026-11-24T10:00:00+01:00"}
    case_id = await service.ordered("LYSE", **order)
    service.refused(await service.get(f"/cases/{case_id}", "TELENOR"), "unknown-case")
    await service.accepted("TELIA", "NP_GODK", case_id=case_id)
    service.refused(await service.get(f"/cases/{case_id}", "TELENOR"), "unknown-case")
    answer = await service.accepted("LYSE", "NP_IVER", case_id=case_id)
    assert "TELENOR" in answer["case"]["completion"]["expected"]
    seen = await service.case(case_id, "TELENOR")
    assert (seen["range_holder"], seen["customer"]) == ("TELENOR", None)
    assert seen["donor"] == "TELIA"


async def test_operators_and_receivers_see_no_person(service: Service) -> None:
    case_id = await service.case_in("scheduled")
    await service.accepted("LYSE", "NP_FIVE", case_id=case_id, comment="no route to Kari")
    for who in ("OPERATOR", "ADMIN", "LYSE", "DSB"):
        for path in (f"/cases/{case_id}", f"/cases/{case_id}/history", "/cases"):
            response = await service.get(path, who)
            assert response.status_code == 200
            nothing_personal(response.text)
        assert (await service.case(case_id, who))["customer"] is None
    nothing_personal((await service.get("/inbox", "LYSE", after=0)).text)
    (item,) = [i for i in await service.inbox("TELIA") if i["message"]["type"] == "NP_FIVE"]
    assert item["message"]["comment"] == "no route to Kari"


@pytest.mark.parametrize("who", ["OPERATOR", "ADMIN"])
@pytest.mark.parametrize("code", ["TELENOR", "TELIA"])
async def test_an_operator_reads_an_inbox_without_the_person(service: Service, who: str, code: str) -> None:
    """Operators may do every GET, and personal data is null for them whichever code they ask about."""
    case_id = await service.ordered()
    await service.accepted("TELENOR", "NP_FBES", case_id=case_id, **FBES)
    response = await service.get("/inbox", who, code=code, after=0)
    assert response.status_code == 200, response.text
    assert response.json()["items"]
    nothing_personal(response.text)


@pytest.mark.parametrize("who", ["OPERATOR", "ADMIN"])
async def test_an_operator_reads_a_message_without_the_person(service: Service, who: str) -> None:
    case_id = await service.ordered()
    answer = await service.accepted("TELENOR", "NP_FBES", case_id=case_id, **FBES)
    for code in ("TELENOR", "TELIA"):
        response = await service.get(f"/messages/{answer['message_id']}", who, code=code)
        assert response.status_code == 200, response.text
        nothing_personal(response.text)


async def test_the_parties_get_the_whole_message(service: Service) -> None:
    case_id = await service.ordered()
    refusal = await service.accepted("TELENOR", "NP_FBES", case_id=case_id, **FBES)
    (order,) = await service.inbox("TELENOR")
    assert order["message"]["customer"] == KARI
    assert order["message"]["authorisation_reference"] == "ref-1"
    (item,) = await service.inbox("TELIA")
    assert {name: item["message"][name] for name in FBES} == FBES
    for code in ("TELIA", "TELENOR"):
        again = await service.read(f"/messages/{refusal['message_id']}", code)
        assert again["comment"] == FBES["comment"]
    service.refused(await service.get(f"/messages/{refusal['message_id']}", "LYSE"), "not-found")


async def test_a_third_partys_answer_shows_no_person(service: Service) -> None:
    case_id = await service.case_in("awaiting_completion")
    answer: dict[str, Any] = await service.accepted("LYSE", "NP_FERD", case_id=case_id)
    assert answer["case"]["customer"] is None
    nothing_personal(str(answer))


async def test_a_changed_customer_is_shown_and_the_first_answer_stays(service: Service) -> None:
    case_id = await service.ordered()
    firm = {"name": "Fjell AS", "organisation_number": "974760673"}
    answer = await service.accepted("TELIA", "NP_ENDR", case_id=case_id, customer=firm)
    assert answer["case"]["customer"] == firm
    assert (await service.case(case_id, "TELENOR"))["customer"] == firm
    change = (await service.inbox("TELENOR"))[-1]["message"]
    assert (change["type"], change["customer"]) == ("NP_ENDR", firm)
