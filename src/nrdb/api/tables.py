"""Lists as JSON or, for those who work in a spreadsheet, as CSV (RFC 4180): whichever the request accepts."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from fastapi import Request
from starlette.responses import Response

from nrdb.api.problems import json_response

CSV = "text/csv"
#: What a spreadsheet takes for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

#: For the document: the second form of the answer.
TABLE_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "JSON, or CSV with `Accept: text/csv`; the next page is then in the header `Link`",
        "content": {CSV: {"schema": {"type": "string"}}},
        "headers": {"Link": {"schema": {"type": "string"}, "description": 'CSV only: `<…>; rel="next"`'}},
    }
}


def wants_csv(request: Request) -> bool:
    """Whether CSV is what the request would rather have. Without a preference, JSON."""
    weights = {CSV: 0.0, "application/json": 0.0}
    for part in request.headers.get("accept", "").lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        if name in weights:
            weights[name] = _quality(parameters)
    return weights[CSV] > weights["application/json"]


def _quality(parameters: Sequence[str]) -> float:
    given = next((text[2:] for text in parameters if text.startswith("q=")), "1")
    try:
        return float(given)
    except ValueError:
        return 0.0


def table_response(
    request: Request,
    name: str,
    columns: Sequence[str],
    items: Sequence[Mapping[str, Any]],
    following: str | None,
    *,
    rows: Iterable[Mapping[str, Any]] | None = None,
) -> Response:
    """A page of a list. `rows` are its items in CSV, where they are others than in JSON."""
    if not wants_csv(request):
        return json_response({"items": items, "next": following}, headers={"Vary": "Accept"})
    headers = {"Content-Disposition": f'attachment; filename="nrdb-{name}.csv"', "Vary": "Accept"}
    if following is not None:
        # The address as the client sees it: a path, since a proxy may stand before us.
        headers["Link"] = f'<{_path(request.url.include_query_params(after=following))}>; rel="next"'
    content = csv_text(columns, items if rows is None else rows)
    return Response(content, headers=headers, media_type="text/csv; charset=utf-8; header=present")


def _path(url: Any) -> str:
    return f"{url.path}?{url.query}"


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """A header row and a row for each item, lines ended as RFC 4180 ends them."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row.get(column)) for column in columns])
    return out.getvalue()


def _cell(value: Any) -> str | int | float | None:
    """One value. A text that a spreadsheet would run as a formula gets an apostrophe, which shows it as text."""
    match value:
        case None | int() | float():
            return value
        case list() if all(isinstance(item, dict) and item.keys() == {"first", "last"} for item in value):
            ranges = (
                item["first"] if item["first"] == item["last"] else f"{item['first']}-{item['last']}" for item in value
            )
            return " ".join(ranges)
        case dict() | list():
            text = orjson.dumps(value, default=str).decode()
        case _:
            text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
