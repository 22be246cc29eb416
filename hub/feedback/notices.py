"""Notices of facts: what the window sees at once, and what a person of the hub must do where a program must not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hub.feedback.grounds import Grounds
from hub.feedback.kinds import CREDIT, ENFORCEMENT, RULED
from hub.feedback.money import in_yuan
from hub.feedback.rows import Taken
from hub.licensing.living.changed import Changed

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


def clerk_notice(one: Taken, known: Grounds, changes: Sequence[Changed]) -> dict[str, Any]:
    """For the window that handles the case."""
    row = one.row
    late = one.spoken() is not None and not row["effect_applied"]
    title = f"{known.names[row['department']]}{one.kind.title}：{one.kind.said(one.message.data)}"
    if row["corrects_id"] and one.undone:
        title += f"（更正 {one.undone.number}）"
    elif late and one.undone is None:
        title += "（该部门已有更新的检查，本条仅存档）"
    severity = _SEVERITY[row["effect"]] if row["effect_applied"] else "info"
    if (
        row["kind"] in (ENFORCEMENT, CREDIT)
        and severity == "info"
        and row["result"] not in ("repaired", "good")
    ):
        severity = "warning"
    if changes and changes[-1].operation == "suspend":
        severity = "alert"
    body = "。".join(part for part in (_what(one, changes), _money(row), row["explanation"]) if part)
    return _notice(one, known, "clerk", severity, title, body)


def _what(one: Taken, changes: Sequence[Changed]) -> str:
    row = one.row
    if changes:
        return _CHANGE[changes[-1].operation]
    if row["kind"] not in RULED:
        return ""
    return (_PROPOSED.get(row["effect"]) if row["effect_applied"] else None) or "证照状态未变"


def _money(row: dict[str, Any]) -> str:
    sums = (("罚款", row["fine_fen"]), ("没收", row["confiscated_fen"]))
    return "，".join(f"{title} {in_yuan(fen)} 元" for title, fen in sums if fen)


def nobody_enforces(one: Taken, known: Grounds) -> dict[str, Any]:
    """A case was handed over, and there is no enforcing department to take it."""
    return _notice(
        one,
        known,
        "data_admin",
        "alert",
        f"移交执法无人接收：{one.row['case_no']}",
        f"{known.names[one.row['department']]}移交执法，但没有指明部门，推送名单里也没有执法部门。请联系部门指明，或把办件转派给执法部门。",
    )


def revoked_for_nothing(one: Taken, known: Grounds) -> dict[str, Any]:
    """A licence was revoked for a fact that stands no longer; only a person may give it back."""
    assert one.undone is not None
    verb = "更正" if one.row["corrects_id"] else "撤销"
    return _notice(
        one,
        known,
        "approver",
        "alert",
        f"据以吊销证照的 {one.undone.number} 已{verb}",
        "证照状态没有自动改变。请核实后决定是否恢复该证照。",
    )


def _notice(
    one: Taken, known: Grounds, audience: str, severity: str, title: str, body: str
) -> dict[str, Any]:
    row, case = one.row, known.cases[one.row["case_no"]]
    return {
        "audience": audience,
        "department": case.department if audience != "data_admin" else None,
        "item_code": case.item_code,
        "severity": severity,
        "title": title,
        "body": body.strip(),
        "case_no": row["case_no"],
        "licence_id": row["licence_id"],
        "push_id": row["push_id"],
        "finding_id": row["id"],
    }
