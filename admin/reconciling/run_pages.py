"""对账: runs, one run with its departments, items and differences, and the buttons 对账, 重新发送 and 说明."""

from __future__ import annotations

import logging
import tempfile
import threading
import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from flask import Response, abort, flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from sqlalchemy import Connection, Engine
from werkzeug.wrappers import Response as Answer

from admin import listing
from admin.pages import XLSX, ExportedList, as_file, reason, sentence_on_refusal, to
from admin.premises import actor, here, may, own_department
from admin.reconciling.lists import PUSHES, RUNS, departments, difference_list, of_run
from hub.case import Decision
from hub.errors import NotFound, Rejected
from hub.ports import Desk
from hub.pushing.push import Push
from hub.reconciling.figures import by_department, by_item, summed
from hub.reconciling.letter import letter
from hub.reconciling.reconcile import Run, find_run, reconcile, start_run
from hub.reconciling.resend_differences import resend_differences, settle_differences
from hub.reconciling.stages import STAGES
from hub.workday import LOCAL
from storage.letters.reconciling_letter import book, pdf

_log = logging.getLogger(__name__)


class ReconciliationView(ExportedList):
    """对账."""

    route_base = "/reconciling"
    list_template = "reconciling_runs.html"
    listing = RUNS

    def extras(self) -> dict[str, Any]:
        """The periods that are asked for most."""
        return {"presets": _presets(here().config.desk)}

    @expose("/start", methods=["POST"])
    @has_access
    @permission_name("run")
    @sentence_on_refusal(to("ReconciliationView.list"))
    def start(self) -> Answer:
        """对账: begin a run, and count in the background."""
        first, last = _day("from"), _day("to")
        premises = here()
        with premises.engine.begin() as tx:
            run = start_run(tx, first, last, premises.config.desk, actor=actor())
        threading.Thread(
            target=_count,
            args=(premises.engine, run, premises.config.desk),
            name=f"reconcile-{run.hex[:8]}",
            daemon=True,
        ).start()
        return redirect(url_for("ReconciliationView.show", run_id=run))

    @expose("/runs/<uuid:run_id>/")
    @has_access
    @permission_name("show")
    def show(self, run_id: uuid.UUID) -> str:
        """One run; while it is counting, only how far it is."""
        own = own_department()
        with here().engine.connect() as tx:
            run = _found(tx, run_id)
            if run.state != "done":
                template = (
                    "reconciling_progress.html"
                    if request.headers.get("HX-Request")
                    else "reconciling_counting.html"
                )
                return self.page(template, title=_title(run), run=run)
            page = listing.open_page(tx, difference_list(deal=_deals()), *of_run(run_id, own))
            chosen = own or request.args.get("department") or None
            values = {
                "by_department": by_department(tx, run_id, only=own),
                "by_item": by_item(tx, run_id, department=chosen) if chosen else [],
                "chosen": chosen,
                "names": dict(departments(tx)),
            }
        shown = self.page(
            "reconciling_run.html",
            title=_title(run),
            run=run,
            page=page,
            stages=STAGES,
            total=summed(values["by_department"]),
            counts=[one for one in run.totals.get("counts", ()) if own in (None, one["department"])],
            deals=_deals(),
            can_export=may("can_export", "ReconciliationView"),
            **values,
        )
        return shown if not request.headers.get("HX-Request") else ""

    @expose("/runs/<uuid:run_id>/export.<kind>")
    @has_access
    @permission_name("export")
    def export_differences(self, run_id: uuid.UUID, kind: str) -> Response:
        """The filtered differences of a run as a file."""
        with here().engine.connect() as tx:
            _found(tx, run_id)
        return as_file(_rows(run_id), kind, f"differences-{str(run_id)[:8]}")

    @expose("/runs/<uuid:run_id>/letter.<kind>")
    @has_access
    @permission_name("export")
    @sentence_on_refusal(to("ReconciliationView.show"))
    def letter(self, run_id: uuid.UUID, kind: str) -> Response:
        """对账函 to one department, or the summary of all."""
        department = own_department() or request.args.get("department") or None
        with here().engine.connect() as tx:
            made = letter(tx, run_id, department=department)
        if kind == "pdf":
            data, media = pdf(made), "application/pdf"
        else:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "letter.xlsx"
                book(made, path)
                data, media = path.read_bytes(), XLSX
        headers = {
            "Content-Disposition": f"attachment; filename={made.number}.{'pdf' if kind == 'pdf' else 'xlsx'}"
        }
        return Response(data, mimetype=media, headers=headers)

    @expose("/runs/<uuid:run_id>/pushes/")
    @has_access
    @permission_name("show")
    def pushes(self, run_id: uuid.UUID) -> str:
        """The pushes behind a figure, as they stand now."""
        own, item_code = own_department(), request.args.get("item")
        with here().engine.connect() as tx:
            run = _found(tx, run_id)
            extra = [Decision.decided_on.between(run.first_day, run.last_day)]
            if own:
                extra.append(Push.department == own)
            if item_code:
                extra.append(Push.case.has(item_code=item_code))
            page = listing.open_page(tx, PUSHES, *extra)
        title = gettext("对账明细：%(days)s", days=_days(run))
        return self.page("reconciling_pushes.html", title=title, page=page, run=run, item_code=item_code)

    @expose("/runs/<uuid:run_id>/resend", methods=["POST"])
    @has_access
    @permission_name("settle")
    @sentence_on_refusal(to("ReconciliationView.show"))
    def resend(self, run_id: uuid.UUID) -> Answer:
        """重新发送: those picked, or all that are open."""
        picked = None if request.form.get("all") else _picked()
        department = request.form.get("department") or None
        with here().engine.begin() as tx:
            sent = resend_differences(
                tx,
                run_id,
                here().config.desk,
                actor=actor(),
                reason=reason(),
                ids=picked,
                department=department,
            )
        flash(
            gettext(
                "%(n)s 处差异已处理，%(m)s 条消息排入补发。部门收到后再对一次账即可核实。",
                n=sent.differences,
                m=sent.messages,
            ),
            "success",
        )
        return redirect(url_for("ReconciliationView.show", run_id=run_id, **_kept()))

    @expose("/runs/<uuid:run_id>/settle", methods=["POST"])
    @has_access
    @permission_name("settle")
    @sentence_on_refusal(to("ReconciliationView.show"))
    def settle(self, run_id: uuid.UUID) -> Answer:
        """说明: why the picked ones are none."""
        with here().engine.begin() as tx:
            count = settle_differences(
                tx, run_id, _picked(), here().config.desk, actor=actor(), reason=reason()
            )
        flash(gettext("%(n)s 处差异已写明原因，以后的对账不再列为差异。", n=count), "success")
        return redirect(url_for("ReconciliationView.show", run_id=run_id, **_kept()))


