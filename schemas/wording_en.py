"""JSON Schema faults in plain English, for readers of English pages: the same faults as in wording, in the same order."""

from __future__ import annotations

from collections.abc import Iterator

import jsonschema_rs

from schemas.wording import Ways, placed, shown

_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "object": "an object",
    "array": "a list",
    "boolean": "true or false",
    "null": "null",
}


def in_english(error: jsonschema_rs.ValidationError) -> Iterator[tuple[str, str]]:
    """(path, sentence) for one fault of the validator; a missing field is named in the path."""
    return placed(error, "must be filled in", "is not known, please delete it", _sentence, _alternatives)


def _sentence(error: jsonschema_rs.ValidationError) -> str:
    kinds = jsonschema_rs.ValidationErrorKind
    match kind := error.kind:
        case kinds.Type():
            return f"must be {' or '.join(_TYPES.get(name, name) for name in kind.types)}"
        case kinds.Enum():
            return f"must be one of {', '.join(shown(option) for option in kind.options)}"
        case kinds.Constant():
            return f"must be {shown(kind.expected_value)}"
        case kinds.Format():
            return f"does not have the form of a {kind.format}"
        case kinds.Pattern():
            return "does not have the right form"
        case kinds.MinLength():
            return "must not be empty" if kind.limit == 1 else f"must have at least {kind.limit} characters"
        case kinds.MaxLength():
            return f"must have at most {kind.limit} characters"
        case kinds.MinItems():
            return f"must have at least {kind.limit} entries"
        case kinds.MaxItems():
            return f"must have at most {kind.limit} entries"
        case kinds.Minimum():
            return f"must not be less than {kind.limit}"
        case kinds.Maximum():
            return f"must not be more than {kind.limit}"
        case _:
            return f"does not fit ({error.message})"


def _alternatives(context: Ways) -> str:
    said = [_sentence(branch[0]) for branch in context if branch]
    return "; or ".join(dict.fromkeys(said)) or "does not fit any of the forms that are allowed"
