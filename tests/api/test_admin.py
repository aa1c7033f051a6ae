"""Administration: providers, keys, limits, closed days, and the line that each leaves in the audit log."""

from typing import Any

from tests.support.service import Service, local

PROVIDER = {
    "code": "NEWCO", "name": "New Company AS", "organisation_number": "974760673", "terminating": True,
    "routing_number": "+47990099", "contact": {"email": "porting@newco.example", "phone": "+47 23 00 00 00"},
}  # fmt: skip


async def audit(service: Service) -> list[dict[str, Any]]:
    page: dict[str, Any] = await service.read("/audit", limit=1000)
    assert [line["id"] for line in page["items"]] == sorted(line["id"] for line in page["items"])
    return list(page["items"])


async def test_a_new_provider_takes_part_at_once(service: Service) -> None:
    created = await service.admin("POST", "/providers", PROVIDER)
    assert created.items() >= {**PROVIDER, "active": True}.items()
    form = {"label": "first"}
    service.keys["NEWCO"] = (await service.admin("POST", "/providers/NEWCO/keys", form))["key"]
    me = await service.read("/me", "NEWCO")
    assert (me["role"], me["codes"], me["label"], me["expires_at"]) == ("provider", ["NEWCO"], "first", None)
    case_id = await service.case_in("scheduled")
    assert "NEWCO" in (await service.case(case_id))["completion"]["expected"]
    assert await service.inbox_types("NEWCO") == ["NP_IVER"]
    async with service.unchanged():
        response = await service.send("POST", "/admin/providers", "ADMIN", {**PROVIDER, "name": "Other"})
    service.refused(response, "code-exists")
    lines = await audit(service)
    assert [line["subject"] for line in lines][:1] == ["NEWCO"]
    admin_id = (await service.read("/me", "ADMIN"))["key_id"]
    assert all(line["key_id"] == admin_id for line in lines)
    assert lines[0]["before"] is None
    assert lines[0]["after"]["name"] == "New Company AS"
    assert service.keys["NEWCO"] not in str(lines)


async def test_a_provider_is_changed(service: Service) -> None:
    change = {"name": "Lyse AS", "routing_number": "ABC123", "reason": "renamed"}
    after = await service.admin("PATCH", "/providers/LYSE", change)
    assert (after["name"], after["routing_number"], after["terminating"]) == ("Lyse AS", "ABC123", True)
    (line,) = await audit(service)
    assert (line["before"]["name"], line["after"]["name"], line["reason"]) == ("LYSE TELE AS", "Lyse AS", "renamed")
    async with service.unchanged():
        response = await service.send("PATCH", "/admin/providers/CHILI", "ADMIN", {"terminating": True})
        service.refused(response, "invalid-message")
        response = await service.send("PATCH", "/admin/providers/NOBODY", "ADMIN", {"name": "x"})
        service.refused(response, "not-found")


async def test_a_provider_in_use_stays_active(service: Service) -> None:
    await service.ordered("FJORD")
    async with service.unchanged():
        for code in ("TELENOR", "FJORD", "0"):
            response = await service.send("PATCH", f"/admin/providers/{code}", "ADMIN", {"active": False})
            service.refused(response, "provider-in-use")
    # Once its case has run out, nothing hinders.
    await service.time_passes(local("2026-11-23 10:00"))
    await service.admin("PATCH", "/providers/FJORD", {"active": False, "reason": "merged"})
    service.refused(await service.order("FJORD"), "provider-inactive")


async def test_an_inactive_receivers_report_is_waived(service: Service) -> None:
    """Being only an expected sender does not hinder; its missing NP_FERDs are waived (contract section 8)."""
    case_id = await service.case_in("scheduled")
    await service.admin("PATCH", "/providers/TLINX", {"active": False, "reason": "merged"})
    completion = (await service.case(case_id))["completion"]
    assert completion["waived"] == ["TLINX"]
    assert "TLINX" not in completion["missing"]
    await service.clock(local("2026-11-23 10:00"))
    for code in completion["missing"]:
        answer = await service.accepted(code, "NP_FERD", case_id=case_id)
    assert answer["case"]["state"] == "completed"
    assert "TLINX" not in (await service.case(await executed(service)))["completion"]["expected"]


async def executed(service: Service) -> str:
    order = {"main_number": "90012346", "porting_time": "2026-11-24T10:00:00+01:00"}
    case_id = await service.ordered(**order)
    await service.accepted("TELENOR", "NP_GODK", case_id=case_id)
    await service.accepted("TELIA", "NP_IVER", case_id=case_id)
    return case_id


