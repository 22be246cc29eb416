"""Reconciling: counts that anybody can recount, differences that name what is missing, and a zero that can be reached."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Engine, select, update

from hub.exchange.arrived import Arrived
from hub.exchange.outbox import OutboxRow
from hub.exchange.take_in import take_in
from hub.ports import Desk
from hub.reconciling.our_counts import ids_sha256
from hub.reconciling.reconcile import Run, reconcile, start_run
from hub.reconciling.reconciliation import ReconciliationDifference, ReconciliationLine
from hub.reconciling.stages import FIGURES
from storage.signing import Signer
from tests.hub.builders import Clock, a_receipt, decided, message

Signers = dict[str, Signer]
DAY = date(2026, 9, 18)


def run_over(engine: Engine, desk: Desk, first: date = DAY, last: date = DAY) -> Run:
    with engine.begin() as tx:
        run = start_run(tx, first, last, desk, actor="user:test")
    return reconcile(engine, run, desk)


def differences(engine: Engine, run: Run) -> list[Any]:
    columns = ReconciliationDifference.__table__.columns
    with engine.connect() as tx:
        return list(tx.execute(select(*columns).where(columns.run_id == run.id).order_by(columns.id)))


def lines(engine: Engine, run: Run) -> dict[tuple[str, str], dict[str, int]]:
    columns = ReconciliationLine.__table__.columns
    with engine.connect() as tx:
        rows = tx.execute(select(*columns).where(columns.run_id == run.id)).all()
    return {(row.department, row.item_code): {name: getattr(row, name) for name in FIGURES} for row in rows}


def a_count(
    desk: Desk, signer: Signer, counts: dict[str, Iterable[str]], *, named: bool = False, on: date = DAY
) -> Arrived:
    """What a department counts of one day: what -> ids."""
    days = [
        {
            "day": on.isoformat(),
            "what": what,
            "count": len(ids),
            "ids_sha256": ids_sha256(ids).hex(),
            **({"ids": ids} if named else {}),
        }
        for what, ids in ((what, sorted(ids)) for what, ids in counts.items())
    ]
    at = desk.clock().isoformat().replace("+00:00", "Z")
    return message(desk, signer, "count.reported.v1", f"count-{on}", {"counted_at": at, "days": days})


def settle_in(engine: Engine, desk: Desk, *messages: Arrived) -> None:
    with engine.begin() as tx:
        taken = take_in(tx, messages, [], desk)
    assert taken.quarantined == 0


class Books:
    """A department that counts as its schema says, and answers everything it gets."""

    def __init__(self, engine: Engine, desk: Desk, signer: Signer) -> None:
        self.engine, self.desk, self.signer = engine, desk, signer
        self.counted: dict[str, set[str]] = {what: set() for what in ("packages", "receipts", "findings")}

    @property
    def code(self) -> str:
        return self.signer.kid.rsplit("-", 1)[0]

    def read(self, *, lose: set[str] = frozenset()) -> None:  # type: ignore[assignment]
        """Take over and receipt what is new, but for what is lost on the way."""
        topic = f"{self.desk.area}.{self.code}.in"
        with self.engine.begin() as tx:
            tx.execute(
                update(OutboxRow)
                .where(OutboxRow.published_at.is_(None))
                .values(published_at=self.desk.clock())
            )
            sent = tx.execute(select(*OutboxRow.__table__.columns).where(OutboxRow.topic == topic)).all()
            fresh = [
                one
                for one in sent
                if one.event_type == "approval.decided.v1"
                and str(one.event_id) not in self.counted["packages"] | lose
            ]
            receipts = [
                a_receipt(self.desk, self.signer, one, "arrived", "signed", "claimed") for one in fresh
            ]
            take_in(tx, receipts, [], self.desk)
        self.counted["packages"] |= {str(one.event_id) for one in fresh}
        self.counted["receipts"] |= {one.event["id"] for one in receipts}

    def report(self, *, named: bool = False) -> None:
        settle_in(self.engine, self.desk, a_count(self.desk, self.signer, self.counted, named=named))


@pytest.fixture
def both(county: Engine, desk: Desk, signers: Signers) -> list[Books]:
    return [Books(county, desk, signers[code]) for code in sorted(signers)]


def test_everything_done_and_counted_alike_is_zero(
    county: Engine, desk: Desk, clock: Clock, both: list[Books]
) -> None:
    """Decided, signed, claimed, and the same counts on both sides: a run without a difference, its lines equal all along."""
    decided(county, desk, 3)
    for one in both:
        one.read()
    clock.advance(days=1)
    for one in both:
        one.report()
    clock.advance(days=30)
    done = run_over(county, desk)

    assert done.differences == 0, differences(county, done)
    assert {one["state"] for one in done.totals["counts"]} == {"same"}
    for figures in lines(county, done).values():
        assert [figures[name] for name in FIGURES[:5]] == [3] * 5
