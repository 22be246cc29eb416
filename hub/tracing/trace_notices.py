"""Notices and advice on a trace: who was told at once and answered it, and what the window and departments said."""

from __future__ import annotations

from collections.abc import Iterator

from hub.advice.thread import AdvicePost, AdviceThread
from hub.noticing.notice import Notice
from hub.tracing.gathering import Answer, Family, Gathering, columns, mapped
from hub.tracing.phrase import phrase
from hub.tracing.trace_line import Signed, TraceLine
from schemas import code_table

_NOTICES = f"""
SELECT {columns(Notice, "n")} FROM notices n WHERE n.case_no = %(case_no)s
  AND (%(only)s::text IS NULL OR n.audience = 'supervisor' AND n.department = %(only)s) ORDER BY n.id
"""  # noqa: S608
THREADS = f"""
SELECT {columns(AdviceThread, "t")} FROM advice_threads t WHERE t.case_no = %(case_no)s
  AND (%(only)s::text IS NULL OR t.department = %(only)s) ORDER BY t.created_at, t.id
"""  # noqa: S608
POSTS = f"""
SELECT {columns(AdvicePost, "x")}, a.event_id, a.message_sha256, a.arrived_at, a.signed_at
FROM advice_posts x JOIN advice_threads t ON t.id = x.thread_id
LEFT JOIN announcements a ON a.post_id = x.id
WHERE t.case_no = %(case_no)s AND (%(only)s::text IS NULL OR t.department = %(only)s)
ORDER BY x.at, x.received_at, x.id
"""  # noqa: S608
ROLES = {
    "clerk": phrase("窗口"),
    "data_admin": phrase("数据管理员"),
    "approver": phrase("审批部门"),
    "supervisor": phrase("监管部门"),
    "overseer": phrase("效能监督"),
}
_TONES = {"info": "plain", "warning": "warning", "alert": "alert"}


def _noticed(found: Gathering, notices: Answer) -> Iterator[TraceLine]:
    for row in mapped(Notice, notices):
        to, of = ROLES[row["audience"]], row["department"] if row["audience"] == "supervisor" else None
        title = phrase(row["title"])
        until = ((phrase("须答复"), row["answer_by"]),) if row["answer_by"] else ()
        yield TraceLine(
            row["created_at"],
            "notice",
            phrase("提醒%(name)s：%(title)s", name=found.name(of) if of else to, title=title),
            phrase(row["body"]),
            _TONES[row["severity"]],
            None,
            of,
            None,
            until,
        )
        if row["escalated_at"]:
            yield TraceLine(
                row["escalated_at"],
                "notice",
                phrase("无人答复，提醒升级：%(title)s", title=title),
                "",
                "alert",
                department=of,
            )
        if row["read_at"]:
            yield TraceLine(
                row["read_at"],
                "notice",
                phrase("已阅：%(title)s", title=title),
                "",
                "plain",
                row["read_by"],
                of,
            )
        if row["handled_at"]:
            note = row["handled_note"] or ""
            yield TraceLine(
                row["handled_at"],
                "notice",
                phrase("已处理：%(title)s", title=title),
                note,
                "good",
                row["handled_by"],
                of,
            )


def _advised(found: Gathering, threads: Answer, posts: Answer) -> Iterator[TraceLine]:
    about = {row["id"]: row for row in mapped(AdviceThread, threads)}
    seen = set()
    for row in mapped(AdvicePost, posts, "event_id", "message_sha256", "arrived_at", "signed_at"):
        thread = about[row["thread_id"]]
        kind = phrase(code_table("advice_kind")[thread["kind"]])
        said = phrase("协调") if thread["id"] in seen else kind
        seen.add(thread["id"])
        signed: Signed | None
        if row["department"]:
            signed = found.incoming(row["kid"], row["envelope_sha256"])
        else:
            signed = found.outgoing(row["event_id"], row["message_sha256"]) if row["event_id"] else None
        who, to = (
            found.name(row["department"]),
            found.name(None if row["department"] else thread["department"]),
        )
        title = phrase(
            "%(said)s：%(who)s → %(to)s“%(subject)s”", said=said, who=who, to=to, subject=thread["subject"]
        )
        yield TraceLine(
            row["at"], "advice", title, row["body"], "plain", row["author"], thread["department"], signed
        )
    for thread in about.values():
        name, department = thread["subject"], thread["department"]
        if thread["overdue_at"]:
            due = ((phrase("答复期限"), thread["due_at"]),) if thread["due_at"] else ()
            yield TraceLine(
                thread["overdue_at"],
                "advice",
                phrase("逾期未答复：“%(name)s”", name=name),
                "",
                "alert",
                None,
                department,
                None,
                due,
            )
        if thread["closed_at"]:
            by = thread["closed_by"]
            yield TraceLine(
                thread["closed_at"],
                "advice",
                phrase("协调了结：“%(name)s”", name=name),
                "",
                "good",
                by,
                department,
            )


NOTICES = Family((_NOTICES,), _noticed)
ADVICE = Family((THREADS, POSTS), _advised)
