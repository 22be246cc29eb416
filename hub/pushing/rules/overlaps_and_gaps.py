"""Overlaps and gaps: item by item and department by department, what the published rules cover and what nobody looks after.

Guarantees: reads only. `always`: a rule names the department for the item whatever the case; `sometimes`: only under
further conditions (area, result, party, elements), so a case may fall through. Does not decide whether an overlap is wrong:
the department still gets one push, with the shortest limits and everything withheld that any of the rules withholds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from hub.department import Department
from hub.item import ServiceItem
from hub.pushing.rules.draft_rule import RuleVersion, published_rules
from hub.pushing.rules.rule import LIMITS

ALWAYS, SOMETIMES = "always", "sometimes"


@dataclass(frozen=True, slots=True)
class Cell:
    """One item and one department: the rules that name it, those without further conditions first."""

    rules: tuple[tuple[int, str], ...]
    always: bool

    @property
    def state(self) -> str:
        """How well it is covered."""
        return ALWAYS if self.always else SOMETIMES


@dataclass(frozen=True, slots=True)
class Overlap:
    """Several rules name one department for the same items: what wins."""

    department: str
    rules: tuple[tuple[int, str], ...]
    items: tuple[str, ...]
    days: tuple[int | None, ...]  # in the order of LIMITS; None: as the table of limits says
    withheld: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Idle:
    """A rule that can never match, and why."""

    rule: tuple[int, str]
    why: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """The whole picture."""

    items: Mapping[str, str]
    departments: Mapping[str, str]  # those that supervise or enforce, and those that rules name
    cells: Mapping[tuple[str, str], Cell]
    gaps: tuple[str, ...]  # items that nobody supervises or enforces
    partial: tuple[str, ...]  # items of which only some cases go anywhere
    overlaps: tuple[Overlap, ...]
    idle: tuple[Idle, ...]
    unnamed: tuple[str, ...]  # departments that supervise or enforce, in no rule


def coverage(tx: Connection, area: str) -> Coverage:
    """As the published rules stand, for the items and departments in use."""
    items = {
        row.code: str(row.name)
        for row in tx.execute(
            select(ServiceItem.code, ServiceItem.name).where(ServiceItem.active).order_by(ServiceItem.code)
        )
    }
    rows = tx.execute(select(*Department.__table__.c).order_by(Department.code)).all()
    active = {row.code for row in rows if row.active}
    rules = published_rules(tx)
    named = {one.department for rule in rules for one in rule.content.departments} & active
    watching = {row.code for row in rows if row.active and set(row.roles) & {"supervising", "enforcing"}}
    shown = {row.code: str(row.name) for row in rows if row.code in watching | named}
    alive = [rule for rule in rules if why_idle(rule, items, active, area) is None]
    cells = _cells(alive, items, active)
    covered = {item for item, _department in cells}
    surely = {item for (item, _department), cell in cells.items() if cell.always}
    return Coverage(
        items,
        shown,
        cells,
        tuple(item for item in items if item not in covered),
        tuple(item for item in items if item in covered and item not in surely),
        tuple(_overlaps(alive, cells)),
        tuple(
            Idle((rule.id, rule.content.name), why)
            for rule in rules
            if (why := why_idle(rule, items, active, area)) is not None
        ),
        tuple(code for code in shown if code not in named),
    )


def _cells(
    rules: Sequence[RuleVersion], items: Mapping[str, str], active: set[str]
) -> dict[tuple[str, str], Cell]:
    found: dict[tuple[str, str], list[RuleVersion]] = {}
    for rule in rules:
        for item in rule.content.item_codes or items:
            if item in items:
                for one in rule.content.departments:
                    if one.department in active:
                        found.setdefault((item, one.department), []).append(rule)
    return {key: _cell(named) for key, named in found.items()}


def _cell(rules: Sequence[RuleVersion]) -> Cell:
    ordered = sorted(rules, key=lambda rule: (not _unconditional(rule), rule.id))
    return Cell(tuple((rule.id, rule.content.name) for rule in ordered), _unconditional(ordered[0]))


def _unconditional(rule: RuleVersion) -> bool:
    content = rule.content
    return not (content.area_prefixes or content.result_types or content.party_kinds or content.elements)


def _overlaps(rules: Sequence[RuleVersion], cells: Mapping[tuple[str, str], Cell]) -> Iterator[Overlap]:
    by_id = {rule.id: rule for rule in rules}
    grouped: dict[tuple[str, tuple[tuple[int, str], ...]], list[str]] = {}
    for (item, department), cell in sorted(cells.items()):
        if len(cell.rules) > 1:
            grouped.setdefault((department, tuple(sorted(cell.rules))), []).append(item)
    for (department, named), items in grouped.items():
        meant = [
            one
            for rule_id, _name in named
            for one in by_id[rule_id].content.departments
            if one.department == department
        ]
        days = tuple(
            min((n for one in meant if (n := getattr(one, f"{key}_days")) is not None), default=None)
            for key in LIMITS
        )
        withheld = tuple(sorted({path for one in meant for path in (*one.left_out, *one.masked)}))
        yield Overlap(department, named, tuple(items), days, withheld)


def why_idle(rule: RuleVersion, items: Mapping[str, str], active: set[str], area: str) -> str | None:
    """Why a rule can never match, if so."""
    content = rule.content
    if not any(one.department in active for one in content.departments):
        return "规则里的部门都已停用"
    if content.item_codes and not set(content.item_codes) & items.keys():
        return "规则里的事项都不在用"
    if content.area_prefixes and not any(
        one.startswith(area) or area.startswith(one) for one in content.area_prefixes
    ):
        return f"区划不在本地（{area}）之内"
    wanted: dict[str, set[str]] = {}
    present: set[str] = set()
    absent: set[str] = set()
    for one in content.elements:
        if one.way in ("equals", "one_of"):
            values = {one.value} if one.way == "equals" else set(one.value)
            wanted[one.name] = wanted.get(one.name, values) & values
        (absent if one.way == "absent" else present).add(one.name)
    if clash := next((name for name, values in wanted.items() if not values), None):
        return f"对要素 {clash} 的几个条件互相矛盾"
    if both := sorted(present & absent):
        return f"要素 {both[0]} 既要有内容又要没有内容"
    return None
