"""Overdue 超时: a limit that passed without what it asks for is noticed once; the department and the overseers hear of it.

Guarantees: in batches, several programs at once (rows that another is at are left to it), each miss once whatever is
repeated; a push that cannot be noticed is put off for an hour and keeps no other from it. What is done late ends the miss
(see move).
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from hub.ledger import LedgerRow
from hub.noticing.notice import Notice
from hub.pushing.push import PushOverdue
from hub.pushing.standing import COLUMNS, LIMITS, Row, met
from hub.round_trips import Rows, ask, tell, write
from hub.workday import LOCAL

BATCH = 500
ACTOR = "program:relay"
PUT_OFF = timedelta(hours=1)
WORDS = {"sign": "签收", "claim": "认领", "plan": "首次监管计划", "feedback": "反馈"}
_NAMED_APIECE = 3  # misses of one department and kind that get a line each; more are told together
_log = structlog.get_logger(__name__)

_DUE = f"""
SELECT {", ".join(f"p.{name}" for name in COLUMNS)}, d.name
FROM pushes p JOIN departments d ON d.code = p.department
WHERE p.next_due_at < %(now)s ORDER BY p.next_due_at LIMIT %(batch)s FOR UPDATE OF p SKIP LOCKED
"""  # noqa: S608 - our own names
_NEXT = """
UPDATE pushes p SET next_due_at = n.next_due_at, overdue = p.overdue OR n.overdue
FROM unnest(%(ids)s::uuid[], %(next)s::timestamptz[], %(overdue)s::boolean[]) AS n(id, next_due_at, overdue)
WHERE p.id = n.id
"""


def notice_overdue(tx: Connection, now: datetime, *, batch: int = BATCH) -> int:
    """Notice a batch; how many pushes were looked at. Call again until it gives 0."""
    (rows,) = ask(tx, (_DUE, {"now": now, "batch": batch}))
    pushes = [dict(zip((*COLUMNS, "name"), row, strict=True)) for row in rows]
    if not pushes:
        return 0
    try:
        with tx.begin_nested():
            _notice(tx, pushes, now)
    except SQLAlchemyError:
        _one_by_one(tx, pushes, now)
    return len(pushes)


def _one_by_one(tx: Connection, pushes: Sequence[Row], now: datetime) -> None:
    for push in pushes:
        try:
            with tx.begin_nested():
                _notice(tx, [push], now)
        except SQLAlchemyError as error:
            _log.warning("overdue.put_off", push=str(push["id"]), error=str(error)[:300])
            tell(tx, (_NEXT, {"ids": [push["id"]], "next": [now + PUT_OFF], "overdue": [False]}))


def missed(push: Row, now: datetime) -> list[tuple[str, datetime]]:
    """The limits that passed and were not noticed yet, with when they were."""
    return [
        (limit.removesuffix("_by"), at)
        for limit in LIMITS
        if (at := push[limit]) and push["next_due_at"] <= at < now and not met(push, limit)
    ]


def _notice(tx: Connection, pushes: Sequence[Row], now: datetime) -> None:
    found = [(push, what, at) for push in pushes for what, at in missed(push, now)]
    coming = [
        min((at for name in LIMITS if (at := push[name]) and at >= now and not met(push, name)), default=None)
        for push in pushes
    ]
    overdue = [
        {"push_id": p["id"], "what": what, "department": p["department"], "due_at": at, "noticed_at": now}
        for p, what, at in found
    ]
    ledger = [
        {
            "actor": ACTOR,
            "action": "push.overdue",
            "subject": f"push:{push['id']}",
            "case_no": push["case_no"],
            "reason": None,
            "detail": {"what": what, "due_at": at.isoformat()},
        }
        for push, what, at in found
    ]
    write(tx, Rows(PushOverdue, overdue, once=True), Rows(Notice, _notices(found)), Rows(LedgerRow, ledger))
    late = {push["id"] for push, *_ in found}
    ids = [push["id"] for push in pushes]
    tell(tx, (_NEXT, {"ids": ids, "next": coming, "overdue": [id_ in late for id_ in ids]}))


def _notices(found: Sequence[tuple[Row, str, datetime]]) -> list[dict[str, Any]]:
    """To the department's people and to the overseers; where much was missed at once, one line for all of it."""
    together: dict[tuple[str, str, str], list[tuple[Row, datetime]]] = {}
    for push, what, at in found:
        together.setdefault((push["department"], push["name"], what), []).append((push, at))
    rows: list[dict[str, Any]] = []
    for (department, name, what), missed_ones in together.items():
        for audience, confined, who in (("supervisor", department, ""), ("overseer", None, f"{name}：")):
            row = {"audience": audience, "department": confined, "severity": "warning"}
            if len(missed_ones) <= _NAMED_APIECE:
                rows += [
                    {
                        **row,
                        **_line(f"{who}超过{WORDS[what]}时限", _said(what, at), push["case_no"], push["id"]),
                    }
                    for push, at in missed_ones
                ]
                continue
            cases = "、".join(push["case_no"] for push, _ in missed_ones[:_NAMED_APIECE])
            body = f"{cases} 等 {len(missed_ones)} 件。请在“推送”列表按“超过时限”查看。"
            rows.append(
                {**row, **_line(f"{who}{len(missed_ones)} 件超过{WORDS[what]}时限", body, None, None)}
            )
    return rows


def _said(what: str, at: datetime) -> str:
    return f"{WORDS[what]}时限为 {at.astimezone(LOCAL):%Y-%m-%d}，已经过去。请尽快办理；不属于本部门的请退回并写明理由。"


def _line(title: str, body: str, case_no: str | None, push_id: uuid.UUID | None) -> dict[str, Any]:
    return {"title": title, "body": body, "case_no": case_no, "push_id": push_id}
