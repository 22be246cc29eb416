"""Publish a version 发布版本: a draft without faults becomes a version that nobody changes any more."""

from __future__ import annotations

from sqlalchemy import Connection, update

from hub.connecting.connector import Connector, ConnectorVersion
from hub.connecting.held import BadDocument, document_of, draft_of, held
from hub.errors import Conflict, Rejected
from hub.ledger import Entry, record
from hub.ports import Desk
from schemas.connector.document import Faults
from schemas.connector.judge import document_faults


def publish_version(tx: Connection, desk: Desk, code: str, *, note: str = "", actor: str) -> int:
    """Publish the draft; it runs when somebody has it go live. Gives its number. Raises BadDocument or Conflict."""
    row = held(tx, code)
    if row.state == "retired":
        raise Conflict("连接器已停用，不能再发布版本。请导出后导入为新的连接器。")
    draft = draft_of(tx, code)
    if draft is None:
        raise Conflict("没有可以发布的草稿，可能刚刚由他人发布。请刷新后再看。")
    document = document_of(draft.document)
    if faults := document_faults(document):
        raise BadDocument(Faults(faults))
    if len(note) > 500:
        raise Rejected("版本说明最多 500 个字。")
    tx.execute(
        update(ConnectorVersion)
        .where(ConnectorVersion.connector == code, ConnectorVersion.version == draft.version)
        .values(state="published", published_by=actor, published_at=desk.clock(), note=note.strip() or None)
    )
    supersede(tx, code, row.version, draft.version)
    if row.state == "draft":
        tx.execute(update(Connector).where(Connector.code == code).values(title=document.title))
    record(
        tx,
        Entry(
            actor,
            "connector.published",
            f"connector:{code}",
            reason=note.strip() or None,
            detail={"version": draft.version},
        ),
    )
    return int(draft.version)


def supersede(tx: Connection, code: str, *kept: int | None) -> None:
    """Every other published version has been followed by a newer one."""
    tx.execute(
        update(ConnectorVersion)
        .where(
            ConnectorVersion.connector == code,
            ConnectorVersion.state == "published",
            ConnectorVersion.version.not_in([one for one in kept if one is not None]),
        )
        .values(state="superseded")
    )
