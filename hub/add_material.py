"""Add a material to a case: the file is in the object store already, sealed; now the case refers to it.

Guarantees: the same bytes are stored once; the loser of a race learns which object stands, and may delete its own.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import fields as fields_of
from datetime import date

from sqlalchemy import Connection, insert, select
from sqlalchemy.dialects.postgresql import insert as pg_insert

from hub.case import Case, Decision
from hub.errors import Conflict, NotFound
from hub.ledger import Entry, record
from hub.material import Material, StoredObject
from hub.reuse.deferral import promised
from hub.reuse.list_of_case import list_of_case


@dataclass(frozen=True, slots=True)
class StoredFacts:
    """A sealed object in the store."""

    sha256: bytes
    object_name: str
    size: int
    wrapped_key: bytes


@dataclass(frozen=True, slots=True)
class Taken:
    """What is known of a material taken for a requirement, beside its bytes."""

    requirement_id: uuid.UUID
    type_code: str
    type_version: int
    subject: str = ""  # which of several, e.g. whose identity card
    valid_from: date | None = None
    valid_to: date | None = None
    fields: Mapping[str, object] = field(default_factory=dict)
    signature_state: str = "unchecked"
    signature: Sequence[Mapping[str, object]] = ()
    scan_state: str = "not_configured"


def add_material(
    tx: Connection,
    *,
    case_no: str,
    name: str,
    media_type: str,
    stored: StoredFacts,
    actor: str,
    taken: Taken | None = None,
) -> uuid.UUID:
    """Refer to `stored` from the case. Returns the material's id. Raises NotFound, or Conflict after the decision,
    where only what was promised (容缺) still follows.

    On a case that is still preparing the material is `pending`: no other case is offered it before this one is accepted.
    """
    # The weaker lock: rows that only refer to the case need not wait, nor deadlock with us.
    case = tx.execute(
        select(Case.party_id, Case.department, Case.state)
        .where(Case.case_no == case_no)
        .with_for_update(key_share=True)
    ).one_or_none()
    if case is None:
        raise NotFound(f"没有办件编号为 {case_no} 的办件。")
    if case.state == "withdrawn":
        raise Conflict(f"办件 {case_no} 已经撤回，不能再加材料。")
    decided = tx.execute(select(Decision.id).where(Decision.case_no == case_no)).first()
    if decided and not (taken and promised(tx, case_no, taken.requirement_id)):
        raise Conflict(f"办件 {case_no} 已经作出决定，推送包已签名发出，不能再加材料（承诺补交的除外）。")
    keep_object(tx, stored)
    material_id = uuid.uuid4()
    tx.execute(
        insert(Material).values(
            id=material_id,
            case_no=case_no,
            party_id=case.party_id,
            department=case.department or list_of_case(tx, case_no).department,
            state="pending" if case.state == "preparing" else "usable",
            sha256=stored.sha256,
            name=name,
            media_type=media_type,
            added_by=actor,
            **(_known(taken) if taken else {}),
        )
    )
    detail = {"name": name, "sha256": stored.sha256.hex(), "size": stored.size, "media_type": media_type}
    if taken:
        detail |= {"type": taken.type_code, "signature": taken.signature_state, "scan": taken.scan_state}
    record(tx, Entry(actor, "material.added", f"material:{material_id}", case_no, detail=detail))
    return material_id


def keep_object(tx: Connection, stored: StoredFacts) -> None:
    """Know of a sealed object, once for the same bytes; what refers to it names its SHA-256."""
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


def _known(taken: Taken) -> dict[str, object]:
    return {name.name: getattr(taken, name.name) for name in fields_of(taken)} | {
        "fields": dict(taken.fields),
        "signature": [dict(one) for one in taken.signature],
    }


def standing_object(tx: Connection, sha256: bytes) -> str | None:
    """The name of the object that keeps these bytes, if they are stored."""
    name: str | None = tx.execute(
        select(StoredObject.object_name).where(StoredObject.sha256 == sha256)
    ).scalar_one_or_none()
    return name
