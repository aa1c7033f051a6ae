"""Lists as JSON or, for those who work in a spreadsheet, as CSV (RFC 4180): whichever the request accepts."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from fastapi import Request
from starlette.responses import Response

from nrdb.api.languages import language_of
from nrdb.api.problems import json_response
from nrdb.texts import Both, Language, tell

CSV = "text/csv"
#: What a spreadsheet takes for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

#: The heads of the columns: the contract's own names, and what a Norwegian reader calls them.
HEADS: Mapping[str, Both] = {
    name: Both(name, nb)
    for name, nb in (
        ("case_id", "sak"), ("kind", "type sak"), ("state", "tilstand"), ("waiting_for", "venter på"),
        ("message", "melding"), ("since", "siden"), ("due_at", "frist"),
        ("overdue_working_minutes", "virkeminutter over fristen"), ("recipient", "mottakende tilbyder"),
        ("donor", "avgivende tilbyder"), ("range_holder", "serieinnehaver"), ("main_number", "hovednummer"),
        ("number_count", "antall numre"), ("count", "antall"), ("day", "dag"), ("figure", "tall"), ("code", "kode"),
        ("name", "navn"),
        ("value", "verdi"), ("used", "brukt"), ("limit", "grense"), ("free", "ledig"), ("share", "andel"),
        ("announced_at", "varslet"), ("termination_time", "oppsigelsestidspunkt"), ("working_days", "virkedager"),
        ("holder", "innehaver"), ("numbers", "numre"), ("series_id", "serie"), ("first", "første"), ("last", "siste"),
        ("number_class", "nummerklasse"), ("status", "status"), ("ported_count", "antall portert"),
        ("ported_share", "andel portert"), ("top_holder", "største innehaver"), ("top_count", "antall hos denne"),
        ("top_share", "andel hos denne"), ("id", "nr."), ("at", "tidspunkt"), ("key_id", "nøkkel"),
        ("action", "handling"), ("subject", "gjelder"), ("before", "før"), ("after", "etter"),
        ("reason", "begrunnelse"), ("acknowledged", "bekreftet til"), ("newest", "nyeste"),
        ("unacknowledged", "ubekreftet"), ("more_unacknowledged", "flere ubekreftet"),
        ("oldest_unacknowledged_at", "eldste ubekreftede"), ("webhook", "webhook"), ("failing_since", "feiler siden"),
        ("position", "levert til"), ("pending", "gjenstår"), ("more_pending", "flere gjenstår"),
        ("skipped", "antall hoppet over"), ("waiting_since", "venter siden"), ("seq", "nr. i innboksen"),
        ("message_id", "meldings-id"), ("type", "meldingstype"), ("first_attempt_at", "første forsøk"),
        ("skipped_at", "hoppet over"), ("attempts", "forsøk"), ("error", "feil"),
    )
}  # fmt: skip

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
    language = language_of(request.scope)
    headers = {
        "Content-Disposition": f'attachment; filename="nrdb-{name}.csv"',
        "Content-Language": language,
        "Vary": "Accept, Accept-Language",
    }
    if following is not None:
        # The address as the client sees it: a path, since a proxy may stand before us.
        headers["Link"] = f'<{_path(request.url.include_query_params(after=following))}>; rel="next"'
    content = csv_text(columns, items if rows is None else rows, language)
    return Response(content, headers=headers, media_type="text/csv; charset=utf-8; header=present")


def _path(url: Any) -> str:
    return f"{url.path}?{url.query}"


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], language: Language) -> str:
    """A header row in that language and a row for each item, lines ended as RFC 4180 ends them."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([tell(HEADS[column], language) for column in columns])
    for row in rows:
        writer.writerow([_cell(row.get(column)) for column in columns])
    return out.getvalue()


def _cell(value: Any) -> str | int | float | None:
    """One value. A text that a spreadsheet would run as a formula gets an apostrophe, which shows it as text."""
    match value:
        case bool():
            return "true" if value else "false"
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
