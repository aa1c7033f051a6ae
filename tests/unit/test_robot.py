"""What chance decides about a number, what a case asks for, and what is said about a profile that is wrong."""

import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from nrdb.client import Item
from nrdb.robot import Chance, Event, Profile, ProfileError, Wanted, built_in, load_profile, play
from nrdb.robot.duties import Duty, kind_owed
from nrdb.robot.telling import json_line, line

AT = datetime.fromisoformat("2026-11-23T07:00:00Z")
CASE: dict[str, Any] = {
    "case_id": "c", "kind": "porting", "state": "awaiting_donor", "recipient": "TELIA", "donor": "TELENOR",
    "range_holders": ["LYSE"], "main_number": "90012345", "numbers": [{"first": "90012345", "last": "90012345"}],
    "porting_time": "2026-11-23T09:00:00Z", "created_at": "2026-11-23T07:00:00Z",
    "completion": {"missing": ["COM4"]},
}  # fmt: skip


def duty(number: int, kind: Any = "order") -> Duty:
    return Duty(kind, "c", {**CASE, "main_number": str(number)}, AT, AT, "m")


def fates(profile: Profile, seed: int = 1, kind: Any = "order") -> list[str]:
    chance = Chance(profile, seed, "TELENOR")
    return [chance.fate(duty(number, kind)) for number in range(90010000, 90012000)]


def test_the_profiles_that_ship() -> None:
    assert built_in() == ["forgetful", "mixed", "prompt", "silent", "slow", "strict", "stuttering"]
    assert all(load_profile(name).description for name in built_in())
    assert set(fates(load_profile("prompt"))) == {"acts"}
    assert set(fates(load_profile("silent"))) == {"silent"}
    strict = Counter(fates(load_profile("strict")))
    assert set(strict) == {"acts", "refuses"}
    assert strict["refuses"] == pytest.approx(1000, abs=100)
    for kind in ("order", "execution", "termination"):
        assert set(fates(load_profile("forgetful"), kind=kind)) == {"acts", "forgets", "silent"}
    assert set(fates(load_profile("mixed"))) == {"acts", "forgets", "silent", "refuses"}
    waits = {Chance(load_profile("slow"), 1, "TELENOR").wait(duty(number))[0] for number in range(90010000, 90011000)}
    assert waits == set(range(5, 31))


def test_chance_is_the_seed_s() -> None:
    """A run can be repeated; another seed, and another robot, decides otherwise."""
    mixed = load_profile("mixed")
    assert fates(mixed) == fates(mixed)
    assert fates(mixed) != fates(mixed, seed=2)
    chances = [Chance(mixed, 1, code) for code in ("TELENOR", "LYSE")]
    assert any(len({chance.fate(duty(number)) for chance in chances}) == 2 for number in range(90010000, 90010100))


def test_reasons_in_turn() -> None:
    chance = Chance(load_profile("strict"), 1, "TELENOR")
    first = [chance.reasons(duty(number))[0] for number in range(90010000, 90010008)]
    assert len(set(first)) == 8
    assert {len(set(chance.reasons(duty(number, "termination")))) for number in range(8)} == {4}


def test_a_message_sent_again_has_its_id() -> None:
    one = duty(90010000)
    assert one.message_id("TELENOR", "NP_GODK") == one.message_id("TELENOR", "NP_GODK")
    ids = {
        one.message_id("TELENOR", "NP_GODK"), one.message_id("LYSE", "NP_GODK"), one.message_id("TELENOR", "NP_FBES"),
        one.message_id("TELENOR", "NP_GODK", 1),
        Duty("order", "c", CASE, AT, AT, "another order").message_id("TELENOR", "NP_GODK"),
    }  # fmt: skip
    assert len(ids) == 5


@pytest.mark.parametrize(
    ("state", "code", "kind"),
    [
        ("awaiting_donor", "TELENOR", "order"), ("awaiting_donor", "LYSE", None),
        ("awaiting_recipient", "TELENOR", None), ("scheduled", "COM4", "execution"),
        ("awaiting_completion", "COM4", "execution"), ("awaiting_completion", "TELENOR", None),
        ("awaiting_termination", "LYSE", "termination"), ("awaiting_return", "LYSE", "termination"),
        ("returned", "LYSE", None), ("completed", "COM4", None),
    ],
)  # fmt: skip
def test_who_owes_what(state: str, code: str, kind: str | None) -> None:
    assert kind_owed({**CASE, "state": state}, code) == kind


