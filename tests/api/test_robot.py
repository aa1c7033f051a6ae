"""Robots against the real service: each profile does what it says, over real moves of the clock and restarts."""

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.support.nginx import free_port
from tests.support.processes import ROOT, bearer, client_of, environment, order, process, until
from tests.support.robots import OTHERS, becomes, playing, types_of
from tests.support.server import ADMIN_KEY, Databases
from tests.support.service import Service, eventually, local, running

from nrdb.migrate import upgrade
from nrdb.robot import Profile
from nrdb.seed import bootstrap
from nrdb.settings import Settings

GRANTED = {"name": "Nødnett AS", "organisation_number": "974760673"}


def profile(**parts: Any) -> Profile:
    return Profile.model_validate(parts)


async def ported(service: Service, *numbers: str) -> None:
    """Mobile numbers of TELENOR become TELIA's."""
    await service.case_in("completed", number_type="T", main_number=numbers[0], additional_numbers=numbers[1:])


async def terminated(service: Service, number: str, at: str) -> str:
    """An NP_OPPS of TELIA; the case."""
    answer = await service.accepted("TELIA", "NP_OPPS", main_number=number, termination_time=local(at).isoformat())
    return str(answer["case"]["case_id"])


async def test_alone_with_robots(service: Service) -> None:
    """Ordered, changed, executed, completed and given back, and all that TELIA did not do was done by robots."""
    async with playing(service, *OTHERS) as told:
        case_id = await service.ordered()
        await becomes(service, case_id, "awaiting_recipient")
        changed = await service.accepted("TELIA", "NP_ENDR", case_id=case_id, porting_time="2026-11-23T11:00:00+01:00")
        await becomes(service, case_id, "awaiting_recipient")
        approvals = [item["message"] for item in await service.inbox("TELIA", type="NP_GODK")]
        assert [approval["answers"] for approval in approvals][-1] == changed["message_id"]
        await service.accepted("TELIA", "NP_IVER", case_id=case_id)
        await told.comes_to(len(OTHERS), "waits", "NP_FERD")
        await service.clock(local("2026-11-23 11:00"))
        await becomes(service, case_id, "completed")
        assert sorted(await types_of(service, case_id, "NP_FERD")) == list(OTHERS)
        termination = await terminated(service, "90012345", "2026-11-24 10:00")
        await told.comes_to(1, "waits", "NP_TILB")
        await service.clock(local("2026-11-24 10:00"))
        await becomes(service, termination, "returned")
        five_digit = await service.accepted(
            "TELIA", "5_IVER", main_number="02800", donor="0", porting_time="2026-11-24T12:00:00+01:00",
            target_number="22000001", right_holder=GRANTED,
        )  # fmt: skip
        await told.comes_to(len(OTHERS), "waits", "5_FERD")
        await service.clock(local("2026-11-24 12:00"))
        await becomes(service, five_digit["case"]["case_id"], "completed")
    assert not told.of("refused")
    assert not told.of("replayed")


async def test_what_is_stopped_is_not_answered(service: Service) -> None:
    """A slow donor has not answered when the order is cancelled, and a network not when the porting is."""
    slow = profile(orders={"wait": {"working_minutes": 60}})
    async with playing(service, "TELENOR", "LYSE", profile=slow) as told:
        one = await service.ordered(porting_time="2026-11-23T12:00:00+01:00")
        await told.comes_to(1, "waits", "NP_GODK")
        await service.accepted("TELIA", "NP_ANNU", case_id=one)
        await told.comes_to(1, "got", "NP_ANNU")
        two = await service.ordered(porting_time="2026-11-23T12:00:00+01:00", main_number="90012346")
        await service.accepted("TELENOR", "NP_GODK", case_id=two)
        await service.accepted("TELIA", "NP_IVER", case_id=two)
        await told.comes_to(2, "waits", "NP_FERD")
        await service.accepted("TELIA", "NP_ANNU", case_id=two)
        await told.comes_to(3, "got", "NP_ANNU")
        await service.clock(local("2026-11-23 13:00"))
        after = await service.ordered(porting_time="2026-11-23T15:00:00+01:00", main_number="90012347")
        await told.comes_to(3, "waits", "NP_GODK")
        await service.clock(local("2026-11-23 14:00"))
        await becomes(service, after, "awaiting_recipient")
    assert [event.case_id for event in told.of("sent")] == [after]
    # The one that somebody else had answered meanwhile was the robot's to answer, too.
    assert {event.case_id for event in told.of("refused")} <= {two}


