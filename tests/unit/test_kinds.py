"""The wire forms: what is well-formed, where a mistake is, and what makes two messages the same."""

import json
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from nrdb.api.problems import validation_problem
from nrdb.cases.machine import STATES
from nrdb.cases.words import STATE_WORDS
from nrdb.messages import reasons
from nrdb.messages.consequences import content_of
from nrdb.messages.kinds import MESSAGE, MESSAGE_TYPES, Expected, RefusalReason
from nrdb.rulebook import load_rulebook

ID = "0197a1b2-0000-4000-8000-00000000000a"
CASE = "0197a1b2-0000-7000-8000-00000000000b"
ORDER: dict[str, Any] = {
    "type": "NP_BEST",
    "message_id": ID,
    "sender": "TELIA",
    "donor": "TELENOR",
    "number_type": "T",
    "main_number": "90012345",
    "additional_numbers": ["90012346"],
    "porting_time": "2026-11-23T10:00:00+01:00",
    "customer": {"name": "Kari Nordmann", "birth_date": "1980-01-31"},
    "authorisation_reference": "ref-1",
}


def about(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "message_id": ID, "sender": "TELIA", "case_id": CASE, **fields}


def digest(message: dict[str, Any] | str) -> bytes:
    return content_of(MESSAGE.validate_json(message if isinstance(message, str) else json.dumps(message)))


def pointers(message: dict[str, Any]) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        MESSAGE.validate_json(json.dumps(message))
    problem = validation_problem(caught.value)
    assert problem.errors is not None
    for error in problem.errors:
        assert str(error["detail"])[:1].strip()
        assert "Kari" not in str(error["detail"])
    return [str(error["pointer"]) for error in problem.errors]


MINIMAL = [
    ORDER,
    about("NP_GODK"),
    about("NP_FBES", reason="number-not-held"),
    about("NP_ENDR", porting_time="2026-11-23T10:00:00Z"),
    about("NP_ANNU"),
    about("NP_IVER"),
    about("NP_FIVE", comment="x"),
    about("NP_FERD"),
]


@pytest.mark.parametrize("message", MINIMAL, ids=lambda m: m["type"])
def test_the_least_that_is_well_formed(message: dict[str, Any]) -> None:
    assert message["type"] in MESSAGE_TYPES
    assert digest(message)
    for name in message:
        if name not in {"type", "additional_numbers", "porting_time"} or (name, message["type"]) == (
            "porting_time",
            "NP_BEST",
        ):
            assert pointers({k: v for k, v in message.items() if k != name}) == [f"/{name}"]
    assert pointers({**message, "surplus": 1}) == ["/surplus"]


SAME: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("country code", ORDER, {**ORDER, "main_number": "+4790012345", "additional_numbers": ["+4790012346"]}),
    ("offset notation", ORDER, {**ORDER, "porting_time": "2026-11-23T09:00:00Z"}),
    ("fraction of zero", ORDER, {**ORDER, "porting_time": "2026-11-23t09:00:00.000000+00:00"}),
    ("empty series", ORDER, {**ORDER, "series": []}),
    (
        "empty numbers",
        {**ORDER, "number_type": "E", "additional_numbers": []},
        {k: v for k, v in {**ORDER, "number_type": "E"}.items() if k != "additional_numbers"},
    ),
    ("key order", ORDER, dict(reversed(ORDER.items()))),
    ("id in capitals", ORDER, {**ORDER, "message_id": ID.upper()}),
    ("case id in capitals", about("NP_GODK"), about("NP_GODK", case_id=CASE.upper())),
    (
        "secret by default",
        about("NP_FBES", reason="number-not-held"),
        about("NP_FBES", reason="number-not-held", secret_number=False),
    ),
    ("the sender's own network", about("NP_IVER"), about("NP_IVER", network="TELIA")),
    ("nothing said", about("NP_GODK"), about("NP_GODK", answers=None)),
]


