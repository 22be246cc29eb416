"""Record a consent 同意: that the applicant agreed to the use of what is on file, how, and recorded by whom.

Guarantees: one consent that stands for a case; recording the same again gives the same; a withdrawn one stays for the
uses that rested on it, and allows no new ones.
"""

from __future__ import annotations

import uuid

from sqlalchemy import Connection, insert, select, update

from hub.errors import NotFound, Rejected
from hub.ledger import Entry, record
from hub.ports import Desk
from hub.reuse.consent import WAYS, Consent
from hub.reuse.working_case import working_case

LONGEST_NAME, LONGEST_NOTE = 100, 500


def record_consent(
    tx: Connection, *, case_no: str, way: str, given_by: str, note: str | None, actor: str, desk: Desk
) -> uuid.UUID:
    """Record it; gives its id. Raises Rejected, NotFound or Conflict with what to do."""
    given_by, note = " ".join(given_by.split()), " ".join((note or "").split()) or None
    if way not in WAYS:
        raise Rejected("请选择同意的方式：书面签字、当场口头或网上确认。")
    if not 1 <= len(given_by) <= LONGEST_NAME:
        raise Rejected(f"请填写同意人的姓名，至多 {LONGEST_NAME} 字。")
    if note and len(note) > LONGEST_NOTE:
        raise Rejected(f"同意的说明至多 {LONGEST_NOTE} 字。")
    case = working_case(tx, case_no, doing="登记同意")
    known = tx.execute(
        select(Consent.id).where(
            Consent.case_no == case_no,
            Consent.way == way,
            Consent.given_by == given_by,
            Consent.withdrawn_at.is_(None),
        )
    ).scalar()
    if known:
        return known
    consent_id = uuid.uuid4()
    tx.execute(
        insert(Consent).values(
            id=consent_id,
            party_id=case.party_id,
            case_no=case_no,
            way=way,
            given_by=given_by,
            note=note,
            given_at=desk.clock(),
            recorded_by=actor,
        )
    )
    detail = {"way": way, "given_by": given_by}
    record(tx, Entry(actor, "consent.recorded", f"consent:{consent_id}", case_no, note, detail))
    return consent_id


def withdraw_consent(tx: Connection, consent_id: uuid.UUID, *, reason: str, actor: str, desk: Desk) -> None:
    """The applicant takes it back: no new use rests on it. Twice is once. Raises NotFound or Rejected."""
    reason = " ".join(reason.split())
    if not 2 <= len(reason) <= 200:
        raise Rejected("请写明撤回同意的原因，2 到 200 字。")
    case_no = tx.execute(select(Consent.case_no).where(Consent.id == consent_id)).scalar()
    if case_no is None:
        raise NotFound("没有找到这条同意记录。请刷新页面后再试。")
    working_case(tx, case_no, doing="撤回同意")
    ended = tx.execute(
        update(Consent)
        .where(Consent.id == consent_id, Consent.withdrawn_at.is_(None))
        .values(withdrawn_at=desk.clock(), withdrawn_by=actor, withdrawn_why=reason)
    )
    if ended.rowcount:
        record(tx, Entry(actor, "consent.withdrawn", f"consent:{consent_id}", case_no, reason))
