"""Settle refusals 处理被拒记录: have a record tried once more, or put it aside with a reason.

Guarantees: one that is settled is settled once; having it tried again is a request that the running connector answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sqlalchemy import Connection, select, update

from hub.connecting.connector import ConnectorRefusal
from hub.connecting.held import change, reason_of
from hub.errors import NotFound, Rejected
from hub.ledger import Entry, record
from hub.ports import Desk

How = Literal["again", "dismiss"]
MOST = 5_000


def settle_refusal(
    tx: Connection, desk: Desk, refusal: int, *, how: How, reason: str = "", actor: str
) -> None:
    """One of them. Raises NotFound where there is none that is open."""
    if settle_refusals(tx, desk, [refusal], how=how, reason=reason, actor=actor) == 0:
        raise NotFound("没有这条待处理的被拒记录，可能已由他人处理。请刷新后再看。")


def settle_refusals(
    tx: Connection, desk: Desk, refusals: Sequence[int], *, how: How, reason: str = "", actor: str
) -> int:
    """Several at once; those that are settled already are left alone. Gives how many."""
    if len(refusals) > MOST:
        raise Rejected(f"一次最多处理 {MOST} 条。")
    if how not in ("again", "dismiss"):
        raise Rejected("处理方式应为“再试”或“不再处理”。")
    given = reason_of(reason) if how == "dismiss" else reason.strip()[:500]
    open_ones = tx.execute(
        select(ConnectorRefusal.id, ConnectorRefusal.connector)
        .where(ConnectorRefusal.id.in_(refusals), ConnectorRefusal.settled_at.is_(None))
        .order_by(ConnectorRefusal.id)
        .with_for_update()
    ).all()
    values = (
        {"again": True}
        if how == "again"
        else {
            "settled_at": desk.clock(),
            "settled_as": "dismissed",
            "settled_by": actor,
            "settled_why": given,
        }
    )
    ids = [one.id for one in open_ones]
    tx.execute(update(ConnectorRefusal).where(ConnectorRefusal.id.in_(ids)).values(values))
    for code in sorted({one.connector for one in open_ones}):
        change(tx, code)
        mine = [one.id for one in open_ones if one.connector == code]
        action = "connector.refusals_again" if how == "again" else "connector.refusals_dismissed"
        detail = {"count": len(mine), "refusals": mine[:100]}
        record(tx, Entry(actor, action, f"connector:{code}", reason=given or None, detail=detail))
    return len(ids)
