"""Drawings in time: where each thing stands, for templates that write SVG. No script, no style, only geometry."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from nrdb.clock import parse_time
from nrdb.console.words import clock, day, end
from nrdb.texts import OSLO, Language

#: The frame of a drawing, in its own units; the browser makes it as wide as there is room.
WIDTH, LEFT, RIGHT = 700, 96, 690
#: The names of the porting time and of now stand above, then a row with the messages, then a row for each window.
TOP, MESSAGES, ROW, AXIS = 32, 34, 26, 24
_STEPS: Final = tuple(
    timedelta(minutes=minutes)
    for minutes in (5, 15, 30, 60, 120, 240, 360, 720, 1440, 2880, 10080, 20160, 40320, 80640, 525600)
)
#: Ticks of an axis at most.
_TICKS = 6
#: What a letter takes, about; and what lies between two marks at least.
_LETTER, _GAP = 7.0, 2.0


@dataclass(frozen=True, slots=True)
class Window:
    """When something may be done: what the rule gives for this case."""

    timer: str
    what: str
    rule: str
    look: str
    begin: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Bar:
    """A window in a row of its own. `beyond`: it goes on to the right of the drawing."""

    label: str
    text: str
    look: str
    x: float
    width: float
    y: float
    beyond: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """Messages that came so close after one another that one mark stands for them; `label` numbers them."""

    label: str
    text: str
    name: str
    look: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Tick:
    """A time of the axis."""

    label: str
    x: float


@dataclass(frozen=True, slots=True)
class Timeline:
    """All that a drawing shows, in the order in which it is drawn."""

    height: float
    hours: tuple[tuple[float, float], ...]
    ticks: tuple[Tick, ...]
    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]
    port: float | None
    now: float | None

    @property
    def late(self) -> bool:
        """Whether now stands in the right half, where a telephone would have to scroll to."""
        return self.now is not None and self.now > (LEFT + RIGHT) / 2


@dataclass(frozen=True, slots=True)
class Axis:
    """Time from left to right."""

    begin: datetime
    end: datetime

    def x(self, at: datetime) -> float:
        """Where an instant is; one outside stands at the edge."""
        share = (min(max(at, self.begin), self.end) - self.begin) / (self.end - self.begin)
        return round(LEFT + share * (RIGHT - LEFT), 1)

    def has(self, at: datetime) -> bool:
        """Whether an instant lies within."""
        return self.begin <= at <= self.end

    def ticks(self, language: Language) -> tuple[Tick, ...]:
        """Times of the axis at even steps from midnight in Oslo."""
        step = next((step for step in _STEPS if (self.end - self.begin) / step <= _TICKS), _STEPS[-1])
        local = self.begin.astimezone(OSLO)
        # Wall-clock arithmetic: a step of a day leads from midnight to midnight, over summer time too.
        at = local.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
        found: list[Tick] = []
        # In UTC, for times of one zone are compared and subtracted by their clocks.
        while (instant := at.replace(tzinfo=OSLO).astimezone(UTC)) <= self.end:
            x = self.x(instant)
            # An hour that is left out in spring is the one after it, which then does not come twice.
            if instant >= self.begin and (not found or x > found[-1].x):
                found.append(Tick(_tick(language, instant.astimezone(OSLO), step), x))
            at += step
        return tuple(found)


def _tick(language: Language, at: datetime, step: timedelta) -> str:
    if step < timedelta(days=1) and (at.hour or at.minute):
        return f"{at:%H:%M}" if language == "en" else f"{at:%H.%M}"
    return f"{at:%d %b}" if language == "en" else f"{at.day}.{at.month}."


def axis_of(instants: Iterable[datetime]) -> Axis:
    """An axis with room for all of these, and a little beyond."""
    found = sorted(instant.astimezone(UTC) for instant in instants)
    span = max(found[-1] - found[0], timedelta(hours=2))
    return Axis(found[0] - span * 0.04, found[0] + span * 1.08)


@dataclass(frozen=True, slots=True)
class Happened:
    """A line of the history: what, when, and how it looks."""

    name: str
    at: datetime
    look: str


def timeline(
    axis: Axis,
    language: Language,
    *,
    calendar: Sequence[Mapping[str, Any]],
    windows: Sequence[Window],
    history: Sequence[Happened],
    port: datetime,
    now: datetime | None,
) -> Timeline:
    """The drawing of a case."""
    bars = tuple(_bar(axis, language, place, window) for place, window in enumerate(windows))
    return Timeline(
        TOP + MESSAGES + ROW * len(bars) + AXIS,
        tuple(_hours(axis, calendar)),
        axis.ticks(language),
        bars,
        _marks(axis, language, history),
        axis.x(port) if axis.has(port) else None,
        axis.x(now) if now and axis.has(now) else None,
    )


def _hours(axis: Axis, calendar: Sequence[Mapping[str, Any]]) -> Iterable[tuple[float, float]]:
    for one in calendar:
        if one["opens"] and parse_time(one["closes"]) > axis.begin and parse_time(one["opens"]) < axis.end:
            begin, end = axis.x(parse_time(one["opens"])), axis.x(parse_time(one["closes"]))
            yield begin, round(end - begin, 1)


def _bar(axis: Axis, language: Language, place: int, window: Window) -> Bar:
    left, right = axis.x(window.begin), axis.x(window.end or axis.end)
    until = f" – {end(language, window.end)}" if window.end else " –"
    return Bar(
        window.timer,
        f"{window.timer}, {window.what}: {clock(language, window.begin)}{until}",
        window.look,
        left,
        max(round(right - left, 1), 2),
        TOP + MESSAGES + ROW * place,
        window.end is None or window.end > axis.end,
    )


def _marks(axis: Axis, language: Language, history: Sequence[Happened]) -> tuple[Mark, ...]:
    groups: list[list[int]] = []
    for place, line in enumerate(history):
        # One that would lie on the mark before it, as wide as that has become, joins it.
        if groups and axis.x(line.at) - axis.x(history[groups[-1][0]].at) < _width(groups[-1]) + _GAP:
            groups[-1].append(place)
        else:
            groups.append([place])
    found = []
    for order, group in enumerate(groups):
        lines = [history[place] for place in group]
        looks = {line.look for line in lines}
        x, width = axis.x(lines[0].at), _width(group)
        end = axis.x(history[groups[order + 1][0]].at) - 9 if order + 1 < len(groups) else RIGHT + 8.0
        # The name stands beside the mark where there is room for it.
        name = lines[0].name if len(group) == 1 else ""
        if x - 9 + width + 4 + _LETTER * len(name) > end:
            name = ""
        text = "; ".join(f"{line.name}: {clock(language, line.at, seconds=True)}" for line in lines)
        found.append(Mark(_label(group), text, name, looks.pop() if len(looks) == 1 else "", x, width))
    return tuple(found)


def _label(group: Sequence[int]) -> str:
    return str(group[0] + 1) if len(group) == 1 else f"{group[0] + 1}–{group[-1] + 1}"


def _width(group: Sequence[int]) -> float:
    return max(18.0, 8 + _LETTER * len(_label(group)))


@dataclass(frozen=True, slots=True)
class Stretch:
    """Who serves a number for a while."""

    holder: str
    since: str
    look: str
    x: float
    width: float


#: Stretches that a drawing has room for.
_STRETCHES = 5


def holders(rows: Sequence[Mapping[str, Any]], now: datetime, language: Language) -> tuple[Stretch, ...]:
    """The last holders one after the other, each as wide as the others: decades would hide the last hour."""
    changes = [row for place, row in enumerate(rows) if place == 0 or row["holder"] != rows[place - 1]["holder"]]
    shown = changes[-_STRETCHES:]
    width = round((WIDTH - 20) / max(len(shown), 1), 1)
    found = []
    for place, row in enumerate(shown):
        begin = parse_time(row["valid_from"])
        until = parse_time(shown[place + 1]["valid_from"]) if place + 1 < len(shown) else None
        look = "wait" if begin > now else "good" if until is None or until > now else ""
        since = day(language, begin.astimezone(OSLO).date())
        found.append(Stretch(row["holder"], since, look, round(10 + place * width, 1), round(width - 3, 1)))
    return tuple(found)
