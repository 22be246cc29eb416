"""The list of notices: who it is from, what it is about, how far it is."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from markupsafe import Markup
from sqlalchemy import Connection, Select, and_, select

from admin import cells
from admin.in_words import in_words
from admin.listing import Choice, Column, Listing, words
from hub.department import Department
from hub.noticing.notice import Notice

#: What a notice is about: the most telling thing that it names.
KINDS = (
    ("finding_id", "finding"),
    ("thread_id", "thread"),
    ("push_id", "push"),
    ("licence_id", "licence"),
    ("case_no", "case"),
)
UNREAD = Notice.read_at.is_(None)
HANDLED = Notice.handled_at.is_not(None)


def query() -> Select[Any]:
    """Notices with the name of their department."""
    return (
        select(Notice.__table__, Department.name.label("department_name"))
        .select_from(Notice)
        .outerjoin(Department, Department.code == Notice.department)
    )


def about(row: Any) -> str:
    """What the notice is about, in a word of our own."""
    return next((kind for column, kind in KINDS if getattr(row, column) is not None), "system")


def state(row: Any) -> str:
    """未读, 已阅 or 已处理."""
    return "handled" if row.handled_at else "read" if row.read_at else "unread"


def _states(tx: Connection) -> list[tuple[str, Any]]:
    del tx
    named = [(key, gettext(text)) for key, (text, _tone) in cells.WORDS["notice_state"].items()]
    return [*named, ("escalated", gettext("已升级"))]


def _abouts(tx: Connection) -> list[tuple[str, Any]]:
    del tx
    return [(key, gettext(text)) for key, (text, _tone) in cells.WORDS["notice_kind"].items()]


def _about_is(at: int) -> Any:
    """This column is there and none of the more telling ones is."""
    before = [getattr(Notice, column).is_(None) for column, _ in KINDS[:at]]
    mine = [getattr(Notice, KINDS[at][0]).is_not(None)] if at < len(KINDS) else []
    return and_(*before, *mine)


def _departments(tx: Connection) -> list[tuple[str, Any]]:
    return [
        (row.code, row.name) for row in tx.execute(select(Department.code, Department.name).order_by("name"))
    ]


def _pick(row: Any) -> Markup:
    return Markup('<input type="checkbox" name="id" value="{}" form="bulk" aria-label="{}">').format(
        row.id, gettext("选择")
    )


def _title(row: Any) -> Markup:
    dot = Markup('<i class="unread" title="{}"></i>').format(gettext("未读")) if row.read_at is None else ""
    return Markup(
        '<div class="wrap"><a href="{}">{}<b>{}</b></a><small class="block">{}</small></div>'
    ).format(url_for("NoticeView.show", number=row.id), dot, in_words(row.title), in_words(row.body))


def _state(row: Any) -> Markup:
    late = Markup(" {}").format(cells.pill(gettext("已升级"), "bad")) if row.escalated_at else ""
    return cells.word("notice_state", state(row)) + late


LISTING = Listing(
    title=_("窗口提醒"),
    query=query,
    columns=(
        Column("pick", Markup('<input type="checkbox" data-check-all="id">'), _pick, None, narrow=True),
        Column("severity", _("级别"), lambda r: cells.word("severity", r.severity), None, narrow=True),
        Column("title", _("提醒"), _title, None, narrow=True),
        Column("about", _("关于"), lambda r: cells.word("notice_kind", about(r)), wider=True),
        Column("department_name", _("部门"), lambda r: cells.plain(r.department_name), wider=True),
        Column("case_no", _("办件编号"), lambda r: cells.mono(r.case_no)),
        Column("created_at", _("时间"), lambda r: cells.when(r.created_at), Notice.id),
        Column("answer_by", _("应于"), lambda r: cells.when(r.answer_by), Notice.answer_by, wider=True),
        Column("state", _("状态"), _state, None, narrow=True),
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
            {
                "unread": lambda: UNREAD,
                "read": lambda: and_(~UNREAD, ~HANDLED),
                "handled": lambda: HANDLED,
                "escalated": lambda: Notice.escalated_at.is_not(None),
            },
        ),
        Choice("severity", _("级别"), Notice.severity, words("severity")),
        Choice(
            "about",
            _("关于"),
            None,
            _abouts,
            {
                kind: lambda at=at: _about_is(at)  # type: ignore[misc]
                for at, kind in enumerate((*(kind for _, kind in KINDS), "system"))
            },
        ),
        Choice("department", _("部门"), Notice.department, _departments),
    ),
    day=(_("日期"), Notice.created_at),
    empty=_("没有提醒。部门上报监管信息时会立即出现在这里。"),
)
