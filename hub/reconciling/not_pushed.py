"""Not pushed: decisions that a rule of their own time owed to a department, and that were never pushed to it.

The rules are asked as they stood when the decision was written: a rule that was published later says nothing about it, and
one that was withdrawn since does. PostgreSQL finds the few that may be missing; what a rule says of elements is asked of the
rule itself. A decision that no rule names at all stands here, too, without a department. Withdrawn decisions are owed to
nobody.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection

from hub.pushing.rules.condition import Condition
from hub.reconciling.reconciliation import ReconciliationDifference
from hub.round_trips import Question, Rows, ask, tell, write

_MISSING = """
SELECT d.case_no, c.item_code, n.department, r.name, r.elements, CASE WHEN r.elements <> '[]' THEN d.elements END
FROM decisions d JOIN cases c ON c.case_no = d.case_no JOIN parties y ON y.id = c.party_id
JOIN push_rules r ON r.state <> 'draft' AND r.published_at <= d.created_at
  AND (r.ended_at IS NULL OR r.ended_at > d.created_at)
  AND (r.item_codes = '{}' OR c.item_code = ANY (r.item_codes))
  AND (r.result_types = '{}' OR d.result_type = ANY (r.result_types))
  AND (r.party_kinds = '{}' OR y.kind = ANY (r.party_kinds))
  AND (r.area_prefixes = '{}' OR EXISTS (SELECT FROM unnest(r.area_prefixes) a WHERE starts_with(c.area_code, a)))
JOIN push_rule_departments n ON n.rule_id = r.id JOIN departments b ON b.code = n.department AND b.active
LEFT JOIN pushes p ON p.decision_id = d.id AND p.department = n.department
WHERE d.decided_on BETWEEN %(first)s AND %(last)s AND d.withdrawn_at IS NULL AND p.id IS NULL
ORDER BY d.case_no, n.department, r.id
"""
_UNPUSHED = """
SELECT d.case_no, c.item_code FROM decisions d JOIN cases c ON c.case_no = d.case_no
WHERE d.decided_on BETWEEN %(first)s AND %(last)s AND d.withdrawn_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM pushes p WHERE p.decision_id = d.id)
ORDER BY d.case_no
"""
_LINES = """
INSERT INTO reconciliation_lines AS l
  (run_id, department, item_code, decided, pushed, arrived, signed, claimed, answered, returned, overdue)
SELECT %(run)s, department, item_code, count(*), 0, 0, 0, 0, 0, 0, 0
FROM unnest(%(departments)s::text[], %(items)s::text[]) AS n(department, item_code) GROUP BY department, item_code
ON CONFLICT (run_id, department, item_code) DO UPDATE SET decided = l.decided + excluded.decided
"""
NOBODY = ""


class Missing(NamedTuple):
    """One decision that should have been pushed to a department."""

    case_no: str
    item_code: str
    department: str
    words: str


def count_not_pushed(tx: Connection, run: uuid.UUID, first: date, last: date) -> int:
    """Add what was decided in some days and not pushed to the lines and the differences of a run."""
    of: Question = ("", {"first": first, "last": last})
    candidates, unpushed = ask(tx, (_MISSING, of[1]), (_UNPUSHED, of[1]))
    missing = [*_owed(candidates)]
    named = {one.case_no for one in missing}
    missing += [
        Missing(case_no, item_code, NOBODY, "没有推送规则指向这个决定，没有推送给任何部门")
        for case_no, item_code in unpushed
        if case_no not in named
    ]
    if not missing:
        return 0
    columns: Mapping[str, Any] = {
        "run": run,
        "departments": [one.department for one in missing],
        "items": [one.item_code for one in missing],
    }
    tell(tx, (_LINES, columns))
    write(tx, Rows(ReconciliationDifference, [_row(run, one) for one in missing]))
    return len(missing)


def _owed(candidates: Sequence[Any]) -> list[Missing]:
    """One for each decision and department, by the first rule that holds."""
    found: dict[tuple[str, str], Missing] = {}
    for case_no, item_code, department, rule, conditions, elements in candidates:
        if (case_no, department) in found:
            continue
        if all(Condition.of(one).holds(elements or {}) for one in conditions):
            words = f"推送规则“{rule}”指向该部门，却没有推送"
            found[case_no, department] = Missing(case_no, item_code, department, words)
    return list(found.values())


def _row(run: uuid.UUID, one: Missing) -> dict[str, Any]:
    return {
        "run_id": run,
        "department": one.department,
        "kind": "not_pushed",
        "case_no": one.case_no,
        "item_code": one.item_code,
        "words": one.words,
    }
