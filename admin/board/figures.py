"""What the board shows: of the last day, each department's pushes and signatures, and the newest decisions with theirs.

Guarantees: three queries, each on an index and bounded by a day or by a number; asked at most once a second by one process,
however many boards are open.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, func, select

from hub.case import Case
from hub.connecting.connector import Connector, ConnectorVersion
from hub.department import Department
from hub.feedback.finding import Finding
from hub.item import ServiceItem
from hub.party import Party
from hub.pushing.push import Push

DAY = timedelta(days=1)
DECISIONS = 8
_PUSHES = 100  # the newest ones, whose decisions are looked at
_FRESH_S = 1.0
_NOT_OWED = ("held", "reassigned", "recalled")


@dataclass(frozen=True, slots=True)
class Tile:
    """One department. `way`: its channel, and for a hosted one the kind of its system."""

    code: str
    name: str
    way: str
    total: int
    arrived: int
    signed: int
    findings: int
    last_signed_at: datetime | None

    @property
    def state(self) -> str:
        """'idle': nothing was owed; 'lit': all signed; 'busy': not yet."""
        return "idle" if not self.total else "lit" if self.signed == self.total else "busy"

    @property
    def percent(self) -> int:
        """Signed, in whole percent; 100 only when all are."""
        return 100 * self.signed // self.total if self.total else 0


@dataclass(frozen=True, slots=True)
class Newest:
    """One decision, and who has signed for it."""

    case_no: str
    party: str
    item: str
    standing: str
    signed: tuple[str, ...]
    waiting: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """Everything at one moment."""

    tiles: tuple[Tile, ...]
    newest: tuple[Newest, ...]
    decisions: int
    seconds: float | None  # from decision to signature, in the middle

    @property
    def total(self) -> int:
        """Pushes."""
        return sum(one.total for one in self.tiles)

    @property
    def signed(self) -> int:
        """Pushes that were signed for."""
        return sum(one.signed for one in self.tiles)

    @property
    def findings(self) -> int:
        """Findings that came back."""
        return sum(one.findings for one in self.tiles)

    @property
    def lit(self) -> int:
        """Departments that have signed for everything."""
        return sum(one.state == "lit" for one in self.tiles)

    @property
    def busy(self) -> bool:
        """Whether somebody has still to sign."""
        return self.signed < self.total


class Lookout:
    """The board as of not longer than a second ago."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: Board | None = None
        self._seen_at = 0.0

    def now(self) -> Board:
        """Looked up anew where it is older."""
        with self._lock:
            if self._seen is None or time.monotonic() - self._seen_at > _FRESH_S:
                with self._engine.connect() as tx:
                    self._seen = board(tx, self._clock())
                self._seen_at = time.monotonic()
            return self._seen


def board(tx: Connection, now: datetime) -> Board:
    """The last day's figures."""
    since = now - DAY
    signed = Push.signed_at.is_not(None)
    rows = tx.execute(
        select(
            Push.department,
            func.count().label("total"),
            func.count().filter(signed).label("signed"),
            func.count().filter(Push.state == "arrived").label("arrived"),
            func.max(Push.signed_at).label("last_signed_at"),
        )
        .where(Push.created_at >= since, Push.state.not_in(_NOT_OWED))
        .group_by(Push.department)
    )
    figures = {row.department: row for row in rows}
    found = dict(
        tx.execute(
            select(Finding.department, func.count())
            .where(Finding.received_at >= since)
            .group_by(Finding.department)
        ).all()
    )
    tiles = [_tile(row, figures.get(row.code), found.get(row.code, 0)) for row in _departments(tx)]
    tiles.sort(key=lambda one: not one.total)  # those to whom nothing was owed come last
    took = func.percentile_cont(0.5).within_group(func.extract("epoch", Push.signed_at - Push.created_at))
    middle = tx.execute(
        select(func.count(Push.decision_id.distinct()), took.filter(signed)).where(Push.created_at >= since)
    ).one()
    return Board(tuple(tiles), newest(tx, since), middle[0], middle[1])


def _departments(tx: Connection) -> Iterable[Any]:
    """Everyone to whom something can be owed, with the kind of system that the host speaks to."""
    kind = (
        select(ConnectorVersion.document["endpoints"][0]["kind"].astext)
        .join(
            Connector,
            (Connector.code == ConnectorVersion.connector) & (Connector.version == ConnectorVersion.version),
        )
        .where(Connector.department == Department.code, Connector.state.in_(("live", "paused")))
        .limit(1)
        .correlate(Department)
        .scalar_subquery()
    )
    return tx.execute(
        select(Department.code, Department.name, Department.channel, kind.label("kind"))
        .where(Department.active, Department.roles.overlap(["supervising", "enforcing"]))
        .order_by(Department.code)
    )


def _tile(row: Any, figures: Any, findings: int) -> Tile:
    way = row.kind if row.channel == "hosted" and row.kind else row.channel
    if figures is None:
        return Tile(row.code, row.name, way, 0, 0, 0, findings, None)
    return Tile(
        row.code, row.name, way, figures.total, figures.arrived, figures.signed, findings, figures.last_signed_at
    )  # fmt: skip


def newest(tx: Connection, since: datetime) -> tuple[Newest, ...]:
    """The newest decisions that were pushed to somebody; of those of one moment, those of most departments first."""
    recent = (
        select(Push.decision_id)
        .where(Push.created_at >= since)
        .order_by(Push.created_at.desc(), Push.id.desc())
    )
    some = recent.limit(_PUSHES).subquery()
    rows = tx.execute(
        select(Push.decision_id, Push.case_no, Push.created_at, Push.signed_at, Department.name)
        .join(Department, Department.code == Push.department)
        .where(Push.decision_id.in_(select(some.c.decision_id)), Push.state.not_in(_NOT_OWED))
    )
    pushes: dict[Any, list[Any]] = defaultdict(list)
    for row in rows:
        pushes[row.decision_id].append(row)
    order = sorted(pushes.values(), key=lambda of: (of[0].created_at, len(of), of[0].case_no), reverse=True)
    about = {row.case_no: row for row in _cases(tx, [of[0].case_no for of in order[:DECISIONS]])}
    return tuple(
        Newest(
            number,
            about[number].party,
            about[number].item,
            about[number].standing,
            tuple(sorted(row.name for row in of if row.signed_at)),
            tuple(sorted(row.name for row in of if not row.signed_at)),
        )
        for of in order
        if (number := of[0].case_no) in about
    )


def _cases(tx: Connection, numbers: list[str]) -> Iterable[Any]:
    return tx.execute(
        select(Case.case_no, Case.standing, Party.name.label("party"), ServiceItem.name.label("item"))
        .join(Party, Party.id == Case.party_id)
        .join(ServiceItem, ServiceItem.code == Case.item_code)
        .where(Case.case_no.in_(numbers))
    )
