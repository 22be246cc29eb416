"""Add a material to a case: the file is in the object store already, sealed; now the case refers to it.

Guarantees: the same bytes are stored once; the loser of a race learns which object stands, and may delete its own.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select
from sqlalchemy.dialects.postgresql import insert as pg_insert

from hub.case import Case, Decision
from hub.errors import Conflict, NotFound
from hub.ledger import Entry, record
from hub.material import Material, StoredObject


@dataclass(frozen=True, slots=True)
class StoredFacts:
    """A sealed object in the store."""

    sha256: bytes
    object_name: str
    size: int
    wrapped_key: bytes


def add_material(
    tx: Connection, *, case_no: str, name: str, media_type: str, stored: StoredFacts, actor: str
) -> uuid.UUID:
    """Refer to `stored` from the case. Returns the material's id. Raises NotFound, or Conflict after the decision."""
    if not tx.execute(select(Case.case_no).where(Case.case_no == case_no).with_for_update()).first():
        raise NotFound(f"没有办件编号为 {case_no} 的办件。")
    if tx.execute(select(Decision.id).where(Decision.case_no == case_no)).first():
        raise Conflict(f"办件 {case_no} 已经作出决定，推送包已签名发出，不能再加材料。")
    tx.execute(
        pg_insert(StoredObject)
        .values(
            sha256=stored.sha256,
            object_name=stored.object_name,
            size=stored.size,
            wrapped_key=stored.wrapped_key,
        )
        .on_conflict_do_nothing()
    )
    material_id = uuid.uuid4()
    tx.execute(
        insert(Material).values(
            id=material_id, case_no=case_no, sha256=stored.sha256, name=name, media_type=media_type
        )
    )
    detail = {"name": name, "sha256": stored.sha256.hex(), "size": stored.size, "media_type": media_type}
    record(tx, Entry(actor, "material.added", f"material:{material_id}", case_no, detail=detail))
    return material_id


def standing_object(tx: Connection, sha256: bytes) -> str | None:
    """The name of the object that keeps these bytes, if they are stored."""
    name: str | None = tx.execute(
        select(StoredObject.object_name).where(StoredObject.sha256 == sha256)
    ).scalar_one_or_none()
    return name
