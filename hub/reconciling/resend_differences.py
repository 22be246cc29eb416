"""Resend differences: what a run says has not come through goes out again, the same bytes; and what cannot be sent again is
settled with a reason.

Guarantees: only messages of the hub's own that are published are queued again, by event id; departments drop what they have.
What was never pushed is pushed now.
Whose books differed is asked to count those days anew, with ids, so that the next run knows. Everything stands in the
ledger with its reason. Does not undo: a difference that comes back in the next run is a new one.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from hub.errors import Conflict, Rejected
from hub.exchange.resend import resend
from hub.ledger import Entry, record
from hub.ports import Desk
from hub.reconciling.ask_counts import Wanted, ask_counts
from hub.reconciling.push_missing import push_missing

#: What may be mended by sending a message again.
RESENDABLE = ("not_pushed", "not_arrived", "not_signed", "correction_not_signed", "not_there")


@dataclass(frozen=True, slots=True)
class Resent:
    """How many differences were dealt with, and how many messages go out again."""

    differences: int
    messages: int


_OPEN = text("""
SELECT x.id, x.department, x.day, x.case_no, CAST(x.event_id AS uuid) AS event_id FROM reconciliation_differences x
WHERE x.run_id = :run AND x.state IN ('open', 'resent') AND x.kind = ANY (:kinds)
  AND CASE x.kind WHEN 'not_pushed' THEN x.department <> '' AND x.state = 'open' ELSE x.event_id IS NOT NULL END
  AND (x.what IS NULL OR x.what IN ('packages', 'announcements'))
  AND (CAST(:ids AS bigint[]) IS NULL OR x.id = ANY (CAST(:ids AS bigint[])))
  AND (CAST(:ids AS bigint[]) IS NOT NULL OR x.state = 'open')
  AND (CAST(:department AS text) IS NULL OR x.department = :department)
ORDER BY x.id FOR UPDATE
""")
_STATE = text("""
UPDATE reconciliation_differences SET state = :state, settled_by = :actor, settled_why = :reason, settled_at = :now
WHERE id = ANY (:ids) AND state <> 'settled'
""")
_SETTLING = text("""
SELECT id FROM reconciliation_differences WHERE run_id = :run AND id = ANY (:ids) AND state <> 'settled'
  AND (CAST(:department AS text) IS NULL OR department = :department) ORDER BY id FOR UPDATE
""")
_OPEN_NOW = text("""
UPDATE reconciliations SET differences =
  (SELECT count(*) FROM reconciliation_differences WHERE run_id = :run AND state = 'open') WHERE id = :run
""")


def resend_differences(
    tx: Connection,
    run: uuid.UUID,
    desk: Desk,
    *,
    actor: str,
    reason: str,
    ids: Collection[int] | None = None,
    department: str | None = None,
) -> Resent:
    """Queue the messages of these differences again; without ids, of all that are open (of a department)."""
    if not reason.strip():
        raise Rejected("请写明重新发送的理由。")
    named = None if ids is None else sorted(ids)
    bound = {"run": run, "kinds": list(RESENDABLE), "ids": named, "department": department}
    rows = tx.execute(_OPEN, bound).all()
    if not rows:
        raise Conflict("没有可以重新发送的差异：可能已经处理过，或者缺的不是本平台发出的消息。")
    missing = [row for row in rows if row.event_id is None]
    for row in missing:
        push_missing(tx, row.case_no, row.department, desk, actor=actor, reason=reason)
    written = [row.event_id for row in rows if row.event_id is not None]
    count = len(missing) + (resend(tx, actor=actor, reason=reason, event_ids=written) if written else 0)
    _dealt_with(tx, run, [row.id for row in rows], "resent", actor, reason, desk)
    for code, day in sorted({(row.department, row.day) for row in rows if row.day is not None}):
        ask_counts(tx, Wanted(day, day, with_ids=True), desk, only=[code])
    detail = {"differences": [row.id for row in rows][:1000], "messages": count}
    record(tx, Entry(actor, "reconciliation.resent", f"reconciliation:{run}", reason=reason, detail=detail))
    return Resent(len(rows), count)


def settle_differences(
    tx: Connection,
    run: uuid.UUID,
    ids: Collection[int],
    desk: Desk,
    *,
    actor: str,
    reason: str,
    department: str | None = None,
) -> int:
    """Say why these differences are none; the same ones are settled in later runs, too. Gives how many."""
    if not reason.strip():
        raise Rejected("请写明原因，以后的对账不再列出这一条。")
    bound = {"run": run, "ids": sorted(ids), "department": department}
    found = list(tx.execute(_SETTLING, bound).scalars())
    if not found:
        raise Conflict("这些差异已经处理过了。请刷新后再看。")
    _dealt_with(tx, run, found, "settled", actor, reason, desk)
    detail = {"differences": found[:1000]}
    record(tx, Entry(actor, "reconciliation.settled", f"reconciliation:{run}", reason=reason, detail=detail))
    return len(found)


def _dealt_with(
    tx: Connection, run: uuid.UUID, ids: Collection[int], state: str, actor: str, reason: str, desk: Desk
) -> None:
    of: dict[str, Any] = {
        "state": state,
        "actor": actor,
        "reason": reason,
        "now": desk.clock(),
        "ids": list(ids),
    }
    tx.execute(_STATE, of)
    tx.execute(_OPEN_NOW, {"run": run})
