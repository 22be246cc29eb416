"""Take an upload: announce it, note what arrived, look at it, give it up. Its bytes are the spool's (`storage.intake`).

Guarantees: only who began an upload continues it; what is refused for its name, size, fields or case is refused before
the first byte; `received` only grows, by one writer at a time. What becomes of a whole file: `hub.store_upload`.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, and_, func, insert, select, text, update

from hub.case import Case
from hub.catalogue.fields import check_values, stored
from hub.discard_material import discard_material
from hub.errors import Conflict, NotFound, Rejected
from hub.ledger import Entry, record
from hub.material import Material
from hub.ports import Desk
from hub.upload import Upload
from hub.upload_rules import (
    IntakeRules,
    Line,
    WrongFields,
    check_announced,
    clean_name,
    line_of_case,
    valid_until,
)
from hub.workday import LOCAL

SUBJECT_LONGEST = 60
#: What may follow what; the finisher and the sweep move an upload on, nobody moves it back but a lost spool file.
NEXT_STATES: dict[str, frozenset[str]] = {
    "receiving": frozenset({"checking", "abandoned"}),
    "checking": frozenset({"receiving", "scanning", "stored", "refused", "abandoned"}),
    "scanning": frozenset({"receiving", "stored", "refused", "abandoned"}),
    "stored": frozenset(),
    "refused": frozenset(),
    "abandoned": frozenset(),
}


@dataclass(frozen=True, slots=True)
class Announced:
    """What the client says of a file before it sends it."""

    case_no: str
    requirement_id: uuid.UUID
    file_name: str
    size: int
    fields: Mapping[str, Any] = field(default_factory=dict)
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """Where the same bytes of the same party are on file already."""

    case_no: str | None
    name: str


@dataclass(frozen=True, slots=True)
class UploadFacts:
    """An upload as its owner may see it."""

    id: uuid.UUID
    case_no: str
    requirement_id: uuid.UUID
    file_name: str
    size: int
    received: int
    state: str
    refusal: str | None
    material_id: uuid.UUID | None
    sha256: bytes | None
    changed_at: datetime


_FACTS = (
    Upload.id,
    Upload.case_no,
    Upload.requirement_id,
    Upload.file_name,
    Upload.size,
    Upload.received,
    Upload.state,
    Upload.refusal,
    Upload.material_id,
    Upload.sha256,
    Upload.changed_at,
)


def begin_upload(
    tx: Connection,
    announced: Announced,
    rules: IntakeRules,
    desk: Desk,
    *,
    actor: str,
    department: str | None,
) -> UploadFacts:
    """Announce a file. Raises NotFound, Denied, Conflict, Rejected; WrongFields for what was filled in wrongly."""
    line = line_of_case(tx, announced.case_no, announced.requirement_id, department=department)
    name = clean_name(announced.file_name)
    check_announced(name, announced.size, line.asked, rules)
    subject = " ".join(announced.subject.split())
    if len(subject) > SUBJECT_LONGEST:
        raise Rejected(f"“属于谁”至多 {SUBJECT_LONGEST} 个字。")
    upload_id = uuid.uuid4()
    tx.execute(
        insert(Upload).values(
            id=upload_id,
            case_no=announced.case_no,
            requirement_id=announced.requirement_id,
            file_name=name,
            size=announced.size,
            fields=_fields(line, announced.fields, desk),
            subject=subject,
            created_by=actor,
        )
    )
    return look_at_upload(tx, upload_id, actor=actor)


def _fields(line: Line, given: Mapping[str, Any], desk: Desk) -> dict[str, Any]:
    defs = line.asked.fields
    clean, faults = check_values(defs, given)
    kept = stored(defs, clean, desk.identities)
    until = line.validity_field
    if until in kept:
        last = valid_until(line, kept, _today(desk))
        if last is not None and last < _today(desk):
            label = next((one.label for one in defs if one.name == until), until)
            faults = {**faults, str(until): f"“{label}”{last} 已经过了，请收取有效的材料。"}
    if faults:
        raise WrongFields(faults)
    return kept


def _today(desk: Desk) -> date:
    return desk.clock().astimezone(LOCAL).date()


def look_at_upload(tx: Connection, upload_id: uuid.UUID, *, actor: str) -> UploadFacts:
    """The upload, for who began it. Raises NotFound for everybody else."""
    row = tx.execute(select(*_FACTS).where(Upload.id == upload_id, Upload.created_by == actor)).one_or_none()
    if row is None:
        raise NotFound("没有这次上传，或者不是您开始的。请重新选择文件。")
    return UploadFacts(*row)


def known_before(tx: Connection, upload: UploadFacts) -> Known | None:
    """The newest other material of the same party with the same bytes."""
    if upload.sha256 is None:
        return None
    row = tx.execute(
        select(Material.case_no, Material.name)
        .join(Case, and_(Case.case_no == upload.case_no, Case.party_id == Material.party_id))
        .where(
            Material.sha256 == upload.sha256,
            Material.state != "discarded",
            Material.id.is_distinct_from(upload.material_id),
        )
        .order_by(Material.created_at.desc())
        .limit(1)
    ).first()
    return Known(row.case_no, row.name) if row else None


def note_received(tx: Connection, upload_id: uuid.UUID, received: int, *, actor: str) -> UploadFacts:
    """So many bytes are safe in the spool; with the last one the checks begin. Raises Conflict when it is past that.

    Until then the commit does not wait for the disk: a database that dies forgets at most the last moment's pieces, and
    their client is told the truth and sends them again.
    """
    row = tx.execute(
        update(Upload)
        .where(
            Upload.id == upload_id,
            Upload.created_by == actor,
            Upload.state == "receiving",
            Upload.received <= received,
        )
        .values(received=received, changed_at=func.now())
        .returning(*_FACTS)
    ).one_or_none()
    if row is None:
        raise Conflict("这次上传已经收完或已放弃，不再接收内容。")
    if row.size != received:
        tx.execute(text("SET LOCAL synchronous_commit = off"))
        return UploadFacts(*tuple(row))
    move_upload(tx, upload_id, "checking")
    return look_at_upload(tx, upload_id, actor=actor)


def move_upload(tx: Connection, upload_id: uuid.UUID, state: str, **values: Any) -> bool:
    """Set the state where the table allows it; False where somebody was quicker."""
    before = [one for one, following in NEXT_STATES.items() if state in following]
    moved = tx.execute(
        update(Upload)
        .where(Upload.id == upload_id, Upload.state.in_(before))
        .values(state=state, changed_at=func.now(), **values)
    )
    return moved.rowcount == 1


def give_up_upload(tx: Connection, upload_id: uuid.UUID, *, actor: str) -> None:
    """Abandon it; a stored one is taken off its case again, as long as that is not accepted. Idempotent."""
    upload = look_at_upload(tx, upload_id, actor=actor)
    if upload.state == "stored" and upload.material_id is not None:
        discard_material(tx, upload.material_id, case_no=upload.case_no, actor=actor)
    elif move_upload(tx, upload_id, "abandoned"):
        record(tx, Entry(actor, "upload.abandoned", f"upload:{upload_id}", upload.case_no))
