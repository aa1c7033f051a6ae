"""What the demo expects, and how it says that something else came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nrdb.demo.wire import Reply


class DifferenceError(Exception):
    """An answer is not what the contract promises; the text shows what was expected and what came."""


class UnansweredError(DifferenceError):
    """The service did not answer at all: nobody knows yet whether it has done what was asked."""


class Checks:
    """Compares, counts, and ends the act at the first difference."""

    def __init__(self) -> None:
        self.count = 0

    def equal(self, what: str, found: object, wanted: object) -> None:
        """The one thing that may come."""
        self.count += 1
        if found != wanted:
            raise DifferenceError(f"{what}: expected {wanted!r}, came {found!r}")

    def holds(self, what: str, found: Mapping[str, Any], **wanted: object) -> None:
        """These fields of an answer; others are not looked at."""
        for name, value in wanted.items():
            self.equal(f"{what}, {name}", found.get(name, "no such field"), value)

    def answered(self, what: str, reply: Reply, status: int, code: str | None = None) -> None:
        """The status of an answer, and the code of a problem."""
        self.count += 1
        if reply.status != status or (code is not None and reply.body.get("code") != code):
            raise DifferenceError(f"{what}: expected {status} {code or ''}".rstrip() + f", came {reply.why}")

    def true(self, what: str, condition: object, found: object) -> None:
        """Something that is no plain comparison."""
        self.count += 1
        if not condition:
            raise DifferenceError(f"{what}: came {found!r}")
