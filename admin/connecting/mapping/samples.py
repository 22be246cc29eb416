"""Records to try a mapping on: packages that were really sent (masked), the schemas' examples, what a sample job brought.

Guarantees: a real package is read once into the ledger before its first field leaves, and leaves with names and numbers
masked; only packages of the connector's own department are found.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from flask_babel import gettext
from sqlalchemy import Connection, select

from admin import cells
from admin.connecting.mapping.drafts import Opened
from admin.connecting.mapping.tried import too_large
from admin.premises import actor, here
from hub.connecting.connector import ConnectorJob
from hub.department import topic_in
from hub.errors import NotFound, Rejected
from hub.exchange.outbox import OutboxRow
from hub.ledger import Entry, record
from schemas import examples_of, loads
from schemas.mapping.masking import masked

NEWEST, SEARCHED = 10, 400
MOST_BYTES = 1_000_000


def example_records(message: str) -> list[dict[str, Any]]:
    """The examples of an outgoing message, as records."""
    return [record_of(event) for event in examples_of(message)]


def record_of(event: Mapping[str, Any]) -> dict[str, Any]:
    """An event as the engine's record: its data, and of its envelope what a mapping may want."""
    envelope = {name: event.get(name) for name in ("id", "subject", "type", "time")}
    return {**event["data"], "event": envelope}


def sent_messages(tx: Connection, open_: Opened, message: str) -> list[dict[str, str]]:
    """The newest messages of this type to the department: number and a title without anybody's name."""
    newest = (
        select(OutboxRow.event_id, OutboxRow.event_type, OutboxRow.key, OutboxRow.created_at)
        .where(OutboxRow.topic == topic_in(here().config.desk.area, open_.department))
        .order_by(OutboxRow.tx.desc(), OutboxRow.id.desc())
        .limit(SEARCHED)
        .subquery()
    )
    rows = tx.execute(select(newest).where(newest.c.event_type == message).limit(NEWEST)).all()
    return [{"id": str(row.event_id), "title": f"{row.key} · {cells.local(row.created_at)}"} for row in rows]


def sent_record(tx: Connection, open_: Opened, event_id: str) -> dict[str, Any]:
    """One sent message as a masked record; the reading goes into the ledger. Raises NotFound."""
    try:
        wanted = uuid.UUID(event_id)
    except ValueError:
        wanted = uuid.UUID(int=0)
    row = tx.execute(
        select(OutboxRow.key, OutboxRow.value)
        .where(
            OutboxRow.event_id == wanted,
            OutboxRow.topic == topic_in(here().config.desk.area, open_.department),
        )
        .limit(1)
    ).one_or_none()
    if row is None:
        raise NotFound(gettext("没有这条推送，或者它不是发给这个部门的。"))
    found = record_of(loads(bytes(row.value)))
    if too_large(found, MOST_BYTES):
        raise Rejected(gettext("这条推送超过 1 MB，不便在页面上预览。请另选一条。"))
    detail = {"event_id": event_id, "masked": True}
    record(tx, Entry(actor(), "connector.sample_read", f"connector:{open_.code}", row.key, None, detail))
    return masked(found)


def job_records(tx: Connection, code: str, flow: str) -> list[dict[str, Any]]:
    """What the newest finished sample job of this flow brought."""
    result = tx.scalar(
        select(ConnectorJob.result)
        .where(
            ConnectorJob.connector == code,
            ConnectorJob.kind == "sample",
            ConnectorJob.state == "done",
            ConnectorJob.params["flow"].astext == flow,
        )
        .order_by(ConnectorJob.asked_at.desc())
        .limit(1)
    )
    return records_of(result)


def records_of(result: Any) -> list[dict[str, Any]]:
    """The records in the result of a sample job."""
    records = result.get("records") if isinstance(result, Mapping) else None
    if not isinstance(records, list):
        return []
    return [dict(one.get("record", one)) for one in records[:50] if isinstance(one, Mapping)]
