"""The form of an endpoint or a place, made from the JSON Schema of its kind, and what it posts.

Guarantees: only fields of the schema are read; a number that cannot be read stays as it was typed, for the checks to say;
secrets are written and never shown.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import get_locale

from admin.in_words import in_words
from schemas.connector.faults import Fault

MOST = 20_000  # characters of one box


@dataclass(frozen=True, slots=True)
class Box:
    """One field of a form."""

    name: str
    key: str
    shape: str  # text, area, number, flag, choice, lines, pairs, secret
    title: str
    help: str
    value: Any
    default: Any
    required: bool
    options: tuple[tuple[str, str], ...]
    when: Mapping[str, Any]
    advanced: bool
    multiline: bool
    fault: str
    kept: str  # where the secret is: '', 'sealed', 'env:NAME', 'file:PATH'


def english() -> bool:
    """Whether the page is read in English."""
    return str(get_locale() or "").startswith("en")


def told(form: Mapping[str, Any], key: str) -> str:
    """A title or summary of a kind in the reader's language."""
    return str((form.get(f"{key}_en") if english() else None) or form.get(key) or "")


def fault_said(fault: Fault) -> str:
    """What is wrong, in the reader's language."""
    return (fault.words_en if english() else "") or in_words(fault.words)


def _title(field: Mapping[str, Any], key: str) -> str:
    return str((field.get("x-title-en") if english() else None) or field.get("title") or key)


def _shape(field: Mapping[str, Any]) -> str:
    if field.get("x-secret"):
        return "secret"
    if field.get("enum"):
        return "choice"
    kind = field.get("type", "string")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "string")
    shapes = {"boolean": "flag", "integer": "number", "number": "number", "array": "lines", "object": "pairs"}
    return shapes.get(kind, "area" if field.get("x-multiline") else "text")


def _shown(shape: str, value: Any) -> Any:
    if shape == "lines":
        return "\n".join(str(one) for one in value) if isinstance(value, list | tuple) else value or ""
    if shape == "pairs":
        return "\n".join(f"{key}={one}" for key, one in value.items()) if isinstance(value, Mapping) else ""
    return value


def boxes_of(
    schema: Mapping[str, Any] | None,
    prefix: str,
    values: Mapping[str, Any],
    faults: Mapping[str, str],
    secrets: Mapping[str, str],
) -> list[Box]:
    """The fields of a form, those that most need not touch last."""
    found: list[Box] = []
    required: Collection[str] = (schema or {}).get("required", ())
    for key, field in ((schema or {}).get("properties") or {}).items():
        shape = _shape(field)
        name = f"{prefix}-{key}"
        titles = field.get(
            "x-enum-titles-en" if english() and "x-enum-titles-en" in field else "x-enum-titles"
        )
        choices = [str(one) for one in field.get("enum", ())]
        value = _shown(shape, values.get(key, field.get("default")))
        found.append(
            Box(
                name=name,
                key=key,
                shape=shape,
                title=_title(field, key),
                help=str(
                    (field.get("x-description-en") if english() else "") or field.get("description") or ""
                ),
                value=value,
                default=field.get("default"),
                required=key in required,
                options=tuple(zip(choices, map(str, titles or choices), strict=False)),
                when=field.get("x-when") or {},
                advanced=bool(field.get("x-advanced")),
                multiline=bool(field.get("x-multiline")),
                fault=faults.get(name, ""),
                kept=secrets.get(key, ""),
            )
        )
    return sorted(found, key=lambda one: one.advanced and not one.fault)


def posted_values(
    schema: Mapping[str, Any] | None, prefix: str, form: Mapping[str, str], before: Mapping[str, Any]
) -> dict[str, Any]:
    """What the form says, in the schema's types; a field that was not on the page keeps its value."""
    said: dict[str, Any] = {}
    shown = f"{prefix}-shown" in form
    required: Collection[str] = (schema or {}).get("required", ())
    for key, field in ((schema or {}).get("properties") or {}).items():
        shape = _shape(field)
        name = f"{prefix}-{key}"
        if shape == "secret":
            continue
        if not shown:
            if key in before:
                said[key] = before[key]
            continue
        value = _read(shape, field, form.get(name, "")[:MOST], name in form)
        default = field.get("default")
        said_something = (
            bool(value) or (shape == "number" and value == 0) or (shape == "flag" and bool(default))
        )
        if said_something and (value != default or key in required):
            said[key] = value
    return said


def posted_secrets(
    schema: Mapping[str, Any] | None, prefix: str, form: Mapping[str, str], kept: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Where each secret of the form is, and those that were typed now."""
    where, typed = dict(kept), {}
    for key, field in ((schema or {}).get("properties") or {}).items():
        if _shape(field) != "secret":
            continue
        value = form.get(f"{prefix}-{key}", "")[:MOST]
        outside = form.get(f"{prefix}-{key}-from", "").strip()[:300]
        if value.strip():
            typed[key] = value if field.get("x-multiline") else value.strip()
            where[key] = "sealed"
        elif re.fullmatch(r"(env|file):\S+", outside):
            where[key] = outside
        elif f"{prefix}-{key}-drop" in form:
            where.pop(key, None)
    return where, typed


def _read(shape: str, field: Mapping[str, Any], text: str, ticked: bool) -> Any:
    if shape == "flag":
        return ticked
    if shape == "lines":
        return [line.strip() for line in text.splitlines() if line.strip()]
    if shape == "pairs":
        split = (line.partition("=") for line in text.splitlines() if line.strip())
        return {key.strip(): value.strip() for key, _mark, value in split}
    if shape == "choice":
        return next((one for one in field["enum"] if str(one) == text), text)
    if shape == "number":
        return _number(text.strip(), whole=field.get("type") == "integer")
    return text if shape == "area" else text.strip()


def _number(text: str, *, whole: bool) -> Any:
    try:
        return int(text) if whole or re.fullmatch(r"-?\d+", text) else float(text)
    except ValueError:
        return text
