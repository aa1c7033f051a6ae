"""Fields whose errors must help without repeating what was sent."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from nrdb.messages.fields import CompactDate, Day, Uuid


@pytest.mark.parametrize("text", ["31.01.1980", "1980-1-31", "1980-02-30", "1980-W05-4", "19800131", "", "x"])
def test_a_day_that_is_none(text: str) -> None:
    with pytest.raises(ValidationError) as wrong:
        TypeAdapter(Day).validate_python(text)
    assert [error["msg"] for error in wrong.value.errors()] == [
        "Value error, a date is YYYY-MM-DD, and a day of the calendar"
    ]


@pytest.mark.parametrize("text", ["1980-01-31", "19800230", "1980013", "abcdefgh"])
def test_a_compact_day_that_is_none(text: str) -> None:
    with pytest.raises(ValidationError) as wrong:
        TypeAdapter(CompactDate).validate_python(text)
    assert "yyyymmdd" in str(wrong.value.errors()[0]["msg"])
    assert not text or text not in str(wrong.value.errors()[0]["msg"])


@pytest.mark.parametrize("value", ["K", "0197a1b2", 7, None])
def test_no_uuid(value: Any) -> None:
    with pytest.raises(ValidationError) as wrong:
        TypeAdapter(Uuid).validate_python(value)
    assert wrong.value.errors()[0]["msg"] == "Value error, must be a UUID"
