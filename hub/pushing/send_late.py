"""Send what came late 补发: materials that were missing or promised reach the departments that have the decision already.

Guarantees: a correction like any other, so each gets the whole package anew, with what it may not see withheld as before,
and signs for it anew; once. By itself only when nothing more can come, so that ten files are not signed for ten times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from hub.deciding.brought import Brought, brought
from hub.deciding.correct_decision import Correction, correct_decision
from hub.errors import Conflict
from hub.ports import Desk
from hub.pushing.completeness import told
from hub.round_trips import ask

#: Files that nobody at a page saw through: the scanner answered late, or a program died. Programs look a few days back.
_STORED_LATE = """
SELECT m.case_no FROM materials m JOIN requirements r ON r.id = m.requirement_id
JOIN decisions d ON d.case_no = m.case_no AND d.created_at < m.created_at AND d.withdrawn_at IS NULL
WHERE m.created_at > now() - interval '3 days'
  AND m.requirement_id IS NOT NULL AND m.origin = 'upload' AND m.state = 'usable'
  AND NOT EXISTS (SELECT FROM decision_revisions v
    WHERE v.decision_id = d.id AND jsonb_exists(v.after, 'materials[' || r.name || ']'))
GROUP BY m.case_no ORDER BY max(m.created_at) DESC, m.case_no LIMIT %(limit)s
"""


def send_late(tx: Connection, case_no: str, desk: Desk, *, actor: str) -> tuple[str, ...]:
    """Send it now, whatever is missing still; gives the departments by name. Raises Conflict where there is nothing."""
    late = brought(tx, case_no, desk)
    if late is None:
        raise Conflict("没有要补发的材料，可能刚刚已经发出。请刷新页面后再看。")
    return _send(tx, case_no, late, desk, actor)


def send_if_whole(tx: Connection, case_no: str, desk: Desk, *, actor: str) -> tuple[str, ...]:
    """Send it if nothing more can come; gives the departments by name, none where nothing was sent."""
    late = brought(tx, case_no, desk)
    return () if late is None or late.waits else _send(tx, case_no, late, desk, actor)


def stored_late(tx: Connection, limit: int) -> list[str]:
    """Decided cases on which a file was stored lately that no correction names."""
    (rows,) = ask(tx, (_STORED_LATE, {"limit": limit}))
    return [case_no for (case_no,) in rows]


def completed(lines: Sequence[Mapping[str, Any]]) -> str:
    """The reason that departments read."""
    return f"补齐推送包缺少的内容：{told(lines)}"[:2000]


def _send(tx: Connection, case_no: str, late: Brought, desk: Desk, actor: str) -> tuple[str, ...]:
    correction = Correction(completed(late.told()), brought=late)
    return correct_decision(tx, case_no, correction, desk, actor=actor).departments
