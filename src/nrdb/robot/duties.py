"""What a code owes in a case, from what its inbox brings or from the case itself: both say the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Self
from uuid import NAMESPACE_URL, uuid5

from nrdb.client import Item

Kind = Literal["order", "execution", "termination"]

_OURS = uuid5(NAMESPACE_URL, "nrdb:robot")
_DEMANDS: Mapping[str, Kind] = {
    "NP_BEST": "order",
    "NP_ENDR": "order",
    "NP_IVER": "execution",
    "5_IVER": "execution",
    "NP_OPPS": "termination",
}
#: Orders, among the types of a history.
ORDERS = frozenset({"NP_BEST", "NP_ENDR"})
#: With these (a NOTICE by what it tells) nobody owes anything any more.
ENDS = frozenset({"NP_ANNU", "NP_FBES", "NP_FOPS", "obsolete", "completed"})


@dataclass(frozen=True, slots=True)
class Duty:
    """Something to be answered. `asked` is when it was asked for, `from_` the first instant that allows the answer.

    `order` is the message that an approval or a refusal answers.
    """

    kind: Kind
    case_id: str
    case: Mapping[str, Any]
    asked: datetime
    from_: datetime
    order: str | None = None

    @classmethod
    def of_item(cls, item: Item) -> Self | None:
        """What an item of the inbox asks for."""
        kind = _DEMANDS.get(item.type)
        if kind is None or item.case_id is None:
            return None
        order = item.message_id if kind == "order" else None
        return cls(kind, item.case_id, item.case, item.at, _from(kind, item.case, item.at), order)

    @classmethod
    def of_case(cls, case: Mapping[str, Any], code: str, order: Mapping[str, Any] | None = None) -> Self | None:
        """What a case asks for now. `order` is the line of its history with the newest order."""
        kind = kind_owed(case, code)
        if kind is None:
            return None
        asked = datetime.fromisoformat((order or {"at": case["created_at"]})["at"])
        return cls(kind, case["case_id"], case, asked, _from(kind, case, asked), order["message_id"] if order else None)

    @property
    def key(self) -> tuple[str, Kind]:
        """A case asks a code for one thing of a kind at a time."""
        return self.case_id, self.kind

    @property
    def main_number(self) -> str:
        """The number that chance hangs on."""
        return str(self.case["main_number"])

    @property
    def done_by(self) -> str:
        """The type of the message that fulfils it."""
        if self.kind == "execution":
            return "5_FERD" if self.case["kind"] == "five_digit" else "NP_FERD"
        return "NP_GODK" if self.kind == "order" else "NP_TILB"

    def message_id(self, code: str, type_: str, nth: int = 0) -> str:
        """The same each time, so that a message sent again is a replay, whoever sends it and after whatever."""
        return str(uuid5(_OURS, f"{code} {self.case_id} {type_} {self.order} {nth}"))


def kind_owed(case: Mapping[str, Any], code: str) -> Kind | None:
    """What kind of answer the case waits for from this code, now or when its time comes."""
    state = case["state"]
    if state == "awaiting_donor" and case["donor"] == code:
        return "order"
    if state in ("scheduled", "awaiting_completion") and code in case["completion"]["missing"]:
        return "execution"
    if state in ("awaiting_termination", "awaiting_return") and code in case["range_holders"]:
        return "termination"
    return None


def _from(kind: Kind, case: Mapping[str, Any], asked: datetime) -> datetime:
    """An order may be answered at once; what is done at a time, from that time on."""
    if kind == "order":
        return asked
    return datetime.fromisoformat(case["termination_time" if kind == "termination" else "porting_time"])
