"""The answers beside the file: `FILE.answers.ndjson`, one a line, and all that is needed to go on.

Each carries the number of its line in the file and a digest of that line. So whoever goes on knows how far the file
was answered, and that it is still the same file up to there.
"""

import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from nrdb.sending.lines import Line
from nrdb.sending.show import Tally


class AnswersError(Exception):
    """The answers do not belong to the file, or somebody else writes them; the text is for people."""


class Answers:
    """The file of answers, held by one process at a time. It is as private as the file of the messages."""

    def __init__(self, file: Path, *, restart: bool) -> None:
        self.path = file.with_name(f"{file.name}.answers.ndjson")
        self._source = file
        self._restart = restart

    def __enter__(self) -> Self:
        mode = stat.S_IMODE(self._source.stat().st_mode) & 0o666
        self._file = os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT, mode), "r+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise AnswersError(f"another nrdb send is at work on {self._source}") from None
        if self._restart:
            self._file.truncate(0)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._file.close()

    def resume(self, lines: Iterator[Line], tally: Tally) -> None:
        """Pass over the lines that have an answer, and count these. Raises `AnswersError` where they differ."""
        whole = 0
        for stored in self._file:
            if not stored.endswith(b"\n"):
                # The process was killed while it wrote: that line is asked again.
                break
            answer = _read(stored)
            if answer is None:
                raise AnswersError(f"{self.path} holds something else than answers; move it away")
            line = next(lines, None)
            if line is None or (line.number, line.digest) != (answer["line"], answer.pop("digest", None)):
                raise AnswersError(
                    f"{self._source} has changed at or before line {answer['line']}, which is answered in {self.path}. "
                    "Restore it to go on, or send all of it again with --restart: what was accepted is only replayed."
                )
            tally.count(answer, line)
            whole += len(stored)
        self._file.seek(whole)
        self._file.truncate()

    def write(self, line: Line, answer: dict[str, Any]) -> None:
        """The answer to a line of the file."""
        answer = {**answer, "line": line.number, "digest": line.digest}
        self._file.write(orjson.dumps(answer, option=orjson.OPT_APPEND_NEWLINE))

    def flush(self) -> None:
        """Hand what was written to the system."""
        self._file.flush()


def _read(stored: bytes) -> dict[str, Any] | None:
    try:
        answer = orjson.loads(stored)
    except orjson.JSONDecodeError:
        return None
    return answer if isinstance(answer, dict) and {"line", "status"} <= answer.keys() else None
