"""Who is told: the receivers of each message (contract section 2) and of what the clearinghouse announces."""

from collections.abc import Iterable

from nrdb.cases.case import NKOM, Case
from nrdb.messages.facts import Facts
from nrdb.messages.kinds import (
    AnyMessage,
    FiveIver,
    FiveOpps,
    NpAnnu,
    NpBest,
    NpEndr,
    NpFops,
    NpIver,
    NpOpps,
    NpTilb,
)


def told_of_execution(case: Case, facts: Facts) -> tuple[str, ...]:
    """Every active terminating provider, the donor and every range holder, each once, less the recipient and Nkom."""
    codes = {*facts.networks, case.donor, *facts.range_holders(case.numbers)}
    return tuple(sorted(codes - {case.recipient, NKOM}))


def told_of_return(case: Case, networks: Iterable[str]) -> tuple[str, ...]:
    """Every active terminating provider and the former holder, less the range holder, who says it."""
    return tuple(sorted({*networks, case.donor} - {*case.range_holders, NKOM}))


def receivers(message: AnyMessage, case: Case) -> tuple[str, ...]:
    """The codes that get the message in their inboxes; never the one that sent it."""
    match message:
        case NpBest() | NpEndr() | NpFops():
            codes: tuple[str, ...] = (case.donor,)
        case NpOpps() | FiveOpps():
            codes = case.range_holders
        case NpIver() | FiveIver() | NpTilb():
            codes = case.told
        case NpAnnu():
            codes = case.told or case.parties
        case _:
            codes = (case.recipient,) if case.recipient else ()
    return tuple(code for code in codes if code not in (message.sender, NKOM))
