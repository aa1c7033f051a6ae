"""`nrdb lookup` as a program, against the real service."""

import csv
import io
import json
from pathlib import Path

import pytest
from tests.support.commands import command
from tests.support.service import Service

NUMBER = "90012345"


async def test_arguments_as_json_at_an_instant(service: Service) -> None:
    await service.case_in("scheduled")
    asked = await command(service, "lookup", NUMBER, f"+47{NUMBER}", "900 12 346", "--json")
    assert (asked.code, asked.err) == (0, "")
    found = [json.loads(line) for line in asked.out.splitlines()]
    assert [(item["number"], item["holder"]) for item in found] == [
        (NUMBER, "TELENOR"), (NUMBER, "TELENOR"), ("90012346", "TELENOR"),
    ]  # fmt: skip
    assert found[0] == await service.read(f"/routing/{NUMBER}")
    later = await command(service, "lookup", NUMBER, "--json", "--at", "2026-11-23T10:00:00+01:00")
    assert json.loads(later.out)["holder"] == "TELIA"


async def test_the_table_for_the_eye(service: Service) -> None:
    await service.case_in("scheduled")
    asked = await command(service, "lookup", NUMBER, "10000000")
    assert asked.code == 1
    lines = asked.out.splitlines()
    assert "Routing number" in lines[1]
    assert [part.strip() for part in lines[3].split("│")[1:4]] == ["90012345", "TELENOR", "TELENOR"]
    assert "TELIA from 2026-11-23T09:00:00Z" in lines[3]
    assert [part.strip() for part in lines[4].split("│")[1:3]] == ["10000000", "unknown"]


async def test_a_file_as_windows_writes_it(service: Service, tmp_path: Path) -> None:
    file = tmp_path / "numbers.txt"
    file.write_bytes(b"\xef\xbb\xbf90012345\r\n\r\n 0047 900 12 346 \r\n02800\r\n12\r\n580000000001")
    asked = await command(service, "lookup", "--file", str(file), "--csv")
    rows = list(csv.DictReader(io.StringIO(asked.out)))
    assert [(row["number"], row["error"]) for row in rows] == [
        ("90012345", ""), ("90012346", ""), ("02800", ""), ("12", "number-unknown"), ("580000000001", ""),
    ]  # fmt: skip
    assert [row["ported"] for row in rows] == ["false", "false", "false", "", "false"]
    assert (asked.code, asked.err) == (1, "")


async def test_lines_that_are_no_numbers_are_named_and_the_others_answered(service: Service) -> None:
    given = f"{NUMBER}\nKari\n+4690012345\n{'9' * 5000}\n\n{NUMBER}\næ\xff".encode("latin-1")
    asked = await command(service, "lookup", "--json", given=given)
    assert [json.loads(line)["number"] for line in asked.out.splitlines()] == [NUMBER, NUMBER]
    assert asked.code == 2
    told = asked.err.splitlines()
    assert [line.split(":")[1] for line in told] == [
        " - line 2", " - line 3", " - line 4", " - line 7", " 4 lines are no numbers",
    ]  # fmt: skip
    assert all(len(line) < 120 for line in told)


async def test_more_than_one_request_in_the_order_asked(service: Service) -> None:
    numbers = [str(90010000 + i) for i in range(10_001)] + [NUMBER]
    asked = await command(service, "lookup", "--csv", given="\n".join(numbers).encode())
    assert [row["number"] for row in csv.DictReader(io.StringIO(asked.out))] == numbers


@pytest.mark.parametrize("form", [(), ("--json",), ("--csv",)])
@pytest.mark.parametrize("given", [b"", b"\n \n", b"\xef\xbb\xbf\r\n"])
async def test_no_number_at_all_is_told(service: Service, tmp_path: Path, form: tuple[str, ...], given: bytes) -> None:
    """A file that a job has left empty would pass for one in which every number is in the plan."""
    file = tmp_path / "numbers.txt"
    file.write_bytes(given)
    for arguments, typed in (((), given), (("--file", "-"), given), (("--file", str(file)), b"90012345\n")):
        asked = await command(service, "lookup", *form, *arguments, given=typed)
        assert (asked.code, asked.out) == (2, "")
        assert asked.err.startswith("nrdb lookup: there is no number to look up: name some, or give them in --file")


async def test_lines_of_which_none_is_a_number(service: Service) -> None:
    asked = await command(service, "lookup", "--csv", given=b"Kari\nOla\n")
    assert (asked.code, asked.out, len(asked.err.splitlines())) == (2, "", 3)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--file", "nowhere.txt"), "No such file"),
        ((NUMBER, "--file", "nowhere.txt"), "name numbers or a file, not both"),
        ((NUMBER, "--at", "yesterday"), "/at: a time is RFC 3339"),
        ((NUMBER, "--json", "--csv"), "--json or --csv, not both"),
        ((NUMBER, "--key", ""), "a key is needed"),
        ((NUMBER, "--url", "nrdb.example"), "the address of the service is like"),
        ((NUMBER, "--key", "wrong"), "unauthenticated"),
    ],
)
async def test_wrong_use_is_one_line(service: Service, arguments: tuple[str, ...], told: str) -> None:
    asked = await command(service, "lookup", *arguments)
    assert (asked.code, asked.out, len(asked.err.splitlines())) == (2, "", 1)
    assert told in asked.err


async def test_help_says_the_exit_codes(service: Service) -> None:
    asked = await command(service, "lookup", "--help")
    assert "Exit code 0" in asked.out
