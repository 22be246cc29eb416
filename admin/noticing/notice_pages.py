"""窗口提醒: the list, one notice with everything it is about, the day's digest, and what each user wants to see."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from flask import abort, current_app, flash, jsonify, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_appbuilder.security.sqla.models import Role, User
from flask_babel import gettext
from sqlalchemy import ColumnElement, Connection, func, or_, select

from admin.accounts_tables import UserDepartment
from admin.noticing import notice_list
from admin.noticing.digest import digest
from admin.noticing.reading import choose, chosen_items, reader, wants_sound
from admin.pages import ListScreen, reason, sentence_on_refusal, to
from admin.premises import actor, here, may
from hub.errors import Rejected
from hub.item import ServiceItem
from hub.licensing.licence import Licence
from hub.noticing.notice import Notice
from hub.noticing.read_notices import MOST, handle, mark_read, reopen
from hub.pushing.release_push import incomplete
from hub.workday import LOCAL


def unread(tx: Connection) -> int:
    """How many the signed-in user has not read."""
    query = select(func.count()).select_from(Notice).where(Notice.read_at.is_(None), reader().shown_to())
    return tx.scalar(query) or 0


def unread_now() -> int:
    """The same, on a connection of its own: for the frame of every page."""
    with here().engine.connect() as tx:
        return unread(tx)


class NoticeView(ListScreen):
    """窗口提醒."""

    route_base = "/notices"
    list_template = "notices.html"
    listing = notice_list.LISTING

    def confined(self) -> tuple[ColumnElement[bool], ...]:
        """Only what is for the signed-in user."""
        return (reader().shown_to(),)

    def extras(self) -> dict[str, Any]:
        """What the user chose to see."""
        return {"chosen": len(chosen_items()), "sound": wants_sound()}

    @expose("/<int:number>")
    @has_access
    @permission_name("list")
    def show(self, number: int) -> str:
        """One notice: what it is about, who may answer, what became of it."""
        with here().engine.connect() as tx:
            row = tx.execute(
                notice_list.query().where(Notice.id == number, reader().shown_to())
            ).one_or_none()
            if row is None:
                abort(404)
            item = tx.scalar(select(ServiceItem.name).where(ServiceItem.code == row.item_code))
            licence = tx.scalar(select(Licence.number).where(Licence.id == row.licence_id))
            lacks = incomplete(tx, row.case_no) if may("can_list", "IncompletePushView") else None
            above = tx.execute(select(Notice.id, Notice.audience).where(Notice.escalates == number)).all()
        return self.page(
            "notice.html",
            title=gettext("提醒"),
            row=row,
            state=notice_list.state(row),
            about=notice_list.about(row),
            item=item,
            licence=licence,
            above=above,
            lacks=lacks,
            answerers=_answerers(row.audience, row.department),
        )

    @expose("/unread")
    @has_access
    @permission_name("list")
    def unread(self) -> Any:
        """How many are unread now: a page that was asleep asks."""
        return jsonify(unread=unread_now())

    @expose("/today")
    @has_access
    @permission_name("list")
    def today(self) -> str:
        """今日提醒: the digest of a day."""
        day = _day(request.args.get("day"))
        with here().engine.connect() as tx:
            told = digest(tx, reader(), day)
        return self.page("notice_digest.html", title=gettext("今日提醒"), told=told, day=day)

    @expose("/read", methods=["POST"])
    @has_access
    @permission_name("read")
    def read(self) -> Any:
        """已阅: those named, or all."""
        ids = None if request.form.get("all") else _named()
        with here().engine.begin() as tx:
            count = mark_read(tx, ids, reader=reader(), actor=actor())
            left = unread(tx)
        if request.headers.get("X-Requested-With") == "fetch":
            return jsonify(marked=count, unread=left)
        flash(gettext("已将 %(n)s 条提醒标为已阅。", n=count), "success")
        return redirect(_back())

    @expose("/handle", methods=["POST"])
    @has_access
    @permission_name("read")
    @sentence_on_refusal(lambda **_: _back())
    def handle(self) -> Any:
        """已处理: those named, with a note."""
        ids = _named()
        if not ids:
            raise Rejected(gettext("请先选择提醒。"))
        with here().engine.begin() as tx:
            count = handle(tx, ids, request.form.get("reason", ""), reader=reader(), actor=actor())
        flash(gettext("已将 %(n)s 条提醒标为已处理。", n=count), "success" if count else "warning")
        return redirect(_back())

    @expose("/<int:number>/reopen", methods=["POST"])
    @has_access
    @permission_name("read")
    @sentence_on_refusal(to("NoticeView.show"))
    def reopen(self, number: int) -> Any:
        """Take 已处理 back."""
        with here().engine.begin() as tx:
            reopen(tx, number, reason(), reader=reader(), actor=actor())
        flash(gettext("已撤销“已处理”，提醒恢复为已阅。"), "success")
        return redirect(url_for("NoticeView.show", number=number))

    @expose("/settings", methods=["GET", "POST"])
    @has_access
    @permission_name("list")
    def settings(self) -> Any:
        """Of which items this user wants notices, and whether with a sound."""
        with here().engine.connect() as tx:
            items = tx.execute(select(ServiceItem.code, ServiceItem.name).order_by(ServiceItem.code)).all()
        if request.method == "POST":
            known = {row.code for row in items}
            choose(known.intersection(request.form.getlist("item")), sound=bool(request.form.get("sound")))
            flash(gettext("提醒设置已保存。"), "success")
            return redirect(url_for("NoticeView.list"))
        return self.page(
            "notice_settings.html",
            title=gettext("提醒设置"),
            items=items,
            chosen=chosen_items(),
            sound=wants_sound(),
        )


def _named() -> list[int]:
    return [int(one) for one in request.form.getlist("id") if one.isdecimal() and len(one) < 19][:MOST]


def _back() -> str:
    """Where the button was: one notice, or the list as it was filtered."""
    number = request.form.get("back", "")
    if number.isdecimal() and len(number) < 19:
        return url_for("NoticeView.show", number=int(number))
    return url_for("NoticeView.list") + ("?" + request.query_string.decode() if request.query_string else "")


def _day(given: str | None) -> date:
    try:
        return date.fromisoformat(given) if given else datetime.now(LOCAL).date()
    except ValueError:
        return datetime.now(LOCAL).date()


def _answerers(audience: str, department: str | None) -> list[str]:
    """Who might have answered: the active users of the role, of that department or of none. At most twenty."""
    session = current_app.extensions["appbuilder"].session
    query = (
        select(User.first_name, User.username)
        .join(User.roles)
        .outerjoin(UserDepartment, UserDepartment.user_id == User.id)
        .where(Role.name == audience, User.active.is_(True))
        .order_by(User.username)
        .limit(20)
    )
    if department:
        query = query.where(or_(UserDepartment.department.is_(None), UserDepartment.department == department))
    return [f"{row.first_name}（{row.username}）" for row in session.execute(query)]
