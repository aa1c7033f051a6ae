"""The rulebook file: the values of the law, and a refusal of every file that is wrong."""

import hashlib
from collections.abc import Callable
from datetime import time
from pathlib import Path
from typing import get_args

import pytest

from nrdb.errors import CATALOGUE, REFUSALS, Code
from nrdb.messages.kinds import NpFops
from nrdb.rulebook import Hours, Rulebook, RulebookError, Timer, load_rulebook
from nrdb.rulebook.model import DEFAULT_FILE, TerminationRefusal
from nrdb.texts import tell

GOOD = DEFAULT_FILE.read_text(encoding="utf-8")
T12 = GOOD[GOOD.index("[timers.T12]") : GOOD.index("[timers.T13]")]
HOURS = GOOD[GOOD.index("[[calendar.hours]]") : GOOD.index("# --- Limits")]
STALE = GOOD[GOOD.index("[refusals.stale-answer]") : GOOD.index("[refusals.network-not-usable]")]
NETWORK = GOOD[GOOD.index("[refusals.network-not-usable]") : GOOD.index("[refusals.five-digit-message-required]")]

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(text: str) -> Path:
        path = tmp_path / "rules.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


@pytest.mark.parametrize(
    ("name", "value", "unit"),
    [
        ("T9", 35, "working_minutes"),
        ("T10", 30, "minutes"),
        ("T11", 60, "working_days"),
        ("T12", 30, "minutes"),
        ("T13", 30, "working_minutes"),
        ("T14", 60, "working_days"),
        ("T15", 0, "minutes"),
        ("T16", 0, "minutes"),
        ("T18", 30, "minutes"),
    ],
)
def test_timers_are_those_of_the_law(name: str, value: int, unit: str) -> None:
    timer = load_rulebook().timers[name]
    assert (timer.value, timer.unit, timer.source) == (value, unit, "S3 2.2.1")


def test_limits_are_those_of_the_law() -> None:
    rules = load_rulebook()
    assert (rules.cap.daily_limit, rules.cap.source) == (15_000, "S3 2.3.1")
    assert (rules.block_limit.value, rules.block_limit.source) == (10_000, "S3 2.9")


def test_what_is_assumed_says_so() -> None:
    rules = load_rulebook()
    assumed: list[Hours | Timer] = [*rules.calendar.hours]
    assumed += [rules.assumptions.answer_due, rules.assumptions.completion_due]
    assert {entry.source for entry in assumed} == {"assumption"}
    assert all(entry.text.en.startswith("ASSUMPTION") for entry in assumed)
    assert all(entry.text.nb.startswith("ANTAKELSE") for entry in assumed)
    assert rules.assumptions.answer_due.value == rules.assumptions.completion_due.value == 120


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("22000000", "GEO"),
        ("33000000", "GEO"),
        ("50000000", "GEO"),
        ("57999999", "GEO"),
        ("61000000", "GEO"),
        ("79999999", "GEO"),
        ("80000000", "NONGEO"),
        ("40000000", "MOBILE"),
        ("58000000", "MOBILE"),
        ("59999999", "MOBILE"),
        ("90012345", "MOBILE"),
        ("580012345678", "MOBILE"),
        ("590012345678", None),
        ("900123456789", None),
        ("02000", "FIVE"),
        ("09999", "FIVE"),
        ("01999", None),
        ("12345", None),
        ("10000000", None),
        ("00000000", None),
        ("9001234", None),
        ("900123456", None),
        ("116000", None),
        ("", None),
        ("9001234x", None),
        ("+4790012", None),
        ("9001234\u0665", None),
    ],
)
def test_default_class(number: str, expected: str | None) -> None:
    assert load_rulebook().default_class(number) == expected


@pytest.mark.parametrize(
    ("name", "number", "needs"),
    [
        ("number-not-held", 1, ()),
        ("owner-mismatch", 2, (("name",), ("birth_date", "organisation_number"))),
        ("numbers-incomplete", 3, (("numbers",),)),
        ("number-type-wrong", 4, (("number_type",),)),
        ("subscription-ended", 5, ()),
        ("authorisation-invalid", 6, ()),
        ("complex-porting", 7, (("porting_time",),)),
    ],
)
def test_reasons_that_may_be_given(name: str, number: int, needs: tuple[tuple[str, ...], ...]) -> None:
    reason = load_rulebook().reasons[name]
    assert (reason.number, reason.needs, reason.always_refused) == (number, needs, False)
    assert reason.allows == {field for alternatives in needs for field in alternatives}


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("outstanding-balance", "S3 2.5.1"),
        ("customer-changed-mind", "S3 2.5.1"),
        ("staff-unavailable", "S3 2.5.3"),
    ],
)
def test_reasons_that_are_always_refused(name: str, source: str) -> None:
    reason = load_rulebook().reasons[name]
    assert (reason.always_refused, reason.source, reason.allows) == (True, source, frozenset())


