"""Announce: licence.changed.v1 to everyone who received a licence, relied on it, or changed it.

Guarantees: one message for one change and department, signed once, in the caller's transaction, with an id that is the
same however often it is made; never ahead of messages of the same case that still wait. Departments without a usable key
have no connector and get nothing. Holders' personal numbers are masked. The operations must be written before it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection

from hub.exchange.announcement import Announcement
from hub.exchange.outbox import BULK, LIVE, OutboxRow
from hub.licensing.life import OPERATIONS
from hub.licensing.living.changed import Changed
from hub.ports import Desk
from hub.pushing.package import day, instant, seal_event
from hub.round_trips import Question, Rows, ask, write
from schemas import code_table

EVENT_TYPE = "licence.changed.v1"
_CASES = 2000  # of a department are named in one message
_REASON = 2000


class Facts(NamedTuple):
    """A licence as others are told of it."""

    id: uuid.UUID
    identifier: str
    case_no: str | None
    party_id: uuid.UUID
    name: str
    number: str
    type_code: str
    type_name: str
    version: int
    issuer_code: str
    issuer_name: str
    issued_on: Any
    valid_from: Any
    valid_to: Any
    holders: list[dict[str, Any]]
    status_note: str | None
    holder: str
    holder_code_type: str | None
    holder_code: str | None
    area_code: str | None
    previous: str | None
    next: str | None

    @property
    def key(self) -> str:
        """What its messages are ordered by."""
        return self.case_no or self.identifier


@dataclass(frozen=True, slots=True)
class Audience:
    """The licences of some changes, and who is to hear of them."""

    licences: Mapping[uuid.UUID, Facts]
    heard: Mapping[uuid.UUID, Mapping[str, list[str]]]  # licence -> department -> its cases that rely on it
    names: Mapping[str, str]  # of departments
    reachable: frozenset[str]  # departments with a usable key
    behind: frozenset[str]  # keys with bulk messages that still wait


FACTS = """
SELECT l.id, l.identifier, l.case_no, l.party_id, l.name, l.number, l.type_code, coalesce(t.name, l.name), l.version,
  l.issuer_code, l.issuer_name, l.issued_on, l.valid_from, l.valid_to, l.holders, l.status_note,
  p.name, p.code_type, p.code_masked, c.area_code, b.identifier, n.identifier
FROM licences l JOIN parties p ON p.id = l.party_id LEFT JOIN licence_types t ON t.code = l.type_code
LEFT JOIN cases c ON c.case_no = l.case_no LEFT JOIN licences b ON b.id = l.previous_id
LEFT JOIN licences n ON n.previous_id = l.id
WHERE l.id = ANY(%(ids)s)
"""
#: Whoever was sent any version of it; and the cases that rest on this version: itself, its decision, or its file.
#: Looked up by their indexes, however many the planner guesses there are: see take_effect.
_HEARD = """
WITH RECURSIVE line(newest, previous_id, case_no) AS (
  SELECT id, previous_id, case_no FROM licences WHERE id = ANY(ARRAY(SELECT unnest(%(ids)s::uuid[])))
  UNION ALL
  SELECT line.newest, l.* FROM line CROSS JOIN LATERAL (
    SELECT previous_id, case_no FROM licences WHERE id = line.previous_id OFFSET 0) l
), used(licence, use_id) AS (
  SELECT l.id, u.id FROM licences l JOIN material_uses u ON u.licence_id = l.id WHERE l.id = ANY(%(ids)s)
  UNION
  SELECT l.id, u.id FROM licences l JOIN decisions d ON d.case_no = l.case_no
  JOIN material_uses u ON u.decision_id = d.id WHERE l.id = ANY(%(ids)s)
  UNION
  SELECT f.licence_id, u.id FROM licence_documents f JOIN material_uses u ON u.material_id = f.material_id
  WHERE f.licence_id = ANY(%(ids)s)
)
SELECT line.newest, p.department, NULL FROM line CROSS JOIN LATERAL (
  SELECT department FROM pushes WHERE case_no = line.case_no OFFSET 0) p
UNION
SELECT used.licence, coalesce(u.department, c.department), u.case_no
FROM used JOIN material_uses u ON u.id = used.use_id JOIN cases c ON c.case_no = u.case_no
WHERE u.withdrawn_at IS NULL AND c.state <> 'withdrawn' AND coalesce(u.department, c.department) IS NOT NULL
"""
_DEPARTMENTS = """
SELECT d.code, d.name, d.active AND EXISTS (
  SELECT 1 FROM department_keys k WHERE k.department = d.code AND k.revoked_at IS NULL
    AND (k.valid_to IS NULL OR k.valid_to > %(now)s))
