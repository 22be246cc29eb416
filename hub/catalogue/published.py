"""What a case is held to: one version of an item with its material list and requirement map.

Guarantees: a version that is no draft never changes (the database refuses it), so it is read once by a process and kept,
the least recently used of CACHED forgotten first. A draft is read anew each time, with its types as published now.
What may change by law from one day to the next (sharing attribute, provider) is not here: ask `material_types`.
"""

from __future__ import annotations

import uuid
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

from sqlalchemy import Connection

from hub.catalogue.fields import FieldDef, parse_defs
from hub.errors import NotFound
from hub.round_trips import ask

CACHED = 2000


@dataclass(frozen=True, slots=True)
class StandInLine:
    """What else meets a requirement: a material type, a licence type, or the result of an item."""

    kind: str  # material, licence, result
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class RequirementLine:
    """One line of the material list, with the version of its type that it asks for."""

    id: uuid.UUID
    code: str
    seq: int
    name: str
    material_type: str
    type_name: str
    type_version: int
    required: bool
    may_follow: bool
    deferral_days: int | None
    form: str
    copies: int
    formats: tuple[str, ...]  # empty: all that the hub takes
    max_bytes: int | None
    note: str | None
    consent_required: bool
    signature_required: bool
    on_bad_signature: str
    fields: tuple[FieldDef, ...]
    stand_ins: tuple[StandInLine, ...]


@dataclass(frozen=True, slots=True)
class PublishedItem:
    """One version of an item."""

    version_id: uuid.UUID
    number: int
    item_code: str
    header: Mapping[str, Any]
    form: tuple[FieldDef, ...]
    requirements: tuple[RequirementLine, ...]

    @property
    def name(self) -> str:
        """The item's name in this version."""
        return str(self.header.get("name") or self.item_code)

    def requirement(self, requirement_id: uuid.UUID) -> RequirementLine:
        """One of its lines."""
        for one in self.requirements:
            if one.id == requirement_id:
                return one
        raise NotFound("这份材料不在本办件的材料清单里。请刷新页面。")


@dataclass(frozen=True, slots=True)
class ListedItem:
    """One item that cases may start with now."""

    code: str
    name: str
    version_id: uuid.UUID
    number: int
    promised_days: int | None
    case_type: str


_PUBLISHED = "SELECT id FROM item_versions WHERE item_code = %(code)s AND state = 'published'"
_ITEMS = """
SELECT i.code, i.name, v.id, v.number, i.promised_days, i.case_type
FROM item_versions v JOIN service_items i ON i.code = v.item_code
WHERE v.state = 'published' AND i.active ORDER BY i.code
"""
#: What was published in this very transaction may still be rolled back and become a draft again: not to be kept.
_VERSION = """
SELECT id, number, item_code, header, form, state <> 'draft' AND published_at < now()
FROM item_versions WHERE id = %(id)s
"""
_LINES = """
SELECT r.id, r.code, r.seq, r.name, r.material_type, coalesce(v.header->>'name', t.name), v.number, r.required,
  r.may_follow, r.deferral_days, r.form, r.copies, r.formats, r.max_bytes, r.note, v.header, v.fields, t.formats,
  t.max_bytes, t.consent_required, t.signature_required, t.on_bad_signature
FROM requirements r JOIN material_types t ON t.code = r.material_type
LEFT JOIN material_type_versions v
  ON v.type_code = r.material_type AND v.number = coalesce(r.type_version, t.published_version)
WHERE r.version_id = %(id)s ORDER BY r.seq, r.code
"""
_STAND_INS = """
SELECT s.requirement_id, s.kind, coalesce(s.material_type, s.licence_type, s.item_code),
  coalesce(m.name, l.name, i.name)
FROM stand_ins s JOIN requirements r ON r.id = s.requirement_id
LEFT JOIN material_types m ON m.code = s.material_type
LEFT JOIN licence_types l ON l.code = s.licence_type
LEFT JOIN service_items i ON i.code = s.item_code
WHERE r.version_id = %(id)s ORDER BY s.requirement_id, s.seq
"""

_known: OrderedDict[uuid.UUID, PublishedItem] = OrderedDict()
_guard = Lock()


def published_item(tx: Connection, item_code: str) -> PublishedItem:
    """What a case of this item starts with today. NotFound where nothing is published."""
    found = ask(tx, (_PUBLISHED, {"code": item_code}))[0]
    if not found:
        raise NotFound(
            f"事项 {item_code[:40]} 没有已发布的办事指南，不能收件。请数据管理员在“事项目录”中发布。"
        )
    return item_version(tx, found[0][0])


def published_items(tx: Connection) -> list[ListedItem]:
    """Every item that cases may start with, by code."""
    return [ListedItem(*row) for row in ask(tx, (_ITEMS, {}))[0]]


def item_version(tx: Connection, version_id: uuid.UUID) -> PublishedItem:
    """One version, whatever its state."""
    with _guard:
        kept = _known.get(version_id)
        if kept is not None:
            _known.move_to_end(version_id)
            return kept
    found, stands = _read(tx, version_id)
    if stands:
        with _guard:
            _known[version_id] = found
            while len(_known) > CACHED:
                _known.popitem(last=False)
    return found


def forget() -> None:
    """Forget what is kept; for tests that measure."""
    with _guard:
        _known.clear()


def _read(tx: Connection, version_id: uuid.UUID) -> tuple[PublishedItem, bool]:
    key = {"id": version_id}
    versions, lines, stand_ins = ask(tx, (_VERSION, key), (_LINES, key), (_STAND_INS, key))
    if not versions:
        raise NotFound("没有这个版本。请回到事项目录重新打开。")
    instead: dict[uuid.UUID, list[StandInLine]] = {}
    for requirement, kind, code, name in stand_ins:
        instead.setdefault(requirement, []).append(StandInLine(kind, code, name))
    row_id, number, item_code, header, form, stands = versions[0]
    requirements = tuple(_line(row, tuple(instead.get(row[0], ()))) for row in lines)
    return PublishedItem(row_id, number, item_code, header, parse_defs(form, "form"), requirements), bool(
        stands
    )


def _line(row: Any, stand_ins: tuple[StandInLine, ...]) -> RequirementLine:
    rules = row[15] or {}
    formats, most, consent, signed, on_bad = row[17:22]
    sizes = [size for size in (row[13], rules.get("max_bytes", most)) if size]
    return RequirementLine(
        id=row[0],
        code=row[1],
        seq=row[2],
        name=row[3],
        material_type=row[4],
        type_name=row[5],
        type_version=row[6] or 0,
        required=row[7],
        may_follow=row[8],
        deferral_days=row[9],
        form=row[10],
        copies=row[11],
        formats=tuple(row[12] or rules.get("formats", formats) or ()),
        max_bytes=min(sizes) if sizes else None,
        note=row[14],
        consent_required=bool(rules.get("consent_required", consent)),
        signature_required=bool(rules.get("signature_required", signed)),
        on_bad_signature=str(rules.get("on_bad_signature", on_bad)),
        fields=parse_defs(row[16] or []),
        stand_ins=stand_ins,
    )
