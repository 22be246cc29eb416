"""Told: how each side hears of the other's post - the department by a signed message, the people of both by notices.

Guarantees: one message for one post, with an id that is the same however often it is made; never ahead of messages of the
same case that still wait. Notices go to the clerks and approvers of the department that handles the case, or to the
department's own users; only who owes an answer has a clock on theirs.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hub.exchange.announcement import Announcement
from hub.exchange.outbox import BULK, LIVE, OutboxRow
from hub.ports import Desk
from hub.pushing.package import instant, seal_event
from hub.round_trips import Question, Rows
from schemas import code_table

EVENT_TYPE = "advice.forwarded.v1"
BEHIND = "SELECT 1 FROM outbox WHERE key = %(case_no)s AND published_at IS NULL AND lane = 1 LIMIT 1"
_SHOWN = 120  # characters of a post in a notice


@dataclass(frozen=True, slots=True)
class About:
    """What a thread is about, for whoever is told: the item, who handles the case, the department's name."""

    item_code: str
    handled_by: str | None  # the department that handles the case; None: not known
    name: str


def message(
    thread: Mapping[str, Any], post: Mapping[str, Any], desk: Desk, *, behind: bool
) -> tuple[Rows, Rows]:
    """The window's post for the department, and that it was told."""
    department, case_no = thread["department"], thread["case_no"]
    data = {
        "thread_id": str(thread["id"]),
        "project_no": case_no,
        "kind": thread["kind"],
        "subject": thread["subject"],
        "body": post["body"],
        "author": post["author"],
        "at": instant(post["at"]),
        "department": department,
        "state": thread["state"],
        "due_at": instant(thread["due_at"]) if thread["due_at"] else None,
    }
    event_id = uuid.uuid5(post["id"], department)
    lane = BULK if behind else LIVE
    sealed = seal_event(desk, department, EVENT_TYPE, case_no, data, event_id=event_id, lane=lane)
    announced = {
        "event_id": event_id,
        "kind": EVENT_TYPE,
        "department": department,
        "key": case_no,
        "case_no": case_no,
        "post_id": post["id"],
        "message_sha256": sealed.sha256,
        "created_at": post["at"],
    }
    return Rows(OutboxRow, [sealed.row]), Rows(Announcement, [announced])


def notices(thread: Mapping[str, Any], post: Mapping[str, Any], about: About) -> list[dict[str, Any]]:
    """For the side that did not write it."""
    kind = code_table("advice_kind")[thread["kind"]]
    said = {"open": kind, "answered": "答复", "closed": "了结"}[thread["state"]]
    to_window = post["department"] is not None
    sender = about.name if to_window else "审批窗口"
    body = post["body"] if len(post["body"]) <= _SHOWN else f"{post['body'][: _SHOWN - 1]}…"
    line = {
        "severity": "warning" if thread["state"] == "open" else "info",
        "title": f"协调建议：{sender}{said}“{thread['subject']}”",
        "body": f"{post['author']}：{body}",
        "case_no": thread["case_no"],
        "item_code": about.item_code,
        "thread_id": thread["id"],
    }
    return [{**line, **one} for one in hearers(thread, about, to_window=to_window)]


def hearers(thread: Mapping[str, Any], about: About, *, to_window: bool) -> list[dict[str, Any]]:
    """Audience, department and clock of each notice. An approver answers for the window; the clerks only hear of it."""
    until = thread["due_at"] if thread["state"] == "open" else None
    if not to_window:
        return [{"audience": "supervisor", "department": thread["department"], "answer_by": until}]
    return [
        {"audience": "approver", "department": about.handled_by, "answer_by": until},
        {"audience": "clerk", "department": about.handled_by, "answer_by": None},
    ]


def ledger_row(
    thread: Mapping[str, Any], post: Mapping[str, Any], actor: str, action: str, **more: Any
) -> dict[str, Any]:
    """That it was said, by whom; the words themselves stand in the post."""
    return {
        "actor": actor,
        "action": action,
        "subject": f"advice:{thread['id']}",
        "case_no": thread["case_no"],
        "reason": thread["subject"],
        "detail": {
            "post": str(post["id"]),
            "department": thread["department"],
            "state": thread["state"],
            **more,
        },
    }


def behind_question(case_no: str) -> Question:
    """Ask whether bulk messages of the case still wait."""
    return BEHIND, {"case_no": case_no}
