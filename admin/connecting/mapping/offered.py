"""What the mapping page offers: the fields of both sides, the steps with their forms, code tables, and the page's words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask_babel import get_locale

from admin.connecting.mapping.page_words import KINDS, WORDS
from admin.in_words import in_words
from schemas import code_table_file, code_table_names
from schemas.connector.document import IN_KINDS, OUT_MESSAGES
from schemas.mapping import source_fields, target_fields
from schemas.mapping.transforms import TRANSFORMS

#: Keywords of a form that have English words beside them.
_ENGLISH = {
    "title": "x-title-en",
    "description": "x-description-en",
    "x-enum-titles": "x-enum-titles-en",
}


def sides(flow: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Source and target fields as far as the messages tell them; the other side's own columns are in the flow."""
    if flow.get("direction") == "in":
        return {"sources": [], "targets": [field_told(one) for one in target_fields(str(flow["message"]))]}
    return {"sources": [field_told(one) for one in source_fields(str(flow["message"]))], "targets": []}


def field_told(one: Any) -> dict[str, Any]:
    """One field, for the script."""
    told = {
        "path": one.path,
        "title": one.title_en if _english() and one.title_en else one.title,
        "kind": one.kind,
        "required": one.required,
        "table": one.code_table or "",
        "example": one.example,
        "group": in_words(one.group),
        "one_of": in_words(one.one_of),
        "length": one.length,
    }
    return {name: value for name, value in told.items() if value not in (None, "", False)}


def editor_options(flow: Mapping[str, Any], tables: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Everything the editor offers."""
    english = _english()
    return {
        **sides(flow),
        "direction": flow.get("direction", "out"),
        "message": flow.get("message", ""),
        "transforms": {
            name: {
                "title": info.title_en if english else info.title,
                "options": _localised(info.options) if english else info.options,
            }
            for name, info in TRANSFORMS.items()
        },
        "tables": [[str(one["name"]), str(one.get("title") or one["name"])] for one in tables],
        "codes": {name: {"title": title, "codes": dict(codes)} for name, title, codes in our_tables()},
        "kinds": {key: str(text) for key, text in KINDS.items()},
        "words": {key: str(text) for key, text in WORDS.items()},
    }


def our_tables() -> list[list[Any]]:
    """Our code tables: name, title, codes."""
    return [
        [name, in_words(code_table_file(name)["title"]), list(code_table_file(name)["codes"].items())]
        for name in code_table_names()
    ]


def hub_texts() -> set[str]:
    """The texts of the schemas that are read in English through `in_words`: what fields lie in, names of code tables."""
    sides_ = (*map(source_fields, OUT_MESSAGES), *map(target_fields, IN_KINDS))
    told = {text for fields in sides_ for one in fields for text in (one.group, one.one_of) if text}
    return told | {code_table_file(name)["title"] for name in code_table_names()}


def _localised(schema: Any) -> Any:
    """The same form with its English words."""
    if isinstance(schema, Mapping):
        told = {key: _localised(value) for key, value in schema.items()}
        return told | {key: told[english] for key, english in _ENGLISH.items() if english in told}
    return [_localised(one) for one in schema] if isinstance(schema, list) else schema


def _english() -> bool:
    return str(get_locale()) == "en"
