"""Files as operators have them: what is read, and what each kind of bad file is told. No database."""

import io
import os
import re
import tracemalloc
from pathlib import Path

import pytest

import nrdb.importing
from nrdb.importing.reading import (
    BLOCK,
    LINE_LIMIT,
    TOO_LONG,
    FileError,
    Lines,
    digest_of,
    open_table,
    read_blocks,
    read_header,
)
from nrdb.importing.rows import Parsed, PlanTable, PortedTable, Refused
from nrdb.rulebook import load_rulebook


def opened(path: Path, content: bytes) -> io.BufferedReader:
    path.write_bytes(content)
    return open_table(path)


def parse(path: Path, content: bytes, kind: type[PortedTable] = PortedTable) -> tuple[list[list[str]], list[Refused]]:
    """The rows as they would be staged, without the columns behind the last one that says something."""
    with opened(path, content) as file:
        header = read_header(file, kind.required, kind.optional)
        table = kind(header)
        parsed: list[Parsed] = [table.parse(block) for block in read_blocks(file, header.rows, len)]
    rows = [line.split("\t") for item in parsed for line in item.rows.decode().splitlines()]
    assert sum(item.count for item in parsed) == len(rows)
    return rows, [wrong for item in parsed for wrong in item.refused]


def codes(path: Path, *rows: str, header: str = "number,last,holder,network,since,target_number") -> list[str]:
    """What each row is refused with."""
    renamed = header.replace("number,last", "first,last")
    return [wrong.code for wrong in parse(path, "\n".join([renamed, *rows]).encode())[1]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "table.csv"


@pytest.mark.parametrize(
    "content",
    [
        b"number,holder\n90012345,TELIA\n",
        b"\xef\xbb\xbfnumber,holder\n90012345,TELIA",
        b"number;holder\r\n90012345;TELIA\r\n",
        b'"number","holder"\n"90012345","TELIA"\n',
        b"holder,number\n TELIA , +4790012345 \n",
        b"Number,HOLDER\n\n90012345,TELIA\n\r\n   \n",
        b"first,last,holder,network,since,target_number\n90012345,,TELIA,,,\n",
        b"first,last,holder,network\n90012345,90012345,TELIA,TELIA\n",
    ],
    ids=["plain", "byte-order mark", "CRLF", "quoted", "spaces", "empty lines", "empty fields", "first and last"],
)
def test_a_table_is_read_as_it_comes(path: Path, content: bytes) -> None:
    rows, refused = parse(path, content)
    assert [row[1:6] for row in rows] == [["4790012345", "4790012345", "TELIA", "TELIA", r"\N"]]
    assert refused == []


def test_lines_keep_their_numbers(path: Path) -> None:
    rows, refused = parse(path, b"\n\nnumber,holder\n\n90012345,TELIA\n9001,TELIA\n\n90012347,TELIA\n")
    assert [row[0] for row in rows] == ["5", "8"]
    assert [(wrong.line, wrong.code) for wrong in refused] == [(6, "wrong-number")]


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2019-05-14", "2019-05-14T00:00:00+02:00"),
        ("2019-05-14T08:00:00.5+02:00", "2019-05-14T06:00:00.500000+00:00"),
        ("2019-05-14T08:00:00Z", "2019-05-14T08:00:00+00:00"),
    ],
)
def test_times_are_days_in_oslo_or_instants(path: Path, text: str, instant: str) -> None:
    rows, refused = parse(path, f"number,holder,since\n90012345,TELIA,{text}\n90012346,TELIA,{text}\n".encode())
    assert [row[5] for row in rows] == [instant, instant]
    assert refused == []


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("9001234,,TELIA,,,", "wrong-number"),
        ("900123456,,TELIA,,,", "wrong-number"),
        ("4790012345,,TELIA,,,", "wrong-number"),
        ("+4590012345,,TELIA,,,", "wrong-number"),
        ("9001234x,,TELIA,,,", "wrong-number"),
        ("\u0669\u0660\u0660\u0661\u0662\u0663\u0664\u0665,,TELIA,,,", "wrong-number"),
        (",,TELIA,,,", "wrong-number"),
        ("90012345,90012344,TELIA,,,", "wrong-range"),
        ("90012345,580000000000,TELIA,,,", "wrong-range"),
        ("90012345,,,,,", "wrong-code"),
        ("90012345,,telia,,,", "wrong-code"),
        ("90012345,,TELIA,A,,", "wrong-code"),
        ("90012345,,0,,,", "wrong-code"),
        ("90012345,,TELIA,,14.05.2019,", "wrong-time"),
        ("90012345,,TELIA,,2019-05-14T08:00:00,", "wrong-time"),
        ("90012345,,TELIA,,2019-02-30,", "wrong-time"),
        ("90012345,,TELIA,,0001-01-01,", "wrong-time"),
        ("02800,,TELIA,,,", "target-missing"),
        ("90012345,,TELIA,,,90012346", "target-not-wanted"),
        ("02800,,TELIA,,,02801", "wrong-number"),
        ("90012345,,TELIA", "wrong-fields"),
        ("90012345,,TELIA,,,,", "wrong-fields"),
        ('90012345,,"TELIA,,,', "row-unreadable"),
        ('90012345,,"TEL"IA,,,', "row-unreadable"),
        ("9" * (LINE_LIMIT + 1), "line-too-long"),
        ("9" * (3 * BLOCK), "line-too-long"),
    ],
)
def test_each_wrong_row_is_told_apart_and_the_others_are_read(path: Path, row: str, code: str) -> None:
    assert codes(path, row) == [code]
    rows, refused = parse(path, f"first,last,holder,network,since,target_number\n{row}\n90012345,,LYSE,,,\n".encode())
    assert [(wrong.line, wrong.code) for wrong in refused] == [(2, code)]
    assert [line[0] for line in rows] == ["3"]


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", "empty-file"),
        ("\n\n  \n", "empty-file"),
        ("holder,network\n", "missing-column"),
        ("number\n", "missing-column"),
        ("number,holder,price\n", "unknown-column"),
        ("number,holder,holder\n", "column-twice"),
        ("number,first,holder\n", "column-twice"),
        ("number\tholder\n", "unknown-column"),
        ("90012345,TELIA\n", "unknown-column"),
        ('"number,holder\n', "header-unreadable"),
        ("," * 10_000_000 + "\n", "header-too-long"),
        ("x" * 10_000_000, "header-too-long"),
    ],
)
def test_a_first_line_that_names_no_such_table(path: Path, header: str, code: str) -> None:
    with pytest.raises(FileError) as caught:
        parse(path, header.encode())
    assert caught.value.code == code
    assert len(str(caught.value)) < 1000


