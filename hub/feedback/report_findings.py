"""Report findings: what a supervising department found, and its effect on push, case and licence, in one transaction.

Guarantees: what a finding asks for is what the rules said when it came; a department's newest inspection of a licence, by
(happened_at, finding_no), decides, so the outcome does not depend on the order of arrival, and nothing happens twice. An
older finding that comes late is kept and shown. A department speaks only of cases that were pushed to it; a finding on a
licence that was renewed acts on its newest version. Departments, holder and cases that rely on a licence whose status
changes are told in the same transaction.
"""

from __future__ import annotations

import hashlib
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection

from hub.exchange.arrived import Arrived, Refused
from hub.exchange.taker import Taker
from hub.feedback.finding import Finding
from hub.licensing.findings.rules_of_findings import QUESTION as RULES
from hub.licensing.findings.rules_of_findings import RulesOfFindings, rules_of_findings
from hub.licensing.living.changed import ACTIONS, Changed
from hub.licensing.living.hold_licences import hold_licences
from hub.licensing.living.said_of_licences import Spoken
from hub.licensing.living.take_effect import effects_of, standing
from hub.moments import parse_moment
from hub.ports import Desk
from hub.round_trips import Question, Rows, tell, write
from schemas import code_table

FINDINGS = uuid.UUID("f3b7a5c4-8a0a-5f55-9d5c-5a1c6f0f7e21")
Answer = Sequence[Any]
TOLERANCE = timedelta(days=1)  # a department's clock may be ahead, but not by more


class Named(NamedTuple):
    """A licence that a finding on a case may speak of, by the identifier of any of its versions."""

    identifier: str
    id: uuid.UUID  # the newest version
    type_code: str


@dataclass(frozen=True, slots=True)
class Grounds:
    """What findings of one batch are judged by."""

    cases: frozenset[str]
    pushes: Mapping[tuple[str, str], uuid.UUID]  # (case_no, department) -> push
    names: Mapping[str, str]  # of departments
    licences: Mapping[str, Sequence[Named]]  # by case_no, the one that is meant where none is named first
    numbers: frozenset[tuple[str, ...]]  # (department, finding_no) that were used before
    rules: RulesOfFindings


_CASES = "SELECT case_no FROM cases WHERE case_no = ANY(%(case_nos)s)"
_PUSHES = """
SELECT p.case_no, p.department, p.id, d.name FROM pushes p JOIN departments d ON d.code = p.department
WHERE p.case_no = ANY(%(case_nos)s)
"""
#: The licences of the cases, each followed to its newest version.
_LICENCES = """
WITH RECURSIVE line(case_no, first_id, issued_on, first, id, identifier, type_code, version) AS (
  SELECT case_no, id, issued_on, identifier, id, identifier, type_code, 1 FROM licences
  WHERE case_no = ANY(%(case_nos)s)
  UNION ALL
  SELECT l.case_no, l.first_id, l.issued_on, l.first, n.id, n.identifier, n.type_code, l.version + 1
  FROM line l JOIN licences n ON n.previous_id = l.id
)
SELECT case_no, first_id, id, identifier, type_code FROM line ORDER BY issued_on DESC, first, first_id, version
"""
_NUMBERS = """
SELECT department, finding_no FROM findings
WHERE (department, finding_no) IN (SELECT * FROM unnest(%(departments)s::text[], %(numbers)s::text[]))
"""


def questions(messages: Sequence[Arrived]) -> tuple[Question, ...]:
    """Ask for everything that findings speak of."""
    of = {"case_nos": list({str(message.data["project_no"]) for message in messages})}
    numbers = {
        "departments": [message.department for message in messages],
        "numbers": [message.data["finding_no"] for message in messages],
    }
    return (_CASES, of), (_PUSHES, of), (_LICENCES, of), (_NUMBERS, numbers), RULES


def grounds(cases: Answer, pushes: Answer, licences: Answer, numbers: Answer, rules: Answer) -> Grounds:
    """The answers to `questions`."""
    newest = {first: (id_, type_code) for _, first, id_, _, type_code in licences}
    by_case: dict[str, list[Named]] = {}
    for case_no, first, _, identifier, _ in licences:
        by_case.setdefault(case_no, []).append(Named(identifier, *newest[first]))
    return Grounds(
        frozenset(row[0] for row in cases),
        {(case_no, department): push_id for case_no, department, push_id, _ in pushes},
        {department: name for _, department, _, name in pushes},
        by_case,
        frozenset(tuple(row) for row in numbers),
        rules_of_findings(rules),
    )


def objection(message: Arrived, known: Grounds, now: datetime) -> Refused | None:
    """Why this finding cannot be taken, if so."""
    data = message.data
    case_no, number = data["project_no"], data["finding_no"]
    if case_no != message.case_no or case_no not in known.cases:
        return message.refuse(
            "unknown_case",
            f"没有办件编号为 {case_no} 的办件",
            "project_no 与消息的 subject 都应为推送包中的办件编号",
        )
    if (case_no, message.department) not in known.pushes:
        return message.refuse(
            "unknown_push", f"办件 {case_no} 没有推送给本部门，不能上报其监管信息", "只上报推送给本部门的办件"
        )
    if parse_moment(data["inspected_at"]) > now + TOLERANCE:
        return message.refuse("schema", f"检查日期 {data['inspected_at']} 在将来", "happened_at 不晚于今天")
    identifier = data.get("certificateIdentifier")
    if identifier and identifier not in {one.identifier for one in known.licences.get(case_no, ())}:
        return message.refuse(
            "unknown_case",
            f"证照 {identifier} 不属于办件 {case_no}",
            "certificateIdentifier 应为推送包中的证照标识",
        )
    if (message.department, number) in known.numbers:
        return message.refuse(
            "schema", f"监管信息编号 {number} 已经用过", "每条监管信息用新的编号；更正请另报一条"
        )
    return None


