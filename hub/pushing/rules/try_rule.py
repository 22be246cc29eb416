"""Try rules: who would get this, by which rule and why, by when, and what would be withheld - before anything counts.

Guarantees: changes nothing; answers by the very rulebook that deciding uses, once as published and once with a draft in
place of its published version.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import Connection, select

from hub.catalogue.item_header import element_title
from hub.department import Department
from hub.pushing.rulebook import Clock, Marks, Owed, Rule, Rulebook, read_rulebook, rulebook_questions
from hub.pushing.rules.condition import WAYS
from hub.pushing.rules.draft_rule import RuleVersion, published_rules
from hub.pushing.rules.rule_content import NamedDepartment, RuleContent
from hub.pushing.withhold import LISTS, withhold
from hub.round_trips import ask
from schemas import code_table

MOST_HIDDEN = 500


@dataclass(frozen=True, slots=True)
class Reason:
    """One condition of a rule, as a person reads it, and whether it holds."""

    title: str
    said: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What one rule says to these marks."""

    version: RuleVersion
    reasons: tuple[Reason, ...]

    @property
    def holds(self) -> bool:
        """Whether the rule matches."""
        return all(one.holds for one in self.reasons)


@dataclass(frozen=True, slots=True)
class Receiver:
    """One department that would get it."""

    department: str
    name: str
    owed: Owed
    clock: Clock
    rules: tuple[tuple[int, str], ...]
    news: str = ""  # beside the published rulebook: "", new, changed, gone


@dataclass(frozen=True, slots=True)
class Tried:
    """By the published rulebook (`now`), with the draft in its place (`then`), and every rule's answer."""

    now: tuple[Receiver, ...]
    then: tuple[Receiver, ...]
    answers: tuple[Answer, ...]


def read_book(tx: Connection, today: date) -> Rulebook:
    """The rulebook as it stands."""
    return read_rulebook(*ask(tx, *rulebook_questions(today)))


def with_draft(
    book: Rulebook, draft: RuleVersion, versions: Sequence[RuleVersion], active: frozenset[str]
) -> Rulebook:
    """The rulebook with a draft in place of the published version of the same rule."""
    replaced = {one.id for one in versions if one.line == draft.line}
    rules = [one for one in book.rules if one.id not in replaced]
    rules += [as_rule(draft, one) for one in draft.content.departments if one.department in active]
    return replace(book, rules=tuple(rules))


def as_rule(version: RuleVersion, one: NamedDepartment) -> Rule:
    """One department of a version, as the rulebook holds it."""
    content = version.content
    return Rule(
        version.id,
        content.name,
        content.item_codes,
        content.area_prefixes,
        content.result_types,
        content.party_kinds,
        [condition.stored() for condition in content.elements],
        content.incomplete == "block",
        one.department,
        (one.sign_days, one.claim_days, one.plan_days, one.feedback_days),
        one.left_out,
        one.masked,
    )


def try_rules(tx: Connection, marks: Marks, day: date, draft: RuleVersion | None = None) -> Tried:
    """Who would get a decision with these marks on this (local) day."""
    rows = tx.execute(select(Department.code, Department.name, Department.active))
    departments = {row.code: row for row in rows}
    names = {code: str(row.name) for code, row in departments.items()}
    versions = published_rules(tx)
    book = read_book(tx, day)
    now = _receivers(book, marks, day, names)
    then = now
    considered = versions
    if draft is not None:
        active = frozenset(code for code, row in departments.items() if row.active)
        then = _receivers(with_draft(book, draft, versions, active), marks, day, names)
        considered = [draft, *(one for one in versions if one.line != draft.line)]
    answers = tuple(Answer(one, tuple(reasons(one.content, marks))) for one in considered)
    return Tried(tuple(now.values()), tuple(_compared(now, then)), answers)


