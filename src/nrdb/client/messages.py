"""The messages of the contract as types, for editors and type checkers. A message is a plain dictionary.

`message_id` and `sender` may be left out: `Client.send` fills them in. Times are aware `datetime`s or RFC 3339 texts.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NotRequired, TypedDict
from uuid import UUID

Time = datetime | str


class Range(TypedDict):
    """Numbers from first to last, both included."""

    first: str
    last: str


class Customer(TypedDict):
    """Exactly one of the two beside the name."""

    name: str
    birth_date: NotRequired[str]
    organisation_number: NotRequired[str]


class RightHolder(TypedDict):
    """Who has the right to use a five-digit number."""

    name: str
    organisation_number: str


class Expected(TypedDict, total=False):
    """What would have been right, as the reason asks for."""

    name: str
    birth_date: str
    organisation_number: str
    numbers: Sequence[Range]
    number_type: Literal["E", "T", "S"]
    porting_time: Time


class _Common(TypedDict):
    message_id: NotRequired[str | UUID]
    sender: NotRequired[str]


class _OfCase(_Common):
    case_id: str


class NpBest(_Common):
    """Order numbers from the donor."""

    type: Literal["NP_BEST"]
    donor: str
    number_type: Literal["E", "T", "S"]
    main_number: str
    additional_numbers: NotRequired[Sequence[str]]
    series: NotRequired[Sequence[Range]]
    porting_time: Time
    customer: Customer
    authorisation_reference: str


class NpGodk(_OfCase):
    """Approve the order."""

    type: Literal["NP_GODK"]
    answers: NotRequired[str | UUID]


class NpFbes(_OfCase):
    """Refuse the order, for one reason."""

    type: Literal["NP_FBES"]
    answers: NotRequired[str | UUID]
    reason: str
    expected: NotRequired[Expected]
    secret_number: NotRequired[bool]
    comment: NotRequired[str]


class NpEndr(_OfCase):
    """Change the order."""

    type: Literal["NP_ENDR"]
    porting_time: NotRequired[Time]
    customer: NotRequired[Customer]


class NpAnnu(_OfCase):
    """Cancel."""

    type: Literal["NP_ANNU"]


class NpIver(_OfCase):
    """Execute at the porting time."""

    type: Literal["NP_IVER"]
    network: NotRequired[str]


class NpFive(_OfCase):
    """Report an error in the execution."""

    type: Literal["NP_FIVE"]
    comment: str


class NpFerd(_OfCase):
    """Routing is done."""

    type: Literal["NP_FERD"]


class NpOpps(_Common):
    """Give numbers back to their range holder."""

    type: Literal["NP_OPPS"]
    main_number: str
    additional_numbers: NotRequired[Sequence[str]]
    series: NotRequired[Sequence[Range]]
    termination_time: Time


class NpFops(_OfCase):
    """Refuse a termination."""

    type: Literal["NP_FOPS"]
    reason: str
    comment: NotRequired[str]


class NpTilb(_OfCase):
    """The numbers are taken back."""

    type: Literal["NP_TILB"]


class FiveIver(_Common):
    """Set up or port a five-digit number."""

    type: Literal["5_IVER"]
    main_number: str
    donor: str
    porting_time: Time
    target_number: str
    right_holder: RightHolder
    network: NotRequired[str]


class FiveFerd(_OfCase):
    """Routing of a five-digit number is done."""

    type: Literal["5_FERD"]


class FiveOpps(_Common):
    """Give a five-digit number back."""

    type: Literal["5_OPPS"]
    main_number: str
    termination_time: Time


class FiveTilb(_OfCase):
    """Only the clearinghouse itself sends it."""

    type: Literal["5_TILB"]


Message = (
    NpBest | NpGodk | NpFbes | NpEndr | NpAnnu | NpIver | NpFive | NpFerd | NpOpps | NpFops | NpTilb | FiveIver
    | FiveFerd | FiveOpps | FiveTilb
)  # fmt: skip
