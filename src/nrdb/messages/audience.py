"""Who is told: the receivers of each message (contract section 2) and of what the clearinghouse announces."""

from nrdb.cases.case import Case
from nrdb.messages.facts import Facts
from nrdb.messages.kinds import AnyCaseMessage, NpAnnu, NpBest, NpEndr, NpIver

#: The provider code of Nkom: it has no inbox and reports nothing.
NKOM = "0"


def told_of_execution(case: Case, facts: Facts) -> tuple[str, ...]:
    """Every active terminating provider, the donor and every range holder, each once, less the recipient and Nkom."""
    codes = {*facts.networks, case.donor, *facts.range_holders(case.numbers)}
    return tuple(sorted(codes - {case.recipient, NKOM}))


def receivers(message: NpBest | AnyCaseMessage, case: Case) -> tuple[str, ...]:
    """The codes that get the message in their inboxes; never the one that sent it."""
    match message:
        case NpBest() | NpEndr():
            codes: tuple[str, ...] = (case.donor,)
        case NpIver() | NpAnnu():
            codes = case.told or (case.donor,)
        case _:
            codes = (case.recipient,)
    return tuple(code for code in codes if code not in (message.sender, NKOM))


def parties(case: Case) -> tuple[str, ...]:
    """MT and AT, who get the notices of a case."""
    return tuple(code for code in (case.recipient, case.donor) if code != NKOM)
