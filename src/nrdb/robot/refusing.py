"""Lawful refusals: what would be right hangs on the number alone, so that an order corrected after it is approved."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from nrdb.client import Client
from nrdb.robot.duties import Duty

_OSLO = ZoneInfo("Europe/Oslo")
#: Complex portings are done at noon.
_NOON = 12
#: Reasons that expect nothing.
_PLAIN = ("number-not-held", "subscription-ended", "authorisation-invalid")


async def refusal(client: Client, duty: Duty, reasons: Sequence[str]) -> dict[str, Any] | None:
    """The fields of an NP_FBES for the first reason that is one here; None when the order is as it should be.

    As mobile numbers may be ported one by one, `numbers-incomplete` is no reason for them (S3 2.1): the next one is.
    """
    case = await client.case(duty.case_id)
    for reason in reasons:
        if reason == "numbers-incomplete":
            asked = await client.get(f"/v1/portability/{duty.main_number}")
            if asked["number_class"] == "MOBILE":
                continue
        return _fields(reason, case)
    return None


def _fields(reason: str, case: Mapping[str, Any]) -> dict[str, Any] | None:
    if reason in _PLAIN:
        return {"reason": reason}
    number, customer = case["main_number"], case["customer"] or {}
    if reason == "owner-mismatch-secret":
        return {"reason": "owner-mismatch", "secret_number": True}
    if reason == "owner-mismatch":
        born = _born(number)
        if customer.get("birth_date") == f"{born[:4]}-{born[4:6]}-{born[6:]}":
            return None
        return {"reason": reason, "expected": {"name": "Robotta Nordmann", "birth_date": born}}
    if reason == "number-type-wrong":
        right = "T"
        return None if case["number_type"] == right else {"reason": reason, "expected": {"number_type": right}}
    if reason == "numbers-incomplete":
        ten = {"first": number[:-1] + "0", "last": number[:-1] + "9"}
        whole = any(
            int(found["first"]) <= int(ten["first"]) <= int(ten["last"]) <= int(found["last"])
            for found in case["numbers"]
        )
        return None if whole else {"reason": reason, "expected": {"numbers": [ten]}}
    noon = _noon(datetime.fromisoformat(case["porting_time"]))
    return None if noon is None else {"reason": "complex-porting", "expected": {"porting_time": noon.isoformat()}}


def _born(number: str) -> str:
    """The birth date of the one who has the number, as robots believe: a day of some year, yyyymmdd."""
    return f"{1930 + int(number) % 70}{1 + int(number) % 12:02}{1 + int(number) % 28:02}"


def _noon(at: datetime) -> datetime | None:
    """The next noon in Norway after `at`; None when it is noon."""
    local = at.astimezone(_OSLO)
    noon = local.replace(hour=_NOON, minute=0, second=0, microsecond=0)
    if local == noon:
        return None
    return noon if local < noon else noon + timedelta(days=1)
