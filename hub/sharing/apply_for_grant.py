"""Apply for a grant 申请共享授权: which department wants what, on which basis, for which scene and scope, until when.

Guarantees: what is never shared (不予共享) is refused with its legal basis, the provider's own resource because it needs no
grant; one department has at most one open application for one resource (a unique index holds that, too); the clock of the
resource's sharing attribute starts. Does not decide anything.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, func, select, text
from sqlalchemy.dialects.postgresql import insert as pg_insert

from hub.department import Department
from hub.errors import Conflict, Denied, NotFound, Rejected
from hub.item import ServiceItem
from hub.ports import Desk
from hub.sharing.clocks import due_by
from hub.sharing.grant import Grant
from hub.sharing.limit import REPLY_CONDITIONAL, REPLY_UNCONDITIONAL
from hub.sharing.person import Person
from hub.sharing.resource import Resource, find_resource
from hub.sharing.turn_grant import tell
from hub.workday import LOCAL

YEARS = 3  # the longest period of one grant
TEXT_LONGEST = 500
OPEN = "state IN ('applied', 'reviewed')"


@dataclass(frozen=True, slots=True)
class Application:
    """What is applied for. Empty `item_codes` or `fields` mean all of them."""

    resource_kind: str
    resource_code: str
    department: str  # who will use it
    basis: str  # 使用依据
    scene: str  # 使用场景
    scope: str  # 使用范围
    period_from: date
    period_to: date
    item_codes: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()


def apply_for_grant(tx: Connection, application: Application, desk: Desk, *, person: Person) -> uuid.UUID:
    """Put in an application; its id. Raises Denied, NotFound, Rejected or Conflict with what to do."""
    if person.department != application.department and not person.administers:
        raise Denied("只能为自己所在的部门申请共享授权。")
    now = desk.clock()
    resource = find_resource(tx, application.resource_kind, application.resource_code)
    refuse_unshared(resource)
    asked = _checked(tx, application, resource, now.astimezone(LOCAL).date())
    _refuse_covered(tx, asked)
    clock = REPLY_UNCONDITIONAL if resource.sharing == "unconditional" else REPLY_CONDITIONAL
    row = tx.execute(
        pg_insert(Grant)
        .values(_values(asked))
        .values(
            id=uuid.uuid4(),
            provider=resource.provider,
            sharing=resource.sharing,
            applied_by=person.actor,
            applied_at=now,
            reply_by=due_by(tx, clock, now),
        )
        .on_conflict_do_nothing(
            index_elements=["department", "resource_kind", "resource_code"], index_where=text(OPEN)
        )
        .returning(*Grant.__table__.columns)
    ).one_or_none()
    if row is None:
        raise Conflict(f"本部门对{resource.title}已有一份正在办理的申请，请等它办结，或撤回后重新申请。")
    tell(tx, row, "applied", person, asked.basis)
    return row.id  # type: ignore[no-any-return]


def refuse_unshared(resource: Resource) -> None:
    """Raises Rejected for what is not shared with anybody."""
    if resource.sharing == "none":
        raise Rejected(f"{resource.title}不予共享，不能申请。依据：{resource.basis}")


def _values(asked: Application) -> dict[str, Any]:
    return {
        "resource_kind": asked.resource_kind,
        "resource_code": asked.resource_code,
        "department": asked.department,
        "basis": asked.basis,
        "scene": asked.scene,
        "scope": asked.scope,
        "item_codes": list(asked.item_codes),
        "fields": list(asked.fields),
        "period_from": asked.period_from,
        "period_to": asked.period_to,
    }


def _checked(tx: Connection, asked: Application, resource: Resource, today: date) -> Application:
    """The application with trimmed texts. Raises NotFound or Rejected."""
    _check_department(tx, asked, resource)
    texts: dict[str, Any] = {}
    for name, title in (("basis", "使用依据"), ("scene", "使用场景"), ("scope", "使用范围")):
        texts[name] = str(getattr(asked, name)).strip()
        if not 2 <= len(texts[name]) <= TEXT_LONGEST:
            raise Rejected(f"请写明{title}（2 到 {TEXT_LONGEST} 个字）。")
    _check_period(asked, today)
    items = tuple(dict.fromkeys(asked.item_codes))
    known = set(tx.scalars(select(ServiceItem.code).where(ServiceItem.code.in_(items))))
    if unknown := [code for code in items if code not in known]:
        raise Rejected(f"没有代码为 {'、'.join(unknown[:5])} 的事项。请从列表里选择。")
    fields = tuple(dict.fromkeys(asked.fields))
    names = {name for name, _label in resource.fields}
    if unknown := [name for name in fields if name not in names]:
        raise Rejected(f"{resource.title}没有数据项 {'、'.join(unknown[:5])}。")
    return replace(asked, item_codes=items, fields=fields, **texts)


def _check_department(tx: Connection, asked: Application, resource: Resource) -> None:
    active = tx.scalar(select(Department.active).where(Department.code == asked.department))
    if active is None:
        raise NotFound(f"没有代码为 {asked.department} 的部门。")
    if not active:
        raise Rejected("停用的部门不能申请共享授权。")
    if resource.provider == asked.department:
        raise Rejected(f"{resource.title}由本部门提供，使用自己的材料不需要申请授权。")


def _check_period(asked: Application, today: date) -> None:
    if asked.period_to < asked.period_from:
        raise Rejected("使用期限的止日不能早于起日。")
    if asked.period_to < today:
        raise Rejected("使用期限已经过去，请重新填写。")
    if asked.period_from > today + timedelta(days=366):
        raise Rejected("使用期限最早在一年以内开始。")
    if asked.period_to > years_after(asked.period_from, YEARS):
        raise Rejected(f"一次申请的使用期限不超过 {YEARS} 年，到期前可以再申请。")


def years_after(day: date, years: int) -> date:
    """The same day of a later year; 29 February falls on the 28th."""
    last = day.replace(year=day.year + years, day=28) if (day.month, day.day) == (2, 29) else None
    return last or day.replace(year=day.year + years)


def _refuse_covered(tx: Connection, asked: Application) -> None:
    """An application for what the department has already been granted in full would only make work."""
    empty = func.cardinality
    covered = tx.execute(
        select(Grant.period_to)
        .where(
            Grant.state == "granted",
            Grant.department == asked.department,
            Grant.resource_kind == asked.resource_kind,
            Grant.resource_code == asked.resource_code,
            Grant.period_from <= asked.period_from,
            Grant.period_to >= asked.period_to,
            (empty(Grant.item_codes) == 0) | _wide(Grant.item_codes, asked.item_codes),
            (empty(Grant.fields) == 0) | _wide(Grant.fields, asked.fields),
        )
        .limit(1)
    ).scalar()
    if covered is not None:
        raise Conflict(f"已有的授权（至 {covered}）已经包含这次申请的内容，不必再申请。")


def _wide(column: Any, wanted: tuple[str, ...]) -> Any:
    return column.contains(list(wanted)) if wanted else text("false")
