"""What a text must look like, as a pattern for machines and as a sentence for people. No pattern is shown to people."""

from collections.abc import Mapping
from typing import Final

from nrdb.texts import Sentence, say

PROVIDER_CODE: Final = r"^(?:0|[A-Z0-9]{2,8})$"
ROUTING_NUMBER: Final = r"^(?:\+[0-9]{3,15}|[0-9A-Fa-f]{1,15})$"
#: A number that is asked about. Whether the plan knows one of that length is another question.
NUMBER_ASKED_FOR: Final = r"^(\+47)?[0-9]{1,15}$"
EMAIL: Final = r"^[^@\s]+@[^@\s]+$"
PHONE: Final = r"^\+?[0-9 ]{3,19}$"
LAST_EVENT_ID: Final = r"^\s*\d{0,19}\s*$"

#: What would be right, for every pattern of a form, an address or a header.
PATTERNS: Final[Mapping[str, Sentence]] = {
    PROVIDER_CODE: say("must be a provider's code: 2 to 8 capital letters (A to Z) and digits, or 0 for Nkom"),
    ROUTING_NUMBER: say("must be a routing number: + and 3 to 15 digits, or at most 15 of the signs 0 to 9 and A to F"),
    NUMBER_ASKED_FOR: say("must be a number of at most 15 digits without spaces, with or without +47 before them"),
    EMAIL: say("must be an e-mail address, as in porting@provider.example"),
    PHONE: say("must be a telephone number: 3 to 19 digits and spaces, with or without + before them"),
    LAST_EVENT_ID: say("must be the id of the last event that was read, a whole number"),
}
