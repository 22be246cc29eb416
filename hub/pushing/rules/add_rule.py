"""Add a rule that counts at once: set-up, the command line and the demo; people draft, try and publish (publish_rule)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, func, insert

from hub.ledger import Entry, record
from hub.pushing.rules.rule import PushRule, RuleDepartment


def add_rule(
    tx: Connection,
    name: str,
    departments: Mapping[str, int | None],
    *,
    actor: str,
    item_codes: Sequence[str] = (),
    hears: Sequence[str] = (),
) -> int:
    """A published rule: to each department with its working days for signing (None: the area's limit). Gives its number."""
    rule = {
        "name": name,
        "state": "published",
        "item_codes": list(item_codes),
        "created_by": actor,
        "published_by": actor,
        "published_at": func.now(),
    }
    rule_id: int = tx.execute(insert(PushRule).values(rule).returning(PushRule.id)).scalar_one()
    named = [
        {"rule_id": rule_id, "department": code, "sign_days": days, "hears": list(hears)}
        for code, days in departments.items()
    ]
    tx.execute(insert(RuleDepartment), named)
    detail = {"name": name, "departments": dict(departments), "item_codes": list(item_codes)}
    record(tx, Entry(actor, "rule.published", f"rule:{rule_id}", detail=detail))
    return rule_id
