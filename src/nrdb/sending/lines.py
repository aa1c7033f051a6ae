"""The file that is sent: its lines one by one, and as many as go into one request."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import BinaryIO

#: The longest line that can be a message. Of a longer one a little more is sent, for the service to refuse.
LINE_LIMIT = 1 << 20
#: A request of this size is taken in whole by the service even while its answers are not read; a longer line is a
#: request of its own, and has no answers before it.
REQUEST_BYTES = 1 << 16
REQUEST_LINES = 500


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is not blank, by its number in the file. `digest` tells it from any other, `end` is where it ends."""

    number: int
    content: bytes
    digest: str
    end: int


def read_lines(file: BinaryIO) -> Iterator[Line]:
    """The lines of the file that are not blank; never more of one than can be a message."""
    number = 0
    while piece := file.readline(LINE_LIMIT + 2):
        number += 1
        content = piece.removesuffix(b"\n")
        digest = blake2b(content, digest_size=16)
        while not piece.endswith(b"\n") and (piece := file.readline(LINE_LIMIT)):
            digest.update(piece.removesuffix(b"\n"))
        if content.strip(b" \t\r"):
            yield Line(number, content, digest.hexdigest(), file.tell())


class Queue:
    """The lines that have no answer yet, in order."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self._waiting: deque[Line] = deque()
        self._size = 0

    def request(self) -> list[Line]:
        """What goes into the next request; empty when every line has its answer."""
        while self._size <= REQUEST_BYTES and len(self._waiting) < REQUEST_LINES:
            line = next(self._lines, None)
            if line is None:
                break
            self._waiting.append(line)
            self._size += len(line.content) + 1
        taken: list[Line] = []
        size = 0
        for line in self._waiting:
            size += len(line.content) + 1
            if taken and size > REQUEST_BYTES:
                break
            taken.append(line)
        return taken

    def answered(self) -> None:
        """The first of the waiting lines has its answer."""
        self._size -= len(self._waiting.popleft().content) + 1
