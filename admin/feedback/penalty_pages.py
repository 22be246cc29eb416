"""行政处罚表: a 双公示 sheet of penalties read onto the cases they are about, and our results given out as one."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from flask import Response, flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from sqlalchemy import Connection, select
from werkzeug.wrappers import Response as Answer

from admin.pages import Screen, as_file
from admin.premises import actor, here, may, own_department
from hub.department import Department
from hub.errors import HubError, Rejected
from hub.feedback.load_penalties import MOST, PenaltyReport, load_penalties
from hub.feedback.penalty_export import penalty_rows
from storage.spreadsheet import read_rows

ENDINGS = (".xlsx", ".csv", ".txt")


class PenaltyView(Screen):
    """行政处罚表."""

    route_base = "/penalties"
    default_view = "index"

    @expose("/")
    @has_access
    @permission_name("export")
    def index(self) -> str:
        """The form, and the way out."""
        return self._page(None)

    @expose("/load", methods=["POST"])
    @has_access
    @permission_name("upload")
    def load(self) -> str | Answer:
        """Read a sheet; what fits no case is listed."""
        upload = request.files.get("sheet")
        try:
            if upload is None or not (upload.filename or "").lower().endswith(ENDINGS):
                raise Rejected(gettext("请选择 .xlsx 或 .csv 文件。旧版 .xls 请另存为 .xlsx。"))
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "sheet"
                upload.save(path)
                with read_rows(path) as rows:
                    department = request.form.get("department", "")
                    report = load_penalties(
                        here().engine, rows, department, here().config.desk, actor=actor()
                    )
        except HubError as error:
            flash(error.message, "danger")
            return redirect(url_for("PenaltyView.index"))
        return self._page(report)

    @expose("/export.<kind>")
    @has_access
    @permission_name("export")
    def export(self, kind: str) -> Response:
        """Results that stand, in the 32 columns."""

        def rows() -> Iterator[list[str]]:
            with here().engine.connect() as tx:
                yield from penalty_rows(tx, own_department())

        return as_file(rows(), kind, "penalties")

    def _page(self, report: PenaltyReport | None) -> str:
        with here().engine.connect() as tx:
            departments = _keepers(tx) if may("can_upload", "PenaltyView") else []
        return self.page(
            "penalties.html",
            title=gettext("行政处罚表"),
            departments=departments,
            report=report,
            most=MOST,
            can_upload=may("can_upload", "PenaltyView"),
        )


def _keepers(tx: Connection) -> list[tuple[str, str]]:
    """Departments in whose name the hub may sign."""
    of = Department.channel == "web", Department.active
    rows = tx.execute(select(Department.code, Department.name).where(*of).order_by(Department.name)).all()
    return [(code, name) for code, name in rows]
