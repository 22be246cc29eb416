"""Withdraw a decision 撤回决定: it should never have been, or does not hold any more.

Guarantees: the withdrawal is a fact of its own; every department that has the decision is told and signs for it; all its
pushes are recalled, so no clock runs for them; cases that rely on it are told; it is not offered for reuse any more. A
licence that was issued with it keeps its status: ending that is an act of its own with its own paper (`licences_of` says
which stand). All in the caller's transaction; twice is once.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, update

from hub.case import Decision
from hub.deciding.correct_decision import ledger_row
from hub.deciding.revision import DecisionRevision
from hub.deciding.told import Telling, Withdrawal, checked, look
from hub.errors import Conflict
from hub.ledger import LedgerRow
from hub.licensing.licence import Licence
from hub.ports import Desk
from hub.pushing.move import locked, moves, save_pushes
from hub.pushing.push import Push, after
from hub.reuse.tell_relied import SourceChange, tell_relied
from hub.round_trips import Rows, write

ENDED = ("03", "04", "05", "06", "07")  # statuses of a licence that nobody can use any more


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """How it ended. `licences` still stand: (id, number, status)."""

    revision: int
    departments: tuple[str, ...]
    licences: tuple[tuple[uuid.UUID, str, str], ...]


def withdraw_decision(
    tx: Connection,
    case_no: str,
    *,
    reason: str,
    actor: str,
    by: str,
    desk: Desk,
    document_no: str | None = None,
    seen: int | None = None,
) -> Withdrawn:
    """Withdraw it and tell everyone. `by` is who does it, as departments read it."""
    reason, document_no = checked(reason, document_no)
    standing = look(tx, case_no, desk.clock(), lock=True)
    decision, now = standing.decision, desk.clock()
    if decision.withdrawn_at is not None:
        return Withdrawn(decision.revision, (), licences_of(tx, case_no))
    if seen not in (None, decision.revision):
        raise Conflict("这份决定刚刚由他人更正。请刷新页面，看清现在的内容再办。")
    revision = standing.next_revision
    told = standing.told
    recall(tx, [one.id for one in standing.recipients], reason, actor, desk)
    telling = Telling.begin(tx, desk, case_no, now)
    for to in told:
        sign_by = standing.clock(to.department, now).sign_by
        telling.withdraw(to, Withdrawal(decision.document_no, revision, reason, by, "decision", sign_by))
        telling.notice(to, f"决定已撤回：{decision.document_no}", f"{reason}。请停止据以监管。", sign_by)
    tx.execute(update(Decision).where(Decision.id == decision.id).values(withdrawn_at=now, revision=revision))
    tx.execute(
        update(Push)
        .where(Push.id.in_([to.id for to in told]))
        .values(revision=revision, unsigned_revision=True)
    )
    row = {
        "decision_id": decision.id,
        "revision": revision,
        "kind": "withdrawn",
        "reason": reason,
        "document_no": document_no,
        "before": {},
        "after": {},
        "actor": actor,
        "at": now,
    }
    detail = {
        "revision": revision,
        "document_no": document_no,
        "departments": [to.department for to in told],
    }
    write(
        tx,
        Rows(DecisionRevision, [row]),
        *telling.tables(),
        Rows(LedgerRow, [ledger_row(decision, "decision.withdrawn", reason, detail, actor)]),
    )
    tell_relied(tx, [SourceChange("decision", decision.id, "revoked", why=reason)], actor=actor, now=now)
    return Withdrawn(revision, tuple(to.name for to in told), licences_of(tx, case_no))


def recall(tx: Connection, push_ids: list[uuid.UUID], reason: str, actor: str, desk: Desk) -> int:
    """Recall these pushes, those that can be; how many were."""
    now = desk.clock()
    pushes = locked(tx, push_ids)
    before = {id_: dict(push) for id_, push in pushes.items()}
    for push in pushes.values():
        was = push["state"]
        push["state"] = after(was, "recalled")
        if push["state"] != was:
            push["state_at"] = push["recalled_at"] = now
    save_pushes(tx, pushes, before, now)
    done = [(before[id_], push) for id_, push in pushes.items() if push["state"] != before[id_]["state"]]
    write(tx, *moves(done, "recalled", actor=actor, reason=reason, now=now))
    return len(done)


def licences_of(tx: Connection, case_no: str) -> tuple[tuple[uuid.UUID, str, str], ...]:
    """The licences issued with it that somebody could still use."""
    rows: Any = tx.execute(
        select(Licence.id, Licence.number, Licence.status)
        .where(Licence.case_no == case_no, Licence.status.not_in(ENDED))
        .order_by(Licence.number)
    )
    return tuple((row.id, row.number, row.status) for row in rows)
