"""Rows of the two tables: what stands in a line, checked for what can be seen without the database."""

import csv
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, time
from typing import NamedTuple

from nrdb.clock import LATEST_YEAR, parse_time
from nrdb.importing.reading import LINE_LIMIT, TOO_LONG, Block, Header
from nrdb.routing.numbers import LENGTHS, is_five_digit, national, parse_number
from nrdb.rulebook import Rulebook
from nrdb.texts import OSLO

#: The columns of the staged rows, in the order in which a row is written for COPY.
STAGED = (
    "line", "first", "last", "holder", "network", "since", "target_number", "number_class", "status", "reason",
)  # fmt: skip
_NULL = r"\N"
_NULLS = "\t".join([_NULL] * 4)
_CODE = re.compile(r"0|[A-Z0-9]{2,8}", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_CLASSES = ("GEO", "NONGEO", "MOBILE", "FIVE")
_STATUSES = ("open", "blocked", "returned")
#: How many different instants are remembered at a time: tables are often of days.
_REMEMBERED = 50_000


class RowError(Exception):
    """A row that cannot be taken; the text says what would be right."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class Refused(NamedTuple):
    """What is wrong with a line."""

    line: int
    code: str
    detail: str


@dataclass(slots=True)
class Parsed:
    """The rows of a block as COPY reads them, how many, and what is wrong with the others."""

    rows: bytes
    count: int
    refused: list[Refused]


class Table:
    """One of the two kinds of table. `parse` reads a block of it."""

    required: tuple[str, ...]
    optional: tuple[str, ...]

    def __init__(self, header: Header) -> None:
        self._header = header
        self._instants: dict[str, str | None] = {}

    def parse(self, block: Block) -> Parsed:
        """The rows of a block. A line without anything in it is no row."""
        rows: list[str] = []
        refused: list[Refused] = []
        self._parse(block, rows, lambda line, text: self._one(line, text, rows, refused))
        count = len(rows)
        rows.append("")
        return Parsed("\n".join(rows).encode(), count, refused)

    def _parse(self, block: Block, _rows: list[str], one: Callable[[int, str], None]) -> None:
        for line, text in enumerate(block.lines, block.first_line):
            one(line, text)

    def _one(self, line: int, text: str, rows: list[str], refused: list[Refused]) -> None:
        try:
            fields = self._fields(text)
            if fields is not None:
                rows.append("\t".join([str(line), *self._row(fields)]))
        except RowError as error:
            refused.append(Refused(line, error.code, str(error)))

    def _fields(self, text: str) -> dict[str, str] | None:
        """The values by their columns; None for an empty line."""
        if text == TOO_LONG or len(text) > LINE_LIMIT:
            raise RowError("line-too-long", f"the line has more than {LINE_LIMIT:,} bytes: no row has")
        if not text.strip():
            return None
        try:
            values = next(csv.reader([text.rstrip("\r")], delimiter=self._header.separator, strict=True))
        except csv.Error as error:
            raise RowError("row-unreadable", f"the line cannot be read: {error} (a row is one line)") from None
        names = self._header.names
        if len(values) != len(names):
            raise RowError("wrong-fields", f"the line has {len(values)} values, the first line {len(names)} columns")
        return {name: value.strip() for name, value in zip(names, values, strict=True)}

    def _row(self, fields: dict[str, str]) -> Iterable[str]:
        raise NotImplementedError

    def instant(self, text: str) -> str | None:
        """RFC 3339 with an offset, or a day, which begins in Oslo. None where it is neither; remembered."""
        if text not in self._instants:
            if len(self._instants) >= _REMEMBERED:
                self._instants.clear()
            self._instants[text] = _instant(text)
        return self._instants[text]

    def _since(self, text: str) -> str:
        if not text:
            return _NULL
        found = self.instant(text)
        if found is None:
            raise RowError(
                "wrong-time", "a time is a day from 1900 on like 2019-05-14, or like 2019-05-14T08:00:00+02:00"
            )
        return found


def _instant(text: str) -> str | None:
    try:
        if _DAY.fullmatch(text):
            at = datetime.combine(datetime.fromisoformat(text), time(), OSLO)
            return at.isoformat() if 1900 <= at.year <= LATEST_YEAR else None
        return parse_time(text).isoformat()
    except ValueError:
        return None


def _number(text: str, column: str) -> int:
    try:
        return parse_number(text)
    except ValueError:
        lengths = f"{LENGTHS[0]}, {LENGTHS[1]} or {LENGTHS[2]}"
        raise RowError(
            "wrong-number", f"{column}: a number has {lengths} national digits, or +47 before them"
        ) from None


def _range(first: str, last: str, named: str) -> tuple[int, int]:
    begin = _number(first, named)
    end = _number(last, "last") if last else begin
    if len(str(begin)) != len(str(end)):
        raise RowError("wrong-range", "first and last have not the same number of digits")
    if begin > end:
        raise RowError("wrong-range", "first comes after last")
    return begin, end


def _code(text: str, column: str) -> str:
    if not text:
        raise RowError("wrong-code", f"{column}: a provider code is missing")
    if not _CODE.fullmatch(text):
        raise RowError("wrong-code", f"{column}: a provider code has 2 to 8 of A-Z and 0-9")
    return text


class PortedTable(Table):
    """Numbers that others than their range holders serve."""

    required = ("number|first", "holder")
    optional = ("last", "network", "since", "target_number")

    def __init__(self, header: Header) -> None:
        super().__init__(header)
        number, code = r"(?:\+47)?([0-9]{8}|[0-9]{12}|[0-9]{5})", "([A-Z0-9]{2,8})"
        patterns = {
            "number": number, "first": number, "last": f"(?:{number}|)", "holder": code, "network": f"(?:{code}|)",
            "since": r"([0-9T:.Z+-]*)", "target_number": r"(?:(?:\+47)?([0-9]{8})|)",
        }  # fmt: skip
        # A column that the file has not is an empty group behind the rest.
        names = ["first" if name == "number" else name for name in header.names]
        wanted = ["first", "last", "holder", "network", "since", "target_number"]
        absent = [name for name in wanted if name not in names]
        whole = header.separator.join(patterns[name] for name in names) + r"\r?" + "()" * len(absent)
        self._match = re.compile(whole, re.ASCII).fullmatch
        self._places = [[*names, *absent].index(name) + 1 for name in wanted]
        self._named = "number" if "number" in header.names else "first"

    def _parse(self, block: Block, rows: list[str], one: Callable[[int, str], None]) -> None:
        """A line as nearly all are is read at once; any other by its parts, so that it is told what is wrong."""
        match, places, instants = self._match, self._places, self._instants
        for line, text in enumerate(block.lines, block.first_line):
            found = match(text)
            if found is None:
                one(line, text)
                continue
            first, last, holder, network, since, target = found.group(*places)
            at = (instants.get(since) or self.instant(since)) if since else _NULL
            last = last or first
            if at is None or target or len(first) == 5 or len(last) != len(first) or last < first:
                one(line, text)
                continue
            # What number there is, is its national digits: with the country code it is ours.
            rows.append(f"{line}\t47{first}\t47{last}\t{holder}\t{network or holder}\t{at}\t{_NULLS}")

    def _row(self, fields: dict[str, str]) -> Iterable[str]:
        first, last = _range(fields[self._named], fields.get("last", ""), self._named)
        holder = _code(fields["holder"], "holder")
        network = _code(fields.get("network", "") or holder, "network")
        if holder == "0":
            raise RowError("wrong-code", "holder: code 0 serves no number; numbers that nobody serves are not ported")
        since = self._since(fields.get("since", ""))
        target = fields.get("target_number", "")
        if is_five_digit(first) and not target:
            raise RowError("target-missing", "a five-digit number needs the target_number that it leads to")
        if target and not is_five_digit(first):
            raise RowError("target-not-wanted", "only five-digit numbers lead to a target_number")
        if target and len(national(_number(target, "target_number"))) != 8:
            raise RowError("wrong-number", "target_number: a target has 8 national digits")
        leads_to = str(_number(target, "target_number")) if target else _NULL
        return str(first), str(last), holder, network, since, leads_to, _NULL, _NULL, _NULL


class PlanTable(Table):
    """Series of the number plan and who holds them."""

    required = ("first", "last", "holder")
    optional = ("number_class", "status", "reason", "valid_from")

    def __init__(self, header: Header, rulebook: Rulebook) -> None:
        super().__init__(header)
        self._rulebook = rulebook

    def _row(self, fields: dict[str, str]) -> Iterable[str]:
        first, last = _range(fields["first"], fields["last"], "first")
        holder = _code(fields["holder"], "holder")
        status = fields.get("status", "") or "open"
        if status not in _STATUSES:
            raise RowError("wrong-status", f"status is one of {', '.join(_STATUSES)}")
        if status == "returned" and holder != "0":
            raise RowError("wrong-status", "a returned series is held by code 0")
        reason = fields.get("reason", "")
        if len(reason) > 1000 or not all(sign.isprintable() for sign in reason):
            raise RowError("wrong-reason", "reason: at most 1000 characters that can be printed")
        number_class = self._class(fields.get("number_class", ""), first, last)
        since = self._since(fields.get("valid_from", ""))
        text = reason.replace("\\", "\\\\") or _NULL
        return str(first), str(last), holder, _NULL, since, _NULL, number_class, status, text

    def _class(self, named: str, first: int, last: int) -> str:
        """The class that is named, or the rulebook's where it knows one for the whole series, as over HTTP."""
        if named:
            if named not in _CLASSES:
                raise RowError("wrong-class", f"number_class is one of {', '.join(_CLASSES)}")
            if (named == "FIVE") != is_five_digit(first):
                raise RowError("wrong-class", "FIVE is the class of five-digit numbers, and of no others")
            return named
        default = self._rulebook.default_class(national(first))
        if default is None or default != self._rulebook.default_class(national(last)):
            raise RowError("wrong-class", "the rulebook knows no one class for these numbers; name it in number_class")
        return default