def _receivers(book: Rulebook, marks: Marks, day: date, names: Mapping[str, str]) -> dict[str, Receiver]:
    matching = [rule for rule in book.rules if rule.matches(marks)]
    return {
        owed.department: Receiver(
            owed.department,
            names.get(owed.department, owed.department),
            owed,
            book.clock(day, owed.days),
            tuple(sorted({(rule.id, rule.name) for rule in matching if rule.department == owed.department})),
        )
        for owed in book.owed(marks)
    }


def _compared(now: Mapping[str, Receiver], then: Mapping[str, Receiver]) -> Iterator[Receiver]:
    for code in sorted({*now, *then}):
        was, will = now.get(code), then.get(code)
        if was is None and will is not None:
            yield replace(will, news="new")
        elif was is not None and will is None:
            yield replace(was, news="gone")
        elif was is not None and will is not None:
            yield replace(will, news="" if _same(was.owed, will.owed) else "changed")


def _same(was: Owed, will: Owed) -> bool:
    return replace(was, rule_id=0) == replace(will, rule_id=0)


def reasons(content: RuleContent, marks: Marks) -> Iterator[Reason]:
    """Each condition of a rule, and whether it holds."""
    if content.item_codes:
        shown = "、".join(content.item_codes[:5]) + (
            f" 等 {len(content.item_codes)} 项" if len(content.item_codes) > 5 else ""
        )
        yield Reason("事项", shown, marks.item_code in content.item_codes)
    if content.area_prefixes:
        said = "、".join(content.area_prefixes)
        yield Reason("区划", said, marks.area_code.startswith(content.area_prefixes))
    for title, table, wanted, has in (
        ("办结结果", "result_type", content.result_types, marks.result_type),
        ("相对人", "party_kind", content.party_kinds, marks.party_kind),
    ):
        if wanted:
            words = code_table(table)
            yield Reason(title, "、".join(words.get(one, one) for one in wanted), has in wanted)
    for one in content.elements:
        value = "、".join(one.value) if isinstance(one.value, list) else str(one.value)
        yield Reason(
            f"要素 {element_title(one.name)}", f"{WAYS[one.way]} {value}".strip(), one.holds(marks.elements)
        )
    if not any(
        (
            content.item_codes,
            content.area_prefixes,
            content.result_types,
            content.party_kinds,
            content.elements,
        )
    ):
        yield Reason("条件", "没有条件，所有决定都适用", True)


@dataclass(frozen=True, slots=True)
class Hidden:
    """One place of the package that a department does not see as it is. `after` None: not there at all."""

    path: str
    before: str
    after: str | None


def hidden(data: Mapping[str, Any], owed: Owed, taken_for: Mapping[str, str]) -> list[Hidden]:
    """Before and after of everything that would be withheld from a department."""
    before = _flat(data)
    after = _flat(withhold(data, owed.left_out, owed.masked, taken_for))
    found = []
    for key, (label, text) in before.items():
        now = after[key][1] if key in after else None
        if text and now != text:
            found.append(Hidden(label, text, now or None))
    return found[:MOST_HIDDEN]


def _flat(data: Mapping[str, Any]) -> dict[tuple[str, ...], tuple[str, str]]:
    """Every text of a package by a key that withholding does not change, with how it reads."""
    found: dict[tuple[str, ...], tuple[str, str]] = {}
    for section, value in data.items():
        if section in LISTS:
            for number, row in enumerate(value):
                name = str(row[LISTS[section][1]])
                key = str(row.get("id") or f"{name}#{_earlier(value[:number], section, name)}")
                for member, one in row.items():
                    found[section, key, member] = (f"{section}[{name}].{member}", _text(one))
        elif isinstance(value, dict) and section != "completeness":
            found |= {(section, member): (f"{section}.{member}", _text(one)) for member, one in value.items()}
    return found


def _earlier(rows: Sequence[Mapping[str, Any]], section: str, name: str) -> int:
    return sum(row[LISTS[section][1]] == name for row in rows)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "、".join(str(one) for one in value)
    return "" if value is None else str(value)