def test_only_incomplete_numbers_are_refused_by_class() -> None:
    by_class = {n: r.refused_for_classes for n, r in load_rulebook().reasons.items() if r.refused_for_classes}
    assert by_class == {"numbers-incomplete": frozenset({"MOBILE"})}
    assert load_rulebook().reasons["numbers-incomplete"].source == "S3 2.1"


#: Rule and source of contract section 6, where it gives them.
CITED = {
    "role-not-permitted": ("roles", "S3 2.4.1"),
    "five-digit-message-required": ("five-digit", "S3 2.7"),
    "five-digit-only": ("five-digit", "S3 2.7"),
    "number-not-portable": ("blocked series", "S3 2.10"),
    "mixed-number-classes": ("one class a case", "S3 2.3.2, 2.9"),
    "number-type-mismatch": ("number type", "S3 2.3.2.1"),
    "target-number-unknown": ("target number", "S1"),
    "block-too-large": ("block limit", "S3 2.9"),
    "number-not-in-use": ("active agreement", "S3 2.3.1"),
    "donor-must-be-nkom": ("donor", "S3 2.7.1"),
    "right-holder-differs": ("right of use", "S1"),
    "number-in-open-case": ("one open case", "S3 2.4.1, 2.4.2"),
    "porting-time-passed": ("porting time", "S3 2.4.2"),
    "porting-time-too-early": ("T9", "S3 2.2.1"),
    "porting-time-too-late": ("T11", "S3 2.2.1"),
    "stop-too-late": ("T12", "S3 2.2.1"),
    "termination-time-too-early": ("T13", "S3 2.2.1"),
    "termination-time-too-late": ("T14", "S3 2.2.1"),
    "too-early-to-complete": ("T15", "S3 2.2.1"),
    "too-early-to-return": ("T16", "S3 2.2.1"),
    "daily-cap-exceeded": ("daily cap", "S3 2.3.1"),
    "reason-not-permitted": ("reasons", "S3 2.1, 2.3.1, 2.5.1, 2.5.3"),
    "expected-value-missing": ("expected value", "S3 2.5.2"),
    "secret-number-disclosed": ("secret number", "S3 2.5.2"),
}


@pytest.mark.parametrize("code", REFUSALS)
def test_refusals_cite_the_contract_and_are_the_catalogue(code: Code) -> None:
    refusal, info = load_rulebook().refusals[code], CATALOGUE[code]
    assert (info.rule, info.source) == (next(iter(refusal.timers), refusal.rule), refusal.source)
    assert info.status == (404 if code == "unknown-case" else 409)
    if code in CITED:
        assert (info.rule, info.source) == CITED[code]
    assert str(info.title) == refusal.title.en
    assert "{" not in tell(info.text, "en") + tell(info.text, "nb")


def test_texts_tell_the_values_that_decide() -> None:
    assert tell(CATALOGUE[Code.PORTING_TIME_TOO_EARLY].text, "en") == (
        "An order or a change needs 35 working minutes (T9), an execution 30 minutes (T10)."
    )
    assert "15,000 numbers" in tell(CATALOGUE[Code.DAILY_CAP_EXCEEDED].text, "en")
    assert "15\u00a0000 numre" in tell(CATALOGUE[Code.DAILY_CAP_EXCEEDED].text, "nb")


def test_default_is_read_once_and_carries_the_digest_of_its_file() -> None:
    rules = load_rulebook()
    assert rules is load_rulebook()
    assert rules.digest == hashlib.sha256(DEFAULT_FILE.read_bytes()).hexdigest()


def test_same_file_gives_an_equal_rulebook_and_another_text_another_digest(write: Write) -> None:
    same = load_rulebook(write(GOOD))
    assert same == load_rulebook()
    assert hash(same) == hash(load_rulebook())
    assert load_rulebook(write(GOOD + "# more\n")).digest != same.digest


def test_nothing_can_be_changed_after_the_load() -> None:
    rules = load_rulebook()
    with pytest.raises(ValueError, match="frozen"):
        rules.cap.daily_limit = 1  # type: ignore[misc]
    with pytest.raises(TypeError):
        rules.timers["T9"] = rules.timers["T10"]  # type: ignore[index]


