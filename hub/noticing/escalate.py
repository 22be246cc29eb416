"""Escalate: what wants an answer gets a limit; what nobody even read by then is told to those above, once.

Guarantees: 一般 wants no answer, 重要 one within three working days, 紧急 within one; a writer's own `answer_by` stands.
Those above are told of all unread ones of one role and department together: a flood of notices never makes a flood of
escalations. Who did not answer is named. Escalations themselves want no answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, text

from hub.ledger import Entry, record
from hub.noticing.notice import UNTIMED, Notice
from hub.round_trips import Rows, write
from hub.workday import LOCAL, due, end_of, exceptions

ANSWER_DAYS = {"warning": 3, "alert": 1}  # working days
ABOVE = ("overseer", "data_admin")
BATCH = 1000
_NAMED = 5  # of a group, by their titles
ROLES = {
    "clerk": "窗口",
    "data_admin": "数据管理员",
    "approver": "审批部门",
    "supervisor": "监管部门",
    "overseer": "效能监督",
}

_UNTIMED = f"SELECT id, severity, created_at FROM notices WHERE {UNTIMED} ORDER BY id LIMIT :batch"  # noqa: S608
_TIME = """
UPDATE notices n SET answer_by = t.answer_by
FROM unnest(CAST(:ids AS bigint[]), CAST(:times AS timestamptz[])) AS t(id, answer_by) WHERE n.id = t.id
"""
_LATE = """
UPDATE notices n SET escalated_at = :now
FROM (SELECT id FROM notices WHERE answer_by < :now AND read_at IS NULL AND escalated_at IS NULL
      ORDER BY answer_by LIMIT :batch FOR UPDATE SKIP LOCKED) l
WHERE n.id = l.id
RETURNING n.id, n.audience, n.department, (SELECT d.name FROM departments d WHERE d.code = n.department) AS name,
  n.severity, n.title, n.case_no, n.answer_by
"""


def set_limits(tx: Connection, now: datetime) -> int:
    """Give a limit to what has none yet."""
    del now
    rows = tx.execute(text(_UNTIMED), {"batch": BATCH}).all()
    if not rows:
        return 0
    table = exceptions(tx)
    times = [
        end_of(due(row.created_at.astimezone(LOCAL).date(), ANSWER_DAYS[row.severity], table)) for row in rows
    ]
    tx.execute(text(_TIME), {"ids": [row.id for row in rows], "times": times})
    return len(rows)


def escalate(tx: Connection, now: datetime) -> int:
    """Tell those above of what nobody read in time. Gives how many were late."""
    late = tx.execute(text(_LATE), {"now": now, "batch": BATCH}).all()
    if not late:
        return 0
    notices = []
    order = sorted(late, key=lambda row: (row.audience, row.department or "", row.answer_by, row.id))
    for _, group in groupby(order, key=lambda row: (row.audience, row.department)):
        rows = list(group)
        notices += [_notice(rows, above) for above in ABOVE if above != rows[0].audience]
        who = {"audience": rows[0].audience, "department": rows[0].department}
        record(
            tx,
            *(
                Entry("program:relay", "notice.escalated", f"notice:{row.id}", row.case_no, detail=who)
                for row in rows
            ),
        )
    write(tx, Rows(Notice, notices))
    return len(late)


def _notice(rows: Sequence[Any], above: str) -> dict[str, Any]:
    first = rows[0]
    who = ROLES[first.audience] + (f"（{first.name}）" if first.name else "")
    named = "；".join(row.title for row in rows[:_NAMED]) + (" 等" if len(rows) > _NAMED else "")
    since = first.answer_by.astimezone(LOCAL)
    return {
        "audience": above,
        "department": None,
        "severity": "alert" if any(row.severity == "alert" for row in rows) else "warning",
        "title": f"{len(rows)} 条提醒无人查看：{who}",
        "body": f"最早应于 {since:%Y-%m-%d} 前回应。{named}",
        "case_no": first.case_no if len(rows) == 1 else None,
        "escalates": first.id,
    }
