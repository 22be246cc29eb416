"""Overview: the figures that status, the home pages and `/healthz` show. A handful of queries, all on small indexes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, text

from hub.case import Decision
from hub.department import Department
from hub.exchange.inbox import Quarantined
from hub.exchange.outbox import OutboxRow, ParkedKey
from hub.feedback.finding import Finding
from hub.ledger import LedgerUnsealed
from hub.noticing.notice import Notice
from hub.program import Program
from hub.pushing.push import STATES, Push
from hub.report_program import SILENT


@dataclass(frozen=True, slots=True)
class DepartmentHealth:
    """Health is the age of the oldest item that has not been signed for."""

    code: str
    name: str
    undelivered: int
    oldest_undelivered_seconds: float | None


@dataclass(frozen=True, slots=True)
class ProgramHealth:
    """`state` is 'running', 'waiting', 'stopped' or, after long silence, 'gone'."""

    name: str
    instance: str
    state: str
    detail: str | None
    seen_seconds_ago: float


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything at one moment."""

    decisions: int
    pushes: dict[str, int]
    overdue: int
    unsigned_revisions: int  # corrections and withdrawals that wait to be signed for
    outbox_unpublished: int
    outbox_oldest_seconds: float | None
    parked_keys: int
    quarantined: int
    findings: int
    notices_unread: int
    ledger_unsealed: int
    departments: tuple[DepartmentHealth, ...]
    programs: tuple[ProgramHealth, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def overview(tx: Connection, now: datetime) -> Overview:
    """Count. `now` is the caller's clock, UTC."""
    waiting = tx.execute(
        select(func.count(), func.min(OutboxRow.created_at)).where(OutboxRow.published_at.is_(None))
    ).one()
    states = dict.fromkeys(STATES, 0)
    for state, count in tx.execute(select(Push.state, func.count()).group_by(Push.state)):
        states[state] = count
    return Overview(
        decisions=_count(tx, select(func.count()).select_from(Decision)),
        pushes=states,
        overdue=_count(tx, select(func.count()).select_from(Push).where(Push.overdue)),
        unsigned_revisions=_count(tx, select(func.count()).select_from(Push).where(Push.unsigned_revision)),
        outbox_unpublished=waiting[0],
        outbox_oldest_seconds=_age(waiting[1], now),
        parked_keys=_count(tx, select(func.count()).select_from(ParkedKey)),
        quarantined=_count(tx, select(func.count()).where(Quarantined.state == "held")),
        findings=_count(tx, select(func.count()).select_from(Finding)),
        notices_unread=_count(tx, select(func.count()).where(Notice.read_at.is_(None))),
        ledger_unsealed=_count(tx, select(func.count()).select_from(LedgerUnsealed)),
        departments=departments(tx, now),
        programs=programs(tx, now),
    )


def departments(tx: Connection, now: datetime) -> tuple[DepartmentHealth, ...]:
    """Every active department, the longest waiting first."""
    undelivered = (
        select(Push.department, func.count().label("count"), func.min(Push.created_at).label("oldest"))
        .where(text("state IN ('owed', 'arrived')"))  # literally as in the partial index
        .group_by(Push.department)
        .subquery()
    )
    rows = tx.execute(
        select(Department.code, Department.name, undelivered.c.count, undelivered.c.oldest)
        .outerjoin(undelivered, undelivered.c.department == Department.code)
        .where(Department.active)
        .order_by(undelivered.c.oldest.asc().nulls_last(), Department.code)
    )
    return tuple(
        DepartmentHealth(row.code, row.name, row._mapping["count"] or 0, _age(row.oldest, now))
        for row in rows
    )


def programs(tx: Connection, now: datetime) -> tuple[ProgramHealth, ...]:
    """What the programs last said, and how long ago."""
    rows = tx.execute(select(*Program.__table__.columns).order_by(Program.name, Program.started_at.desc()))
    return tuple(
        ProgramHealth(
            row.name,
            row.instance,
            "gone" if row.state != "stopped" and now - row.seen_at > SILENT else row.state,
            row.detail,
            (now - row.seen_at).total_seconds(),
        )
        for row in rows
    )


def _count(tx: Connection, query: Any) -> int:
    return int(tx.execute(query).scalar_one())


def _age(moment: datetime | None, now: datetime) -> float | None:
    return max(0.0, round((now - moment).total_seconds(), 3)) if moment else None