_COUNT = """
UPDATE pushes p SET findings = p.findings + n.more, last_finding_at = %(now)s
FROM unnest(%(ids)s::uuid[], %(more)s::int[]) AS n(id, more) WHERE p.id = n.id
"""


def report_findings(tx: Connection, messages: Sequence[Arrived], known: Grounds, desk: Desk) -> None:
    """Take findings that nothing speaks against."""
    if not messages:
        return
    now = desk.clock()
    judged = [_finding_row(message, known, desk) for message in messages]
    rows = [row for row, _ in judged]
    ruled = hold_licences(tx, [_spoken(row) for row in rows if row["licence_id"]], now)
    for row in rows:
        row["effect_applied"] = row["id"] in ruled.applied
    effects = effects_of(tx, list(ruled.changes.values()), desk, spoken=True)
    notices = [_notice(row, known.names[row["department"]], ruled.changes.get(row["id"])) for row in rows]
    ledger = [_ledger_row(row, rule, ruled.changes.get(row["id"])) for row, rule in judged]
    effects.notices[:0] = notices
    effects.ledger[:0] = ledger
    write(tx, Rows(Finding, rows), *ruled.tables(), *effects.tables())
    counts = Counter(row["push_id"] for row in rows)
    tell(
        tx,
        *ruled.statements,
        *(standing(ruled.stand_anew) if ruled.stand_anew else ()),
        (_COUNT, {"ids": list(counts), "more": list(counts.values()), "now": now}),
    )


def _finding_row(message: Arrived, known: Grounds, desk: Desk) -> tuple[dict[str, Any], int | None]:
    """The row, and the rule by which its effect was found."""
    data = message.data
    licences = known.licences.get(data["project_no"], ())
    named = data.get("certificateIdentifier")
    licence = next((one for one in licences if named in (None, "", one.identifier)), None)
    effect, rule = known.rules.asks(
        "inspection", data["check_result"], data["handling"], licence.type_code if licence else None
    )
    row = {
        "id": uuid.uuid5(FINDINGS, f"{message.department}|{data['finding_no']}"),
        "department": message.department,
        "finding_no": data["finding_no"],
        "case_no": data["project_no"],
        "push_id": known.pushes[data["project_no"], message.department],
        "licence_id": licence.id if licence else None,
        "happened_at": parse_moment(data["inspected_at"]),
        "inspectors": {"list": list(data.get("inspectors") or [])},
        "check_result": data["check_result"],
        "handling": data["handling"],
        "rectify_by": date.fromisoformat(data["rectify_by"][:10]) if data.get("rectify_by") else None,
        "explanation": data.get("explain"),
        "publicity": data.get("publicity"),
        "effect": effect,
        "effect_applied": False,
        "kid": message.kid,
        "envelope_sha256": hashlib.sha256(message.value).digest(),
        "received_at": desk.clock(),
    }
    return row, rule


def _spoken(row: Mapping[str, Any]) -> Spoken:
    return Spoken(
        row["id"],
        row["licence_id"],
        row["department"],
        row["happened_at"],
        row["finding_no"],
        row["effect"],
        row["explanation"] or f"检查结果：{_said(row)}",
    )


def _said(row: Mapping[str, Any]) -> str:
    result = code_table("check_result")[row["check_result"]]
    return f"{result}，{code_table('handling')[row['handling']]}"


_SEVERITY = {
    "freeze": "alert",
    "warn": "warning",
    "propose_freeze": "warning",
    "propose_revocation": "warning",
    "lift": "info",
    "none": "info",
}
_CHANGE = {"suspend": "证照已冻结（暂扣）", "restore": "证照已恢复有效"}
_PROPOSED = {
    "propose_freeze": "证照状态未变：该部门请求暂扣，须由人确认",
    "propose_revocation": "证照状态未变：该部门请求吊销，须由人确认",
}


def _notice(row: Mapping[str, Any], department: str, change: Changed | None) -> dict[str, Any]:
    late = "" if row["effect_applied"] or not row["licence_id"] else "（该部门已有更新的检查，本条仅存档）"
    if change is not None:
        what = _CHANGE[change.operation]
    else:
        what = (_PROPOSED.get(row["effect"]) if row["effect_applied"] else None) or "证照状态未变"
    return {
        "audience": "clerk",
        "severity": _SEVERITY[row["effect"]] if row["effect_applied"] else "info",
        "title": f"{department}检查：{_said(row)}{late}",
        "body": f"{what}。{row['explanation'] or ''}".strip(),
        "case_no": row["case_no"],
    }


def _ledger_row(row: Mapping[str, Any], rule: int | None, change: Changed | None) -> dict[str, Any]:
    return {
        "actor": f"department:{row['department']}",
        "action": ACTIONS[change.operation] if change else "finding.taken",
        "subject": f"licence:{row['licence_id']}" if change else f"finding:{row['id']}",
        "case_no": row["case_no"],
        "reason": row["explanation"],
        "detail": {
            "finding": str(row["id"]),
            "check_result": row["check_result"],
            "handling": row["handling"],
            "effect": row["effect"],
            "rule": rule,
            "applied": row["effect_applied"],
            "sha256": row["envelope_sha256"].hex(),
            "kid": row["kid"],
        },
    }


TAKER = Taker(
    frozenset({"finding.reported.v1"}),
    questions,
    grounds,
    objection,
    report_findings,
    number=lambda message: (message.department, message.data["finding_no"]),
)
