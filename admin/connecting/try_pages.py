"""Trying: the host is asked to check, read fields, run dry or rehearse, and the page follows it while it works.

Guarantees: the web process opens no department's endpoint, it only asks and watches; a job that nobody takes says so.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Response, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from sqlalchemy import Connection, select
from werkzeug.wrappers import Response as Answer

from admin.connecting.job_told import compared, job_rows, percent, said
from admin.connecting.reading import Shown, parts, read
from admin.connecting.screen import ConnectingScreen
from admin.connecting.steps import steps_of
from admin.pages import as_file, sentence_on_refusal, to
from admin.premises import actor, here
from hub.case import Case
from hub.connecting.ask_job import ask_job, cancel_job
from hub.connecting.connector import JOB_KINDS, ConnectorJob
from hub.errors import HubError, NotFound, Rejected
from hub.party import Party
from hub.pushing.push import Push

#: After so long without anybody taking a job, the page says what to start.
UNTAKEN = timedelta(seconds=8)
PICKED = 20
MOST = 500


class TryPages(ConnectingScreen):
    """测试, 演练."""

    @expose("/<code>/test")
    @has_access
    @permission_name("edit")
    def test(self, code: str) -> str:
        """Each endpoint layer by layer; each flow's fields and samples."""
        return self._tried(code, "connector_test.html", gettext("测试"), "test")

    @expose("/<code>/rehearse")
    @has_access
    @permission_name("edit")
    def rehearse(self, code: str) -> str:
        """A dry run, and packages replayed beside the real place."""
        return self._tried(code, "connector_rehearse.html", gettext("演练"), "rehearse")

    def _tried(self, code: str, template: str, title: str, at: str) -> str:
        with here().engine.connect() as tx:
            shown = read(tx, code)
            pushes = _newest(tx, str(shown.row["department"])) if at == "rehearse" else ()
        return self.page(
            template,
            title=title,
            shown=shown,
            steps=steps_of(shown),
            at=at,
            pushes=pushes,
            told=lambda kind, **params: _told(shown.job(kind, **params)),
        )

    @expose("/<code>/ask", methods=["POST"])
    @has_access
    @permission_name("edit")
    @sentence_on_refusal(to("ConnectorView.test"))
    def ask(self, code: str) -> str | Answer:
        """Ask the host for a job; its progress, to stand where the button was."""
        kind = request.form.get("kind", "")
        in_place = bool(request.headers.get("HX-Request"))
        try:
            with here().engine.begin() as tx:
                shown = read(tx, code)
                job = ask_job(
                    tx,
                    here().config.desk,
                    code,
                    version=shown.version["version"],
                    kind=kind,
                    params=_params(shown, kind),
                    actor=actor(),
                )
        except HubError as error:
            if not in_place:
                raise
            return self.page("connector_refused.html", words=error.message)
        if in_place:
            return self._job(code, job)
        place = "rehearse" if kind in ("dry_run", "sandbox") else "test"
        return redirect(url_for(f"ConnectorView.{place}", code=code))

    @expose("/<code>/jobs/<uuid:job>")
    @has_access
    @permission_name("edit")
    def job(self, code: str, job: uuid.UUID) -> str:
        """How far a job is."""
        return self._job(code, job)

    @expose("/<code>/jobs/<uuid:job>/cancel", methods=["POST"])
    @has_access
    @permission_name("edit")
    @sentence_on_refusal(to("ConnectorView.test", job=None))
    def cancel(self, code: str, job: uuid.UUID) -> str | Answer:
        """Stop it."""
        with here().engine.begin() as tx:
            _find(tx, code, job)
            cancel_job(tx, here().config.desk, job, actor=actor())
        if request.headers.get("HX-Request"):
            return self._job(code, job)
        return redirect(url_for("ConnectorView.test", code=code))

    @expose("/<code>/jobs/<uuid:job>.<any(csv, xlsx):kind>")
    @has_access
    @permission_name("edit")
    def job_file(self, code: str, job: uuid.UUID, kind: str) -> Response:
        """What came out, as a file."""
        with here().engine.connect() as tx:
            found = _find(tx, code, job)
        return as_file(_lines(found), kind, f"{code}-{found['kind']}")

    def _job(self, code: str, job: uuid.UUID) -> str:
        with here().engine.connect() as tx:
            found = _find(tx, code, job)
        return self.page("connector_job.html", code=code, told=_told(found))