async def test_providers_and_their_contacts(service: Service) -> None:
    page = await service.read("/providers", "CHILI", limit=1000)
    codes = [item["code"] for item in page["items"]]
    assert codes == sorted(codes)
    assert codes[0] == "0"
    assert len(codes) == 29
    contacts = [{"role": "porting", "name": "Kundesenter", "email": "a@chili.example", "phone": "23000000"}]
    response = await service.send("PUT", "/providers/CHILI/contacts", "CHILI", contacts)
    assert response.status_code == 200, response.text
    (chili,) = [p for p in (await service.read("/providers", "LYSE", limit=1000))["items"] if p["code"] == "CHILI"]
    assert chili["contacts"] == contacts
    async with service.unchanged():
        response = await service.send("PUT", "/providers/LYSE/contacts", "CHILI", contacts)
        service.refused(response, "sender-not-yours")
        bodies: list[Any] = [[{"role": "boss", "email": "a@b", "phone": "123"}], [{"role": "porting"}], {}]
        for wrong in bodies:
            response = await service.send("PUT", "/providers/CHILI/contacts", "CHILI", wrong)
            service.refused(response, "invalid-message")


async def test_keys_are_shown_once_and_revoked_at_once(service: Service) -> None:
    other = await service.second()
    made = await service.admin("POST", "/keys", {"role": "operator", "label": "console"})
    provider = await service.admin("POST", "/providers/TELIA/keys", {"label": "second"})
    service.keys |= {"MADE": made["key"], "PROVIDER": provider["key"]}
    try:
        for one in (service, other):
            assert (await one.read("/me", "MADE"))["role"] == "operator"
            assert (await one.post("TELIA", "NP_ANNU", key="PROVIDER", case_id="x")).status_code == 404
        listed = await service.read("/admin/keys", "OPERATOR")
        assert made["key_id"] in [key["key_id"] for key in listed["items"]]
        assert made["key"] not in str(listed)
        stored = await service.db.fetch("SELECT k::text FROM api_key k")
        assert all(made["key"] not in row[0] for row in stored)
        for key in (made, provider):
            response = await service.send("DELETE", f"/admin/keys/{key['key_id']}", "ADMIN", None)
            assert response.status_code == 204
        async with service.unchanged():
            for one in (service, other):
                service.refused(await one.get("/me", "MADE"), "unauthenticated")
                response = await one.post("TELIA", "NP_ANNU", key="PROVIDER", case_id="x")
                service.refused(response, "unauthenticated")
                body = {"type": "nonsense"}
                service.refused(await one.send("POST", "/messages", "PROVIDER", body), "unauthenticated")
                service.refused(await one.get("/inbox", "PROVIDER"), "unauthenticated")
        # The other key of the code still lives.
        assert (await service.read("/me", "TELIA"))["codes"] == ["TELIA"]
        response = await service.send("DELETE", "/admin/keys/00000000-0000-4000-8000-000000000000", "ADMIN", None)
        service.refused(response, "not-found")
        assert [line["action"] for line in await audit(service)].count("key-revoked") == 2
    finally:
        del service.keys["MADE"], service.keys["PROVIDER"]


async def test_a_key_expires(service: Service) -> None:
    form = {"label": "short", "expires_at": "2026-11-23T09:00:00+01:00"}
    service.keys["SHORT"] = (await service.admin("POST", "/providers/TELIA/keys", form))["key"]
    try:
        assert (await service.read("/me", "SHORT"))["expires_at"] == "2026-11-23T08:00:00Z"
        assert (await service.post("TELIA", "NP_ANNU", key="SHORT", case_id="x")).status_code == 404
        await service.clock(local("2026-11-23 09:00"))
        service.refused(await service.get("/me", "SHORT"), "unauthenticated")
        response = await service.post("TELIA", "NP_ANNU", key="SHORT", case_id="x")
        service.refused(response, "unauthenticated")
    finally:
        del service.keys["SHORT"]


