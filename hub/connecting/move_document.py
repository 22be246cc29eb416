"""Move a document 导出、导入: a connector as one file, from the test area to production or to a department.

Guarantees: no secret leaves; what comes in belongs to this area and to a department of it, as a draft that somebody looks at
and publishes. The same file again changes nothing.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection, select

from hub.connecting.connector import Connector
from hub.connecting.draft_connector import make_connector, put_draft
from hub.connecting.held import BadDocument, document_of, held, version_of
from hub.department import Department
from hub.errors import Conflict, NotFound
from hub.ledger import Entry, record
from hub.ports import Desk
from schemas.connector.document import ConnectorDocument, Faults
from schemas.connector.toml_file import read_toml, write_toml


def export_document(tx: Connection, code: str, version: int) -> str:
    """One version as TOML."""
    return write_toml(document_of(version_of(tx, code, version).document))


def read_document(
    desk: Desk, text: str, *, code: str | None = None, department: str | None = None
) -> ConnectorDocument:
    """What a file says, pointed at this area, and at another department or code where one is given. Raises BadDocument."""
    try:
        document = read_toml(text)
    except Faults as faults:
        raise BadDocument(faults) from None
    return replace(
        document, area=desk.area, code=code or document.code, department=department or document.department
    )


def import_document(
    tx: Connection,
    desk: Desk,
    text: str,
    *,
    actor: str,
    code: str | None = None,
    department: str | None = None,
    replace: bool = False,
) -> str:
    """A new connector with the file as its draft, or a new draft of the one with its code. Gives the code.

    `replace`: take the place of a draft that is in hand. Which secrets are missing: `keep_secrets.missing_secrets`.
    """
    document = read_document(desk, text, code=code, department=department)
    if tx.scalar(select(Department.code).where(Department.code == document.department)) is None:
        raise NotFound(f"本中心没有代码为 {document.department} 的部门。请先登记它，或导入时另选部门。")
    if tx.scalar(select(Connector.code).where(Connector.code == document.code)) is None:
        make_connector(
            tx, desk, code=document.code, department=document.department, title=document.title, actor=actor
        )
        replace = True
    row = held(tx, document.code)
    if row.department != document.department:
        raise Conflict(f"连接器代码 {document.code} 属于另一个部门（{row.department}）。请换一个代码导入。")
    if row.state == "retired":
        raise Conflict(f"连接器 {document.code} 已停用。请换一个代码导入。")
    version = put_draft(tx, desk, document.code, document, actor=actor, replace=replace)
    record(tx, Entry(actor, "connector.imported", f"connector:{document.code}", detail={"version": version}))
    return document.code
