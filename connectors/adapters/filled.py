"""Settings as an adapter reads them: what was filled in, and the form's defaults for the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.connector.kinds import Part, form_part

_NOTHING: dict[str, Any] = {"string": "", "integer": 0, "number": 0, "boolean": False}


def filled(kind: str, part: Part, values: Mapping[str, Any]) -> dict[str, Any]:
    """Every field of the form of `kind`, secrets left out; a field without a default is empty."""
    properties: Mapping[str, Any] = (form_part(kind, part) or {}).get("properties", {})
    return {
        name: values.get(name, one.get("default", _NOTHING.get(one.get("type", "string"))))
        for name, one in properties.items()
        if not one.get("x-secret")
    }
