"""The rows of contract section 6 about role and state, for messages about a case. Each raises one code, or returns."""

from datetime import datetime

from nrdb.cases.case import Case, settled
from nrdb.cases.machine import events_in, reached_by_time, states_for
from nrdb.cases.roles import COMPLETION_REPORTS, ROLE_OF, role_holders
from nrdb.cases.words import STATE_WORDS
from nrdb.errors import Code, Problem
from nrdb.messages import time_rules
from nrdb.messages.kinds import AnyCaseMessage, NpFbes, NpGodk
from nrdb.rulebook import Rulebook
from nrdb.texts import any_of, say


def role(message: AnyCaseMessage, case: Case) -> None:
    """The sender has the role that the message belongs to. A kind without such a message knows no role for it."""
    of_message = ROLE_OF.get((case.kind, message.type))
    if of_message is None or message.sender in (holders := role_holders(case, message.type)):
        return
    raise Problem(
        Code.ROLE_NOT_PERMITTED,
        say(
            "{type} is sent by {by} in this case, not by {sender}.",
            type=message.type,
            by=any_of(holders, say("nobody")),
            sender=message.sender,
        ),
        facts={"role": of_message, "by": list(holders), "sender": message.sender},
    )


def not_sent_before(message: AnyCaseMessage, case: Case) -> None:
    """Each expected sender reports completion once."""
    if message.type in COMPLETION_REPORTS and (case.kind, message.type) in ROLE_OF and message.sender in case.received:
        raise Problem(
            Code.ALREADY_SENT,
            say("{sender} has already reported {type} in this case.", sender=message.sender, type=message.type),
            facts={"sender": message.sender, "missing": list(case.missing)},
        )


def state(rulebook: Rulebook, message: AnyCaseMessage, case: Case, now: datetime) -> None:
    """The state must allow the message; where time makes the difference, the time rule answers."""
    current = settled(case, now)
    allowed_in = states_for(case.kind, message.type)
    if current.state in allowed_in:
        return
    if current.entered_from in allowed_in:
        time_rules.stop_in_time(rulebook, message.type, case, now)
        raise time_rules.time_passed(message.type, case)
    if reached_by_time(case.kind, current.state, all_done=not current.missing) in allowed_in:
        raise time_rules.too_early(rulebook, message.type, case)
    allowed = events_in(case.kind, current.state)
    raise Problem(
        Code.CASE_STATE,
        say(
            "The case {state}: {type} is not possible now. Possible now: {allowed}.",
            state=STATE_WORDS[current.state],
            type=message.type,
            allowed=any_of(allowed, say("nothing")),
        ),
        facts={"state": current.state, "kind": case.kind, "allowed": list(allowed)},
    )


def newest(message: AnyCaseMessage, case: Case) -> None:
    """An answer is to the newest order."""
    if isinstance(message, NpGodk | NpFbes) and message.answers not in (None, case.newest_order):
        raise Problem(
            Code.STALE_ANSWER,
            say("The order has been changed since: look at the newest one and answer that."),
            facts={"newest": str(case.newest_order), "answers": str(message.answers)},
        )
