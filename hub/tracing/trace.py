"""Trace: the whole life of one case in one list, by time: steps, reuse, packages, receipts, findings, reads, ledger."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from hub.case import Case, Decision, Step
from hub.department import Department
from hub.errors import NotFound
from hub.exchange.outbox import OutboxRow
from hub.feedback.finding import Finding
from hub.ledger import LedgerRow
from hub.licensing.licence import Licence
from hub.material import FileRead, Material
from hub.party import Party
from hub.pushing.push import Push, Receipt
from hub.tracing.trace_line import TraceLine
from hub.tracing.trace_window import promises_of, uses_of, window_lines
from schemas import code_table


@dataclass(frozen=True, slots=True)
class Trace:
    """A case with everything about it. Rows are plain mappings of their table's columns."""

    case: dict[str, Any]
    party: dict[str, Any]
    decision: dict[str, Any] | None
    licences: tuple[dict[str, Any], ...]
    pushes: tuple[dict[str, Any], ...]  # with department_name and published_at
    materials: tuple[dict[str, Any], ...]
    findings: tuple[dict[str, Any], ...]
    uses: tuple[dict[str, Any], ...]  # by this case, and of what it brought in: see hub.tracing.trace_window
    promises: tuple[dict[str, Any], ...]
    lines: tuple[TraceLine, ...]


_RECEIPT_TITLE = {"arrived": "到达", "signed": "签收", "claimed": "认领", "returned": "退回"}
_EFFECT_TONE = {
    "freeze": "alert",
    "warn": "warning",
    "propose_freeze": "warning",
    "propose_revocation": "warning",
    "lift": "good",
    "none": "plain",
}
#: Ledger entries that no other line tells.
_LEDGER_ONLY = {
    "file.denied": "调阅被拒绝",
    "licence.issued": "签发电子证照",
    "licence.frozen": "证照冻结（暂扣）",
    "licence.lifted": "证照恢复有效",
    "licence.held_too": "又一部门暂扣证照",
    "licence.hold_lifted": "一个部门解除暂扣，证照仍被暂扣",
    "licence.expired": "证照到期失效",
    "licence.superseded": "证照由新版替代",
    "licence.cancelled": "证照注销",
    "licence.withdrawn": "证照撤销",
    "licence.revoked": "证照吊销",
    "licence.transferred": "证照办理转出",
    "licence.set_aside": "证照状态改为其他",
    "licence.reinstated": "证照恢复（纠错）",
    "proposal.confirmed": "确认处置请求",
    "proposal.declined": "不采纳处置请求",
    "outbox.resent": "重新推送",
    "outbox.unparked": "搁置放行",
    "case.opened": "办件登记",
    "case.started": "开始收件",
    "case.withdrawn": "办件撤回",
    "material.added": "收取材料",
    "material.removed": "删除材料",
    "material.superseded": "材料有了新版本",
    "upload.refused": "拒收文件",
    "deferral.overdue": "容缺材料逾期",
}


def trace(tx: Connection, case_no: str) -> Trace:
    """Everything about one case. Raises NotFound."""
    case = _rows(tx, Case, Case.case_no == case_no)
    if not case:
        raise NotFound(f"没有办件编号为 {case_no} 的办件。")
    names = {row.code: row.name for row in tx.execute(select(Department.code, Department.name))}
    decision = _rows(tx, Decision, Decision.case_no == case_no)
    pushes = [
        {**row._mapping, "department_name": names[row.department]}
        for row in tx.execute(
            select(*Push.__table__.columns, OutboxRow.published_at)
            .outerjoin(OutboxRow, OutboxRow.event_id == Push.event_id)
            .where(Push.case_no == case_no)
            .order_by(Push.department)
        )
    ]
    findings = _rows(tx, Finding, Finding.case_no == case_no)
    uses, promises = uses_of(tx, case_no), promises_of(tx, case_no)
    lines = [
        *_steps(tx, case_no),
        *_decided(decision),
        *_pushed(pushes),
        *_receipts(tx, pushes, names),
        *_found(findings, names),
        *window_lines(tx, case[0], uses, promises, names),
        *_reads(tx, case_no),
        *_ledger(tx, case_no),
    ]
    return Trace(
        case=case[0],
        party=_rows(tx, Party, Party.id == case[0]["party_id"])[0],
        decision=decision[0] if decision else None,
        licences=tuple(_rows(tx, Licence, Licence.case_no == case_no)),
        pushes=tuple(pushes),
        materials=tuple(_rows(tx, Material, Material.case_no == case_no)),
        findings=tuple(findings),
        uses=uses,
        promises=promises,
        lines=tuple(sorted(lines, key=lambda line: line.at)),
    )


