"""首页: for each role, the figures that this role acts on, each leading to the list behind it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from flask import g, redirect, url_for
from flask_appbuilder import expose, permission_name
from flask_appbuilder.views import IndexView
from flask_babel import gettext
from flask_login import logout_user
from sqlalchemy import Connection, func, select

from admin import cells, health
from admin.board.view import for_home
from admin.connecting.home_tiles import connector_tiles
from admin.first_steps import first_steps
from admin.home_figures import (
    RECENT,
    counted,
    notices,
    per_day,
    recent_cases,
    results,
    signing_rates,
    states,
    tile,
    today,
)
from admin.inbox.home_tiles import inbox_tiles
from admin.noticing.alert_pages import open_alerts
from admin.noticing.notice_pages import unread
from admin.premises import here, own_department, roles
from admin.pushing.held_tiles import held_tiles
from admin.sharing.home_tiles import not_submitted_tile, waiting_tiles
from hub.case import Case, Decision
from hub.department import Department
from hub.exchange.inbox import Quarantined
from hub.exchange.outbox import OutboxRow, ParkedKey
from hub.feedback.finding import Finding
from hub.licensing.licence import Licence
from hub.overview import ProgramHealth, departments, programs
from hub.pushing.push import Push


class HomeView(IndexView):
    """The page behind `/`."""

    base_permissions: ClassVar = ["can_see"]

    @expose("/")
    @permission_name("see")
    def index(self) -> Any:
        """The signed-in user's home; else the sign-in page."""
        if not g.user.is_authenticated:
            return redirect(url_for("SignInView.login"))
        mine = roles()
        with here().engine.connect() as tx:
            if mine & {"data_admin", "Admin"}:
                shown = _for_data_admin(tx)
            elif "clerk" in mine:
                shown = _for_clerk(tx)
            elif "approver" in mine:
                shown = _for_approver(tx)
            else:
                shown = _for_overseer(tx)
            kind = shown.pop("kind")
            steps = first_steps(tx, kind, own_department())
        return self.render_template(
            f"shenguan/home_{kind}.html",
            appbuilder=self.appbuilder,
            title=gettext("首页"),
            steps=steps,
            **(for_home() if kind == "data_admin" else {}),
            **shown,
        )

    @expose("/sign-out", methods=["POST"])
    def sign_out(self) -> Any:
        """Leave, by a POST with a token: no other site can sign a person out."""
        logout_user()
        return redirect(url_for("SignInView.login"))


def _for_data_admin(tx: Connection) -> dict[str, Any]:
    now = datetime.now(UTC)
    waiting, oldest = tx.execute(
        select(func.count(), func.min(OutboxRow.created_at)).where(OutboxRow.published_at.is_(None))
    ).one()
    parked = tx.scalar(select(func.count()).select_from(ParkedKey)) or 0
    held = counted(tx, Quarantined.state == "held")
    backlog = departments(tx, now)
    undelivered = sum(department.undelivered for department in backlog)
    longest = max((d.oldest_undelivered_seconds or 0 for d in backlog), default=0)
    tiles = [
        tile(
            gettext("未签收推送"),
            undelivered,
            url_for("PushView.list", attention="undelivered"),
            tone="warn" if longest > 3600 else "plain",
            note=gettext("最久 %(age)s", age=cells.duration(longest))
            if undelivered
            else gettext("全部已签收"),
        ),
        tile(
            gettext("待发布消息"),
            waiting,
            url_for("OutboxView.list", state="waiting"),
            tone="warn" if oldest and (now - oldest) > timedelta(minutes=1) else "plain",
            note=cells.ago(oldest) if oldest else gettext("发件箱已清空"),
        ),
        tile(
            gettext("搁置的办件"),
            parked,
            url_for("ParkedView.list"),
            tone="bad" if parked else "plain",
            note=gettext("需要放行") if parked else gettext("没有搁置"),
        ),
        tile(
            gettext("隔离区待处理"),
            held,
            url_for("QuarantineView.list", state="held"),
            tone="bad" if held else "plain",
            note=gettext("需要核对") if held else gettext("没有待处理"),
        ),
    ]
    return {
        "kind": "data_admin",
        "tiles": [*tiles, _alerts_tile(tx), *connector_tiles(tx), *held_tiles(tx), *waiting_tiles(tx)],
        "backlog": backlog,
        "parts": health.look(here()),
        "programs": _worth_showing(programs(tx, now)),
        "notices": notices(tx, 5),
        "days": per_day(tx),
    }


def _alerts_tile(tx: Connection) -> dict[str, Any]:
    alerts = open_alerts(tx)
    note = gettext("超过时限") if alerts else gettext("没有告警")
    return tile(gettext("告警"), alerts, url_for("AlertView.list", state="open"), tone="bad", note=note)