async def test_slow_by_the_sandbox_clock(service: Service) -> None:
    """Working minutes for an order, minutes for a network; not a moment sooner, as the clock stands still between."""
    slow = profile(orders={"wait": {"working_minutes": 20}}, executions={"wait": {"minutes": [45, 45], "seconds": 0}})
    async with playing(service, "TELENOR", "LYSE", profile=slow) as told:
        await service.clock(local("2026-11-23 15:50"))
        case_id = await service.ordered(porting_time="2026-11-24T10:00:00+01:00")
        await told.comes_to(1, "waits", "NP_GODK")
        assert told.of("waits")[0].detail == "at 2026-11-24 07:10:00Z"
        await service.clock(local("2026-11-24 08:09:59"))
        await service.clock(local("2026-11-24 08:10"))
        await becomes(service, case_id, "awaiting_recipient")
        await service.accepted("TELIA", "NP_IVER", case_id=case_id)
        await told.comes_to(2, "waits", "NP_FERD")
        await service.clock(local("2026-11-24 10:44:59"))
        await service.clock(local("2026-11-24 10:45"))
        await told.comes_to(2, "sent", "NP_FERD")
    at = {line["type"]: line["at"] for line in await service.history(case_id)}
    assert (at["NP_GODK"], at["NP_FERD"]) == ("2026-11-24T07:10:00Z", "2026-11-24T09:45:00Z")


async def test_strict_about_orders(service: Service) -> None:
    """Each lawful reason in its turn, lawful; an order corrected after what is expected is approved."""
    reasons = {}
    async with playing(service, "TELENOR", profile=profile(orders={"refuses": 1.0})) as told:
        for turn in range(8):
            number = str(22000010 + 11 * turn)
            case_id = await service.ordered(main_number=number)
            await becomes(service, case_id, "rejected")
            refused = (await service.inbox("TELIA", type="NP_FBES"))[-1]["message"]
            reasons[refused["reason"] + ("-secret" if refused.get("secret_number") else "")] = (
                number,
                refused.get("expected") or {},
            )
        assert set(reasons) == {
            "number-not-held", "owner-mismatch", "owner-mismatch-secret", "numbers-incomplete", "number-type-wrong",
            "subscription-ended", "authorisation-invalid", "complex-porting",
        }  # fmt: skip
        assert not told.of("refused")

        number, expected = reasons["owner-mismatch"]
        born = expected["birth_date"]
        owner = {"name": expected["name"], "birth_date": f"{born[:4]}-{born[4:6]}-{born[6:]}"}
        corrected = [await service.ordered(main_number=number, customer=owner)]
        number, expected = reasons["number-type-wrong"]
        more = str(int(number) + 1)
        corrected.append(
            await service.ordered(main_number=number, number_type=expected["number_type"], additional_numbers=[more])
        )
        number, expected = reasons["numbers-incomplete"]
        corrected.append(await service.ordered(main_number=number, number_type="S", series=expected["numbers"]))
        number, expected = reasons["complex-porting"]
        corrected.append(await service.ordered(main_number=number, porting_time=expected["porting_time"]))
        for case_id in corrected:
            await becomes(service, case_id, "awaiting_recipient")
        # Mobile numbers may be ported one by one, so the next reason has its turn.
        turn = int(reasons["numbers-incomplete"][0]) % 8
        mobile = next(str(number) for number in range(90012340, 90012348) if number % 8 == turn)
        await becomes(service, await service.ordered(main_number=mobile), "rejected")
        assert (await service.inbox("TELIA", type="NP_FBES"))[-1]["message"]["reason"] == "number-type-wrong"
    assert not told.of("refused")


async def test_strict_about_terminations(service: Service) -> None:
    """Each reason of NP_FOPS; where its time has passed the numbers are taken back after all."""
    numbers = [str(number) for number in range(90012340, 90012345)]
    await ported(service, *numbers)
    late = await terminated(service, numbers[4], "2026-11-23 11:00")
    await service.clock(local("2026-11-23 11:00"))
    async with playing(service, "TELENOR", profile=profile(terminations={"refuses": 1.0})) as told:
        await becomes(service, late, "returned")
        for number in numbers[:4]:
            await becomes(service, await terminated(service, number, "2026-11-24 10:00"), "rejected")
    reasons = {item["message"]["reason"] for item in await service.inbox("TELIA", type="NP_FOPS")}
    assert reasons == {"number-not-held", "numbers-incomplete", "termination-time-wrong", "other"}
    assert not told.of("refused")


