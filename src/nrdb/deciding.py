"""One message and its facts, decided: the part of the intake that touches no database.

The order is the contract's (section 1): the key, the sender, a replay, then the rules. What follows is collected in an
`Outcome`; the intake writes it.
"""

from dataclasses import dataclass
from typing import Any

import asyncpg

from nrdb.cases.case import Case
from nrdb.cases.facts import Loaded
from nrdb.cases.outcome import Outcome
from nrdb.cases.view import told_warnings
from nrdb.clock import format_time
from nrdb.errors import Code, Problem, unauthenticated
from nrdb.messages import consequences
from nrdb.messages.kinds import AnyCaseMessage, AnyMessage, FiveIver, FiveOpps, NpBest, NpOpps
from nrdb.messages.reminding import Reminder, check_reminder
from nrdb.messages.rules import Rules, check_case_message, check_opening
from nrdb.texts import say
from nrdb.vault import Vault


@dataclass(frozen=True, slots=True)
class Answer:
    """What the sender is told: 201 with the body, or 200 when the message had been accepted before.

    The warnings of the body are not yet in any language.
    """

    body: dict[str, Any]
    replayed: bool


def check_sender(message: AnyMessage | Reminder, loaded: Loaded) -> None:
    """The key is live and the sender's code is active at the instant of the decision. Raises 401 or 403."""
    if not loaded.key_live:
        raise unauthenticated()
    if not loaded.sender_active:
        raise Problem(
            Code.PROVIDER_INACTIVE,
            say("The provider code {sender} is inactive: it may read, but not send.", sender=message.sender),
        )


def check_replay(message: AnyMessage, digest: bytes, vault: Vault) -> None:
    """A message was accepted under this id. Raises `duplicate-message` where it was another one."""
    content = consequences.content_of(message)
    # The first release stored the content's own digest.
    if digest not in (vault.mac(content), content):
        raise Problem(
            Code.DUPLICATE_MESSAGE,
            say(
                "{sender} has sent another message under this message_id. Use a new UUID for a new message.",
                sender=message.sender,
            ),
            facts={"message_id": str(message.message_id), "sender": message.sender},
        )


def first_answer(row: asyncpg.Record, sender: str, vault: Vault) -> Answer:
    """What was answered the first time, with the customer as he was then (null once he has been erased)."""
    view = row["case_after"]
    personal = vault.open(row["sealed"])
    if sender in (view["recipient"], view["donor"]):
        view["customer"] = personal["customer"] if personal else None
    view["warnings"] = told_warnings(view["warnings"])
    body = {
        "message_id": str(row["message_id"]),
        "type": row["type"],
        "accepted_at": format_time(row["at"]),
        "case": view,
        "warnings": told_warnings(row["warnings"]),
    }
    return Answer(body, replayed=True)


def decide(rules: Rules, message: AnyMessage, loaded: Loaded, outcome: Outcome) -> Case:
    """The case as the message leaves it; what follows stands in the outcome.

    Raises `Problem` with the first refusal that applies. The outcome then holds what time had done to the case before:
    that is true whatever becomes of the message.
    """
    if isinstance(message, NpBest | FiveIver | NpOpps | FiveOpps):
        check_opening(rules, message, loaded.facts, loaded.now)
        return consequences.open_case(rules, message, loaded.facts, outcome)
    stored = _visible(message, loaded)
    settled = _settled(rules, stored, loaded, outcome)
    check_case_message(rules, message, stored, loaded.facts, outcome.decided_at)
    return consequences.step(rules, message, settled, loaded.facts, outcome)


def remind(rules: Rules, reminder: Reminder, loaded: Loaded, outcome: Outcome) -> tuple[str, ...]:
    """The codes that are reminded of the case, which may be none. Raises `Problem` as `decide` does."""
    case = _settled(rules, _visible(reminder, loaded), loaded, outcome)
    codes = check_reminder(reminder, case, outcome.decided_at)
    if codes:
        consequences.remind(rules, case, codes, outcome)
    return codes


def _settled(rules: Rules, stored: Case, loaded: Loaded, outcome: Outcome) -> Case:
    """The case with what time had done to it before anything else is decided."""
    outcome.before[stored.case_id] = stored
    outcome.customer_logs[stored.case_id] = loaded.customer_log
    outcome.decided_at = max(loaded.now, stored.updated_at)
    return consequences.settle(rules, stored, outcome.decided_at, outcome)


def _visible(message: AnyCaseMessage | Reminder, loaded: Loaded) -> Case:
    if loaded.case is None or not loaded.case.visible_to(message.sender):
        raise unknown_case()
    return loaded.case


def unknown_case() -> Problem:
    """The same words whether the case does not exist or is not visible, so that nobody can tell."""
    return Problem(Code.UNKNOWN_CASE, say("There is no such case, or it is not visible to you."))


def answer(outcome: Outcome, case: Case, message: AnyMessage) -> Answer:
    """What the sender of an accepted message is told."""
    entry = next(entry for entry in outcome.entries if entry.message_id == message.message_id)
    view = dict(entry.case_after or {})
    if message.sender in (case.recipient, case.donor):
        view["customer"] = case.customer
    view["warnings"] = told_warnings(view.get("warnings", ()))
    body = {
        "message_id": str(entry.message_id),
        "type": entry.type,
        "accepted_at": format_time(entry.at),
        "case": view,
        "warnings": told_warnings(entry.warnings),
    }
    return Answer(body, replayed=False)
