"""Charts: how large each bar is, for templates that draw them. The figures are the API's; nothing is counted here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

#: Columns stand in a drawing between these, in its own units; the browser makes it as wide as there is room.
RIGHT, TOP, FLOOR = 690, 22, 150
#: Labels under columns at most.
_LABELS = 16
#: What is not nothing is seen, however little it is: so high at least, or so many hundredths of the longest row.
_LEAST: Final = 1.5


@dataclass(frozen=True, slots=True)
class Column:
    """Its figure as people read it and its label are empty where there is no room for one; `text` has both."""

    x: float
    y: float
    width: float
    height: float
    label: str
    figure: str
    text: str


@dataclass(frozen=True, slots=True)
class Columns:
    """One beside the other, as days are, in a drawing."""

    upright: ClassVar = True
    bars: tuple[Column, ...]

    @property
    def said(self) -> str:
        """The drawing in words."""
        return "; ".join(column.text for column in self.bars)


@dataclass(frozen=True, slots=True)
class Row:
    """A bar beside its label and its figure, in hundredths of the longest."""

    label: str
    figure: str
    share: float


@dataclass(frozen=True, slots=True)
class Rows:
    """Under one another, as wide as there is room: a list that every screen lays out."""

    upright: ClassVar = False
    bars: tuple[Row, ...]


Figures = Sequence[tuple[str, float, str]]


def columns(figures: Figures) -> Columns:
    """A column for each label, its value, and the value as people read it."""
    most = max((value for _, value, _ in figures), default=0) or 1
    step = (RIGHT - 10) / max(len(figures), 1)
    every = -(-len(figures) // _LABELS)
    bars = []
    for place, (label, value, said) in enumerate(figures):
        height = round((FLOOR - TOP) * value / most, 1)
        height = max(height, _LEAST) if value else 0.0
        shown = label if place % every == 0 else ""
        bars.append(Column(round(10 + step * place, 1), round(FLOOR - height, 1), round(step * 0.72, 1), height, shown,
                           said if len(said) * 7 < step + 8 else "", f"{label}: {said}"))  # fmt: skip
    return Columns(tuple(bars))


def rows(figures: Figures) -> Rows:
    """A bar for each label, its value, and the value as people read it."""
    most = max((value for _, value, _ in figures), default=0) or 1
    shares = (max(round(100 * value / most, 1), _LEAST) if value else 0.0 for _, value, _ in figures)
    return Rows(tuple(Row(label, said, share) for (label, _, said), share in zip(figures, shares, strict=True)))
