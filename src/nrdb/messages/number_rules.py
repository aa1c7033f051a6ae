"""The rows of contract section 6 that are about numbers, in their order. Each raises one code, or returns."""

from collections.abc import Iterable, Sequence
from typing import Any

from nrdb.cases.case import NKOM
from nrdb.clock import format_time
from nrdb.errors import Code, Problem
from nrdb.messages.facts import Facts
from nrdb.messages.kinds import AnyOpening, FiveIver, NpBest
from nrdb.routing.numbers import NumberRange, count, is_five_digit, join, overlaps, subtract, touches
from nrdb.texts import Sentence, all_of, say

#: `facts.numbers` lists at most so many ranges; `facts.count` counts all.
RANGES_SHOWN = 100


def _refusal(code: Code, failing: Sequence[NumberRange], detail: Sentence, **more: Any) -> Problem:
    """The refusal, naming the failing numbers."""
    shown = [item.view() for item in failing[:RANGES_SHOWN]]
    return Problem(code, detail, facts={"numbers": shown, "count": count(failing), **more})


def right_length(message: AnyOpening) -> None:
    """Five-digit numbers have messages of their own (S3 2.7)."""
    if message.type.startswith("NP_"):
        if failing := [item for item in message.numbers if is_five_digit(item.first)]:
            detail = say(
                "Five-digit numbers are set up, ported and given back with 5_ messages, not with {type}.",
                type=message.type,
            )
            raise _refusal(Code.FIVE_DIGIT_MESSAGE_REQUIRED, failing, detail)
    elif failing := [item for item in message.numbers if not is_five_digit(item.first)]:
        raise _refusal(Code.FIVE_DIGIT_ONLY, failing, say("{type} is for five-digit numbers only.", type=message.type))


def known(numbers: Sequence[NumberRange], facts: Facts) -> None:
    """Every number lies in a series of the number plan."""
    if failing := subtract(numbers, facts.in_plan()):
        raise _refusal(Code.NUMBER_UNKNOWN, failing, say("These numbers are in no series of the number plan."))


def portable(numbers: Sequence[NumberRange], facts: Facts) -> None:
    """None lies in a blocked series (S3 2.10)."""
    if failing := overlaps(numbers, facts.in_plan(row for row in facts.plan if row.status == "blocked")):
        detail = say("These numbers lie in a series that is blocked for porting (TETRA, GSM-R).")
        raise _refusal(Code.NUMBER_NOT_PORTABLE, failing, detail)


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
    detail = say("One case holds one class of numbers; this message mixes {classes}.", classes=all_of(tuple(by_class)))
    raise _refusal(Code.MIXED_NUMBER_CLASSES, others, detail, classes=list(by_class))


def number_type_fits(message: NpBest, facts: Facts) -> None:
    """Type T in the fixed network has at least one additional number (S3 2.3.2.1)."""
    classes = set(class_ranges(message.numbers, facts))
    if message.number_type == "T" and classes & {"GEO", "NONGEO"} and not message.additional_numbers:
        raise Problem(
            Code.NUMBER_TYPE_MISMATCH,
            say(
                "Type T in the fixed network is a main number with at least one additional number; "
                "for one number use type E."
            ),
            facts={"number_type": message.number_type, "classes": sorted(classes)},
        )


def target_known(message: FiveIver, facts: Facts) -> None:
    """Calls are led to a number of the plan that is not blocked (S1)."""
    target = NumberRange(message.target_number, message.target_number)
    usable = facts.in_plan(row for row in facts.plan if row.status != "blocked")
    if not overlaps([target], usable):
        raise Problem(
            Code.TARGET_NUMBER_UNKNOWN,
            say("The target number is in no series of the number plan, or in a blocked one."),
            facts={"target_number": target.view()["first"]},
        )


def named_once(message: AnyOpening) -> None:
    """`main_number` may lie in a series; every other second mention fails."""
    main, *others = message.mentions
    mentions = others if overlaps([main], message.series_mentioned) else [main, *others]
    if failing := _repeated(mentions):
        raise _refusal(Code.DUPLICATE_NUMBER, failing, say("These numbers are named more than once."))


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
    if failing := [item for item in numbers if item.count > limit]:
        detail = say(
            "A block of more than {limit} consecutive numbers is not ported: "
            "Nkom moves it in the number plan to the new provider's code.",
            limit=limit,
        )
        raise _refusal(Code.BLOCK_TOO_LARGE, failing, detail, limit=limit)