async def test_silent(service: Service) -> None:
    """Orders become obsolete, NP_FERD stays missing, numbers are not taken back: reminders change nothing."""
    await ported(service, "90012345")
    async with playing(service, "TELENOR", "LYSE", profile="silent") as told:
        unanswered = await service.ordered(main_number="90012346", porting_time="2026-11-23T12:00:00+01:00")
        executed = await service.ordered(main_number="90012347", porting_time="2026-11-23T12:00:00+01:00")
        await service.accepted("TELENOR", "NP_GODK", case_id=executed)
        await service.accepted("TELIA", "NP_IVER", case_id=executed)
        given_back = await terminated(service, "90012345", "2026-11-23 12:00")
        await told.comes_to(2, "silent", "NP_GODK")
        await told.comes_to(2, "silent", "NP_FERD")
        await told.comes_to(1, "silent", "NP_TILB")
        await service.clock(local("2026-11-23 12:00"))
        for case_id in (executed, given_back):
            response = await service.send("POST", f"/cases/{case_id}/remind", "TELIA", None)
            assert response.status_code == 202
        await told.comes_to(4, "silent", "NP_FERD")
        await told.comes_to(2, "silent", "NP_TILB")
        assert (await service.case(unanswered))["state"] == "obsolete"
        assert {"TELENOR", "LYSE"} <= set((await service.case(executed))["completion"]["missing"])
        assert (await service.case(given_back))["state"] == "awaiting_return"
    assert not told.of("sent")


async def test_forgetful_until_reminded(service: Service) -> None:
    """A reminder is answered at once; one that came while the robot was away, when it is back."""
    await ported(service, "90012345")
    forgetful = profile(orders={"forgets": 1.0}, executions={"forgets": 1.0}, terminations={"forgets": 1.0})

    async def remind(case_id: str) -> None:
        assert (await service.send("POST", f"/cases/{case_id}/remind", "TELIA", None)).status_code == 202

    async with playing(service, "TELENOR", "LYSE", profile=forgetful) as told:
        case_id = await service.ordered(main_number="90012346", porting_time="2026-11-23T12:00:00+01:00")
        await told.comes_to(1, "forgets", "NP_GODK")
        await remind(case_id)
        await becomes(service, case_id, "awaiting_recipient")
        await service.accepted("TELIA", "NP_IVER", case_id=case_id)
        termination = await terminated(service, "90012345", "2026-11-23 12:00")
        await told.comes_to(2, "forgets", "NP_FERD")
        await told.comes_to(1, "forgets", "NP_TILB")
        await service.clock(local("2026-11-23 12:00"))
        await remind(case_id)
        await told.comes_to(2, "sent", "NP_FERD")
    await remind(termination)
    async with playing(service, "TELENOR", "LYSE", profile=forgetful) as told:
        await becomes(service, termination, "returned")
        await told.comes_to(1, "sent")


async def test_stuttering(service: Service) -> None:
    """Each message twice, and once under a new id: a replay, and a refusal that harms nobody."""
    async with playing(service, *OTHERS, profile="stuttering") as told:
        case_id = await service.ordered()
        await told.comes_to(1, "refused", "NP_GODK")
        await becomes(service, case_id, "awaiting_recipient")
        await service.accepted("TELIA", "NP_IVER", case_id=case_id)
        await told.comes_to(len(OTHERS), "waits", "NP_FERD")
        await service.clock(local("2026-11-23 10:00"))
        await told.comes_to(len(OTHERS), "refused", "NP_FERD")
        await becomes(service, case_id, "completed")
        await told.comes_to(1, "replayed", "NP_GODK")
        await told.comes_to(len(OTHERS), "replayed", "NP_FERD")
    codes = {event.type: event.detail.partition(":")[0] for event in told.of("refused")}
    assert codes["NP_GODK"] == "case-state"
    assert codes["NP_FERD"] in ("already-sent", "case-state")
    assert any(event.detail.startswith("already-sent") for event in told.of("refused"))
    assert len(await types_of(service, case_id, "NP_GODK", "NP_FERD")) == 1 + len(OTHERS)


