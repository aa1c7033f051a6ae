"""The right of use of a five-digit number: who records it, who sees it, what it decides (contract section 7, S1)."""

from typing import Any

from tests.support.service import Service, local

NAME, NUMBER = "Ola Nordmann Taxi", "974760673"
OTHER: dict[str, Any] = {"name": "Kari Taxi AS", "organisation_number": "982463718"}
PATH = "/five-digit/02800/right-holder"


async def put(service: Service, *, dry_run: bool = False, **form: Any) -> Any:
    """A record that must succeed."""
    body = {"name": NAME, "organisation_number": NUMBER, "reason": "granted by Nkom", **form}
    return await service.admin("PUT", f"{PATH}{'?dry_run=true' if dry_run else ''}", body)


def order(**fields: Any) -> dict[str, Any]:
    return {
        "main_number": "02800", "donor": "0", "porting_time": "2026-11-23T10:00:00+01:00", "target_number": "92000000",
        "right_holder": {"name": NAME, "organisation_number": NUMBER}, **fields,
    }  # fmt: skip


async def test_nkoms_grant_decides_who_may_use_a_number(service: Service) -> None:
    async with service.unchanged():
        for who in ("OPERATOR", "TELIA"):
            service.refused(await service.get(PATH, who), "not-found")
        dry = await put(service, dry_run=True)
    assert dry["dry_run"] is True
    assert NAME not in str(dry)
    after = await put(service)
    assert after.items() >= {"number": "02800", "organisation_number": NUMBER, "name": None}.items()
    for who in ("OPERATOR", "ADMIN"):
        assert (await service.read(PATH, who))["name"] is None
        assert (await service.read(PATH, who))["organisation_number"] == NUMBER
    service.refused(await service.get(PATH, "TELIA"), "not-found")
    wrong = await service.post("TELIA", "5_IVER", **order(right_holder=OTHER))
    assert NUMBER not in str(service.refused(wrong, "right-holder-differs"))
    await service.accepted("TELIA", "5_IVER", **order())
    shown = {"number": "02800", "organisation_number": NUMBER, "name": NAME, "since": "2026-11-23T07:00:00Z"}
    # The recipient of the open case sees the whole record, others none of it.
    assert await service.read(PATH, "TELIA") == shown
    service.refused(await service.get(PATH, "LYSE"), "not-found")
    await service.clock(local("2026-11-23 10:00"))
    assert await service.read(PATH, "TELIA") == shown

    # Ported with the consent of Nkom to a transfer: first refused, then recorded, then accepted.
    port = order(donor="TELIA", right_holder=OTHER, porting_time="2026-11-23T12:00:00+01:00")
    service.refused(await service.post("LYSE", "5_IVER", **port), "right-holder-differs")
    await put(service, **OTHER, reason="consent of Nkom")
    await service.accepted("LYSE", "5_IVER", **port)
    for who in ("LYSE", "TELIA"):
        assert (await service.read(PATH, who))["name"] == OTHER["name"]
    rows = await service.db.fetch("SELECT since, until FROM right_of_use ORDER BY id")
    assert [row["until"] for row in rows] == [rows[1]["since"], None]


async def test_the_audit_log_names_nobody(service: Service) -> None:
    await put(service)
    await put(service)
    await put(service, **OTHER)
    lines = [line for line in (await service.read("/audit"))["items"] if line["action"] == "right-holder-set"]
    assert [(line["subject"], line["before"], line["after"]) for line in lines] == [
        ("02800", {"on_record": False}, {"on_record": True, "same_organisation": False}),
        ("02800", {"on_record": True}, {"on_record": True, "same_organisation": True}),
        ("02800", {"on_record": True}, {"on_record": True, "same_organisation": False}),
    ]
    assert {line["reason"] for line in lines} == {"granted by Nkom"}
    everything = str(await service.dump())
    for secret in (NAME, NUMBER, *OTHER.values()):
        assert secret not in everything


async def test_numbers_without_a_right_of_use(service: Service) -> None:
    form = {"name": NAME, "organisation_number": NUMBER, "reason": "x"}
    async with service.unchanged():
        for number, problem in (
            ("90012345", "invalid-message"),
            ("01999", "number-unknown"),
            ("123", "number-unknown"),
        ):
            response = await service.send("PUT", f"/admin/five-digit/{number}/right-holder", "ADMIN", form)
            service.refused(response, problem, status=404 if problem == "number-unknown" else None)
            response = await service.get(f"/five-digit/{number}/right-holder")
            service.refused(response, problem, status=404 if problem == "number-unknown" else None)
        for wrong in ({"organisation_number": "974760674"}, {"name": " "}, {"reason": ""}, {"extra": 1}):
            response = await service.send("PUT", f"/admin{PATH}", "ADMIN", {**form, **wrong})
            service.refused(response, "invalid-message")
        response = await service.send("PUT", f"/admin{PATH}", "OPERATOR", form)
        service.refused(response, "role-not-permitted-here")