async def test_limits(service: Service) -> None:
    shown = await service.admin("PUT", "/caps/TELIA/2026-11-23", {"limit": 20_000, "reason": "campaign"})
    assert shown == {"day": "2026-11-23", "limit": 20_000, "used": 0, "free": 20_000}
    await service.ordered()
    days = (await service.read("/caps/TELIA", "TELIA", from_="2026-11-22", to="2026-11-25"))["items"]
    assert days == [
        {"day": "2026-11-22", "limit": 15_000, "used": 0, "free": 15_000},
        {"day": "2026-11-23", "limit": 20_000, "used": 1, "free": 19_999},
        {"day": "2026-11-24", "limit": 15_000, "used": 0, "free": 15_000},
    ]
    await service.admin("PUT", "/caps/TELIA/2026-11-23", {"limit": 0, "reason": "too much"})
    lines = await audit(service)
    assert [(line["before"], line["after"], line["reason"]) for line in lines] == [
        ({"limit": None}, {"limit": 20_000}, "campaign"), ({"limit": 20_000}, {"limit": 0}, "too much"),
    ]  # fmt: skip
    foreign = await service.get("/caps/TELIA", "LYSE", from_="2026-11-22", to="2026-11-25")
    service.refused(foreign, "sender-not-yours")
    assert (await service.read("/caps/TELIA", "OPERATOR", from_="2026-11-23", to="2026-11-24"))["items"][0]["free"] == 0


async def test_more_numbers_than_the_common_limit_need_a_lifted_day(service: Service) -> None:
    await service.admin("PUT", "/caps/TELIA/2026-11-25", {"limit": 20_000, "reason": "campaign"})
    order: dict[str, Any] = {
        "number_type": "S",
        "main_number": "90010000",
        "series": [{"first": "90010000", "last": "90019999"}, {"first": "90030000", "last": "90039998"}],
    }
    facts = service.refused(await service.order(**order), "daily-cap-exceeded")
    assert (facts["requested"], facts["limit"], facts["next_day_with_room"]) == (19_999, 15_000, "2026-11-25")
    await service.ordered(porting_time="2026-11-25T10:00:00+01:00", **order)


async def test_closed_days_and_the_calendar(service: Service) -> None:
    response = await service.admin("PUT", "/calendar/closed-days/2026-12-24", {"reason": "Christmas Eve"})
    assert response["day"] == "2026-12-24"
    page = await service.read("/calendar", "CHILI", from_="2026-12-23", to="2026-12-27")
    days = {item["day"]: item for item in page["items"]}
    assert list(days) == ["2026-12-23", "2026-12-24", "2026-12-25", "2026-12-26"]
    assert days["2026-12-23"].items() >= {"working_day": True, "opens": "2026-12-23T07:00:00Z",
                                          "closes": "2026-12-23T15:00:00Z", "reason": None}.items()  # fmt: skip
    assert (days["2026-12-24"]["working_day"], days["2026-12-24"]["opens"]) == (False, None)
    assert all(days[day]["reason"] for day in ("2026-12-24", "2026-12-25", "2026-12-26"))
    added = await service.read("/calendar/add", from_="2026-12-23T15:50:00+01:00", working_minutes=35)
    assert added["at"] == "2026-12-28T07:25:00Z"
    assert added["derivation"]
    added = await service.read("/calendar/add", from_="2026-11-23T08:00:00+01:00", working_days=60)
    assert added["at"] == "2027-02-18T23:00:00Z"  # One day later than without the closed day.
    (line,) = await audit(service)
    assert (line["subject"], line["reason"], line["before"]) == ("2026-12-24", "Christmas Eve", None)


