"""The order of the acts. Each begins at a later hour of the sandbox clock than the one before it ends."""

from collections.abc import Callable
from dataclasses import dataclass

from nrdb.demo import market
from nrdb.demo.acts import (
    books,
    delivery,
    engines,
    five_digit,
    plan,
    porting,
    proof,
    refusals,
    robots,
    terminations,
    tools,
    volume,
    wire,
)
from nrdb.demo.stage import Stage


@dataclass(frozen=True, slots=True)
class Act:
    """A title and its story; the story returns in a few words how it ended."""

    title: str
    play: Callable[[Stage], str]


OPENING = Act("The market opens", market.opens)
KILL = Act("Killed in the middle", proof.killed_in_the_middle)
ACTS = (
    Act("A number moves", porting.a_number_moves),
    Act("Sent twice", wire.sent_twice),
    Act("Refused with the right owner", refusals.wrong_owner),
    Act("A secret number", refusals.secret_number),
    Act("Wrong forms, strangers", wire.wrong_forms),
    Act("Changed", porting.changed),
    Act("Cancelled in time, and too late", porting.cancelled),
    Act("Obsolete, and ordered again", porting.obsolete),
    Act("Never portable", refusals.never_portable),
    Act("10,000 numbers, and the full day", volume.ten_thousand),
    Act("On to a third, and home", porting.on_and_home),
    Act("A borrowed network", porting.borrowed_network),
    Act("Two want one number", volume.two_want_one),
    Act("8 and 12 digits in one case", volume.several_numbers),
    Act("Reading the inbox", wire.reading_the_inbox),
    KILL,
    Act("A five-digit number", five_digit.set_up_and_moved),
    Act("Another organisation wants it", five_digit.another_organisation),
    Act("Led elsewhere, given back", five_digit.led_elsewhere),
    Act("Given back", terminations.given_back),
    Act("A return refused", terminations.not_given_back),
    Act("A return stopped, and too late", terminations.stopped),
    Act("Back to Nkom, and assigned anew", terminations.back_to_nkom),
    Act("Friday afternoon", refusals.friday_afternoon),
    Act("A batch", tools.a_batch),
    Act("Asked first", tools.asked_first),
    Act("På norsk", tools.in_norwegian),
    Act("Part of a series is sold", plan.part_of_a_series_is_sold),
    Act("Codes merge", plan.codes_merge),
    Act("A report never comes", plan.a_report_never_comes),
    Act("Pushed to an address", delivery.pushed),
    Act("The reports", books.the_reports),
    Act("Alone with robots", robots.alone_with_robots),
    Act("Followed all along", delivery.followed_all_along),
    Act("The books agree", proof.the_books_agree),
    Act("By HTTP, DNS and SIP", engines.asked_in_three_ways),
)


def program(*, kill: bool) -> tuple[Act, ...]:
    """The acts of this performance, after the opening."""
    return ACTS if kill else tuple(act for act in ACTS if act is not KILL)
