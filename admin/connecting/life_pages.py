"""Going live, and everything after: pause, resume, deliver again, retire, back to an earlier version."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from sqlalchemy import Connection, func, select
from werkzeug.wrappers import Response

from admin.connecting.kind_forms import fault_said
from admin.connecting.reading import Shown, read
from admin.connecting.screen import ConnectingScreen
from admin.connecting.steps import steps_of
from admin.pages import reason, sentence_on_refusal, to
from admin.premises import actor, here
from hub.connecting.connector import STARTS
from hub.connecting.draft_connector import new_draft
from hub.connecting.publish_version import publish_version
from hub.connecting.turn_connector import go_live, open_acts, pause, resume, retire, rewind
from hub.errors import Rejected
from hub.pushing.push import Push
from hub.workday import LOCAL
from schemas.connector.document import document_from
from schemas.connector.judge import document_advice


class LifePages(ConnectingScreen):
    """上线, 暂停, 恢复, 重送, 停用, 版本."""

    @expose("/<code>/life")
    @has_access
    @permission_name("show")
    def life(self, code: str) -> str:
        """Go live with a start point; of a live one, what can be done with it."""
        with here().engine.connect() as tx:
            shown = read(tx, code)
            department = str(shown.row["department"])
            counts = _counts(tx, department, _since())
        return self.page(
            "connector_life.html",
            title=gettext("上线与版本"),
            shown=shown,
            advice=_advice(shown),
            steps=steps_of(shown),
            at="live",
            counts=counts,
            hub_address=here().config.desk.public_url,
            acts=open_acts(shown.row["state"]),
            since=request.args.get("since") or datetime.now(LOCAL).strftime("%Y-%m-%dT00:00"),
        )

    @expose("/<code>/counts")
    @has_access
    @permission_name("show")
    def counts(self, code: str) -> str:
        """How many packages a start point, or a rewind, means."""
        with here().engine.connect() as tx:
            shown = read(tx, code)
            counts = _counts(tx, str(shown.row["department"]), _since())
        return self.page("connector_counts.html", counts=counts, rewinding="to" in request.args)

    @expose("/<code>/live", methods=["POST"])
    @has_access
    @permission_name("run")
    @sentence_on_refusal(to("ConnectorView.life"))
    def go_live(self, code: str) -> Response:
        """Publish what is drafted and run it from a start point."""
        desk, form = here().config.desk, request.form
        start = form.get("start", "unsigned")
        if start not in STARTS:
            raise Rejected(gettext("请选择从哪里开始。"))
        at = _moment(form.get("since", "")) if start == "since" else None
        with here().engine.begin() as tx:
            shown = read(tx, code)
            _check_current(shown)
            version = shown.version["version"]
            if shown.draft:
                _check_ready(shown)
                version = publish_version(tx, desk, code, note=form.get("note", ""), actor=actor())
            go_live(
                tx,
                desk,
                code,
                version=version,
                start_kind=start,
                start_at=at,
                runs_at=form.get("runs_at") or None,
                actor=actor(),
            )
        if shown.row["state"] == "draft":
            flash(gettext("已上线，几秒钟内开始运行。下面可以看到它送了什么、收了什么。"), "success")
        else:
            flash(gettext("第 %(n)s 版已发布，几秒钟内换用它，从原来的地方接着送。", n=version), "success")
        return redirect(url_for("ConnectorView.health", code=code))

    @expose("/<code>/act/<any(pause, resume, rewind, retire):act>", methods=["POST"])
    @has_access
    @permission_name("run")
    @sentence_on_refusal(to("ConnectorView.life", act=None))
    def act(self, code: str, act: str) -> Response:
        """暂停, 恢复, 重送, 停用."""
        desk, why = here().config.desk, reason()
        with here().engine.begin() as tx:
            read(tx, code)
            if act == "pause":
                pause(tx, desk, code, reason=why, actor=actor())
                done = gettext("已暂停。暂停期间的消息都留着，恢复后接着送。")
            elif act == "resume":
                resume(tx, desk, code, reason=why, actor=actor())
                done = gettext("已恢复，从暂停的地方接着送。")
            elif act == "rewind":
                since = _moment(request.form.get("to", ""))
                rewind(tx, desk, code, to=since, reason=why, actor=actor())
                done = gettext("已安排重送：这个时间以后送过的会再送一次，编号不变，对方可以去重。")
            else:
                retire(tx, desk, code, reason=why, actor=actor())
                done = gettext("已停用。它的版本和记录都留着。")
        flash(done, "success")
        return redirect(url_for("ConnectorView.life", code=code))

    @expose("/<code>/versions/<int:version>/draft", methods=["POST"])
    @has_access
    @permission_name("edit")
    @sentence_on_refusal(to("ConnectorView.life", version=None))
    def back_to(self, code: str, version: int) -> Response:
        """A new draft that says what an earlier version said."""
        with here().engine.begin() as tx:
            read(tx, code)
            new_draft(tx, here().config.desk, code, from_version=version, actor=actor(), replace=True)
        flash(gettext("已按第 %(n)s 版的内容生成草稿，发布后生效。", n=version), "success")
        return redirect(url_for("ConnectorView.life", code=code))


def _advice(shown: Shown) -> list[str]:
    """What runs, but is probably not meant."""
    found = () if shown.faults else document_advice(document_from(shown.document))
    return [fault_said(one) for one in found]


def _check_current(shown: Shown) -> None:
    """Nobody saved between the look at the page and the click."""
    if request.form.get("version") != str(shown.version["version"]) or request.form.get("saves") != str(
        shown.version["saves"]
    ):
        raise Rejected(gettext("内容刚被别人改过，没有发布。请看一遍最新的内容再发布。"))


def _check_ready(shown: Shown) -> None:
    if shown.faults:
        raise Rejected(
            gettext(
                "还有 %(n)s 处没有填好，不能上线：%(first)s",
                n=len(shown.faults),
                first=fault_said(shown.faults[0]),
            )
        )


def _since() -> datetime:
    try:
        return _moment(request.args.get("since") or request.args.get("to") or "")
    except Rejected:
        return datetime.now(LOCAL).replace(hour=0, minute=0, second=0, microsecond=0)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise Rejected(gettext("请选择日期和时间。")) from error
    return (moment.replace(tzinfo=LOCAL) if moment.tzinfo is None else moment).astimezone(UTC)


def _counts(tx: Connection, department: str, since: datetime) -> dict[str, Any]:
    """How many packages each start point means."""
    mine = (Push.department == department, Push.state != "held")
    count = func.count()
    unsigned = Push.signed_at.is_(None)
    row = tx.execute(
        select(
            count.filter(unsigned, Push.state.in_(["owed", "arrived"])).label("unsigned"),
            count.filter(Push.created_at >= since).label("since"),
            count.filter(Push.created_at >= since, ~unsigned).label("again"),
            count.label("all"),
        )
        .select_from(Push)
        .where(*mine)
    ).one()
    return {**row._mapping, "from": since}
