"""持证人提醒: what holders should be told; told by telephone, message, in person or by letter, and marked so.

Guarantees: a notice is told once, whoever marks it; marking many skips what others have told meanwhile and says so. The hub
sends nothing to holders by itself and keeps no telephone numbers.
"""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from markupsafe import Markup
from sqlalchemy import ColumnElement, Connection, Select, or_, select
from werkzeug.wrappers import Response

from admin import cells
from admin.licensing.seeing import check_may_see, of_department
from admin.listing import Choice, Column, Listing, words
from admin.pages import ExportedList, sentence_on_refusal, to
from admin.premises import actor, here, may, own_department
from hub.case import Case
from hub.department import Department
from hub.errors import Conflict, NotFound, Rejected
from hub.licensing.licence import Licence
from hub.licensing.living.holder_notice import HolderNotice
from hub.licensing.living.notify_holders import WAYS, tell_holder
from hub.party import Party

MOST_AT_ONCE = 200


def _query() -> Select[Any]:
    return (
        select(
            HolderNotice.id,
            HolderNotice.licence_id,
            HolderNotice.kind,
            HolderNotice.title,
            HolderNotice.body,
            HolderNotice.created_at,
            HolderNotice.told_at,
            HolderNotice.told_by,
            HolderNotice.told_how,
            Licence.name,
            Licence.number,
            Party.name.label("party"),
        )
        .select_from(HolderNotice)
        .join(Licence, Licence.id == HolderNotice.licence_id)
        .join(Party, Party.id == HolderNotice.party_id)
        .outerjoin(Case, Case.case_no == Licence.case_no)
    )


def _box(row: Any) -> Markup:
    if row.told_at is not None:
        return Markup("")
    return Markup('<input type="checkbox" name="id" value="{}" form="lic-mark" aria-label="{}">').format(
        row.id, gettext("选择 %(number)s 的提醒", number=row.number)
    )


def _said(row: Any) -> Markup:
    return Markup('<a href="{}"><b>{}</b></a><small class="block">{}</small>').format(
        url_for("LicenceView.show", licence=row.licence_id), row.title, row.body
    )


def _told(row: Any) -> Any:
    if row.told_at is None:
        return cells.pill(gettext("待告知"), "wait")
    return Markup('{} <small class="block">{}</small>').format(
        cells.word("told_how", row.told_how), cells.local(row.told_at)
    )


def _letter(row: Any) -> Markup:
    href = url_for("HolderNoticeView.letter", number=row.id)
    return Markup('<a href="{}">{}</a>').format(href, gettext("打印告知书"))


def _told_choices(tx: Connection) -> list[tuple[str, Any]]:
    del tx
    return [("open", gettext("待告知")), ("told", gettext("已告知"))]


def _mine() -> tuple[ColumnElement[bool], ...]:
    mine = own_department()
    return () if mine is None else (or_(of_department(mine), Case.department == mine),)


class HolderNoticeView(ExportedList):
    """持证人提醒."""

    route_base = "/licence-notices"
    list_template = "licence_notices.html"
    listing = Listing(
        title=_("持证人提醒"),
        query=_query,
        columns=(
            Column("pick", _("选择"), _box, text=lambda _row: "", narrow=True),
            Column(
                "kind",
                _("类别"),
                lambda r: cells.word("holder_notice", r.kind),
                HolderNotice.kind,
                lambda r: cells.word_text("holder_notice", r.kind),
                narrow=True,
            ),
            Column("title", _("提醒"), _said, text=lambda r: f"{r.title}：{r.body}", narrow=True),
            Column("party", _("持证主体"), lambda r: cells.clip(r.party, 16), Party.name),
            Column("created_at", _("时间"), lambda r: cells.day(r.created_at.date()), HolderNotice.id),
            Column(
                "told_at",
                _("告知"),
                _told,
                HolderNotice.told_at,
                lambda r: f"{r.told_how} {cells.local(r.told_at)}" if r.told_at else "",
                narrow=True,
            ),
            Column("letter", _("告知书"), _letter, text=lambda _row: ""),
        ),
        order=(HolderNotice.id.desc(),),
        search=(Party.name, Licence.number, HolderNotice.title),
        search_hint=_("持证主体、证照编号"),
        choices=(
            Choice(
                "told",
                _("告知"),
                None,
                _told_choices,
                {
                    "open": lambda: HolderNotice.told_at.is_(None),
                    "told": lambda: HolderNotice.told_at.is_not(None),
                },
            ),
            Choice("kind", _("类别"), HolderNotice.kind, words("holder_notice")),
        ),
        day=(_("日期"), HolderNotice.created_at),
        empty=_("没有持证人提醒。证照将要到期、被暂扣或终止时，会自动出现在这里。"),
    )

    def confined(self) -> tuple[ColumnElement[bool], ...]:
        """A department's user tells the holders of its own licences."""
        return _mine()

    def extras(self) -> dict[str, Any]:
        """What marking needs."""
        return {"ways": WAYS, "can_tell": may("can_tell", "HolderNoticeView")}

    @expose("/told", methods=["POST"])
    @has_access
    @permission_name("tell")
    @sentence_on_refusal(to("HolderNoticeView.list"))
    def told(self) -> Response:
        """Mark those that are ticked as told."""
        ids = [int(text) for text in request.form.getlist("id") if text.isdecimal() and len(text) < 19]
        if not ids:
            raise Rejected(gettext("请先勾选已经告知的提醒。"))
        how, done, late = request.form.get("how", ""), 0, 0
        now = here().config.desk.clock()
        with here().engine.begin() as tx:
            for number in sorted(self._own(tx, ids[:MOST_AT_ONCE])):
                try:
                    tell_holder(tx, number, actor=actor(), how=how, now=now)
                    done += 1
                except Conflict:
                    late += 1
        said = gettext("已将 %(n)s 条标为已告知。", n=done)
        if late:
            said += gettext("另有 %(n)s 条他人已经告知。", n=late)
        flash(said, "success" if done else "warning")
        return redirect(url_for("HolderNoticeView.list", told="open"))

    @expose("/<int:number>/letter")
    @has_access
    @permission_name("list")
    def letter(self, number: int) -> str:
        """The notice as a letter to print."""
        with here().engine.connect() as tx:
            row: Any = tx.execute(
                _query()
                .add_columns(Licence.issuer_name, Licence.department, Department.name.label("office"))
                .outerjoin(Department, Department.code == Licence.department)
                .where(HolderNotice.id == number, *_mine())
            ).one_or_none()
            if row is None:
                raise NotFound(gettext("没有这条持证人提醒。"))
            check_may_see(tx, row.licence_id)
        now = here().config.desk.clock()
        return self.page("licence_letter.html", title=gettext("告知书"), row=row, now=now)

    @staticmethod
    def _own(tx: Connection, ids: list[int]) -> set[int]:
        """Those of them that are the department's own and open to marking."""
        chosen = _query().where(HolderNotice.id.in_(ids), *_mine())
        return {row.id for row in tx.execute(chosen)}
