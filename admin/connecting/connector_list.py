"""The list of connectors: how long the oldest item has been waiting comes first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from markupsafe import Markup
from sqlalchemy import Connection, Select, and_, func, or_, select

from admin import cells
from admin.connecting.reading import seen
from admin.listing import Choice, Column, Listing, words
from hub.connecting.connector import Connector, ConnectorHealth, ConnectorRefusal, ConnectorVersion
from hub.department import Department

#: The host reports every few seconds while it works and every minute while it idles.
GONE = timedelta(minutes=3)
LATE = timedelta(minutes=5)
SOON = timedelta(days=30)


def _query() -> Select[Any]:
    of = ConnectorVersion.connector == Connector.code
    endpoints = (
        select(ConnectorVersion.document["endpoints"])
        .where(of)
        .order_by(ConnectorVersion.version.desc())
        .limit(1)
        .scalar_subquery()
    )
    draft = (
        select(func.max(ConnectorVersion.version))
        .where(of, ConnectorVersion.state == "draft")
        .scalar_subquery()
    )
    refused = (
        select(func.count())
        .where(ConnectorRefusal.connector == Connector.code, ConnectorRefusal.settled_at.is_(None))
        .correlate(Connector)
        .scalar_subquery()
    )
    return (
        select(
            Connector.code,
            Connector.title,
            Connector.department,
            Connector.state,
            Connector.runs_at,
            Connector.version,
            Department.name.label("department_name"),
            endpoints.label("endpoints"),
            draft.label("draft"),
            refused.label("refused"),
            ConnectorHealth.state.label("now"),
            ConnectorHealth.words,
            ConnectorHealth.beat_at,
            ConnectorHealth.last_contact_at,
            ConnectorHealth.oldest_waiting_at,
            ConnectorHealth.waiting,
            ConnectorHealth.certificate_until,
        )
        .select_from(Connector)
        .join(Department, Department.code == Connector.department)
        .outerjoin(ConnectorHealth, ConnectorHealth.connector == Connector.code)
    )


def kinds(row: Any) -> list[str]:
    """The kinds of its endpoints."""
    return sorted({str(one.get("kind")) for one in row.endpoints or () if isinstance(one, dict)})


def now_of(state: str, now: str | None, beat_at: datetime | None) -> str:
    """How a connector is right now, as a key of the words 'connector_now'."""
    if state == "paused":
        return "paused"
    if beat_at is None:
        return "unseen"
    return "gone" if beat_at < datetime.now(UTC) - GONE else str(now)


def state_cell(row: Any) -> Markup:
    """The state; of a live one, how it is right now."""
    if row.state not in ("live", "paused"):
        return cells.word("connector_state", row.state)
    return cells.word("connector_now", now_of(row.state, row.now, row.beat_at))


def waiting_cell(row: Any) -> Any:
    """How old the oldest undelivered item is."""
    if row.state not in ("live", "paused"):
        return cells.EMPTY
    if row.oldest_waiting_at is None:
        return cells.pill(gettext("无积压"), "good")
    late = row.oldest_waiting_at < datetime.now(UTC) - LATE
    return Markup("{} <small>{}</small>").format(
        cells.pill(cells.ago(row.oldest_waiting_at), "bad" if late else "wait"),
        gettext("%(n)s 条", n=row.waiting),
    )


def days_left(until: datetime | None) -> int | None:
    """Days until then, rounded down."""
    return None if until is None else (until - datetime.now(UTC)).days


def certificate_cell(row: Any) -> Any:
    """Days left."""
    left = days_left(row.certificate_until)
    if left is None:
        return cells.EMPTY
    tone = "bad" if left < 7 else "warn" if left < SOON.days else "mute"
    return cells.pill(gettext("%(n)s 天", n=left) if left >= 0 else gettext("已过期"), tone)


def _refused(row: Any) -> Any:
    if not row.refused:
        return cells.EMPTY
    return Markup('<a class="bad-text" href="{}">{}</a>').format(
        url_for("ConnectorView.refusals", code=row.code), row.refused
    )


def _title(row: Any) -> Markup:
    return Markup("{} <small>{}</small>").format(row.title, row.code)


def _version(row: Any) -> Markup:
    known = Markup("v{}").format(row.version) if row.version else Markup("")
    draft = Markup(" {}").format(cells.pill(gettext("草稿 v%(n)s", n=row.draft), "wait")) if row.draft else ""
    return known + draft


def departments(tx: Connection) -> list[tuple[str, Any]]:
    """Departments with a connector, for a filter."""
    rows = tx.execute(
        select(Department.code, Department.name)
        .where(Department.code.in_(select(Connector.department).where(*seen())))
        .order_by(Department.name)
    )
    return [(row.code, row.name) for row in rows]


def _attention(tx: Connection) -> list[tuple[str, Any]]:
    del tx
    return [
        ("late", gettext("有积压")),
        ("refused", gettext("有没处理的拒收")),
        ("gone", gettext("失去联系")),
        ("certificate", gettext("证书快到期")),
    ]


LISTING = Listing(
    title=_("部门连接器"),
    query=_query,
    columns=(
        Column("title", _("连接器"), _title, Connector.title, narrow=True),
        Column("department_name", _("部门"), lambda r: cells.plain(r.department_name), Department.name),
        Column(
            "oldest_waiting_at",
            _("最早未送达"),
            waiting_cell,
            ConnectorHealth.oldest_waiting_at,
            narrow=True,
        ),
        Column(
            "state",
            _("状态"),
            state_cell,
            Connector.state,
            lambda r: cells.word_text("connector_state", r.state),
            narrow=True,
        ),
        Column("refused", _("拒收"), _refused),
        Column("last_contact_at", _("最近联系"), lambda r: cells.ago(r.last_contact_at), wider=True),
        Column("version", _("版本"), _version, Connector.version),
        Column(
            "kinds",
            _("方式"),
            lambda r: Markup(" ").join(cells.word("connector_kind", one) for one in kinds(r)) or cells.EMPTY,
            None,
            lambda r: gettext("、").join(cells.word_text("connector_kind", one) for one in kinds(r)),
            wider=True,
        ),
        Column("certificate_until", _("证书剩余"), certificate_cell, ConnectorHealth.certificate_until),
    ),
    order=(ConnectorHealth.oldest_waiting_at.asc().nulls_last(), Connector.code),
    search=(Connector.code, Connector.title, Department.name),
    search_hint=_("代码、名称、部门"),
    choices=(
        Choice("state", _("状态"), Connector.state, words("connector_state")),
        Choice("runs_at", _("在哪里运行"), Connector.runs_at, words("connector_runs_at")),
        Choice("department", _("部门"), Connector.department, departments),
        Choice(
            "attention",
            _("需要关注"),
            None,
            _attention,
            {
                "late": lambda: ConnectorHealth.oldest_waiting_at < datetime.now(UTC) - LATE,
                "refused": lambda: (
                    select(ConnectorRefusal.id)
                    .where(
                        ConnectorRefusal.connector == Connector.code, ConnectorRefusal.settled_at.is_(None)
                    )
                    .exists()
                ),
                "gone": lambda: and_(
                    Connector.state == "live",
                    or_(
                        ConnectorHealth.beat_at.is_(None),
                        ConnectorHealth.beat_at < datetime.now(UTC) - GONE,
                    ),
                ),
                "certificate": lambda: ConnectorHealth.certificate_until < datetime.now(UTC) + SOON,
            },
        ),
    ),
    href=lambda r: url_for("ConnectorView.show", code=r.code),
    empty=_("还没有连接器。点“接入一个部门”，选部门、选方式，几分钟就能接好，不用写代码。"),
)
