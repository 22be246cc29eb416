"""Revoke or correct a material that is on file: what must not be relied on any more, and what was wrong.

Guarantees: a corrected material is a new version and the old one stays for who relied on it; those are told in the same
transaction; a use at the same moment either comes first and is told, or comes after and is refused. Twice is once.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from hub.catalogue.fields import FieldDef, check_values, parse_defs, stored
from hub.catalogue.material_type import MaterialTypeVersion
from hub.errors import Conflict, NotFound, Rejected
from hub.ledger import Entry, record
from hub.material import Material
from hub.ports import Desk
from hub.reuse.tell_relied import SourceChange, tell_relied

#: What a correction takes over from the version before it.
_TAKEN_OVER = tuple(
    column.name
    for column in Material.__table__.columns
    if column.name
    not in ("id", "version", "superseded_by", "state", "state_reason", "state_at", "added_by", "created_at")
)


def revoke_material(tx: Connection, material_id: uuid.UUID, *, actor: str, reason: str, desk: Desk) -> None:
    """It must not be relied on any more. Raises NotFound, Rejected without a reason, Conflict before acceptance."""
    reason = _reason(reason)
    old = _locked(tx, material_id)
    if old.state == "revoked":
        return
    if old.state not in ("usable", "superseded"):
        raise Conflict(f"“{old.name}”还没有随办件受理，不能撤销。请在办件中移除。")
    now = desk.clock()
    tx.execute(
        update(Material)
        .where(Material.id == material_id)
        .values(state="revoked", state_reason=reason, state_at=now)
    )
    record(tx, Entry(actor, "material.revoked", f"material:{material_id}", old.case_no, reason))
    tell_relied(tx, [SourceChange("material", material_id, "revoked", why=reason)], actor=actor, now=now)


def correct_material(
    tx: Connection,
    material_id: uuid.UUID,
    *,
    fields: Mapping[str, str],
    reason: str,
    actor: str,
    desk: Desk,
    valid_from: date | None = None,
    valid_to: date | None = None,
) -> uuid.UUID:
    """A new version with these fields (those not named stay) and days (None: they stay). Gives the new one's id."""
    reason = _reason(reason)
    old = _locked(tx, material_id)
    if old.state != "usable":
        raise Conflict(f"“{old.name}”已不是现行版本，不能更正。请打开它的最新版本。")
    now, new_id = desk.clock(), uuid.uuid4()
    values = {name: getattr(old, name) for name in _TAKEN_OVER}
    values["fields"] = {**old.fields, **_corrected(tx, old, fields, desk)}
    values["valid_from"] = valid_from or old.valid_from
    values["valid_to"] = valid_to or old.valid_to
    if all(values[name] == getattr(old, name) for name in ("fields", "valid_from", "valid_to")):
        raise Rejected("没有要更正的内容。请改动至少一项，或以“维持”答复。")
    if values["valid_from"] and values["valid_to"] and values["valid_to"] < values["valid_from"]:
        raise Rejected("有效期至不能早于有效期起。请核对日期。")
    _replace(tx, old, {"id": new_id, **values}, reason, actor, now)
    changed = [name for name in values["fields"] if values["fields"][name] != old.fields.get(name)]
    detail = {"by": str(new_id), "fields": sorted(changed), "version": old.version + 1}
    record(tx, Entry(actor, "material.corrected", f"material:{material_id}", old.case_no, reason, detail))
    tell_relied(tx, [SourceChange("material", material_id, "corrected", why=reason)], actor=actor, now=now)
    return new_id


def _replace(
    tx: Connection, old: Any, row: Mapping[str, Any], reason: str, actor: str, now: datetime
) -> None:
    """The old version steps back first: of a department's own number only one may stand."""
    old_row = update(Material).where(Material.id == old.id)
    tx.execute(old_row.values(state="superseded", state_reason=reason, state_at=now))
    tx.execute(
        insert(Material).values(
            **row,
            version=old.version + 1,
            state="usable",
            state_reason=reason,
            state_at=now,
            added_by=actor,
            created_at=now,
        )
    )
    tx.execute(old_row.values(superseded_by=row["id"]))


def _locked(tx: Connection, material_id: uuid.UUID) -> Any:
    row = tx.execute(
        select(*Material.__table__.columns).where(Material.id == material_id).with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound("没有找到这份材料。请刷新页面后再试。")
    return row


def _reason(text: str) -> str:
    text = " ".join(text.split())
    if not 2 <= len(text) <= 200:
        raise Rejected("请写明原因，2 到 200 字。")
    return text


def _corrected(tx: Connection, old: Any, fields: Mapping[str, str], desk: Desk) -> dict[str, dict[str, Any]]:
    if not fields:
        return {}
    defs = {one.name: one for one in _defs(tx, old)}
    unknown = sorted(set(fields) - set(defs))
    if unknown:
        raise Rejected(f"材料类型没有字段“{'、'.join(unknown)}”。请刷新页面后再试。")
    chosen = [defs[name] for name in fields]
    clean, faults = check_values(chosen, fields)
    if faults:
        raise Rejected("".join(faults.values()))
    return stored(chosen, clean, desk.identities)


def _defs(tx: Connection, old: Any) -> tuple[FieldDef, ...]:
    raw = tx.execute(
        select(MaterialTypeVersion.fields).where(
            MaterialTypeVersion.type_code == old.type_code, MaterialTypeVersion.number == old.type_version
        )
    ).scalar()
    return parse_defs(raw or [])
