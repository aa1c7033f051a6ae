"""Who may send what: the only table of it (contract section 2; S3 2.4.1: only the recipient cancels)."""

from collections.abc import Mapping
from enum import StrEnum

from nrdb.cases.case import Case


class Role(StrEnum):
    """A sender's part in a porting case."""

    MT = "MT"
    AT = "AT"
    EXPECTED = "expected sender"


ROLE_OF: Mapping[str, Role] = {
    "NP_GODK": Role.AT,
    "NP_FBES": Role.AT,
    "NP_ENDR": Role.MT,
    "NP_ANNU": Role.MT,
    "NP_IVER": Role.MT,
    "NP_FIVE": Role.EXPECTED,
    "NP_FERD": Role.EXPECTED,
}


def role_holders(case: Case, message_type: str) -> tuple[str, ...]:
    """The codes that have the role for this message. Until NP_IVER the donor counts as an expected sender."""
    match ROLE_OF[message_type]:
        case Role.MT:
            return (case.recipient,)
        case Role.AT:
            return (case.donor,)
        case Role.EXPECTED:
            return case.expected if case.told else (case.donor,)


def senders(case: Case, message_type: str) -> tuple[str, ...]:
    """The codes from which this message is still to come: those with the role, less those who have sent theirs."""
    codes = role_holders(case, message_type)
    return tuple(code for code in codes if code in case.missing) if message_type == "NP_FERD" else codes
