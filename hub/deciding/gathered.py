"""Gathered: what a case brings to its decision - materials, reuse, promises, the form - as a package names it.

Guarantees: read with the case locked, so that nothing is added behind the decision's back; personal numbers appear masked.
A case that comes with its decision (from a sheet) has gathered nothing, and is asked for nothing but whether it is opened.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from hub.ports import Desk
from hub.pushing.package import day, instant
from hub.round_trips import Question, ask


@dataclass(slots=True)
class Gathered:
    """Of one case. `party_id` and `state` are None where the case is not opened yet."""

    state: str | None = None
    party_id: uuid.UUID | None = None
    item_version: int | None = None
    department: str | None = None
    version_id: uuid.UUID | None = None
    materials: list[dict[str, Any]] = field(default_factory=list)
    reused: list[dict[str, Any]] = field(default_factory=list)
    promised: list[dict[str, Any]] = field(default_factory=list)
    form: list[dict[str, Any]] = field(default_factory=list)
    met: set[str] = field(default_factory=set)  # ids of the requirements that are met, or may still follow
    taken_for: dict[str, str] = field(default_factory=dict)  # material id -> name of the requirement

    def data(self) -> dict[str, Any]:
        """The parts of the package that only a case from the window has."""
        parts = {"reused": self.reused, "promised": self.promised, "form": self.form}
        return {name: rows for name, rows in parts.items() if rows}


_OPENED = """
SELECT c.case_no, c.state, c.party_id, v.number, c.department, c.item_version_id
FROM cases c LEFT JOIN item_versions v ON v.id = c.item_version_id
WHERE c.case_no = ANY(%(case_nos)s) ORDER BY c.case_no
"""
_LOCK = "FOR NO KEY UPDATE OF c"
_MATERIALS = """
SELECT m.case_no, m.id, m.name, m.get_type, m.get_num, m.sha256, s.size, m.media_type, m.created_at AS at
FROM materials m JOIN stored_objects s USING (sha256)
WHERE m.case_no = ANY(%(case_nos)s) AND m.state IN ('usable', 'superseded')
UNION ALL
SELECT u.case_no, m.id, m.name, '共享复用', m.get_num, m.sha256, s.size, m.media_type, u.used_at
FROM material_uses u JOIN materials m ON m.id = u.material_id JOIN stored_objects s USING (sha256)
WHERE u.case_no = ANY(%(case_nos)s) AND u.withdrawn_at IS NULL
ORDER BY at, id
"""
_REUSED = """
SELECT u.case_no, u.id, r.name, u.source_kind, u.source_name,
       coalesce(l.identifier, d.document_no, m.id::text), coalesce(m.case_no, l.case_no, d.case_no),
       u.provider, u.purpose, u.used_at, m.fields
FROM material_uses u JOIN requirements r ON r.id = u.requirement_id
LEFT JOIN materials m ON m.id = u.material_id LEFT JOIN licences l ON l.id = u.licence_id
LEFT JOIN decisions d ON d.id = u.decision_id
WHERE u.case_no = ANY(%(case_nos)s) AND u.withdrawn_at IS NULL ORDER BY u.used_at, u.id
"""
_PROMISED = """
SELECT f.case_no, r.name, f.promised_until, f.promised_by FROM deferrals f JOIN requirements r ON r.id = f.requirement_id
WHERE f.case_no = ANY(%(case_nos)s) AND f.settled_at IS NULL ORDER BY f.promised_until, r.seq
"""
#: A decided result that was reused is a use without a material; a promise that is kept has its material.
_MET = """
SELECT m.case_no, m.requirement_id, r.name, m.id
FROM materials m JOIN requirements r ON r.id = m.requirement_id
WHERE m.case_no = ANY(%(case_nos)s) AND m.state IN ('usable', 'superseded')
UNION ALL
SELECT u.case_no, u.requirement_id, r.name, u.material_id
FROM material_uses u JOIN requirements r ON r.id = u.requirement_id
WHERE u.case_no = ANY(%(case_nos)s) AND u.withdrawn_at IS NULL
UNION ALL
SELECT f.case_no, f.requirement_id, NULL, NULL FROM deferrals f
WHERE f.case_no = ANY(%(case_nos)s) AND f.settled_at IS NULL
"""
_FORM = """
SELECT case_no, name, value, source_kind, source_name, source_date FROM case_fields
WHERE case_no = ANY(%(case_nos)s) ORDER BY name
"""


def opened(case_nos: Sequence[str], *, lock: bool = True) -> Question:
    """Ask which of these cases are opened already, and lock them."""
    return _OPENED + (_LOCK if lock else ""), {"case_nos": list(case_nos)}


def gather(tx: Connection, opened_rows: Iterable[Any], desk: Desk) -> dict[str, Gathered]:
    """By case number, from the answer to `opened`: one round trip more for the cases that are, none where none is."""
    found = {case_no: Gathered(*rest) for case_no, *rest in opened_rows}
    if not found:
        return found
    of = {"case_nos": list(found)}
    materials, reused, promised, form, met = ask(
        tx, (_MATERIALS, of), (_REUSED, of), (_PROMISED, of), (_FORM, of), (_MET, of)
    )
    for case_no, *material in materials:
        found[case_no].materials.append(_material(material, desk))
    for case_no, *use in reused:
        found[case_no].reused.append(_use(use))
    for case_no, name, until, by in promised:
        found[case_no].promised.append(
            {"material_name": name, "promised_until": day(until), "promised_by": by}
        )
    for case_no, *one in form:
        found[case_no].form.append(_form_field(one))
    for case_no, requirement_id, name, material_id in met:
        found[case_no].met.add(str(requirement_id))
        if material_id is not None:
            found[case_no].taken_for[str(material_id)] = name
    return found


def taken_for(tx: Connection, case_no: str) -> dict[str, str]:
    """Material id -> name of the requirement that it was taken or reused for, as `hub.pushing.withhold` asks for it."""
    (met,) = ask(tx, (_MET, {"case_nos": [case_no]}))
    return {str(material_id): name for _no, _requirement, name, material_id in met if material_id is not None}


def _material(row: Sequence[Any], desk: Desk) -> dict[str, Any]:
    id_, name, get_type, get_num, sha256, size, media_type, _at = row
    return {
        "id": str(id_),
        "material_name": name,
        "get_type": get_type,
        "get_num": get_num,
        "sha256": sha256.hex(),
        "size": size,
        "media_type": media_type,
        "href": f"{desk.public_url}/api/hub/materials/{id_}",
    }


def _use(row: Sequence[Any]) -> dict[str, Any]:
    id_, requirement, kind, source_name, number, case_no, provider, purpose, used_at, fields = row
    at: datetime = used_at
    return {
        "id": str(id_),
        "requirement": requirement,
        "source_kind": kind,
        "source_name": source_name,
        "source_no": number,
        "source_project_no": case_no,
        "provider": provider,
        "purpose": purpose,
        "used_at": instant(at),
        "fields": {name: _readable(value) for name, value in (fields or {}).items()},
    }


def _form_field(row: Sequence[Any]) -> dict[str, Any]:
    name, value, source_kind, source_name, source_date = row
    return {
        "name": name,
        "value": _readable(value),
        "source_kind": source_kind,
        "source_name": source_name,
        "source_date": day(source_date),
    }


def _readable(value: Mapping[str, Any]) -> str:
    """A stored field's text; of a personal number only what may be shown."""
    return str(value.get("text", value.get("masked", "")))
