"""Charts: where each bar stands, for a template that writes SVG. The figures are the API's; nothing is counted here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

#: The frame of a chart, in its own units; the browser makes it as wide as there is room.
WIDTH, RIGHT = 700, 690
#: Columns stand between these; under them their labels.
TOP, FLOOR, HEIGHT = 22, 150, 176
#: Bars lie under one another, right of their labels and figures, which a telephone shows without scrolling.
LEFT, END, ROW = 320, 690, 24
#: Labels under columns at most, and letters of a label beside a bar.
_LABELS, _LETTERS = 16, 40


@dataclass(frozen=True, slots=True)
class Bar:
    """A column or a bar, with its figure as people read it and a label (empty: there is no room for one)."""

    x: float
    y: float
    width: float
    height: float
    label: str
    figure: str
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """All bars of a drawing. `upright`: columns, one beside the other."""

    bars: tuple[Bar, ...]
    height: float
    upright: bool


Figures = Sequence[tuple[str, float, str]]
_LEAST: Final = 1.5


def columns(figures: Figures) -> Chart:
    """A column for each label, its value, and the value as people read it."""
    most = max((value for _, value, _ in figures), default=0) or 1
    step = (RIGHT - 10) / max(len(figures), 1)
    every = -(-len(figures) // _LABELS)
    bars = []
    for place, (label, value, said) in enumerate(figures):
        height = round((FLOOR - TOP) * value / most, 1)
        height = max(height, _LEAST) if value else 0.0
        shown = label if place % every == 0 else ""
        bars.append(Bar(round(10 + step * place, 1), round(FLOOR - height, 1), round(step * 0.72, 1), height, shown,
                        said if len(said) * 7 < step + 8 else "", f"{label}: {said}"))  # fmt: skip
    return Chart(tuple(bars), HEIGHT, upright=True)


def rows(figures: Figures) -> Chart:
    """A bar for each label, its value, and the value as people read it."""
    most = max((value for _, value, _ in figures), default=0) or 1
    bars = []
    for place, (label, value, said) in enumerate(figures):
        width = round((END - LEFT) * value / most, 1)
        shown = label if len(label) <= _LETTERS else f"{label[: _LETTERS - 1]}…"
        bars.append(Bar(LEFT, 4 + ROW * place, max(width, _LEAST) if value else 0.0, 16, shown, said,
                        f"{label}: {said}"))  # fmt: skip
    return Chart(tuple(bars), 8 + ROW * len(bars), upright=False)
