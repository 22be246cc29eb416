"""Draft a rule: a new one, the next version of one, or a copy under another name; saved at leisure, or thrown away.

Guarantees: a rule has at most one draft (asked for twice, it is the same); only a draft changes, and it counts for
nothing; each change is in the ledger with what was and what is; what another saved meanwhile is never overwritten unseen.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from hub.catalogue.faults import refuse
from hub.catalogue.version_states import TITLES
from hub.errors import Conflict, NotFound
from hub.ledger import Entry, record
from hub.pushing.rules.condition import Condition
from hub.pushing.rules.rule import PushRule, RuleDepartment
from hub.pushing.rules.rule_content import NamedDepartment, RuleContent, known, parse_rule
from schemas import canonical


@dataclass(frozen=True, slots=True)
class RuleVersion:
    """One version of a rule, as it stands."""

    id: int
    line: uuid.UUID
    number: int
    state: str
    content: RuleContent
    created_by: str
    created_at: datetime
    published_by: str | None
    published_at: datetime | None
    ended_by: str | None
    ended_at: datetime | None
    ended_why: str | None

    @property
    def stamp(self) -> str:
        """Changes when what is shown changes."""
        said = [self.id, self.state, said_of(self.content)]
        return hashlib.sha256(canonical(said)).hexdigest()[:32]


def said_of(content: RuleContent) -> dict[str, Any]:
    """A version's content as plain values."""
    return {**content.columns(), "departments": [one.columns() for one in content.departments]}


def rule_versions(tx: Connection, line: uuid.UUID) -> list[RuleVersion]:
    """Every version of a rule, the newest first."""
    return _versions(tx, PushRule.line == line)


def rule_version(tx: Connection, rule_id: int) -> RuleVersion:
    """One version. Raises NotFound."""
    found = _versions(tx, PushRule.id == rule_id)
    if not found:
        raise NotFound(f"没有编号为 {rule_id} 的推送规则，可能草稿已被丢弃。请回到推送规则重新打开。")
    return found[0]


def published_rules(tx: Connection) -> list[RuleVersion]:
    """Every rule that counts."""
    return sorted(_versions(tx, PushRule.state == "published"), key=lambda one: one.id)


def _versions(tx: Connection, where: Any) -> list[RuleVersion]:
    columns = PushRule.__table__.c
    rows = tx.execute(select(*columns).where(where).order_by(PushRule.number.desc(), PushRule.id)).all()
    named: dict[int, list[NamedDepartment]] = {}
    found = select(*RuleDepartment.__table__.c).where(RuleDepartment.rule_id.in_([row.id for row in rows]))
    for row in tx.execute(found.order_by(RuleDepartment.department)):
        one: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in row._mapping.items()}
        named.setdefault(one.pop("rule_id"), []).append(NamedDepartment(**one))
    return [_version(row, tuple(named.get(row.id, ()))) for row in rows]


def _version(row: Any, departments: tuple[NamedDepartment, ...]) -> RuleVersion:
    content = RuleContent(
        row.name,
        tuple(row.item_codes),
        tuple(row.area_prefixes),
        tuple(row.result_types),
        tuple(row.party_kinds),
        tuple(Condition.of(one) for one in row.elements),
        row.incomplete,
        row.note,
        departments,
    )
    kept = ("created_by", "created_at", "published_by", "published_at", "ended_by", "ended_at", "ended_why")
    return RuleVersion(
        row.id, row.line, row.number, row.state, content, **{key: getattr(row, key) for key in kept}
    )


def locked_line(tx: Connection, rule_id: int) -> RuleVersion:
    """This version, its rule held against others who change it."""
    line = tx.execute(select(PushRule.line).where(PushRule.id == rule_id)).scalar()
    tx.execute(select(PushRule.id).where(PushRule.line == line).order_by(PushRule.id).with_for_update())
    return rule_version(tx, rule_id)


def draft_rule(tx: Connection, rule_id: int | None, *, actor: str) -> int:
    """The draft of this rule: the one there is, or a copy of this version. None: an empty draft of a new rule."""
    if rule_id is None:
        return _draft(tx, uuid.uuid4(), 1, RuleContent(name="新规则"), actor, {})
    source = locked_line(tx, rule_id)
    versions = rule_versions(tx, source.line)
    for one in versions:
        if one.state == "draft":
            return one.id
    return _draft(tx, source.line, versions[0].number + 1, source.content, actor, {"from": source.number})


def copy_rule(tx: Connection, rule_id: int, *, actor: str) -> int:
    """A new rule that says the same, as a draft."""
    source = rule_version(tx, rule_id)
    content = replace(source.content, name=f"{source.content.name[:92]}（副本）")
    return _draft(tx, uuid.uuid4(), 1, content, actor, {"copied_from": rule_id})


def _draft(
    tx: Connection, line: uuid.UUID, number: int, content: RuleContent, actor: str, detail: Mapping[str, Any]
) -> int:
    row = {**content.columns(), "line": line, "number": number, "state": "draft", "created_by": actor}
    rule_id: int = tx.execute(insert(PushRule).values(row).returning(PushRule.id)).scalar_one()
    _name(tx, rule_id, content)
    told = {"name": content.name, "number": number, **detail}
    record(tx, Entry(actor, "rule.drafted", f"rule:{rule_id}", detail=told))
    return rule_id


def _name(tx: Connection, rule_id: int, content: RuleContent) -> None:
    tx.execute(delete(RuleDepartment).where(RuleDepartment.rule_id == rule_id))
    rows = [{"rule_id": rule_id, **one.columns()} for one in content.departments]
    if rows:
        tx.execute(insert(RuleDepartment), rows)


def locked_draft(tx: Connection, rule_id: int) -> RuleVersion:
    """The draft, held. Raises Conflict when it is one no longer."""
    found = locked_line(tx, rule_id)
    if found.state != "draft":
        raise Conflict(
            f"规则“{found.content.name}”第 {found.number} 版{TITLES[found.state]}，不能再改。请从新的草稿改起。"
        )
    return found


def save_rule(
    tx: Connection, rule_id: int, said: Mapping[str, Any], *, actor: str, seen: str | None = None
) -> RuleVersion:
    """Save what an editor says into the draft. Raises Faulty with every wrong box, Conflict where another saved first."""
    before = locked_draft(tx, rule_id)
    if seen is not None and seen != before.stamp:
        raise Conflict(
            "这条规则刚被别人改过。请重新打开本页，在新内容上再改；您刚才填的内容仍在下面，可以抄回。"
        )
    content, faults = parse_rule(said, known(tx))
    refuse(faults)
    was, now = said_of(before.content), said_of(content)
    if was != now:
        tx.execute(update(PushRule).where(PushRule.id == rule_id).values(content.columns()))
        _name(tx, rule_id, content)
        changes = {key: [was[key], now[key]] for key in now if was[key] != now[key]}
        record(tx, Entry(actor, "rule.draft_changed", f"rule:{rule_id}", detail=changes))
    return replace(before, content=content)


def discard_rule_draft(tx: Connection, rule_id: int, *, actor: str) -> None:
    """Throw the draft away; what is published stays as it is."""
    found = locked_draft(tx, rule_id)
    tx.execute(delete(PushRule).where(PushRule.id == rule_id))
    detail = {"name": found.content.name, "number": found.number}
    record(tx, Entry(actor, "rule.draft_discarded", f"rule:{rule_id}", detail=detail))
