"""The right of use of a five-digit number (S1): a record of the number, which a porting may not change by itself."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nrdb.clock import format_time
from nrdb.db import Connection
from nrdb.routing.numbers import national
from nrdb.vault import Vault


@dataclass(frozen=True, slots=True)
class RightOfUse:
    """Who may use a number, and since when; what has been erased is None."""

    number: int
    organisation_number: str | None
    name: str | None
    since: datetime

    def view(self, *, name: bool) -> dict[str, Any]:
        """As answers write it; the name is for the holder of the number and the parties of its open case alone."""
        return {
            "number": national(self.number),
            "organisation_number": self.organisation_number,
            "name": self.name if name else None,
            "since": format_time(self.since),
        }


async def read_right(connection: Connection, number: int, vault: Vault) -> RightOfUse | None:
    """The right of use that is on record now."""
    row = await connection.fetchrow(
        "SELECT sealed, since FROM right_of_use WHERE number = $1 AND until IS NULL", number
    )
    if row is None:
        return None
    holder = vault.open(row["sealed"]) or {}
    return RightOfUse(number, holder.get("organisation_number"), holder.get("name"), row["since"])


async def set_right(
    connection: Connection, number: int, at: datetime, *, organisation_number: str, name: str, vault: Vault
) -> RightOfUse:
    """Somebody has the right of use from now on; the record before ends."""
    await connection.execute("UPDATE right_of_use SET until = $2 WHERE number = $1 AND until IS NULL", number, at)
    sealed = vault.seal({"organisation_number": organisation_number, "name": name})
    await connection.execute("INSERT INTO right_of_use (number, sealed, since) VALUES ($1, $2, $3)", number, sealed, at)
    return RightOfUse(number, organisation_number, name, at)


async def concerned(connection: Connection, number: int) -> frozenset[str] | None:
    """The holder of a number and the parties of its open case; None where the number is not in the plan."""
    row = await connection.fetchrow(
        """
        SELECT r.holder,
               (SELECT ARRAY[c.recipient, c.donor] FROM case_numbers n JOIN cases c USING (case_id)
                 WHERE n.numbers @> $1::bigint AND n.during @> w.now) AS parties
          FROM (SELECT nrdb_now() AS now) w
          JOIN routing_of($1, $1) r ON r.valid_from <= w.now AND w.now < r.valid_until
        """,
        number,
    )
    return frozenset(filter(None, (row["holder"], *(row["parties"] or ())))) if row else None
