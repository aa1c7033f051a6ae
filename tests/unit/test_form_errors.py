"""What is wrong with a form is told in our own words, in both languages, and never with what was sent."""

import ast
import json
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core.core_schema import ErrorType

import nrdb
from nrdb.api import forms, inbox, sandbox
from nrdb.api.form_errors import SENTENCES, pointer_of, sentence_of
from nrdb.messages import patterns
from nrdb.messages.fields import Form
from nrdb.messages.kinds import MESSAGE
from nrdb.texts import FieldError, Told, say, tell

RUBBISH: list[Any] = [
    None, True, 7, -1, 1.5, 10**30, "", " ", "x" * 2000, "1" * 5000, [], [None] * 15_001, {}, {"first": 1}, "\u0000",
]  # fmt: skip


def subclasses(form: type[BaseModel]) -> set[type[BaseModel]]:
    return {form}.union(*(subclasses(child) for child in form.__subclasses__()))


FORMS: list[TypeAdapter[Any]] = [
    MESSAGE,
    TypeAdapter(list[forms.ContactPoint]),
    *(TypeAdapter(form) for form in sorted(subclasses(Form) - {Form}, key=lambda form: form.__name__)),
]
assert forms.SeriesForm in subclasses(Form)
assert sandbox.ClockMove in subclasses(Form)
assert inbox.Ack in subclasses(Form)


def findings(form: TypeAdapter[Any], content: Any) -> list[Any]:
    try:
        form.validate_json(json.dumps(content))
    except ValidationError as error:
        return error.errors(include_url=False, include_input=False)
    return []


def rubbish_for(form: TypeAdapter[Any]) -> list[Any]:
    """Rubbish instead of the whole, and in every field that any form has."""
    names = {name for model in subclasses(Form) for name in model.model_fields}
    kinds = {"type": sorted(findings(MESSAGE, {"type": "?"})[0]["ctx"]["expected_tags"].replace("'", "").split(", "))}
    wholes = [{**dict.fromkeys(names, value), "surplus": value} for value in RUBBISH]
    if form is not MESSAGE:
        return [*RUBBISH, *wholes]
    return [*RUBBISH, *({**whole, "type": kind} for kind in kinds["type"] for whole in wholes), *wholes]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: getattr(form._type, "__name__", "message"))
def test_whatever_is_found_is_told_in_both_languages(form: TypeAdapter[Any]) -> None:
    for content in rubbish_for(form):
        for finding in findings(form, content):
            if finding["type"] == "json_invalid":
                continue
            told = sentence_of(finding)
            english, norwegian = tell(told, "en"), tell(told, "nb")
            assert english != norwegian, finding
            assert "xxx" not in english + norwegian
            assert not set("^$[]") & set(english + norwegian), "a pattern is nothing for people"
            assert finding.get("ctx", {}).get("min_length", 1) == 1
            assert pointer_of(finding, 0) == "" or pointer_of(finding, 0).startswith("/")


FINDINGS: list[tuple[dict[str, Any], str, str]] = [
    ({"type": "missing", "msg": "Field required"}, "is missing", "mangler"),
    ({"type": "string_too_long", "msg": "", "ctx": {"max_length": 200}},
     "must have at most 200 characters", "kan ha høyst 200 tegn"),
    ({"type": "literal_error", "msg": "", "ctx": {"expected": "'E', 'T' or 'S'"}},
     "must be E, T or S", "må være E, T eller S"),
    ({"type": "literal_error", "msg": "", "ctx": {"expected": "'E'"}}, "must be E", "må være E"),
    ({"type": "value_error", "msg": "", "ctx": {"error": FieldError(say("must be at least {ge}", ge=5))}},
     "must be at least 5", "må være minst 5"),
    ({"type": "value_error", "msg": "", "ctx": {"error": ValueError("type S needs at least one series")}},
     "type S needs at least one series", "type S må ha minst én serie"),
    ({"type": "value_error", "msg": "", "ctx": {"error": ValueError("nobody {knows} this")}},
     "nobody {knows} this", "nobody {knows} this"),
    ({"type": "string_too_short", "msg": "", "ctx": {"min_length": 1}}, "must not be empty", "kan ikke være tom"),
    ({"type": "string_pattern_mismatch", "msg": "", "ctx": {"pattern": patterns.PROVIDER_CODE}},
     "must be a provider's code: 2 to 8 capital letters (A to Z) and digits, or 0 for Nkom",
     "må være en tilbyderkode: 2 til 8 store bokstaver (A til Z) og sifre, eller 0 for Nkom"),
    ({"type": "string_pattern_mismatch", "msg": "", "ctx": {"pattern": "^of tomorrow$"}},
     "is not written as it must be", "er ikke skrevet slik det må være"),
    ({"type": "too_long", "msg": "", "loc": ("NP_BEST", "additional_numbers"), "ctx": {"max_length": 15_000}},
     "must have at most 15000 numbers", "kan ha høyst 15000 numre"),
    ({"type": "too_long", "msg": "", "loc": ("NP_BEST", "series"), "ctx": {"max_length": 1000}},
     "must have at most 1000 series", "kan ha høyst 1000 serier"),
    ({"type": "too_long", "msg": "", "loc": ("NP_BEST", "authorisation_reference"),
      "ctx": {"max_length": 100, "field_type": "Value"}}, "must have at most 100 characters", "kan ha høyst 100 tegn"),
    ({"type": "too_long", "msg": "", "loc": (), "ctx": {"max_length": 20}},
     "must have at most 20 entries", "kan ha høyst 20 oppføringer"),
    ({"type": "of_tomorrow", "msg": "Something new"}, "Something new", "Something new"),
]  # fmt: skip


@pytest.mark.parametrize(("finding", "english", "norwegian"), FINDINGS)
def test_a_finding_in_words(finding: dict[str, Any], english: str, norwegian: str) -> None:
    told: Told = sentence_of(finding)
    assert (tell(told, "en"), tell(told, "nb")) == (english, norwegian)


def test_every_pattern_is_told_in_words() -> None:
    named = {value for name, value in vars(patterns).items() if isinstance(value, str) and name.isupper()}
    assert named == set(patterns.PATTERNS)
    for package in ("api", "messages"):
        for path in sorted((Path(nrdb.__file__).parent / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.keyword) and node.arg == "pattern":
                    assert not isinstance(node.value, ast.Constant), f"{path.name}: {node.value.value!r} has no words"


def test_every_sentence_is_about_a_finding_that_exists() -> None:
    assert set(SENTENCES) <= set(get_args(ErrorType))
