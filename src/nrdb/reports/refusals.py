"""Refused messages, remembered: who met which code, for the daily report. Never what stood in the message.

A refusal is remembered before it is answered, because the same message may be under way to its acceptance elsewhere:
`refuse_message` finds one that has been accepted meanwhile, and one that comes to be written later finds the refusal.
"""

from collections.abc import Sequence

from nrdb.db import Connection
from nrdb.errors import Code, Problem
from nrdb.messages.kinds import AnyMessage


def is_refusal(problem: Problem) -> bool:
    """Whether a rule refused the message: any 409, or a case that is not there for the sender. Not a wrong form."""
    return problem.status == 409 or problem.code is Code.UNKNOWN_CASE


async def record_refusals(connection: Connection, refused: Sequence[tuple[AnyMessage, Problem]]) -> None:
    """These refusals, all of them. Raises a lost race where one of the messages has been accepted meanwhile."""
    await connection.execute(
        """
        SELECT refuse_message(sender, message_id, type, code)
          FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[]) AS r(sender, message_id, type, code)
        """,
        [message.sender for message, _ in refused],
        [message.message_id for message, _ in refused],
        [message.type for message, _ in refused],
        [problem.code for _, problem in refused],
    )
