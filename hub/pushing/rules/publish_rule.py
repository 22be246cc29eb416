"""Publish a rule's draft, or take a rule off: decisions from now on are owed by it, or no longer.

Guarantees: one transaction ends the old version and freezes the new one; pushes that are made already keep the version by
which they were made, with its departments and limits. Everything arrives twice: publishing again changes nothing.
"""

from __future__ import annotations

from sqlalchemy import Connection, func, update

from hub.catalogue.faults import refuse
from hub.errors import Conflict, Rejected
from hub.ledger import Entry, record
from hub.pushing.rules.draft_rule import (
    RuleVersion,
    locked_draft,
    locked_line,
    rule_version,
    rule_versions,
    said_of,
)
from hub.pushing.rules.rule import PushRule
from hub.pushing.rules.rule_content import known, parse_rule, publishing_faults


def publish_rule(tx: Connection, rule_id: int, *, actor: str, seen: str | None = None) -> int:
    """Make a draft count; its number. Raises Faulty with everything that forbids it, Conflict where it was changed since."""
    if (standing := rule_version(tx, rule_id)).state == "published":
        return standing.number
    draft = locked_draft(tx, rule_id)
    if seen is not None and seen != draft.stamp:
        raise Conflict("草稿刚被别人改过。请再看一遍将要改变的内容，然后发布。")
    said = said_of(draft.content)
    _content, faults = parse_rule({**said, "conditions": said["elements"]}, known(tx))
    refuse([*faults, *publishing_faults(draft.content)])
    old = published(tx, draft)
    if old is not None:
        _end(tx, old.id, "superseded", actor, f"由第 {draft.number} 版替代")
    tx.execute(
        update(PushRule)
        .where(PushRule.id == rule_id)
        .values(state="published", published_by=actor, published_at=func.now())
    )
    was = said_of(old.content) if old else {}
    changes = {key: [was.get(key), one] for key, one in said.items() if was.get(key) != one}
    detail = {"name": draft.content.name, "number": draft.number, "changes": changes}
    record(tx, Entry(actor, "rule.published", f"rule:{rule_id}", detail=detail))
    return draft.number


def published(tx: Connection, version: RuleVersion) -> RuleVersion | None:
    """The version of the same rule that counts now."""
    return next((one for one in rule_versions(tx, version.line) if one.state == "published"), None)


def withdraw_rule(tx: Connection, rule_id: int, *, actor: str, reason: str) -> None:
    """Take the published version off: nothing more is owed by it."""
    if len(reason.strip()) < 2:
        raise Rejected("请写明撤下的理由（至少两个字）。")
    found = locked_line(tx, rule_id)
    if found.state != "published":
        raise Conflict(f"规则“{found.content.name}”第 {found.number} 版没有在用，不需要撤下。")
    _end(tx, rule_id, "withdrawn", actor, reason.strip()[:500])
    detail = {"name": found.content.name, "number": found.number}
    record(tx, Entry(actor, "rule.withdrawn", f"rule:{rule_id}", reason=reason[:500], detail=detail))


def _end(tx: Connection, rule_id: int, state: str, actor: str, why: str) -> None:
    tx.execute(
        update(PushRule)
        .where(PushRule.id == rule_id)
        .values(state=state, ended_by=actor, ended_at=func.now(), ended_why=why)
    )
