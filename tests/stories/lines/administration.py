"""Lines in which the administrator changes providers, codes, keys and cases."""

from typing import Any

from tests.stories.language import TIME
from tests.stories.teller import CASE, CODE, OUTCOME, Teller, line

_ADMIN = "the administrator"


@line(rf"{_ADMIN} adds the provider {CODE}(?: with routing number (?P<routing>\S+))?{OUTCOME}")
async def _add(teller: Teller, told: dict[str, Any]) -> None:
    body = {
        "code": told["code"],
        "name": f"{told['code']} AS",
        "terminating": told["routing"] is not None,
        "contact": {"email": "porting@new.example", "phone": "23000099"},
    }
    if told["routing"]:
        body["routing_number"] = told["routing"]
    await teller.admin("POST", "/providers", body, told["outcome"])


@line(rf"{_ADMIN} makes {CODE} (?P<what>active|inactive){OUTCOME}")
async def _active(teller: Teller, told: dict[str, Any]) -> None:
    body = {"active": told["what"] == "active", "reason": "a story"}
    await teller.admin("PATCH", f"/providers/{told['code']}", body, told["outcome"])


@line(rf"{_ADMIN} makes a key for {CODE}(?: until (?P<time>{TIME}))?{OUTCOME}")
async def _key(teller: Teller, told: dict[str, Any]) -> None:
    body = {"label": "a story"}
    if told["time"]:
        body["expires_at"] = teller.time(told["time"]).isoformat()
    made = await teller.admin("POST", f"/providers/{told['code']}/keys", body, told["outcome"])
    if made:
        teller.service.keys[told["code"]] = made["key"]
        teller.key_ids[told["code"]] = made["key_id"]


@line(rf"{_ADMIN} revokes the key of {CODE}{OUTCOME}")
async def _revoke(teller: Teller, told: dict[str, Any]) -> None:
    await teller.admin("DELETE", f"/keys/{teller.key_ids[told['code']]}", None, told["outcome"])


@line(rf"{_ADMIN} transfers {CODE} to (?P<to>\w+)(?: at (?P<time>{TIME}))?{OUTCOME}")
async def _transfer(teller: Teller, told: dict[str, Any]) -> None:
    body = {"to": told["to"], "reason": "a story"}
    if told["time"]:
        body["effective_at"] = teller.time(told["time"]).isoformat()
    answer = await teller.admin("POST", f"/provider-codes/{told['code']}/transfer", body, told["outcome"])
    if answer and answer.get("planned"):
        teller.planned = answer["planned"]["id"]


@line(rf"{_ADMIN} asks what transferring {CODE} to (?P<to>\w+) would do: (?P<cases>\d+) cases?, (?P<series>\d+) series")
async def _ask_transfer(teller: Teller, told: dict[str, Any]) -> None:
    body = {"to": told["to"], "reason": "a story"}
    path = f"/admin/provider-codes/{told['code']}/transfer?dry_run=true"
    response = await teller.service.send("POST", path, "ADMIN", body)
    assert response.status_code == 200, response.text
    answer = response.json()
    assert answer["dry_run"] is True
    assert (answer["case_count"], answer["series_count"]) == (int(told["cases"]), int(told["series"])), str(answer)


@line(rf"{CODE} sets the contact for portings to (?P<email>\S+){OUTCOME}")
async def _contact(teller: Teller, told: dict[str, Any]) -> None:
    points = [{"role": "porting", "email": told["email"], "phone": "22000000"}]
    response = await teller.service.send("PUT", f"/providers/{told['code']}/contacts", told["code"], points)
    assert response.status_code == int(told["outcome"]), response.text
    listed = (await teller.service.read("/providers", "LYSE", limit=1000))["items"]
    (shown,) = [item["contacts"] for item in listed if item["code"] == told["code"]]
    assert [point["email"] for point in shown] == [told["email"]]


@line(rf"{_ADMIN} cancels the planned change{OUTCOME}")
async def _cancel(teller: Teller, told: dict[str, Any]) -> None:
    await teller.admin("DELETE", f"/planned-changes/{teller.planned}?reason=story", None, told["outcome"])


@line(r"planned changes: (?P<actions>.+)")
async def _planned(teller: Teller, told: dict[str, Any]) -> None:
    items = (await teller.service.read("/admin/planned-changes"))["items"]
    found = [item["action"] for item in items]
    assert found == ([] if told["actions"] == "none" else told["actions"].split(", ")), str(found)


@line(rf"{_ADMIN} waives {CODE}{CASE} -> (?P<status>\d+) (?P<rest>.+)")
async def _waive(teller: Teller, told: dict[str, Any]) -> None:
    body = {"code": told["code"], "reason": "a story"}
    path = f"/cases/{teller.case_id(told['case'])}/waive"
    if told["status"] != "200":
        await teller.admin("POST", path, body, f"{told['status']} {told['rest']}")
        return
    case = await teller.admin("POST", path, body, told["status"])
    assert case["state"] == told["rest"], f"it is {case['state']}"


@line(rf"{_ADMIN} waives everybody{CASE}(?: but {CODE})?")
async def _waive_all(teller: Teller, told: dict[str, Any]) -> None:
    path = f"/cases/{teller.case_id(told['case'])}"
    for code in (await teller.service.read(path))["completion"]["missing"]:
        if code != told["code"]:
            await teller.service.admin("POST", f"{path}/waive", {"code": code, "reason": "a story"})
