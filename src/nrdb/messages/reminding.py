"""Reminding those whom a case waits for (S3 2.3.3, 2.6.1): who may, whom, and how often.

A reminder is no message: it changes nothing in the case, stands in no history, and is never replayed.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from nrdb.cases.case import NKOM, Case
from nrdb.cases.machine import events_in
from nrdb.cases.roles import Role
from nrdb.cases.words import STATE_WORDS
from nrdb.clock import format_time
from nrdb.errors import Code, Problem
from nrdb.texts import say

#: How long a case rests between two reminders; the instant at its end is allowed.
REST: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Reminder:
    """A code asks that those whom the case waits for be reminded."""

    sender: str
    case_id: str
    message_id: UUID = field(default_factory=uuid4)


def check_reminder(reminder: Reminder, case: Case, now: datetime) -> tuple[str, ...]:
    """The codes to remind in `case`, which is as time has left it. Raises `Problem` with the first refusal.

    Code 0 has no inbox, so it is not among them: where Nkom alone is waited for there are none.
    """
    _role(reminder, case)
    waited_for = _waited_for(case)
    _rested(case, now)
    return tuple(code for code in waited_for if code != NKOM)


def _role(reminder: Reminder, case: Case) -> None:
    """MT reminds; in a termination the holder that gives the numbers back."""
    role, code = (Role.HOLDER, case.donor) if case.kind == "termination" else (Role.MT, case.recipient)
    if reminder.sender != code:
        raise Problem(
            Code.ROLE_NOT_PERMITTED,
            say("{by} reminds in this case, not {sender}.", by=code, sender=reminder.sender),
            facts={"role": role, "by": [code], "sender": reminder.sender},
        )


def _waited_for(case: Case) -> tuple[str, ...]:
    """Whose answer, report or return the case waits for now."""
    match case.state:
        case "awaiting_donor":
            return (case.donor,)
        case "awaiting_completion":
            return case.missing
        case "awaiting_return":
            return case.range_holders
        case _:
            raise Problem(
                Code.CASE_STATE,
                say("The case {state}: there is nobody to remind.", state=STATE_WORDS[case.state]),
                facts={"state": case.state, "kind": case.kind, "allowed": list(events_in(case.kind, case.state))},
            )


def _rested(case: Case, now: datetime) -> None:
    if case.reminded_at is not None and now < (earliest := case.reminded_at + REST):
        raise Problem(
            Code.REMINDED_RECENTLY,
            say(
                "The last reminder in this case was sent {at}; the next may be from {earliest} on.",
                at=case.reminded_at,
                earliest=earliest,
            ),
            facts={"reminded_at": format_time(case.reminded_at), "earliest": format_time(earliest)},
        )
