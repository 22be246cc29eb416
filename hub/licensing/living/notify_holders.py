"""Notify holders: what a holder should be told when a licence changes or is about to run out.

Guarantees: rows for holder_notices, one for a happening, to be written with `once`. Does not send anything: the window reads
them out, prints or sends them, and says so (`tell_holder`).
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from hub.errors import Conflict, NotFound, Rejected
from hub.ledger import Entry, record
from hub.licensing.living.announce import Audience, Facts
from hub.licensing.living.changed import SAID, Changed
from hub.licensing.living.holder_notice import HolderNotice
from hub.round_trips import Rows, ask, tell
from hub.workday import LOCAL

#: operation -> kind of notice; what is not here is told in another way (a renewal: the new licence).
KINDS: dict[str, str] = {
    "suspend": "suspended",
    "restore": "restored",
    "reinstate": "restored",
    "expire": "expired",
    "cancel": "ended",
    "withdraw": "ended",
    "revoke": "ended",
    "transfer": "ended",
    "other": "ended",
}
WAYS = ("电话", "短信", "当面", "邮寄")
_TO_DO = {
    "suspended": "暂扣期间不能使用、延续或变更这张证照",
    "restored": "可以继续使用",
    "expired": "需要继续经营的，请重新申请",
    "ended": "这张证照不能再使用",
}


def holder_notice_rows(changes: Sequence[Changed], known: Audience) -> Rows:
    """What the holders of these licences should hear."""
    rows = []
    for change in changes:
        kind = KINDS.get(change.operation)
        if kind is None:
            continue
        facts = known.licences[change.licence_id]
        by = known.names.get(change.department) if change.department else None
        rows.append(
            {
                "licence_id": change.licence_id,
                "party_id": facts.party_id,
                "kind": kind,
                "happening": str(change.id),
                "title": f"您的{facts.name}（编号 {facts.number}）{SAID[change.operation]}",
                "body": _body(change, by, kind),
                "created_at": change.at,
            }
        )
    return Rows(HolderNotice, rows, once=True)


def _body(change: Changed, by: str | None, kind: str) -> str:
    day = change.at.astimezone(LOCAL).date()
    paper = f"文书号：{change.document_no}。" if change.document_no else ""
    return f"{by or '平台'}于 {day:%Y年%m月%d日} 办理。原因：{change.reason.rstrip('。')}。{paper}{_TO_DO[kind]}。"


def expiring_row(facts: Facts, today: date, now: datetime) -> dict[str, Any]:
    """What the holder of a licence that is about to run out should hear."""
    left = (facts.valid_to - today).days
    when = "今天" if left == 0 else f"还有 {left} 天"
    return {
        "licence_id": facts.id,
        "party_id": facts.party_id,
        "kind": "expiring",
        "happening": facts.valid_to.isoformat(),
        "title": f"您的{facts.name}（编号 {facts.number}）即将到期",
        "body": f"有效期至 {facts.valid_to:%Y年%m月%d日}（{when}）。需要延续的，请在到期之前到{facts.issuer_name}申请。",
        "created_at": now,
    }


_TELL = """
UPDATE holder_notices SET told_at = %(now)s, told_by = %(actor)s, told_how = %(how)s WHERE id = %(id)s
"""
_FIND = """
SELECT n.told_at, n.licence_id, l.case_no FROM holder_notices n JOIN licences l ON l.id = n.licence_id
WHERE n.id = %(id)s FOR UPDATE OF n
"""


def tell_holder(tx: Connection, notice_id: int, *, actor: str, how: str, now: datetime) -> uuid.UUID:
    """Say that a holder was told, and how. Gives the licence."""
    if how not in WAYS:
        raise Rejected(f"告知方式应为 {'、'.join(WAYS)} 之一。")
    (rows,) = ask(tx, (_FIND, {"id": notice_id}))
    if not rows:
        raise NotFound("没有这条持证人提醒。")
    told_at, licence_id, case_no = rows[0]
    if told_at is not None:
        raise Conflict(f"这条提醒已于 {told_at.astimezone(LOCAL):%Y-%m-%d %H:%M} 告知。")
    tell(tx, (_TELL, {"now": now, "actor": actor, "how": how, "id": notice_id}))
    detail = {"notice": notice_id, "how": how}
    record(tx, Entry(actor, "holder.told", f"licence:{licence_id}", case_no, detail=detail))
    found: uuid.UUID = licence_id
    return found
