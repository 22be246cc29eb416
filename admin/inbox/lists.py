"""The two lists of the inbox: packages, and everything else that is signed for."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from markupsafe import Markup
from sqlalchemy import ColumnElement, Connection, Select, select

from admin import cells
from admin.inbox.clock import DUE, due_pill, due_words
from admin.inbox.tabs import CONDITIONS, FOR_PROGRAMS, options
from admin.listing import Choice, Column, Listing
from hub.case import Case
from hub.exchange.announcement import KINDS, Announcement
from hub.item import ServiceItem
from hub.party import Party
from hub.pushing.push import SETTLED, Push


def _packages() -> Select[Any]:
    return (
        select(
            Push.id,
            Push.case_no,
            Push.state,
            Push.created_at,
            Push.claimed_by,
            DUE.label("due"),
            Case.name,
            ServiceItem.name.label("item"),
            Party.name.label("party"),
        )
        .select_from(Push)
        .join(Case, Case.case_no == Push.case_no)
        .join(ServiceItem, ServiceItem.code == Case.item_code)
        .join(Party, Party.id == Case.party_id)
    )


def _party(row: Any) -> Markup:
    return Markup('{}<small class="block">{}</small>').format(
        cells.clip(row.party, 18), cells.clip(row.item, 16)
    )


def _state(row: Any) -> Markup:
    """On a phone the time limit stands below it, where it has no column of its own."""
    state = cells.code("push_state", row.state)
    return (
        state
        if row.due is None
        else Markup('{}<span class="phone">{}</span>').format(state, due_pill(row.due))
    )


def pick(row_id: Any, waits: bool) -> Markup:
    """A box to sign for several at once; nothing where there is nothing to sign."""
    if not waits:
        return Markup("")
    return Markup('<input type="checkbox" name="ids" value="{}" form="sign-several" aria-label="{}">').format(
        row_id, gettext("选中以便一起签收")
    )


PACKAGES = Listing(
    title=_("收件箱"),
    query=_packages,
    columns=(
        Column("party", _("行政相对人"), _party, Party.name, lambda r: str(r.party), narrow=True),
        Column("case_no", _("办件编号"), lambda r: cells.mono(r.case_no), Push.case_no),
        Column(
            "item",
            _("事项"),
            lambda r: cells.clip(r.item, 16),
            ServiceItem.name,
            lambda r: r.item,
            wider=True,
        ),
        Column(
            "state",
            _("状态"),
            _state,
            Push.state,
            lambda r: cells.code_text("push_state", r.state),
            narrow=True,
        ),
        Column("due", _("时限"), lambda r: due_pill(r.due), DUE, lambda r: due_words(r.due)),
        Column("claimed_by", _("认领人"), lambda r: cells.plain(r.claimed_by), Push.claimed_by),
        Column("created_at", _("推送时间"), lambda r: cells.when(r.created_at), Push.created_at, wider=True),
        Column(
            "pick",
            _("签收"),
            lambda r: pick(r.id, r.state in ("owed", "arrived")),
            None,
            lambda _r: "",
            narrow=True,
        ),
    ),
    order=(DUE.asc().nulls_last(), Push.created_at.desc(), Push.id),
    search=(Push.case_no, Party.name, ServiceItem.name, Case.name),
    search_hint=_("办件编号、相对人、事项"),
    choices=(Choice("tab", _("进度"), None, options, CONDITIONS),),
    day=(_("推送日期"), Push.created_at),
    href=lambda r: url_for("InboxView.show", push=r.id),
    empty=_("这里没有要办的。审批决定按推送规则推送给本部门后，会出现在这里，先签收，再认领。"),
)


def open_only() -> ColumnElement[bool]:
    """Without a tab: what is not settled."""
    return Push.state.not_in([*SETTLED, "held"])


def kind_title(kind: str) -> str:
    """What an announcement is called."""
    titles = {
        "licence.changed.v1": gettext("证照状态变化"),
        "approval.corrected.v1": gettext("审批决定更正"),
        "approval.withdrawn.v1": gettext("审批决定撤回"),
        "finding.forwarded.v1": gettext("其他部门的监管信息"),
        "advice.forwarded.v1": gettext("协调建议"),
    }
    return titles.get(kind, kind)


def _kinds(tx: Connection) -> list[tuple[str, Any]]:
    del tx
    return [(kind, kind_title(kind)) for kind in KINDS if kind not in FOR_PROGRAMS]


def _signing(tx: Connection) -> list[tuple[str, Any]]:
    del tx
    return [("open", gettext("未签收")), ("done", gettext("已签收"))]


def _news() -> Select[Any]:
    return select(
        Announcement.event_id,
        Announcement.kind,
        Announcement.key,
        Announcement.case_no,
        Announcement.created_at,
        Announcement.sign_by,
        Announcement.signed_at,
        Party.name.label("party"),
    ).select_from(
        Announcement.__table__.outerjoin(Case, Case.case_no == Announcement.case_no).outerjoin(
            Party, Party.id == Case.party_id
        )
    )


def _signed(row: Any) -> Markup:
    if row.signed_at is None:
        return due_pill(row.sign_by) if row.sign_by else cells.pill(gettext("未签收"), "wait")
    return cells.pill(gettext("已签收"), "good")


NEWS = Listing(
    title=_("更正与通知"),
    query=_news,
    columns=(
        Column(
            "kind",
            _("内容"),
            lambda r: cells.plain(kind_title(r.kind)),
            Announcement.kind,
            lambda r: kind_title(r.kind),
            narrow=True,
        ),
        Column("party", _("行政相对人"), lambda r: cells.clip(r.party, 16), Party.name),
        Column("key", _("办件编号"), lambda r: cells.mono(r.case_no or r.key), Announcement.key, wider=True),
        Column("created_at", _("发出时间"), lambda r: cells.when(r.created_at), Announcement.created_at),
        Column(
            "signed_at",
            _("签收"),
            _signed,
            Announcement.signed_at,
            lambda r: cells.local(r.signed_at) or gettext("未签收"),
            narrow=True,
        ),
        Column(
            "pick",
            _("选"),
            lambda r: pick(r.event_id, r.signed_at is None),
            None,
            lambda _r: "",
            narrow=True,
        ),
    ),
    order=(Announcement.signed_at.is_not(None), Announcement.created_at.desc(), Announcement.event_id),
    search=(Announcement.key, Party.name),
    search_hint=_("办件编号、相对人"),
    choices=(
        Choice("kind", _("内容"), Announcement.kind, _kinds),
        Choice(
            "signed",
            _("签收"),
            None,
            _signing,
            {
                "open": lambda: Announcement.signed_at.is_(None),
                "done": lambda: Announcement.signed_at.is_not(None),
            },
        ),
    ),
    day=(_("发出日期"), Announcement.created_at),
    href=lambda r: url_for("InboxView.message", event=r.event_id),
    empty=_("还没有更正、撤回、证照变化或转告。有了会出现在这里，也要签收。"),
)
