"""Change status: what a person does to a licence: 暂扣, 发还, 注销, 撤销, 吊销, 转出, 其他; 恢复 mends a mistake.

Guarantees: under the licence's lock and along hub.licensing.life only; with a reason and, where the law asks for a paper,
its number; the same act with the same paper twice is one. A department lifts only its own hold. Everything that follows
is in the same transaction (hub.licensing.living.take_effect). Who may do it is the caller's to know.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Required, TypedDict, Unpack

from sqlalchemy import Connection

from hub.errors import Denied, NotFound, Rejected
from hub.ledger import LedgerRow
from hub.licensing.licence import FROZEN, VALID, Hold
from hub.licensing.life import OPERATIONS, TRANSITIONS, allowed
from hub.licensing.living.act import ACTS, Act, check
from hub.licensing.living.changed import Changed
from hub.licensing.living.take_effect import standing, take_effect
from hub.ports import Desk
from hub.round_trips import Question, Rows, ask, tell, write
from hub.workday import LOCAL
from schemas import code_table


@dataclass(frozen=True, slots=True)
class Standing:
    """The licence as it is now, locked."""

    id: uuid.UUID
    case_no: str | None
    name: str
    number: str
    status: str
    status_at: datetime
    next: str | None  # the identifier of the version that took its place
    holds: dict[str, tuple[uuid.UUID, str, datetime]]  # department -> (hold, its name, since)
    papers: frozenset[tuple[str | None, bytes | None]]  # by which this very act brought it to where it is
    document_known: bool

    def __str__(self) -> str:
        return f"{self.name} {self.number}"


class Said(TypedDict, total=False):
    """What every act is told; see `change_status`."""

    reason: Required[str]
    actor: Required[str]
    department: Required[str | None]
    desk: Required[Desk]
    document_no: str | None
    document: bytes | None
    note: str | None


def change_status(
    tx: Connection,
    licence_id: uuid.UUID,
    operation: str,
    *,
    reason: str,
    actor: str,
    department: str | None,
    desk: Desk,
    document_no: str | None = None,
    document: bytes | None = None,
    note: str | None = None,
) -> bool:
    """Do one of ACTS. False: it had been done already, with the same paper. Raises with a sentence where it cannot be."""
    paper = (document_no or "").strip() or None
    said = (note or "").strip() or None
    act = Act(operation, reason.strip(), actor, department, desk.clock(), paper, document, said)
    check(act)
    return do(tx, licence_id, act, desk)


def do(tx: Connection, licence_id: uuid.UUID, act: Act, desk: Desk) -> bool:
    """The same with everything in hand and checked."""
    licence = look(tx, licence_id, act)
    if act.document is not None and not licence.document_known:
        raise Rejected("没有找到所附的文书文件，请重新上传。")
    if licence.next is not None:
        raise Rejected(f"{licence}已由新版本替代，请在新版本（{licence.next}）上办理。")
    if act.operation == "suspend" and licence.status == FROZEN:
        return _hold_too(tx, licence, act)
    if act.operation == "restore":
        return _restore(tx, licence, act, desk)
    if (act.operation, licence.status) not in TRANSITIONS:
        return _refuse(licence, act)
    change = _changed(licence, act, uuid.uuid4())
    if act.operation == "suspend":
        take_effect(tx, [change], desk, Rows(Hold, [_hold_row(licence, act, change.id)]))
    elif act.operation == "reinstate" and licence.holds:
        take_effect(tx, [change, _held_again(licence, change)], desk)
    else:
        take_effect(tx, [change], desk)
    return True


# What a statement that waits for a lock reads of other rows is as old as its beginning: those are read by the next ones.
_LOCK = "SELECT id, case_no, name, number, status, status_at FROM licences WHERE id = %(id)s FOR UPDATE"
_NEXT = "SELECT identifier FROM licences WHERE previous_id = %(id)s"
_HOLDS = """
SELECT h.department, h.id, d.name, h.placed_at FROM holds h JOIN departments d ON d.code = h.department
WHERE h.licence_id = %(id)s AND h.lifted_at IS NULL ORDER BY h.placed_at
"""
_DONE = """
SELECT o.document_no, o.document_sha256 FROM licence_operations o JOIN licences l ON l.id = o.licence_id
WHERE o.licence_id = %(id)s AND o.operation = %(operation)s AND o.at = l.status_at
"""
_DOCUMENT = "SELECT 1 FROM stored_objects WHERE sha256 = %(document)s"


def look(tx: Connection, licence_id: uuid.UUID, act: Act) -> Standing:
    """The licence, locked until the end of the transaction; what is read with it is read after the lock."""
    of = {"id": licence_id, "operation": act.operation, "document": act.document}
    questions: list[Question] = [(_LOCK, of), (_NEXT, of), (_HOLDS, of), (_DONE, of), (_DOCUMENT, of)]
    rows, newer, holds, done, document = ask(tx, *questions)
    if not rows:
        raise NotFound("没有这张证照。")
    papers = frozenset((number, bytes(sha256) if sha256 else None) for number, sha256 in done)
    held = {code: (hold, name, since) for code, hold, name, since in holds}
    id_, case_no, name, number, status, status_at = rows[0]
    next_ = newer[0][0] if newer else None
    return Standing(id_, case_no, name, number, status, status_at, next_, held, papers, bool(document))


def _changed(licence: Standing, act: Act, id_: uuid.UUID) -> Changed:
    return Changed(
        licence.id,
        act.operation,
        licence.status,
        act.reason,
        act.actor,
        act.at,
        department=act.department,
        document_no=act.document_no,
        document=act.document,
        finding_id=act.finding_id,
        finding_no=act.finding_no,
        case_no=licence.case_no,
        note=act.note if act.operation == "other" else None,
        id=id_,
    )


def _held_again(licence: Standing, change: Changed) -> Changed:
    """A licence that comes back while departments hold it is held."""
    department, (_, name, since) = next(iter(licence.holds.items()))
    why = f"{name}自 {since.astimezone(LOCAL):%Y-%m-%d} 起的暂扣尚未解除"
    return Changed(
        licence.id,
        "suspend",
        VALID,
        why,
        change.actor,
        change.at,
        department=department,
        case_no=change.case_no,
    )


def _hold_row(licence: Standing, act: Act, placed_by: uuid.UUID) -> dict[str, Any]:
    assert act.department is not None
    return {
        "id": uuid.uuid4(),
        "licence_id": licence.id,
        "department": act.department,
        "placed_by": act.finding_id or placed_by,
        "placed_at": act.at,
    }


def _hold_too(tx: Connection, licence: Standing, act: Act) -> bool:
    """It is frozen already: a further department may hold it as well; the status stays."""
    assert act.department is not None
    if act.department in licence.holds:
        return _refuse(licence, act)
    hold = _hold_row(licence, act, uuid.uuid4())
    write(
        tx,
        Rows(Hold, [hold]),
        Rows(LedgerRow, [_spoken(licence, act, "licence.held_too", hold["placed_by"])]),
    )
    return True


_LIFT = """
UPDATE holds SET lifted_at = %(now)s, lifted_by = %(by)s WHERE id = %(hold)s
"""


def _restore(tx: Connection, licence: Standing, act: Act, desk: Desk) -> bool:
    assert act.department is not None
    mine = licence.holds.get(act.department)
    if licence.status != FROZEN:
        return _refuse(licence, act)
    if mine is None and licence.holds:
        holders = "、".join(name for _, name, _ in licence.holds.values())
        raise Denied(f"{licence}由{holders}暂扣，只有作出暂扣的部门可以发还。请与其联系。")
    others = {code: held for code, held in licence.holds.items() if code != act.department}
    by = uuid.uuid4()
    if mine is not None:  # frozen elsewhere, as a sheet said, nobody here holds it
        tell(tx, (_LIFT, {"now": act.at, "by": by, "hold": mine[0]}))
    if others:
        write(tx, Rows(LedgerRow, [_spoken(licence, act, "licence.hold_lifted", by)]))
        tell(tx, *standing([licence.id]))
        return True
    take_effect(tx, [_changed(licence, act, by)], desk)
    return True


def _spoken(licence: Standing, act: Act, action: str, by: uuid.UUID) -> dict[str, Any]:
    return {
        "actor": act.actor,
        "action": action,
        "subject": f"licence:{licence.id}",
        "case_no": licence.case_no,
        "reason": act.reason,
        "detail": {"operation": str(by), "department": act.department, "document_no": act.document_no},
    }


def _refuse(licence: Standing, act: Act) -> bool:
    """False where the same was done already; otherwise why it cannot be."""
    name = OPERATIONS[act.operation][0]
    if (act.document_no, act.document) in licence.papers:
        return False
    if act.operation == "suspend" and act.department in licence.holds:
        _, holder, since = licence.holds[act.department]
        raise Rejected(f"{holder}自 {since.astimezone(LOCAL):%Y-%m-%d} 起已经暂扣{licence}，不必再次办理。")
    status = code_table("licence_status")[licence.status]
    since = licence.status_at.astimezone(LOCAL)
    can = "、".join(OPERATIONS[one][0] for one in allowed(licence.status) if one in ACTS) or "无"
    raise Rejected(f"{licence}自 {since:%Y-%m-%d} 起为“{status}”，不能办理{name}。现在可以办理：{can}。")


def suspend(tx: Connection, licence_id: uuid.UUID, **said: Unpack[Said]) -> bool:
    """暂扣: the department holds it."""
    return change_status(tx, licence_id, "suspend", **said)


def restore(tx: Connection, licence_id: uuid.UUID, **said: Unpack[Said]) -> bool:
    """暂扣发还: the department lets go of its own hold."""
    return change_status(tx, licence_id, "restore", **said)


def cancel(tx: Connection, licence_id: uuid.UUID, **said: Unpack[Said]) -> bool:
    """注销."""
    return change_status(tx, licence_id, "cancel", **said)


def withdraw(tx: Connection, licence_id: uuid.UUID, **said: Unpack[Said]) -> bool:
    """撤销; needs a document number."""
    return change_status(tx, licence_id, "withdraw", **said)


def revoke(tx: Connection, licence_id: uuid.UUID, **said: Unpack[Said]) -> bool:
    """吊销; needs a document number."""
    return change_status(tx, licence_id, "revoke", **said)


def transfer(tx: Connection, licence_id: uuid.UUID, **said: Unpack[Said]) -> bool:
    """办理转出."""
    return change_status(tx, licence_id, "transfer", **said)


def other(tx: Connection, licence_id: uuid.UUID, **said: Unpack[Said]) -> bool:
    """其他; needs a note that says what."""
    return change_status(tx, licence_id, "other", **said)


def reinstate(tx: Connection, licence_id: uuid.UUID, **said: Unpack[Said]) -> bool:
    """恢复（纠错）; needs a document number. Holds that are open hold it again at once."""
    return change_status(tx, licence_id, "reinstate", **said)
