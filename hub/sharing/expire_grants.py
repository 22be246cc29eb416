"""Expire grants: the tick that writes down what the calendar has already done.

Guarantees: safe to run at any time, by several programs at once and twice on one day. Nothing waits for it: whether a
grant counts on a day is asked of its period (see hub.sharing.grant).
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Connection, select

from hub.sharing.grant import Grant
from hub.sharing.turn_grant import TICK, turn

AT_ONCE = 500


def expire_grants(tx: Connection, today: date, now: datetime) -> int:
    """Expire what ended before `today`, at most AT_ONCE of them; how many."""
    rows = tx.execute(
        select(*Grant.__table__.columns)
        .where(Grant.state == "granted", Grant.period_to < today)
        .order_by(Grant.id)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        turn(tx, row, "expire", TICK, now, reason=f"使用期限至 {row.period_to}，已到期")
    return len(rows)
