"""Where bars and pieces of the map stand."""

from datetime import date
from typing import Any

from nrdb.console.admin.limits import after, weeks
from nrdb.console.admin.plan import LEFT, RIGHT, blocks
from nrdb.console.charts import FLOOR, TOP, columns, rows


def _series(first: str, last: str, holder: str = "TELIA", status: str = "open", share: float | None = 0.0) -> Any:
    return {"first": first, "last": last, "holder": holder, "status": status} | (
        {} if share is None else {"ported_share": share}
    )


def test_a_block_is_a_row() -> None:
    (five, whole, half) = blocks(
        [
            _series("02000", "02999", "0"),
            _series("22000000", "22999999", "TELENOR"),
            _series("40000000", "40499999"),
        ]
    )
    assert [block.name for block in (five, whole, half)] == ["02 (5)", "22", "40"]
    assert (five.y, whole.y) == (whole.y - 24, half.y - 24)
    assert [(piece.x, piece.width) for piece in whole.pieces] == [(LEFT, RIGHT - LEFT)]
    assert half.pieces[0].width == (RIGHT - LEFT) / 2


def test_series_that_adjoin_and_are_alike_are_one_piece() -> None:
    (block,) = blocks(
        [
            _series("40000000", "40099999", share=0.5),
            _series("40100000", "40399999", share=0.1),
            _series("40400000", "40499999", status="blocked"),
            _series("40600000", "40699999", "LYSE", share=None),
        ]
    )
    assert [(piece.look, piece.ported) for piece in block.pieces] == [("act", 0.2), ("bad", 0.0), ("act", None)]
    assert block.pieces[0].text == "40000000–40399999: TELIA, 20.0%"
    assert block.pieces[2].text == "40600000–40699999: LYSE"


def test_a_series_over_several_blocks_stands_in_each() -> None:
    found = blocks([_series("40500000", "42499999")])
    assert [block.name for block in found] == ["40", "41", "42"]
    assert [block.pieces[0].width for block in found] == [315.0, 630.0, 315.0]


def test_a_name_stands_where_there_is_room() -> None:
    (block,) = blocks(
        [
            _series("40000000", "40009999", "TELENOR"),
            _series("40020000", "40029999", "LYSE"),
        ]
    )
    crowded, free = block.pieces
    assert crowded.label == ""
    assert free.label == "LYSE"
    (block,) = blocks(
        [
            _series("59000000", "59009999", "COM4"),
            _series("59900000", "59909999", "DSB", status="blocked"),
            _series("59950000", "59959999", "BANENOR", status="blocked"),
        ]
    )
    assert [piece.label for piece in block.pieces] == ["COM4", "DSB", ""]
    right, left = block.pieces[:2]
    assert right.x + right.width < right.label_x < left.label_x < left.x
    assert free.label_x > free.x + free.width


def test_columns_and_rows() -> None:
    chart = columns([("a", 0, "0"), ("b", 5, "5"), ("c", 10, "10")])
    assert [bar.height for bar in chart.bars] == [0.0, (FLOOR - TOP) / 2, FLOOR - TOP]
    assert all(bar.y + bar.height == FLOOR for bar in chart.bars)
    many = columns([(str(day), day, str(day)) for day in range(31)])
    assert sum(bool(bar.label) for bar in many.bars) <= 16
    assert many.bars[-1].x + many.bars[-1].width <= RIGHT
    assert columns([]).bars == ()
    assert rows([]).bars == ()
    # What is not nothing is seen, however little it is.
    little, nothing, most = rows([("a", 1, "1"), ("b", 0, "0"), ("c", 1_000_000, "1000000")]).bars
    assert (0 < little.share < 2, nothing.share, most.share) == (True, 0, 100)
    assert columns([("a", 0, "0")]).bars[0].height == 0


def test_months() -> None:
    december = date(2026, 12, 1)
    assert (after(december, 1), after(december, -12)) == (date(2027, 1, 1), date(2025, 12, 1))
    assert after(date(1, 1, 1), -1).year == 1
    found = weeks(december, {f"2026-12-{day:02}": day for day in range(1, 32)})
    assert found[0] == [None, 1, 2, 3, 4, 5, 6]
    assert [day for week in found for day in week if day] == list(range(1, 32))
