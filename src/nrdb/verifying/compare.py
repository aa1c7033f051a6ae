"""The routing table and the cases of two databases, and where they differ. Both are walked in step, never held."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nrdb.cases.queries import EFFECTIVE_STATE
from nrdb.clock import format_time
from nrdb.db import Connection
from nrdb.routing.numbers import national

_AT_ONCE = 2000

# Neighbours that have one story are one, however their rows are parted. It is the whole story, from the beginning and
# with what decides what a later change of the plan does to the numbers (`own_...`): who asks about the past, or changes
# the plan, depends on it.
_STORIES = """
SELECT first, min(last) AS last, json_agg(json_build_array(
       holder, network, routing_number, range_holder, target_number, valid_from, nullif(valid_until, 'infinity'),
       served_since, own_holder, own_network, own_since) ORDER BY valid_from)::text AS story
  FROM routing WHERE removed_at = 'infinity' GROUP BY first ORDER BY first
"""
_SAID = f"""
{EFFECTIVE_STATE} AS state, c.recipient, c.donor, c.range_holders, c.effective_time, c.network, c.target_number,
c.expected, c.received, c.waived, c.number_count,
(SELECT md5(string_agg(numbers::text, ' ' ORDER BY numbers)) FROM case_numbers n WHERE n.case_id = c.case_id) AS numbers
"""
_CASES = f"""
SELECT c.case_id::text, {_SAID}
  FROM cases c, (SELECT $1::timestamptz AS now) w ORDER BY c.created_at, c.case_id
"""
_CASE = f"""
SELECT {_SAID}
  FROM cases c, (SELECT $1::timestamptz AS now) w WHERE c.case_id = $2::uuid
"""


@dataclass(frozen=True, slots=True)
class Story:
    """What was, is and will be true of the numbers from `first` to `last`."""

    first: int
    last: int
    told: str | None


@dataclass(frozen=True, slots=True)
class Difference:
    """What is otherwise in the replay. `here` and `replayed` are None where there is nothing."""

    what: str
    here: str | None
    replayed: str | None


async def differing_routing(here: Connection, replayed: Connection) -> AsyncIterator[Difference]:
    """Ranges of numbers whose rows differ."""
    left, right = _stories(here), _stories(replayed)
    one, other = await anext(left, None), await anext(right, None)
    while one or other:
        first = min(story.first for story in (one, other) if story)
        # As far as neither side changes its story.
        ends = [story.last if story.first == first else story.first - 1 for story in (one, other) if story]
        last = min(ends)
        told = [story.told if story and story.first == first else None for story in (one, other)]
        if told[0] != told[1]:
            yield Difference(f"numbers {national(first)} to {national(last)}", told[0], told[1])
        one = await _after(left, one, last)
        other = await _after(right, other, last)


async def _after(stories: AsyncIterator[Story], current: Story | None, last: int) -> Story | None:
    """What is left of a story beyond that number, or the next one."""
    if current is None or current.first > last:
        return current
    if current.last > last:
        return Story(last + 1, current.last, current.told)
    return await anext(stories, None)


async def _stories(connection: Connection) -> AsyncIterator[Story]:
    held: Story | None = None
    async for row in connection.cursor(_STORIES, prefetch=_AT_ONCE):
        if held and row["first"] == held.last + 1 and row["story"] == held.told:
            held = Story(held.first, row["last"], held.told)
            continue
        if held:
            yield held
        held = Story(row["first"], row["last"], row["story"])
    if held:
        yield held


async def differing_cases(
    here: Connection, replayed: Connection, at: datetime, ids: Mapping[str, str]
) -> AsyncIterator[Difference]:
    """Cases that are in another state at that instant, or between others, or that one side does not have."""
    async for row in here.cursor(_CASES, at, prefetch=_AT_ONCE):
        case_id = row["case_id"]
        found = await replayed.fetchrow(_CASE, at, ids[case_id]) if case_id in ids else None
        one, other = _told(dict(row)), _told(dict(found)) if found else None
        if one != other:
            yield Difference(f"case {case_id}", one, other)
    known = await here.fetchval("SELECT count(*) FROM cases")
    count = await replayed.fetchval("SELECT count(*) FROM cases")
    if count > known:
        yield Difference("the number of cases", str(known), str(count))


def _told(case: dict[str, Any]) -> str:
    reported = sorted({*case["received"], *case["waived"]})
    more = [
        f"{name} {case[field]}"
        for name, field in (("network", "network"), ("target", "target_number"))
        if case[field] is not None
    ]
    return ", ".join(
        [
            f"{case['state']}, recipient {case['recipient']}, donor {case['donor']}",
            f"range holders {' '.join(case['range_holders'])}",
            f"time {format_time(case['effective_time'])}",
            *more,
            f"{case['number_count']} numbers ({case['numbers']})",
            f"expected {' '.join(sorted(case['expected'])) or 'of nobody'}",
            f"reported {' '.join(reported) or 'by nobody'}",
        ]
    )
