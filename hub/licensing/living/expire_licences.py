"""Expire licences whose last day has passed, and warn holders before it comes. Days are the area's (Asia/Shanghai).

Guarantees: each licence expires once, with everything that follows (see take_effect); each holder is warned once
for one last day, as long ahead as the type's version says; a licence that has a newer version is not warned of. Batches
under row locks that others skip: several may do it at once. Holds stay as they are: they no longer matter.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection

from hub.ledger import LedgerRow
from hub.licensing.living.announce import FACTS, Facts
from hub.licensing.living.changed import Changed
from hub.licensing.living.holder_notice import HolderNotice
from hub.licensing.living.notify_holders import expiring_row
from hub.licensing.living.take_effect import take_effect
from hub.ports import Desk
from hub.round_trips import Rows, ask, tell, write

BATCH = 500
WARN_DAYS = 60  # where the type's version does not say
ACTOR = "program:housekeeping"

_RUN_OUT = """
SELECT id, status, valid_to, case_no FROM licences
WHERE status IN ('01', '02') AND valid_to < %(today)s
ORDER BY valid_to, id LIMIT %(batch)s FOR UPDATE SKIP LOCKED
"""
_SOON = """
SELECT l.id FROM licences l
LEFT JOIN licence_type_versions v ON v.type_code = l.type_code AND v.number = l.type_version AND v.state <> 'draft'
WHERE l.status IN ('01', '02') AND l.valid_to >= %(today)s
  AND l.valid_to <= %(today)s + (
    SELECT greatest(%(days)s, max((rules ->> 'warn_days')::int))
    FROM licence_type_versions WHERE state <> 'draft')
  AND l.valid_to - coalesce((v.rules ->> 'warn_days')::int, %(days)s) <= %(today)s
  AND l.warned_for IS DISTINCT FROM l.valid_to
ORDER BY l.valid_to, l.id LIMIT %(batch)s FOR UPDATE OF l SKIP LOCKED
"""
_WARNED = "UPDATE licences SET warned_for = valid_to WHERE id = ANY(%(ids)s)"


def expire_licences(tx: Connection, today: date, desk: Desk) -> int:
    """Expire at most BATCH licences that ran out before `today`; call again until it gives 0."""
    (rows,) = ask(tx, (_RUN_OUT, {"today": today, "batch": BATCH}))
    now = desk.clock()
    changes = [
        Changed(id_, "expire", status, f"有效期至 {valid_to}", ACTOR, now, case_no=case_no)
        for id_, status, valid_to, case_no in rows
    ]
    take_effect(tx, changes, desk)
    return len(rows)


def warn_holders(tx: Connection, today: date, desk: Desk) -> int:
    """Write notices for at most BATCH holders whose licences run out soon; call again until it gives 0."""
    (rows,) = ask(tx, (_SOON, {"today": today, "days": WARN_DAYS, "batch": BATCH}))
    ids = [row[0] for row in rows]
    if not ids:
        return 0
    (facts,) = ask(tx, (FACTS, {"ids": ids}))
    soon = sorted((Facts(*row) for row in facts), key=lambda one: (one.valid_to, one.id))
    now = desk.clock()
    ledger = [
        {
            "actor": ACTOR,
            "action": "holder.warned",
            "subject": f"licence:{one.id}",
            "case_no": one.case_no,
            "reason": None,
            "detail": {"valid_to": one.valid_to.isoformat()},
        }
        for one in soon
    ]
    notices = [expiring_row(one, today, now) for one in soon]
    write(tx, Rows(HolderNotice, notices, once=True), Rows(LedgerRow, ledger))
    tell(tx, (_WARNED, {"ids": ids}))
    return len(ids)
