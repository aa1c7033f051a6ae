"""The overview: the same figures as the API's reports, drawn and in tables."""

import pytest
from tests.support.console import Element, visitor
from tests.support.service import Service


def numbers(page: Element, key: str) -> dict[str, list[str]]:
    """The table behind a chart, by its first cell."""
    (found,) = page.all("table", id=f"table-{key}")
    return {row.one("th").text: [cell.text for cell in row.all("td")] for row in found.one("tbody").all("tr")}


async def _some_days(service: Service) -> None:
    await service.case_in("awaiting_completion", main_number="90012340")
    await service.ordered(main_number="90012341", porting_time="2026-11-25T10:00:00+01:00")
    await service.order(main_number="90012342", porting_time="2026-11-23T08:00:00+01:00")
    await service.order(main_number="90012342", donor="LYSE", porting_time="2026-11-25T10:00:00+01:00")
    await service.order(main_number="90012343", donor="LYSE", porting_time="2026-11-25T10:00:00+01:00")


@pytest.mark.parametrize("who", ["OPERATOR", "TELENOR"])
@pytest.mark.parametrize("language", ["en", "nb"])
async def test_the_figures_are_the_reports(service: Service, who: str, language: str) -> None:
    await _some_days(service)
    period = {"from_": "2026-11-23", "to": "2026-11-25"}
    days = (await service.read("/reports/daily", who, **period))["items"]
    async with visitor(service, who, language) as person:
        page = await person.get("/overview?from=2026-11-23&to=2026-11-24")
        names = ("opened", "executed", "completed", "rejected", "cancelled", "obsolete", "returned")
        assert list(numbers(page, "portings").values()) == [
            [str(day["numbers_moved"]), str(day["numbers_returned"]), *(str(day["cases"][name]) for name in names)]
            for day in days
        ]
        refused: dict[str, int] = {}
        for day in days:
            for code, count in day["refusals"].items():
                refused[code] = refused.get(code, 0) + count
        if refused:
            assert numbers(page, "refusals") == {code: [str(count)] for code, count in refused.items()}
        (answer,) = (await service.read("/reports/answers", who, **period))["items"]
        (cells,) = numbers(page, "answers").values()
        assert cells[0] == str(answer["count"])
        assert float(cells[1]) == answer["working_minutes"]["median"]
        states = (await service.read("/reports/cases", who))["items"]
        assert [int(cells[0]) for cells in numbers(page, "cases").values()] == [one["count"] for one in states]
        assert sum(one["count"] for one in states) == 2
        delivery = (await service.read("/reports/delivery", who, limit=1000))["items"]
        assert {code: cells[0] for code, cells in numbers(page, "delivery").items()} == {
            one["code"]: str(one["unacknowledged"]) for one in delivery
        }
        (drawn,) = page.all("svg", role="img")
        assert drawn.all("title")[0].text
        assert drawn.one("desc").text
        for key, column in (("answers", 1), ("cases", 0), ("delivery", 0)):
            (bars,) = [one for one in page.all("ul", class_="bars") if one.attributes["aria-labelledby"] == key]
            figures = {name: cells[column] for name, cells in numbers(page, key).items()}
            if key == "delivery":
                figures = {name: figure for name, figure in figures.items() if figure != "0"}
            assert {one.one("span").text: one.one("strong").text for one in bars.all("li")} == figures != {}
        assert not [one for one in page.all("rect") if "style" in one.attributes]
    if who == "OPERATOR":
        assert refused == {"porting-time-too-early": 1, "donor-not-holder": 2}


async def test_periods_and_codes_that_are_wrong(service: Service) -> None:
    async with visitor(service, "TELIA") as telia, visitor(service, "OPERATOR") as operator:
        page = await operator.get("/overview?from=2026-01-01&to=2026-12-31", 422)
        assert "31" in page.one("div", role="alert").text
        assert page.one("input", name="from").attributes["value"] == "2026-01-01"
        for path in ("/overview?from=<script>", "/overview?code=<script>"):
            page = await operator.get(path, 422)
            assert len(page.all("script")) == 1
        await telia.get("/overview?code=TELENOR", 403)
        await service.ordered()
        await service.ordered("LYSE", main_number="90012346")
        page = await telia.get("/overview")
        assert [cells[0] for cells in numbers(page, "cases").values()] == ["1"]
        assert numbers(page, "portings")["Mon 2026-11-23"][2] == "1"


async def test_nothing_has_happened(service: Service) -> None:
    async with visitor(service, "OPERATOR") as operator:
        page = await operator.get("/overview")
        assert page.one("main").text.count("None here.") == 4