def _find(tx: Connection, code: str, job: uuid.UUID) -> Mapping[str, Any]:
    read(tx, code)  # whose connector it is
    query = select(ConnectorJob.__table__).where(ConnectorJob.id == job, ConnectorJob.connector == code)
    found = tx.execute(query).mappings().one_or_none()
    if found is None:
        raise NotFound(gettext("没有这次测试的记录，它可能已被清理。请重新测试。"))
    return found


def _told(job: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A job as its part of the page shows it."""
    if job is None:
        return None
    going = job["state"] in ("waiting", "running")
    return {
        "job": job,
        "going": going,
        "untaken": job["state"] == "waiting" and job["asked_at"] < datetime.now(UTC) - UNTAKEN,
        "percent": percent(job),
        "rows": () if going else [compared(row) for row in job_rows(job)],
        "result": job["result"] or {},
        "said": said,
    }


def _params(shown: Shown, kind: str) -> dict[str, Any]:
    form = request.form
    if kind not in JOB_KINDS:
        raise Rejected(gettext("请求的格式不正确。"))
    if kind == "check":
        return {"endpoint": _named(shown, "endpoints", form.get("endpoint", ""))}
    if kind in ("columns", "sample", "dry_run"):
        asked: dict[str, Any] = {"flow": _named(shown, "flows", form.get("flow", ""))}
        return asked if kind == "columns" else {**asked, "limit": _count("limit", 20)}
    flows = [_named(shown, "flows", one) for one in form.getlist("flow")]
    if not flows:
        raise Rejected(gettext("请至少选择一条线路。"))
    way = form.get("way", "newest")
    if way == "picked":
        picked = [one for one in form.getlist("push") if _is_uuid(one)][:MOST]
        if not picked:
            raise Rejected(gettext("请先勾选要演练的推送。"))
        return {"flows": flows, "pushes": picked}
    if way == "synthetic":
        return {"flows": flows, "synthetic": _count("synthetic", 20), "seed": 1}
    return {"flows": flows, "newest": _count("newest", 20)}


def _named(shown: Shown, part: str, name: str) -> str:
    if all(str(one.get("name")) != name for one in parts(shown.document, part)):
        raise Rejected(gettext("没有名为“%(name)s”的线路或系统，请刷新后再试。", name=name))
    return name


def _count(name: str, otherwise: int) -> int:
    text = request.form.get(name, "")
    return min(max(1, int(text)), MOST) if text.isdecimal() and len(text) < 6 else otherwise


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def _newest(tx: Connection, department: str) -> list[Any]:
    """The department's newest pushes, to pick from."""
    query = (
        select(Push.id, Push.case_no, Push.created_at, Push.state, Party.name.label("party"))
        .join(Case, Case.case_no == Push.case_no)
        .join(Party, Party.id == Case.party_id)
        .where(Push.department == department, Push.state != "held")
        .order_by(Push.created_at.desc())
        .limit(PICKED)
    )
    return list(tx.execute(query))


def _lines(job: Mapping[str, Any]) -> Iterator[list[str]]:
    rows = [compared(row) for row in job_rows(job)]
    yield [
        gettext("线路"),
        gettext("编号"),
        gettext("结果"),
        gettext("字段"),
        gettext("预期"),
        gettext("实际"),
        gettext("说明"),
    ]
    for row in rows:
        for line in row["fields"] or [{"name": "", "expected": "", "found": ""}]:
            yield [
                str(row["flow"]), str(row["ref"]), str(row["verdict"]), str(line["name"]), said(line["expected"]),
                said(line["found"]), str(row["words"]),
            ]  # fmt: skip
