"""Store an upload: the whole, checked, sealed file becomes a material of its case, or is refused with a sentence.

Guarantees: material, the upload's state, a settled promise (容缺) and the ledger are written in one transaction, or none
of them; finishing the same upload twice gives the same material; the same bytes dropped twice on the same line are one.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, update

from hub.add_material import StoredFacts, Taken, add_material
from hub.catalogue.item_version import Requirement
from hub.errors import Conflict, NotFound
from hub.ledger import Entry, record
from hub.material import Material, StoredObject
from hub.ports import Clock
from hub.reuse.promise_deferral import settle_deferral
from hub.take_upload import move_upload
from hub.upload import Upload
from hub.upload_rules import Line, requirement_line, valid_until
from hub.workday import LOCAL


@dataclass(frozen=True, slots=True)
class Whole:
    """An upload whose last byte has arrived, and what it is checked against."""

    id: uuid.UUID
    case_no: str
    file_name: str
    size: int
    state: str
    subject: str
    fields: Mapping[str, Any]
    created_by: str
    line: Line


@dataclass(frozen=True, slots=True)
class Checked:
    """What the checks found."""

    sha256: bytes
    media_type: str
    signature_state: str
    signature: Sequence[Mapping[str, object]] = field(default_factory=tuple)
    scan_state: str = "not_configured"


def whole_upload(tx: Connection, upload_id: uuid.UUID) -> Whole:
    """The upload with its line. Raises NotFound."""
    row = tx.execute(
        select(Upload.__table__, Requirement.version_id)
        .join(Requirement, Requirement.id == Upload.requirement_id)
        .where(Upload.id == upload_id)
    ).one_or_none()
    if row is None:
        raise NotFound("没有这次上传。请重新选择文件。")
    line = requirement_line(tx, row.version_id, row.requirement_id)
    return Whole(
        row.id, row.case_no, row.file_name, row.size, row.state, row.subject, row.fields, row.created_by, line
    )


def stored_object(tx: Connection, sha256: bytes) -> StoredFacts | None:
    """The object that keeps these bytes, if they are stored."""
    row = tx.execute(
        select(
            StoredObject.sha256, StoredObject.object_name, StoredObject.size, StoredObject.wrapped_key
        ).where(StoredObject.sha256 == sha256)
    ).one_or_none()
    return StoredFacts(bytes(row[0]), row[1], row[2], bytes(row[3])) if row else None


def store_upload(
    tx: Connection,
    upload: Whole,
    checked: Checked,
    stored: StoredFacts,
    *,
    clock: Clock,
    lost: str | None = None,
) -> uuid.UUID:
    """Make it a material. `lost`: the object that kept these bytes and is gone; `stored` takes its place.

    Raises Conflict where the case or the upload has moved on meanwhile.
    """
    row = tx.execute(
        select(Upload.state, Upload.material_id).where(Upload.id == upload.id).with_for_update()
    ).one()
    if row.state == "stored":
        return uuid.UUID(str(row.material_id))
    if row.state not in ("checking", "scanning"):
        raise Conflict("这次上传已被放弃。请重新上传。")
    if lost is not None:
        tx.execute(
            update(StoredObject)
            .where(StoredObject.sha256 == stored.sha256, StoredObject.object_name == lost)
            .values(object_name=stored.object_name, wrapped_key=stored.wrapped_key)
        )
    material_id = _same_on_line(tx, upload, checked.sha256)
    if material_id is None:
        material_id = _add(tx, upload, checked, stored, clock())
    move_upload(tx, upload.id, "stored", material_id=material_id, sha256=checked.sha256)
    settle_deferral(
        tx,
        upload.case_no,
        upload.line.asked.id,
        f"material:{material_id}",
        actor=upload.created_by,
        now=clock(),
    )
    return material_id


def _same_on_line(tx: Connection, upload: Whole, sha256: bytes) -> uuid.UUID | None:
    """The material of the same bytes, for the same line and subject and with the same fields, of this case."""
    rows = tx.execute(
        select(Material.id, Material.fields).where(
            Material.case_no == upload.case_no,
            Material.requirement_id == upload.line.asked.id,
            Material.subject == upload.subject,
            Material.sha256 == sha256,
            Material.state.in_(("pending", "usable")),
        )
    ).all()
    wanted = _comparable(upload.fields)
    return next((row.id for row in rows if _comparable(row.fields) == wanted), None)


def _comparable(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields without what differs from one sealing to the next."""
    return {
        name: {k: v for k, v in value.items() if k != "sealed"} if isinstance(value, Mapping) else value
        for name, value in fields.items()
    }


