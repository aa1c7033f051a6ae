"""GET /v1/cases by every filter of the contract, against the same question put to every single case."""

from collections.abc import Callable
from datetime import datetime
from itertools import product
from typing import Any

import pytest
from tests.support.rows import open_termination, ported
from tests.support.service import Service, local

from nrdb.cases.machine import ENDS, KINDS, STATES
from nrdb.clock import parse_time

Case = dict[str, Any]


async def walk(service: Service, who: str, limit: int, **filters: Any) -> list[str]:
    """All pages."""
    seen: list[str] = []
    after = None
    while True:
        page = await service.read("/cases", who, limit=limit, after=after, **filters)
        seen += [item["case_id"] for item in page["items"]]
        after = page["next"]
        if after is None:
            return seen
        assert len(page["items"]) == limit


async def market(service: Service) -> None:
    """Cases of every state that messages lead to, some changed by time alone, and terminations."""
    for place, state in enumerate(
        ("awaiting_donor", "awaiting_recipient", "scheduled", "rejected", "cancelled", "awaiting_donor")
    ):
        await service.case_in(state, main_number=f"9001234{place}", porting_time=f"2026-11-2{5 + place % 2}T10:00:00Z")
        await service.clock(minutes=1)
    # A number of TELENOR's goes on from TELIA to LYSE: its range holder is no party before the execution.
    await service.case_in("completed", main_number="90012350", porting_time="2026-11-23T10:00:00Z")
    later = {"donor": "TELIA", "main_number": "90012350", "porting_time": "2026-11-26T12:00:00Z"}
    refused = await service.ordered("LYSE", **later)
    await service.accepted("TELIA", "NP_FBES", case_id=refused, reason="number-not-held")
    await service.ordered("LYSE", **later)
    # Numbers of two range holders in one order.
    await ported(service, "92000001", "92000001", "TELENOR")
    await service.ordered(
        "FJORD", donor="TELENOR", number_type="T", main_number="90012360", additional_numbers=["92000001"],
        porting_time="2026-11-30T10:00:00Z",
    )  # fmt: skip
    returning = await open_termination(service, "90012371", "TELIA", "TELENOR", local("2026-11-25 11:30"))
    await open_termination(service, "90012372", "TELIA", "TELENOR", local("2026-11-30 11:30"))
    await open_termination(service, "90012373", "TELIA", "0", local("2026-11-30 11:30"))
    await service.db.execute(
        "UPDATE cases SET state = 'awaiting_return', due_at = NULL WHERE case_id = $1::uuid", returning
    )
    # A list says what time has done, although nobody has written it down.
    await service.time_passes(local("2026-11-25 12:30"))


def time_of(case: Case) -> datetime:
    return parse_time(case.get("porting_time") or case["termination_time"])


def in_role(case: Case, code: str, role: str) -> bool:
    holders = {"MT": [case["recipient"]], "AT": [case["donor"]], "OAT": case["range_holders"]}
    return code in holders[role]


