"""The receipt of a case 收件凭证: what was reused, what was taken, what is still owed and until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from hub.errors import NotFound
from hub.round_trips import ask


@dataclass(frozen=True, slots=True)
class Reused:
    """Something on file that the applicant did not have to hand in again."""

    requirement: str
    name: str
    provider_name: str | None
    taken_on: date
    from_case: str | None
    used_at: datetime
    source_state: str


@dataclass(frozen=True, slots=True)
class TakenIn:
    """Something that was handed in on this case."""

    requirement: str
    name: str
    at: datetime
    size: int | None


@dataclass(frozen=True, slots=True)
class Owed:
    """Something that follows."""

    requirement: str
    until: date
    promised_by: str


@dataclass(frozen=True, slots=True)
class CaseReceipt:
    """One case on one sheet of paper."""

    case_no: str
    case_name: str
    item_name: str
    party_name: str
    party_code: str | None  # masked where it is a person's
    department_name: str | None
    org_name: str
    state: str
    applied_on: date | None
    accepted_on: date | None
    accepted_at: datetime | None
    promised_on: date | None
    taken_by: str | None
    reused: tuple[Reused, ...]
    taken: tuple[TakenIn, ...]
    owed: tuple[Owed, ...]


_CASE = """
SELECT c.case_no, c.name, coalesce(v.header->>'name', i.name), p.name, p.code_masked, d.name, c.org_name, c.state,
  c.applied_on, c.accepted_on, c.accepted_at, c.promised_on, c.taken_by
FROM cases c JOIN parties p ON p.id = c.party_id JOIN service_items i ON i.code = c.item_code
LEFT JOIN item_versions v ON v.id = c.item_version_id LEFT JOIN departments d ON d.code = c.department
WHERE c.case_no = %(case_no)s
"""
_REUSED = """
SELECT r.name, u.source_name, d.name,
  coalesce((m.created_at AT TIME ZONE 'Asia/Shanghai')::date, l.issued_on, x.decided_on),
  coalesce(m.case_no, l.case_no, x.case_no), u.used_at, u.source_state
FROM material_uses u JOIN requirements r ON r.id = u.requirement_id
LEFT JOIN departments d ON d.code = u.provider LEFT JOIN materials m ON m.id = u.material_id
LEFT JOIN licences l ON l.id = u.licence_id LEFT JOIN decisions x ON x.id = u.decision_id
WHERE u.case_no = %(case_no)s AND u.withdrawn_at IS NULL ORDER BY r.seq, u.used_at, u.id
"""
_TAKEN = """
SELECT coalesce(r.name, m.name), m.name, m.created_at, s.size
FROM materials m LEFT JOIN requirements r ON r.id = m.requirement_id LEFT JOIN stored_objects s USING (sha256)
WHERE m.case_no = %(case_no)s AND m.state <> 'discarded' AND m.origin <> 'result'
ORDER BY r.seq NULLS LAST, m.created_at, m.id
"""
_OWED = """
SELECT r.name, p.promised_until, p.promised_by FROM deferrals p JOIN requirements r ON r.id = p.requirement_id
WHERE p.case_no = %(case_no)s AND p.settled_at IS NULL ORDER BY p.promised_until, r.seq
"""


def case_receipt(tx: Connection, case_no: str) -> CaseReceipt:
    """What the applicant takes home. One round trip; raises NotFound."""
    of: dict[str, Any] = {"case_no": case_no}
    cases, reused, taken, owed = ask(tx, (_CASE, of), (_REUSED, of), (_TAKEN, of), (_OWED, of))
    if not cases:
        raise NotFound(f"没有办件编号为 {case_no} 的办件。请核对编号。")
    parts: list[Any] = [
        *cases[0],
        tuple(Reused(*row) for row in reused),
        tuple(TakenIn(*row) for row in taken),
        tuple(Owed(*row) for row in owed),
    ]
    return CaseReceipt(*parts)
