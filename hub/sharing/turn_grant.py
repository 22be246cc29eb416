"""Turn a grant: the one place where a grant goes from state to state.

Guarantees: under the row's lock, only along TRANSITIONS, only by whom it may be done; who, when and why go to the ledger
and to the data administrators' notices in the same transaction. The same act by the same person again changes nothing.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from hub.department import Department
from hub.errors import Conflict, Denied, NotFound, Rejected
from hub.ledger import Entry, record
from hub.noticing.notice import Notice
from hub.sharing.grant import TRANSITIONS, Grant
from hub.sharing.person import Person
from hub.sharing.resource import KIND_NAMES

STATE_NAMES = {
    "applied": "待合规审查",
    "reviewed": "待提供方审核",
    "granted": "已授权",
    "refused": "未通过",
    "cancelled": "已撤回",
    "expired": "已到期",
    "withdrawn": "已收回",
}
#: Which column says who brought a grant into a state.
BY = {
    "reviewed": "reviewed_by",
    "granted": "decided_by",
    "refused": "decided_by",
    "cancelled": "ended_by",
    "expired": "ended_by",
    "withdrawn": "ended_by",
}
TICK = Person("program:housekeeping")
SEVERITIES = {"refused": "warning", "withdrawn": "warning"}


def locked(tx: Connection, grant_id: uuid.UUID) -> Any:
    """The grant, held until the transaction ends. Raises NotFound."""
    row = tx.execute(
        select(*Grant.__table__.columns).where(Grant.id == grant_id).with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound(f"没有编号为 {grant_id} 的共享授权。")
    return row


def why_not(row: Any, act: str, person: Person) -> str | None:
    """The sentence why this person may not do it; None: they may. States are another matter."""
    if act == "expire":
        return None if person == TICK else "授权到期由系统处理，不用人工操作。"
    if act == "cancel":
        own = person.department is not None and person.department == row.department
        return None if own or person.actor == row.applied_by else "只有申请部门能撤回自己的申请。"
    if act == "withdraw":
        provides = person.department is not None and person.department == row.provider
        return None if provides or person.administers else "只有提供部门或数据管理员能收回授权。"
    if person.actor == row.applied_by:
        return "申请人不能审查、审核自己的申请，请由他人办理。"
    reviewing = act == "review" or (act == "refuse" and row.state == "applied")
    if reviewing or row.provider is None:
        return None if person.administers else "这一步由数据管理员办理。"
    return None if person.department == row.provider else "这一步由提供部门办理。"


def open_acts(row: Any, person: Person) -> tuple[str, ...]:
    """What this person may do now: the buttons of the page."""
    return tuple(
        act
        for (state, act) in TRANSITIONS
        if state == row.state and act != "expire" and why_not(row, act, person) is None
    )


def turn(
    tx: Connection,
    row: Any,
    act: str,
    person: Person,
    now: datetime,
    *,
    reason: str = "",
    automatic: bool = False,
    **values: object,
) -> str:
    """Do one act on a locked grant; returns the state it is in. Raises Denied, Conflict or Rejected.

    `automatic`: it follows from an act of this person that was allowed; their right to this one is not asked.
    """
    if not automatic and (refused := why_not(row, act, person)) is not None:
        raise Denied(refused)
    state = TRANSITIONS.get((row.state, act))
    if state is None:
        targets = {to for (_, done), to in TRANSITIONS.items() if done == act}
        if row.state in targets and getattr(row, BY[row.state]) == person.actor:
            return str(row.state)
        raise Conflict(f"这份申请现在是“{STATE_NAMES[row.state]}”，不能再这样处理。请刷新后再看。")
    given = reason.strip()[:500]
    if act in ("refuse", "withdraw") and len(given) < 2:
        raise Rejected("请写明理由（至少两个字），它会告诉申请部门并记入留痕账本。")
    changes: dict[str, object] = {"state": state, BY[state]: person.actor, **values}
    changes[BY[state].replace("_by", "_at")] = now
    if state in ("refused", "cancelled", "expired", "withdrawn"):
        changes["end_reason"] = given
    tx.execute(update(Grant).where(Grant.id == row.id).values(changes))
    tell(tx, row, state, person, given)
    return state


def tell(tx: Connection, row: Any, state: str, person: Person, reason: str) -> None:
    """The ledger row of what was done, and the line for the data administrators."""
    name = tx.execute(select(Department.name).where(Department.code == row.department)).scalar_one()
    what = f"{KIND_NAMES[row.resource_kind]} {row.resource_code}"
    detail = {
        "department": row.department,
        "provider": row.provider,
        "resource": f"{row.resource_kind}:{row.resource_code}",
        "period": [row.period_from.isoformat(), row.period_to.isoformat()],
    }
    record(tx, Entry(person.actor, f"grant.{state}", f"grant:{row.id}", reason=reason or None, detail=detail))
    body = f"{name}申请使用{what}，{row.period_from} 至 {row.period_to}。" + (
        f"理由：{reason}" if reason else ""
    )
    tx.execute(
        insert(Notice).values(
            audience="data_admin",
            severity=SEVERITIES.get(state, "info"),
            title=f"共享授权：{STATE_NAMES[state]}",
            body=body,
        )
    )
