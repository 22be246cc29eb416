"""Kinds of facts: how each type of message reads as a Finding, and what each means for its push.

A kind more is an entry more here; judging, writing, licences, lights and notices go one way for all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas import code_table


@dataclass(frozen=True, slots=True)
class Kind:
    """Where a type of message keeps what all facts have. None: it has no such thing."""

    name: str  # of hub.feedback.finding.KINDS
    title: str
    when: str
    number: str = "fact_no"
    result: str | None = None
    result_table: str | None = None
    handling: str | None = None
    people: str | None = None
    about: str | None = None  # the fact it is about, by number
    undoes: str = "corrects"  # the fact that stands no longer, by number
    words: str = "explain"
    to_come: bool = False  # may lie in the future

    def result_of(self, data: Mapping[str, Any]) -> str | None:
        """What rules and lists call its result."""
        return data[self.result] if self.result else None

    def handling_of(self, data: Mapping[str, Any]) -> str | None:
        """处理结果, of an inspection."""
        return data[self.handling] if self.handling else None

    def said(self, data: Mapping[str, Any]) -> str:
        """Its result in words."""
        words = []
        if self.result and self.result_table:
            words.append(code_table(self.result_table)[data[self.result]])
        if self.handling:
            words.append(code_table("handling")[data[self.handling]])
        return "，".join(words) or str(data.get("plan_name") or f"撤销 {data.get('withdraws', '')}")


PLAN, INSPECTION, RECTIFICATION = "plan", "inspection", "rectification"
ENFORCEMENT, CREDIT, WITHDRAWAL = "enforcement", "credit", "withdrawal"
OF_TYPE: dict[str, Kind] = {
    "supervision.planned.v1": Kind(PLAN, "监管计划", "from", to_come=True),
    "finding.reported.v1": Kind(
        INSPECTION,
        "检查",
        "inspected_at",
        number="finding_no",
        result="check_result",
        result_table="check_result",
        handling="handling",
        people="inspectors",
    ),
    "rectification.reported.v1": Kind(
        RECTIFICATION,
        "整改复查",
        "checked_at",
        result="result",
        result_table="rectification_result",
        people="inspectors",
        about="finding_no",
    ),
    "enforcement.decided.v1": Kind(
        ENFORCEMENT,
        "执法结果",
        "decided_on",
        result="result",
        result_table="enforcement_result",
        people="officers",
        about="finding_no",
    ),
    "credit.recorded.v1": Kind(CREDIT, "信用记录", "recorded_on", result="kind", result_table="credit_kind"),
    "finding.withdrawn.v1": Kind(WITHDRAWAL, "撤销所报", "at", undoes="withdraws", words="reason"),
}
TYPE_OF = {kind.name: name for name, kind in OF_TYPE.items()}
#: Which of them the table of licence rules speaks of.
RULED = frozenset({INSPECTION, RECTIFICATION, ENFORCEMENT})


def act_of(kind: str, result: str | None, handling: str | None) -> str | None:
    """What such a fact means for its push; None: nothing."""
    if (
        kind == ENFORCEMENT
        or (kind == INSPECTION and handling == "1")
        or (kind, result) == (RECTIFICATION, "1")
    ):
        return "answered"
    return "supervised" if kind in (PLAN, INSPECTION, RECTIFICATION) else None


def handed_over(kind: str, result: str | None, handling: str | None) -> bool:
    """Whether it asks an enforcing department to go on: 移交执法."""
    return (kind == INSPECTION and handling == "3") or (kind, result) == (RECTIFICATION, "3")
