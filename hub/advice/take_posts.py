"""Take posts: what departments ask, propose or answer about a case that was pushed to them.

Guarantees: a department speaks only on cases pushed to it and on its own threads; a post that names a thread nobody opened
waits in the quarantine and can be replayed; the same message twice is one post. The order of one case is the order of
arrival, so a thread may be opened and answered in one batch.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from hub.advice import told
from hub.advice.standing import LOCK, Standing
from hub.advice.thread import ANSWER, AdvicePost, AdviceThread
from hub.exchange.arrived import Arrived, Refused
from hub.exchange.taker import Taker
from hub.ledger import LedgerRow
from hub.moments import parse_moment
from hub.noticing.notice import Notice
from hub.ports import Desk
from hub.round_trips import Question, Rows, ask, tell, write
from hub.workday import LOCAL, due, end_of

POSTS = uuid.UUID("6b1f7c1e-93f5-5d0e-a0a1-6c1d5f6a2b34")
TOLERANCE = timedelta(days=1)  # a department's clock may be ahead, but not by more
Answer = Sequence[Any]


@dataclass(slots=True)
class Grounds:
    """What posts of one batch are judged by."""

    cases: Mapping[str, tuple[str, str | None]]  # case_no -> item, who handles it
    pushed: Mapping[tuple[str, str], str]  # (case_no, department) -> the department's name
    days: int  # until an answer is due
    calendar: Mapping[Any, bool]
    threads: dict[uuid.UUID, tuple[str, str]] = field(default_factory=dict)  # -> case_no, department

    def due_at(self, now: datetime) -> datetime:
        """When an answer is due that is asked for now."""
        return end_of(due(now.astimezone(LOCAL).date(), self.days, self.calendar))


_CASES = "SELECT case_no, item_code, department FROM cases WHERE case_no = ANY(%(case_nos)s)"
_PUSHES = """
SELECT p.case_no, p.department, d.name FROM pushes p JOIN departments d ON d.code = p.department
WHERE p.case_no = ANY(%(case_nos)s)
"""
_THREADS = "SELECT id, case_no, department FROM advice_threads WHERE id = ANY(%(ids)s)"
_LIMIT = "SELECT working_days FROM limits WHERE name = %(name)s"
_CALENDAR = "SELECT day, working FROM calendar_days"


def questions(messages: Sequence[Arrived]) -> tuple[Question, ...]:
    """Ask for the cases and threads that are spoken of, and for the clock."""
    of = {"case_nos": list({str(message.data["project_no"]) for message in messages})}
    ids = {"ids": list({uuid.UUID(message.data["thread_id"]) for message in messages})}
    if not messages:
        nothing: Question = ("SELECT 1 WHERE false", {})
        return (nothing,) * 5
    return (_CASES, of), (_PUSHES, of), (_THREADS, ids), (_LIMIT, {"name": ANSWER}), (_CALENDAR, {})


def grounds(cases: Answer, pushes: Answer, threads: Answer, limit: Answer, calendar: Answer) -> Grounds:
    """The answers to `questions`."""
    return Grounds(
        {case_no: (item, department) for case_no, item, department in cases},
        {(case_no, department): name for case_no, department, name in pushes},
        limit[0][0] if limit else 0,
        dict(tuple(row) for row in calendar),
        {id_: (case_no, department) for id_, case_no, department in threads},
    )


def objection(message: Arrived, known: Grounds, now: datetime) -> Refused | None:
    """Why this post cannot be taken, if so."""
    data = message.data
    case_no, thread_id = data["project_no"], uuid.UUID(data["thread_id"])
    if case_no != message.case_no or case_no not in known.cases:
        return message.refuse(
            "unknown_case",
            f"没有办件编号为 {case_no} 的办件",
            "project_no 与消息的 subject 都应为推送包中的办件编号",
        )
    if (case_no, message.department) not in known.pushed:
        return message.refuse(
            "unknown_push",
            f"办件 {case_no} 没有推送给本部门，不能就其提出协调建议",
            "只就推送给本部门的办件提出",
        )
    if parse_moment(data["at"]) > now + TOLERANCE:
        return message.refuse("schema", f"时间 {data['at']} 在将来", "at 不晚于现在")
    about = known.threads.get(thread_id)
    if about is None and not (data.get("kind") and data.get("subject")):
        return message.refuse(
            "unknown_thread",
            f"没有编号为 {thread_id} 的协调建议",
            "答复用收到的 thread_id；新提出时同时写明 kind 和 subject",
        )
    if about is not None and about != (case_no, message.department):
        return message.refuse(
            "unknown_thread",
            f"编号 {thread_id} 的协调建议不属于本部门的办件 {case_no}",
            "新提出时自己取一个新的 thread_id",
        )
    known.threads[thread_id] = (case_no, message.department)
    return None


def take_posts(tx: Connection, messages: Sequence[Arrived], known: Grounds, desk: Desk) -> None:
    """Take posts that nothing speaks against."""
    now = desk.clock()
    ids = sorted({uuid.UUID(message.data["thread_id"]) for message in messages})
    (locked,) = ask(tx, (LOCK, {"ids": ids}))
    threads = {row[0]: Standing.read(row) for row in locked}
    there = set(threads)
    posts, notices, ledger = [], [], []
    for message in messages:
        thread = threads.get(uuid.UUID(message.data["thread_id"])) or _opened(message, now)
        threads[thread.row["id"]] = thread
        actor, closes = f"department:{message.department}", bool(message.data.get("closes"))
        thread.post(message.department, actor, now, known.due_at(now), closes=closes)
        said = _post(message, now)
        item_code, handled_by = known.cases[message.case_no]
        about = told.About(item_code, handled_by, known.pushed[message.case_no, message.department])
        posts.append(said)
        notices.extend(told.notices(thread.row, said, about))
        more = {"sha256": said["envelope_sha256"].hex(), "kid": message.kid}
        action = "advice.closed" if closes else "advice.posted"
        ledger.append(told.ledger_row(thread.row, said, actor, action, **more))
    write(tx, Rows(AdviceThread, [one.row for id_, one in threads.items() if id_ not in there]))
    tell(tx, *(threads[id_].saved for id_ in there))
    write(tx, Rows(AdvicePost, posts), Rows(Notice, notices), Rows(LedgerRow, ledger))


def _opened(message: Arrived, now: datetime) -> Standing:
    data = message.data
    asked = {
        "kind": data["kind"],
        "subject": data["subject"],
        "department": message.department,
        "asked_by": message.department,
    }
    return Standing.opened(uuid.UUID(data["thread_id"]), message.case_no, asked, now)


def _post(message: Arrived, now: datetime) -> dict[str, Any]:
    return {
        "id": uuid.uuid5(POSTS, f"{message.event['source']}|{message.event['id']}"),
        "thread_id": uuid.UUID(message.data["thread_id"]),
        "department": message.department,
        "author": message.data["author"],
        "body": message.data["body"],
        "at": parse_moment(message.data["at"]),
        "kid": message.kid,
        "envelope_sha256": hashlib.sha256(message.value).digest(),
        "received_at": now,
    }


TAKER = Taker(frozenset({"advice.posted.v1"}), questions, grounds, objection, take_posts)
