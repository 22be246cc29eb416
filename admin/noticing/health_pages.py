"""部门健康: how long the oldest item of each department has been waiting, and everything else that waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import request
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from sqlalchemy import select

from admin.pages import Screen
from admin.premises import here
from hub.exchange.department_health import department_health, per_day
from hub.noticing.alert import AlertLimit


class HealthView(Screen):
    """部门健康."""

    route_base = "/health"
    default_view = "list"

    @expose("/")
    @has_access
    @permission_name("list")
    def list(self) -> str:
        """Departments, and the last thirty days of one or of all."""
        premises, now = here(), datetime.now(UTC)
        with premises.engine.connect() as tx:
            found = department_health(tx, premises.config.desk.area)
            chosen = next((one for one in found if one.code == request.args.get("department")), None)
            days = per_day(tx, now, chosen.code if chosen else None)
            minutes = tx.scalar(select(AlertLimit.minutes).where(AlertLimit.kind == "undelivered")) or 0
        return self.page(
            "health.html",
            title=gettext("部门健康"),
            departments=found,
            chosen=chosen,
            late=now - timedelta(minutes=minutes),
            series={
                "labels": [one.day.strftime("%m-%d") for one in days],
                "pushed": [one.pushed for one in days],
                "signed": [one.signed for one in days],
            },
            any_days=any(one.pushed for one in days),
        )