def _count(engine: Engine, run: uuid.UUID, desk: Desk) -> None:
    """In a thread; what it leaves is taken up by the relay."""
    try:
        reconcile(engine, run, desk)
    except Exception:
        _log.exception("对账没有完成：%s", run)


def _found(tx: Connection, run_id: uuid.UUID) -> Run:
    try:
        return find_run(tx, run_id)
    except NotFound:
        abort(404)


def _rows(run_id: uuid.UUID) -> Iterator[list[str]]:
    with here().engine.connect() as tx:
        yield from listing.every_row(tx, difference_list(deal=False), *of_run(run_id, own_department()))


def _deals() -> bool:
    return may("can_settle", "ReconciliationView") and own_department() is None


def _picked() -> list[int]:
    picked = [int(one) for one in request.form.getlist("id") if one.isdecimal() and len(one) < 18]
    if not picked:
        raise Rejected(gettext("请先在左边勾选要处理的差异。"))
    return picked


def _kept() -> dict[str, str]:
    return {key: value for key in ("kind", "department", "state") if (value := request.args.get(key))}


def _day(name: str) -> date:
    try:
        return date.fromisoformat(request.form.get(name, ""))
    except ValueError:
        raise Rejected(gettext("请选择对账的起始日和截止日。")) from None


def _title(run: Run) -> str:
    return gettext("对账：%(days)s", days=_days(run))


def _days(run: Run) -> str:
    if run.first_day == run.last_day:
        return str(run.first_day)
    return gettext("%(first)s 至 %(last)s", first=run.first_day, last=run.last_day)


def _presets(desk: Desk) -> list[dict[str, Any]]:
    now = desk.clock().astimezone(LOCAL).date()
    month = now.replace(day=1)
    before = month - timedelta(days=1)
    spans = (
        (gettext("昨天"), now - timedelta(days=1), now - timedelta(days=1)),
        (gettext("近 31 天"), now - timedelta(days=31), now - timedelta(days=1)),
        (gettext("上月"), before.replace(day=1), before),
        (gettext("本月"), month, now),
        (gettext("本年"), now.replace(month=1, day=1), now),
    )
    return [{"text": text, "first": first, "last": last} for text, first, last in spans]
