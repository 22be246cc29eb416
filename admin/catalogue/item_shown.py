"""An item as its pages show it: the editor's state, what the editor posts, and the guide that everybody reads."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from flask import request
from sqlalchemy import Connection

from admin.catalogue.posted import boxes, listed
from hub.catalogue.formats import MIB
from hub.catalogue.item_header import CODE_TITLES, MUST, SHARING_KEYS
from hub.catalogue.item_lines import Line
from hub.catalogue.published import PublishedItem, item_version
from hub.catalogue.save_item import Standing

TEXTS = (
    "name",
    *CODE_TITLES,
    "item_type",
    "case_type",
    "exercise_level",
    "legal_days",
    "promised_days",
    "licence_type_code",
    "licence_name",
    "aliases",
    *SHARING_KEYS,
)


def editor_state(standing: Standing) -> dict[str, Any]:
    """What the editor starts with."""
    header = dict(standing.header)
    return {
        "header": {**header, "aliases": "、".join(header.get("aliases") or [])},
        "lines": [line_state(one) for one in standing.lines],
        "form": [dict(one) for one in standing.form],
        "steps": list(header.get("special_steps") or []),
        **{key: list(header.get(key) or []) for key in MUST},
    }


def line_state(one: Line) -> dict[str, Any]:
    """A line as the script keeps it."""
    return {
        "code": one.code,
        "material_type": one.material_type,
        "name": one.name,
        "required": one.required,
        "may_follow": one.may_follow,
        "deferral_days": one.deferral_days,
        "form": one.form,
        "copies": one.copies,
        "formats": list(one.formats),
        "max_mb": one.max_bytes // MIB if one.max_bytes else None,
        "note": one.note or "",
        "stand_ins": [{"kind": kind, "code": code} for kind, code in one.stand_ins],
    }


def posted_item() -> dict[str, Any]:
    """What the editor says, for `save_item`."""
    header = boxes(TEXTS)
    header["special_steps"] = listed("steps")
    header |= {key: listed(key) for key in MUST}
    return {"header": header, "lines": listed("lines"), "form": listed("form_fields")}


def posted_state() -> dict[str, Any]:
    """The same, to be shown again."""
    said = posted_item()
    return {
        "header": dict(request.form),
        "lines": _rows(said["lines"]),
        "form": _rows(said["form"]),
        "steps": _rows(said["header"]["special_steps"]),
        **{key: _rows(said["header"][key]) for key in MUST},
    }


def _rows(raw: Any) -> list[Mapping[str, Any]]:
    """Only what the script can show; the rest was refused anyway."""
    return [one for one in raw if isinstance(one, Mapping)] if isinstance(raw, Iterable) else []


def shown_item(tx: Connection, version_id: uuid.UUID) -> PublishedItem:
    """One version to read."""
    return item_version(tx, version_id)
