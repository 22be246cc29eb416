"""Raise alerts: what is older than its limit is raised once, told once, and clears by itself when it is over.

Guarantees: one open alert for one subject, however often it is looked for; each kind is looked for on its own, so that one
that fails hides none of the others; `alert_limits.checked_at` says when each was last looked for. Subjects are departments,
topics, programs, connectors and keys, never single messages: a flood of messages is one alert. What goes to alert channels
is owed in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, insert, select, text, update

from hub.errors import NotFound, Rejected
from hub.ledger import Entry, record
from hub.noticing.alert import KINDS, Alert, AlertLimit
from hub.noticing.notice import Notice
from hub.noticing.owe_messages import owe_cleared, owe_raised
from hub.workday import due, exceptions, local_day

ACTOR = "program:relay"
LONGEST = 100_000  # minutes
#: kind -> what it is called, how bad it is
TITLES = {
    "undelivered": ("推送长时间未签收", "alert"),
    "unpublished": ("消息长时间未发布", "alert"),
    "parked": ("消息被搁置", "warning"),
    "quarantined": ("隔离消息长时间未处理", "warning"),
    "program": ("程序失去联系", "alert"),
    "unsigned_correction": ("更正或撤回长时间未签收", "alert"),
    "connector": ("连接器长时间送不出", "alert"),
    "silent": ("部门长时间没有消息", "warning"),
    "certificate": ("部门证书即将到期", "warning"),
}


class Late(NamedTuple):
    """One thing over its limit."""

    subject: str
    department: str | None
    words: str
    since: datetime


_UNDELIVERED = """
SELECT 'department:' || d.code, d.code, d.name || '有 ' || p.n || ' 个推送还没有签收', p.oldest
FROM departments d CROSS JOIN LATERAL (
  SELECT count(*) AS n, min(created_at) AS oldest FROM pushes
  WHERE state IN ('owed', 'arrived') AND department = d.code AND created_at < :before) p
WHERE d.active AND p.n > 0
"""
_UNPUBLISHED = """
SELECT 'topic:' || o.topic, NULL, o.topic || ' 有 ' || count(*) || ' 条消息还没有发布', min(o.created_at)
FROM outbox o WHERE o.published_at IS NULL AND o.created_at < :before
  AND NOT EXISTS (SELECT FROM parked_keys p WHERE p.topic = o.topic AND p.key = o.key)
GROUP BY o.topic
"""
_PARKED = """
SELECT 'topic:' || topic, NULL, topic || ' 有 ' || count(*) || ' 个办件的消息被搁置：' || min(cause), min(parked_at)
FROM parked_keys WHERE parked_at < :before GROUP BY topic
"""
_QUARANTINED = """
SELECT coalesce('department:' || q.department, 'topic:' || q.topic), d.code,
  coalesce(d.name, q.topic) || '有 ' || q.n || ' 条隔离消息等待处理', q.oldest
FROM (SELECT department, CASE WHEN department IS NULL THEN topic END AS topic, count(*) AS n, min(received_at) AS oldest
      FROM quarantine WHERE state = 'held' AND received_at < :before GROUP BY 1, 2) q
LEFT JOIN departments d ON d.code = q.department
"""
_PROGRAM = """
SELECT 'program:' || name, NULL, '程序 ' || name || ' 没有消息', max(seen_at) FROM programs
GROUP BY name HAVING max(seen_at) < :before AND bool_or(state <> 'stopped')
"""
_CORRECTION = """
SELECT 'department:' || d.code, d.code, d.name || '有 ' || count(*) || ' 个更正或撤回还没有签收', min(a.created_at)
FROM announcements a JOIN departments d ON d.code = a.department
WHERE a.signed_at IS NULL AND a.kind IN ('approval.corrected.v1', 'approval.withdrawn.v1') AND a.created_at < :before
GROUP BY d.code, d.name
"""
#: What waits too long for the department's system, or a connector that does not say anything any more.
_CONNECTOR = """
SELECT 'connector:' || c.code, c.department,
  CASE WHEN coalesce(h.beat_at, c.live_since) < :before THEN c.title || '没有在运行，或与中心失去联系'
    ELSE c.title || '有 ' || h.waiting || ' 条送不到部门系统' || coalesce('：' || h.words, '') END,
  least(h.oldest_waiting_at, coalesce(h.beat_at, c.live_since))
