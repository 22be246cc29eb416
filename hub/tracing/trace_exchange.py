"""The exchange on a trace: messages in the quarantine that speak of the case, parked keys, what was tried, sent again;
and ledger entries that no other line tells.
"""

from __future__ import annotations

from collections.abc import Iterator

from hub.tracing.gathering import Answer, Family, Gathering
from hub.tracing.phrase import phrase
from hub.tracing.trace_line import Signed, TraceLine
from schemas import code_table

_HELD = """
SELECT q.id, q.department, q.event_id, q.cause, q.message, q.sha256, q.kid, q.state, q.settled_by, q.settled_why,
  q.settled_at, q.received_at
FROM quarantine q WHERE q.case_no = %(case_no)s AND (%(only)s::text IS NULL OR q.department = %(only)s)
ORDER BY q.received_at, q.id
"""
_PARKED = """
SELECT topic, cause, attempts, parked_at FROM parked_keys WHERE key = %(case_no)s
  AND (%(only)s::text IS NULL OR split_part(topic, '.', 2) = %(only)s) ORDER BY parked_at, topic
"""
#: By the names under which attempts are kept: of the messages held here, and of the case's key of each department's topic.
_TRIED = """
SELECT a.subject, a.act, a.actor, a.done, a.words, a.at FROM attempts a WHERE a.subject IN (
  SELECT 'quarantine:' || q.id FROM quarantine q
  WHERE q.case_no = %(case_no)s AND (%(only)s::text IS NULL OR q.department = %(only)s)
  UNION ALL
  SELECT 'message:' || p.event_id FROM pushes p
  WHERE p.case_no = %(case_no)s AND (%(only)s::text IS NULL OR p.department = %(only)s)
  UNION ALL
  SELECT 'message:' || a.event_id FROM announcements a
  WHERE a.case_no = %(case_no)s AND (%(only)s::text IS NULL OR a.department = %(only)s)
  UNION ALL
  SELECT 'key:' || %(area)s || '.' || p.department || '.in/' || p.case_no FROM pushes p
  WHERE p.case_no = %(case_no)s AND (%(only)s::text IS NULL OR p.department = %(only)s))
ORDER BY a.at, a.id
"""
_ACTS = {
    "replay": phrase("重放"),
    "dismiss": phrase("作废"),
    "publish": phrase("发送"),
    "park": phrase("搁置"),
    "unpark": phrase("放行"),
}
#: What a confined viewer did, or the own department, and what befell the licence.
_LEDGER = """
SELECT at, actor, action, subject, reason FROM ledger WHERE case_no = %(case_no)s AND action <> ALL(%(told)s)
  AND (%(only)s::text IS NULL OR actor IN ('department:' || %(only)s, %(actor)s)) ORDER BY id
"""
#: Actions whose own facts stand on the trace; the ledger's word for them would say it twice.
TOLD = (
    "case.decided", "case.accepted", "case.field_set", "push.receipted", "finding.taken", "file.read",
    "material.used", "material.use_withdrawn", "material.source_changed", "consent.recorded", "consent.withdrawn",
    "deferral.promised", "deferral.settled", "licence.issued", "licence.registered", "licence.frozen",
    "licence.lifted", "licence.expired", "licence.superseded", "licence.cancelled", "licence.withdrawn",
    "licence.revoked", "licence.transferred", "licence.set_aside", "licence.reinstated", "licence.change_receipted",
    "announcement.receipted", "advice.posted", "advice.closed", "advice.overdue", "push.overdue", "push.released",
    "push.reassigned", "push.insisted", "push.recalled", "push.reopened", "decision.corrected", "decision.withdrawn",
    "holder.told", "holder.warned", "message.replayed", "message.dismissed", "notice.read", "notice.handled",
    "notice.escalated",
)  # fmt: skip
#: What the others are called.
_TITLES = {
    "file.denied": phrase("调阅被拒绝"),
    "licence.held_too": phrase("又一部门暂扣证照"),
    "licence.hold_lifted": phrase("一个部门解除暂扣，证照仍被暂扣"),
    "proposal.confirmed": phrase("确认处置请求"),
    "proposal.declined": phrase("不采纳处置请求"),
    "outbox.resent": phrase("重新推送"),
    "outbox.unparked": phrase("搁置放行"),
    "case.opened": phrase("办件登记"),
    "case.started": phrase("开始收件"),
    "case.withdrawn": phrase("办件撤回"),
    "material.added": phrase("收取材料"),
    "material.removed": phrase("删除材料"),
    "material.superseded": phrase("材料有了新版本"),
    "upload.refused": phrase("拒收文件"),
    "deferral.overdue": phrase("容缺材料逾期"),
    "objection.marked": phrase("提出校核"),
    "trace.bytes_shown": phrase("查看签名原文"),
    "department.spoke": phrase("在网页收件箱中陈述"),
    "evidence.read": phrase("查看佐证文件"),
}
_EXCHANGE = ("outbox.resent", "outbox.unparked")
_ALERT = ("file.denied",)


def _exchanged(found: Gathering, held: Answer, parked: Answer, tried: Answer) -> Iterator[TraceLine]:
    causes = code_table("quarantine_cause")
    for row in held:
        id_, department, event_id, cause, message, sha256, kid, state, by, why, settled_at, at = row
        signed = Signed(kid or "", bytes(sha256), "quarantine", str(id_))
        more = (
            (phrase("消息"), event_id or "—"),
            (phrase("原因"), phrase(causes.get(cause, cause))),
            (phrase("隔离编号"), str(id_)),
        )
        name = found.name(department)
        yield TraceLine(
            at,
            "exchange",
            phrase("消息被隔离：%(name)s", name=name),
            phrase(message),
            "warning",
            None,
            department,
            signed,
            more,
        )
        if settled_at:
            title = (
                phrase("隔离消息已重放：%(name)s", name=name)
                if state == "replayed"
                else phrase("隔离消息已作废：%(name)s", name=name)
            )
            yield TraceLine(settled_at, "exchange", title, why or "", "good", by, department)
    for topic, cause, attempts, at in parked:
        department = topic.split(".")[1]
        said = phrase("%(cause)s；已试 %(n)s 次，其后的消息依次等候", cause=phrase(cause), n=str(attempts))
        yield TraceLine(
            at,
            "exchange",
            phrase("发送搁置：%(name)s", name=found.name(department)),
            said,
            "alert",
            None,
            department,
        )
    for subject, act, actor, done, words, at in tried:
        department = subject.split(".")[1] if subject.startswith("key:") else None
        said = phrase("%(act)s成功", act=_ACTS[act]) if done else phrase("%(act)s未成", act=_ACTS[act])
        tone = "good" if done and act != "park" else "warning"
        yield TraceLine(at, "exchange", said, phrase(words) if words else "", tone, actor, department)


def _written(found: Gathering, rows: Answer) -> Iterator[TraceLine]:
    del found
    for at, actor, action, subject, reason in rows:
        family = "exchange" if action in _EXCHANGE else "ledger"
        tone = "alert" if action in _ALERT else "plain"
        department = actor.removeprefix("department:") if actor.startswith("department:") else None
        more = ((phrase("账本"), f"{action} {subject}"),)
        yield TraceLine(
            at, family, _TITLES.get(action, action), reason or "", tone, actor, department, None, more
        )


EXCHANGE = Family((_HELD, _PARKED, _TRIED), _exchanged)
LEDGER = Family((_LEDGER,), _written)
