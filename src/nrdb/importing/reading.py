"""The file as it stands: its first line, and then blocks of lines. Never more of it in memory than a block."""

import csv
import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

#: The longest line that can be a row, in bytes.
LINE_LIMIT = 1 << 16
BLOCK = 1 << 20
#: Stands for a line that is longer than any row. No line holds this sign: a file with it is refused.
TOO_LONG = "\0"
_BOM = b"\xef\xbb\xbf"


class FileError(Exception):
    """The file cannot be read as a table. `line` is where, and the text says what would be right."""

    def __init__(self, code: str, detail: str, line: int = 1) -> None:
        super().__init__(detail)
        self.code = code
        self.line = line


@dataclass(frozen=True, slots=True)
class Place:
    """Where the next line begins: its byte in the file, and its number."""

    offset: int
    line: int


@dataclass(frozen=True, slots=True)
class Header:
    """What the first line says: the names of the columns in their order, what parts them, and where the rows begin."""

    names: tuple[str, ...]
    separator: str
    rows: Place


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines without their ends, the number of the first, and where the next block begins."""

    first_line: int
    lines: list[str]
    next: Place


def open_table(path: Path) -> BufferedReader:
    """The file, open. Raises `FileError` for a directory, a device, or an empty file, `OSError` where there is none."""
    # Without waiting, as one would for whoever writes into a pipe.
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") if not path.is_dir() else None
    if file is None or not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        if file is not None:
            file.close()
        raise FileError("not-a-file", f"{path} is no file: name the file with the table")
    if os.fstat(file.fileno()).st_size == 0:
        file.close()
        raise FileError("empty-file", f"{path} is empty: its first line must name the columns")
    return file


def digest_of(file: BufferedReader) -> str:
    """The SHA-256 of the whole file, which names the import."""
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()


def read_header(file: BufferedReader, required: Sequence[str], optional: Sequence[str]) -> Header:
    """The first line that is not empty. Raises `FileError` where it does not name the columns of such a table."""
    file.seek(0)
    number, line = 1, file.readline(LINE_LIMIT).removeprefix(_BOM)
    while line and not line.strip() and line.endswith(b"\n"):
        number, line = number + 1, file.readline(LINE_LIMIT)
    if not line.strip():
        raise FileError("empty-file", "there is nothing in the file: its first line must name the columns", number)
    rows = Place(file.tell(), number + 1)
    if not line.endswith(b"\n") and file.read(1):
        raise FileError("header-too-long", f"the first line has more than {LINE_LIMIT:,} bytes: no table has", number)
    text = _decoded(line, Place(rows.offset - len(line), number)).strip()
    separator = ";" if text.count(";") > text.count(",") else ","
    try:
        names = tuple(name.strip().lower() for name in next(csv.reader([text], delimiter=separator, strict=True)))
    except csv.Error as error:
        raise FileError("header-unreadable", f"the first line is no row of names: {error}", number) from None
    _check_names(names, required, optional, number)
    return Header(names, separator, rows)


def _check_names(names: tuple[str, ...], required: Sequence[str], optional: Sequence[str], line: int) -> None:
    known = [*(alternative for name in required for alternative in name.split("|")), *optional]
    wanted = f"columns are {', '.join(required).replace('|', ' or ')}, and if you like {', '.join(optional)}"
    unknown = [name[:40] for name in names if name not in known]
    if unknown:
        shown = ", ".join(repr(name) for name in unknown[:10])
        raise FileError("unknown-column", f"the first line names {shown}, which is no column here: {wanted}", line)
    missing = [name for name in required if not set(name.split("|")) & set(names)]
    if missing:
        shown = ", ".join(missing).replace("|", " or ")
        raise FileError("missing-column", f"the first line does not name {shown}: {wanted}", line)
    twice = sorted({name for name in names if names.count(name) > 1})
    twice += [name for name in required if set(name.split("|")) <= set(names) and "|" in name]
    if twice:
        raise FileError("column-twice", f"the first line names {', '.join(twice).replace('|', ' and ')} twice", line)


def read_blocks(file: BufferedReader, place: Place, seen: Callable[[bytes], object]) -> Iterator[Block]:
    """The lines from a place on; what is read is shown to `seen`. Raises `FileError` where it is no text in UTF-8."""
    file.seek(place.offset)
    rest, too_long = b"", False
    while piece := file.read(BLOCK):
        seen(piece)
        head, newline, tail = piece.rpartition(b"\n")
        if not newline:
            too_long = too_long or len(rest) + len(piece) > LINE_LIMIT
            rest = b"" if too_long else rest + piece
            continue
        content = head if too_long else rest + head
        block = _block(content, Place(file.tell() - len(tail) - len(content) - 1, place.line), too_long=too_long)
        place, rest, too_long = block.next, tail, False
        yield block
    if rest or too_long:
        yield _block(rest, Place(file.tell() - len(rest), place.line), too_long=too_long)


def _block(content: bytes, place: Place, *, too_long: bool) -> Block:
    """The lines of it; of the first one only the end has been kept when it is too long."""
    lines = _decoded(content, place).split("\n")
    if too_long:
        lines[0] = TOO_LONG
    return Block(place.line, lines, Place(place.offset + len(content) + 1, place.line + len(lines)))


def _decoded(content: bytes, place: Place) -> str:
    found = content.find(b"\0")
    if found >= 0:
        raise FileError(
            "nul-byte",
            f"byte {place.offset + found + 1:,} of the file is a NUL: it is no text in UTF-8, perhaps UTF-16; "
            "convert it: iconv -f UTF-16 -t UTF-8 FILE > NEW",
            place.line + content.count(b"\n", 0, found),
        )
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        # What is no UTF-8 may be cut off by the end of a block only where the file itself is cut off.
        line = place.line + content.count(b"\n", 0, error.start)
        column = error.start - (content.rfind(b"\n", 0, error.start) + 1) + 1
        raise FileError(
            "not-utf8",
            f"byte {column} of the line (byte {place.offset + error.start + 1:,} of the file) is no UTF-8; a file in "
            "Latin-1 is converted by: iconv -f ISO-8859-1 -t UTF-8 FILE > NEW",
            line,
        ) from None


class Lines:
    """Lines of the file as they stand, asked for by their numbers, which ascend: at most `LINE_LIMIT` bytes of each."""

    def __init__(self, file: BufferedReader) -> None:
        self._file = file
        self._number = 0
        self._text = b""
        file.seek(0)

    def at(self, line: int) -> str:
        """The text of a line without its end."""
        while self._number < line:
            self._text = piece = self._file.readline(LINE_LIMIT)
            while piece and not piece.endswith(b"\n"):
                piece = self._file.readline(LINE_LIMIT)
            self._number += 1
        shown = self._text.removeprefix(_BOM) if line == 1 else self._text
        return shown.rstrip(b"\r\n").decode(errors="replace").replace(TOO_LONG, "\ufffd")
