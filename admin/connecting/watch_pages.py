"""Watching a connector: how it is, over time, what was refused and why, which values no code table knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Response, flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from sqlalchemy import Connection, func, select
from werkzeug.wrappers import Response as Answer

from admin import listing
from admin.connecting import refusal_list
from admin.connecting.connector_list import LATE, days_left, now_of
from admin.connecting.measures import HEIGHT, SPANS, WIDTH, bars, oldest_chart, records_chart
from admin.connecting.reading import read
from admin.connecting.screen import ConnectingScreen
from admin.connecting.steps import steps_of
from admin.pages import as_file, reason, sentence_on_refusal, to
from admin.premises import actor, here, may
from hub.connecting.connector import ConnectorMeasure, ConnectorRefusal, ConnectorUnmapped
from hub.connecting.settle_refusals import settle_refusals
from hub.errors import Rejected
from schemas.mapping.masking import masked

MOST = 500


class WatchPages(ConnectingScreen):
    """运行情况, 拒收, 没有对照的值."""

    @expose("/<code>/health")
    @has_access
    @permission_name("show")
    def health(self, code: str) -> str:
        """The oldest undelivered first, then rates, errors by cause, contact, lag, certificate."""
        span = request.args.get("span", "day")
        span = span if span in SPANS else "day"
        now = datetime.now(UTC)
        with here().engine.connect() as tx:
            shown = read(tx, code)
            pieces = bars(tx, code, span, now)
            causes = tx.execute(
                select(
                    ConnectorRefusal.cause, func.count().label("n"), func.max(ConnectorRefusal.at).label("at")
                )
                .where(ConnectorRefusal.connector == code, ConnectorRefusal.settled_at.is_(None))
                .group_by(ConnectorRefusal.cause)
                .order_by(func.count().desc())
            ).all()
            flows = _flows(tx, code, now)
            unmapped = tx.scalar(select(func.count()).where(ConnectorUnmapped.connector == code)) or 0
        health = shown.health
        return self.page(
            "connector_health.html",
            title=gettext("运行情况"),
            shown=shown,
            health=health,
            steps=steps_of(shown),
            at="health",
            now=now_of(shown.row["state"], health and health["state"], health and health["beat_at"]),
            late=now - LATE,
            left=days_left(health["certificate_until"]) if health else None,
            span=span,
            pieces=pieces,
            records=records_chart(pieces),
            oldest=oldest_chart(pieces),
            size=(WIDTH, HEIGHT),
            causes=causes,
            flows=flows,
            unmapped=unmapped,
        )

    @expose("/<code>/refusals/")
    @has_access
    @permission_name("show")
    def refusals(self, code: str) -> str:
        """What could not be mapped, taken or sent, with its cause."""
        with here().engine.connect() as tx:
            shown = read(tx, code)
            page = listing.open_page(tx, refusal_list.LISTING, ConnectorRefusal.connector == code)
        return self.page(
            "connector_refusals.html",
            title=gettext("拒收"),
            shown=shown,
            page=page,
            can_export=may("can_export", "ConnectorView"),
            can_settle=may("can_settle", "ConnectorView"),
        )

    @expose("/<code>/refusals/export.<kind>")
    @has_access
    @permission_name("export")
    def refusals_file(self, code: str, kind: str) -> Response:
        """The filtered list as a file."""
        with here().engine.connect() as tx:
            read(tx, code)
        return as_file(_rows(code), kind, f"{code}-refusals")

    @expose("/<code>/refusals/<int:number>")
    @has_access
    @permission_name("show")
    def refusal(self, code: str, number: int) -> str:
        """One refusal: the record, and its faults field by field."""
        with here().engine.connect() as tx:
            shown = read(tx, code)
            row = refusal_list.one(tx, code, number)
        return self.page(
            "connector_refusal.html",
            title=gettext("拒收 %(ref)s", ref=row.ref),
            shown=shown,
            row=row,
            record=masked(row.record) if row.record else {},
            faults=[_masked_fault(one) for one in row.faults or () if isinstance(one, Mapping)],
            state=refusal_list.state(row),
            can_settle=may("can_settle", "ConnectorView") and row.settled_at is None,
            sees_record=may("can_settle", "ConnectorView"),
        )

    @expose("/<code>/refusals/settle", methods=["POST"])
    @has_access
    @permission_name("settle")
    @sentence_on_refusal(to("ConnectorView.refusals"))
    def settle(self, code: str) -> Answer:
        """重试 or 作废, several at once."""
        ids = [int(one) for one in request.form.getlist("id") if one.isdecimal() and len(one) < 19][:MOST]
        how, why = ("dismiss" if request.form.get("how") == "dismiss" else "again"), reason()
        if not ids:
            raise Rejected(gettext("请先勾选要处理的拒收。"))
        with here().engine.begin() as tx:
            read(tx, code)
            ids = refusal_list.of_connector(tx, code, ids)
            count = settle_refusals(tx, here().config.desk, ids, how=how, reason=why, actor=actor())
        done = {
            "again": gettext("%(n)s 条已安排重试，结果会更新在这里。", n=count),
            "dismiss": gettext("%(n)s 条已作废，不再重试。", n=count),
        }
        flash(done[how], "success" if count else "warning")
        return redirect(url_for("ConnectorView.refusals", code=code))

    @expose("/<code>/unmapped")
    @has_access
    @permission_name("show")
    def unmapped(self, code: str) -> str:
        """Values that no pair of a code table names."""
        with here().engine.connect() as tx:
            shown = read(tx, code)
            page = listing.open_page(tx, refusal_list.UNMAPPED, ConnectorUnmapped.connector == code)
        return self.page(
            "connector_unmapped.html", title=gettext("没有对照的值"), shown=shown, page=page, can_export=False
        )


def _masked_fault(fault: Mapping[str, Any]) -> dict[str, Any]:
    target = str(fault.get("target", ""))
    return {**fault, "value": masked({target: fault.get("value")})[target]}


def _rows(code: str) -> Iterator[list[str]]:
    with here().engine.connect() as tx:
        yield from listing.every_row(tx, refusal_list.LISTING, ConnectorRefusal.connector == code)


def _flows(tx: Connection, code: str, now: datetime) -> list[Any]:
    """What each flow did in the last hour and day."""
    of = ConnectorMeasure
    hour = of.at >= now - timedelta(hours=1)
    query = (
        select(
            of.flow,
            func.coalesce(func.sum(of.records).filter(hour), 0).label("hour"),
            func.sum(of.records).label("day"),
            func.sum(of.refused).label("refused"),
            func.sum(of.failed).label("failed"),
            func.sum(of.busy_ms).label("busy"),
        )
        .where(of.connector == code, of.at >= now - timedelta(days=1))
        .group_by(of.flow)
        .order_by(of.flow)
    )
    return list(tx.execute(query))
