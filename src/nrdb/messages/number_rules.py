"""The rows of contract section 6 that are about numbers, in their order. Each raises one code, or returns."""

from collections.abc import Iterable, Sequence
from typing import Any

from nrdb.clock import format_time
from nrdb.errors import Code, Problem
from nrdb.messages.facts import Facts
from nrdb.messages.kinds import NpBest
from nrdb.routing.numbers import NumberRange, count, is_five_digit, join, overlaps, subtract
from nrdb.timers.calendar import local_text

#: `facts.numbers` lists at most so many ranges; `facts.count` counts all.
RANGES_SHOWN = 100


def _refuse_numbers(
    code: Code, failing: Sequence[NumberRange], detail: str, more: dict[str, Any] | None = None
) -> None:
    """Raise `code` naming the failing numbers, if there are any."""
    if failing:
        shown = [item.view() for item in failing[:RANGES_SHOWN]]
        raise Problem(code, detail, facts={"numbers": shown, "count": count(failing), **(more or {})})


def no_five_digit_number(numbers: Sequence[NumberRange]) -> None:
    """Five-digit numbers have messages of their own (S3 2.7)."""
    failing = [item for item in numbers if is_five_digit(item.first)]
    detail = "Five-digit numbers are ported with 5_IVER, not with NP_BEST."
    _refuse_numbers(Code.FIVE_DIGIT_MESSAGE_REQUIRED, failing, detail)


def known(numbers: Sequence[NumberRange], facts: Facts) -> None:
    """Every number lies in a series of the number plan."""
    failing = subtract(numbers, facts.in_plan())
    _refuse_numbers(Code.NUMBER_UNKNOWN, failing, "These numbers are in no series of the number plan.")


def portable(numbers: Sequence[NumberRange], facts: Facts) -> None:
    """None lies in a blocked series (S3 2.10)."""
    blocked = facts.in_plan(row for row in facts.plan if row.status == "blocked")
    detail = "These numbers lie in a series that is blocked for porting (TETRA, GSM-R)."
    _refuse_numbers(Code.NUMBER_NOT_PORTABLE, overlaps(numbers, blocked), detail)


def class_ranges(numbers: Sequence[NumberRange], facts: Facts) -> dict[str, tuple[NumberRange, ...]]:
    """The numbers of each class, where there are any."""
    classes = sorted({row.number_class for row in facts.plan})
    if len(classes) == 1:
        return {classes[0]: tuple(numbers)}
    by_class = {
        name: overlaps(numbers, facts.in_plan(row for row in facts.plan if row.number_class == name))
        for name in classes
    }
    return {name: ranges for name, ranges in by_class.items() if ranges}


def one_class(numbers: Sequence[NumberRange], facts: Facts) -> None:
    """Geographic, non-geographic and mobile numbers never share a case (S3 2.3.2, 2.9)."""
    by_class = class_ranges(numbers, facts)
    if len(by_class) < 2:
        return
    main = max(by_class, key=lambda name: count(by_class[name]))
    others = join(item for name, ranges in by_class.items() if name != main for item in ranges)
    _refuse_numbers(
        Code.MIXED_NUMBER_CLASSES,
        others,
        f"One case holds one class of numbers; this order mixes {' and '.join(by_class)}.",
        {"classes": list(by_class)},
    )


def number_type_fits(message: NpBest, facts: Facts) -> None:
    """Type T in the fixed network has at least one additional number (S3 2.3.2.1)."""
    classes = set(class_ranges(message.numbers, facts))
    if message.number_type == "T" and classes & {"GEO", "NONGEO"} and not message.additional_numbers:
        raise Problem(
            Code.NUMBER_TYPE_MISMATCH,
            "Type T in the fixed network is a main number with at least one additional number; "
            "for one number use type E.",
            facts={"number_type": message.number_type, "classes": sorted(classes)},
        )


def named_once(message: NpBest) -> None:
    """`main_number` may lie in a series; every other second mention fails."""
    main, *others = message.mentions
    series = [item.numbers for item in message.series] if message.number_type != "E" else []
    mentions = others if overlaps([main], series) else [main, *others]
    _refuse_numbers(Code.DUPLICATE_NUMBER, _repeated(mentions), "These numbers are named more than once.")


def _repeated(mentions: Iterable[NumberRange]) -> tuple[NumberRange, ...]:
    repeated: list[NumberRange] = []
    reach = -1
    for item in sorted(mentions):
        if item.first <= reach:
            repeated.append(NumberRange(item.first, min(item.last, reach)))
        reach = max(reach, item.last)
    return join(repeated)


def block_size(limit: int, numbers: Sequence[NumberRange]) -> None:
    """No more consecutive numbers than the limit, once everything is joined (S3 2.9)."""
    failing = [item for item in numbers if item.count > limit]
    detail = (
        f"A block of more than {limit} consecutive numbers is not ported: "
        "Nkom moves it in the number plan to the new provider's code."
    )
    _refuse_numbers(Code.BLOCK_TOO_LARGE, failing, detail, {"limit": limit})


def in_use(numbers: Sequence[NumberRange], facts: Facts) -> None:
    """Free numbers, which code 0 holds, are not ported (S3 2.3.1)."""
    detail = "These numbers are free: code 0 (Nkom) holds them. Free numbers are assigned, not ported."
    _refuse_numbers(Code.NUMBER_NOT_IN_USE, overlaps(numbers, facts.held_by("0")), detail)


def held_by(donor: str, numbers: Sequence[NumberRange], facts: Facts) -> None:
    """The donor serves every number now."""
    failing = subtract(numbers, facts.held_by(donor))
    detail = f"{donor} does not hold these numbers now. The donor is the provider that serves them."
    _refuse_numbers(Code.DONOR_NOT_HOLDER, failing, detail, {"donor": donor})


def other_provider(recipient: str, donor: str) -> None:
    """A porting goes to another provider."""
    if recipient == donor:
        raise Problem(
            Code.RECIPIENT_IS_DONOR,
            f"{recipient} serves these numbers already; there is nothing to port.",
            facts={"recipient": recipient, "donor": donor},
        )


def not_in_open_case(numbers: Sequence[NumberRange], facts: Facts) -> None:
    """One open case a number (S3 2.4.1, 2.4.2)."""
    hits = overlaps(numbers, join(row.numbers for row in facts.open_numbers))
    if hits:
        until = max(row.until for row in facts.open_numbers)
        _refuse_numbers(
            Code.NUMBER_IN_OPEN_CASE,
            hits,
            f"Another case for these numbers is open, at the latest until {local_text(until)}.",
            {"until": format_time(until)},
        )
