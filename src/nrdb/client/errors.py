"""What the clearinghouse answers other than success, as errors that a program can act on."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

#: The code of an answer that is none of an nrdb.
UNKNOWN = "unknown"


class NrdbError(Exception):
    """Every error of this client. `code` is the problem's code, or a word of ours where there was no answer."""

    def __init__(
        self, code: str, detail: str, *, status: int | None = None, problem: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.status = status
        #: The problem document as it came (RFC 9457).
        self.problem: Mapping[str, Any] = problem or {}

    @property
    def facts(self) -> Mapping[str, Any]:
        """The times, numbers, codes and limits that decided it."""
        found: Mapping[str, Any] = self.problem.get("facts") or {}
        return found


class RefusedError(NrdbError):
    """The rulebook refuses the message (409, or 404 for a case that is not there)."""

    @property
    def rule(self) -> str | None:
        """The rule that refused, for example `T9`."""
        return self.problem.get("rule")

    @property
    def source(self) -> str | None:
        """Where the rule stands, for example `S3 2.2.1`."""
        return self.problem.get("source")


class InvalidMessageError(NrdbError):
    """The form is wrong: the same request will never do (400, 405, 413, 415, 422). Its text names what and where."""

    @property
    def errors(self) -> Sequence[Mapping[str, str]]:
        """What is wrong and where: `{pointer, detail}`."""
        found: Sequence[Mapping[str, str]] = self.problem.get("errors") or ()
        return found


class NotPermittedError(NrdbError):
    """The key opens nothing, or not this (401, 403)."""


class PositionGoneError(NrdbError):
    """Items after this position are no longer kept (410, or `stream-reset` on a stream)."""

    def __init__(self, requested: int, oldest: int, problem: Mapping[str, Any] | None = None) -> None:
        detail = f"after {requested} items are missing: the oldest kept is {oldest}"
        super().__init__("position-gone", detail, status=410, problem=problem)
        self.requested = requested
        #: The oldest item that there is; go on with `after=oldest - 1` when what is missing has been dealt with.
        self.oldest = oldest


class UnavailableError(NrdbError):
    """No answer within the client's patience. Sent again under the same `message_id`, the message happens once."""

    def __init__(self, detail: str, asked: float = 0.0) -> None:
        super().__init__("unavailable", detail)
        #: Seconds after which the service wants to be asked again.
        self.asked = asked


class ProtocolError(NrdbError):
    """What answered is no nrdb, or not one that this client understands."""


def error_of(status: int, problem: Mapping[str, Any]) -> NrdbError:
    """The error for an answer other than success."""
    code, detail = str(problem["code"]), str(problem["detail"])
    if status in (401, 403):
        return NotPermittedError(code, detail, status=status, problem=problem)
    # What stands in between answers 404 and 410 too: that is no word of the rulebook, and no position to go on from.
    if status in (404, 409) and code != UNKNOWN:
        return RefusedError(code, detail, status=status, problem=problem)
    if status == 410 and code == "position-gone":
        with suppress(KeyError, TypeError, ValueError):
            facts = problem["facts"]
            return PositionGoneError(int(facts["requested"]), int(facts["oldest"]), problem)
    if status in (400, 405, 413, 415, 422):
        places = "".join(f"; {wrong.get('pointer')}: {wrong.get('detail')}" for wrong in problem.get("errors") or ())
        return InvalidMessageError(code, detail + places, status=status, problem=problem)
    return ProtocolError(code, detail, status=status, problem=problem)
