"""The language of an answer: the one that `Accept-Language` likes best among ours (RFC 9110, 12.5.4)."""

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from nrdb.texts import Both, Language, Sentence, tell

DEFAULT: Final[Language] = "en"
#: Languages whose readers read ours, by the first part of their tag.
_OURS: Final[Mapping[str, Language]] = {"en": "en", "nb": "nb", "no": "nb", "nn": "nb"}
_QUALITY = r"(?:[ \t]*;[ \t]*q=(?P<q>0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?"
_RANGE = re.compile(r"(?P<tag>[a-z]{1,8}|\*)(?:-[a-z0-9]{1,8})*" + _QUALITY, re.ASCII)


def choose(header: str) -> Language:
    """The best of our languages; English where the reader wants neither, or does not say. A torn range is passed over.

    Of two that are liked equally the one named first is taken.
    """
    liked: dict[Language, float] = {}
    others = 0.0
    for part in header.lower().split(","):
        match = _RANGE.fullmatch(part.strip())
        if match is None:
            continue
        quality = float(match["q"] or 1)
        if match["tag"] == "*":
            others = quality
        elif language := _OURS.get(match["tag"]):
            liked[language] = max(quality, liked.get(language, 0.0))
    liked = {**liked, **{language: others for language in (DEFAULT, "nb") if language not in liked}}
    best = max(liked, key=lambda language: liked[language])
    return best if liked[best] > 0 else DEFAULT


def language_of(scope: Scope) -> Language:
    """The language in which whoever sent this request is answered."""
    return choose(",".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"accept-language"))


def language_headers(language: Language) -> dict[str, str]:
    """What a cache and a reader must know of an answer that comes in several languages."""
    return {"Content-Language": language, "Vary": "Accept-Language"}


def write_json(content: Any, language: Language = DEFAULT) -> bytes:
    """JSON as the service writes it: dates and UUIDs as text, sentences in the language."""
    return orjson.dumps(
        content,
        default=_english if language == DEFAULT else _norwegian,
        option=orjson.OPT_PASSTHROUGH_DATACLASS,
    )


def told(request: Request, content: Any, status: int = 200) -> Response:
    """A JSON answer that holds sentences, in the language of whoever asks."""
    language = language_of(request.scope)
    return Response(write_json(content, language), status, language_headers(language), "application/json")


def _english(value: Any) -> str:
    return str(value)


def _norwegian(value: Any) -> str:
    return tell(value, "nb") if isinstance(value, Sentence | Both) else str(value)
