"""What the hub's tables say about the connectors that a host is to run, and what a running one writes there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, select, update

from connectors.department.mapped_state import Refused
from connectors.department.reporting import refusal_said
from hub.connecting.connector import Connector, ConnectorRefusal, ConnectorVersion
from hub.connecting.take_report import keep_report
from hub.department import topic_in
from hub.exchange.pull import MOST, signed_for
from hub.ports import Desk
from schemas.connector.document import ConnectorDocument, document_from


class Facts(NamedTuple):
    """One connector as it is to run now."""

    code: str
    department: str
    state: str  # 'live' or 'paused'
    version: int
    changed_no: int
    start_kind: str
    start_at: datetime | None
    live_since: datetime | None
    rewind_to: datetime | None


def connectors_to_run(tx: Connection) -> list[Facts]:
    """Those that the host runs."""
    columns = [getattr(Connector, name) for name in Facts._fields]
    rows = tx.execute(
        select(*columns).where(Connector.runs_at == "host", Connector.state.in_(("live", "paused")))
    )
    return [Facts(*row) for row in rows]


def document_of(tx: Connection, code: str, version: int) -> ConnectorDocument:
    """One version's document."""
    found = tx.execute(
        select(ConnectorVersion.document).where(
            ConnectorVersion.connector == code, ConnectorVersion.version == version
        )
    ).scalar_one()
    return document_from(found)


def signed_before(tx: Connection, desk: Desk, department: str) -> Iterable[list[str]]:
    """The ids of everything that the department has signed for, whoever did it, in pages."""
    after, more = None, True
    while more:
        page = signed_for(tx, topic_in(desk.area, department), after, limit=MOST)
        yield [str(one.event_id) for one in page.found]
        after, more = str(page.next), page.more


def rewound(tx: Connection, code: str, to: datetime) -> None:
    """The rewind that was asked for is done."""
    tx.execute(
        update(Connector)
        .where(Connector.code == code, Connector.rewind_to == to)
        .values(rewind_to=None, rewind_why=None)
    )


def asked_again(tx: Connection, code: str) -> list[tuple[str, str]]:
    """Refusals that somebody wants tried once more: flow and ref. Taken note of by asking."""
    rows = tx.execute(
        update(ConnectorRefusal)
        .where(
            ConnectorRefusal.connector == code,
            ConnectorRefusal.settled_at.is_(None),
            ConnectorRefusal.again,
        )
        .values(again=False)
        .returning(ConnectorRefusal.flow, ConnectorRefusal.ref)
    )
    return [(row.flow, row.ref) for row in rows]


def dismissed(tx: Connection, code: str, refs: Sequence[str]) -> list[str]:
    """Which of these somebody decided to leave as they are."""
    if not refs:
        return []
    rows = tx.execute(
        select(ConnectorRefusal.ref)
        .where(ConnectorRefusal.connector == code, ConnectorRefusal.ref.in_(refs))
        .group_by(ConnectorRefusal.ref)
        .having(func.bool_and(func.coalesce(ConnectorRefusal.settled_as, "") == "dismissed"))
    )
    return list(rows.scalars())


def write_refusals(tx: Connection, desk: Desk, code: str, refused: Sequence[Refused]) -> None:
    """New ones, and those that went through meanwhile; people see values masked."""
    open_ones = [one for one in refused if one.state != "taken"]
    keep_report(
        tx,
        desk,
        code,
        {
            "refusals": [refusal_said(one) for one in open_ones],
            "taken": [{"flow": one.flow or "-", "ref": one.ref} for one in refused if one.state == "taken"],
        },
    )
