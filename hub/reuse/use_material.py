"""Use a material: a case relies on something on file instead of a new submission. Nothing is copied.

Guarantees: the source and the grant are locked and judged again by the rules of `match` in the transaction that writes
the use, so a freeze, a revocation or the end of a grant at the same moment either comes first and refuses it, or comes
after and finds it. The same use twice is one.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import Connection, insert, select, text, update

from hub.errors import Conflict, Denied, NotFound, Rejected
from hub.ledger import Entry, record
from hub.ports import Desk
from hub.reuse.consent import Consent
from hub.reuse.match import Answer, Candidate, Question, explain, match
from hub.reuse.material_use import SOURCE_KINDS, MaterialUse
from hub.reuse.promise_deferral import settle_deferral
from hub.reuse.working_case import WorkingCase, working_case
from hub.workday import LOCAL

ATTEMPTS = 3  # a grant that ended while we looked makes us look again: another one may allow it
#: A decision is worth what its licences are worth: a freeze locks those.
_LOCKS = {
    "material": text("SELECT id FROM materials WHERE id = :id FOR SHARE"),
    "licence": text("SELECT id FROM licences WHERE id = :id FOR SHARE"),
    "decision": text(
        "SELECT l.id FROM licences l JOIN decisions d USING (case_no) WHERE d.id = :id ORDER BY l.id FOR SHARE OF l"
    ),
}
_LOCK_GRANT = text("SELECT state = 'granted' FROM grants WHERE id = :id FOR SHARE")


def use_material(
    tx: Connection,
    *,
    case_no: str,
    requirement_id: uuid.UUID,
    source_kind: str,
    source_id: uuid.UUID,
    purpose: str,
    actor: str,
    desk: Desk,
) -> uuid.UUID:
    """Record the use; gives its id. Raises Denied with the sentence why not, NotFound, Rejected or Conflict."""
    purpose = " ".join(purpose.split())
    if not 2 <= len(purpose) <= 200:
        raise Rejected("请写明使用目的，2 到 200 字。")
    if source_kind not in SOURCE_KINDS:
        raise Rejected("来源应为材料、证照或审批结果。请刷新页面后再试。")
    case = working_case(tx, case_no, doing="复用材料", line=requirement_id)
    line = case.item.requirement(requirement_id)
    known = _known(tx, case_no, requirement_id, source_kind, source_id)
    if known:
        return known
    now = desk.clock()
    chosen = _judged(tx, case, requirement_id, (source_kind, source_id), now)
    consent_id = _consent(tx, case_no)
    use_id = uuid.uuid4()
    tx.execute(
        insert(MaterialUse).values(
            id=use_id,
            case_no=case_no,
            requirement_id=requirement_id,
            source_kind=source_kind,
            source_name=chosen.name,
            resource_kind=chosen.resource_kind,
            resource_code=chosen.resource_code,
            provider=chosen.provider,
            department=case.department,
            grant_id=chosen.grant_id,
            consent_id=consent_id,
            purpose=purpose,
            used_by=actor,
            used_at=now,
            relies_until=chosen.valid_to,
            **{f"{source_kind}_id": source_id},
        )
    )
    record(tx, _entry(actor, chosen, case_no, purpose, {"use": use_id, "requirement": line.code}, consent_id))
    settle_deferral(tx, case_no, requirement_id, f"use:{use_id}", actor=actor, now=now)
    return use_id


def take_back_use(tx: Connection, use_id: uuid.UUID, *, actor: str, desk: Desk | None = None) -> None:
    """End a use that was a mistake, before acceptance, or of a source that no longer stands, before the decision.

    Twice is once. Raises NotFound or Conflict.
    """
    row = tx.execute(
        select(MaterialUse.case_no, MaterialUse.source_name, MaterialUse.source_state).where(
            MaterialUse.id == use_id
        )
    ).one_or_none()
    if row is None:
        raise NotFound("没有找到这条复用记录。请刷新页面后再试。")
    case = working_case(tx, row.case_no, doing="撤销复用")
    if case.state == "accepted" and row.source_state == "intact":
        raise Conflict(f"办件 {row.case_no} 已经受理，受理所依据的复用不能撤销。请补收材料，并在意见中说明。")
    when = {"withdrawn_at": desk.clock() if desk else text("now()")}
    ended = tx.execute(
        update(MaterialUse)
        .where(MaterialUse.id == use_id, MaterialUse.withdrawn_at.is_(None))
        .values(withdrawn_by=actor, **when)
    )
    if ended.rowcount:
        record(
            tx,
            Entry(
                actor,
                "material.use_withdrawn",
                f"use:{use_id}",
                row.case_no,
                detail={"source": row.source_name},
            ),
        )


def _known(
    tx: Connection, case_no: str, requirement_id: uuid.UUID, source_kind: str, source_id: uuid.UUID
) -> uuid.UUID | None:
    found: uuid.UUID | None = tx.execute(
        select(MaterialUse.id).where(
            MaterialUse.case_no == case_no,
            MaterialUse.requirement_id == requirement_id,
            getattr(MaterialUse, f"{source_kind}_id") == source_id,
            MaterialUse.withdrawn_at.is_(None),
        )
    ).scalar()
    return found


def _judged(
    tx: Connection, case: WorkingCase, requirement_id: uuid.UUID, source: tuple[str, uuid.UUID], now: datetime
) -> Candidate:
    """The candidate, locked with its grant and allowed. Raises Denied with the reason."""
    tx.execute(_LOCKS[source[0]], {"id": source[1]})
    today = now.astimezone(LOCAL).date()
    question = Question(case.party_id, case.item.version_id, case.department, today, case.case_no)
    for _ in range(ATTEMPTS):
        chosen = _offered(match(tx, question), requirement_id, source)
        if chosen is None:
            raise Denied("这份材料不能用于这一项，或已有更新的版本。请刷新页面，从列出的材料中选择。")
        if chosen.refusal:
            raise Denied(explain(chosen))
        if chosen.consent_needed:
            raise Denied(f"复用“{chosen.name}”须经申请人同意。请先登记同意的方式和同意人，再复用。")
        if chosen.grant_id is None or tx.execute(_LOCK_GRANT, {"id": chosen.grant_id}).scalar():
            return chosen
    raise Denied("共享授权刚刚被改动。请刷新页面后再试。")


def _offered(
    answers: list[Answer], requirement_id: uuid.UUID, source: tuple[str, uuid.UUID]
) -> Candidate | None:
    for answer in answers:
        if answer.requirement.id == requirement_id:
            for candidate in answer.candidates:
                if (candidate.source_kind, candidate.source_id) == source:
                    return candidate
    return None


def _consent(tx: Connection, case_no: str) -> uuid.UUID | None:
    found: uuid.UUID | None = tx.execute(
        select(Consent.id)
        .where(Consent.case_no == case_no, Consent.withdrawn_at.is_(None))
        .order_by(Consent.given_at.desc())
        .limit(1)
    ).scalar()
    return found


def _entry(
    actor: str,
    chosen: Candidate,
    case_no: str,
    purpose: str,
    of: dict[str, object],
    consent_id: uuid.UUID | None,
) -> Entry:
    detail = {
        **{name: str(value) for name, value in of.items()},
        "source": chosen.name,
        "resource": f"{chosen.resource_kind}:{chosen.resource_code}",
        "provider": chosen.provider,
        "grant": str(chosen.grant_id) if chosen.grant_id else None,
        "consent": str(consent_id) if consent_id else None,
        "from_case": chosen.from_case,
    }
    return Entry(actor, "material.used", f"{chosen.source_kind}:{chosen.source_id}", case_no, purpose, detail)
