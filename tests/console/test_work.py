"""Work lists: whose turn it is, and a view that can be sent to a colleague."""

import csv
import io

import pytest
from tests.support.console import Element, read, visitor
from tests.support.service import Service


def numbers(page: Element) -> dict[str, list[str]]:
    """The numbers of each section, by its heading."""
    found: dict[str, list[str]] = {}
    live = page.one("div", id="live")
    title = ""
    for child in live.children:
        if child.name == "h2":
            title = child.text
            found[title] = []
        if child.name == "div":
            found[title] = [row.all("td")[0].text for row in child.all("tr")[1:]]
    return {name: rows for name, rows in found.items() if rows}


async def test_what_waits_for_whom(service: Service) -> None:
    await service.ordered(main_number="90012340")
    await service.case_in("awaiting_recipient", main_number="90012341")
    async with visitor(service, "TELENOR") as donor, visitor(service, "TELIA") as recipient:
        answer, execute = "Orders that wait for the donor's answer", "Portings to carry out"
        assert numbers(await donor.get("/work")) == {answer: ["90012340"]}
        assert numbers(await recipient.get("/work/mine")) == {execute: ["90012341"]}
        assert numbers(await donor.get("/work/others")) == {execute: ["90012341"]}
        assert numbers(await recipient.get("/work/others")) == {answer: ["90012340"]}
        near = numbers(await donor.get("/work/near"))
        assert near == {answer: ["90012340"], execute: ["90012341"]}
        start = await donor.get("/")
        assert "90012340" in start.one("main").text
    async with visitor(service, "LYSE") as stranger, visitor(service, "OPERATOR") as operator:
        for view in ("mine", "others", "near", "overdue", "obsolete"):
            assert numbers(await stranger.get(f"/work/{view}")) == {}
        assert numbers(await operator.get("/work/near")) == {answer: ["90012340"], execute: ["90012341"]}
        assert numbers(await operator.get("/work/mine", code="TELIA")) == {execute: ["90012341"]}


async def test_reports_that_are_missing(service: Service) -> None:
    case_id = await service.case_in("awaiting_completion")
    missing = (await service.case(case_id))["completion"]["missing"]
    title = "Portings that wait for reports"
    async with visitor(service, missing[0]) as one, visitor(service, "TELIA") as recipient:
        assert numbers(await one.get("/work")) == {title: ["90012345"]}
        await service.accepted(missing[0], "NP_FERD", case_id=case_id)
        assert numbers(await one.get("/work")) == {}
        # Whoever has reported sees that others have not, be it recipient, donor or anybody told of the porting.
        assert numbers(await one.get("/work/others")) == {title: ["90012345"]}
        assert numbers(await recipient.get("/work/others")) == {title: ["90012345"]}
        assert numbers(await recipient.get("/work")) == {}