def _rows(tx: Connection, model: Any, condition: Any) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in tx.execute(select(*model.__table__.columns).where(condition))]


def _steps(tx: Connection, case_no: str) -> Iterator[TraceLine]:
    for row in sorted(_rows(tx, Step, Step.case_no == case_no), key=lambda row: row["seq"]):
        yield TraceLine(
            row["started_at"],
            "step",
            f"环节：{row['name']}",
            row["opinion"] or row["action"],
            by=row["org_name"],
        )


def _decided(decisions: list[dict[str, Any]]) -> Iterator[TraceLine]:
    for row in decisions:
        result = code_table("result_type").get(row["result_type"], row["result_type"])
        yield TraceLine(
            row["created_at"],
            "decision",
            "决定入库",
            f"{row['document_name']} {row['document_no']}：{result}",
            "good",
        )


def _pushed(pushes: list[dict[str, Any]]) -> Iterator[TraceLine]:
    for row in pushes:
        digest = bytes(row["package_sha256"]).hex()[:16]
        to = row["department_name"]
        yield TraceLine(
            row["created_at"], "push", f"应推送：{to}", f"签名包 {row['event_id']}，摘要 {digest}…"
        )
        if row["published_at"]:
            yield TraceLine(row["published_at"], "sent", f"已发出：{to}", "已交给消息通道")


def _receipts(tx: Connection, pushes: list[dict[str, Any]], names: dict[str, str]) -> Iterator[TraceLine]:
    by_push = {row["id"]: row["department"] for row in pushes}
    for row in _rows(tx, Receipt, Receipt.push_id.in_(by_push)):
        title = f"{_RECEIPT_TITLE[row['kind']]}：{names[by_push[row['push_id']]]}"
        detail = "，".join(part for part in (row["reason"], f"签名密钥 {row['kid']}") if part)
        tone = "warning" if row["kind"] == "returned" else "good"
        yield TraceLine(row["at"], "receipt", title, detail, tone, row["by"])


def _found(findings: list[dict[str, Any]], names: dict[str, str]) -> Iterator[TraceLine]:
    for row in findings:
        result = code_table("check_result")[row["check_result"]]
        handling = code_table("handling")[row["handling"]]
        late = "" if row["effect_applied"] or not row["licence_id"] else "（已有更新的检查，仅存档）"
        title = f"监管信息：{names[row['department']]}（{result}，{handling}）"
        tone = _EFFECT_TONE[row["effect"]] if row["effect_applied"] else "plain"
        yield TraceLine(
            row["received_at"], "finding", title, f"{row['explanation'] or ''}{late}", tone, row["finding_no"]
        )


def _reads(tx: Connection, case_no: str) -> Iterator[TraceLine]:
    rows = tx.execute(
        select(FileRead.at, FileRead.reader, FileRead.stated_use, Material.name)
        .join(Material, Material.id == FileRead.material_id)
        .where(Material.case_no == case_no)
    )
    for row in rows:
        yield TraceLine(row.at, "read", f"调阅材料：{row.name}", f"用途：{row.stated_use}", by=row.reader)


def _ledger(tx: Connection, case_no: str) -> Iterator[TraceLine]:
    chosen = (LedgerRow.case_no == case_no) & LedgerRow.action.in_(_LEDGER_ONLY)
    for row in _rows(tx, LedgerRow, chosen):
        tone = "alert" if row["action"] in ("licence.frozen", "file.denied") else "plain"
        yield TraceLine(
            row["at"], "ledger", _LEDGER_ONLY[row["action"]], row["reason"] or "", tone, row["actor"]
        )
