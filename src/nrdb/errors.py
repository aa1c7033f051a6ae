"""Every answer that is not a success, as one exception and one catalogue.

The catalogue is the only list of codes: it gives each its HTTP status, its title, the rule and the source it
rests on, and the text of the page that its `type` points to. Section 6 of the contract orders the refusals; the
enum keeps that order, so that "the first that applies" can be read here. Nothing in this module knows HTTP
beyond the number of the status: `api.problems` is the only place that renders.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from nrdb.texts import Sentence


class ConfigurationError(Exception):
    """The service cannot start as it is configured; the text says which setting and what would be right."""


class UnusableError(Exception):
    """A database or a port that cannot be had."""


class Code(StrEnum):
    """All codes. The refusals stand in the order in which they are decided (contract section 6)."""

    # The edge, in deciding order (contract section 1).
    UNAUTHENTICATED = "unauthenticated"
    ROLE_NOT_PERMITTED_HERE = "role-not-permitted-here"
    BODY_TOO_LARGE = "body-too-large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported-media-type"
    NOT_JSON = "not-json"
    INVALID_MESSAGE = "invalid-message"
    SENDER_NOT_YOURS = "sender-not-yours"
    PROVIDER_INACTIVE = "provider-inactive"
    DUPLICATE_MESSAGE = "duplicate-message"
    # The rulebook, in deciding order (contract section 6).
    UNKNOWN_CASE = "unknown-case"
    ROLE_NOT_PERMITTED = "role-not-permitted"
    ALREADY_SENT = "already-sent"
    CASE_STATE = "case-state"
    STALE_ANSWER = "stale-answer"
    NETWORK_NOT_USABLE = "network-not-usable"
    FIVE_DIGIT_MESSAGE_REQUIRED = "five-digit-message-required"
    FIVE_DIGIT_ONLY = "five-digit-only"
    NUMBER_UNKNOWN = "number-unknown"
    NUMBER_NOT_PORTABLE = "number-not-portable"
    MIXED_NUMBER_CLASSES = "mixed-number-classes"
    NUMBER_TYPE_MISMATCH = "number-type-mismatch"
    TARGET_NUMBER_UNKNOWN = "target-number-unknown"
    DUPLICATE_NUMBER = "duplicate-number"
    BLOCK_TOO_LARGE = "block-too-large"
    NUMBER_NOT_IN_USE = "number-not-in-use"
    DONOR_MUST_BE_NKOM = "donor-must-be-nkom"
    DONOR_NOT_HOLDER = "donor-not-holder"
    RECIPIENT_IS_DONOR = "recipient-is-donor"
    RIGHT_HOLDER_DIFFERS = "right-holder-differs"
    NOT_PORTED = "not-ported"
    RANGE_HOLDERS_DIFFER = "range-holders-differ"
    NUMBER_IN_OPEN_CASE = "number-in-open-case"
    PORTING_TIME_PASSED = "porting-time-passed"
    PORTING_TIME_TOO_EARLY = "porting-time-too-early"
    PORTING_TIME_TOO_LATE = "porting-time-too-late"
    STOP_TOO_LATE = "stop-too-late"
    TERMINATION_TIME_TOO_EARLY = "termination-time-too-early"
    TERMINATION_TIME_TOO_LATE = "termination-time-too-late"
    TOO_EARLY_TO_COMPLETE = "too-early-to-complete"
    TOO_EARLY_TO_RETURN = "too-early-to-return"
    DAILY_CAP_EXCEEDED = "daily-cap-exceeded"
    REASON_NOT_PERMITTED = "reason-not-permitted"
    EXPECTED_VALUE_MISSING = "expected-value-missing"
    SECRET_NUMBER_DISCLOSED = "secret-number-disclosed"  # noqa: S105 (a code, no password)
    # Administration (contract section 8).
    CODE_EXISTS = "code-exists"
    PROVIDER_IN_USE = "provider-in-use"
    SERIES_OVERLAP = "series-overlap"
    SERIES_IN_OPEN_CASE = "series-in-open-case"
    SERIES_HAS_PORTED_NUMBERS = "series-has-ported-numbers"
    TRANSFER_CONFLICT = "transfer-conflict"
    TRANSFER_TO_ITSELF = "transfer-to-itself"
    EFFECTIVE_TIME_PASSED = "effective-time-passed"
    CLOCK_BACKWARDS = "clock-backwards"
    # What any server may answer.
    NOT_FOUND = "not-found"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class CodeInfo:
    """What a code means: the HTTP `status`, a `title`, an explanation, and the rule and source it rests on."""

    status: int
    title: str
    text: str
    rule: str | None = None
    source: str | None = None


_ORDER_CLASSES = "S3 2.3.2, 2.9"

CATALOGUE: Mapping[Code, CodeInfo] = {
    Code.UNAUTHENTICATED: CodeInfo(
        401,
        "No valid key",
        "Send 'Authorization: Bearer <key>' with a key that is neither revoked nor expired.",
    ),
    Code.ROLE_NOT_PERMITTED_HERE: CodeInfo(
        403,
        "Your role may not do this",
        "Providers post messages and read their own; operators read everything; admins administer and read.",
    ),
    Code.BODY_TOO_LARGE: CodeInfo(413, "The body is too large", "A message is at most 1 MiB."),
    Code.UNSUPPORTED_MEDIA_TYPE: CodeInfo(
        415, "The body is not declared as JSON", "Send 'Content-Type: application/json'."
    ),
    Code.NOT_JSON: CodeInfo(400, "The body is not JSON", "The body must be one JSON object in UTF-8."),
    Code.INVALID_MESSAGE: CodeInfo(
        422,
        "The form is wrong",
        "'errors' lists every field that is wrong, as a JSON Pointer and a sentence. Nothing was changed.",
    ),
    Code.SENDER_NOT_YOURS: CodeInfo(
        403, "The sender is not one of your codes", "A key sends only for the codes it was given for."
    ),
    Code.PROVIDER_INACTIVE: CodeInfo(
        403, "The provider code is inactive", "An inactive code may read and acknowledge, but not send."
    ),
    Code.DUPLICATE_MESSAGE: CodeInfo(
        409,
        "The message_id has been used for another message",
        "A message_id stands for one content for ever. Send a new message under a new UUID.",
    ),
    Code.UNKNOWN_CASE: CodeInfo(404, "No such case", "The case does not exist, or you are not party to it."),
    Code.ROLE_NOT_PERMITTED: CodeInfo(
        409,
        "Your role in the case may not send this",
        "Each message belongs to one role: only the recipient cancels and executes, only the donor answers.",
        "roles",
        "S3 2.4.1",
    ),
    Code.ALREADY_SENT: CodeInfo(
        409, "Already sent", "Each provider reports NP_FERD once for a case.", "completion", "S3 2.6.1"
    ),
    Code.CASE_STATE: CodeInfo(
        409,
        "The case is not in a state for this message",
        "'facts.allowed' lists what the state allows.",
        "state",
        "S3 2.4, 2.5",
    ),
    Code.STALE_ANSWER: CodeInfo(
        409,
        "The answer is to an older order",
        "The recipient has changed the order since. Answer the newest one, 'facts.newest'.",
        "answers",
        "S3 2.5.1",
    ),
    Code.NETWORK_NOT_USABLE: CodeInfo(
        409,
        "The network cannot terminate calls",
        "'network' must be an active terminating provider with a routing number.",
        "network",
        "S3 2.6.1",
    ),
    Code.FIVE_DIGIT_MESSAGE_REQUIRED: CodeInfo(
        409,
        "A five-digit number needs its own message",
        "Five-digit numbers are set up and ported with 5_IVER, never with an NP_ message.",
        "five-digit",
        "S3 2.7",
    ),
    Code.FIVE_DIGIT_ONLY: CodeInfo(
        409,
        "This message is for five-digit numbers only",
        "Numbers of 8 and 12 digits are ordered with NP_BEST and given back with NP_OPPS.",
        "five-digit",
        "S3 2.7",
    ),
    Code.NUMBER_UNKNOWN: CodeInfo(
        409, "The number is not in the number plan", "No series contains it now.", "number plan", "S3 2.8"
    ),
    Code.NUMBER_NOT_PORTABLE: CodeInfo(
        409,
        "The number can never be ported",
        "Numbers in TETRA and GSM-R series are blocked for porting.",
        "blocked series",
        "S3 2.10",
    ),
    Code.MIXED_NUMBER_CLASSES: CodeInfo(
        409,
        "Number classes are mixed",
        "Geographic, non-geographic and mobile numbers never share a case; 8 and 12 digits may.",
        "one class a case",
        _ORDER_CLASSES,
    ),
    Code.NUMBER_TYPE_MISMATCH: CodeInfo(
        409,
        "The number type does not fit",
        "Type T in the fixed network is a main number with at least one additional number.",
        "number type",
        "S3 2.3.2.1",
    ),
    Code.TARGET_NUMBER_UNKNOWN: CodeInfo(
        409,
        "The target number cannot be reached",
        "A five-digit number is led to an 8-digit number of the number plan that is not blocked.",
        "target number",
        "S1",
    ),
    Code.DUPLICATE_NUMBER: CodeInfo(
        409,
        "A number is named twice",
        "Name each number once; the main number may lie in a series.",
        "one mention",
        _ORDER_CLASSES,
    ),
    Code.BLOCK_TOO_LARGE: CodeInfo(
        409,
        "The block is too large to port",
        "More than 10,000 consecutive numbers change hands by a change of the number plan: ask Nkom.",
        "block limit",
        "S3 2.9",
    ),
    Code.NUMBER_NOT_IN_USE: CodeInfo(
        409,
        "The number is not in use",
        "Code 0 (Nkom) holds it: free numbers are assigned, not ported.",
        "active agreement",
        "S3 2.3.1",
    ),
    Code.DONOR_MUST_BE_NKOM: CodeInfo(
        409,
        "The donor of an unused five-digit number is Nkom",
        "A five-digit number that nobody uses is held by code 0 (Nkom): name '0' as the donor.",
        "donor",
        "S3 2.7.1",
    ),
    Code.DONOR_NOT_HOLDER: CodeInfo(
        409,
        "The donor does not hold every number",
        "The donor must be the provider that serves the numbers now.",
        "donor",
        "S3 2.3.1",
    ),
    Code.RECIPIENT_IS_DONOR: CodeInfo(
        409, "Recipient and donor are the same", "A porting goes to another provider.", "parties", "S3 2.3.1"
    ),
    Code.RIGHT_HOLDER_DIFFERS: CodeInfo(
        409,
        "Another organisation has the right of use",
        "A five-digit number is not handed on without the consent of Nkom, which an administrator records.",
        "right of use",
        "S1",
    ),
    Code.NOT_PORTED: CodeInfo(
        409,
        "The number is not ported",
        "Its range holder serves it: there is nobody to give it back to.",
        "return",
        "S3 2.8",
    ),
    Code.RANGE_HOLDERS_DIFFER: CodeInfo(
        409,
        "The numbers have several range holders",
        "One termination goes to one range holder. Send one message for each.",
        "return",
        "S3 2.8",
    ),
    Code.NUMBER_IN_OPEN_CASE: CodeInfo(
        409,
        "The number is in an open case",
        "One case at a time for each number; the other case ends at the latest at 'facts.until'.",
        "one open case",
        "S3 2.4.1, 2.4.2",
    ),
    Code.PORTING_TIME_PASSED: CodeInfo(
        409,
        "The porting time has passed",
        "At its porting time a case is obsolete or executed; nothing can be said about it any more.",
        "porting time",
        "S3 2.4.2",
    ),
    Code.PORTING_TIME_TOO_EARLY: CodeInfo(
        409,
        "The porting time is too early",
        "An order needs 35 working minutes (T9), an execution 30 minutes (T10).",
        "T9",
        "S3 2.2.1",
    ),
    Code.PORTING_TIME_TOO_LATE: CodeInfo(
        409,
        "The porting time is too late",
        "At the latest the end of the 60th working day from today (T11).",
        "T11",
        "S3 2.2.1",
    ),
    Code.STOP_TOO_LATE: CodeInfo(
        409,
        "Too late to stop",
        "A porting can be stopped until 30 minutes before its porting time (T12).",
        "T12",
        "S3 2.2.1",
    ),
    Code.TERMINATION_TIME_TOO_EARLY: CodeInfo(
        409,
        "The termination time is too early",
        "T13: at least 30 working minutes ahead. 'facts.earliest' is the earliest lawful time.",
        "T13",
        "S3 2.2.1",
    ),
    Code.TERMINATION_TIME_TOO_LATE: CodeInfo(
        409,
        "The termination time is too late",
        "T14: at most until the end of the 60th working day. 'facts.latest' is the latest lawful time.",
        "T14",
        "S3 2.2.1",
    ),
    Code.TOO_EARLY_TO_COMPLETE: CodeInfo(
        409,
        "Too early to report completion",
        "NP_FERD is sent at the porting time or later (T15).",
        "T15",
        "S3 2.2.1",
    ),
    Code.TOO_EARLY_TO_RETURN: CodeInfo(
        409,
        "Too early to return the number",
        "T16: NP_TILB is sent at the termination time or later.",
        "T16",
        "S3 2.2.1",
    ),
    Code.DAILY_CAP_EXCEEDED: CodeInfo(
        409,
        "The day is full",
        "At most 15,000 numbers a day go to one provider code; an admin may lift the limit of a day.",
        "daily cap",
        "S3 2.3.1",
    ),
    Code.REASON_NOT_PERMITTED: CodeInfo(
        409,
        "The reason is no ground for a refusal",
        "Debt, a changed mind, missing staff, or an identity that is in fact right never stop a porting.",
        "reasons",
        "S3 2.1, 2.3.1, 2.5.1, 2.5.3",
    ),
    Code.EXPECTED_VALUE_MISSING: CodeInfo(
        409,
        "The right value is missing",
        "This reason must say what would have been right, in 'expected'.",
        "expected value",
        "S3 2.5.2",
    ),
    Code.SECRET_NUMBER_DISCLOSED: CodeInfo(
        409,
        "A secret number's owner must not be named",
        "With secret_number true, no name, birth date, organisation number or comment may be given.",
        "secret number",
        "S3 2.5.2",
    ),
    Code.CODE_EXISTS: CodeInfo(409, "The provider code exists", "Choose another code, or change this one."),
    Code.PROVIDER_IN_USE: CodeInfo(
        409, "The provider is in use", "It holds series or numbers, or is party to open cases: see the list."
    ),
    Code.SERIES_OVERLAP: CodeInfo(409, "Series would overlap", "No two series contain one number at one time."),
    Code.SERIES_IN_OPEN_CASE: CodeInfo(
        409,
        "Numbers of the series are in open cases",
        "A case would have two donors, or one code on both sides: see the list. Wait for its end.",
    ),
    Code.SERIES_HAS_PORTED_NUMBERS: CodeInfo(
        409,
        "Numbers of the series are ported",
        "A series is blocked for porting only while none of its numbers is ported or in an open case.",
    ),
    Code.TRANSFER_CONFLICT: CodeInfo(
        409, "The two codes meet in open cases", "A case would have one code on both sides: see the list."
    ),
    Code.TRANSFER_TO_ITSELF: CodeInfo(409, "A code is not transferred to itself", "Name another code in 'to'."),
    Code.CLOCK_BACKWARDS: CodeInfo(
        409, "The sandbox clock only moves forward", "Choose a time after the clock's present time."
    ),
    Code.EFFECTIVE_TIME_PASSED: CodeInfo(409, "The effective time has passed", "Choose now or a later time."),
    Code.NOT_FOUND: CodeInfo(404, "Not found", "There is nothing under this address."),
    Code.METHOD_NOT_ALLOWED: CodeInfo(
        405, "Method not allowed", "The address exists, but not for this method: see the 'Allow' header."
    ),
    Code.UNAVAILABLE: CodeInfo(
        503,
        "Not available right now",
        "The database cannot be reached. Nothing was changed unless an answer said so; send the message "
        "again under the same message_id after 'Retry-After' seconds.",
    ),
    Code.INTERNAL: CodeInfo(500, "An error of ours", "The error is logged under the request id. Nothing was changed."),
}


class Problem(Exception):  # noqa: N818 (the name of RFC 9457)
    """An answer other than success: a `code`, a sentence for people, and the facts that decide it.

    `rule` and `source` default to the catalogue's; a rule with two faces (T9 and T10 share a code) names its own.
    So does `status`: a number that is not in the plan is 409 in an order and 404 where it is asked for.
    `errors` holds `{pointer, detail}` for `invalid-message` only.
    """

    def __init__(
        self,
        code: Code,
        detail: str | Sentence,
        *,
        facts: Mapping[str, Any] | None = None,
        rule: str | None = None,
        errors: list[dict[str, str]] | None = None,
        headers: Mapping[str, str] | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.info = CATALOGUE[code]
        self.status = status or self.info.status
        self.detail = str(detail)
        self.facts = facts
        self.rule = rule or self.info.rule
        self.errors = errors
        self.headers = dict(headers or {})


def unauthenticated() -> Problem:
    """No key, or one that opens nothing (any more)."""
    return Problem(
        Code.UNAUTHENTICATED,
        CATALOGUE[Code.UNAUTHENTICATED].text,
        headers={"WWW-Authenticate": "Bearer"},
    )