async def test_a_restart_in_the_middle(service: Service) -> None:
    """What came while no robot was there, and what one had put off, is done by the next one; nothing twice."""
    slow = profile(orders={"wait": {"working_minutes": 10}})
    at = "2026-11-23T12:00:00+01:00"
    async with playing(service, *OTHERS, profile=slow) as told:
        put_off = await service.ordered(main_number="90012340", porting_time=at)
        await told.comes_to(1, "waits", "NP_GODK")
    meanwhile = await service.ordered(main_number="90012341", porting_time=at)
    later = "2026-11-23T12:30:00+01:00"
    changed = (await service.accepted("TELIA", "NP_ENDR", case_id=meanwhile, porting_time=later))["message_id"]
    async with playing(service, *OTHERS, profile=slow) as told:
        await told.comes_to(2, "waits", "NP_GODK")
        await service.clock(local("2026-11-23 08:10"))
        for case_id in (put_off, meanwhile):
            await becomes(service, case_id, "awaiting_recipient")
            await service.accepted("TELIA", "NP_IVER", case_id=case_id)
        await told.comes_to(2 * len(OTHERS), "waits", "NP_FERD")
    await service.clock(local("2026-11-23 12:00"))
    async with playing(service, *OTHERS, profile=slow) as told:
        await becomes(service, put_off, "completed")
        await told.comes_to(len(OTHERS), "waits", "NP_FERD")
        await service.clock(local("2026-11-23 12:30"))
        await becomes(service, meanwhile, "completed")
        assert not told.of("refused")
    async with playing(service, *OTHERS, profile=slow) as told:
        asked = await service.ordered(main_number="90012342", porting_time="2026-11-23T14:00:00+01:00")
        await told.comes_to(1, "waits")
    assert {event.case_id for event in told} == {asked}  # Nothing else was left to do.
    approvals = {item["message"]["case_id"]: item["message"] for item in await service.inbox("TELIA", type="NP_GODK")}
    assert approvals[meanwhile]["answers"] == changed
    for case_id in (put_off, meanwhile):
        assert sorted(await types_of(service, case_id, "NP_FERD")) == list(OTHERS)


async def test_a_code_that_becomes_another(service: Service) -> None:
    """The robot of the new code answers what the old one owed, though its inbox never brought the order."""
    async with playing(service, "UNIFON") as told:
        case_id = await service.ordered(main_number="81500001", donor="PUZZEL", number_type="E")
        await service.admin("POST", "/provider-codes/PUZZEL/transfer", {"to": "UNIFON", "reason": "bought"})
        await becomes(service, case_id, "awaiting_recipient")
    assert await types_of(service, case_id, "NP_GODK") == ["UNIFON"]
    assert [event.type for event in told if event.case_id == case_id] == ["NP_GODK"]


@pytest.mark.parametrize("other", ["prompt", "strict", "stuttering"])
async def test_two_robots_for_one_code(service: Service, other: str) -> None:
    """They do no harm: each case is answered once, and completed once by each network."""
    numbers, codes = [str(number) for number in range(90012340, 90012346)], ("COM4", "LYSE", "TELENOR")
    async with playing(service, *codes) as one, playing(service, *codes, profile=other):
        cases = [await service.ordered(main_number=number) for number in numbers]

        async def states() -> list[str]:
            return [(await service.case(case_id))["state"] for case_id in cases]

        async def answered() -> bool:
            return "awaiting_donor" not in await states()

        await eventually(answered)
        going_on = [case for case, state in zip(cases, await states(), strict=True) if state == "awaiting_recipient"]
        for case_id in going_on:
            await service.accepted("TELIA", "NP_IVER", case_id=case_id)
        await one.comes_to(len(going_on) * len(codes), "waits", "NP_FERD")
        await service.clock(local("2026-11-23 10:00"))

        async def completed() -> bool:
            cases = [await service.case(case_id) for case_id in going_on]
            return all(set(codes) <= set(case["completion"]["received"]) for case in cases)

        await eventually(completed)
    for case_id in cases:
        assert await types_of(service, case_id, "NP_GODK", "NP_FBES") == ["TELENOR"]
    for case_id in going_on:
        assert sorted(await types_of(service, case_id, "NP_FERD")) == list(codes)


# --- the command ---


def robot(data_dir: Path, out: Path, *arguments: str, **settings: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "nrdb", "robot", *arguments]
    with out.open("ab") as lines, out.with_suffix(".err").open("ab") as aside:
        return subprocess.Popen(command, env=environment(data_dir, **settings), stdout=lines, stderr=aside, cwd=ROOT)