@pytest.mark.parametrize("limit", [2, 1000])
async def test_every_filter_finds_what_it_names(service: Service, limit: int) -> None:
    await market(service)
    everything = (await service.read("/cases", limit=1000))["items"]
    assert len(everything) == 13
    assert [c["created_at"] for c in everything] == sorted((c["created_at"] for c in everything), reverse=True)
    assert {"obsolete", "awaiting_completion", "awaiting_return", "completed"} <= {c["state"] for c in everything}
    own = {who: await walk(service, who, 1000) for who in ("TELENOR", "TELIA", "LYSE", "CHILI")}

    async def holds(wanted: Callable[[Case], bool], who: str = "OPERATOR", **filters: Any) -> None:
        visible = [case for case in everything if who == "OPERATOR" or case["case_id"] in own[who]]
        expected = [case["case_id"] for case in visible if wanted(case)]
        assert await walk(service, who, limit, **filters) == expected, (who, filters)

    for who, state in product(("OPERATOR", *own), STATES):
        await holds(lambda case, state=state: case["state"] == state, who, state=state)  # type: ignore[misc]
    for who, kind in product(("OPERATOR", "TELENOR"), KINDS):
        await holds(lambda case, kind=kind: case["kind"] == kind, who, kind=kind)  # type: ignore[misc]
    for who, code, role in product(
        ("OPERATOR", "TELIA", "TELENOR"), ("TELENOR", "TELIA", "FJORD", "0"), ("MT", "AT", "OAT")
    ):
        await holds(
            lambda case, code=code, role=role: in_role(case, code, role),  # type: ignore[misc]
            who, code=code, role=role,
        )  # fmt: skip
        await holds(
            lambda case, code=code, role=role: in_role(case, code, role) and case["state"] == "obsolete",  # type: ignore[misc]
            who, code=code, role=role, state="obsolete",
        )  # fmt: skip
    for code in ("TELENOR", "LYSE"):
        await holds(lambda case, code=code: case["case_id"] in own[code], code=code)  # type: ignore[misc]
        await holds(lambda case, code=code: case["case_id"] in own[code], "TELIA", code=code)  # type: ignore[misc]
    number = {"first": "90012350", "last": "90012350"}
    await holds(lambda case: number in case["numbers"], number="90012350")
    await holds(lambda case: number in case["numbers"], "TELENOR", number="90012350")
    await holds(lambda case: number in case["numbers"] and case["state"] == "rejected", "LYSE", number="90012350",
                state="rejected")  # fmt: skip
    from_, to = "2026-11-25T10:00:00Z", "2026-11-26T10:00:00Z"

    def at(case: Case) -> str:
        return str(case["porting_time"] or "")

    porting = [case for case in everything if case["kind"] == "porting"]
    inside = [case["case_id"] for case in porting if from_ <= at(case) < to]
    for who in ("OPERATOR", "TELENOR", "TELIA"):
        visible = [case_id for case_id in inside if who == "OPERATOR" or case_id in own[who]]
        assert await walk(service, who, limit, from_=from_, to=to, kind="porting") == visible
    # Ended cases of a day are found by another way than those of a longer time.
    for who, state, (begin, end) in product(("OPERATOR", "TELENOR", "TELIA", "LYSE"), STATES, (
        ("2026-11-25T10:00:00Z", "2026-11-26T11:00:00Z"), ("2026-11-25T10:00:00.000001Z", "2026-11-26T10:00:00Z"),
        ("2026-11-20T10:00:00Z", "2026-11-26T10:00:00.000001Z"),
    )):  # fmt: skip
        await holds(
            lambda case, state=state, begin=begin, end=end: (  # type: ignore[misc]
                case["state"] == state
                and parse_time(begin) <= time_of(case) < parse_time(end)
            ),
            who, state=state, from_=begin, to=end,
        )  # fmt: skip


def waited_for(case: Case) -> list[str]:
    """Whom a case waits for."""
    waited: dict[str, list[str]] = {
        "awaiting_donor": [case["donor"]],
        "awaiting_recipient": [case["recipient"]],
        "awaiting_completion": case["completion"]["missing"],
        "awaiting_return": case["range_holders"],
    }
    return waited.get(case["state"], [])