FROM departments d
"""
_BEHIND = """
SELECT DISTINCT o.key FROM outbox o JOIN licences l ON o.key = coalesce(l.case_no, l.identifier)
WHERE l.id = ANY(%(ids)s) AND o.published_at IS NULL AND o.lane = 1
"""


def questions(ids: Iterable[uuid.UUID], desk: Desk) -> tuple[Question, ...]:
    """Ask for everything that a message about these licences says, and for who hears it."""
    of = {"ids": list(ids)}
    return (FACTS, of), (_HEARD, of), (_DEPARTMENTS, {"now": desk.clock()}), (_BEHIND, of)


def audience(facts: Any, heard: Any, departments: Any, behind: Any) -> Audience:
    """The answers to `questions`."""
    told: dict[uuid.UUID, dict[str, list[str]]] = {}
    for licence_id, department, case_no in heard:
        cases = told.setdefault(licence_id, {}).setdefault(department, [])
        if case_no is not None:
            cases.append(case_no)
    return Audience(
        {row[0]: Facts(*row) for row in facts},
        told,
        {code: name for code, name, _ in departments},
        frozenset(code for code, _, reachable in departments if reachable),
        frozenset(row[0] for row in behind),
    )


def announce(tx: Connection, desk: Desk, changes: Sequence[Changed]) -> int:
    """Tell of changes whose operations are written. Gives how many messages go out."""
    if not changes:
        return 0
    known = audience(*ask(tx, *questions({one.licence_id for one in changes}, desk)))
    tables = announcements(changes, known, desk)
    write(tx, *tables)
    return len(tables[0].rows)


def announcements(changes: Sequence[Changed], known: Audience, desk: Desk) -> tuple[Rows, Rows]:
    """The messages, and who was told what."""
    messages: list[dict[str, Any]] = []
    told: list[dict[str, Any]] = []
    for change in changes:
        facts = known.licences[change.licence_id]
        hearers = dict(known.heard.get(change.licence_id, {}))
        if change.department:
            hearers.setdefault(change.department, [])
        for department in sorted(hearers.keys() & known.reachable):
            lane = BULK if change.bulk or facts.key in known.behind else LIVE
            event_id = uuid.uuid5(change.id, department)
            data = _data(change, facts, department, hearers[department], known, desk)
            sealed = seal_event(desk, department, EVENT_TYPE, facts.key, data, event_id=event_id, lane=lane)
            messages.append(sealed.row)
            told.append(
                {
                    "event_id": event_id,
                    "kind": EVENT_TYPE,
                    "case_no": facts.case_no,
                    "operation_id": change.id,
                    "licence_id": change.licence_id,
                    "department": department,
                    "key": facts.key,
                    "message_sha256": sealed.sha256,
                    "created_at": change.at,
                }
            )
    return Rows(OutboxRow, messages), Rows(Announcement, told)


def _data(
    change: Changed, facts: Facts, department: str, cases: Sequence[str], known: Audience, desk: Desk
) -> dict[str, Any]:
    name, national_code = OPERATIONS[change.operation]
    return {
        "department": department,
        "licence": licence_data(facts, change.to_status, change.note or facts.status_note, desk.area),
        "change": {
            "id": str(change.id),
            "operation": change.operation,
            "operation_name": name,
            "national_code": national_code,
            "from_status": change.from_status,
            "to_status": change.to_status,
            "reason": change.reason[:_REASON],
            "document_no": change.document_no,
            "at": instant(change.at),
            "by": {
                "department": change.department,
                "name": known.names.get(change.department) if change.department else None,
            },
            "finding_no": change.finding_no,
        },
        "previous_identifier": facts.previous,
        "next_identifier": facts.next,
        "relied_cases": sorted(set(cases))[:_CASES],
    }


def licence_data(facts: Facts, status: str, note: str | None, area: str) -> dict[str, Any]:
    """A licence under the names of GB/T 36903, as in a package; personal numbers masked."""
    holders = facts.holders or [
        {"name": facts.holder, "code_type": facts.holder_code_type, "code": facts.holder_code}
    ]
    return {
        "certificateIdentifier": facts.identifier,
        "certificateName": facts.name,
        "certificateType": facts.type_name,
        "certificateTypeCode": facts.type_code,
        "certificateNumber": facts.number,
        "certificateVersion": f"{facts.version:03}",
        "issueDept": facts.issuer_name,
        "issueDeptCode": facts.issuer_code,
        "issueDate": day(facts.issued_on),
        "certificateValidateStart": day(facts.valid_from),
        "certificateValidateEnd": day(facts.valid_to) or "2099-12-31",
        "certificateHolder": [one["name"] for one in holders],
        "certificateHolderCode": [one.get("code") or "" for one in holders],
        "certificateHolderTypeCode": holders[0].get("code_type"),
        "certificateAreaCode": facts.area_code or area,
        "status": status,
        "status_title": code_table("licence_status")[status],
        "status_note": (note or None) if status == "99" else None,
    }
