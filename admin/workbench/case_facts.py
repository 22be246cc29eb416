"""What stands on one case at the window, beside the engine's answers: files, uploads on their way, promises, uses, consent.

Guarantees: one round trip; only what is not taken back. Who may see it is the caller's question.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext
from sqlalchemy import Connection

from hub.errors import NotFound
from hub.round_trips import ask
from hub.sharing.limit import DEFERRAL
from hub.workday import due

Fact = Mapping[str, Any]
ByLine = Mapping[uuid.UUID, tuple[Fact, ...]]


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """One case. The mappings are by requirement."""

    case: Fact
    uses: ByLine
    files: ByLine
    uploads: ByLine
    promises: Mapping[uuid.UUID, Fact]
    consent: Fact | None
    deferral_days: int
    calendar: Mapping[date, bool]

    @property
    def open(self) -> bool:
        """Whether anything may still change on it."""
        return self.case["state"] != "withdrawn" and self.case["decided_on"] is None

    def last_day(self, days: int | None, today: date) -> date:
        """Until when a material may follow."""
        return due(today, self.deferral_days if days is None else days, self.calendar)


_CASE = """
SELECT c.case_no, c.state, c.item_code, c.item_version_id, c.department, d.name AS department_name, c.created_at,
  c.accepted_at, c.accepted_on, c.promised_on, c.taken_by, c.standing, x.decided_on, x.document_no, x.document_name,
  p.id AS party_id, p.kind, p.name AS party_name, p.code_type, p.code_masked, p.legal_representative
FROM cases c JOIN parties p ON p.id = c.party_id
LEFT JOIN departments d ON d.code = c.department LEFT JOIN decisions x ON x.case_no = c.case_no
WHERE c.case_no = %(case_no)s
"""
_USES = """
SELECT u.requirement_id, u.id, u.source_kind, coalesce(u.material_id, u.licence_id, u.decision_id) AS source_id,
  u.source_name, u.used_at, u.purpose, u.source_state, d.name AS provider, u.grant_id, m.case_no AS from_case
FROM material_uses u LEFT JOIN departments d ON d.code = u.provider LEFT JOIN materials m ON m.id = u.material_id
WHERE u.case_no = %(case_no)s AND u.withdrawn_at IS NULL ORDER BY u.used_at, u.id
"""
_FILES = """
SELECT m.requirement_id, m.id, m.name, s.size, m.media_type, m.signature_state, m.scan_state, m.state, m.created_at,
  m.valid_to
FROM materials m LEFT JOIN stored_objects s USING (sha256)
WHERE m.case_no = %(case_no)s AND m.requirement_id IS NOT NULL AND m.state NOT IN ('discarded', 'revoked')
ORDER BY m.created_at, m.id
"""
_UPLOADS = """
SELECT requirement_id, id, file_name, size, received, state, refusal FROM uploads
WHERE case_no = %(case_no)s AND state IN ('receiving', 'checking', 'scanning') ORDER BY created_at
"""
_PROMISES = """
SELECT requirement_id, id, promised_until, promised_by FROM deferrals
WHERE case_no = %(case_no)s AND settled_at IS NULL
"""
_CONSENT = """
SELECT id, way, given_by, given_at FROM consents
WHERE case_no = %(case_no)s AND withdrawn_at IS NULL ORDER BY given_at DESC LIMIT 1
"""
_LIMIT = "SELECT working_days FROM limits WHERE name = %(name)s"
_CALENDAR = "SELECT day, working FROM calendar_days WHERE day >= current_date"

_NAMES = {
    _CASE: (
        "case_no", "state", "item_code", "item_version_id", "department", "department_name", "created_at", "accepted_at",
        "accepted_on", "promised_on", "taken_by", "standing", "decided_on", "document_no", "document_name", "party_id",
        "kind", "party_name", "code_type", "code_masked", "legal_representative",
    ),
    _USES: (
        "requirement_id", "id", "source_kind", "source_id", "source_name", "used_at", "purpose", "source_state", "provider",
        "grant_id", "from_case",
    ),
    _FILES: (
        "requirement_id", "id", "name", "size", "media_type", "signature_state", "scan_state", "state", "created_at",
        "valid_to",
    ),
    _UPLOADS: ("requirement_id", "id", "file_name", "size", "received", "state", "refusal"),
    _PROMISES: ("requirement_id", "id", "promised_until", "promised_by"),
    _CONSENT: ("id", "way", "given_by", "given_at"),
}  # fmt: skip


def case_facts(tx: Connection, case_no: str) -> CaseFacts:
    """Read it. Raises NotFound."""
    of = {"case_no": case_no, "name": DEFERRAL}
    asked = (*_NAMES, _LIMIT, _CALENDAR)
    *named, limit, calendar = ask(tx, *((statement, of) for statement in asked))
    found = {
        statement: [dict(zip(_NAMES[statement], row, strict=True)) for row in rows]
        for statement, rows in zip(_NAMES, named, strict=True)
    }
    if not found[_CASE]:
        raise NotFound(gettext("没有办件编号为 %(case_no)s 的办件。请核对编号。", case_no=case_no))
    return CaseFacts(
        case=found[_CASE][0],
        uses=_by_line(found[_USES]),
        files=_by_line(found[_FILES]),
        uploads=_by_line(found[_UPLOADS]),
        promises={row["requirement_id"]: row for row in found[_PROMISES]},
        consent=found[_CONSENT][0] if found[_CONSENT] else None,
        deferral_days=limit[0][0] if limit else 10,
        calendar=dict(calendar),
    )


def _by_line(rows: list[dict[str, Any]]) -> ByLine:
    lines: dict[uuid.UUID, tuple[Fact, ...]] = {}
    for row in rows:
        lines[row["requirement_id"]] = (*lines.get(row["requirement_id"], ()), row)
    return lines
