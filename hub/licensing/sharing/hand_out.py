"""Hand out a copy 加注件: a temporary address for a copy that carries the stated use; every fetch is on the record.

Guarantees: only of a licence that is valid now and was issued here; the address ends when it says, or the moment the
licence is no longer valid; a fetch is in the ledger before the first byte leaves. Does not draw: the press does.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, text

from hub.errors import Conflict, NotFound, Rejected
from hub.ledger import Entry, record
from hub.licensing.issuing.document import LicenceCopy
from hub.licensing.licence import VALID
from hub.licensing.sharing.call import Call
from hub.licensing.sharing.find import standing_on
from hub.workday import LOCAL
from schemas import code_table

FORMS = ("pdf", "png")
SHORTEST, USUAL, LONGEST = timedelta(minutes=1), timedelta(hours=1), timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Handed:
    """A copy to be fetched: what the press needs, and what is known of it."""

    copy_id: uuid.UUID
    form: str
    mark: str
    name: str
    object_name: str
    size: int
    sha256: bytes  # of the licence's PDF
    wrapped_key: bytes
    media_type: str = "application/pdf"


def hand_out(
    tx: Connection, call: Call, row: Any, *, form: str, minutes: int | None, remark: str = ""
) -> tuple[uuid.UUID, datetime]:
    """A new copy of the licence in `row` (of sharing.find) and until when it may be fetched. Raises Conflict or Rejected."""
    if form not in FORMS:
        raise Rejected(f"format 应为 {'、'.join(FORMS)} 之一。")
    until = timedelta(minutes=minutes) if minutes is not None else USUAL
    if not SHORTEST <= until <= LONGEST:
        raise Rejected("expiryTime 应为 1 到 10080 之间的分钟数（至多 7 天）。")
    _check_standing(row, call.at)
    if not row.has_document:
        raise NotFound(f"证照 {row.number} 不是本中心制证的，没有证照文件。可以查询和核对它的信息。")
    copy_id, ends = uuid.uuid4(), call.at + until
    cause = f"{call.use}（{remark}）"[:200] if remark else call.use
    tx.execute(
        insert(LicenceCopy).values(
            id=copy_id,
            licence_id=row.id,
            format=form,
            cause=cause,
            made_for=call.actor,
            made_at=call.at,
            expires_at=ends,
        )
    )
    return copy_id, ends


def _check_standing(row: Any, at: datetime) -> None:
    standing = standing_on(row, at.astimezone(LOCAL).date())
    if standing != VALID:
        since = row.status_at.astimezone(LOCAL).date()
        raise Conflict(
            f"证照 {row.number} 现为“{code_table('licence_status')[standing]}”（自 {since}），不能取用。"
        )


_COPY = text("""
SELECT k.id, k.format, k.cause, k.made_for, k.expires_at, l.id AS licence_id, l.name, l.number, l.status, l.valid_to,
  l.status_at, l.case_no, d.name AS made_for_name, s.sha256, s.object_name, s.size, s.wrapped_key
FROM licence_copies k JOIN licences l ON l.id = k.licence_id
JOIN licence_documents f ON f.licence_id = l.id AND f.format = 'pdf' JOIN stored_objects s ON s.sha256 = f.sha256
LEFT JOIN departments d ON 'department:' || d.code = k.made_for
WHERE k.id = :id FOR UPDATE OF k
""")


def fetch(tx: Connection, copy_id: uuid.UUID | None, at: datetime) -> Handed:
    """Allow and record one fetch. Raises NotFound (never made, or over) or Conflict (the licence is not valid any more)."""
    row = tx.execute(_COPY, {"id": copy_id}).one_or_none() if copy_id else None
    if row is None or row.expires_at <= at:
        raise NotFound("下载地址不存在或已过期。请重新申请一个。")
    _check_standing(row, at)
    tx.execute(text("UPDATE licence_copies SET reads = reads + 1 WHERE id = :id"), {"id": row.id})
    record(
        tx,
        Entry(
            row.made_for,
            "licence.copy_fetched",
            f"licence:{row.licence_id}",
            row.case_no,
            row.cause,
            {"copy": str(row.id), "format": row.format},
        ),
    )
    day = at.astimezone(LOCAL).date()
    mark = f"仅用于{row.cause} {row.made_for_name or row.made_for} {day}"
    return Handed(
        row.id,
        row.format,
        mark,
        f"{row.name}（加注件）.{row.format}",
        row.object_name,
        row.size,
        bytes(row.sha256),
        bytes(row.wrapped_key),
    )


def handed_over(tx: Connection, copy_id: uuid.UUID, sha256: bytes) -> None:
    """Remember the bytes that left, so that the copy is known again when somebody checks it.

    Each drawing is signed anew, so a later fetch of the same address is a row of its own.
    """
    of = {"id": copy_id, "sha256": sha256, "own": uuid.uuid4()}
    first = tx.execute(
        text("UPDATE licence_copies SET sha256 = :sha256 WHERE id = :id AND sha256 IS NULL RETURNING id"), of
    ).first()
    if first is None:
        tx.execute(_AGAIN, of)


_AGAIN = text("""
INSERT INTO licence_copies (id, licence_id, format, cause, made_for, case_no, expires_at, sha256, reads)
SELECT :own, licence_id, format, cause, made_for, case_no, expires_at, :sha256, 1 FROM licence_copies
WHERE id = :id AND sha256 <> :sha256
""")
