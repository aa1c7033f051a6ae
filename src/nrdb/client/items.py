"""An item of the inbox, as whoever follows gets it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Item:
    """One place in the inbox. A type or a field that this client does not know is here like any other."""

    seq: int
    at: datetime
    to: str
    message: Mapping[str, Any]

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Self:
        """Raises `KeyError`, `TypeError` or `ValueError` for something that is no item."""
        message = found["message"]
        if not isinstance(message, dict):
            raise TypeError("the message of an item is an object")
        return cls(int(found["seq"]), datetime.fromisoformat(found["at"]), str(found["to"]), message)

    @property
    def type(self) -> str:
        """The type of the message, `NOTICE` for what the clearinghouse itself tells."""
        return str(self.message.get("type"))

    @property
    def notice(self) -> str | None:
        """What a NOTICE tells; None for a message."""
        return self.message.get("notice")

    @property
    def sender(self) -> str:
        """The code that sent it, `NRDB` for the clearinghouse."""
        return str(self.message.get("sender"))

    @property
    def message_id(self) -> str:
        """The sender's id of the message."""
        return str(self.message.get("message_id"))

    @property
    def case_id(self) -> str | None:
        """The case that it is about, where there is one."""
        return self.message.get("case_id")

    @property
    def case(self) -> Mapping[str, Any]:
        """The case as this message left it; empty where there is none."""
        return self.message.get("case") or {}
