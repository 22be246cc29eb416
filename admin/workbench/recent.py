"""The cases a department's window has under way: to be resumed, and accepted today."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from hub.round_trips import ask

MOST = 12
_NAMES = (
    "case_no",
    "state",
    "party",
    "item",
    "created_at",
    "accepted_on",
    "promised_on",
    "taken_by",
    "standing",
)
_RECENT = """
SELECT c.case_no, c.state, p.name, i.name, c.created_at, c.accepted_on, c.promised_on, c.taken_by, c.standing
FROM cases c JOIN parties p ON p.id = c.party_id JOIN service_items i ON i.code = c.item_code
WHERE c.department = %(department)s AND c.source = 'window' AND c.state IN ('preparing', 'accepted')
  AND c.created_at > now() - interval '30 days'
  AND NOT EXISTS (SELECT FROM decisions d WHERE d.case_no = c.case_no)
ORDER BY (c.state = 'preparing') DESC, c.created_at DESC LIMIT %(most)s
"""


def recent_cases(tx: Connection, department: str) -> Sequence[Mapping[str, Any]]:
    """Newest first, those in preparation before the accepted ones."""
    (rows,) = ask(tx, (_RECENT, {"department": department, "most": MOST}))
    return [dict(zip(_NAMES, row, strict=True)) for row in rows]
