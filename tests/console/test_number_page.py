"""The page of a number: who serves it, what is open, its whole story in both times."""

import pytest
from tests.support.console import Element, visitor
from tests.support.service import Service, local

NUMBER = "90012345"


def table(page: Element, name: str) -> list[list[str]]:
    (found,) = [one for one in page.all("div", role="region") if one.attributes["aria-label"] == name]
    return [[cell.text for cell in row.all("td")] for row in found.one("tbody").all("tr")]


async def test_a_number_that_nobody_has_moved(service: Service) -> None:
    async with visitor(service, "OPERATOR", "nb") as operator:
        page = await operator.get(f"/numbers/+47{NUMBER}")
        assert page.one("h1").text == NUMBER
        assert "TELENOR betjener dette nummeret. Det er ikke portert bort." in page.text
        assert page.all("svg") == []
        assert "Hva man trodde før" not in page.text
    for who, offered in (("TELIA", True), ("TELENOR", False)):
        async with visitor(service, who) as person:
            page = await person.get(f"/numbers/{NUMBER}")
            address = f"/console/post/NP_BEST?main_number={NUMBER}"
            assert (address in [link.attributes["href"] for link in page.all("a")]) is offered


async def test_a_porting_stands_on_top_and_then_in_the_history(service: Service) -> None:
    case_id = await service.case_in("scheduled")
    async with visitor(service, "TELIA") as mt, visitor(service, "CHILI") as other:
        page = await mt.get(f"/numbers/{NUMBER}")
        assert "From Mon 2026-11-23 10:00 TELIA serves it." in page.text
        assert page.all("h2")[0].text == "What is open"
        links = [link.attributes["href"] for link in page.all("a")]
        assert f"/console/cases/{case_id}" in links
        assert "It is in another case, and one at a time is allowed." in page.text
        drawing = page.one("svg", role="img")
        assert [text.text for text in drawing.all("text", class_="strong")] == ["TELENOR", "TELIA"]
        assert [rect.attributes["class"] for rect in drawing.all("rect")] == ["span good", "span wait"]
        assert drawing.one("title").text == "TELENOR from Wed 2020-01-01; TELIA from Mon 2026-11-23"
        # Who has no part in it sees that there is one, and no more.
        page = await other.get(f"/numbers/{NUMBER}")
        assert f"/console/cases/{case_id}" not in [link.attributes["href"] for link in page.all("a")]

        await service.clock(local("2026-11-23 10:00"))
        page = await mt.get(f"/numbers/{NUMBER}")
        assert "TELIA serves this number since Mon 2026-11-23 10:00" in page.text
        assert [rect.attributes["class"] for rect in page.one("svg").all("rect")] == ["span", "span good"]
        rows = table(page, "Who has served it, and who will")
        assert [row[2] for row in rows] == ["TELENOR", "TELIA now"]


async def test_what_was_believed_and_is_no_longer(service: Service) -> None:
    """A porting that was stopped had been announced: both times of it stand there."""
    case_id = await service.case_in("scheduled")
    await service.clock(minutes=20)
    await service.accepted("TELIA", "NP_ANNU", case_id=case_id)
    async with visitor(service, "OPERATOR") as operator:
        page = await operator.get(f"/numbers/{NUMBER}")
        assert page.all("svg") == []
        believed = [row for row in table(page, "What was believed before") if row[2] == "TELIA"]
        assert [row[:2] for row in believed] == [["Mon 2026-11-23 08:00", "Mon 2026-11-23 08:20"]]
        assert [row[4] for row in believed] == ["Mon 2026-11-23 10:00"]
        assert case_id in {link.attributes["href"].rpartition("/")[2] for link in page.all("a")}


async def test_cases_of_every_kind_stand_there(service: Service) -> None:
    await service.case_in("completed")
    await service.accepted("TELIA", "NP_OPPS", main_number=NUMBER, termination_time="2026-11-24T10:00:00+01:00")
    async with visitor(service, "TELENOR") as at:
        page = await at.get(f"/numbers/{NUMBER}")
        badges = [badge.text for badge in page.all("span", class_="badge")]
        assert badges[0] == "waits for its end"
        assert badges[-1] == "completed"


@pytest.mark.parametrize(("reader", "look"), [("TELENOR", "act"), ("TELIA", "wait"), ("OPERATOR", "wait")])
async def test_a_badge_calls_only_those_who_must_act(service: Service, reader: str, look: str) -> None:
    await service.case_in("awaiting_donor")
    async with visitor(service, reader) as someone:
        for path in (f"/numbers/{NUMBER}", "/work/others" if reader == "TELIA" else "/work"):
            badge = (await someone.get(path)).all("span", class_="badge")[0]
            assert badge.text == "waits for the donor"
            assert badge.attributes["class"] == f"badge {look}"


async def test_a_five_digit_number_and_one_that_is_none(service: Service) -> None:
    async with visitor(service, "TELIA") as reader:
        assert "Nobody serves this number." in (await reader.get("/numbers/02800")).text
        await reader.get("/numbers/11111111", 404)
        await reader.get("/numbers/<script>alert(1)<!--", 404)
