"""Reading cases: the view, what comes next, history, filters and cursors (contract section 3)."""

from datetime import timedelta
from typing import Any

from tests.support.service import KARI, Service, local, utc_text


async def ids(service: Service, who: str = "OPERATOR", **filters: Any) -> list[str]:
    return [item["case_id"] for item in (await service.read("/cases", who, **filters))["items"]]


async def test_the_whole_view(service: Service) -> None:
    case_id = await service.ordered(
        number_type="S", series=[{"first": "90012350", "last": "90012359"}], additional_numbers=["90012346"]
    )
    case = await service.case(case_id, "TELIA")
    assert case.items() >= {
        "case_id": case_id, "kind": "porting", "state": "awaiting_donor", "recipient": "TELIA", "donor": "TELENOR",
        "range_holder": "TELENOR", "range_holders": ["TELENOR"], "number_type": "S", "main_number": "90012345",
        "number_count": 12, "porting_time": "2026-11-23T09:00:00Z", "network": None, "target_number": None,
        "customer": KARI, "warnings": [], "created_at": "2026-11-23T07:00:00Z", "updated_at": "2026-11-23T07:00:00Z",
        "completion": {"expected": [], "received": [], "missing": [], "waived": []},
        "numbers": [{"first": "90012345", "last": "90012346"}, {"first": "90012350", "last": "90012359"}],
    }.items()  # fmt: skip


def offers(case: dict[str, Any]) -> dict[tuple[str, str], tuple[str | None, str | None, bool]]:
    return {(n["type"], n["by"]): (n["from"], n["until"], n["until_included"]) for n in case["next"]}


async def test_what_comes_next(service: Service) -> None:
    at, stop = "2026-11-23T09:00:00Z", "2026-11-23T08:30:00Z"
    case_id = await service.ordered()
    case = await service.case(case_id)
    assert offers(case) == {
        ("NP_GODK", "TELENOR"): (None, at, False),
        ("NP_FBES", "TELENOR"): (None, at, False),
        ("NP_ENDR", "TELIA"): (None, at, False),
        ("NP_ANNU", "TELIA"): (None, stop, True),
    }
    (change,) = [n for n in case["next"] if n["type"] == "NP_ENDR"]
    assert (change["earliest"], change["latest"]) == ("2026-11-23T07:35:00Z", "2027-02-17T23:00:00Z")
    await service.accepted("TELENOR", "NP_GODK", case_id=case_id)
    assert offers(await service.case(case_id)) == {
        ("NP_ENDR", "TELIA"): (None, at, False),
        ("NP_ANNU", "TELIA"): (None, stop, True),
        ("NP_IVER", "TELIA"): (None, stop, True),
    }
    await service.accepted("TELIA", "NP_IVER", case_id=case_id)
    case = await service.case(case_id)
    expected = case["completion"]["expected"]
    assert offers(case) == {
        ("NP_ANNU", "TELIA"): (None, stop, True),
        **{("NP_FIVE", code): (None, at, False) for code in expected},
        **{("NP_FERD", code): (at, None, False) for code in expected},
    }
    await service.clock(local("2026-11-23 09:30"))
    assert ("NP_ANNU", "TELIA") in offers(await service.case(case_id))
    await service.clock(local("2026-11-23 09:30") + timedelta(microseconds=1))
    assert ("NP_ANNU", "TELIA") not in offers(await service.case(case_id))
    await service.time_passes(local("2026-11-23 10:00"))
    assert offers(await service.case(case_id)) == {("NP_FERD", code): (None, None, False) for code in expected}
    await service.accepted("LYSE", "NP_FERD", case_id=case_id)
    case = await service.case(case_id)
    assert {n["by"] for n in case["next"]} == set(expected) - {"LYSE"} == set(case["completion"]["missing"])
    assert case["completion"]["received"] == ["LYSE"]


