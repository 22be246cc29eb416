"""The rulebook: which departments a decision is owed to, and by when each should sign.

Read once per transaction. A department named by several matching rules is owed one push, with the shortest limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, select

from hub.department import Department
from hub.item import PushRule
from hub.workday import due, end_of, exceptions


@dataclass(frozen=True, slots=True)
class Rule:
    """One push rule; None matches everything."""

    id: int
    item_code: str | None
    area_prefix: str | None
    result_type: str | None
    party_kind: str | None
    department: str
    sign_within_days: int

    def matches(self, item_code: str, area_code: str, result_type: str, party_kind: str) -> bool:
        """Whether a decision with these marks is meant."""
        return (
            self.item_code in (None, item_code)
            and self.result_type in (None, result_type)
            and self.party_kind in (None, party_kind)
            and (self.area_prefix is None or area_code.startswith(self.area_prefix))
        )


@dataclass(frozen=True, slots=True)
class Owed:
    """One department to push to."""

    department: str
    rule_id: int
    sign_within_days: int


@dataclass(frozen=True, slots=True)
class Rulebook:
    """All rules and the calendar, as they stand in this transaction."""

    rules: tuple[Rule, ...]
    calendar: Mapping[date, bool]

    def owed(self, item_code: str, area_code: str, result_type: str, party_kind: str) -> list[Owed]:
        """The departments this decision is owed to, in the order of their codes."""
        found: dict[str, Owed] = {}
        for rule in self.rules:
            if rule.matches(item_code, area_code, result_type, party_kind):
                known = found.get(rule.department)
                if known is None or rule.sign_within_days < known.sign_within_days:
                    found[rule.department] = Owed(rule.department, rule.id, rule.sign_within_days)
        return [found[code] for code in sorted(found)]

    def sign_by(self, day: date, within_days: int) -> datetime:
        """The end of the last working day for signing."""
        return end_of(due(day, within_days, self.calendar))


def load_rulebook(tx: Connection) -> Rulebook:
    """The rules of active departments, and the calendar."""
    rows = tx.execute(
        select(
            PushRule.id,
            PushRule.item_code,
            PushRule.area_prefix,
            PushRule.result_type,
            PushRule.party_kind,
            PushRule.department,
            PushRule.sign_within_days,
        )
        .join(Department, Department.code == PushRule.department)
        .where(PushRule.active, Department.active)
        .order_by(PushRule.id)
    )
    return Rulebook(tuple(Rule(*row) for row in rows), exceptions(tx))
