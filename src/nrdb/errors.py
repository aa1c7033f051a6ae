"""Every answer that is not a success, as one exception and one catalogue.

The catalogue is the only list of codes: it gives each its HTTP status, its title, the rule and the source it
rests on, and the text of the page that its `type` points to; what the rules refuse is told by the rulebook. Section 6
of the contract orders the refusals; the enum keeps that order, so that "the first that applies" can be read here.
Nothing in this module knows HTTP beyond the number of the status: `api.problems` is the only place that renders.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from nrdb.texts import Both, Told, say


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
    BATCH_TOO_LONG = "batch-too-long"
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
    REMINDED_RECENTLY = "reminded-recently"
    CLOCK_BACKWARDS = "clock-backwards"
    # What any server may answer.
    NOT_FOUND = "not-found"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    NOT_ACCEPTABLE = "not-acceptable"
    POSITION_GONE = "position-gone"
    TOO_MANY_REQUESTS = "too-many-requests"
    TOO_MANY_STREAMS = "too-many-streams"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"


#: The refusals of the rulebook, in the order in which they are decided (contract section 6).
REFUSALS: Final = tuple(Code)[
    tuple(Code).index(Code.UNKNOWN_CASE) : tuple(Code).index(Code.SECRET_NUMBER_DISCLOSED) + 1
]
#: The rulebook. What a refusal means is read from it here; `nrdb.rulebook` checks the whole of it.
RULEBOOK_FILE: Final = Path(__file__).parent / "rulebook" / "no.toml"


@dataclass(frozen=True, slots=True)
class CodeInfo:
    """What a code means: the HTTP `status`, a `title`, an explanation, and the rule and source it rests on."""

    status: int
    title: Told
    text: Told
    rule: str | None = None
    source: str | None = None


_BEFORE_THE_RULES: Final[Mapping[Code, CodeInfo]] = {
    Code.UNAUTHENTICATED: CodeInfo(
        401,
        say("No valid key"),
        say("Send 'Authorization: Bearer <key>' with a key that is neither revoked nor expired."),
    ),
    Code.ROLE_NOT_PERMITTED_HERE: CodeInfo(
        403,
        say("Your role may not do this"),
        say("Providers post messages and read their own; operators read everything; admins administer and read."),
    ),
    Code.BODY_TOO_LARGE: CodeInfo(
        413,
        say("The body is too large"),
        say("A message is at most 1 MiB."),
    ),
    Code.BATCH_TOO_LONG: CodeInfo(
        413,
        say("The batch is too long"),
        say("A batch ends after line 10,000. Every line before has its answer; send the rest in another batch."),
    ),
    Code.UNSUPPORTED_MEDIA_TYPE: CodeInfo(
        415,
        say("The Content-Type is not the one that is asked for"),
        say("Send 'Content-Type: application/json', and a batch of lines with 'application/x-ndjson'."),
    ),
    Code.NOT_JSON: CodeInfo(
        400,
        say("The body is not JSON"),
        say("The body must be one JSON object in UTF-8."),
    ),
    Code.INVALID_MESSAGE: CodeInfo(
        422,
        say("The form is wrong"),
        say("'errors' lists every field that is wrong, as a JSON Pointer and a sentence. Nothing was changed."),
    ),
    Code.SENDER_NOT_YOURS: CodeInfo(
        403,
        say("The sender is not one of your codes"),
        say("A key sends only for the codes it was given for."),
    ),
    Code.PROVIDER_INACTIVE: CodeInfo(
        403,
        say("The provider code is inactive"),
        say("An inactive code may read and acknowledge, but not send."),
    ),
    Code.DUPLICATE_MESSAGE: CodeInfo(
        409,
        say("The message_id has been used for another message"),
        say("A message_id stands for one content for ever. Send a new message under a new UUID."),
    ),
}
_BESIDE_THE_RULES: Final[Mapping[Code, CodeInfo]] = {
    Code.CODE_EXISTS: CodeInfo(
        409,
        say("The provider code exists"),
        say("Choose another code, or change this one."),
    ),
    Code.PROVIDER_IN_USE: CodeInfo(
        409,
        say("The provider is in use"),
        say("It holds series or numbers, calls are routed to it, or it is party to open cases: see the list."),
    ),
    Code.SERIES_OVERLAP: CodeInfo(
        409,
        say("Series would overlap"),
        say("No two series contain one number at one time."),
    ),
    Code.SERIES_IN_OPEN_CASE: CodeInfo(
        409,
        say("Numbers of the series are in open cases"),
        say("A case would have two donors, or one code on both sides: see the list. Wait for its end."),
    ),
    Code.SERIES_HAS_PORTED_NUMBERS: CodeInfo(
        409,
        say("Numbers of the series are ported"),
        say("A series is blocked for porting only while none of its numbers is ported or in an open case."),
    ),
    Code.TRANSFER_CONFLICT: CodeInfo(
        409,
        say("The two codes meet in open cases"),
        say("A case would have one code on both sides: see the list."),
    ),
    Code.TRANSFER_TO_ITSELF: CodeInfo(
        409,
        say("A code is not transferred to itself"),
        say("Name another code in 'to'."),
    ),
    Code.CLOCK_BACKWARDS: CodeInfo(
        409,
        say("The sandbox clock only moves forward"),
        say("Choose a time after the clock's present time."),
    ),
    Code.EFFECTIVE_TIME_PASSED: CodeInfo(
        409,
        say("The effective time has passed"),
        say("Choose now or a later time."),
    ),
    Code.REMINDED_RECENTLY: CodeInfo(
        409,
        say("A reminder has been sent within the last hour"),
        say("A case is reminded of once an hour: see when it may be again."),
    ),
    Code.NOT_FOUND: CodeInfo(
        404,
        say("Not found"),
        say("There is nothing under this address."),
    ),
    Code.METHOD_NOT_ALLOWED: CodeInfo(
        405,
        say("Method not allowed"),
        say("The address exists, but not for this method: see the 'Allow' header."),
    ),
    Code.NOT_ACCEPTABLE: CodeInfo(
        406,
        say("Not in a form that you accept"),
        say("Name a form that there is in 'Accept', or leave that header out."),
    ),
    Code.POSITION_GONE: CodeInfo(
        410,
        say("The position is gone"),
        say("Items so old are no longer kept: go on from the oldest one that there is."),
    ),
    Code.TOO_MANY_REQUESTS: CodeInfo(
        429,
        say("Too many requests"),
        say("Nothing was changed. Send the request again after 'Retry-After' seconds."),
    ),
    Code.TOO_MANY_STREAMS: CodeInfo(
        429,
        say("Too many open streams"),
        say("Close a stream of the code first. All streams of a code show the same items."),
    ),
    Code.UNAVAILABLE: CodeInfo(
        503,
        say("Not available right now"),
        say(
            "The database cannot be reached. Nothing was changed unless an answer said so; "
            "send the message again under the same message_id after 'Retry-After' seconds."
        ),
    ),
    Code.INTERNAL: CodeInfo(
        500,
        say("An error of ours"),
        say("The error is logged under the request id. Nothing was changed."),
    ),
}


def _refusals() -> Mapping[Code, CodeInfo]:
    """The refusals as the rulebook tells them, with the values that it decides by."""
    rulebook = tomllib.loads(RULEBOOK_FILE.read_text(encoding="utf-8"))
    values = {name: timer["value"] for name, timer in rulebook["timers"].items()}
    values |= {"daily_limit": rulebook["cap"]["daily_limit"], "block_limit": rulebook["block_limit"]["value"]}
    english = {name: f"{value:,}" for name, value in values.items()}
    norwegian = {name: text.replace(",", "\N{NO-BREAK SPACE}") for name, text in english.items()}
    return {
        Code(code): CodeInfo(
            404 if code == Code.UNKNOWN_CASE else 409,
            Both(**entry["title"]),
            Both(entry["text"]["en"].format(**english), entry["text"]["nb"].format(**norwegian)),
            next(iter(entry.get("timers", [])), entry.get("rule")),
            entry.get("source"),
        )
        for code, entry in rulebook["refusals"].items()
    }


class _Catalogue(Mapping[Code, CodeInfo]):
    """Read when it is first asked for: a process that only starts a database does not wait for the rulebook."""

    @cached_property
    def _entries(self) -> Mapping[Code, CodeInfo]:
        return {**_BEFORE_THE_RULES, **_refusals(), **_BESIDE_THE_RULES}

    def __getitem__(self, code: Code) -> CodeInfo:
        return self._entries[code]

    def __iter__(self) -> Iterator[Code]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


CATALOGUE: Final[Mapping[Code, CodeInfo]] = _Catalogue()


class Problem(Exception):  # noqa: N818 (the name of RFC 9457)
    """An answer other than success: a `code`, a sentence for people, and the facts that decide it.

    `rule` and `source` default to the catalogue's; a rule with two faces (T9 and T10 share a code) names its own.
    So does `status`: a number that is not in the plan is 409 in an order and 404 where it is asked for.
    `errors` holds `{pointer, detail}` for `invalid-message` only.
    """

    def __init__(
        self,
        code: Code,
        detail: Told,
        *,
        facts: Mapping[str, Any] | None = None,
        rule: str | None = None,
        errors: Sequence[Mapping[str, str | Told]] | None = None,
        headers: Mapping[str, str] | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.info = CATALOGUE[code]
        self.status = status or self.info.status
        self.detail = detail
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
