"""The states of a case in words, for the sentences that people read. Facts carry their names."""

from collections.abc import Mapping
from typing import Final

from nrdb.texts import Sentence, say

#: What stands after "the case".
STATE_WORDS: Final[Mapping[str, Sentence]] = {
    "awaiting_donor": say("waits for the donor"),
    "awaiting_recipient": say("waits for the recipient"),
    "scheduled": say("is scheduled"),
    "awaiting_completion": say("waits for completions"),
    "completed": say("is completed"),
    "rejected": say("is rejected"),
    "cancelled": say("is cancelled"),
    "obsolete": say("is obsolete"),
    "awaiting_termination": say("waits for its termination time"),
    "awaiting_return": say("waits for the return of its numbers"),
    "returned": say("has ended: its numbers are returned"),
}
