"""What came back, on a trace: facts of every kind with their files, and what each did to push, licence and other facts."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from hub.feedback.finding import Finding
from hub.tracing.gathering import Answer, Family, Gathering, columns, mapped
from hub.tracing.phrase import listed, phrase
from hub.tracing.trace_line import TraceLine
from schemas import code_table

FINDINGS = f"""
SELECT {columns(Finding, "f")} FROM findings f
WHERE f.case_no = %(case_no)s AND (%(only)s::text IS NULL OR f.department = %(only)s)
ORDER BY f.received_at, f.department, f.finding_no
"""  # noqa: S608
FILES = """
SELECT x.finding_id, x.name, x.size, x.sha256 FROM finding_files x JOIN findings f ON f.id = x.finding_id
WHERE f.case_no = %(case_no)s AND (%(only)s::text IS NULL OR f.department = %(only)s) ORDER BY x.finding_id, x.seq
"""
_EFFECT_TONE = {
    "freeze": "alert",
    "warn": "warning",
    "propose_freeze": "warning",
    "propose_revocation": "warning",
    "lift": "good",
    "none": "plain",
}
_EFFECT = {
    "freeze": phrase("证照暂扣"),
    "warn": phrase("限期整改"),
    "propose_freeze": phrase("请求暂扣证照，须由人确认"),
    "propose_revocation": phrase("请求吊销证照，须由人确认"),
    "lift": phrase("解除暂扣"),
}
_RESULTS = {
    "rectification": "rectification_result",
    "enforcement": "enforcement_result",
    "credit": "credit_kind",
}
_STANDING = {"corrected": phrase("已被更正"), "withdrawn": phrase("已被撤销")}
#: What is said of a fact by the names of its message, where one asks for it.
_DETAILS = {
    "plan_name": phrase("计划名称"),
    "frequency": phrase("频次"),
    "scope": phrase("对象范围"),
    "from": phrase("开始"),
    "to": phrase("结束"),
    "illegal_fact": phrase("违法事实"),
    "basis": phrase("处罚依据"),
    "content": phrase("处罚内容"),
    "publish_until": phrase("公示截止期"),
    "until": phrase("有效期至"),
    "transfer_to": phrase("移交"),
}


def _lines(found: Gathering, findings: Answer, files: Answer) -> Iterator[TraceLine]:
    rows = mapped(Finding, findings)
    numbers = {row["id"]: f"{row['finding_no']}" for row in rows}
    named: dict[uuid.UUID, list[tuple[str, str]]] = {}
    for finding, name, size, sha256 in files:
        named.setdefault(finding, []).append(
            (
                phrase("佐证文件 %(name)s", name=name),
                phrase("%(n)s 字节，SHA-256 %(sha256)s", n=str(size), sha256=bytes(sha256).hex()),
            )
        )
    for row in rows:
        more = (*_more(found, row, numbers), *named.get(row["id"], ()))
        yield TraceLine(
            row["received_at"],
            "finding",
            _title(found, row),
            _detail(row),
            _tone(row),
            row["finding_no"],
            row["department"],
            found.incoming(row["kid"], row["envelope_sha256"]),
            more,
        )


def said_of(row: Mapping[str, Any]) -> str:
    """The result of a fact in words; empty where its kind has none."""
    if row["kind"] == "inspection":
        result = code_table("check_result").get(row["check_result"], row["check_result"])
        handling = code_table("handling").get(row["handling"], row["handling"])
        return phrase("%(result)s，%(handling)s", result=phrase(result), handling=phrase(handling))
    table = _RESULTS.get(row["kind"])
    return phrase(code_table(table).get(row["result"], row["result"] or "")) if table else ""


def _title(found: Gathering, row: Mapping[str, Any]) -> str:
    kind = phrase(code_table("finding_kind").get(row["kind"], row["kind"]))
    if row["kind"] == "rectification" and row["round"]:
        kind = phrase("第 %(n)s 次整改", n=str(row["round"]))
    name, said = found.name(row["department"]), said_of(row)
    if not said:
        return phrase("%(kind)s：%(name)s", kind=kind, name=name)
    return phrase("%(kind)s：%(name)s（%(said)s）", kind=kind, name=name, said=said)


def _detail(row: Mapping[str, Any]) -> str:
    late = (
        phrase("已有更新的检查，仅存档")
        if row["licence_id"] and not row["effect_applied"] and row["effect"] != "none"
        else ""
    )
    return listed(
        str(row["details"].get("plan_name") or "") if row["kind"] == "plan" else "",
        row["document_no"] or "",
        phrase("罚款 %(n)s 元", n=_yuan(row["fine_fen"])) if row["fine_fen"] else "",
        phrase("没收 %(n)s 元", n=_yuan(row["confiscated_fen"])) if row["confiscated_fen"] else "",
        row["explanation"] or "",
        phrase("限 %(day)s 前整改", day=str(row["rectify_by"])) if row["rectify_by"] else "",
        _STANDING.get(row["standing"], ""),
        late,
    )


def _applied(row: Mapping[str, Any]) -> str:
    effect = _EFFECT[row["effect"]]
    return effect if row["effect_applied"] else phrase("%(effect)s（未生效）", effect=effect)


def _yuan(fen: int) -> str:
    return f"{fen // 100:,}.{fen % 100:02d}"


def _tone(row: Mapping[str, Any]) -> str:
    if row["standing"] != "standing":
        return "plain"
    if row["kind"] == "withdrawal":
        return "warning"
    if row["effect_applied"]:
        return _EFFECT_TONE[row["effect"]]
    return "good" if row["kind"] == "rectification" and row["result"] == "1" else "plain"


def _more(
    found: Gathering, row: Mapping[str, Any], numbers: Mapping[uuid.UUID, str]
) -> Iterator[tuple[str, Any]]:
    yield phrase("部门编号"), row["finding_no"]
    yield phrase("发生时间"), row["happened_at"]
    if row["about_id"]:
        yield phrase("针对"), numbers.get(row["about_id"]) or phrase("其他部门所报的一条")
    if row["corrects_id"]:
        yield phrase("更正"), numbers.get(row["corrects_id"], str(row["corrects_id"]))
    if row["push_state"]:
        yield phrase("推送转为"), phrase(code_table("push_state").get(row["push_state"], row["push_state"]))
    if row["effect"] in _EFFECT:
        yield phrase("证照处置"), _applied(row)
    inspectors = row["inspectors"].get("list") or []
    if inspectors:
        yield phrase("检查人员"), "、".join(str(one.get("name", "")) for one in inspectors)
    for name, title in _DETAILS.items():
        value = row["details"].get(name)
        if value and (name, row["kind"]) != ("plan_name", "plan"):
            yield title, found.names.get(str(value), str(value))
    yield phrase("签名密钥"), row["kid"]


FAMILY = Family((FINDINGS, FILES), _lines)
