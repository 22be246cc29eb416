"""Tell late answers: a question that nobody answered in time is noticed once, by both sides."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from hub.ledger import LedgerRow
from hub.noticing.notice import Notice
from hub.round_trips import Rows, write

BATCH = 500
ACTOR = "program:relay"
_LATE = text("""
UPDATE advice_threads t SET overdue_at = :now FROM cases c, departments d
WHERE t.id IN (
    SELECT id FROM advice_threads WHERE state = 'open' AND overdue_at IS NULL AND due_at < :now
    ORDER BY due_at, id LIMIT :batch FOR UPDATE SKIP LOCKED)
  AND c.case_no = t.case_no AND d.code = t.department
RETURNING t.id, t.case_no, t.subject, t.department, t.asked_by, t.due_at, c.item_code, c.department AS handled_by, d.name
""")


def tell_late_answers(tx: Connection, now: datetime) -> int:
    """Tell of questions whose answer is late. Gives how many; call until 0."""
    rows = tx.execute(_LATE, {"now": now, "batch": BATCH}).all()
    rows = sorted(rows, key=lambda row: (row.due_at, str(row.id)))
    ledger = [
        {
            "actor": ACTOR,
            "action": "advice.overdue",
            "subject": f"advice:{row.id}",
            "case_no": row.case_no,
            "reason": row.subject,
            "detail": {"department": row.department, "due_at": row.due_at.isoformat()},
        }
        for row in rows
    ]
    write(tx, Rows(Notice, [one for row in rows for one in _notices(row)]), Rows(LedgerRow, ledger))
    return len(rows)


def _notices(row: Any) -> list[dict[str, Any]]:
    owes = "审批窗口" if row.asked_by else row.name
    line = {
        "severity": "alert",
        "title": f"协调建议逾期未答复：“{row.subject}”",
        "body": f"应由{owes}答复，期限已过。请尽快答复，或在办件页上了结。",
        "case_no": row.case_no,
        "item_code": row.item_code,
        "thread_id": row.id,
    }
    return [
        {**line, "audience": "approver", "department": row.handled_by},
        {**line, "audience": "clerk", "department": row.handled_by},
        {**line, "audience": "supervisor", "department": row.department},
    ]