def test_a_line_without_end_takes_no_memory(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b"number,holder\n")
        for _ in range(64):
            file.write(b"9" * BLOCK)
        file.write(b"\n90012345,TELIA\n")
    tracemalloc.start()
    with open_table(path) as file:
        header = read_header(file, PortedTable.required, PortedTable.optional)
        blocks = list(read_blocks(file, header.rows, len))
        _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [line for block in blocks for line in block.lines if line] == [TOO_LONG, "90012345,TELIA"]
    assert peak < 8 * BLOCK


@pytest.mark.parametrize(
    ("content", "code", "line", "words"),
    [
        (b"number,holder\n90012345,TELIA\n90012346,\xc5LESUND\n", "not-utf8", 3, ["byte 10 of the line", "ISO-8859-1"]),
        (b"number,h\xf8lder\n", "not-utf8", 1, ["byte 9 of the line"]),
        (b"number,holder\n90012345,TE\0LIA\n", "nul-byte", 2, ["byte 26 of the file"]),
        ("number,holder\n90012345,TELIA\n".encode("utf-16"), "nul-byte", 1, ["UTF-16"]),
    ],
    ids=["Latin-1", "Latin-1 in the first line", "NUL", "UTF-16"],
)
def test_what_is_no_utf8_is_told_where_and_how_to_convert_it(
    path: Path, content: bytes, code: str, line: int, words: list[str]
) -> None:
    with pytest.raises(FileError) as caught:
        parse(path, content)
    assert (caught.value.code, caught.value.line) == (code, line)
    for word in words:
        assert word in str(caught.value)


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path, tmp_path / "pipe", Path("/dev/null"), Path("/dev/zero")):
        with pytest.raises(FileError, match="is no file"):
            open_table(place)
    with pytest.raises(FileNotFoundError):
        open_table(tmp_path / "none")


def test_blocks_go_on_where_they_stopped_and_letters_are_whole(path: Path) -> None:
    lines = [f"line {number} ø{'x' * (number % 97)}" for number in range(60_000)]
    with opened(path, ("\n".join(lines)).encode()) as file:
        first = read_header(io.BufferedReader(io.BytesIO(b"number,holder\n")), PortedTable.required, ()).rows
        start = type(first)(0, 1)
        whole = list(read_blocks(file, start, len))
        assert len(whole) > 2
        assert [line for block in whole for line in block.lines] == lines
        again = list(read_blocks(file, whole[0].next, len))
        assert again[0].first_line == len(whole[0].lines) + 1
        assert [line for block in again for line in block.lines] == lines[len(whole[0].lines) :]


