"""Who may send what: the only table of it (contract section 2; S3 2.4.1: only the recipient cancels)."""

from collections.abc import Mapping
from enum import StrEnum

from nrdb.cases.case import NKOM, Case
from nrdb.cases.machine import Kind


class Role(StrEnum):
    """A sender's part in a case."""

    MT = "MT"
    AT = "AT"
    OAT = "OAT"
    HOLDER = "terminating holder"
    EXPECTED = "expected sender"
    CLEARINGHOUSE = "the clearinghouse"


ROLE_OF: Mapping[tuple[Kind, str], Role] = {
    ("porting", "NP_GODK"): Role.AT,
    ("porting", "NP_FBES"): Role.AT,
    ("porting", "NP_ENDR"): Role.MT,
    ("porting", "NP_ANNU"): Role.MT,
    ("porting", "NP_IVER"): Role.MT,
    ("porting", "NP_FIVE"): Role.EXPECTED,
    ("porting", "NP_FERD"): Role.EXPECTED,
    ("termination", "NP_ANNU"): Role.HOLDER,
    ("termination", "NP_FOPS"): Role.OAT,
    ("termination", "NP_TILB"): Role.OAT,
    ("termination", "5_TILB"): Role.CLEARINGHOUSE,
    ("five_digit", "NP_ANNU"): Role.MT,
    ("five_digit", "NP_FIVE"): Role.EXPECTED,
    ("five_digit", "5_FERD"): Role.EXPECTED,
}
#: What an expected sender sends once.
COMPLETION_REPORTS = frozenset({"NP_FERD", "5_FERD"})


def role_holders(case: Case, message_type: str) -> tuple[str, ...]:
    """The codes that have the role for this message. Until NP_IVER the donor counts as an expected sender."""
    match ROLE_OF[case.kind, message_type]:
        case Role.MT:
            return (case.recipient,) if case.recipient else ()
        case Role.AT | Role.HOLDER:
            return (case.donor,)
        case Role.OAT:
            return case.range_holders
        case Role.EXPECTED:
            # Who is no longer waited for says nothing any more.
            return tuple(code for code in case.expected if code not in case.waived) if case.told else (case.donor,)
        case Role.CLEARINGHOUSE:
            return (NKOM,)


def senders(case: Case, message_type: str) -> tuple[str, ...]:
    """The codes from which this message is still to come: those with the role, less those who have sent theirs.

    Nkom (code 0) has no keys and sends nothing itself.
    """
    codes = role_holders(case, message_type)
    if message_type in COMPLETION_REPORTS:
        missing = frozenset(case.missing)
        codes = tuple(code for code in codes if code in missing)
    return tuple(code for code in codes if code != NKOM)
