"""An order may name 15,000 scattered numbers: what looks at them walks both sides once, not each against each.

These tests would take minutes otherwise; they assert answers, not times.
"""

from datetime import UTC, datetime

import pytest

from nrdb.errors import Code, Problem
from nrdb.messages.facts import Facts, OpenNumbers, PlanRow
from nrdb.messages.number_rules import not_in_open_case
from nrdb.routing.numbers import NumberRange

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
SCATTERED = [NumberRange(first, first) for first in range(4790000000, 4790030000, 2)]


def test_all_numbers_in_another_case() -> None:
    facts = Facts(open_numbers=tuple(OpenNumbers(item, NOW) for item in SCATTERED))
    with pytest.raises(Problem) as refused:
        not_in_open_case(SCATTERED, facts)
    assert refused.value.code is Code.NUMBER_IN_OPEN_CASE
    assert refused.value.facts is not None
    assert refused.value.facts["count"] == len(SCATTERED)


def test_range_holders_of_scattered_numbers() -> None:
    plan = tuple(PlanRow(item, "MOBILE", f"H{place % 3}", "open") for place, item in enumerate(SCATTERED))
    assert Facts(plan=plan).range_holders(SCATTERED) == ("H0", "H1", "H2")