FROM connectors c LEFT JOIN connector_health h ON h.connector = c.code
WHERE c.state = 'live' AND (h.oldest_waiting_at < :before OR coalesce(h.beat_at, c.live_since) < :before)
"""
#: Live connectors with an alarm for silence, and when anything last came: to the connector, or to us by whatever way.
#: Receipts do not count: programs write them.
_ALARMED = """
SELECT c.code, c.department, c.title, (v.document #>> '{running,silent_after_days}')::int AS days,
  greatest(c.live_since, h.last_collected_at, (SELECT max(i.received_at) FROM inbox i
    WHERE i.source = '/' || (v.document ->> 'area') || '/' || c.department
      AND i.event_type NOT IN ('receipt.v1', 'count.reported.v1') AND i.received_at > c.live_since)) AS since
FROM connectors c JOIN connector_versions v ON v.connector = c.code AND v.version = c.version
LEFT JOIN connector_health h ON h.connector = c.code
WHERE c.state = 'live' AND (v.document #>> '{running,silent_after_days}')::int > 0
"""
#: The limit is how long before its end a certificate is spoken of; one that another follows is not.
_CERTIFICATE = """
SELECT 'key:' || k.kid, k.department, d.name || '的证书' || CASE WHEN k.valid_to <= :now THEN '已于 ' ELSE '将于 ' END
  || to_char(k.valid_to AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD') || ' 到期', k.valid_to - (:now - :before)
FROM department_keys k JOIN departments d ON d.code = k.department
WHERE k.certificate IS NOT NULL AND k.revoked_at IS NULL AND d.active AND d.channel IN ('kafka', 'rest')
  AND k.valid_to < :now + (:now - :before) AND k.valid_to > :now - interval '30 days'
  AND NOT EXISTS (SELECT FROM department_keys n WHERE n.department = k.department AND n.custody = 'department'
    AND n.revoked_at IS NULL AND n.kid <> k.kid AND coalesce(n.valid_to, 'infinity') > k.valid_to)
UNION ALL
SELECT 'connector:' || c.code, c.department, c.title || '所用的证书将于 '
  || to_char(h.certificate_until AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD') || ' 到期',
  h.certificate_until - (:now - :before)
FROM connectors c JOIN connector_health h ON h.connector = c.code
WHERE c.state IN ('live', 'paused') AND h.certificate_until < :now + (:now - :before)
"""
_CHECKS = {
    "undelivered": _UNDELIVERED,
    "unpublished": _UNPUBLISHED,
    "parked": _PARKED,
    "quarantined": _QUARANTINED,
    "program": _PROGRAM,
    "unsigned_correction": _CORRECTION,
    "connector": _CONNECTOR,
    "certificate": _CERTIFICATE,
}
assert {*_CHECKS, "silent"} == set(KINDS) == set(TITLES)


def raise_alerts(tx: Connection, kind: str, now: datetime, *, actor: str = ACTOR) -> int:
    """Look for one kind: raise what is new, clear what is over. Gives how many were raised or cleared.

    One looks for a kind at a time; another waits for it.
    """
    which = select(AlertLimit.__table__).where(AlertLimit.kind == kind).with_for_update()
    limit = tx.execute(which).one_or_none()
    if limit is None:
        return 0
    before = now - timedelta(minutes=limit.minutes)
    found = _late(tx, kind, before, now) if limit.active else []
    open_now = {
        row.subject: row
        for row in tx.execute(
            select(Alert.__table__).where(Alert.kind == kind, Alert.cleared_at.is_(None)).with_for_update()
        )
    }
    for late in found:
        if late.subject in open_now:
            which = Alert.id == open_now[late.subject].id
            tx.execute(update(Alert).where(which).values(words=late.words, since=late.since))
        else:
            _raise(tx, kind, late, now, actor)
    subjects = {late.subject for late in found}
    over = [row for subject, row in open_now.items() if subject not in subjects]
    _clear(tx, over, now, actor)
    tx.execute(update(AlertLimit).where(AlertLimit.kind == kind).values(checked_at=now, fault=None))
    return len(subjects - open_now.keys()) + len(over)


def note_fault(tx: Connection, kind: str, fault: str) -> None:
    """The last look for this kind failed."""
    tx.execute(update(AlertLimit).where(AlertLimit.kind == kind).values(fault=fault[:300]))


def _late(tx: Connection, kind: str, before: datetime, now: datetime) -> list[Late]:
    if kind == "silent":
        return _silent(tx, before)
    return [Late(*row) for row in tx.execute(text(_CHECKS[kind]), {"before": before, "now": now})]


def _silent(tx: Connection, before: datetime) -> list[Late]:
    """Departments of which nothing came for as many working days as their connector's document says."""
    rows = tx.execute(text(_ALARMED)).all()
    calendar = exceptions(tx) if rows else {}
    return [
        Late(f"connector:{row.code}", row.department, f"{row.title}已 {row.days} 个工作日没有来信", row.since)
        for row in rows
        if due(local_day(row.since), row.days, calendar) < local_day(before)
    ]


def _raise(tx: Connection, kind: str, late: Late, now: datetime, actor: str) -> None:
    title, severity = TITLES[kind]
    notice = tx.execute(
        insert(Notice)
        .values(
            audience="data_admin",
            department=late.department,
            severity=severity,
            title=f"{title}：{late.words}",
            body="恢复后本提醒自动了结。请在“告警”页查看时限和历史。",
        )
        .returning(Notice.id)
    ).scalar_one()
    alert = tx.execute(
        insert(Alert)
        .values(
            kind=kind,
            subject=late.subject,
            words=late.words,
            since=late.since,
            raised_at=now,
            notice_id=notice,
        )
        .returning(Alert.id)
    ).scalar_one()
    owe_raised(tx, alert, kind, now)
    detail = {"words": late.words, "since": late.since.isoformat()}
    record(tx, Entry(actor, "alert.raised", f"alert:{kind}/{late.subject}", detail=detail))


def _clear(tx: Connection, over: Sequence[Any], now: datetime, actor: str) -> None:
    if not over:
        return
    tx.execute(update(Alert).where(Alert.id.in_([row.id for row in over])).values(cleared_at=now))
    owe_cleared(tx, [row.id for row in over], now)
    told = [row.notice_id for row in over if row.notice_id is not None]
    tx.execute(
        update(Notice)
        .where(Notice.id.in_(told), Notice.handled_at.is_(None))
        .values(
            handled_at=now,
            handled_by=actor,
            handled_note="已自行恢复",
            read_at=func.coalesce(Notice.read_at, now),
            read_by=func.coalesce(Notice.read_by, actor),
        )
    )
    record(tx, *(Entry(actor, "alert.cleared", f"alert:{row.kind}/{row.subject}") for row in over))


def change_limit(tx: Connection, kind: str, minutes: int, active: bool, *, actor: str, reason: str) -> bool:
    """How old this kind may grow from now on. Raises NotFound or Rejected; False where nothing changes."""
    if not 1 <= minutes <= LONGEST:
        raise Rejected(f"时限应为 1 到 {LONGEST} 分钟。")
    row = tx.execute(
        select(AlertLimit.minutes, AlertLimit.active).where(AlertLimit.kind == kind).with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound("没有这一类告警。")
    if (row.minutes, row.active) == (minutes, active):
        return False
    tx.execute(update(AlertLimit).where(AlertLimit.kind == kind).values(minutes=minutes, active=active))
    detail = {"before": [row.minutes, row.active], "after": [minutes, active]}
    record(tx, Entry(actor, "alert_limit.changed", f"alert_limit:{kind}", reason=reason, detail=detail))
    return True
