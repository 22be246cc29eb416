"""Read notices: what was seen, by whom."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, func, update

from hub.noticing.notice import Notice


def mark_read(tx: Connection, ids: Sequence[int] | None, *, audience: str, actor: str) -> int:
    """Mark notices of one audience as read, all or those named. Doing it twice changes nothing."""
    which = [Notice.read_at.is_(None), Notice.audience == audience]
    if ids is not None:
        which.append(Notice.id.in_(ids))
    done = tx.execute(update(Notice).where(*which).values(read_at=func.now(), read_by=actor))
    return done.rowcount