def test_item_and_case_ask_for_the_same() -> None:
    message = {"type": "NP_BEST", "message_id": "m", "case_id": "c", "case": CASE}
    by_item = Duty.of_item(Item(1, AT, "TELENOR", message))
    by_case = Duty.of_case(CASE, "TELENOR", {"at": "2026-11-23T07:00:00Z", "message_id": "m"})
    assert by_item == by_case == Duty("order", "c", CASE, AT, AT, "m")
    executed = {**CASE, "state": "scheduled"}
    by_item = Duty.of_item(Item(1, AT, "COM4", {"type": "NP_IVER", "case_id": "c", "case": executed}))
    assert by_item is not None
    assert by_item.from_ == datetime.fromisoformat("2026-11-23T09:00:00Z")
    assert by_item == Duty.of_case(executed, "COM4")
    assert Duty.of_item(Item(1, AT, "COM4", {"type": "NP_GODK", "case_id": "c", "case": executed})) is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("orders = 1", "orders: Input should be a valid dictionary or instance of OrderManner"),
        ("[order]", "order is no setting; there are description, orders, executions, terminations"),
        ("[executions]\nrefuses = 0.1", "executions.refuses is no setting; there are silent, forgets, stutters, wait"),
        (
            "[orders]\nwait = { days = 1 }",
            "orders.wait.days is no setting; there are working_minutes, minutes, seconds",
        ),
        ("[orders]\nsilent = 1.5", "orders.silent: Input should be less than or equal to 1"),
        ("[orders]\nsilent = 0.5\nrefuses = 0.6", "orders: silent, forgets and refuses together are more than 1"),
        (
            "[orders]\nwait = { minutes = [9, 5] }",
            "orders.wait: minutes: the first of two must not be the larger one",
        ),
        ("[terminations]\nreasons = []", "terminations.reasons: Tuple should have at least 1 item"),
        ("[orders]\nreasons = ['no']", "orders.reasons.0: Input should be 'number-not-held', 'owner-mismatch'"),
        ("[orders", "is no TOML: "),
    ],
)
def test_a_wrong_profile_is_told(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(ProfileError) as error:
        load_profile(str(file))
    assert str(error.value).startswith(str(file))
    assert sentence in str(error.value)


def test_profiles_by_name_and_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[executions]\nwait = { minutes = 5, seconds = [0, 2] }\nsilent = 1\n")
    assert load_profile(str(file)).executions.wait.minutes == (5, 5)
    for name in ("kind", str(tmp_path / "none.toml"), "../strict"):
        with pytest.raises(ProfileError):
            load_profile(name)


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (Wanted("http://x"), "a provider's key is needed, in NRDB_KEY or --key, or a file of them in --keys"),
        (Wanted("http://x", "kéy"), "the key holds signs that no key has"),
        (Wanted("http://x", keys=Path("/none")), "/none cannot be read: No such file or directory"),
        (Wanted("http://x", keys=Path(__file__)), f"{__file__} holds no line like TELIA_KEY=…"),
        (
            Wanted("http://x", "key", profile="kind"),
            f"there is no profile kind: take {', '.join(built_in())}, or a file that ends in .toml",
        ),
    ],
)
def test_wrong_use_is_told(wanted: Wanted, sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert play(wanted) == 2
    assert capsys.readouterr().err == f"nrdb robot: {sentence}\n"


def test_a_line_of_its_own_for_each_thing() -> None:
    event = Event(AT, "TELENOR", "sent", "NP_FBES", "c", {**CASE, "state": "rejected", "customer": "K"}, "m", "because")
    assert line(event) == (
        "2026-11-23 07:00:00Z  TELENOR   sent NP_FBES because  90012345  TELIA <- TELENOR  rejected  c"
    )
    assert json.loads(json_line(event)) == {
        "at": "2026-11-23T07:00:00Z", "code": "TELENOR", "did": "sent", "type": "NP_FBES", "case_id": "c",
        "case": {"state": "rejected", "main_number": "90012345"}, "message_id": "m", "detail": "because",
    }  # fmt: skip
