"""批量制证与导入: a sheet handed in, looked at, started, watched; its refused rows and its licences taken away.

Guarantees: nothing is issued before somebody has seen what each column became and pressed start; a department's user sees
and moves the department's batches only; personal numbers are masked in every table here. The work is done by the press
program (`shenguan licence press`), and the page says so where none is running.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from flask import Response, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement, Connection, Select, select
from werkzeug.wrappers import Response as Answer

from admin import cells, listing
from admin.licensing.batches.batch_intake import BatchIntake
from admin.licensing.batches.batch_made import MADE
from admin.licensing.batches.batch_watch import watched
from admin.listing import Choice, Column, Listing, words
from admin.pages import XLSX, ListScreen, as_file, sentence_on_refusal, to
from admin.premises import actor, here, may, own_department
from hub.catalogue.licence_type import LicenceType
from hub.department import Department
from hub.errors import NotFound, Rejected
from hub.licensing.batches.batch import LicenceBatch, LicenceBatchRow
from hub.licensing.batches.batch_control import batch_row, move_batch
from hub.licensing.batches.batch_rows import kept_heading, refused_sheet
from hub.licensing.batches.batch_source import source_of, template_book
from hub.licensing.types.published_type import published_licence_type

MOVES = ("start", "pause", "resume", "stop")
ENDINGS = (".xlsx", ".csv", ".txt", ".json", ".jsonl", ".ndjson")


def _batches() -> Select[Any]:
    return (
        select(
            LicenceBatch.id,
            LicenceBatch.source_name,
            LicenceBatch.operation,
            LicenceBatch.state,
            LicenceBatch.cause,
            LicenceBatch.total,
            LicenceBatch.created_at,
            LicenceBatch.created_by,
            LicenceType.name.label("type"),
            Department.name.label("department_name"),
        )
        .select_from(LicenceBatch)
        .outerjoin(LicenceType, LicenceType.code == LicenceBatch.type_code)
        .outerjoin(Department, Department.code == LicenceBatch.department)
    )


LISTING = Listing(
    title=_("批量制证与导入"),
    query=_batches,
    columns=(
        Column(
            "source_name",
            _("文件"),
            lambda r: cells.clip(r.source_name, 30),
            LicenceBatch.source_name,
            narrow=True,
        ),
        Column(
            "operation",
            _("办什么"),
            lambda r: cells.word("batch_operation", r.operation),
            LicenceBatch.operation,
            lambda r: cells.word_text("batch_operation", r.operation),
        ),
        Column("type", _("证照类型"), lambda r: cells.clip(r.type, 18), LicenceType.name),
        Column(
            "department_name",
            _("部门"),
            lambda r: cells.clip(r.department_name, 14),
            Department.name,
            wider=True,
        ),
        Column("total", _("行数"), lambda r: f"{r.total:,}", LicenceBatch.total),
        Column(
            "state",
            _("状态"),
            lambda r: cells.word("batch_state", r.state),
            LicenceBatch.state,
            lambda r: cells.word_text("batch_state", r.state),
            narrow=True,
        ),
        Column("created_at", _("上传时间"), lambda r: cells.when(r.created_at), LicenceBatch.created_at),
    ),
    order=(LicenceBatch.created_at.desc(), LicenceBatch.id),
    search=(LicenceBatch.source_name, LicenceType.name),
    search_hint=_("文件名、证照类型"),
    choices=(
        Choice("state", _("状态"), LicenceBatch.state, words("batch_state")),
        Choice("operation", _("办什么"), LicenceBatch.operation, words("batch_operation")),
    ),
    day=(_("上传日期"), LicenceBatch.created_at),
    href=lambda r: url_for("LicenceBatchView.show", batch=r.id),
    empty=_("还没有批次。上传一份证照表，核对后开始。"),
)


class LicenceBatchView(ListScreen):
    """批量制证与导入."""

    route_base = "/licence-batches"
    listing = LISTING
    list_template = "licence_batches.html"

    def confined(self) -> tuple[ColumnElement[bool], ...]:
        """A department's user sees the department's batches."""
        mine = own_department()
        return () if mine is None else (LicenceBatch.department == mine,)

    def extras(self) -> dict[str, Any]:
        """Whether one may hand in a sheet."""
        return {"can_import": may("can_import", "LicenceBatchView")}

    @expose("/new", methods=["GET", "POST"])
    @has_access
    @permission_name("import")
    @sentence_on_refusal(to("LicenceBatchView.new"))
    def new(self) -> str | Answer:
        """The form; on POST, the file is read in the background."""
        if request.method == "POST":
            upload = request.files.get("sheet")
            if upload is None or not upload.filename:
                raise Rejected(gettext("请选择要上传的文件。"))
            if not upload.filename.lower().endswith(ENDINGS):
                raise Rejected(gettext("只能上传 .xlsx、.csv 或 .json 文件。旧版 .xls 请另存为 .xlsx。"))
            batch = self._intake().take(upload, _said, actor=actor())
            return redirect(url_for("LicenceBatchView.show", batch=batch))
        with here().engine.connect() as tx:
            return self.page(
                "licence_batch_new.html",
                title=_("上传证照表"),
                types=_types(tx),
                departments=_departments(tx),
                own=own_department(),
            )

    @expose("/template.xlsx")
    @has_access
    @permission_name("import")
    @sentence_on_refusal(to("LicenceBatchView.new"))
    def template(self) -> Response | Answer:
        """An empty sheet: with a type's own columns, or with the national ones."""
        code = request.args.get("type", "")
        with here().engine.connect() as tx:
            type_ = published_licence_type(tx, code) if code else None
        return Response(
            self._intake().book(template_book(type_)),
            mimetype=XLSX,
            headers={"Content-Disposition": "attachment; filename=licences-template.xlsx"},
        )

    @expose("/<uuid:batch>")
    @has_access
    @permission_name("list")
    @sentence_on_refusal(lambda **_kept: url_for("LicenceBatchView.list"))
    def show(self, batch: uuid.UUID) -> str:
        """One batch: the whole page, or only how far it is."""
        with here().engine.connect() as tx:
            seen = watched(tx, self._own(tx, batch), here().config.desk)
        if request.args.get("part") == "now":
            return self.page("licence_batch_progress.html", seen=seen)
        return self.page(
            "licence_batch.html",
            title=_("批次"),
            seen=seen,
            can_move=may("can_import", "LicenceBatchView"),
            can_download=may("can_download", "LicenceFilesView"),
        )

    @expose("/<uuid:batch>/<move>", methods=["POST"])
    @has_access
    @permission_name("import")
    @sentence_on_refusal(lambda batch, **_kept: url_for("LicenceBatchView.show", batch=batch))
    def move(self, batch: uuid.UUID, move: str) -> Answer:
        """Start, pause, resume, stop."""
        if move not in MOVES:
            raise NotFound
        given = request.form.get("reason", "").strip()[:200] or None
        now = here().config.desk.clock()
        with here().engine.begin() as tx:
            move_batch(tx, batch, move, actor=actor(), now=now, department=own_department(), reason=given)
        return redirect(url_for("LicenceBatchView.show", batch=batch))

    @expose("/<uuid:batch>/refused.xlsx")
    @has_access
    @permission_name("import")
    @sentence_on_refusal(lambda **_kept: url_for("LicenceBatchView.list"))
    def refused(self, batch: uuid.UUID) -> Response:
        """The refused rows, to be mended and handed in again."""
        with here().engine.connect() as tx:
            row = self._own(tx, batch)
        kept_heading(row)

        def rows() -> Any:
            with here().engine.connect() as tx:
                yield from refused_sheet(tx, row, here().config.desk.identities)

        return as_file(rows(), "xlsx", "refused-licences")

    @expose("/<uuid:batch>/licences")
    @has_access
    @permission_name("list")
    @sentence_on_refusal(lambda **_kept: url_for("LicenceBatchView.list"))
    def licences(self, batch: uuid.UUID) -> str:
        """The licences that its rows made, or that were there already."""
        with here().engine.connect() as tx:
            row = self._own(tx, batch)
            page = listing.open_page(tx, MADE, LicenceBatchRow.batch_id == batch)
        return self.page(
            "licence_batch_rows.html", title=row.source_name, page=page, batch=row, can_export=False
        )

    def _own(self, tx: Connection, batch: uuid.UUID) -> Any:
        return batch_row(tx, batch, department=own_department())

    @staticmethod
    def _intake() -> BatchIntake:
        return BatchIntake(here().engine, here().config.desk)


def _said(name: str, sha256: bytes) -> Any:
    """What the form says about the file."""
    form = request.form
    operation = "issue" if form.get("operation") == "issue" else "import"
    department = own_department() or form.get("department") or None
    type_code = form.get("type") or None
    with here().engine.connect() as tx:
        return source_of(tx, operation, name=name, sha256=sha256, type_code=type_code, department=department)


def _types(tx: Connection) -> Sequence[Any]:
    return tx.execute(
        select(LicenceType.code, LicenceType.name)
        .where(LicenceType.active, LicenceType.published_version.is_not(None))
        .order_by(LicenceType.name)
    ).all()


def _departments(tx: Connection) -> Sequence[Any]:
    return tx.execute(
        select(Department.code, Department.name, Department.roles)
        .where(Department.active)
        .order_by(Department.name)
    ).all()
