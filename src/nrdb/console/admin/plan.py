"""The number plan: a list of series with what is ported out of each, a drawn map of them, and one series."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Any, Final

import orjson
from markupsafe import Markup
from starlette.responses import Response
from starlette.routing import Route

from nrdb.console.admin.changing import done, offers
from nrdb.console.inner import ApiError
from nrdb.console.page import Page, html, signed_in
from nrdb.console.words import called, text
from nrdb.texts import Language

#: Series on one page, and in one map.
ROWS: Final = 100
#: The frame of the map, in its own units: a row for each block of numbers that begin alike.
LEFT, RIGHT, ROW, BAR, TOP = 60, 690, 24, 18, 4
#: What a letter takes, about.
_LETTER: Final = 8.4
LOOKS: Final = {"open": "act", "blocked": "bad", "returned": "wait"}
STATUSES: Final = {"open": text("open"), "blocked": text("blocked"), "returned": text("returned")}


@dataclass(frozen=True, slots=True)
class Piece:
    """Series that adjoin and are alike. `ported` is how high the part that is ported out stands; None: not told."""

    x: float
    width: float
    look: str
    ported: float | None
    text: str
    label: str
    label_x: float


@dataclass(frozen=True, slots=True)
class Block:
    """A row of the map: all numbers of a length that begin with these digits."""

    name: str
    y: float
    pieces: tuple[Piece, ...]


def blocks(items: Sequence[Mapping[str, Any]]) -> tuple[Block, ...]:
    """The map of these series, which are in order of their numbers; a series may reach over several blocks."""
    cut = sorted((part for item in items for part in _cut(item)), key=lambda part: part[0])
    return tuple(
        Block(
            prefix if length == 8 else f"{prefix} ({length})",
            TOP + ROW * place,
            tuple(_pieces(length, [part[1:] for part in parts])),
        )
        for place, ((length, prefix), parts) in enumerate(
            (key, list(found)) for key, found in groupby(cut, key=lambda part: part[0])
        )
    )


_Part = tuple[tuple[int, str], int, int, Mapping[str, Any]]


def _cut(item: Mapping[str, Any]) -> Iterable[_Part]:
    """The parts of a series in each block: the block, first and last within it, and the series."""
    length, size = len(item["first"]), 10 ** (len(item["first"]) - 2)
    first, last = int(item["first"]), int(item["last"])
    for block in range(first // size, last // size + 1):
        begin, end = max(first, block * size), min(last, block * size + size - 1)
        yield (length, f"{block:02}"), begin - block * size, end - block * size, item


def _pieces(length: int, parts: Sequence[tuple[int, int, Mapping[str, Any]]]) -> Iterable[Piece]:
    size = 10 ** (length - 2)
    runs: list[list[tuple[int, int, Mapping[str, Any]]]] = []
    for part in parts:
        before = runs[-1][-1] if runs else None
        alike = before and before[1] + 1 == part[0] and _kind(before[2]) == _kind(part[2])
        runs[-1].append(part) if alike else runs.append([part])
    at = [_x(run[0][0], size) for run in runs] + [float(RIGHT)]
    taken = float(LEFT)
    for place, run in enumerate(runs):
        x, until = at[place], _x(run[-1][1] + 1, size)
        width = max(round(until - x, 1), 2.0)
        name = called(run[0][2]["holder"])
        wide = len(name) * _LETTER
        label_x = _beside(x, width, wide, taken, at[place + 1])
        yield Piece(x, width, LOOKS.get(run[0][2]["status"], ""), _ported(run), _said(run),
                    "" if label_x is None else name, label_x or 0.0)  # fmt: skip
        taken = max(x + width, (label_x or 0.0) + wide)


def _beside(x: float, width: float, wide: float, taken: float, end: float) -> float | None:
    """Where so wide a name stands: in its piece, or right or left of it where there is room; None: nowhere."""
    if wide + 6 <= width:
        return round(x + 3, 1)
    if x + width + 3 + wide + 6 <= end:
        return round(x + width + 3, 1)
    return round(x - 3 - wide, 1) if taken + 3 <= x - 3 - wide else None


def _x(place: int, size: int) -> float:
    return round(LEFT + place / size * (RIGHT - LEFT), 1)


def _kind(item: Mapping[str, Any]) -> tuple[object, ...]:
    return item["holder"], item["status"], item.get("ported_share") is None


def _ported(run: Sequence[tuple[int, int, Mapping[str, Any]]]) -> float | None:
    """The share of a run that is ported out; the parts of a series in several blocks share its figure."""
    if run[0][2].get("ported_share") is None:
        return None
    numbers = sum(last - first + 1 for first, last, _ in run)
    return float(sum((last - first + 1) * item["ported_share"] for first, last, item in run) / numbers)


def _said(run: Sequence[tuple[int, int, Mapping[str, Any]]]) -> str:
    share = _ported(run)
    ported = "" if share is None else f", {share:.1%}"
    return f"{run[0][2]['first']}–{run[-1][2]['last']}: {called(run[0][2]['holder'])}{ported}"


async def plan(page: Page) -> Response:
    """The series of the plan, of one holder, or the one with a number."""
    holder, number = page.query("holder").upper(), page.query("number")
    problem = None
    found: dict[str, Any] = {"items": [], "next": None}
    try:
        found = await _series(page, holder or None, number or None)
    except ApiError as error:
        if error.status != 422:
            raise
        problem = error.document
    shown = _shown(page.language, orjson.dumps(found["items"]), page.caller.role == "provider")
    return page.render("series.html", 422 if problem else 200, shown=shown, following=found["next"], holder=holder,
                       number=number, problem=problem, done=done(page), offers=offers(page, "series-new"))  # fmt: skip


@lru_cache(maxsize=32)
def _shown(language: Language, told: bytes, is_provider: bool) -> Markup:
    """The map and the list, written once for what the API tells: a plan is looked at often and changed seldom."""
    items = orjson.loads(told)
    drawn = blocks(items)
    return html(language, "_series.html", items=items, is_provider=is_provider, blocks=drawn, statuses=STATUSES,
                height=TOP + ROW * len(drawn) + 4, left=LEFT, right=RIGHT, bar=BAR)  # fmt: skip


async def _series(page: Page, holder: str | None, number: str | None) -> dict[str, Any]:
    """With what is ported out of each, as far as the reader may know that."""
    after = page.query("after") or None
    if page.caller.role != "provider" and number is None:
        return dict(await page.api.get("/reports/series", code=holder, after=after, limit=ROWS))
    found = await page.api.get("/series", holder=holder, number=number, after=after, limit=ROWS)
    told: dict[str, Any] = {}
    if page.caller.role == "provider":
        for code in page.caller.codes:
            told |= {one["series_id"]: one for one in await page.api.all("/reports/series", code=code)}
    return {"items": [{**one, **told.get(one["series_id"], {})} for one in found["items"]], "next": found["next"]}


async def series(page: Page) -> Response:
    """One series: what it is, what is ported of it, and what it was."""
    path = f"/series/{page.path('series_id')}"
    found = await page.api.get(path)
    ported: dict[str, Any] | None = None
    if page.caller.role != "provider" or found["holder"] in page.caller.codes:
        ported = await page.api.get(f"{path}/ported", after=page.query("after") or None, limit=ROWS)
    history = await page.api.all(f"{path}/history")
    return page.render("series_one.html", series=found, ported=ported, history=history, statuses=STATUSES,
                       done=done(page), offers=offers(page, "series-change", "series-split"))  # fmt: skip


ROUTES = [Route("/series", signed_in(plan)), Route("/series/{series_id}", signed_in(series))]
