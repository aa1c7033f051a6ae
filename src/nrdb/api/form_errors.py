"""What is wrong with a form, told by what pydantic found. Never with the value that was sent: it may be personal."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from nrdb.messages.patterns import PATTERNS
from nrdb.texts import FieldError, Sentence, Told, any_of, known, say

#: Pydantic's own findings by their type; the values of the sentences are those of its context.
SENTENCES: Final[Mapping[str, Sentence]] = {
    "missing": say("is missing"),
    "extra_forbidden": say("there is no such field here"),
    "literal_error": say("must be {expected}"),
    "string_type": say("must be a string"),
    # The least that any field asks for is one.
    "string_too_short": say("must not be empty"),
    "too_short": say("must not be empty"),
    "string_too_long": say("must have at most {max_length} characters"),
    "string_pattern_mismatch": say("is not written as it must be"),
    "string_unicode": say("must be text in UTF-8"),
    "bool_type": say("must be true or false"),
    "bool_parsing": say("must be true or false"),
    "int_type": say("must be a whole number"),
    "int_parsing": say("must be a whole number"),
    "int_from_float": say("must be a whole number"),
    "int_parsing_size": say("must be a smaller number"),
    "greater_than_equal": say("must be at least {ge}"),
    "less_than_equal": say("must be at most {le}"),
    "too_long": say("must have at most {max_length} entries"),
    "tuple_type": say("must be a list"),
    "list_type": say("must be a list"),
    "model_type": say("must be an object"),
    "model_attributes_type": say("must be an object"),
    "dict_type": say("must be an object"),
    "union_tag_invalid": say("must be {expected_tags}"),
    "union_tag_not_found": say("is missing"),
}
#: What a list that is too long holds, by its field.
_TOO_MANY: Final[Mapping[object, Sentence]] = {
    "additional_numbers": say("must have at most {max_length} numbers"),
    "series": say("must have at most {max_length} series"),
    "numbers": say("must have at most {max_length} numbers or series"),
}
#: An unknown field's name is as much the sender's as a value is: one that could be a person's is not repeated.
UNNAMED: Final = say("has a field that does not exist here; its name is not repeated")
_FIELD_NAME = re.compile(r"[a-z][A-Za-z_]{0,39}[0-9]{0,2}")
_QUOTED = re.compile(r"'([^']*)'")


def pointer_of(error: Mapping[str, Any], skip: int) -> str:
    """Where it is, as a JSON Pointer; the tag of the union of messages is their `type`."""
    if error["type"].startswith("union_tag"):
        return "/type"
    place = error["loc"][skip:]
    return _pointer(place[:-1] if _is_unnamed(error) else place)


def _is_unnamed(error: Mapping[str, Any]) -> bool:
    return error["type"] == "extra_forbidden" and not is_field_name(str(error["loc"][-1]))


def is_field_name(name: str) -> bool:
    """Whether an unknown name looks like one of ours, so that it can be repeated: see `UNNAMED`."""
    return _FIELD_NAME.fullmatch(name) is not None


def _pointer(place: Iterable[Any]) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in place)


def sentence_of(error: Mapping[str, Any]) -> Told:
    """What is wrong and what would be right."""
    context = error.get("ctx", {})
    if _is_unnamed(error):
        return UNNAMED
    if error["type"] == "value_error":
        cause = context.get("error")
        return cause.sentence if isinstance(cause, FieldError) else known(str(cause))
    found = _found(error, context)
    if found is None:
        return known(str(error["msg"]))
    return Sentence(found.template, {name: _value(name, value) for name, value in context.items()})


def _found(error: Mapping[str, Any], context: Mapping[str, Any]) -> Sentence | None:
    found = SENTENCES.get(error["type"])
    match error["type"]:
        case "string_pattern_mismatch":
            return PATTERNS.get(context["pattern"], found)
        # So it says of a text, too, that has been looked at before.
        case "too_long" if context.get("field_type") == "Value":
            return SENTENCES["string_too_long"]
        case "too_long" if error["loc"]:
            return _TOO_MANY.get(error["loc"][-1], found)
    return found


def _value(name: str, value: object) -> object:
    """Pydantic lists what it expects in an English enumeration of its own."""
    return any_of(_QUOTED.findall(str(value))) if name.startswith("expected") else value