def in_use(numbers: Sequence[NumberRange], facts: Facts) -> None:
    """Free numbers, which code 0 holds, are not ported (S3 2.3.1)."""
    if failing := overlaps(numbers, facts.held_by(NKOM)):
        detail = say("These numbers are free: code 0 (Nkom) holds them. Free numbers are assigned, not ported.")
        raise _refusal(Code.NUMBER_NOT_IN_USE, failing, detail)


def set_up_from_nkom(donor: str, numbers: Sequence[NumberRange], facts: Facts) -> None:
    """A five-digit number that nobody uses is set up with Nkom as the donor (S3 2.7.1)."""
    if donor != NKOM and (failing := overlaps(numbers, facts.held_by(NKOM))):
        detail = say("Nobody uses this number yet: its donor is '0' (Nkom), not {donor}.", donor=donor)
        raise _refusal(Code.DONOR_MUST_BE_NKOM, failing, detail, donor=donor)


def held_by(donor: str, numbers: Sequence[NumberRange], facts: Facts) -> None:
    """The donor, or the holder that gives numbers back, serves every one of them now."""
    if failing := subtract(numbers, facts.held_by(donor)):
        detail = say(
            "{donor} does not hold these numbers now. Only the provider that serves them can give them away.",
            donor=donor,
        )
        raise _refusal(Code.DONOR_NOT_HOLDER, failing, detail, donor=donor)


def other_provider(recipient: str, donor: str) -> None:
    """A porting goes to another provider."""
    if recipient == donor:
        raise Problem(
            Code.RECIPIENT_IS_DONOR,
            say("{recipient} serves these numbers already; there is nothing to port.", recipient=recipient),
            facts={"recipient": recipient, "donor": donor},
        )


def other_provider_or_change(message: FiveIver, facts: Facts) -> None:
    """The holder's own 5_IVER must change where calls are led (contract section 6)."""
    now = (message.network, message.target_number)
    if any((row.network, row.target_number) == now for row in facts.ported if row.numbers in message.numbers):
        other_provider(message.sender, message.donor)


def right_of_use(message: FiveIver, facts: Facts) -> None:
    """The right of use is not handed on without Nkom's consent (S1). The facts do not show who has it."""
    if facts.right_holder not in (None, message.right_holder.organisation_number):
        detail = say(
            "Another organisation has the right to use this number. "
            "It is handed on only with the consent of Nkom, which an administrator records."
        )
        raise _refusal(Code.RIGHT_HOLDER_DIFFERS, message.numbers, detail)


def ported(numbers: Sequence[NumberRange], holder: str, facts: Facts) -> None:
    """Only ported numbers go back; those of one's own series are there already (S3 2.8)."""
    if failing := overlaps(numbers, facts.in_plan(row for row in facts.plan if row.range_holder == holder)):
        detail = say(
            "{holder} is the range holder of these numbers: there is nobody to give them back to.", holder=holder
        )
        raise _refusal(Code.NOT_PORTED, failing, detail, range_holder=holder)


def one_range_holder(numbers: Sequence[NumberRange], facts: Facts) -> None:
    """One termination goes to one range holder."""
    holders = facts.range_holders(numbers)
    if len(holders) > 1:
        others = subtract(numbers, facts.in_plan(row for row in facts.plan if row.range_holder == holders[0]))
        detail = say(
            "These numbers go back to several range holders ({holders}): send one message for each.", holders=holders
        )
        raise _refusal(Code.RANGE_HOLDERS_DIFFER, others, detail, range_holders=list(holders))


def not_in_open_case(numbers: Sequence[NumberRange], facts: Facts) -> None:
    """One open case a number (S3 2.4.1, 2.4.2)."""
    failing = overlaps(numbers, join(row.numbers for row in facts.open_numbers))
    if not failing:
        return
    every = [row.until for row in facts.open_numbers if touches(row.numbers, failing)]
    ends = [at for at in every if at is not None]
    # Where one of them has no end, neither has the whole.
    until = max(ends) if len(ends) == len(every) else None
    raise _refusal(
        Code.NUMBER_IN_OPEN_CASE,
        failing,
        say("Another case for these numbers is open, at the latest until {until}.", until=until)
        if until
        else say("These numbers are being given back; they are free when their range holder has confirmed it."),
        until=format_time(until) if until else None,
    )