def _worth_showing(found: tuple[ProgramHealth, ...]) -> list[ProgramHealth]:
    """Every program at work, and one that has gone only where no other instance of it is there."""
    alive = {program.name for program in found if program.state in ("running", "waiting")}
    gone = {
        program.name: program for program in found if program.state == "gone" and program.name not in alive
    }
    return [
        program for program in found if program.name in alive and program.state in ("running", "waiting")
    ] + [*gone.values()]


def _for_clerk(tx: Connection) -> dict[str, Any]:
    midnight = today()
    tiles = [
        tile(gettext("未读提醒"), unread(tx), url_for("NoticeView.list", state="unread"), tone="accent"),
        tile(
            gettext("今日办件"),
            counted(tx, Case.created_at >= midnight),
            url_for("CaseView.list", **{"from": midnight.date().isoformat()}),
        ),
        tile(
            gettext("需要关注的办件"),
            counted(tx, Case.standing != "clear"),
            url_for("CaseView.list", standing="any"),
            tone="warn",
        ),
        tile(
            gettext("暂扣的证照"),
            counted(tx, Licence.status == "02"),
            url_for("LicenceView.list", status="02"),
            tone="bad",
        ),
        not_submitted_tile(tx),
    ]
    return {"kind": "clerk", "tiles": tiles, "notices": notices(tx), "recent": recent_cases(tx)}


def _for_approver(tx: Connection) -> dict[str, Any]:
    midnight = today()
    returned = Push.state == "returned"
    tiles = [
        tile(
            gettext("今日决定"),
            counted(tx, Decision.created_at >= midnight),
            url_for("CaseView.list", **{"from": midnight.date().isoformat()}),
        ),
        tile(
            gettext("本月决定"),
            counted(tx, Decision.created_at >= midnight.replace(day=1)),
            url_for("CaseView.list", **{"from": midnight.replace(day=1).date().isoformat()}),
        ),
        tile(
            gettext("被退回的推送"),
            counted(tx, returned),
            url_for("PushView.list", state="returned"),
            tone="bad",
        ),
        tile(
            gettext("暂扣的证照"),
            counted(tx, Licence.status == "02"),
            url_for("LicenceView.list", status="02"),
            tone="warn",
        ),
        *held_tiles(tx),
        *waiting_tiles(tx),
    ]
    rows = tx.execute(
        select(
            Push.id, Push.case_no, Push.returned_at, Push.returned_why, Department.name.label("department")
        )
        .join(Department, Department.code == Push.department)
        .where(returned)
        .order_by(Push.returned_at.desc())
        .limit(RECENT)
    ).all()
    return {
        "kind": "approver",
        "tiles": tiles,
        "returned": rows,
        "recent": recent_cases(tx),
        "days": per_day(tx),
    }


def _for_overseer(tx: Connection) -> dict[str, Any]:
    mine = own_department()
    only = () if mine is None else (Push.department == mine,)
    found = () if mine is None else (Finding.department == mine,)
    tiles = [*overseer_tiles(tx, only, found), *(waiting_tiles(tx) if mine else [not_submitted_tile(tx)])]
    if inbox := inbox_tiles(tx):
        tiles[:3] = inbox
    return {
        "kind": "overseer",
        "tiles": tiles,
        **overseer_charts(tx, only, found),
        "department": mine,
    }


def overseer_tiles(tx: Connection, only: Sequence[Any], found: Sequence[Any]) -> list[dict[str, Any]]:
    """What there is, and what is the matter with it; `only` of these pushes and of what was `found`."""
    return [
        tile(gettext("推送总数"), counted(tx, Push.id.is_not(None), *only), url_for("PushView.list")),
        tile(
            gettext("待签收"),
            counted(tx, Push.state.in_(["owed", "arrived"]), *only),
            url_for("PushView.list", attention="undelivered"),
            tone="accent",
        ),
        tile(
            gettext("超过时限"),
            counted(tx, Push.overdue, *only),
            url_for("PushView.list", attention="overdue"),
            tone="bad",
        ),
        tile(
            gettext("不符合的检查"),
            counted(tx, Finding.check_result == "3", Finding.standing == "standing", *found),
            url_for("FindingView.list", check_result="3"),
            tone="warn",
        ),
    ]


def overseer_charts(tx: Connection, only: Sequence[Any], found: Sequence[Any]) -> dict[str, Any]:
    """Whether it is signed for in time, how far it is, and what is reported."""
    return {
        "rates": signing_rates(tx, *only),
        "states": states(tx, *only),
        "results": results(tx, *found),
        "days": per_day(tx, *only),
    }
