"""Settle a proposal: what a finding asked for and only a person may do is done, or declined with a reason.

Guarantees: under the locks of the licence and then of the proposal, once; a confirmed freeze is a hold of the department
whose finding it is, and counts from then on as if that finding had frozen by itself (hub.licensing.living.hold_licences).
"""

from __future__ import annotations

import uuid
from typing import Any, NamedTuple

from sqlalchemy import Connection

from hub.errors import Conflict, NotFound, Rejected
from hub.ledger import Entry, record
from hub.licensing.living.act import REASON, Act, check
from hub.licensing.living.change_status import do
from hub.licensing.living.take_effect import standing
from hub.ports import Desk
from hub.round_trips import ask, tell

OPERATIONS = {"freeze": "suspend", "revoke": "revoke"}
_STATES = {"confirmed": "确认", "declined": "决定不采纳", "overtaken": "由该部门之后的监管信息取代"}


class Proposal(NamedTuple):
    """What was asked for, locked."""

    id: uuid.UUID
    licence_id: uuid.UUID
    finding_id: uuid.UUID
    department: str
    effect: str
    state: str
    finding_no: str
    case_no: str
    held: bool  # the department holds the licence already


_LOCK = """
SELECT 1 FROM licences WHERE id = (SELECT licence_id FROM licence_proposals WHERE id = %(id)s) FOR UPDATE
"""
_READ = """
SELECT p.id, p.licence_id, p.finding_id, p.department, p.effect, p.state, f.finding_no, f.case_no,
  EXISTS (SELECT 1 FROM holds h
    WHERE h.licence_id = p.licence_id AND h.department = p.department AND h.lifted_at IS NULL)
FROM licence_proposals p JOIN findings f ON f.id = p.finding_id WHERE p.id = %(id)s FOR UPDATE OF p
"""
_DECIDE = """
UPDATE licence_proposals SET state = %(state)s, decided_by = %(actor)s, decided_at = %(now)s, decided_why = %(why)s
WHERE id = %(id)s
"""


def confirm_proposal(
    tx: Connection,
    proposal_id: uuid.UUID,
    *,
    actor: str,
    reason: str,
    desk: Desk,
    document_no: str | None = None,
    document: bytes | None = None,
) -> None:
    """Freeze or revoke as the finding asks. A revocation needs the number of its document."""
    proposal = _open(tx, proposal_id)
    now = desk.clock()
    act = Act(
        OPERATIONS[proposal.effect],
        reason.strip(),
        actor,
        proposal.department,
        now,
        (document_no or "").strip() or None,
        document,
        finding_id=proposal.finding_id,
        finding_no=proposal.finding_no,
    )
    check(act)
    # Before the act: an end of the licence lets go of every proposal that is still open.
    _decide(tx, proposal, "confirmed", actor, act.reason, desk)
    if not (proposal.effect == "freeze" and proposal.held):
        do(tx, proposal.licence_id, act, desk)
    tell(tx, *standing([proposal.licence_id]))


def decline_proposal(tx: Connection, proposal_id: uuid.UUID, *, actor: str, reason: str, desk: Desk) -> None:
    """Leave the licence as it is; the department's next finding may ask again."""
    low, high = REASON
    why = reason.strip()
    if not low <= len(why) <= high or "\0" in why:
        raise Rejected(f"请写明不采纳的理由，{low} 到 {high} 个字。")
    _decide(tx, _open(tx, proposal_id), "declined", actor, why, desk)


def _open(tx: Connection, proposal_id: uuid.UUID) -> Proposal:
    of = {"id": proposal_id}
    _, rows = ask(tx, (_LOCK, of), (_READ, of))
    if not rows:
        raise NotFound("没有这条处置请求。")
    proposal = Proposal(*rows[0])
    if proposal.state != "open":
        raise Conflict(f"这条处置请求已经{_STATES[proposal.state]}，请刷新后再看。")
    return proposal


def _decide(tx: Connection, proposal: Proposal, state: str, actor: str, why: str, desk: Desk) -> None:
    values: dict[str, Any] = {
        "id": proposal.id,
        "state": state,
        "actor": actor,
        "why": why,
        "now": desk.clock(),
    }
    tell(tx, (_DECIDE, values))
    detail = {
        "licence": str(proposal.licence_id),
        "finding": str(proposal.finding_id),
        "department": proposal.department,
        "effect": proposal.effect,
    }
    record(tx, Entry(actor, f"proposal.{state}", f"proposal:{proposal.id}", proposal.case_no, why, detail))
