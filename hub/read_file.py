"""Read a file: who may, for what stated use, on the record.

Guarantees: a department reads only materials of cases that were pushed to it, those that these cases reused included, and
none that its pushes leave out; a request token is spent by its first use; every read is in the ledger before the first byte
leaves, and a denied one is recorded by `note_denied`.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select
from sqlalchemy.dialects.postgresql import insert as pg_insert

from hub.catalogue.item_version import Requirement
from hub.errors import Conflict, Denied, NotFound, Rejected
from hub.ledger import Entry, record
from hub.material import FileRead, Material, StoredObject
from hub.pushing.push import Push
from hub.reuse.material_use import MaterialUse

USE_LONGEST = 200  # characters of a stated use, as the licence-sharing interface has it


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What the storage needs to open the file, and the reader to know it."""

    name: str
    media_type: str
    size: int
    sha256: bytes
    object_name: str
    wrapped_key: bytes
    case_no: str | None  # None: supplied as data, not taken on a case


def checked_use(stated_use: str) -> str:
    """The stated use as it is recorded. Raises Rejected where it says nothing, or too much."""
    use = stated_use.strip()
    if not 2 <= len(use) <= USE_LONGEST:
        raise Rejected(f"请写明用途（2 到 {USE_LONGEST} 个字）。")
    return use


def read_file(
    tx: Connection,
    material_id: uuid.UUID,
    *,
    reader: str,
    department: str | None,
    token_id: str,
    stated_use: str,
) -> FileFacts:
    """Allow and record one read. `department` None means a signed-in person, whose right the page has checked.

    Raises Rejected (no stated use), NotFound, Denied (not pushed to this department), Conflict (token spent).
    """
    use = checked_use(stated_use)
    row = tx.execute(
        select(Material, StoredObject.object_name, StoredObject.size, StoredObject.wrapped_key)
        .join(StoredObject, StoredObject.sha256 == Material.sha256)
        .where(Material.id == material_id)
    ).one_or_none()
    if row is None:
        raise NotFound(f"没有编号为 {material_id} 的材料。")
    if department is not None:
        _check_pushed(tx, row, department)
    spent = tx.execute(
        pg_insert(FileRead)
        .values(id=uuid.uuid4(), material_id=material_id, reader=reader, token_id=token_id, stated_use=use)
        .on_conflict_do_nothing()
        .returning(FileRead.id)
    ).first()
    if spent is None:
        raise Conflict("该调阅凭证已经用过。请重新签发一个。")
    record(
        tx,
        Entry(
            reader,
            "file.read",
            f"material:{material_id}",
            row.case_no,
            use,
            {"sha256": bytes(row.sha256).hex()},
        ),
    )
    return FileFacts(
        row.name,
        row.media_type,
        row.size,
        bytes(row.sha256),
        row.object_name,
        bytes(row.wrapped_key),
        row.case_no,
    )


def _check_pushed(tx: Connection, material: Any, department: str) -> None:
    """The department's pushes of the cases that hold or reused it: one of them must not leave it out."""
    pushes = tx.execute(
        select(Push.withheld, Requirement.name)
        .outerjoin(
            MaterialUse,
            and_(MaterialUse.case_no == Push.case_no, MaterialUse.material_id == material.id),
        )
        .outerjoin(
            Requirement, Requirement.id == func.coalesce(MaterialUse.requirement_id, material.requirement_id)
        )
        .where(
            Push.department == department,
            Push.state != "held",
            or_(Push.case_no == material.case_no, MaterialUse.id.is_not(None)),
        )
    ).all()
    if not pushes:
        raise Denied("该材料所属办件没有推送给本部门，不能调阅。")
    issued = {"licence", "licence.document"} if material.origin == "result" else set()
    if all(
        {"materials[]", f"materials[{material.name}]", f"materials[{one.name}]", *issued}
        & set(one.withheld or ())
        for one in pushes
    ):
        raise Denied("按推送规则，这份材料不提供给本部门，不能调阅。")


def note_denied(tx: Connection, material_id: str, *, reader: str, why: str) -> None:
    """Record a read that was refused."""
    record(tx, Entry(reader, "file.denied", f"material:{material_id[:80]}", reason=why))