async def test_history_is_append_only_and_holds_what_time_did(service: Service) -> None:
    case_id = await service.ordered()
    await service.accepted("TELENOR", "NP_GODK", case_id=case_id)
    await service.accepted("TELIA", "NP_IVER", case_id=case_id)
    before = await service.history(case_id)
    assert [(line["type"], line["by"], line["from_state"], line["to_state"]) for line in before] == [
        ("NP_BEST", "TELIA", None, "awaiting_donor"),
        ("NP_GODK", "TELENOR", "awaiting_donor", "awaiting_recipient"),
        ("NP_IVER", "TELIA", "awaiting_recipient", "scheduled"),
    ]
    assert [line["seq"] for line in before] == sorted({line["seq"] for line in before})
    # Time has done it, whether somebody has written it down or not; and writing it down changes nothing.
    await service.time_passes(local("2026-11-23 10:30"))
    quiet = await service.history(case_id)
    assert quiet[:3] == before
    assert quiet[3].items() >= {
        "type": "time", "at": "2026-11-23T09:00:00Z", "from_state": "scheduled", "to_state": "awaiting_completion",
    }.items()  # fmt: skip
    assert (await service.case(case_id))["updated_at"] == "2026-11-23T09:00:00Z"
    await service.clock(seconds=1)
    assert await service.history(case_id) == quiet


async def test_filters(service: Service) -> None:
    one = await service.ordered(main_number="90012341")
    await service.clock(seconds=1)
    two = await service.ordered("LYSE", main_number="90012342", porting_time="2026-11-24T10:00:00+01:00")
    await service.clock(seconds=1)
    three = await service.ordered(
        "LYSE", main_number="92000001", donor="TELIA", porting_time="2026-11-25T10:00:00+01:00"
    )
    assert await ids(service) == [three, two, one]
    assert await ids(service, number="90012342") == [two]
    assert await ids(service, number="+4790012342") == [two]
    assert await ids(service, number="90012349") == []
    assert await ids(service, code="TELIA") == [three, one]
    assert await ids(service, code="TELIA", role="MT") == [one]
    assert await ids(service, code="TELIA", role="AT") == [three]
    assert await ids(service, code="TELIA", role="OAT") == [three]
    assert await ids(service, code="TELENOR", role="OAT") == [two, one]
    assert await ids(service, "TELIA", role="MT") == [one]
    assert await ids(service, "TELIA", role="AT") == [three]
    assert await ids(service, "TELIA") == [three, one]
    assert await ids(service, "TELIA", code="LYSE") == [three]
    assert await ids(service, kind="porting") == [three, two, one]
    assert await ids(service, kind="termination") == []
    # Half-open, and about the porting time.
    assert await ids(service, from_="2026-11-24T09:00:00Z", to="2026-11-25T09:00:00Z") == [two]
    assert await ids(service, from_="2026-11-25T09:00:00Z") == [three]
    # States are those that time has made, written down or not.
    await service.time_passes(local("2026-11-24 10:00"))
    assert await ids(service, state="obsolete") == [two, one]
    assert await ids(service, state="awaiting_donor") == [three]
    await service.clock(seconds=1)
    assert await ids(service, state="obsolete") == [two, one]
    service.refused(await service.get("/cases", state="nonsense"), "invalid-message")
    service.refused(await service.get("/cases", role="XX"), "invalid-message")


async def test_cursors(service: Service) -> None:
    """Cases of one instant too; nothing is skipped or doubled, and new ones do not disturb."""
    cases = [await service.ordered(main_number=f"9001234{n}") for n in range(5)]
    await service.clock(seconds=1)
    cases += [await service.ordered(main_number=f"9001235{n}") for n in range(4)]
    seen: list[str] = []
    after = None
    for _ in range(10):
        page = await service.read("/cases", "TELENOR", limit=2, after=after)
        assert len(page["items"]) <= 2
        seen += [item["case_id"] for item in page["items"]]
        after = page["next"]
        if after is None:
            break
        await service.clock(seconds=1)
        await service.ordered("LYSE", main_number=str(90019000 + len(seen)))
    assert after is None
    assert sorted(seen) == sorted(cases)
    created = [(await service.case(case_id))["created_at"] for case_id in seen]
    assert created == sorted(created, reverse=True)


async def test_the_last_page_says_so(service: Service) -> None:
    for n in range(2):
        await service.ordered(main_number=f"9001234{n}")
    page = await service.read("/cases", limit=2)
    assert len(page["items"]) == 2
    assert page["next"] is None


async def test_cap_and_lists_follow_time_at_once(service: Service) -> None:
    case_id = await service.ordered()
    await service.time_passes(local("2026-11-23 10:00"))
    (day,) = (await service.read("/caps/TELIA", "TELIA", from_="2026-11-23", to="2026-11-24"))["items"]
    assert (day["used"], day["free"]) == (0, 15000)
    assert (await service.case(case_id))["state"] == "obsolete"
    assert (await service.case(case_id))["next"] == []
    assert (await service.read("/portability/90012345", "TELIA"))["portable"]
    assert utc_text(await service.now()) == "2026-11-23T09:00:00Z"
