"""The rules and the providers, as the API has them."""

from tests.support.console import visitor
from tests.support.service import Service


async def test_every_rule_is_there(service: Service) -> None:
    items = (await service.read("/rules"))["items"]
    for language in ("en", "nb"):
        async with visitor(service, "TELIA", language) as telia:
            page = await telia.get("/rules")
            rows = page.all("tbody")
            shown = [row for body in rows for row in body.all("tr")]
            assert len(shown) == len(items)
            for item in items:
                assert " ".join(item["text"][language].split()) in page.text
            timers = {item["timer"] for item in items if item["timer"]}
            assert timers <= {row.attributes["id"] for row in shown}
    async with visitor(service, "TELIA") as telia:
        (only,) = (await telia.get("/rules", q="T13")).all("tbody")
        assert [row.attributes["id"] for row in only.all("tr")] == ["T13"]
        assert "working minutes" in only.text
        page = await telia.get("/rules", q="<script>")
        assert len(page.all("script")) == 1


async def test_providers(service: Service) -> None:
    async with visitor(service, "TELIA") as telia:
        page = await telia.get("/providers", q="telenor norge")
        assert [link.text for link in page.one("table").all("a")] == ["TELENOR"]
        named = sorted(
            one["code"] for one in (await service.read("/providers"))["items"] if "tele" in one["name"].casefold()
        )
        page = await telia.get("/find", q="Tele")
        assert sorted(link.text for link in page.one("table").all("a")) == named
        assert len(named) > 1
        await telia.get("/find", 404, q="Nobody at all")
        for wanted in ("90012345", "900 12 345", "+47 900 12 345", "0047 900 12 345", "4790012345"):
            page = await telia.get("/find", q=wanted)
            assert page.one("h1").text == "90012345"
        assert "99999999 is no number of the plan." in (await telia.get("/find", 404, q="99999999")).text
        for wanted in ("telenor norge", "telenor"):
            page = await telia.get("/find", q=wanted)
            assert page.one("h1").text == "TELENOR"
        series = (await service.read("/series", holder="TELENOR", limit=200))["items"]
        assert [row.all("td")[0].text for row in page.one("tbody").all("tr")] == [one["first"] for one in series]
        await telia.get("/providers/NOBODY", 404)
        await telia.get("/providers/<script>", 404)