def test_can_be_written_out_and_read_again() -> None:
    rules = load_rulebook()
    assert Rulebook.model_validate(rules.model_dump()) == rules
    assert '"daily_limit":15000' in rules.model_dump_json()


BAD_FILES = {
    "not-toml": ("[cap]", "[cap", "Expected"),
    "a-key-twice": ("daily_limit = 15000", "daily_limit = 15000\ndaily_limit = 1", "Cannot overwrite"),
    "unknown-table": ("[cap]", "[caps]\n[cap]", "Extra inputs"),
    "unknown-field": ("daily_limit = 15000", "daily_limit = 15000\nlimit = 1", "Extra inputs"),
    "field-missing": ("daily_limit = 15000", "", "Field required"),
    "own-digest": ('title = "', 'digest = "00"\ntitle = "', "its own digest"),
    "empty-title": (GOOD.splitlines()[6], 'title = " "', "at least 1 character"),
    "timer-missing": (T12, "", r"timers missing: \['T12'\]"),
    "timer-unknown": ("[timers.T12", "[timers.T17", r"unknown: \['T17'\]"),
    "timer-as-text": ("value = 35", 'value = "35"', "valid integer"),
    "timer-as-fraction": ("value = 35", "value = 35.0", "valid integer"),
    "timer-as-truth": ("value = 35", "value = true", "valid integer"),
    "timer-negative": ("value = 35", "value = -1", "greater than or equal"),
    "timer-huge": ("value = 35", "value = 10001", "less than or equal"),
    "timer-unit-unknown": (
        'value = 35\nunit = "working_minutes"',
        'value = 35\nunit = "hours"',
        "Input should be",
    ),
    "timer-unit-wrong": (
        'value = 35\nunit = "working_minutes"',
        'value = 35\nunit = "minutes"',
        "wrong unit: T9 is in working_minutes",
    ),
    "text-missing": ('en = "Latest porting time ahead"', "", "Field required"),
    "source-unknown": ('source = "S3 2.9"', 'source = "Wikipedia"', "should match pattern"),
    "country-unknown": ('country = "NO"', 'country = "XX"', "not known"),
    "country-form": ('country = "NO"', 'country = "Norway"', "should match pattern"),
    "hours-missing": (HOURS, "hours = []\n", "at least 1 item"),
    "hours-twice": (HOURS, HOURS + HOURS, "two working hours"),
    "hours-turned": ("closes = 16:00:00", "closes = 08:00:00", "opens must be before closes"),
    "hours-in-the-changing-hour": ("opens = 08:00:00", "opens = 02:30:00", "where summer time changes"),
    "hours-from-two": ("opens = 08:00:00", "opens = 02:00:00", "where summer time changes"),
    "hours-until-two": (
        "opens = 08:00:00\ncloses = 16:00:00",
        "opens = 00:00:00\ncloses = 02:00:00",
        "where summer time changes",
    ),
    "hours-as-text": ("opens = 08:00:00", 'opens = "08:00"', "valid time"),
    "date-as-text": ("valid_from = 1970-01-01", 'valid_from = "1970-01-01"', "valid date"),
    "weekdays-empty": ('["mon", "tue", "wed", "thu", "fri"]', "[]", "at least 1 item"),
    "weekday-twice": ('["mon", "tue", ', '["mon", "mon", ', "named twice"),
    "weekday-unknown": ('"fri"]', '"friday"]', "Input should be"),
    "cap-zero": ("daily_limit = 15000", "daily_limit = 0", "greater than or equal"),
    "block-zero": ("value = 10000", "value = 0", "greater than or equal"),
    "class-unknown": ("[classes.NONGEO]", "[classes.OTHER]", "classes missing"),
    "patterns-empty": ('patterns = [{ digits = 8, prefixes = ["8"] }]', "patterns = []", "at least 1 item"),
    "prefixes-empty": ('prefixes = ["8"]', "prefixes = []", "at least 1 item"),
    "prefix-no-digits": ('prefixes = ["8"]', 'prefixes = ["8x"]', "should match pattern"),
    "prefix-longer-than-number": ('prefixes = ["8"]', 'prefixes = ["812345678"]', "longer than the number"),
    "prefix-in-two-classes": ('prefixes = ["8"]', 'prefixes = ["8", "581"]', "58 and 581 overlap|581 and 58"),
    "reason-number-twice": ("number = 7", "number = 6", "two reasons have the number 6"),
    "reason-need-empty": ('needs = [["numbers"]]', "needs = [[]]", "at least 1 item"),
    "reason-need-unknown": ('needs = [["numbers"]]', 'needs = [["colour"]]', "Input should be"),
    "reason-need-twice": ('needs = [["numbers"]]', 'needs = [["numbers"], ["numbers"]]', "stands twice"),
    "reason-class-unknown": ('["MOBILE"] # a', '["PAGER"] # a', "Input should be"),
    "reason-refused-yet-needs": (
        "number = 8\nneeds = []",
        'number = 8\nneeds = [["name"]]',
        "always refused needs nothing",
    ),
    "refusal-missing": (STALE, "", r"refusals missing: \['stale-answer'\]"),
    "refusal-unknown": ("[refusals.stale-answer]", "[refusals.stale]", r"unknown: \['stale'\]"),
    "refusals-out-of-order": (STALE + NETWORK, NETWORK + STALE, "the order in which they are decided"),
    "refusal-without-norwegian": ('title.nb = "Saken finnes ikke"', "", "Field required"),
    "refusal-rule-beside-timers": (
        'timers = ["T11"]',
        'timers = ["T11"]\nrule = "sixty days"',
        "a rule with timers has their names",
    ),
    "refusal-rule-without-source": ('rule = "answers"\nsource = "S3 2.5.1"', 'rule = "answers"', "stands in a source"),
    "refusal-source-without-rule": ('rule = "answers"', "", "a source tells a rule"),
    "refusal-source-form": ('source = "S3 2.4, 2.5"', 'source = "S3 2.4; 2.5"', "should match pattern"),
    "refusal-timer-twice": ('timers = ["T13"]', 'timers = ["T13", "T14"]', "decides one refusal"),
    "refusal-timer-unknown": ('timers = ["T12", "T18"]', 'timers = ["T12", "T17"]', "both texts name the same"),
    "refusal-value-of-another": ("working day {T11} from", "working day {T14} from", "both texts name the same"),
    "refusal-value-lost": ("virkedag {T11} fra", "virkedag 60 fra", "both texts name the same"),
    "refusal-title-with-value": ('"The day is full"', '"Above {daily_limit}"', "a title names no values"),
    "reason-text-missing": ('text.en = "The subscription has ended"', "", "Field required"),
    "assumption-in-days": (
        'value = 120\nunit = "working_minutes"\nsource = "assumption"\n[assumptions.answer_due.text]',
        'value = 120\nunit = "working_days"\nsource = "assumption"\n[assumptions.answer_due.text]',
        "an assumed deadline is in working_minutes",
    ),
    "assumption-not-labelled": (
        'source = "assumption"\n[assumptions.answer_due.text]',
        'source = "S3 2.2"\n[assumptions.answer_due.text]',
        'has the source "assumption"',
    ),
}