def test_lines_again_and_the_digest(path: Path) -> None:
    with opened(path, b"\xef\xbb\xbfnumber,holder\r\n90012345,\xc5\n" + b"9" * (2 * LINE_LIMIT) + b"\nlast") as file:
        lines = Lines(file)
        assert [lines.at(number)[:20] for number in (1, 2, 3, 4)] == [
            "number,holder",
            "90012345,\ufffd",
            "9" * 20,
            "last",
        ]
        assert len(digest_of(file)) == 64


PLAN = "first,last,holder,number_class,status,reason,valid_from"


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ("90000000,90009999,TELIA,,,,", ["MOBILE", "open", r"\N"]),
        ("90000000,90009999,TELIA,GEO,blocked,Æres\\vakt,", ["GEO", "blocked", "Æres\\\\vakt"]),
        ("02800,02899,0,,returned,,", ["FIVE", "returned", r"\N"]),
        ("90000000,90009999,0,,,,", ["MOBILE", "open", r"\N"]),
    ],
)
def test_series_get_what_they_do_not_say(path: Path, row: str, found: list[str]) -> None:
    with opened(path, f"{PLAN}\n{row}\n".encode()) as file:
        header = read_header(file, PlanTable.required, PlanTable.optional)
        table = PlanTable(header, load_rulebook())
        (parsed,) = [table.parse(block) for block in read_blocks(file, header.rows, len)]
    assert parsed.refused == []
    assert parsed.rows.decode().rstrip("\n").split("\t")[7:] == found


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("90000000,90009999,TELIA,PAGER,,,", "wrong-class"),
        ("90000000,90009999,TELIA,FIVE,,,", "wrong-class"),
        ("02800,02899,0,GEO,,,", "wrong-class"),
        ("10000000,10009999,TELIA,,,,", "wrong-class"),
        ("39990000,40009999,TELIA,,,,", "wrong-class"),
        ("90000000,90009999,TELIA,,gone,,", "wrong-status"),
        ("90000000,90009999,TELIA,,returned,,", "wrong-status"),
        (f"90000000,90009999,TELIA,,,{'x' * 1001},", "wrong-reason"),
        ("90000000,90009999,TELIA,,,a\tb,", "wrong-reason"),
        ("90000000,90009999,TELIA,,,,soon", "wrong-time"),
        ("90009999,90000000,TELIA,,,,", "wrong-range"),
    ],
)
def test_each_wrong_series_is_told_apart(path: Path, row: str, code: str) -> None:
    with opened(path, f"{PLAN}\n{row}\n".encode()) as file:
        header = read_header(file, PlanTable.required, PlanTable.optional)
        table = PlanTable(header, load_rulebook())
        (parsed,) = [table.parse(block) for block in read_blocks(file, header.rows, len)]
    assert [(wrong.line, wrong.code) for wrong in parsed.refused] == [(2, code)]
    assert parsed.count == 0


PAGE = (Path(__file__).parents[2] / "docs" / "import.md").read_text(encoding="utf-8")


def test_the_examples_of_the_page_are_right(path: Path) -> None:
    plan, ported = re.findall(r"```csv\n(.*?)```", PAGE, re.DOTALL)
    rows, refused = parse(path, ported.encode())
    assert (len(rows), refused) == (3, [])
    with opened(path, plan.encode()) as file:
        header = read_header(file, PlanTable.required, PlanTable.optional)
        table = PlanTable(header, load_rulebook())
        (parsed,) = [table.parse(block) for block in read_blocks(file, header.rows, len)]
    assert (parsed.count, parsed.refused) == (3, [])


def test_the_page_names_every_code() -> None:
    sources = Path(nrdb.importing.__file__).parent.glob("*.py")
    code = "".join(source.read_text(encoding="utf-8") for source in sources)
    made = set(re.findall(r'(?:RowError|FileError|_refuse)\(\s*"([a-z0-9-]+)"', code))
    told = set(re.findall(r"`([a-z0-9]+(?:-[a-z0-9]+)+)`", PAGE.partition("## What is checked")[2]))
    assert len(made) > 20
    assert {code for code in made if "-" in code} == told
    assert "`overlap`" in PAGE
