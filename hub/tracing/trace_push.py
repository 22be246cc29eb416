"""Pushes on a trace: when each was owed and left, what the department said of it, what the hub did, which limits passed."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from hub.pushing.push import Push, PushMove, PushOverdue, Receipt
from hub.tracing.gathering import Answer, Family, Gathering, columns, mapped
from hub.tracing.phrase import listed, phrase
from hub.tracing.trace_line import TraceLine
from schemas import code_table

_MINE = "(%(only)s::text IS NULL OR p.department = %(only)s)"
PUSHES = f"""
SELECT {columns(Push, "p")} FROM pushes p WHERE p.case_no = %(case_no)s AND {_MINE} ORDER BY p.created_at, p.department
"""  # noqa: S608
_OF_PUSH = f"JOIN pushes p ON p.id = x.push_id WHERE p.case_no = %(case_no)s AND {_MINE}"
_RECEIPTS = f"""
SELECT {columns(Receipt, "x")}, p.department FROM receipts x {_OF_PUSH}
ORDER BY x.at, array_position(ARRAY['arrived', 'signed', 'claimed', 'returned', 'closed'], x.kind), x.event_id
"""  # noqa: S608
_MOVES = f"SELECT {columns(PushMove, 'x')}, p.department FROM push_moves x {_OF_PUSH} ORDER BY x.at, x.id"  # noqa: S608
_OVERDUES = (
    f"SELECT {columns(PushOverdue, 'x')} FROM push_overdues x {_OF_PUSH} ORDER BY x.noticed_at, x.what"  # noqa: S608
)

_MOVED = {
    "released": phrase("放行推送"),
    "reassigned": phrase("转派"),
    "insisted": phrase("维持推送，不接受退回"),
    "recalled": phrase("撤回推送"),
    "reopened": phrase("重新开始监管"),
}
_MOVED_TONE = {"recalled": "warning", "reassigned": "warning", "insisted": "warning"}
_LIMIT = {
    "sign": phrase("签收"),
    "claim": phrase("认领"),
    "plan": phrase("首次监管计划"),
    "feedback": phrase("反馈"),
}


def _lines(
    found: Gathering, pushes: Answer, receipts: Answer, moves: Answer, overdues: Answer
) -> Iterator[TraceLine]:
    rows = mapped(Push, pushes)
    by_id = {row["id"]: row for row in rows}
    for row in rows:
        yield from _pushed(found, row, by_id)
    for row in mapped(Receipt, receipts, "department"):
        kind = code_table("receipt_kind").get(row["kind"], row["kind"])
        tone = "warning" if row["kind"] == "returned" else "good"
        yield TraceLine(
            row["at"],
            "receipt",
            phrase("%(kind)s：%(name)s", kind=phrase(kind), name=found.name(row["department"])),
            row["reason"] or "",
            tone,
            row["by"],
            row["department"],
            found.incoming(row["kid"], row["envelope_sha256"]),
            ((phrase("本平台收到"), row["received_at"]), (phrase("签名密钥"), row["kid"])),
        )
    for row in mapped(PushMove, moves, "department"):
        yield _moved(found, row)
    for row in mapped(PushOverdue, overdues):
        yield from _overdue(found, row)


def _pushed(
    found: Gathering, row: Mapping[str, Any], by_id: Mapping[uuid.UUID, Mapping[str, Any]]
) -> Iterator[TraceLine]:
    name, department = found.name(row["department"]), row["department"]
    signed = found.outgoing(row["event_id"], row["package_sha256"])
    lacks = "、".join(str(one.get("name") or one.get("code")) for one in row["missing"] or ())
    limits = tuple(
        (phrase("%(what)s时限", what=said), row[f"{what}_by"])
        for what, said in _LIMIT.items()
        if row[f"{what}_by"]
    )
    more = (
        (phrase("推送包"), str(row["event_id"])),
        (phrase("包摘要"), bytes(row["package_sha256"]).hex()),
        *limits,
        *(((phrase("本部门不见"), "、".join(row["withheld"])),) if row["withheld"] else ()),
    )
    came = by_id.get(row["came_from"])
    said = listed(
        phrase("由%(name)s转来", name=found.name(came["department"])) if came else "",
        phrase("缺少：%(names)s", names=lacks) if lacks else "",
    )
    tone = "warning" if lacks else "plain"
    title = (
        phrase("应推送：%(name)s", name=name)
        if row["state"] != "held"
        else phrase("待补齐后推送：%(name)s", name=name)
    )
    detail = said or phrase("签名包 %(id)s", id=str(row["event_id"]))
    yield TraceLine(row["created_at"], "push", title, detail, tone, None, department, signed, more)
    sent = found.sent.get(row["event_id"])
    if sent and sent.published_at:
        yield TraceLine(
            sent.published_at,
            "push",
            phrase("已发出：%(name)s", name=name),
            phrase("已交给消息通道"),
            department=department,
        )


def _moved(found: Gathering, row: Mapping[str, Any]) -> TraceLine:
    states = code_table("push_state")
    act = _MOVED.get(row["act"], row["act"])
    title = phrase("%(act)s：%(name)s", act=act, name=found.name(row["department"]))
    was, becomes = (phrase(states.get(row[one], row[one])) for one in ("from_state", "to_state"))
    moved = phrase("%(was)s → %(becomes)s", was=was, becomes=becomes)
    more = tuple((str(name), str(value)) for name, value in row["detail"].items())
    tone = _MOVED_TONE.get(row["act"], "plain")
    return TraceLine(
        row["at"],
        "push",
        title,
        row["reason"],
        tone,
        row["actor"],
        row["department"],
        None,
        ((phrase("状态"), moved), *more),
    )


def _overdue(found: Gathering, row: Mapping[str, Any]) -> Iterator[TraceLine]:
    name, what = found.name(row["department"]), _LIMIT[row["what"]]
    due = ((phrase("时限"), row["due_at"]),)
    yield TraceLine(
        row["noticed_at"],
        "push",
        phrase("超过%(what)s时限：%(name)s", what=what, name=name),
        "",
        "alert",
        None,
        row["department"],
        None,
        due,
    )
    ended: datetime | None = row["ended_at"]
    if ended:
        yield TraceLine(
            ended,
            "push",
            phrase("超时已消除（%(what)s）：%(name)s", what=what, name=name),
            "",
            "good",
            None,
            row["department"],
            None,
            due,
        )


FAMILY = Family((PUSHES, _RECEIPTS, _MOVES, _OVERDUES), _lines)