@pytest.mark.parametrize(("old", "new", "message"), BAD_FILES.values(), ids=BAD_FILES.keys())
def test_bad_file_is_refused_by_name(write: Write, old: str, new: str, message: str) -> None:
    assert old in GOOD
    path = write(GOOD.replace(old, new))
    with pytest.raises(RulebookError, match=message) as refused:
        load_rulebook(path)
    assert str(refused.value).startswith(str(path))


def test_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_bytes(b"title = \xff")
    with pytest.raises(RulebookError, match="utf-8"):
        load_rulebook(path)


def test_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RulebookError, match="No such file"):
        load_rulebook(tmp_path / "none.toml")


def test_hours_may_begin_when_the_changing_hour_is_over(write: Write) -> None:
    rules = load_rulebook(write(GOOD.replace("opens = 08:00:00", "opens = 03:00:00")))
    assert rules.calendar.hours[0].opens == time(3)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "[termination_reasons.other]",
            "[termination_reasons.another]",
            r"missing: \['other'\], unknown: \['another'\]",
        ),
        ('[termination_reasons.other]\nsource = "ours"', '[termination_reasons.other]\nsource = "S3 2.8"', "'ours'"),
        ("[termination_reasons.other]", "[termination_reasons.other]\nnumber = 4", "Extra inputs"),
    ],
    ids=["another", "source", "number"],
)
def test_reasons_of_a_range_holder_are_those_of_the_form(write: Write, old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(RulebookError, match=message):
        load_rulebook(write(GOOD.replace(old, new)))
    assert list(load_rulebook().termination_reasons) == list(get_args(TerminationRefusal))
    assert get_args(NpFops.model_fields["reason"].annotation) == get_args(TerminationRefusal)


def test_empty_reasons_are_refused(write: Write) -> None:
    before, after = GOOD.split("[reasons.number-not-held]")[0], GOOD.split("# --- Assumptions")[1]
    with pytest.raises(RulebookError, match="at least 1 item"):
        load_rulebook(write(f"{before}\n[reasons]\n# {after}"))