def test_kill_after_kill(tmp_path: Path) -> None:
    """Robots and service are killed in turn, and each porting is done once; Ctrl-C is no error."""
    port, out = str(free_port()), tmp_path / "told.json"
    where = {"NRDB_URL": f"http://127.0.0.1:{port}"}
    play = ("--keys", str(tmp_path / "some-keys.env"), "--but", "TELIA", "--json")
    some = ("TELIA", "TELENOR", "LYSE", "COM4")

    def told(did: str, type_: str) -> list[str]:
        lines = map(json.loads, out.read_text().splitlines())
        return [line["case_id"] for line in lines if (line["did"], line["type"]) == (did, type_)]

    with process(tmp_path, "serve", NRDB_PORT=port) as service, client_of(service.await_address()) as telia:
        keys = service.keys()
        telia.headers.update(bearer(keys["TELIA"]))
        (tmp_path / "some-keys.env").write_text("".join(f"{code}_KEY={keys[code]}\n" for code in some))

        def send(message: dict[str, Any]) -> str:
            answer = telia.post("/v1/messages", json=message)
            assert answer.status_code == 201, answer.text
            return str(answer.json()["case"]["case_id"])

        def execute(case_id: str) -> None:
            number = case_id.replace("-", "")[-12:]
            send({"type": "NP_IVER", "sender": "TELIA", "case_id": case_id,
                  "message_id": f"00000000-0000-4000-8000-{number}"})  # fmt: skip

        first = robot(tmp_path, out, *play, **where)
        one = send(order(90012340))
        until(lambda: told("sent", "NP_GODK") == [one], 20)
        first.kill()
        first.wait()
        execute(one)
        two = send(order(90012341))
        second = robot(tmp_path, out, *play, **where)
        until(lambda: told("sent", "NP_GODK") == [one, two], 20)
        execute(two)
        until(lambda: len(told("waits", "NP_FERD")) == 6, 20)
        service.end(signal.SIGKILL)
    with process(tmp_path, "serve", NRDB_PORT=port) as service, client_of(service.await_address()) as telia:
        telia.headers.update(bearer(ADMIN_KEY))
        moved = telia.put("/v1/sandbox/clock", json={"now": "2026-11-23T10:00:00+01:00"})
        assert moved.status_code == 200
        until(lambda: len(told("sent", "NP_FERD")) == 6, 60)
        second.send_signal(signal.SIGINT)
        assert second.wait(20) == 0
        for case_id in (one, two):
            lines = telia.get(f"/v1/cases/{case_id}/history").json()["items"]
            done = [line["by"] for line in lines if line["type"] == "NP_FERD"]
            assert sorted(done) == ["COM4", "LYSE", "TELENOR"]
    assert "the service is away" in out.with_suffix(".err").read_text()


async def told_by(*arguments: str, data_dir: Path, **settings: str) -> tuple[int | None, str]:
    """The exit code of `nrdb robot` and what it says."""
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "nrdb", "robot", *arguments, env=environment(data_dir, **settings),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await running.communicate()
    return running.returncode, said.decode()


async def test_only_in_a_sandbox(databases: Databases, tmp_path: Path) -> None:
    settings = Settings(sandbox=False, data_dir=tmp_path, admin_key=ADMIN_KEY)  # type: ignore[arg-type]
    async with databases.empty() as dsn:
        await upgrade(dsn)
        await bootstrap(settings, dsn)
        async with running(settings, dsn, {"ADMIN": ADMIN_KEY}) as service:
            provider = {"code": "LYSE", "name": "Lyse", "terminating": False,
                        "contact": {"email": "a@b.example", "phone": "22000000"}}  # fmt: skip
            await service.admin("POST", "/providers", provider)
            key = (await service.admin("POST", "/providers/LYSE/keys", {"label": "x"}))["key"]
            code, said = await told_by(data_dir=tmp_path, NRDB_URL=service.address, NRDB_KEY=key)
            assert (code, said.splitlines()[-1]) == (
                2, f"nrdb robot: {service.address} is not a sandbox, and robots play in sandboxes only",
            )  # fmt: skip


async def test_a_slip_of_the_pen_plays_nobody(service: Service, tmp_path: Path) -> None:
    keys = tmp_path / "keys.env"
    keys.write_text(f"# keys\nADMIN_KEY={service.keys['ADMIN']}\nLYSE_KEY={service.keys['LYSE']}\nOLD_KEY={'x' * 40}\n")
    where = {"data_dir": tmp_path, "NRDB_URL": service.address}
    for arguments, sentence in {
        ("--keys", str(keys), "--but", "LYSER"): "no key is for LYSER; there are keys for LYSE",
        ("--keys", str(keys), "--but", "LYSE"): "no provider's key is left to play with",
    }.items():
        code, said = await told_by(*arguments, **where)  # type: ignore[arg-type]
        assert (code, said.splitlines()[-1]) == (2, f"nrdb robot: {sentence}")
