"""A connector and its versions, held for a change: the row's lock first, so that changes of one connector wait in line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select, update

from hub.connecting.connector import Connector, ConnectorVersion
from hub.errors import NotFound, Rejected
from schemas.connector.document import ConnectorDocument, Faults, document_from

REASON = "请写明理由（至少两个字），它会记入留痕账本。"


class BadDocument(Rejected):
    """连接器内容有误。请按提示改正。"""

    def __init__(self, faults: Faults) -> None:
        super().__init__(f"{faults}。")
        self.faults = faults.faults  # each at its place in the document


def held(tx: Connection, code: str) -> Any:
    """The connector's row, locked until the transaction ends. Raises NotFound."""
    row = tx.execute(
        select(*Connector.__table__.columns).where(Connector.code == code).with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound(f"没有代码为 {code} 的连接器。")
    return row


def version_of(tx: Connection, code: str, version: int) -> Any:
    """One version's row. Raises NotFound."""
    row = tx.execute(
        select(*ConnectorVersion.__table__.columns).where(
            ConnectorVersion.connector == code, ConnectorVersion.version == version
        )
    ).one_or_none()
    if row is None:
        raise NotFound(f"连接器 {code} 没有第 {version} 版。")
    return row


def draft_of(tx: Connection, code: str) -> Any | None:
    """The draft's row, if there is one."""
    return tx.execute(
        select(*ConnectorVersion.__table__.columns).where(
            ConnectorVersion.connector == code, ConnectorVersion.state == "draft"
        )
    ).one_or_none()


def document_of(document: Mapping[str, Any]) -> ConnectorDocument:
    """The document that is said. Raises BadDocument."""
    try:
        return document_from(document)
    except Faults as faults:
        raise BadDocument(faults) from None


def reason_of(given: str) -> str:
    """A reason that says something. Raises Rejected."""
    reason = given.strip()[:500]
    if len(reason) < 2:
        raise Rejected(REASON)
    return reason


def change(tx: Connection, code: str, **values: object) -> None:
    """Change the row so that whoever runs it takes notice."""
    tx.execute(
        update(Connector).where(Connector.code == code).values(changed_no=Connector.changed_no + 1, **values)
    )
