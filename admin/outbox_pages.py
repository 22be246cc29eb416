"""发件箱: what waits to be published, what is parked, and the buttons 放行 and 补发."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import Connection, Select, func, select
from werkzeug.wrappers import Response

from admin import cells
from admin.listing import Choice, Column, Listing, words
from admin.pages import ListScreen, reason, sentence_on_refusal, to
from admin.premises import actor, here
from hub.department import Department, topic_in
from hub.errors import Rejected
from hub.exchange.outbox import OutboxRow, ParkedKey
from hub.exchange.resend import resend
from hub.exchange.unpark import unpark


def _query() -> Select[Any]:
    return select(
        OutboxRow.id,
        OutboxRow.topic,
        OutboxRow.key,
        OutboxRow.event_type,
        OutboxRow.lane,
        OutboxRow.created_at,
        OutboxRow.published_at,
        func.octet_length(OutboxRow.value).label("size"),
    ).select_from(OutboxRow)


def _states(tx: Connection) -> list[tuple[str, Any]]:
    del tx
    return [("waiting", gettext("待发布")), ("published", gettext("已发布"))]


class OutboxView(ListScreen):
    """发件箱."""

    route_base = "/outbox"
    list_template = "outbox.html"
    listing = Listing(
        title=_("发件箱"),
        query=_query,
        columns=(
            Column("id", _("序号"), lambda r: cells.mono(r.id), OutboxRow.id),
            Column("topic", _("主题"), lambda r: cells.mono(r.topic), None, narrow=True),
            Column("key", _("办件编号"), lambda r: cells.mono(r.key), None, narrow=True),
            Column("event_type", _("消息"), lambda r: cells.plain(r.event_type)),
            Column("lane", _("通道"), lambda r: cells.word("lane", r.lane)),
            Column("size", _("大小"), lambda r: cells.size(r.size)),
            Column("created_at", _("写入时间"), lambda r: cells.when(r.created_at)),
            Column(
                "published_at",
                _("发布时间"),
                lambda r: (
                    cells.when(r.published_at) if r.published_at else cells.pill(gettext("待发布"), "wait")
                ),
                None,
                narrow=True,
            ),
        ),
        order=(OutboxRow.id.desc(),),
        search=(OutboxRow.key, OutboxRow.topic),
        search_hint=_("办件编号、主题"),
        choices=(
            Choice(
                "state",
                _("状态"),
                None,
                _states,
                {
                    "waiting": lambda: OutboxRow.published_at.is_(None),
                    "published": lambda: OutboxRow.published_at.is_not(None),
                },
            ),
            Choice(
                "lane",
                _("通道"),
                OutboxRow.lane,
                words("lane"),
                {
                    "0": lambda: OutboxRow.lane == 0,
                    "1": lambda: OutboxRow.lane == 1,
                },
            ),
        ),
        day=(_("写入日期"), OutboxRow.created_at),
        empty=_("发件箱里没有符合条件的消息。"),
    )

    def extras(self) -> dict[str, Any]:
        """The parked keys, and the departments that a resend may name."""
        with here().engine.connect() as tx:
            parked = tx.execute(select(ParkedKey.__table__).order_by(ParkedKey.parked_at).limit(100)).all()
            departments = tx.execute(select(Department.code, Department.name).order_by(Department.name)).all()
        return {"parked": parked, "departments": departments}

    @expose("/unpark", methods=["POST"])
    @has_access
    @permission_name("unpark")
    @sentence_on_refusal(to("OutboxView.list"))
    def unpark(self) -> Response:
        """放行."""
        topic, key = request.form.get("topic", ""), request.form.get("key", "")
        with here().engine.begin() as tx:
            unpark(tx, topic, key, actor=actor(), reason=reason())
        flash(gettext("已放行 %(key)s，将立即重试发布。", key=key), "success")
        return redirect(url_for("OutboxView.list"))

    @expose("/resend", methods=["POST"])
    @has_access
    @permission_name("resend")
    @sentence_on_refusal(to("OutboxView.list"))
    def resend(self) -> Response:
        """补发: publish again what one department, or one case, has already been sent."""
        department, case_no = request.form.get("department", ""), request.form.get("case_no", "").strip()
        if not department and not case_no:
            raise Rejected(gettext("请选择部门或填写办件编号。"))
        topic = topic_in(here().config.desk.area, department) if department else None
        with here().engine.begin() as tx:
            count = resend(tx, actor=actor(), reason=reason(), topic=topic, case_no=case_no or None)
        flash(gettext("已将 %(n)s 条消息排入补发。", n=count), "success" if count else "warning")
        return redirect(url_for("OutboxView.list", state="waiting"))
