"""目录的 Excel 导入导出: one workbook out; one in, previewed first, then into drafts."""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from flask import Response, flash, g, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as Answer

from admin.catalogue.told import told
from admin.catalogue.waiting_book import WaitingBooks
from admin.pages import XLSX, Screen, sentence_on_refusal, to
from admin.premises import actor, here
from hub.catalogue.sheet_apply import Outcome, bring_in, preview
from hub.catalogue.sheet_columns import SHEETS, titles
from hub.catalogue.sheet_export import exported
from hub.errors import Conflict, Rejected
from hub.item import ServiceItem
from schemas import canonical
from storage.spreadsheet import write_book

STATES = {
    "new": (_("新增"), "good"),
    "changed": (_("修改"), "info"),
    "unchanged": (_("不变"), "mute"),
    "refused": (_("退回"), "bad"),
}
KINDS = {
    "item": _("事项"),
    "type": _("材料类型"),
    "licence": _("证照类型"),
    "pattern": _("编码规则"),
}
_RANK = ("refused", "new", "changed", "unchanged")


class CatalogueView(Screen):
    """目录导入导出."""

    route_base = "/catalogue"
    default_view = "index"

    @expose("/", methods=["GET", "POST"])
    @has_access
    @permission_name("exchange")
    @sentence_on_refusal(to("CatalogueView.index"))
    def index(self) -> str | Answer:
        """What to export, and the form to import."""
        if request.method == "POST":
            upload = request.files.get("book")
            if upload is None or not upload.filename:
                raise Rejected(gettext("请选择要导入的文件。"))
            if not upload.filename.lower().endswith(".xlsx"):
                raise Rejected(gettext("只能导入 .xlsx 文件。旧版 .xls 请另存为 .xlsx。"))
            token = self._books().keep(upload)
            self._books().read(token)
            return redirect(url_for("CatalogueView.preview", token=token))
        with here().engine.connect() as tx:
            items = tx.execute(select(ServiceItem.code, ServiceItem.name).order_by(ServiceItem.code)).all()
        return self.page("catalogue_exchange.html", title=_("目录导入导出"), items=items, sheets=SHEETS)

    @expose("/export.xlsx")
    @has_access
    @permission_name("exchange")
    def export(self) -> Response:
        """The workbook: everything, or the chosen items with what they name."""
        chosen = request.args.getlist("item")[:500]
        with here().engine.connect() as tx:
            rows = exported(tx, chosen)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "catalogue.xlsx"
            write_book(path, ((name, titles(name), rows[name]) for name in SHEETS))
            data = path.read_bytes()
        return Response(
            data, mimetype=XLSX, headers={"Content-Disposition": "attachment; filename=catalogue.xlsx"}
        )

    @expose("/preview/<token>", methods=["GET", "POST"])
    @has_access
    @permission_name("exchange")
    @sentence_on_refusal(lambda **_kept: url_for("CatalogueView.index"))
    def preview(self, token: str) -> str | Answer:
        """What the workbook would change; on POST, change it."""
        entries = self._books().read(token)
        if request.method == "POST":
            return self._import(token, entries)
        with here().engine.begin() as tx:
            outcomes = preview(tx, entries, actor=actor())
        outcomes.sort(key=lambda one: _RANK.index(one.state))
        return self.page(
            "catalogue_preview.html",
            title=_("导入预览"),
            token=token,
            stamp=_stamp(outcomes),
            counts=Counter(one.state for one in outcomes),
            outcomes=[(one, [told(change) for change in one.changes[:200]]) for one in outcomes],
            faults=[fault for one in outcomes for fault in one.faults],
            states=STATES,
            kinds=KINDS,
        )

    def _import(self, token: str, entries: Any) -> Answer:
        with here().engine.begin() as tx:
            outcomes = bring_in(tx, entries, actor=actor())
            if _stamp(outcomes) != request.form.get("stamp"):
                raise Conflict(gettext("预览之后目录又被改过。请重新上传，再看一遍将要改变的内容。"))
        self._books().drop(token)
        counts = Counter(one.state for one in outcomes)
        flash(
            gettext(
                "已导入：新增 %(new)s，修改 %(changed)s，退回 %(refused)s。事项和材料类型都存为草稿，发布后生效。",
                new=counts["new"],
                changed=counts["changed"],
                refused=counts["refused"],
            ),
            "success",
        )
        return redirect(url_for("ItemView.list", state="draft"))

    @staticmethod
    def _books() -> WaitingBooks:
        return WaitingBooks(str(here().engine.url), g.user.username)


def _stamp(outcomes: list[Outcome]) -> str:
    """Changes when what would be changed changes."""
    said = sorted(
        [one.kind, one.code, one.state, *(str(canonical(change.told())) for change in one.changes)]
        for one in outcomes
    )
    return hashlib.sha256(canonical(said)).hexdigest()[:32]
