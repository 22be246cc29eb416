"""Draft a connector 起草连接器: make one, save its draft, take a new draft from any version.

Guarantees: a connector has one draft at most; who saves must have seen the last save (Conflict otherwise), and saving the
same again changes nothing; a published version is never touched. A draft may be incomplete: `publish_version` judges it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace as replaced
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from hub.connecting.connector import Connector, ConnectorVersion
from hub.connecting.held import document_of, draft_of, held, version_of
from hub.department import Department
from hub.errors import Conflict, NotFound, Rejected
from hub.ledger import Entry, record
from hub.ports import Desk
from schemas import canonical
from schemas.connector.document import ConnectorDocument, document_to

CODE = re.compile(r"[a-z][a-z0-9-]{1,40}")


def make_connector(tx: Connection, desk: Desk, *, code: str, department: str, title: str, actor: str) -> None:
    """A new connector with an empty draft, version 1. Raises Rejected, NotFound or Conflict."""
    if not CODE.fullmatch(code):
        raise Rejected(f"连接器代码“{code}”不可用：以小写字母开头，只含小写字母、数字、连字符，2 到 41 位。")
    if not title.strip():
        raise Rejected("请填写连接器的名称。")
    if tx.scalar(select(Department.code).where(Department.code == department)) is None:
        raise NotFound(f"没有代码为 {department} 的部门。请先登记部门。")
    if tx.scalar(select(Connector.code).where(Connector.code == code)) is not None:
        raise Conflict(f"连接器代码 {code} 已经用过，请换一个。")
    document = ConnectorDocument(code=code, department=department, title=title.strip(), area=desk.area)
    tx.execute(
        insert(Connector).values(code=code, department=department, title=document.title, created_by=actor)
    )
    _insert_draft(tx, code, 1, document, desk, actor=actor)
    detail = {"department": department, "title": document.title}
    record(tx, Entry(actor, "connector.made", f"connector:{code}", detail=detail))


def save_draft(
    tx: Connection, desk: Desk, code: str, document: Mapping[str, Any], *, saves: int, actor: str
) -> int:
    """Save the draft; `saves` is the number of the save that was seen. Gives the new number.

    Raises BadDocument (every fault of its shape), Conflict (somebody saved in between, or there is no draft).
    """
    row = held(tx, code)
    said = document_of(document)
    if (said.code, said.department) != (code, row.department):
        raise Rejected("草稿里的连接器代码和部门不能更改。要用于另一个部门，请导出后导入。")
    if said.area not in ("", desk.area):
        raise Rejected(f"草稿里的区划代码应为 {desk.area}。")
    draft = draft_of(tx, code)
    if draft is None:
        raise Conflict("没有草稿，可能刚刚发布。请从已发布的版本新建草稿后再改。")
    kept = document_to(replaced(said, area=desk.area))
    if kept == draft.document:
        return int(draft.saves)
    if saves != draft.saves:
        raise Conflict("草稿已被他人改动，您的改动没有保存。请刷新，看过最新内容后再改。")
    now = desk.clock()
    tx.execute(_draft(code, draft.version).values(document=kept, saves=draft.saves + 1, saved_at=now))
    if row.state == "draft" and row.title != said.title:
        tx.execute(update(Connector).where(Connector.code == code).values(title=said.title))
    _told(tx, code, draft.version, kept, "connector.saved", actor=actor)
    return int(draft.saves) + 1


def new_draft(
    tx: Connection, desk: Desk, code: str, *, from_version: int, actor: str, replace: bool = False
) -> int:
    """A new draft with the content of a version, also of an old one: that is how one rolls back. Gives its number.

    Raises Conflict where another draft is in hand, unless it is to be replaced.
    """
    held(tx, code)
    document = document_of(version_of(tx, code, from_version).document)
    return put_draft(tx, desk, code, document, actor=actor, replace=replace)


def put_draft(
    tx: Connection, desk: Desk, code: str, document: ConnectorDocument, *, actor: str, replace: bool
) -> int:
    """This document as the draft of a connector that the caller holds."""
    draft, kept = draft_of(tx, code), document_to(document)
    if draft is None:
        last = tx.scalar(select(func.max(ConnectorVersion.version)).where(ConnectorVersion.connector == code))
        _insert_draft(tx, code, (last or 0) + 1, document, desk, actor=actor)
        _told(tx, code, (last or 0) + 1, kept, "connector.drafted", actor=actor)
        return int((last or 0) + 1)
    if draft.document == kept:
        return int(draft.version)
    if not replace:
        raise Conflict(f"已有草稿（第 {draft.version} 版）正在修改。请先发布它，或选择用新内容替换它。")
    tx.execute(
        _draft(code, draft.version).values(document=kept, saves=draft.saves + 1, saved_at=desk.clock())
    )
    _told(tx, code, draft.version, kept, "connector.drafted", actor=actor)
    return int(draft.version)


def _insert_draft(
    tx: Connection, code: str, version: int, document: ConnectorDocument, desk: Desk, *, actor: str
) -> None:
    now = desk.clock()
    row = {"connector": code, "version": version, "made_by": actor, "made_at": now, "saved_at": now}
    tx.execute(insert(ConnectorVersion).values(document=document_to(document), **row))


def _draft(code: str, version: int) -> Any:
    return update(ConnectorVersion).where(
        ConnectorVersion.connector == code, ConnectorVersion.version == version
    )


def _told(
    tx: Connection, code: str, version: int, document: Mapping[str, Any], action: str, *, actor: str
) -> None:
    detail = {"version": version, "sha256": hashlib.sha256(canonical(document)).hexdigest()}
    record(tx, Entry(actor, action, f"connector:{code}", detail=detail))