def _add(tx: Connection, upload: Whole, checked: Checked, stored: StoredFacts, now: datetime) -> uuid.UUID:
    asked = upload.line.asked
    today = now.astimezone(LOCAL).date()
    return add_material(
        tx,
        case_no=upload.case_no,
        name=upload.file_name,
        media_type=checked.media_type,
        stored=stored,
        actor=upload.created_by,
        taken=Taken(
            requirement_id=asked.id,
            type_code=asked.material_type,
            type_version=asked.type_version,
            subject=upload.subject,
            valid_from=None,
            valid_to=valid_until(upload.line, upload.fields, today),
            fields=upload.fields,
            signature_state=checked.signature_state,
            signature=checked.signature,
            scan_state=checked.scan_state,
        ),
    )


def refuse_upload(tx: Connection, upload: Whole, sentence: str, *, sha256: bytes | None = None) -> None:
    """Refused for good, with the sentence; its bytes are not kept."""
    if move_upload(tx, upload.id, "refused", refusal=sentence, sha256=sha256):
        detail = {"name": upload.file_name, "size": upload.size}
        if sha256:
            detail["sha256"] = sha256.hex()
        record(
            tx,
            Entry(
                upload.created_by, "upload.refused", f"upload:{upload.id}", upload.case_no, sentence, detail
            ),
        )


def hold_upload(tx: Connection, upload: Whole, sha256: bytes) -> None:
    """Held back until the scanner answers."""
    move_upload(tx, upload.id, "scanning", sha256=sha256)


def note_hash(tx: Connection, upload: Whole, sha256: bytes) -> None:
    """What its bytes are, so that the page can tell that they are on file already."""
    tx.execute(update(Upload).where(Upload.id == upload.id).values(sha256=sha256))


def seen_before(tx: Connection, sha256: bytes) -> tuple[str, bool] | None:
    """What an earlier intake found of exactly these bytes: media type, and whether there may be a signature in them."""
    row = tx.execute(
        select(Material.media_type, Material.signature_state)
        .where(Material.sha256 == sha256, Material.requirement_id.is_not(None), Material.origin == "upload")
        .limit(1)
    ).first()
    return (row.media_type, row.signature_state != "none") if row else None


def to_be_received_again(tx: Connection, upload: Whole, received: int) -> None:
    """Part of its spooled bytes is gone: the client sends the rest again."""
    if move_upload(tx, upload.id, "receiving", received=received):
        record(tx, Entry("program:intake", "upload.rewound", f"upload:{upload.id}", upload.case_no))


def unfinished(tx: Connection, before: datetime, *, limit: int = 100) -> list[uuid.UUID]:
    """Whole uploads that nobody has finished since `before`, the oldest first."""
    rows = tx.execute(
        select(Upload.id)
        .where(Upload.state.in_(("checking", "scanning")), Upload.changed_at < before)
        .order_by(Upload.changed_at)
        .limit(limit)
    )
    return list(rows.scalars())


def abandon_stale(tx: Connection, before: datetime, *, actor: str, limit: int = 200) -> list[uuid.UUID]:
    """Give up what nobody has sent a byte for, or could finish, since `before`. What a scanner holds back waits on."""
    stale = (
        select(Upload.id)
        .where(Upload.state.in_(("receiving", "checking")), Upload.changed_at < before)
        .order_by(Upload.changed_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = tx.execute(
        update(Upload)
        .where(Upload.id.in_(stale.scalar_subquery()))
        .values(state="abandoned", changed_at=func.now())
        .returning(Upload.id, Upload.case_no)
    ).all()
    record(tx, *(Entry(actor, "upload.abandoned", f"upload:{row.id}", row.case_no) for row in rows))
    return [row.id for row in rows]


def unfinished_among(tx: Connection, uploads: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Those whose spooled bytes are still needed."""
    rows = tx.execute(
        select(Upload.id).where(
            Upload.id.in_(list(uploads)), Upload.state.in_(("receiving", "checking", "scanning"))
        )
    )
    return set(rows.scalars())


def referenced_objects(tx: Connection, names: Sequence[str]) -> set[str]:
    """Those of these objects that keep a file we know of."""
    rows = tx.execute(select(StoredObject.object_name).where(StoredObject.object_name.in_(list(names))))
    return set(rows.scalars())
