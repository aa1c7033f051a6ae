"""What is written down once: the rules, and who the providers are."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from markupsafe import Markup
from starlette.responses import Response
from starlette.routing import Route

from nrdb.cases.case import NKOM
from nrdb.console.admin.changing import done, offers
from nrdb.console.admin.plan import STATUSES
from nrdb.console.overview import WEBHOOKS
from nrdb.console.page import Page, html, signed_in
from nrdb.console.reckoning import value_of
from nrdb.console.words import text
from nrdb.texts import Language

#: The kinds of rules, in the order of the page.
KINDS: Final[Mapping[str, str]] = {
    "refusal": text("Why a message is refused, the first that applies"),
    "reason": text("Reasons to reject an order"),
    "termination-reason": text("Reasons to reject a termination"),
    "deadline": text("Deadlines that reports and this console use, never a refusal"),
    "working-time": text("Working time"),
}
OTHERS: Final = text("Others")


class _Row(NamedTuple):
    """A rule as the page shows it, below the title of its kind."""

    title: str
    id: str
    name: str
    code: str
    value: str
    text: str
    source: str
    is_assumed: bool


async def rules(page: Page) -> Response:
    """Every rule with its value, its source and its text."""
    wanted = page.query("q").casefold()
    rows = [_rule(page, item) for item in (await page.api.get("/rules"))["items"]]
    found = [row for row in rows if not wanted or any(wanted in value.casefold() for value in row[1:-1])]
    return page.render(
        "rules.html", tables=_tables(page.language, tuple(found)), wanted=page.query("q"), count=len(found)
    )


@lru_cache(maxsize=8)
def _tables(language: Language, rows: tuple[_Row, ...]) -> Markup:
    """The rules as tables, a kind each. Rules change with the program only, so they are written once a language."""
    groups = {title: [row for row in rows if row.title == title] for title in (*KINDS.values(), OTHERS)}
    return html(language, "_rules.html", groups=groups.items())


def _rule(page: Page, item: Mapping[str, Any]) -> _Row:
    is_assumed = item["source"] == "assumption"
    return _Row(
        title=KINDS.get(item["kind"], OTHERS),
        id=item["timer"] or f"{item['kind']}-{item['code']}",
        name=item["timer"] or item["code"],
        code=item["code"],
        value=value_of(page, item),
        text=item["text"][page.language],
        source=page.word("assumption") if is_assumed else item["source"] or "",
        is_assumed=is_assumed,
    )


async def provider(page: Page) -> Response:
    """Who a code is, how to reach them, and what they hold."""
    code = page.request.path_params["code"]
    found = next((one for one in await page.api.all("/providers") if one["code"] == code), None)
    if found is None:
        return page.render("find.html", 404, wanted=code)
    series: Sequence[Any] = (await page.api.get("/series", holder=code, limit=200))["items"]
    keys: Sequence[Any] = []
    delivery: Sequence[Any] = []
    if page.caller.role != "provider":
        keys = [key for key in await page.api.all("/admin/keys") if code in key["codes"] and not key["revoked_at"]]
    if page.caller.role != "provider" or code in page.caller.codes:
        delivery = (await page.api.get("/reports/delivery", code=code))["items"]
    may_change = offers(page, "provider-change", "transfer") if code != NKOM else []
    if code in page.caller.codes:
        may_change += offers(page, "contacts")
    return page.render("provider.html", provider=found, series=series, keys=keys, delivery=delivery, statuses=STATUSES,
                       webhooks=WEBHOOKS, offers=may_change, may=page.caller.role == "admin", done=done(page),
                       sees=page.caller.role != "provider" or code in page.caller.codes)  # fmt: skip


async def providers(page: Page) -> Response:
    """All codes."""
    wanted = page.query("q").casefold()
    found = [one for one in await page.api.all("/providers") if wanted in f"{one['code']} {one['name']}".casefold()]
    return page.render("providers.html", providers=found, wanted=page.query("q"), offers=offers(page, "provider-new"))


ROUTES = [
    Route("/rules", signed_in(rules)),
    Route("/providers", signed_in(providers)),
    Route("/providers/{code}", signed_in(provider)),
]
