"""Kept: the exact bytes behind a line of a trace, found by where they are kept, and only for who may see them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext
from sqlalchemy import Connection, select, text

from hub.department import source_of, topic_in
from hub.errors import Denied, NotFound
from hub.exchange.inbox import InboxRow, Quarantined

WHERE = ("outbox", "inbox", "quarantine")


@dataclass(frozen=True, slots=True)
class Kept:
    """One message as it was signed."""

    where: str
    ref: str
    event_type: str
    event_id: str
    value: bytes
    whole: bool  # false: only the beginning was kept
    signature: str | None
    kid: str | None
    at: datetime  # when it was taken or made
    sha256: bytes | None  # as recorded elsewhere when it was taken or sent; None: recorded nowhere else
    topic: str


_SENT = text("""
SELECT o.event_id, o.event_type, o.value, o.signature, o.kid, o.created_at, o.topic, mine.sha256
FROM (SELECT event_id, package_sha256 AS sha256 FROM pushes WHERE case_no = :case_no
      UNION SELECT event_id, message_sha256 FROM announcements WHERE case_no = :case_no) mine
JOIN outbox o USING (event_id) WHERE o.event_id = :event_id
""")
#: What is recorded of an accepted message where its fact stands.
_RECORDED = text("""
SELECT r.envelope_sha256 FROM receipts r JOIN pushes p ON p.id = r.push_id
WHERE p.case_no = :case_no AND r.event_id = :event_id AND r.kid = :kid
UNION ALL
SELECT envelope_sha256 FROM findings WHERE case_no = :case_no AND envelope_sha256 = sha256(:value)
UNION ALL
SELECT p.envelope_sha256 FROM advice_posts p JOIN advice_threads t ON t.id = p.thread_id
WHERE t.case_no = :case_no AND p.envelope_sha256 = sha256(:value)
LIMIT 1
""")


def find(tx: Connection, case_no: str, where: str, ref: str, *, area: str, only: str | None) -> Kept:
    """The message. Raises NotFound, and Denied to who is confined to another department."""
    found = {"outbox": _sent, "inbox": _taken, "quarantine": _held}.get(where, _nothing)(tx, case_no, ref)
    if found is None:
        raise NotFound(gettext("没有这份原文，地址可能不完整。请从办件的时间线进入。"))
    if only is not None and found.topic not in (topic_in(area, only), source_of(area, only), only):
        raise Denied(gettext("这份原文不是发给您所在的部门的，也不是它发出的，不能查看。"))
    return found


def _sent(tx: Connection, case_no: str, ref: str) -> Kept | None:
    try:
        event_id = uuid.UUID(ref)
    except ValueError:
        return None
    row = tx.execute(_SENT, {"case_no": case_no, "event_id": event_id}).first()
    return row and _kept("outbox", ref, row, row.created_at, bytes(row.sha256), row.topic)


def _taken(tx: Connection, case_no: str, ref: str) -> Kept | None:
    source, _, event_id = ref.partition("|")
    row = tx.execute(
        select(*InboxRow.__table__.columns).where(
            InboxRow.source == source, InboxRow.event_id == event_id, InboxRow.case_no == case_no
        )
    ).first()
    if row is None:
        return None
    of = {"event_id": event_id, "kid": row.kid, "case_no": case_no, "value": bytes(row.value)}
    recorded = tx.execute(_RECORDED, of).scalar()
    return _kept("inbox", ref, row, row.received_at, bytes(recorded) if recorded else None, source)


def _held(tx: Connection, case_no: str, ref: str) -> Kept | None:
    if not ref.isdecimal() or len(ref) > 18:
        return None
    row = tx.execute(
        select(*Quarantined.__table__.columns).where(
            Quarantined.id == int(ref), Quarantined.case_no == case_no
        )
    ).first()
    return row and _kept("quarantine", ref, row, row.received_at, bytes(row.sha256), row.department or "")


def _nothing(_tx: Connection, _case_no: str, _ref: str) -> None:
    return None


def _kept(where: str, ref: str, row: Any, at: datetime, sha256: bytes | None, topic: str) -> Kept:
    value = bytes(row.value)
    whole = getattr(row, "size", len(value)) == len(value)
    kind = getattr(row, "event_type", None) or row.cause
    return Kept(
        where, ref, kind, str(row.event_id or ""), value, whole, row.signature, row.kid, at, sha256, topic
    )
