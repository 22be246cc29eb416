"""Report findings: what a supervising department found, and its effect on push, case and licence, in one transaction.

Guarantees: a department's newest inspection of a licence, by (inspected_at, finding_no), alone decides whether that
department holds the licence frozen; so the outcome does not depend on the order of arrival, and nothing happens twice. An
older finding that comes late is kept and shown. A department speaks only of cases that were pushed to it. Every case that
reused a licence which is frozen or restored is told in the same transaction.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from hub.arrived import Arrived, Refused
from hub.finding import EFFECTS, Finding
from hub.ledger import LedgerRow
from hub.licensing.hold_licences import Spoken, hold_licences
from hub.moments import parse_moment
from hub.notice import Notice
from hub.ports import Desk
from hub.reuse.tell_relied import SourceChange, Told, relied
from hub.round_trips import Question, Rows, write
from schemas import code_table

FINDINGS = uuid.UUID("f3b7a5c4-8a0a-5f55-9d5c-5a1c6f0f7e21")
Answer = Sequence[Any]
TOLERANCE = timedelta(days=1)  # a department's clock may be ahead, but not by more


@dataclass(frozen=True, slots=True)
class Grounds:
    """What findings of one batch are judged by."""

    cases: frozenset[str]
    pushes: Mapping[tuple[str, str], uuid.UUID]  # (case_no, department) -> push
    names: Mapping[str, str]  # of departments
    licences: Mapping[str, Sequence[tuple[uuid.UUID, str]]]  # case_no -> (id, identifier)
    numbers: frozenset[tuple[str, ...]]  # (department, finding_no) that were used before


_CASES = "SELECT case_no FROM cases WHERE case_no = ANY(%(case_nos)s)"
_PUSHES = """
SELECT p.case_no, p.department, p.id, d.name FROM pushes p JOIN departments d ON d.code = p.department
WHERE p.case_no = ANY(%(case_nos)s)
"""
_LICENCES = """
SELECT case_no, id, identifier FROM licences WHERE case_no = ANY(%(case_nos)s) ORDER BY issued_on DESC, identifier
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
    return (_CASES, of), (_PUSHES, of), (_LICENCES, of), (_NUMBERS, numbers)


def grounds(cases: Answer, pushes: Answer, licences: Answer, numbers: Answer) -> Grounds:
    """The answers to `questions`."""
    by_case: dict[str, list[tuple[uuid.UUID, str]]] = {}
    for case_no, licence_id, identifier in licences:
        by_case.setdefault(case_no, []).append((licence_id, identifier))
    return Grounds(
        frozenset(row[0] for row in cases),
        {(case_no, department): push_id for case_no, department, push_id, _ in pushes},
        {department: name for _, department, _, name in pushes},
        by_case,
        frozenset(tuple(row) for row in numbers),
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
        return message.refuse("schema", f"检查日期 {data['inspected_at']} 在将来", "inspected_at 不晚于今天")
    identifier = data.get("certificateIdentifier")
    if identifier and identifier not in {found for _, found in known.licences.get(case_no, ())}:
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


def report_findings(tx: Connection, messages: Sequence[Arrived], known: Grounds, desk: Desk) -> None:
    """Take findings that nothing speaks against."""
    if not messages:
        return
    rows = [_finding_row(message, known, desk) for message in messages]
    applied, changes = hold_licences(tx, [_spoken(row) for row in rows if row["licence_id"]], desk.clock())
    for row in rows:
        row["effect_applied"] = row["id"] in applied
    told = _tell_relied(tx, rows, changes, known, desk.clock())
    notices = [_notice(row, known.names[row["department"]], changes.get(row["id"])) for row in rows]
    write(
        tx,
        Rows(Finding, rows),
        Rows(Notice, notices + told.notices),
        Rows(LedgerRow, [_ledger_row(row, changes.get(row["id"])) for row in rows] + told.ledger),
    )


def _tell_relied(
    tx: Connection,
    rows: Sequence[Mapping[str, Any]],
    changes: Mapping[uuid.UUID, str],
    known: Grounds,
    now: datetime,
) -> Told:
    """Whoever relied on a licence that was frozen or restored; asks nothing where no licence changed."""
    moved = [row for row in rows if row["id"] in changes]
    sources = [
        SourceChange(
            "licence",
            row["licence_id"],
            changes[row["id"]],
            known.names[row["department"]],
            row["explanation"] or "",
        )
        for row in moved
    ]
    actors = {row["licence_id"]: f"department:{row['department']}" for row in moved}
    return relied(tx, sources, actors=actors, now=now)


def _finding_row(message: Arrived, known: Grounds, desk: Desk) -> dict[str, Any]:
    data = message.data
    licences = known.licences.get(data["project_no"], ())
    named = data.get("certificateIdentifier")
    licence_id = next((found for found, identifier in licences if named in (None, "", identifier)), None)
    return {
        "id": uuid.uuid5(FINDINGS, f"{message.department}|{data['finding_no']}"),
        "department": message.department,
        "finding_no": data["finding_no"],
        "case_no": data["project_no"],
        "push_id": known.pushes[data["project_no"], message.department],
        "licence_id": licence_id,
        "inspected_at": parse_moment(data["inspected_at"]),
        "inspectors": {"list": list(data.get("inspectors") or [])},
        "check_result": data["check_result"],
        "handling": data["handling"],
        "rectify_by": date.fromisoformat(data["rectify_by"][:10]) if data.get("rectify_by") else None,
        "explanation": data.get("explain"),
        "publicity": data.get("publicity"),
        "effect": EFFECTS[data["check_result"], data["handling"]],
        "effect_applied": False,
        "kid": message.kid,
        "envelope_sha256": hashlib.sha256(message.value).digest(),
        "received_at": desk.clock(),
    }


def _spoken(row: Mapping[str, Any]) -> Spoken:
    return Spoken(
        row["id"],
        row["licence_id"],
        row["department"],
        row["inspected_at"],
        row["finding_no"],
        row["effect"],
        row["push_id"],
    )


_SEVERITY = {"freeze": "alert", "warn": "warning", "lift": "info", "none": "info"}
_CHANGE = {"frozen": "证照已冻结（暂扣）", "lifted": "证照已恢复有效", None: "证照状态未变"}


def _notice(row: Mapping[str, Any], department: str, change: str | None) -> dict[str, Any]:
    result = code_table("check_result")[row["check_result"]]
    handling = code_table("handling")[row["handling"]]
    late = "" if row["effect_applied"] or not row["licence_id"] else "（该部门已有更新的检查，本条仅存档）"
    return {
        "audience": "clerk",
        "severity": _SEVERITY[row["effect"]] if row["effect_applied"] else "info",
        "title": f"{department}检查：{result}，{handling}{late}",
        "body": f"{_CHANGE[change]}。{row['explanation'] or ''}".strip(),
        "case_no": row["case_no"],
    }


def _ledger_row(row: Mapping[str, Any], change: str | None) -> dict[str, Any]:
    return {
        "actor": f"department:{row['department']}",
        "action": f"licence.{change}" if change else "finding.taken",
        "subject": f"licence:{row['licence_id']}" if change else f"finding:{row['id']}",
        "case_no": row["case_no"],
        "reason": row["explanation"],
        "detail": {
            "finding": str(row["id"]),
            "check_result": row["check_result"],
            "handling": row["handling"],
            "effect": row["effect"],
            "applied": row["effect_applied"],
            "sha256": row["envelope_sha256"].hex(),
            "kid": row["kid"],
        },
    }