@pytest.mark.parametrize("limit", [2, 1000])
async def test_whom_a_case_waits_for(service: Service, limit: int) -> None:
    await market(service)
    everything = (await service.read("/cases", limit=1000))["items"]
    both = await service.admin("POST", "/keys", {"role": "provider", "codes": ["TELIA", "LYSE"], "label": "both"})
    service.keys["BOTH"] = both["key"]
    found = 0
    told = {code: await walk(service, code, 1000) for code in ("TELIA", "TELENOR", "LYSE")}
    readers = {"TELIA": ["TELIA"], "TELENOR": ["TELENOR"], "LYSE": ["LYSE"], "BOTH": ["TELIA", "LYSE"]}
    for (who, mine), state in product(readers.items(), (None, *STATES)):
        own = await walk(service, who, 1000)
        visible = [c for c in everything if c["case_id"] in own and state in (None, c["state"])]
        for_own = [c["case_id"] for c in visible if set(waited_for(c)) & set(mine)]
        for_others = [c["case_id"] for c in visible if set(waited_for(c)) - set(mine)]
        assert await walk(service, who, limit, waiting_for="own", state=state) == for_own, (who, state)
        assert await walk(service, who, limit, waiting_for="others", state=state) == for_others, (who, state)
        found += len(for_own) + len(for_others)
        if len(mine) == 1:
            # Somebody who sees everything asks for one code.
            asked = {"code": mine[0], "state": state}
            assert await walk(service, "OPERATOR", limit, waiting_for="own", **asked) == for_own
            assert await walk(service, "OPERATOR", limit, waiting_for="others", **asked) == for_others
        # Of another code a reader sees what both may see.
        for code in {"TELIA", "TELENOR", "LYSE"} - set(mine):
            theirs = [c for c in visible if c["case_id"] in told[code]]
            for_them = [c["case_id"] for c in theirs if code in waited_for(c)]
            for_the_rest = [c["case_id"] for c in theirs if set(waited_for(c)) - {code}]
            asked = {"code": code, "state": state}
            assert await walk(service, who, limit, waiting_for="own", **asked) == for_them, (who, asked)
            assert await walk(service, who, limit, waiting_for="others", **asked) == for_the_rest, (who, asked)
    assert found > 20
    service.refused(await service.get("/cases", waiting_for="own"), "invalid-message")
    service.refused(await service.get("/cases", "TELIA", waiting_for="me"), "invalid-message")


@pytest.mark.parametrize("limit", [2, 1000])
async def test_what_is_open_comes_soonest_first(service: Service, limit: int) -> None:
    await market(service)
    everything = (await service.read("/cases", limit=1000))["items"]
    soonest = sorted(everything, key=lambda case: (time_of(case), case["case_id"]))
    opened = [state for state in STATES if state not in ENDS]
    found = 0
    for who, state in product(("OPERATOR", "TELENOR", "TELIA", "LYSE"), opened):
        own = await walk(service, who, 1000)
        expected = [c["case_id"] for c in soonest if c["state"] == state and c["case_id"] in own]
        assert await walk(service, who, limit, order="time", state=state) == expected, (who, state)
        found += len(expected)
    assert found > 15
    for who in ("TELENOR", "TELIA"):
        own = await walk(service, who, 1000)
        waiting = [c["case_id"] for c in soonest if c["case_id"] in own and who in waited_for(c)]
        assert await walk(service, who, limit, order="time", waiting_for="own") == waiting
        assert len(waiting) > 1
        a_day = {"from_": "2026-11-25T08:00:00Z", "to": "2026-11-26T08:00:00Z"}
        obsolete = [c["case_id"] for c in soonest if c["case_id"] in own and c["state"] == "obsolete"]
        assert await walk(service, who, limit, order="time", state="obsolete", **a_day) == obsolete != []


async def test_what_has_ended_is_not_sorted_by_time(service: Service) -> None:
    await market(service)
    for wrong in (
        {}, {"state": "completed"}, {"state": "obsolete"}, {"number": "90012345"},
        {"state": "completed", "from_": "2026-11-25T08:00:00Z", "to": "2026-11-26T08:00:00Z"},
    ):  # fmt: skip
        answer = await service.get("/cases", order="time", **wrong)
        service.refused(answer, "invalid-message")
        assert [error["pointer"] for error in answer.json()["errors"]] == ["/order"]
    # A position belongs to the order that gave it.
    for order, other in (("time", "newest"), ("newest", "time")):
        place = (await service.read("/cases", state="awaiting_donor", order=order, limit=1))["next"]
        answer = await service.get("/cases", state="awaiting_donor", order=other, after=place)
        service.refused(answer, "invalid-message")


async def test_a_kind_that_has_no_such_state_has_no_cases(service: Service) -> None:
    await service.ordered()
    assert await walk(service, "OPERATOR", 10, kind="termination", state="awaiting_donor") == []
    for wrong in ({"state": "nonsense"}, {"kind": "nonsense"}, {"role": "XX"}, {"limit": 0}, {"limit": 1001}):
        service.refused(await service.get("/cases", **wrong), "invalid-message")
