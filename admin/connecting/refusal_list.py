"""The list of what a connector refused or had refused, and of the values that no code table knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from markupsafe import Markup
from sqlalchemy import Connection, Select, and_, select

from admin import cells
from admin.in_words import in_words
from admin.listing import Choice, Column, Listing, words
from hub.connecting.connector import ConnectorRefusal, ConnectorUnmapped
from hub.errors import NotFound

OPEN = ConnectorRefusal.settled_at.is_(None)


def one(tx: Connection, code: str, number: int) -> Any:
    """One refusal of this connector."""
    query = select(ConnectorRefusal.__table__).where(
        ConnectorRefusal.id == number, ConnectorRefusal.connector == code
    )
    row = tx.execute(query).one_or_none()
    if row is None:
        raise NotFound(gettext("没有这条拒收记录。"))
    return row


def of_connector(tx: Connection, code: str, ids: Sequence[int]) -> list[int]:
    """Those of the ids that are refusals of this connector."""
    query = select(ConnectorRefusal.id).where(
        ConnectorRefusal.id.in_(ids), ConnectorRefusal.connector == code
    )
    return list(tx.execute(query).scalars())


def state(row: Any) -> str:
    """What became of it, as a key of the words 'connector_refusal'."""
    if row.settled_at is not None:
        return str(row.settled_as)
    return "again" if row.again else "open"


def _query() -> Select[Any]:
    return select(ConnectorRefusal.__table__).select_from(ConnectorRefusal)


def _pick(row: Any) -> Markup:
    if row.settled_at is not None:
        return Markup("")
    return Markup('<input type="checkbox" name="id" value="{}" form="bulk" aria-label="{}">').format(
        row.id, gettext("选择")
    )


def _ref(row: Any) -> Markup:
    return Markup('<a href="{}">{}</a>').format(
        url_for("ConnectorView.refusal", code=row.connector, number=row.id), row.ref
    )


LISTING = Listing(
    title=_("拒收"),
    query=_query,
    columns=(
        Column(
            "pick",
            Markup('<input type="checkbox" data-check-all="id">'),
            _pick,
            None,
            lambda _row: "",
            narrow=True,
        ),
        Column("ref", _("记录"), _ref, ConnectorRefusal.ref, narrow=True),
        Column(
            "cause",
            _("原因"),
            lambda r: cells.word("connector_cause", r.cause),
            ConnectorRefusal.cause,
            lambda r: cells.word_text("connector_cause", r.cause),
            narrow=True,
        ),
        Column(
            "words", _("说明"), lambda r: Markup('<div class="wrap">{}</div>').format(in_words(r.words)), None
        ),
        Column("flow", _("线路"), lambda r: cells.plain(r.flow), ConnectorRefusal.flow, wider=True),
        Column("times", _("次数"), lambda r: r.times, ConnectorRefusal.times, wider=True),
        Column("at", _("时间"), lambda r: cells.when(r.at), ConnectorRefusal.at),
        Column(
            "state",
            _("状态"),
            lambda r: cells.word("connector_refusal", state(r)),
            None,
            lambda r: cells.word_text("connector_refusal", state(r)),
            narrow=True,
        ),
    ),
    order=(OPEN.desc(), ConnectorRefusal.at.desc(), ConnectorRefusal.id.desc()),
    search=(ConnectorRefusal.ref, ConnectorRefusal.words),
    search_hint=_("记录、说明"),
    choices=(
        Choice(
            "state",
            _("状态"),
            None,
            words("connector_refusal"),
            {
                "open": lambda: and_(OPEN, ~ConnectorRefusal.again),
                "again": lambda: and_(OPEN, ConnectorRefusal.again),
                "taken": lambda: ConnectorRefusal.settled_as == "taken",
                "dismissed": lambda: ConnectorRefusal.settled_as == "dismissed",
            },
        ),
        Choice("cause", _("原因"), ConnectorRefusal.cause, words("connector_cause")),
        Choice("direction", _("方向"), ConnectorRefusal.direction, words("connector_direction")),
    ),
    day=(_("日期"), ConnectorRefusal.at),
    empty=_("没有拒收：送出和收取的都办成了。"),
)

UNMAPPED = Listing(
    title=_("没有对照的值"),
    query=lambda: select(ConnectorUnmapped.__table__).select_from(ConnectorUnmapped),
    columns=(
        Column("value", _("值"), lambda r: cells.mono(r.value), ConnectorUnmapped.value, narrow=True),
        Column(
            "code_table",
            _("代码对照表"),
            lambda r: cells.plain(r.code_table),
            ConnectorUnmapped.code_table,
            narrow=True,
        ),
        Column("direction", _("方向"), lambda r: cells.word("connector_direction", r.direction)),
        Column("times", _("次数"), lambda r: r.times, ConnectorUnmapped.times, narrow=True),
        Column("last_at", _("最近一次"), lambda r: cells.ago(r.last_at), ConnectorUnmapped.last_at),
    ),
    order=(ConnectorUnmapped.times.desc(), ConnectorUnmapped.value),
    search=(ConnectorUnmapped.value, ConnectorUnmapped.code_table),
    search_hint=_("值、代码对照表"),
    empty=_("没有：遇到的值在代码对照表里都有。"),
)
