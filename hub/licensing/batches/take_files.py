"""Take the signed files of many licences away at once, for a stated use, on the record.

Guarantees: every file that is taken has its own read on the record, as if it were opened by itself, before the first byte
leaves; at most MOST at once. Does not guarantee: that the caller may see these licences; the pages confine the query.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, select

from hub.errors import NotFound, Rejected
from hub.ledger import LedgerRow
from hub.licensing.issuing.document import LicenceDocument
from hub.licensing.licence import Licence
from hub.material import FileRead, StoredObject
from hub.party import Party
from hub.read_file import checked_use
from hub.round_trips import Rows, write

MOST = 1000


@dataclass(frozen=True, slots=True)
class TakenFile:
    """One signed PDF, and what the index says of it."""

    number: str
    identifier: str
    name: str
    holder: str
    status: str
    case_no: str | None
    material_id: uuid.UUID
    object_name: str
    sha256: bytes
    size: int
    wrapped_key: bytes


def take_files(
    tx: Connection, licences: Select[Any], *, actor: str, stated_use: str, subject: str
) -> Sequence[TakenFile]:
    """The files of a query of licence ids; `subject` says where they were taken from. Raises Rejected, NotFound."""
    use = checked_use(stated_use)
    rows = tx.execute(
        select(
            Licence.number,
            Licence.identifier,
            Licence.name,
            Party.name.label("holder"),
            Licence.status,
            Licence.case_no,
            LicenceDocument.material_id,
            StoredObject.object_name,
            StoredObject.sha256,
            StoredObject.size,
            StoredObject.wrapped_key,
        )
        .join(Party, Party.id == Licence.party_id)
        .join(LicenceDocument, LicenceDocument.licence_id == Licence.id)
        .join(StoredObject, StoredObject.sha256 == LicenceDocument.sha256)
        .where(LicenceDocument.format == "pdf", LicenceDocument.material_id.is_not(None))
        .where(Licence.id.in_(licences))
        .order_by(Licence.number, Licence.version)
        .limit(MOST + 1)
    ).all()
    if not rows:
        raise NotFound("这些证照没有证照文件：登记和导入的证照没有本中心签发的文件。")
    if len(rows) > MOST:
        raise Rejected(f"一次最多下载 {MOST} 个证照文件。请缩小范围后分批下载。")
    found = [
        TakenFile(**{**row._mapping, "sha256": bytes(row.sha256), "wrapped_key": bytes(row.wrapped_key)})
        for row in rows
    ]
    write(tx, Rows(FileRead, _reads(found, actor, use)), Rows(LedgerRow, _ledger(found, actor, use, subject)))
    return found


def _reads(found: Sequence[TakenFile], actor: str, use: str) -> list[dict[str, Any]]:
    return [
        {
            "id": uuid.uuid4(),
            "material_id": one.material_id,
            "reader": actor,
            "token_id": str(uuid.uuid4()),
            "stated_use": use,
        }
        for one in found
    ]


def _ledger(found: Sequence[TakenFile], actor: str, use: str, subject: str) -> list[dict[str, Any]]:
    whole = {
        "actor": actor,
        "action": "licence.files_taken",
        "subject": subject,
        "case_no": None,
        "reason": use,
        "detail": {"count": len(found)},
    }
    each = [
        {
            "actor": actor,
            "action": "file.read",
            "subject": f"material:{one.material_id}",
            "case_no": one.case_no,
            "reason": use,
            "detail": {"sha256": one.sha256.hex()},
        }
        for one in found
    ]
    return [whole, *each]