async def test_a_list_ends_when_it_ends(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """What others wait for hides nothing that waits for the reader, on the first page either."""
    monkeypatch.setattr("nrdb.console.work.ROWS", 2)
    first = await service.case_in("awaiting_completion", main_number="90012340")
    for last in range(1, 5):
        at = f"2026-11-{23 + last}T10:00:00+01:00"
        later = await service.case_in("awaiting_completion", main_number=f"9001234{last}", porting_time=at)
        await service.accepted("LYSE", "NP_FERD", case_id=later)
    title = "Portings that wait for reports"
    async with visitor(service, "LYSE") as lyse:
        page = await lyse.get("/work")
        assert numbers(page) == {title: ["90012340"]}
        assert page.all("p", class_="pager") == []
        assert "90012340" in (await lyse.get("/")).one("main").text
        await service.accepted("LYSE", "NP_FERD", case_id=first)
        assert numbers(await lyse.get("/work")) == {}


async def test_the_soonest_stands_first_on_the_first_page(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was ordered first: what presses most is on no later page."""
    monkeypatch.setattr("nrdb.console.work.ROWS", 2)
    for last, day in enumerate((24, 27, 25, 26)):
        await service.ordered(main_number=f"9001234{last}", porting_time=f"2026-11-{day}T10:00:00+01:00")
    answer = "Orders that wait for the donor's answer"
    async with visitor(service, "TELENOR") as donor:
        page = await donor.get("/work")
        assert numbers(page) == {answer: ["90012340", "90012342"]}
        more = page.one("p", class_="pager").one("a").attributes["href"]
        assert numbers(await donor.get(more.removeprefix("/console"))) == {answer: ["90012343", "90012341"]}


async def test_a_reader_of_several_codes(service: Service) -> None:
    """All of them unless the address names one."""
    await service.ordered(main_number="90012340")
    await service.ordered("LYSE", main_number="90012341")
    form = {"role": "provider", "codes": ["TELIA", "LYSE", "TELENOR"], "label": "three"}
    service.keys["THREE"] = (await service.admin("POST", "/keys", form))["key"]
    answer = "Orders that wait for the donor's answer"
    async with visitor(service, "THREE") as three:
        assert {title: sorted(found) for title, found in numbers(await three.get("/work")).items()} == {
            answer: ["90012340", "90012341"]
        }
        assert numbers(await three.get("/work/others")) == {}
        assert numbers(await three.get("/work/others", code="LYSE")) == {answer: ["90012341"]}
        assert [option.text for option in (await three.get("/work")).one("select", name="code").all("option")][1:] == [
            "TELIA", "LYSE", "TELENOR",
        ]  # fmt: skip
        assert "90012340" in (await three.get("/")).one("main").text


async def test_filters_stand_in_the_address(service: Service) -> None:
    await service.ordered(main_number="90012340", porting_time="2026-11-25T10:00:00+01:00")
    await service.ordered(main_number="90012341", porting_time="2026-11-26T10:00:00+01:00")
    answer = "Orders that wait for the donor's answer"
    async with visitor(service, "TELENOR") as donor:
        for filters, found in (
            ({"number": "900 12 341"}, ["90012341"]),
            ({"first": "2026-11-26"}, ["90012341"]),
            ({"last": "2026-11-25"}, ["90012340"]),
            ({"first": "2026-11-25", "last": "2026-11-25"}, ["90012340"]),
            ({"first": "2026-11-27"}, []),
            ({"kind": "termination"}, []),
        ):
            page = await donor.get("/work", 200, **filters)
            assert numbers(page) == ({answer: found} if found else {})
            # They go with the reader to the other lists, to the table and to the live part.
            for name, value in filters.items():
                assert f"{name}={value.replace(' ', '')}" in page.one("div", id="live").attributes["hx-get"]
                assert f"{name}=" in page.one("nav", class_="tabs").all("a")[1].attributes["href"]
        for day in ("0001-01-01", "9999-12-31", "26.11.2026", "2026-02-30"):
            page = await donor.get("/work", 422, first=day)
            assert page.one("p", class_="error").text == "is not a date like 2026-11-23"
            table = await donor.client.get(f"/console/work/mine.csv?first={day}")
            assert table.status_code == 303


async def test_filters_that_are_wrong_stand_beside_the_others(service: Service) -> None:
    async with visitor(service, "TELENOR") as donor, visitor(service, "OPERATOR") as operator:
        page = await donor.get("/work/mine", 422, number="abc")
        assert page.one("input", name="number").attributes["aria-invalid"] == "true"
        assert page.one("p", id="wrong").text.startswith("must be a number of at most 15 digits")
        page = await operator.get("/work", 422, code="<x>")
        assert page.one("input", name="code").attributes["aria-invalid"] == "true"
        table = await operator.client.get("/console/work/others.csv?code=<x>")
        assert table.status_code == 303


async def test_a_view_of_somebody_else_is_ones_own_and_says_so(service: Service) -> None:
    """An address that a colleague of another provider has sent."""
    await service.ordered(main_number="90012340")
    answer = "Orders that wait for the donor's answer"
    async with visitor(service, "TELENOR") as donor, visitor(service, "TELIA") as recipient:
        page = await donor.get("/work/mine", code="telia")
        assert numbers(page) == {answer: ["90012340"]}
        assert "TELIA is no code of yours" in page.one("p", class_="note").text
        assert numbers(await recipient.get("/work/mine", code="TELENOR")) == {}
        assert not (await donor.get("/work/mine", code="TELENOR")).one("main").all("p", class_="note")


async def test_answers_that_will_soon_be_late(service: Service) -> None:
    await service.ordered(porting_time="2026-11-27T10:00:00+01:00")
    async with visitor(service, "TELENOR") as donor:
        assert numbers(await donor.get("/work/near")) == {}
        await service.clock(minutes=90)
        assert numbers(await donor.get("/work/near")) == {"Answers and reports that will soon be late": ["90012345"]}
        await service.clock(minutes=60)
        assert numbers(await donor.get("/work/near")) == {}
        assert numbers(await donor.get("/work/overdue")) == {"Overdue": ["90012345"]}


async def test_orders_that_came_to_nothing_today(service: Service) -> None:
    await service.case_in("obsolete")
    async with visitor(service, "TELIA") as telia:
        assert numbers(await telia.get("/work/obsolete")) == {"Orders whose porting time passed unused": ["90012345"]}
        await service.clock(hours=20)
        assert numbers(await telia.get("/work/obsolete")) == {}


async def test_what_is_late(service: Service) -> None:
    await service.ordered(porting_time="2026-11-27T10:00:00+01:00")
    await service.clock(hours=6)
    async with visitor(service, "OPERATOR") as operator:
        assert numbers(await operator.get("/work/overdue")) == {"Overdue": ["90012345"]}
        assert numbers(await operator.get("/work/overdue", code="TELIA")) == {}


async def test_the_table_is_what_the_page_shows(service: Service) -> None:
    for last in range(3):
        await service.ordered(main_number=f"9001234{last}")
    async with visitor(service, "TELENOR", "nb") as donor:
        page = await donor.get("/work")
        answer = await donor.client.get("/console/work/mine.csv?code=TELENOR")
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        # As a Norwegian spreadsheet reads it, with times that it can sort.
        head, *rows = csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")), delimiter=";")
        assert head[1:3] == ["Nummer", "Tid"]
        shown = [[cell.text for cell in row.all("td")] for row in page.one("div", id="live").all("tr")[1:]]
        assert [[row[1], *row[3:-1]] for row in rows] == [[row[0], *row[2:]] for row in shown]
        assert {row[2] for row in rows} == {"2026-11-23 10:00:00"}
        assert len(rows) == 3


async def test_a_list_that_is_as_it_was_is_left_alone(service: Service) -> None:
    later = await service.ordered(main_number="90012341", porting_time="2026-11-25T10:00:00Z")
    async with visitor(service, "TELENOR") as donor:
        page = await donor.get("/work/mine")
        live = page.one("div", id="live").attributes["hx-get"]
        assert (await donor.client.get(live)).status_code == 204
        sooner = await service.ordered(main_number="90012342", porting_time="2026-11-24T10:00:00Z")
        answer = await donor.client.get(live)
        assert answer.status_code == 200
        # What comes first stands first, whichever was ordered first.
        links = [link.attributes["href"] for link in read(answer).one("table").all("a")]
        assert links == [f"/console/cases/{sooner}", f"/console/cases/{later}"]
        live = read(answer).one("div", id="live").attributes["hx-get"]
        assert (await donor.client.get(live)).status_code == 204


async def test_another_list_is_not_about_a_code_that_it_does_not_show(service: Service) -> None:
    async with visitor(service, "TELIA") as telia, visitor(service, "OPERATOR") as operator:
        tabs = (await telia.get("/work/overdue", code="NEXTGEN", kind="porting")).one("nav", class_="tabs")
        assert {link.attributes["href"].partition("?")[2] for link in tabs.all("a")} == {
            "kind=porting", "code=NEXTGEN&kind=porting",
        }  # fmt: skip
        page = await operator.get("/work", code="NEXTGEN")
        assert page.one("h1").text == "Open"
        tabs = page.one("nav", class_="tabs")
        assert {link.attributes["href"].partition("?")[2] for link in tabs.all("a")} == {"code=NEXTGEN"}
        assert "Awaiting me" not in page.text


async def test_a_long_list_goes_on(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nrdb.console.work.ROWS", 2)
    for last in range(5):
        await service.ordered(main_number=f"9001234{last}")
    async with visitor(service, "TELENOR") as donor:
        page, seen = await donor.get("/work/mine", kind="porting"), []
        while True:
            seen += [number for rows in numbers(page).values() for number in rows]
            more = page.all("p", class_="pager")
            if not more:
                break
            address = more[0].one("a").attributes["href"]
            assert "kind=porting" in address
            page = await donor.get(address.removeprefix("/console"))
        assert sorted(seen) == [f"9001234{last}" for last in range(5)]


@pytest.mark.parametrize(
    ("path", "status"),
    [("/work/nothing", 404), ("/work/nothing.csv", 404), ("/work/mine?code=<script>", 422), ("/work/mine?kind=x", 422),
     ("/work/mine?section=answer&after=x", 422), ("/work/mine?section=x", 200)],
)  # fmt: skip
async def test_addresses_that_are_wrong(service: Service, path: str, status: int) -> None:
    async with visitor(service, "TELIA") as telia:
        page = await telia.get(path, status)
        assert page.all("script")[0].attributes["src"].startswith("/console/static/")
        assert len(page.all("script")) == 1
