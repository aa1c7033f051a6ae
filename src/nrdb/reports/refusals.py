"""Refused messages, remembered for the daily report: who met which code. Never what stood in the message."""

from nrdb.db import Connection
from nrdb.errors import Code, Problem


def is_refusal(problem: Problem) -> bool:
    """Whether a rule refused the message: any 409, or a case that is not there for the sender. Not a wrong form."""
    return problem.status == 409 or problem.code is Code.UNKNOWN_CASE


async def record_refusal(connection: Connection, sender: str, type: str, code: str) -> None:  # noqa: A002 (its field)
    """One line, committed by itself: the message has changed nothing and its transaction is over."""
    await connection.execute(
        "INSERT INTO refusal (at, sender, type, code) VALUES (nrdb_now(), $1, $2, $3)", sender, type, code
    )
