"""Take a report 连接器自报: how a connector that runs at its department is, what it refused, what it could not translate.

Guarantees: a department reports of its own connectors only; the same report again changes nothing; what it says stands in
the same tables as what a connector on the host says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.postgresql import insert

from hub.connecting.connector import (
    Connector,
    ConnectorHealth,
    ConnectorMeasure,
    ConnectorRefusal,
    ConnectorUnmapped,
)
from hub.errors import NotFound
from hub.ports import Desk

_MOMENTS = (
    "last_contact_at",
    "last_delivered_at",
    "last_collected_at",
    "oldest_waiting_at",
    "certificate_until",
)


def own_connector(tx: Connection, department: str) -> Any:
    """The row of the connector that a department runs itself. Raises NotFound."""
    row = tx.execute(
        select(*Connector.__table__.columns)
        .where(
            Connector.department == department, Connector.state != "retired", Connector.version.is_not(None)
        )
        .where(Connector.runs_at == "department")
        .order_by(Connector.state.in_(("live", "paused")).desc(), Connector.created_at.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        raise NotFound("本部门没有上线的、在部门运行的连接器。请联系数据管理员。")
    return row


def take_report(
    tx: Connection, desk: Desk, department: str, report: Mapping[str, Any]
) -> list[dict[str, str]]:
    """Keep what it says; gives the refused records that somebody asked to have tried again."""
    code = own_connector(tx, department).code
    keep_report(tx, desk, code, report)
    again = select(ConnectorRefusal.flow, ConnectorRefusal.ref, ConnectorRefusal.direction).where(
        ConnectorRefusal.connector == code, ConnectorRefusal.settled_at.is_(None), ConnectorRefusal.again
    )
    return [dict(row) for row in tx.execute(again.order_by(ConnectorRefusal.id).limit(1000)).mappings()]


def keep_report(tx: Connection, desk: Desk, code: str, report: Mapping[str, Any]) -> None:
    """What one connector says of itself, wherever it runs; without a `state` its health is left as it is."""
    if "state" in report:
        _keep_health(tx, code, report, desk.clock())
    _keep_measures(tx, code, report.get("measures", ()))
    _keep_refusals(tx, code, report.get("refusals", ()), desk.clock())
    _keep_unmapped(tx, code, report.get("unmapped", ()), desk.clock())
    _settle(tx, code, report.get("taken", ()), desk.clock())


def _keep_health(tx: Connection, code: str, report: Mapping[str, Any], now: datetime) -> None:
    row = {
        "instance": report["instance"],
        "version": report.get("version"),
        "state": report["state"],
        "words": report.get("words"),
        "waiting": report.get("waiting", 0),
        "lag": report.get("lag", 0),
        "beat_at": now,
        **{name: _moment(report.get(name)) for name in _MOMENTS},
    }
    kept = insert(ConnectorHealth).values(connector=code, **row)
    tx.execute(kept.on_conflict_do_update(index_elements=["connector"], set_=row))


def _keep_measures(tx: Connection, code: str, measures: Sequence[Mapping[str, Any]]) -> None:
    """What one flow did in one minute is said as a whole: said again, it stands as said last."""
    for one in measures:
        counts = {name: one.get(name, 0) for name in ("records", "refused", "failed", "busy_ms")}
        counts["oldest_age_s"] = one.get("oldest_age_s")
        at = _moment(one["at"])
        minute = at.replace(second=0, microsecond=0) if at else None
        kept = insert(ConnectorMeasure).values(connector=code, flow=one["flow"], at=minute, **counts)
        tx.execute(kept.on_conflict_do_update(index_elements=["connector", "flow", "at"], set_=counts))


def _keep_refusals(tx: Connection, code: str, refusals: Sequence[Mapping[str, Any]], now: datetime) -> None:
    for one in refusals:
        said = {
            "cause": one["cause"],
            "words": one["words"][:2000],
            "faults": one.get("faults", []),
            "record": one.get("record"),
        }
        kept = insert(ConnectorRefusal).values(
            connector=code, flow=one["flow"], direction=one["direction"], ref=one["ref"], at=now, **said
        )
        tx.execute(
            kept.on_conflict_do_update(
                index_elements=["connector", "flow", "ref"],
                index_where=ConnectorRefusal.settled_at.is_(None),
                set_={**said, "times": one.get("times", ConnectorRefusal.times), "again": False},
            )
        )


def _settle(tx: Connection, code: str, taken: Sequence[Mapping[str, Any]], now: datetime) -> None:
    for one in taken:
        tx.execute(
            update(ConnectorRefusal)
            .where(
                ConnectorRefusal.connector == code,
                ConnectorRefusal.flow == one["flow"],
                ConnectorRefusal.ref == one["ref"],
                ConnectorRefusal.settled_at.is_(None),
            )
            .values(settled_at=now, settled_as="taken", settled_by=f"connector:{code}")
        )


def _keep_unmapped(tx: Connection, code: str, unmapped: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """How often each value was seen is said as a whole, too."""
    for one in unmapped:
        key = {name: one[name] for name in ("code_table", "direction", "value")}
        times = one.get("times", 1)
        kept = insert(ConnectorUnmapped).values(
            connector=code, **key, flow=one["flow"], times=times, first_at=now, last_at=now
        )
        more = {"times": func.greatest(ConnectorUnmapped.times, times), "last_at": now}
        tx.execute(kept.on_conflict_do_update(index_elements=["connector", *key], set_=more))


def _moment(said: str | None) -> datetime | None:
    return None if said is None else datetime.fromisoformat(said)
