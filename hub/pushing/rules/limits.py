"""Limits 时限 where a rule names none: of an item and a department, of either, or of the whole area; the closest counts.

Guarantees: pushes that are made keep the limits they were made with; each change is in the ledger with what was before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.postgresql import insert

from hub.catalogue.faults import Fault, refuse
from hub.catalogue.texts import whole
from hub.department import Department
from hub.errors import NotFound
from hub.item import ServiceItem
from hub.ledger import Entry, record
from hub.pushing.rulebook import Days
from hub.pushing.rules.rule import LIMITS, MOST_DAYS, PushLimit
from hub.pushing.rules.rule_content import DAYS_TITLES

Key = tuple[str | None, str | None]  # item, department


@dataclass(frozen=True, slots=True)
class Inherited:
    """One effective number, and where it comes from: both, item, department, area, or nowhere."""

    days: int | None
    source: str


def all_limits(tx: Connection) -> dict[Key, Days]:
    """Every row of the table."""
    rows = tx.execute(select(*PushLimit.__table__.c))
    return {
        (row.item_code, row.department): (row.sign_days, row.claim_days, row.plan_days, row.feedback_days)
        for row in rows
    }


def inherited(
    limits: Mapping[Key, Days], item_code: str | None, department: str | None
) -> tuple[Inherited, ...]:
    """The effective number of each limit, in the order of LIMITS."""
    keys = {
        "both": (item_code, department),
        "item": (item_code, None),
        "department": (None, department),
        "area": (None, None),
    }
    if item_code is None or department is None:
        del keys["both"]
    found = []
    for n in range(len(LIMITS)):
        source = next((name for name, key in keys.items() if _of(limits, key, n) is not None), "nowhere")
        found.append(Inherited(_of(limits, keys[source], n) if source in keys else None, source))
    return tuple(found)


def _of(limits: Mapping[Key, Days], key: Key, n: int) -> int | None:
    days = limits.get(key)
    return days[n] if days else None


def save_limit(
    tx: Connection, item_code: str | None, department: str | None, said: Mapping[str, Any], *, actor: str
) -> None:
    """Set the four numbers of an item, a department, both, or the area; all empty: the row goes, the next closest counts."""
    if item_code and not tx.execute(select(ServiceItem.code).where(ServiceItem.code == item_code)).first():
        raise NotFound(f"没有编码为 {item_code[:40]} 的事项。")
    if department and not tx.execute(select(Department.code).where(Department.code == department)).first():
        raise NotFound(f"没有代码为 {department[:40]} 的部门。")
    days: dict[str, int | None] = {}
    faults = []
    for key in LIMITS:
        days[f"{key}_days"], right = whole(said.get(f"{key}_days"), 0, MOST_DAYS)
        if not right:
            words = f"{DAYS_TITLES[key]}时限应为 0 到 {MOST_DAYS} 个工作日，或留空。"
            faults.append(Fault("header", 0, f"{key}_days", words))
    refuse(faults)
    place = (item_code or None, department or None)
    before = all_limits(tx).get(place)
    after = tuple(days.values())
    if before == after or (before is None and not any(one is not None for one in after)):
        return
    if any(one is not None for one in after):
        row = insert(PushLimit).values(item_code=place[0], department=place[1], **days)
        tx.execute(row.on_conflict_do_update(constraint="uq_push_limits_item_code_department", set_=days))
    else:
        tx.execute(
            delete(PushLimit).where(
                PushLimit.item_code.is_not_distinct_from(place[0]),
                PushLimit.department.is_not_distinct_from(place[1]),
            )
        )
    detail = {"before": before, "after": after if any(one is not None for one in after) else None}
    subject = f"limit:{place[0] or '*'}/{place[1] or '*'}"
    record(tx, Entry(actor, "push_limit.changed", subject, detail=detail))
