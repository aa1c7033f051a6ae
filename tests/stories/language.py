"""The words of the stories: times, numbers, and facts of a refusal."""

import re
from datetime import datetime, timedelta
from typing import Any

from tests.support.service import OSLO

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
TIME = (
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (?:\d{4}-\d\d-\d\d )?)?\d\d:\d\d(?::\d\d(?:\.\d+)?)?"
    r"(?: summer| normal)?"
)
DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d{4}-\d\d-\d\d"
_PARTS = re.compile(
    r"(?:(?P<weekday>[A-Z][a-z]{2}) )?(?:(?P<date>\d{4}-\d\d-\d\d) )?(?P<clock>\d\d:\d\d[\d:.]*)(?: (?P<fold>\w+))?"
)


def read_time(text: str, now: datetime | None) -> datetime:
    """An instant; what is left out comes from `now`."""
    parts = _PARTS.fullmatch(text)
    assert parts, f"no time: {text}"
    if parts["date"]:
        day = datetime.fromisoformat(parts["date"]).date()
        assert parts["weekday"] == _DAYS[day.weekday()], f"{day} is a {_DAYS[day.weekday()]}"
    else:
        assert now is not None, "a story begins with a whole date"
        day = now.astimezone(OSLO).date()
        while parts["weekday"] and _DAYS[day.weekday()] != parts["weekday"]:
            day += timedelta(days=1)
    clock, midnight = parts["clock"], timedelta()
    if clock.startswith("24:00"):
        clock, midnight = "00:00", timedelta(days=1)
    at = datetime.fromisoformat(f"{day + midnight} {clock}").replace(tzinfo=OSLO)
    return at.replace(fold=1) if parts["fold"] == "normal" else at


def read_day(text: str) -> str:
    """A date, whose weekday must be right."""
    weekday, day = text.split(" ")
    assert weekday == _DAYS[datetime.fromisoformat(day).weekday()], f"{day} is no {weekday}"
    return day


def read_numbers(text: str, number_type: str | None) -> dict[str, Any]:
    """The number fields of NP_BEST."""
    main, *others = text.split(", ")
    series = [part for part in (main, *others) if "-" in part]
    singles = [part for part in others if "-" not in part]
    fields: dict[str, Any] = {"main_number": main.partition("-")[0]}
    fields["number_type"] = number_type or ("S" if series else "T" if others else "E")
    if singles:
        fields["additional_numbers"] = singles
    if series:
        fields["series"] = [{"first": part.split("-")[0], "last": part.split("-")[1]} for part in series]
    return fields


def read_expected(text: str) -> dict[str, Any]:
    """`name "Ola", birth_date 19700101`; numbers as ranges."""
    found: dict[str, Any] = {}
    for name, quoted, plain in re.findall(r'(\w+) (?:"([^"]*)"|([^,]+))', text):
        value = quoted or plain
        if name == "numbers":
            first, _, last = value.partition("-")
            found[name] = [{"first": first, "last": last or first}]
        else:
            found[name] = value
    return found


def same_fact(said: Any, told: str, now: datetime) -> bool:
    """Whether the fact of a refusal is what the story says."""
    if said is None:
        return told == "none"
    if isinstance(said, str) and re.fullmatch(TIME, told):
        return datetime.fromisoformat(said) == read_time(told, now)
    if isinstance(said, str) and re.fullmatch(DAY, told):
        return said == read_day(told)
    if isinstance(said, list) and said and isinstance(said[0], dict):
        shown = [f"{r['first']}-{r['last']}" if r["first"] != r["last"] else r["first"] for r in said]
        return " ".join(shown) == told
    if isinstance(said, list):
        return " ".join(map(str, said)) == told
    return str(said) == told
