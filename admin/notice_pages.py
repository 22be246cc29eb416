"""窗口提醒: the list, and what was read."""

from __future__ import annotations

from typing import Any

from flask import flash, jsonify, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from markupsafe import Markup
from sqlalchemy import ColumnElement, Connection, Select, func, select

from admin import cells
from admin.listing import Choice, Column, Listing, words
from admin.live_pages import audiences
from admin.pages import ListScreen
from admin.premises import actor, here, may
from hub.noticing.notice import Notice
from hub.noticing.read_notices import mark_read


def _query() -> Select[Any]:
    return select(
        Notice.id,
        Notice.audience,
        Notice.severity,
        Notice.title,
        Notice.body,
        Notice.case_no,
        Notice.created_at,
        Notice.read_at,
        Notice.read_by,
    ).select_from(Notice)


def _states(tx: Connection) -> list[tuple[str, Any]]:
    del tx
    return [("unread", gettext("未读")), ("read", gettext("已读"))]


def _title(row: Any) -> Markup:
    dot = Markup('<i class="unread" title="{}"></i>').format(gettext("未读")) if row.read_at is None else ""
    return Markup('{}<b>{}</b><small class="block">{}</small>').format(dot, row.title, row.body)


def _about(row: Any) -> str | None:
    """What it is about: the case, whose page has its licences; of a licence without a case, the look-up by its number."""
    if row.case_no:
        return url_for("CaseView.show", case_no=row.case_no)
    number = row.title.rsplit(" ", 1)[-1] if row.title.startswith("证照") and " " in row.title else ""
    return url_for("LicenceView.list", q=number) if number and may("can_list", "LicenceView") else None


def unread(tx: Connection) -> int:
    """How many the signed-in user has not read."""
    query = select(func.count()).where(Notice.read_at.is_(None), Notice.audience.in_(audiences()))
    return tx.scalar(query) or 0


def unread_now() -> int:
    """The same, on a connection of its own: for the frame of every page."""
    with here().engine.connect() as tx:
        return unread(tx)


class NoticeView(ListScreen):
    """窗口提醒."""

    route_base = "/notices"
    list_template = "notices.html"
    listing = Listing(
        title=_("窗口提醒"),
        query=_query,
        columns=(
            Column("severity", _("级别"), lambda r: cells.word("severity", r.severity), None, narrow=True),
            Column("title", _("提醒"), _title, None, narrow=True),
            Column("case_no", _("办件编号"), lambda r: cells.mono(r.case_no)),
            Column("created_at", _("时间"), lambda r: cells.when(r.created_at), Notice.id, narrow=True),
            Column("read_by", _("已读"), lambda r: cells.when(r.read_at)),
        ),
        order=(Notice.id.desc(),),
        search=(Notice.title, Notice.body, Notice.case_no),
        search_hint=_("内容、办件编号"),
        choices=(
            Choice(
                "state",
                _("状态"),
                None,
                _states,
                {"unread": lambda: Notice.read_at.is_(None), "read": lambda: Notice.read_at.is_not(None)},
            ),
            Choice("severity", _("级别"), Notice.severity, words("severity")),
        ),
        day=(_("日期"), Notice.created_at),
        href=_about,
        empty=_("没有提醒。部门上报监管信息时会立即出现在这里。"),
    )

    def confined(self) -> tuple[ColumnElement[bool], ...]:
        """Only the audiences of the signed-in user."""
        return (Notice.audience.in_(audiences()),)

    @expose("/read", methods=["POST"])
    @has_access
    @permission_name("read")
    def read(self) -> Any:
        """Mark those named, or all, as read."""
        named = [int(text) for text in request.form.getlist("id") if text.isdecimal()]
        ids = None if request.form.get("all") else named
        with here().engine.begin() as tx:
            count = sum(mark_read(tx, ids, audience=audience, actor=actor()) for audience in audiences())
            left = unread(tx)
        if request.headers.get("X-Requested-With") == "fetch":
            return jsonify(marked=count, unread=left)
        flash(gettext("已将 %(n)s 条提醒标为已读。", n=count), "success")
        return redirect(url_for("NoticeView.list"))
