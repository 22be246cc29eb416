"""Files of a licence that are taken away: the document, its OFD copy, its SM2 signature, the scan behind an operation.

Guarantees: the stated use is in the ledger before the first byte leaves; the PDF is read as the material it is, so it is
among the readings that its holder may ask for.
"""

from __future__ import annotations

import uuid
from typing import Any

from flask_babel import gettext
from sqlalchemy import Connection, text

from admin.licensing.seeing import check_may_see
from admin.premises import actor
from hub.errors import NotFound
from hub.ledger import Entry, record
from hub.read_file import FileFacts, checked_use, read_file

MEDIA_TYPES = {"pdf": "application/pdf", "ofd": "application/ofd", "sm2": "application/json"}
_DOCUMENT = text("""
SELECT d.sha256, d.material_id, o.object_name, o.size, o.wrapped_key, l.name, l.number, l.case_no
FROM licence_documents d JOIN stored_objects o ON o.sha256 = d.sha256 JOIN licences l ON l.id = d.licence_id
WHERE d.licence_id = :licence AND d.format = :format
""")
_PAPER = text("""
SELECT s.sha256, s.object_name, s.size, s.wrapped_key, p.document_no, l.number, l.case_no
FROM licence_operations p JOIN stored_objects s ON s.sha256 = p.document_sha256 JOIN licences l ON l.id = p.licence_id
WHERE p.id = :operation AND p.licence_id = :licence
""")


def take_document(tx: Connection, licence: uuid.UUID, form: str, use: str) -> FileFacts:
    """What is needed to hand it out, on the record. Raises NotFound, Denied or Rejected (no stated use)."""
    check_may_see(tx, licence)
    row: Any = tx.execute(_DOCUMENT, {"licence": licence, "format": form}).one_or_none()
    if row is None:
        raise NotFound(gettext("这张证照没有这种文件。"))
    if row.material_id is not None:
        return read_file(
            tx, row.material_id, reader=actor(), department=None, token_id=str(uuid.uuid4()), stated_use=use
        )
    name = f"{row.name} {row.number}.{form}"
    return _taken(tx, row, licence, name, MEDIA_TYPES[form], use)


def take_paper(tx: Connection, licence: uuid.UUID, operation: uuid.UUID, use: str) -> FileFacts:
    """The scan behind an operation, on the record."""
    check_may_see(tx, licence)
    row: Any = tx.execute(_PAPER, {"licence": licence, "operation": operation}).one_or_none()
    if row is None:
        raise NotFound(gettext("这一步没有文书扫描件。"))
    return _taken(tx, row, licence, row.document_no or row.number, "application/octet-stream", use)


def _taken(tx: Connection, row: Any, licence: uuid.UUID, name: str, media_type: str, use: str) -> FileFacts:
    sha256 = bytes(row.sha256)
    detail = {"sha256": sha256.hex(), "name": name}
    record(
        tx,
        Entry(actor(), "licence.document_read", f"licence:{licence}", row.case_no, checked_use(use), detail),
    )
    return FileFacts(name, media_type, row.size, sha256, row.object_name, bytes(row.wrapped_key), row.case_no)
