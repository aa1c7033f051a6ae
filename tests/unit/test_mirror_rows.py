"""Rows of a copy: instants and numbers go there and back."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from nrdb.clock import format_time
from nrdb.mirror.rows import instant_of, shown, stored, text_of

instants = st.datetimes(datetime(1900, 1, 1), datetime(9998, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 (aware by it)


@given(instants)
def test_instants_are_written_as_the_service_writes_them(at: datetime) -> None:
    text = format_time(at)
    assert text_of(instant_of(text)) == text


def test_a_row_comes_back_as_it_was() -> None:
    row = {
        "first": "02800", "last": "02800", "holder": "TELIA", "network": None, "routing_number": None,
        "range_holder": "0", "target_number": "90012345", "valid_from": "2026-11-23T08:00:00.5Z", "valid_until": None,
    }  # fmt: skip
    assert shown(stored(row)) == row
    ended = row | {"target_number": None, "valid_until": "2026-11-24T08:00:00Z"}
    assert shown(stored(ended)) == ended
