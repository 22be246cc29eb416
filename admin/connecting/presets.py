"""Ready-made connectors: flows with their mapping for what many departments have (schemas/connector/presets)."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from admin.connecting.kind_forms import told
from schemas import loads


@cache
def _files() -> dict[str, dict[str, Any]]:
    folder = files("schemas") / "connector" / "presets"
    if not folder.is_dir():
        return {}
    found = sorted((one for one in folder.iterdir() if one.name.endswith(".json")), key=lambda one: one.name)
    return {one.name.removesuffix(".json"): loads(one.read_bytes()) for one in found}


def presets() -> list[dict[str, str]]:
    """Name, kind, title and summary of each."""
    return [
        {"name": name, "kind": str(one["kind"]), "title": told(one, "title"), "summary": told(one, "summary")}
        for name, one in _files().items()
    ]


def preset(name: str) -> dict[str, Any] | None:
    """One of them, or None."""
    return _files().get(name)


def with_preset(document: dict[str, Any], chosen: dict[str, Any]) -> dict[str, Any]:
    """The document with the preset's flows, tables and settings, at its own first endpoint."""
    (endpoint, *others) = document["endpoints"]
    settings = {**(chosen.get("settings") or {}), **(endpoint.get("settings") or {})}
    endpoint = {**endpoint, **({"settings": settings} if settings else {})}
    flows = [{**one, "endpoint": endpoint["name"]} for one in chosen.get("flows", ())]
    return {
        **document,
        "endpoints": [endpoint, *others],
        **({"flows": flows} if flows else {}),
        **({"code_tables": chosen["code_tables"]} if chosen.get("code_tables") else {}),
    }
