"""What a mirror tells: an event a line, for the eye or as JSON, and how far it is where somebody looks on."""

import json
import sys
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.markup import escape


class Teller:
    """Events on standard output as JSON, or on standard error for people; progress on a terminal only."""

    def __init__(self, *, as_json: bool) -> None:
        self._json = as_json
        self._console = Console(stderr=True)
        self._status = self._console.status("") if self._console.is_terminal else None
        self._begun = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._still()

    def __call__(self, event: str, text: str, **facts: Any) -> None:
        """Something has happened."""
        self._still()
        if self._json:
            sys.stdout.write(json.dumps({"event": event, **facts}) + "\n")
            sys.stdout.flush()
        else:
            sys.stderr.write(f"-- {text}\n")
            sys.stderr.flush()

    def progress(self, text: str) -> None:
        """How far it is."""
        if self._status is not None:
            self._status.update(escape(text))
            if not self._begun:
                self._begun = True
                self._status.start()

    def _still(self) -> None:
        if self._status is not None and self._begun:
            self._begun = False
            self._status.stop()