@pytest.mark.parametrize(("one", "other"), [row[1:] for row in SAME], ids=[row[0] for row in SAME])
def test_the_same_message_in_other_words(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert digest(one) == digest(other)


def test_space_makes_no_difference() -> None:
    assert digest(json.dumps(ORDER, indent=4)) == digest(json.dumps(ORDER, separators=(",", ":")))


@pytest.mark.parametrize("name", sorted(ORDER.keys() - {"type"}))
def test_every_field_of_an_order_makes_a_difference(name: str) -> None:
    other: dict[str, Any] = {
        "message_id": CASE,
        "sender": "LYSE",
        "donor": "LYSE",
        "number_type": "E",
        "main_number": "90012347",
        "additional_numbers": ["90012348"],
        "porting_time": "2026-11-23T10:00:00.000001+01:00",
        "customer": {"name": "Kari Nordmann", "birth_date": "1980-02-01"},
        "authorisation_reference": "ref-2",
    }
    assert digest({**ORDER, name: other[name]}) != digest(ORDER)


@pytest.mark.parametrize(
    ("message", "pointer"),
    [
        ({**ORDER, "main_number": "9001234a"}, "/main_number"),
        ({**ORDER, "additional_numbers": ["90012346", "1"]}, "/additional_numbers/1"),
        ({**ORDER, "series": [{"first": "90012300", "last": "90012309"}]}, "/series"),
        ({**ORDER, "number_type": "S"}, "/series"),
        ({**ORDER, "customer": {"name": "Kari"}}, "/customer"),
        ({**ORDER, "customer": {**ORDER["customer"], "organisation_number": "974760673"}}, "/customer"),
        ({**ORDER, "customer": {"name": " \t", "birth_date": "1980-01-31"}}, "/customer/name"),
        ({**ORDER, "porting_time": "2026-11-23T10:00:00"}, "/porting_time"),
        ({**ORDER, "porting_time": "2026-11-23T10:00:00.1234567Z"}, "/porting_time"),
        (about("NP_ENDR"), ""),
        (about("NP_FIVE", comment=""), "/comment"),
        (about("NP_FIVE", comment="x" * 1001), "/comment"),
        (about("NP_FBES", reason="too-expensive"), "/reason"),
        (about("NP_FBES", reason="number-not-held", expected={"name": "Kari"}), "/expected/name"),
        (about("NP_FBES", reason="owner-mismatch", expected={"birth_date": "1980-01-31"}), "/expected/birth_date"),
        (
            about("NP_FBES", reason="owner-mismatch", expected={"porting_time": "2026-11-23T10:00:00Z"}),
            "/expected/porting_time",
        ),
        (
            about(
                "NP_FBES",
                reason="owner-mismatch",
                expected={"birth_date": "19800131", "organisation_number": "974760673"},
            ),
            "/expected/birth_date",
        ),
        (about("NP_FBES", reason="numbers-incomplete", expected={"numbers": []}), "/expected/numbers"),
        (about("NP_FBES", reason="number-not-held", secret_number="yes"), "/secret_number"),
        (about("NP_FBES", reason="number-not-held", secret_number=1), "/secret_number"),
        (about("NP_GODK", answers="x"), "/answers"),
        (about("NP_IVER", network="telia"), "/network"),
    ],
)
def test_where_a_mistake_is(message: dict[str, Any], pointer: str) -> None:
    assert pointers(message) == [pointer]


def test_every_field_that_does_not_belong_to_the_reason_is_named() -> None:
    expected = {"number_type": "E", "name": "Kari", "porting_time": "2026-11-23T10:00:00Z"}
    message = about("NP_FBES", reason="number-type-wrong", expected=expected)
    assert pointers(message) == ["/expected/name", "/expected/porting_time"]


def test_every_state_has_words() -> None:
    assert set(STATE_WORDS) == set(STATES)


def test_every_reason_and_every_field_of_a_refusal_has_words() -> None:
    assert set(reasons.REASONS) == set(get_args(RefusalReason)) == set(load_rulebook().reasons)
    assert set(reasons.FIELDS) == {*Expected.model_fields, "comment"}


@pytest.mark.parametrize("number", ["974760673", "923609016", "889640782"])
def test_organisation_numbers(number: str) -> None:
    customer = {"name": "Fjell AS", "organisation_number": number}
    assert digest({**ORDER, "customer": customer})
    for digit in "0123456789":
        if digit != number[-1]:
            wrong = {"name": "Fjell AS", "organisation_number": number[:-1] + digit}
            assert pointers({**ORDER, "customer": wrong}) == ["/customer/organisation_number"]


def test_a_type_that_is_none() -> None:
    wrong: list[object] = [{}, {"type": "NP_XXXX"}, {"type": 1}, [], 1]
    for message in wrong:
        with pytest.raises(ValidationError) as caught:
            MESSAGE.validate_json(json.dumps(message))
        assert validation_problem(caught.value).code == "invalid-message"
