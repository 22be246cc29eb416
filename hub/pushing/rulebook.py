"""The rulebook: which departments a decision is owed to, and by when each should sign.

Read once per transaction. A department named by several matching rules is owed one push, with the shortest limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from hub.round_trips import Question
from hub.workday import due, end_of


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


#: What `read_rulebook` reads from the answers to: the rules of active departments, and the calendar.
QUESTIONS: tuple[Question, ...] = (
    (
        """
        SELECT r.id, r.item_code, r.area_prefix, r.result_type, r.party_kind, r.department, r.sign_within_days
        FROM push_rules r JOIN departments d ON d.code = r.department
        WHERE r.active AND d.active ORDER BY r.id
        """,
        {},
    ),
    # A limit reaches 90 working days at most: half a year of the calendar is enough.
    ("SELECT day, working FROM calendar_days WHERE day BETWEEN current_date - 1 AND current_date + 200", {}),
)


def read_rulebook(rules: Iterable[Sequence[Any]], calendar: Iterable[Sequence[Any]]) -> Rulebook:
    """The rulebook from the answers to QUESTIONS."""
    return Rulebook(tuple(Rule(*row) for row in rules), dict(calendar))  # type: ignore[arg-type]
