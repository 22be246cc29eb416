"""Take counts in: count.reported.v1, what a department's connector counted and signed.

Guarantees: of one day and kind the newest count stands, whatever came last; ids that were named once are kept while the
hash over them stays the same. A count whose hash does not fit its ids is refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from hub.exchange.arrived import Arrived, Refused
from hub.exchange.taker import Taker
from hub.ledger import LedgerRow
from hub.moments import parse_moment
from hub.ports import Desk
from hub.reconciling.our_counts import ids_sha256
from hub.round_trips import Question, Rows, tell, write
from schemas import dumps


def questions(messages: Sequence[Arrived]) -> tuple[Question, ...]:
    """Nothing is asked: a count stands for itself."""
    del messages
    return ()


def grounds() -> None:
    """Nothing was asked."""


def objection(message: Arrived, known: None, now: datetime) -> Refused | None:
    """Why this count cannot be taken, if so."""
    del known, now
    seen: set[tuple[str, str]] = set()
    for one in message.data["days"]:
        seat = (one["day"], one["what"])
        if seat in seen:
            return message.refuse("schema", f"{one['day']} 的 {one['what']} 报了两次", "一天一类只报一条")
        seen.add(seat)
        ids = one.get("ids")
        if ids is None:
            continue
        if len({str(event_id).lower() for event_id in ids}) != one["count"]:
            return message.refuse(
                "schema",
                f"{one['day']} 的 {one['what']} 报 {one['count']} 条，列出的编号却有 {len(ids)} 个",
                "count 应等于 ids 中不同编号的个数",
            )
        if ids_sha256({str(event_id).lower() for event_id in ids}).hex() != one["ids_sha256"]:
            return message.refuse(
                "schema",
                f"{one['day']} 的 {one['what']} 的摘要与列出的编号不符",
                "ids_sha256 应为全部编号小写、按字节序排序、每个后接换行的 SHA-256",
            )
    return None


_TAKE = """
INSERT INTO department_counts AS c
  (department, day, what, count, ids_sha256, ids, counted_at, kid, envelope_sha256, received_at)
SELECT department, day, what, count, decode(ids_sha256, 'hex'), ids, counted_at, kid, decode(envelope, 'hex'), %(now)s
FROM jsonb_to_recordset(%(rows)s::jsonb) AS n(department text, day date, what text, count int, ids_sha256 text,
  ids text[], counted_at timestamptz, kid text, envelope text)
ON CONFLICT (department, day, what) DO UPDATE SET count = excluded.count, ids_sha256 = excluded.ids_sha256,
  ids = coalesce(excluded.ids, CASE WHEN c.ids_sha256 = excluded.ids_sha256 THEN c.ids END),
  counted_at = excluded.counted_at, kid = excluded.kid, envelope_sha256 = excluded.envelope_sha256,
  received_at = excluded.received_at
WHERE excluded.counted_at >= c.counted_at
"""


def take_counts(tx: Connection, messages: Sequence[Arrived], known: None, desk: Desk) -> None:
    """Take counts that nothing speaks against."""
    del known
    now = desk.clock()
    newest: dict[tuple[str, str, str], dict[str, Any]] = {}
    for message in messages:
        for row in _rows(message, now):
            seat = (row["department"], row["day"], row["what"])
            before = newest.get(seat)
            if before is None or row["counted_at"] >= before["counted_at"]:
                newest[seat] = row
    tell(tx, (_TAKE, {"rows": dumps(list(newest.values())).decode(), "now": now}))
    write(tx, Rows(LedgerRow, [_ledger_row(message) for message in messages]))


def _rows(message: Arrived, now: datetime) -> list[dict[str, Any]]:
    # A clock that is ahead would make this the newest count for good.
    counted_at = min(parse_moment(message.data["counted_at"]), now)
    return [
        {
            "department": message.department,
            "day": one["day"],
            "what": one["what"],
            "count": one["count"],
            "ids_sha256": one["ids_sha256"],
            "ids": None if (ids := one.get("ids")) is None else sorted({str(each).lower() for each in ids}),
            "counted_at": counted_at.isoformat(),
            "kid": message.kid,
            "envelope": hashlib.sha256(message.value).hexdigest(),
        }
        for one in message.data["days"]
    ]


def _ledger_row(message: Arrived) -> dict[str, Any]:
    days = [one["day"] for one in message.data["days"]]
    return {
        "actor": f"department:{message.department}",
        "action": "count.reported",
        "subject": f"department:{message.department}",
        "case_no": None,
        "reason": None,
        "detail": {
            "first_day": min(days),
            "last_day": max(days),
            "counts": len(days),
            "sha256": hashlib.sha256(message.value).hexdigest(),
            "kid": message.kid,
        },
    }


TAKER = Taker(frozenset({"count.reported.v1"}), questions, grounds, objection, take_counts)
