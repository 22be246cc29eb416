"""告警: what is older than its limit, now and before; and the limits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import Connection, Select, func, select
from werkzeug.wrappers import Response

from admin import cells
from admin.in_words import in_words
from admin.listing import Choice, Column, Listing, words
from admin.pages import ListScreen, reason, sentence_on_refusal, to
from admin.premises import actor, here
from hub.errors import Rejected
from hub.noticing.alert import KINDS, Alert, AlertLimit
from hub.noticing.raise_alerts import change_limit

#: The housekeeper looks every minute; so long without a look means that nobody does.
QUIET = timedelta(minutes=5)
OPEN = Alert.cleared_at.is_(None)


def open_alerts(tx: Connection) -> int:
    """How many alerts are open."""
    return tx.scalar(select(func.count()).select_from(Alert).where(OPEN)) or 0


def open_alerts_now() -> int:
    """The same, on a connection of its own: for the side bar."""
    with here().engine.connect() as tx:
        return open_alerts(tx)


def _query() -> Select[Any]:
    return select(Alert.__table__).select_from(Alert)


def _href(row: Any) -> str:
    """Where the thing itself can be looked at."""
    what, _colon, name = row.subject.partition(":")
    if row.kind == "quarantined":
        return url_for("QuarantineView.list", state="held", department=name if what == "department" else None)
    if what == "connector":
        return url_for("ConnectorView.health", code=name)
    if row.kind == "certificate":
        return url_for("DepartmentView.list")
    if row.kind == "undelivered":
        return url_for("PushView.list", attention="undelivered", department=name)
    if row.kind == "unpublished":
        return url_for("OutboxView.list", state="waiting", q=name)
    if row.kind == "parked":
        return url_for("ParkedView.list", q=name)
    return url_for("ProgramView.list") if row.kind == "program" else url_for("HealthView.list")


class AlertView(ListScreen):
    """告警."""

    route_base = "/alerts"
    list_template = "alerts.html"
    listing = Listing(
        title=_("告警"),
        query=_query,
        columns=(
            Column("kind", _("类别"), lambda r: cells.word("alert_kind", r.kind), Alert.kind, narrow=True),
            Column("words", _("说明"), lambda r: cells.plain(in_words(r.words)), None, narrow=True),
            Column("since", _("最早的一条"), lambda r: cells.ago(r.since), Alert.since),
            Column("raised_at", _("告警时间"), lambda r: cells.when(r.raised_at), Alert.raised_at),
            Column(
                "cleared_at",
                _("状态"),
                lambda r: cells.when(r.cleared_at) if r.cleared_at else cells.pill(gettext("未恢复"), "bad"),
                Alert.cleared_at,
                narrow=True,
            ),
        ),
        order=(OPEN.desc(), Alert.id.desc()),
        search=(Alert.subject, Alert.words),
        search_hint=_("部门、主题、说明"),
        choices=(
            Choice(
                "state",
                _("状态"),
                None,
                lambda _tx: [("open", gettext("未恢复")), ("cleared", gettext("已恢复"))],
                {"open": lambda: OPEN, "cleared": lambda: Alert.cleared_at.is_not(None)},
            ),
            Choice("kind", _("类别"), Alert.kind, words("alert_kind")),
        ),
        day=(_("告警日期"), Alert.raised_at),
        href=_href,
        empty=_("没有告警：没有什么超过时限。"),
    )

    def extras(self) -> dict[str, Any]:
        """The limits, and whether anybody looks."""
        with here().engine.connect() as tx:
            rows = {row.kind: row for row in tx.execute(select(AlertLimit.__table__))}
        limits = [rows[kind] for kind in KINDS if kind in rows]
        old = datetime.now(UTC) - QUIET
        return {
            "limits": limits,
            "unwatched": [r.kind for r in limits if r.checked_at is None or r.checked_at < old or r.fault],
        }

    @expose("/limit", methods=["POST"])
    @has_access
    @permission_name("edit")
    @sentence_on_refusal(to("AlertView.list"))
    def set_limit(self) -> Response:
        """How old a kind may grow, and whether it is looked for."""
        minutes = request.form.get("minutes", "").strip()
        if not minutes.isdecimal() or len(minutes) > 6:
            raise Rejected(gettext("时限应为整数分钟。"))
        kind, active = request.form.get("kind", ""), bool(request.form.get("active"))
        with here().engine.begin() as tx:
            changed = change_limit(tx, kind, int(minutes), active, actor=actor(), reason=reason())
        flash(gettext("时限已修改，下一轮检查起生效。") if changed else gettext("没有改动。"), "success")
        return redirect(url_for("AlertView.list"))
