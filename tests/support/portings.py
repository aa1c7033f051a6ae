"""Portings of TELENOR's numbers to somebody, up to the order to the networks."""

from tests.support.service import Service


async def scheduled(service: Service, code: str, number: str) -> str:
    """The number goes to `code` at 10:00; the case."""
    case_id = await service.ordered(code, main_number=number)
    await service.accepted("TELENOR", "NP_GODK", case_id=case_id)
    await service.accepted(code, "NP_IVER", case_id=case_id)
    return case_id
