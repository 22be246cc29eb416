"""导入连接器: a file from the test area or from a colleague, looked at first, then brought in as a draft.

Guarantees: nothing is changed before it is confirmed; every fault is told at its place in the file; what comes in is a
draft of this area, without secrets, and says which of them are to be given here.
"""

from __future__ import annotations

import hashlib
from contextlib import closing
from typing import Any, ClassVar

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from sqlalchemy import Connection, select
from werkzeug.wrappers import Response

from admin.connecting.mapping.version_pages import PARTS, differences
from admin.connecting.rights import CONNECTOR_RIGHTS
from admin.pages import Screen, sentence_on_refusal, to
from admin.premises import actor, here
from hub.connecting.connector import Connector, ConnectorVersion
from hub.connecting.held import BadDocument
from hub.connecting.keep_secrets import missing_secrets
from hub.connecting.move_document import import_document, read_document
from hub.department import Department
from hub.errors import Conflict, Rejected
from schemas.connector.document import ConnectorDocument, document_to
from schemas.connector.judge import document_advice, document_faults

LARGEST = 5 * 1024 * 1024


class ConnectorExchangeView(Screen):
    """导入连接器."""

    route_base = "/connectors"
    default_view = "bring"
    class_permission_name = "ConnectorView"
    base_permissions: ClassVar = list(CONNECTOR_RIGHTS)

    @expose("/import", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    @sentence_on_refusal(to("ConnectorExchangeView.bring"))
    def bring(self) -> str | Response:
        """The form; on POST what the file would change, and with the second POST the change."""
        if request.method == "GET":
            return self._page(text="", code="", department="")
        text = request.form.get("text") or _uploaded()
        code = request.form.get("code", "").strip()[:41]
        department = request.form.get("department", "").strip()[:41]
        try:
            document = read_document(
                here().config.desk, text, code=code or None, department=department or None
            )
        except BadDocument as error:
            return self._page(text="", code=code, department=department, unreadable=error.faults)
        if request.form.get("act") == "bring":
            return self._bring(text, document)
        return self._page(text=text, code=code, department=department, document=document)

    def _bring(self, text: str, document: ConnectorDocument) -> Response:
        with here().engine.begin() as tx:
            if _stamp(tx, document.code) != request.form.get("stamp"):
                raise Conflict(gettext("预览之后这个连接器又被改过。请重新上传，再看一遍将要改变的内容。"))
            desk, given = here().config.desk, {"code": document.code, "department": document.department}
            code = import_document(tx, desk, text, actor=actor(), replace="replace" in request.form, **given)
            missing = missing_secrets(tx, code, document_to(document))
        flash(gettext("已导入为草稿，看过、测试、发布后才生效。"), "success")
        if missing:
            names = "、".join(f"{endpoint}.{name}" for endpoint, name in missing)
            flash(gettext("还要在这里填写这些口令：%(names)s", names=names), "warning")
        return redirect(url_for("ConnectorView.show", code=code))

    def _page(self, *, document: ConnectorDocument | None = None, **values: Any) -> str:
        with here().engine.connect() as tx:
            departments = tx.execute(
                select(Department.code, Department.name).where(Department.active).order_by(Department.name)
            ).all()
            kept = _newest(tx, document.code) if document else None
            stamp = _stamp(tx, document.code) if document else ""
        told = document_to(document) if document else {}
        known = {row.code for row in departments}
        return self.page(
            "connector_import.html",
            title=gettext("导入连接器文件"),
            departments=departments,
            document=document,
            strange=document is not None and document.department not in known,
            kept=kept,
            stamp=stamp,
            groups=list(differences(kept.document if kept else {}, told)) if document else [],
            faults=document_faults(document) if document else (),
            advice=document_advice(document) if document else (),
            sealed=[
                f"{one.name}.{name}"
                for one in (document.endpoints if document else ())
                for name, where in one.secrets.items()
                if where == "sealed"
            ],
            parts=PARTS,
            **{"unreadable": (), **values},
        )


def _uploaded() -> str:
    upload = request.files.get("file")
    if upload is None or not upload.filename:
        raise Rejected(gettext("请选择要导入的文件。"))
    with closing(upload):
        raw = upload.stream.read(LARGEST + 1)
    if len(raw) > LARGEST:
        raise Rejected(gettext("文件超过 5 MB，不是连接器文件。"))
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Rejected(gettext("文件不是 UTF-8 编码的文本。请用导出的 .toml 文件。")) from None


def _newest(tx: Connection, code: str) -> Any:
    return tx.execute(
        select(ConnectorVersion.__table__, Connector.title, Connector.state.label("connector_state"))
        .join(Connector, Connector.code == ConnectorVersion.connector)
        .where(ConnectorVersion.connector == code)
        .order_by(ConnectorVersion.version.desc())
        .limit(1)
    ).one_or_none()


def _stamp(tx: Connection, code: str) -> str:
    """Changes when the connector's versions do."""
    row = _newest(tx, code)
    said = f"{row.version}/{row.saves}/{row.state}" if row else "-"
    return hashlib.sha256(f"{code}/{said}".encode()).hexdigest()[:32]
