"""复用统计: how often nothing had to be submitted again, by month, item, department; each figure leads to its records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask import Response, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import Connection

from admin.home_figures import tile
from admin.pages import Screen, as_file
from admin.premises import here, may, own_department
from admin.sharing.grant_list import today
from admin.sharing.people import department_names, departments
from hub.reuse.statistics import Figures, Statistics, statistics

LONGEST = timedelta(days=3700)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which days, and whose."""

    since: date
    until: date
    department: str | None

    def link(self, **more: Any) -> str:
        """The records behind a figure."""
        period = {"from": self.since.isoformat(), "to": self.until.isoformat()}
        kept = {"department": self.department} if self.department else {}
        return url_for("UseView.list", state="counted", **{**period, **kept, **more})


class StatisticsView(Screen):
    """复用统计."""

    route_base = "/reuse/statistics"
    default_view = "list"

    @expose("/")
    @has_access
    @permission_name("list")
    def list(self) -> str:
        """Figures, chart and tables of a period."""
        asked = _asked()
        with here().engine.connect() as tx:
            found = statistics(tx, asked.since, asked.until, department=asked.department)
            offices = [] if own_department() else departments(tx)
            name = department_names(tx).get(asked.department or "")
        return self.page(
            "sharing_statistics.html",
            title=_("复用统计"),
            asked=asked,
            found=found,
            offices=offices,
            office=name,
            own=own_department(),
            tiles=_tiles(asked, found),
            presets=_presets(asked),
            months=[_month(asked, one) for one in found.months],
            can_export=may("can_export", "StatisticsView"),
        )

    @expose("/export.<kind>")
    @has_access
    @permission_name("export")
    def export(self, kind: str) -> Response:
        """All tables as one file."""
        asked = _asked()
        with here().engine.connect() as tx:
            rows = list(_rows(tx, asked))
        return as_file(iter(rows), kind, f"reuse-{asked.since}-{asked.until}")


def _asked() -> Asked:
    """The days that the address asks for; without any, this year until today."""
    last = _day(request.args.get("to")) or today()
    first = _day(request.args.get("from")) or last.replace(month=1, day=1)
    if first > last:
        first, last = last, first
    return Asked(max(first, last - LONGEST), last, own_department() or request.args.get("department") or None)


def _day(text: str | None) -> date | None:
    try:
        day = date.fromisoformat(text) if text else None
    except ValueError:
        return None
    return day if day is None or 2000 <= day.year <= 2200 else None


def _presets(asked: Asked) -> list[dict[str, Any]]:
    now = today()
    month = now.replace(day=1)
    before = (month - timedelta(days=1)).replace(day=1)
    spans = (
        (gettext("本月"), month, now),
        (gettext("上月"), before, month - timedelta(days=1)),
        (gettext("本年"), now.replace(month=1, day=1), now),
        (gettext("近一年"), now - timedelta(days=364), now),
    )
    kept = {"department": asked.department} if asked.department and not own_department() else {}
    return [
        {
            "text": text,
            "href": url_for("StatisticsView.list", **{"from": first, "to": last, **kept}),
            "current": (first, last) == (asked.since, asked.until),
        }
        for text, first, last in spans
    ]


def _tiles(asked: Asked, found: Statistics) -> list[dict[str, Any]]:
    total = found.total
    here_ = request.full_path
    return [
        tile(
            gettext("免提交次数"),
            total.used,
            asked.link(),
            tone="good",
            note=gettext("%(n)s 个办件受理", n=f"{total.cases:,}"),
        ),
        tile(gettext("新收份数"), total.taken, f"{here_}#items", note=gettext("申请人提交的文件")),
        tile(
            gettext("重复收取"),
            total.repeated,
            f"{here_}#never",
            tone="warn",
            note=gettext("收取时已有在效的同类材料"),
        ),
    ]


def _month(asked: Asked, one: Figures) -> dict[str, Any]:
    first = date.fromisoformat(f"{one.key}-01")
    last = (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    period = {"from": max(first, asked.since).isoformat(), "to": min(last, asked.until).isoformat()}
    return {
        "month": one.key,
        "used": one.used,
        "taken": one.taken,
        "rate": one.rate,
        "href": asked.link(**period),
    }


def _rows(tx: Connection, asked: Asked) -> Iterator[list[str]]:
    found = statistics(tx, asked.since, asked.until, department=asked.department)
    titles = (
        _("分类"), _("名称"), _("所在部门"), _("受理办件"), _("免提交次数"), _("新收份数"), _("重复收取"), _("复用率（%）")
    )  # fmt: skip
    yield [str(title) for title in titles]
    kinds = (
        (gettext("合计"), [found.total]),
        (gettext("按月份"), found.months),
        (gettext("按事项"), found.items),
        (gettext("按部门"), found.departments),
        (gettext("按经办人"), found.clerks),
    )
    for kind, figures in kinds:
        for one in figures:
            counts = [str(n) for n in (one.cases, one.used, one.taken, one.repeated)]
            rate = "" if one.rate is None else str(one.rate)
            yield [kind, one.name, one.department or "", *counts, rate]
