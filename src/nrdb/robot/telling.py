"""What a robot does, told as it happens: a line for the eye, or a line of JSON. Never who a customer is."""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from nrdb.client import State
from nrdb.watching import case_shown

#: `got` an item · `waits` for the sandbox clock · `sent` and accepted · `replayed`: it had been accepted before ·
#: `refused` by the rulebook · `forgets` until it is reminded · is `silent` for good
Did = Literal["got", "waits", "sent", "replayed", "refused", "forgets", "silent"]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that a robot has done. `type` is the message's, of a NOTICE with what it tells."""

    at: datetime
    code: str
    did: Did
    type: str
    case_id: str | None = None
    case: Mapping[str, Any] | None = None
    message_id: str | None = None
    detail: str = ""


Tell = Callable[[Event], None]
_VERBS = {"got": "got", "waits": "will send", "sent": "sent", "replayed": "sent again", "refused": "was refused",
          "forgets": "forgets to send", "silent": "will never send"}  # fmt: skip


def line(event: Event) -> str:
    """For the eye: when (on the sandbox clock), who, what, and the case as it is then."""
    parts = [f"{event.at:%Y-%m-%d %H:%M:%S}Z", f"{event.code:<8}", f"{_VERBS[event.did]} {event.type}"]
    if event.detail:
        parts[-1] += f" {event.detail}"
    if event.case:
        parts += case_shown(event.case)
    if event.case_id:
        parts.append(event.case_id)
    return "  ".join(parts)


def json_line(event: Event) -> str:
    """For a program: the same, of the case its state and its number."""
    case = event.case or {}
    shown = {
        **asdict(event),
        "at": event.at.isoformat().replace("+00:00", "Z"),
        "case": {name: case.get(name) for name in ("state", "main_number")} if case else None,
    }
    return json.dumps(shown, ensure_ascii=False)


def printer(*, plain: bool) -> Tell:
    """Print each event at once."""

    def tell(event: Event) -> None:
        sys.stdout.write(f"{line(event) if plain else json_line(event)}\n")
        sys.stdout.flush()

    return tell


def aside(text: str) -> None:
    """What is no event, on standard error."""
    sys.stderr.write(f"-- {text}\n")
    sys.stderr.flush()


class Presence:
    """Tells once that the service is away and once that it is back, however many robots notice."""

    def __init__(self) -> None:
        self._away: set[str] = set()

    def on_state(self, code: str) -> Callable[[State], None]:
        """For the follower of one code."""

        def heard(state: State) -> None:
            before = bool(self._away)
            (self._away.add if state.by == "away" else self._away.discard)(code)
            if before != bool(self._away):
                aside(f"the service is away ({state.reason}); trying on" if self._away else "the service is back")

        return heard