async def test_the_audit_log_has_pages(service: Service) -> None:
    for n in range(5):
        await service.admin("PUT", "/caps/TELIA/2026-11-23", {"limit": n, "reason": f"change {n}"})
    reasons: list[str] = []
    after = None
    for _ in range(5):
        page = await service.read("/audit", "ADMIN", limit=2, after=after)
        reasons += [line["reason"] for line in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert reasons == [f"change {n}" for n in range(5)]


async def test_a_code_that_calls_are_routed_to_goes_on_terminating(service: Service) -> None:
    """Its own series, or numbers that others serve in its network: the calls would end nowhere."""
    await service.admin("POST", "/providers", PROVIDER)
    path, form = "/providers/NEWCO", {"terminating": False, "reason": "no switch any more"}
    async with service.unchanged():
        assert (await service.admin("PATCH", f"{path}?dry_run=true", form))["dry_run"] is True
        response = await service.send("PATCH", "/admin/providers/TELENOR", "ADMIN", form)
        facts = service.refused(response, "provider-in-use")
        assert facts["series_count"] == len(facts["series"]) > 0
    case_id = await service.ordered()
    await service.accepted("TELENOR", "NP_GODK", case_id=case_id)
    await service.accepted("TELIA", "NP_IVER", case_id=case_id, network="NEWCO")
    routed = {"routed": [{"first": "90012345", "last": "90012345"}], "routed_count": 1}
    for _ in ("scheduled", "in force"):
        async with service.unchanged():
            response = await service.send("PATCH", f"/admin{path}", "ADMIN", form)
            facts = service.refused(response, "provider-in-use")
        assert facts == {"code": "NEWCO", "series": [], "series_count": 0, **routed}
        await service.clock(local("2026-11-23 10:00"))


async def test_nkom_terminates_no_calls(service: Service) -> None:
    async with service.unchanged():
        for wrong in ({"terminating": True, "routing_number": "D0001"}, {"routing_number": "D0001"}):
            response = await service.send("PATCH", "/admin/providers/0", "ADMIN", wrong)
            service.refused(response, "invalid-message")
            assert [error["pointer"] for error in response.json()["errors"]] == [f"/{next(iter(wrong))}"]


async def test_a_code_without_calls_stops_terminating(service: Service) -> None:
    await service.admin("POST", "/providers", PROVIDER)
    after = await service.admin("PATCH", "/providers/NEWCO", {"terminating": False})
    assert after["terminating"] is False
    assert after["routing_number"] == PROVIDER["routing_number"]
    after = await service.admin("PATCH", "/providers/NEWCO", {"routing_number": None, "name": None})
    assert after["routing_number"] is None
    assert after["name"] == PROVIDER["name"]
    async with service.unchanged():
        response = await service.send("PATCH", "/admin/providers/LYSE", "ADMIN", {"routing_number": None})
        service.refused(response, "invalid-message")


async def test_what_is_only_tried(service: Service) -> None:
    """A rehearsal refuses what the change itself would refuse, and changes nothing."""
    provider = {
        "code": "NYTT", "name": "Nytt AS", "terminating": False,
        "contact": {"email": "a@b.example", "phone": "22000000"},
        "reason": "licence",
    }  # fmt: skip
    series = {"first": "99000000", "last": "99000099", "holder": "TELIA", "reason": "assigned"}
    key = {"role": "provider", "codes": ["TELIA"], "label": "robot", "reason": "new engine"}
    own = {"label": "robot", "reason": "new engine"}
    contacts = [{"role": "porting", "email": "a@b.example", "phone": "22000000"}]
    before = len((await service.read("/admin/keys", limit=1000))["items"])
    async with service.unchanged():
        for method, path, who, good, bad, code in (
            ("POST", "/admin/providers", "ADMIN", provider, provider | {"code": "TELIA"}, "code-exists"),
            ("POST", "/admin/series", "ADMIN", series, series | {"first": "90010000", "last": "90010009"},
             "series-overlap"),
            ("POST", "/admin/keys", "ADMIN", key, key | {"codes": ["NOBODY"]}, "invalid-message"),
            ("POST", "/admin/providers/TELIA/keys", "ADMIN", own, own | {"label": ""}, "invalid-message"),
            ("PUT", "/providers/TELIA/contacts", "TELIA", contacts, [{"role": "x"}], "invalid-message"),
        ):  # fmt: skip
            tried = await service.send(method, f"{path}?dry_run=true", who, good)
            assert tried.status_code == 200, tried.text
            assert tried.json()["dry_run"] is True
            assert "key" not in tried.json()
            service.refused(await service.send(method, f"{path}?dry_run=true", who, bad), code)
    assert len((await service.read("/admin/keys", limit=1000))["items"]) == before


async def test_reasons_stand_in_the_audit_log(service: Service) -> None:
    made = await service.admin("POST", "/keys", {"role": "operator", "label": "desk", "reason": "new desk"})
    revoked = await service.send("DELETE", f"/admin/keys/{made['key_id']}?reason=lost", "ADMIN", None)
    assert revoked.status_code == 204
    contacts = [{"role": "porting", "email": "a@b.example", "phone": "22000000"}]
    assert (await service.send("PUT", "/providers/TELIA/contacts?reason=moved", "TELIA", contacts)).status_code == 200
    lines = (await service.read("/audit", newest="true", limit=3))["items"]
    assert [(line["action"], line["reason"]) for line in lines] == [
        ("contacts-set", "moved"), ("key-revoked", "lost"), ("key-created", "new desk"),
    ]  # fmt: skip
