"""Reconcile nightly: the last month, every night; the month before, when a month has passed; and what others left undone.

Guarantees: once a day whoever keeps house, and only when nobody works: before six, after six in the evening, and on days
off; what a night missed is done the next. Departments are asked for their counts first and have PATIENCE to answer. Runs
that nobody counts any more are taken up; runs whose counts have come since are compared again. A night's run goes when it
is KEPT old, unless it is of a whole month or somebody settled something in it.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, Engine, text

from hub.ports import Desk
from hub.reconciling.ask_counts import EVENT_TYPE, unanswered
from hub.reconciling.our_counts import midnight
from hub.reconciling.reconcile import ask_for_counts, find_run, finish, reconcile, start_run
from hub.workday import LOCAL, exceptions, is_working

ACTOR = "program:relay"
TRAILING = 31
KEPT = timedelta(days=92)
PATIENCE = timedelta(hours=2)
ABANDONED = timedelta(minutes=10)
_MORNING, _EVENING = 6, 18

#: A hub that has pushed nothing before today has nothing to reconcile.
_ANYTHING = text("SELECT EXISTS (SELECT 1 FROM pushes WHERE created_at < :today)")
_DONE = text(
    "SELECT EXISTS (SELECT 1 FROM reconciliations WHERE asked_by = :actor AND first_day = :first AND last_day = :last)"
)
_ASKED = text(
    "SELECT min(created_at) FROM announcements WHERE kind = :kind AND key = :key AND created_at >= :since"
)
_LEFT = text(
    "SELECT id FROM reconciliations WHERE state = 'counting' AND started_at < :before ORDER BY started_at LIMIT 5"
)
_OLD = text("""
DELETE FROM reconciliations r WHERE r.asked_by = :actor AND r.started_at < :before
  AND NOT (extract(day FROM r.first_day) = 1 AND extract(day FROM r.last_day + 1) = 1)
  AND NOT EXISTS (SELECT 1 FROM reconciliation_differences x WHERE x.run_id = r.id AND x.state = 'settled')
""")
_STALE = text("""
SELECT r.id FROM reconciliations r
WHERE r.state = 'done' AND r.started_at > :since AND r.differences > 0
  AND EXISTS (SELECT 1 FROM reconciliation_differences x JOIN department_counts c ON c.department = x.department
    AND c.day BETWEEN r.first_day AND r.last_day AND c.received_at > CAST(r.totals->>'compared_at' AS timestamptz)
    WHERE x.run_id = r.id AND x.state = 'open' AND x.kind IN ('count', 'no_count'))
ORDER BY r.started_at LIMIT 5
""")


def reconcile_nightly(engine: Engine, desk: Desk) -> int:
    """Do what is due. Gives how many runs were counted or compared."""
    now = desk.clock()
    done = 0
    with engine.begin() as tx:
        left = list(tx.execute(_LEFT, {"before": now - ABANDONED}).scalars())
        done += _compare_again(tx, now, desk)
        due = _due(tx, now, desk)
        if due:
            tx.execute(_OLD, {"actor": ACTOR, "before": now - KEPT})
    for run in [*left, *due]:
        reconcile(engine, run, desk)
    return done + len(left) + len(due)


def quiet(now: datetime, table: dict[date, bool]) -> bool:
    """Whether nobody works."""
    local = now.astimezone(LOCAL)
    return not _MORNING <= local.hour < _EVENING or not is_working(local.date(), table)


def _compare_again(tx: Connection, now: datetime, desk: Desk) -> int:
    stale = list(tx.execute(_STALE, {"since": now - timedelta(days=7)}).scalars())
    for run in stale:
        finish(tx, find_run(tx, run), desk)
    return len(stale)


def _due(tx: Connection, now: datetime, desk: Desk) -> list[uuid.UUID]:
    """The runs to begin now; before the first of a day the departments are asked, and waited for."""
    today = now.astimezone(LOCAL).date()
    if not quiet(now, exceptions(tx)) or not tx.scalar(_ANYTHING, {"today": midnight(today)}):
        return []
    yesterday = today - timedelta(days=1)
    month_end = (yesterday + timedelta(days=1)).replace(day=1) - timedelta(days=1)
    periods = [
        (first, last)
        for first, last in (
            (yesterday - timedelta(days=TRAILING - 1), yesterday),
            (month_end.replace(day=1), month_end),
        )
        if not tx.scalar(_DONE, {"actor": ACTOR, "first": first, "last": last})
    ]
    if not periods or not _heard(tx, periods[0][0], yesterday, now, desk):
        return []
    return [start_run(tx, first, last, desk, actor=ACTOR) for first, last in dict.fromkeys(periods)]


def _heard(tx: Connection, first: date, yesterday: date, now: datetime, desk: Desk) -> bool:
    """Whether everybody who was asked tonight has counted, or had the time to."""
    tonight = {"kind": EVENT_TYPE, "key": f"count-{first}", "since": now - timedelta(hours=12)}
    asked_at = tx.scalar(_ASKED, tonight)
    if asked_at is None:
        return not ask_for_counts(tx, first, yesterday, desk)
    return now - asked_at >= PATIENCE or not unanswered(tx, asked_at)
