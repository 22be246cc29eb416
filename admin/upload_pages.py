"""数据导入: a 双公示 sheet, loaded in the background, with what became of each row."""

from __future__ import annotations

import tempfile
from pathlib import Path

from flask import Response, flash, g, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from werkzeug.wrappers import Response as Answer

from admin.board.view import for_home
from admin.load_jobs import Job, LoadJobs
from admin.pages import XLSX, Screen
from admin.premises import actor, here
from hub.errors import NotFound
from hub.sheets.sheet import Defaults
from schemas import permit_columns
from storage.spreadsheet import write_rows

ENDINGS = (".xlsx", ".csv", ".txt")


class UploadView(Screen):
    """数据导入."""

    route_base = "/loads"
    default_view = "index"

    @staticmethod
    def jobs() -> LoadJobs:
        """The jobs of this hub."""
        return LoadJobs(here().engine, here().config.desk)

    def _own(self, job_id: str) -> Job:
        job = self.jobs().find(job_id)
        if job.user != g.user.username:
            raise NotFound
        return job

    @expose("/", methods=["GET", "POST"])
    @has_access
    @permission_name("upload")
    def index(self) -> str | Answer:
        """The form, and the last few loads."""
        if request.method == "POST":
            upload = request.files.get("sheet")
            if upload is None or not upload.filename:
                flash(gettext("请选择要导入的文件。"), "warning")
            elif not upload.filename.lower().endswith(ENDINGS):
                flash(gettext("只能导入 .xlsx 或 .csv 文件。旧版 .xls 请另存为 .xlsx。"), "warning")
            else:
                job_id = self.jobs().start(upload, user=g.user.username, actor=actor(), defaults=_defaults())
                return redirect(url_for("UploadView.job", job_id=job_id))
            return redirect(url_for("UploadView.index"))
        recent = self.jobs().recent(g.user.username)
        return self.page(
            "upload.html", title=_("数据导入"), recent=recent, sample=here().config.sample_sheet is not None
        )

    @expose("/jobs/<job_id>")
    @has_access
    @permission_name("upload")
    def job(self, job_id: str) -> str:
        """One load: the whole page, or only its changing part."""
        job = self._own(job_id)
        if request.headers.get("HX-Request"):
            return self.page("upload_progress.html", title=_("导入结果"), job=job)
        return self.page("upload_job.html", title=_("导入结果"), job=job, **for_home())

    @expose("/jobs/<job_id>/result.xlsx")
    @has_access
    @permission_name("upload")
    def result(self, job_id: str) -> Response:
        """The refused rows."""
        self._own(job_id)
        return Response(
            self.jobs().result_sheet(job_id).read_bytes(),
            mimetype=XLSX,
            headers={"Content-Disposition": "attachment; filename=refused-rows.xlsx"},
        )

    @expose("/template.xlsx")
    @has_access
    @permission_name("upload")
    def template(self) -> Response:
        """An empty sheet with every column."""
        columns = permit_columns("2018")["columns"]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "template.xlsx"
            write_rows(path, [column["name"] for column in columns], [[column["code"] for column in columns]])
            data = path.read_bytes()
        return _attached(data, "xzxk-template.xlsx")

    @expose("/sample.xlsx")
    @has_access
    @permission_name("upload")
    def sample(self) -> Response:
        """A sheet of synthetic rows, where this hub is for trying things out."""
        made = here().config.sample_sheet
        if made is None:
            raise NotFound
        return _attached(made(), "xzxk-sample.xlsx")


def _attached(data: bytes, name: str) -> Response:
    return Response(data, mimetype=XLSX, headers={"Content-Disposition": f"attachment; filename={name}"})


def _defaults() -> Defaults:
    form = {key: request.form.get(key, "").strip()[:200] for key in ("org_name", "org_code")}
    return Defaults(
        org_name=form["org_name"],
        org_code=form["org_code"],
        source_org_name=form["org_name"],
        source_org_code=form["org_code"],
    )
