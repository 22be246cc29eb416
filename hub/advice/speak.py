"""Speak: the window asks a department about a case, answers it, and ends a thread.

Guarantees: the post, the message to the department, the notices and the ledger row stand in one transaction; doing it twice
with the same `once` changes nothing. The window asks only departments that the case was pushed to, and only who handles
the case speaks for it. A post on a thread that was closed opens it again.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from hub.advice import told
from hub.advice.standing import LOCK, Standing
from hub.advice.thread import ANSWER, KINDS, LONGEST_BODY, LONGEST_SUBJECT, AdvicePost, AdviceThread
from hub.errors import Denied, NotFound, Rejected
from hub.ledger import LedgerRow
from hub.noticing.notice import Notice
from hub.ports import Desk
from hub.round_trips import Rows, ask, tell, write
from hub.sharing.clocks import due_by


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who speaks for the window."""

    actor: str  # as the ledger names them
    name: str  # as the department reads it
    department: str | None = None  # whose user; None: the whole area


@dataclass(frozen=True, slots=True)
class Asked:
    """What the window asks."""

    case_no: str
    department: str
    kind: str
    subject: str
    body: str


def open_thread(tx: Connection, asked: Asked, desk: Desk, *, by: Speaker, once: uuid.UUID) -> uuid.UUID:
    """Ask a department; the thread's id. Raises NotFound, Denied or Rejected."""
    if asked.kind not in KINDS:
        raise Rejected("请选择询问或建议。")
    subject = asked.subject.strip()
    if not 2 <= len(subject) <= LONGEST_SUBJECT:
        raise Rejected(f"请写明标题（2 到 {LONGEST_SUBJECT} 个字）。")
    body = _body(asked.body)
    about, behind = _about(tx, asked.case_no, asked.department, by)
    now = desk.clock()
    thread = Standing.opened(
        once,
        asked.case_no,
        {"kind": asked.kind, "subject": subject, "department": asked.department, "asked_by": None},
        now,
    )
    (known,) = ask(tx, (LOCK, {"ids": [once]}))
    if known:
        return once
    thread.post(None, by.actor, now, due_by(tx, ANSWER, now), closes=False)
    write(tx, Rows(AdviceThread, [thread.row]))
    _say(tx, thread, _post(once, once, body, now, by), about, desk, by, behind=behind)
    return once


def post(
    tx: Connection,
    thread_id: uuid.UUID,
    body: str,
    desk: Desk,
    *,
    by: Speaker,
    once: uuid.UUID,
    closes: bool = False,
) -> str:
    """Say more on a thread, or end it; the state that it has then. Raises NotFound, Denied or Rejected."""
    (rows,) = ask(tx, (LOCK, {"ids": [thread_id]}))
    if not rows:
        raise NotFound("没有这条协调建议，可能地址不完整。请从列表进入。")
    thread = Standing.read(rows[0])
    about, behind = _about(tx, thread.row["case_no"], thread.row["department"], by)
    said = _post(uuid.uuid5(thread_id, str(once)), thread_id, _body(body), desk.clock(), by)
    if tx.scalar(select(func.count()).where(AdvicePost.id == said["id"])):
        return str(thread.row["state"])
    now = desk.clock()
    thread.post(None, by.actor, now, due_by(tx, ANSWER, now), closes=closes)
    tell(tx, thread.saved)
    _say(tx, thread, said, about, desk, by, behind=behind)
    return str(thread.row["state"])


def _say(
    tx: Connection,
    thread: Standing,
    said: dict[str, Any],
    about: told.About,
    desk: Desk,
    by: Speaker,
    *,
    behind: bool,
) -> None:
    row = thread.row
    action = "advice.closed" if row["state"] == "closed" else "advice.posted"
    write(
        tx,
        Rows(AdvicePost, [said]),
        *told.message(row, said, desk, behind=behind),
        Rows(Notice, told.notices(row, said, about)),
        Rows(LedgerRow, [told.ledger_row(row, said, by.actor, action)]),
    )


_CASE = """
SELECT c.item_code, c.department, d.name, EXISTS (
  SELECT FROM pushes p WHERE p.case_no = c.case_no AND p.department = d.code)
FROM cases c LEFT JOIN departments d ON d.code = %(department)s WHERE c.case_no = %(case_no)s
"""


def _about(tx: Connection, case_no: str, department: str, by: Speaker) -> tuple[told.About, bool]:
    found, behind = ask(
        tx, (_CASE, {"case_no": case_no, "department": department}), told.behind_question(case_no)
    )
    if not found:
        raise NotFound(f"没有办件编号为 {case_no} 的办件。")
    item_code, handled_by, name, pushed = found[0]
    if by.department is not None and by.department != handled_by:
        raise Denied("这个办件不由您所在的部门办理，请由承办部门或审批窗口提出和答复。")
    if not pushed:
        raise Rejected(f"办件 {case_no} 没有推送给{name or department}，不能与其协调。")
    return told.About(item_code, handled_by, name), bool(behind)


def _body(text: str) -> str:
    body = text.strip()
    if not 1 <= len(body) <= LONGEST_BODY:
        raise Rejected(f"请写明内容（最多 {LONGEST_BODY} 个字）。")
    return body


def _post(id_: uuid.UUID, thread_id: uuid.UUID, body: str, now: datetime, by: Speaker) -> dict[str, Any]:
    return {
        "id": id_,
        "thread_id": thread_id,
        "department": None,
        "author": by.name,
        "body": body,
        "at": now,
        "kid": None,
        "envelope_sha256": None,
        "received_at": now,
    }
