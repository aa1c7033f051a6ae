"""Notices that are about no case: what the clearinghouse tells codes of the number plan and of each other."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from nrdb.cases.case import CLEARINGHOUSE
from nrdb.db import Connection


async def announce(connection: Connection, at: datetime, codes: Sequence[str], notice: str, **more: Any) -> None:
    """One notice into the inboxes of these codes."""
    message_id = uuid4()
    body = {"type": "NOTICE", "message_id": message_id, "sender": CLEARINGHOUSE, "notice": notice, **more}
    await connection.execute(
        """
        WITH line AS (
            INSERT INTO message_log (id, at, type, sender, message_id, body)
            VALUES (nextval('message_log_id_seq'), $1, 'NOTICE', $2, $3, $4) RETURNING id)
        INSERT INTO inbox (to_code, log_id) SELECT code, id FROM line, unnest($5::text[]) AS code
        """,
        at,
        CLEARINGHOUSE,
        message_id,
        body,
        list(codes),
    )
