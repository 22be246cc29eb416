"""The rulebook: which departments a decision is owed to, what each may see, and by when each should do what.

Read once per transaction. A department named by several matching rules is owed one push: with the shortest limit of each
kind, without whatever any of them leaves out or masks, and held where any of them blocks what is incomplete.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from hub.pushing.rules.condition import Condition
from hub.pushing.rules.rule import LIMITS
from hub.round_trips import Question
from hub.workday import due, end_of

Days = tuple[int | None, int | None, int | None, int | None]  # in the order of LIMITS
_NO_DAYS: Days = (None, None, None, None)


@dataclass(frozen=True, slots=True)
class Marks:
    """What rules look at."""

    item_code: str
    area_code: str
    result_type: str
    party_kind: str
    elements: Mapping[str, Any] = field(default_factory=dict)


class Rule(NamedTuple):
    """One department of one published rule; an empty condition matches everything."""

    id: int
    name: str
    item_codes: Sequence[str]
    area_prefixes: Sequence[str]
    result_types: Sequence[str]
    party_kinds: Sequence[str]
    elements: Sequence[Mapping[str, Any]]
    blocks: bool
    department: str
    days: Days
    left_out: Sequence[str]
    masked: Sequence[str]

    def matches(self, marks: Marks) -> bool:
        """Whether a decision with these marks is meant."""
        return (
            (not self.item_codes or marks.item_code in self.item_codes)
            and (not self.result_types or marks.result_type in self.result_types)
            and (not self.party_kinds or marks.party_kind in self.party_kinds)
            and (not self.area_prefixes or marks.area_code.startswith(tuple(self.area_prefixes)))
            and all(Condition.of(one).holds(marks.elements) for one in self.elements)
        )


@dataclass(frozen=True, slots=True)
class Owed:
    """One department to push to."""

    department: str
    rule_id: int  # the rule with the shortest limit for signing
    days: Days = _NO_DAYS
    left_out: tuple[str, ...] = ()
    masked: tuple[str, ...] = ()
    blocks: bool = False


@dataclass(frozen=True, slots=True)
class Clock:
    """When a push should be signed, claimed, planned for and answered; None: no limit."""

    sign_by: datetime | None
    claim_by: datetime | None
    plan_by: datetime | None
    feedback_by: datetime | None

    @property
    def next_due_at(self) -> datetime | None:
        """The earliest."""
        return min(
            (at for at in (self.sign_by, self.claim_by, self.plan_by, self.feedback_by) if at), default=None
        )


@dataclass(frozen=True, slots=True)
class Rulebook:
    """All rules, limits and the calendar, as they stand in this transaction."""

    rules: tuple[Rule, ...]
    limits: Mapping[tuple[str | None, str | None], Days]  # (item_code, department)
    calendar: Mapping[date, bool]

    def owed(self, marks: Marks) -> list[Owed]:
        """The departments this decision is owed to, in the order of their codes."""
        found: dict[str, list[Rule]] = {}
        for rule in self.rules:
            if rule.matches(marks):
                found.setdefault(rule.department, []).append(rule)
        return [self._owed(code, found[code], marks.item_code) for code in sorted(found)]

    def _owed(self, department: str, rules: Sequence[Rule], item_code: str) -> Owed:
        fallback = self._general(item_code, department)
        days = [
            _shortest([rule.days[n] for rule in rules])
            if any(rule.days[n] is not None for rule in rules)
            else next((one[n] for one in fallback if one[n] is not None), None)
            for n in range(len(LIMITS))
        ]
        first = min(rules, key=lambda rule: (rule.days[0] is None, rule.days[0] or 0, rule.id))
        return Owed(
            department,
            first.id,
            (days[0], days[1], days[2], days[3]),
            tuple(sorted({path for rule in rules for path in rule.left_out})),
            tuple(sorted({path for rule in rules for path in rule.masked})),
            any(rule.blocks for rule in rules),
        )

    def _general(self, item_code: str, department: str) -> list[Days]:
        """The limits where no rule says one, the closest first."""
        keys = ((item_code, department), (item_code, None), (None, department), (None, None))
        return [self.limits.get(key, _NO_DAYS) for key in keys]

    def sign_by(self, day: date, item_code: str, department: str, days: int | None = None) -> datetime | None:
        """By when a message told on `day` is to be signed for; `days`: what the rule of its department says."""
        if days is None:
            general = self._general(item_code, department)
            days = next((one[0] for one in general if one[0] is not None), None)
        return self.clock(day, (days, None, None, None)).sign_by

    def clock(self, day: date, days: Days) -> Clock:
        """The last moments of the last working days of each limit, counted from `day` (local), which does not count."""
        return Clock(*(None if n is None else end_of(due(day, n, self.calendar)) for n in days))


def _shortest(days: Iterable[int | None]) -> int | None:
    return min((n for n in days if n is not None), default=None)


_RULES: tuple[Question, ...] = (
    (
        """
        SELECT r.id, r.name, r.item_codes, r.area_prefixes, r.result_types, r.party_kinds, r.elements,
          r.incomplete = 'block', d.department, d.sign_days, d.claim_days, d.plan_days, d.feedback_days,
          d.left_out, d.masked
        FROM push_rules r JOIN push_rule_departments d ON d.rule_id = r.id JOIN departments b ON b.code = d.department
        WHERE r.state = 'published' AND b.active ORDER BY r.id, d.department
        """,
        {},
    ),
    ("SELECT item_code, department, sign_days, claim_days, plan_days, feedback_days FROM push_limits", {}),
)
#: A limit reaches 250 working days at most: a year and a half of the calendar is enough.
_BEFORE, _AFTER = timedelta(400), timedelta(550)


def rulebook_questions(today: date) -> tuple[Question, ...]:
    """What `read_rulebook` reads from the answers to: published rules, limits, the calendar around the (local) day."""
    return (*_RULES, _calendar(today))


def limit_questions(today: date) -> tuple[Question, ...]:
    """The same without the rules, for who knows by which rule something is told."""
    return (_RULES[1], _calendar(today))


def _calendar(today: date) -> Question:
    days = "SELECT day, working FROM calendar_days WHERE day BETWEEN %(since)s AND %(until)s"
    return days, {"since": today - _BEFORE, "until": today + _AFTER}


def read_rulebook(
    rules: Iterable[Sequence[Any]], limits: Iterable[Sequence[Any]], calendar: Iterable[Sequence[Any]]
) -> Rulebook:
    """The rulebook from the answers to `rulebook_questions`."""
    return Rulebook(
        tuple(Rule(*(*row[:9], tuple(row[9:13]), *row[13:])) for row in rules),
        {
            (item_code, department): (sign, claim, plan, feedback)
            for item_code, department, sign, claim, plan, feedback in limits
        },
        {row[0]: row[1] for row in calendar},
    )
