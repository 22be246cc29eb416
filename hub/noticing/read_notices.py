"""Read notices: what was seen, what was done about it, by whom - on the record, and so on the trace of the case.

Guarantees: only what is for the reader; done twice changes nothing and is recorded once. What is handled counts as read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, func, select, update

from hub.errors import Conflict, NotFound, Rejected
from hub.ledger import Entry, LedgerRow, record
from hub.noticing.notice import Notice
from hub.noticing.reader import Reader
from hub.round_trips import Rows, write

MOST = 1000  # of a page, at once
_NOTE = 500


def mark_read(tx: Connection, ids: Sequence[int] | None, *, reader: Reader, actor: str) -> int:
    """已阅: notices of this reader, all or those named. Doing it twice changes nothing."""
    which = [Notice.read_at.is_(None), reader.shown_to()]
    if ids is not None:
        which.append(Notice.id.in_(ids))
    done = tx.execute(
        update(Notice)
        .where(*which)
        .values(read_at=func.now(), read_by=actor)
        .returning(Notice.id, Notice.case_no)
    ).all()
    _tell(tx, done, "notice.read", actor, None)
    return len(done)


def handle(tx: Connection, ids: Sequence[int], note: str, *, reader: Reader, actor: str) -> int:
    """已处理: with a note of what was done. Those that somebody handled before keep that answer."""
    note = note.strip()[:_NOTE]
    if len(note) < 2:
        raise Rejected("请写明怎样处理的（至少两个字），它会记入留痕账本和办件轨迹。")
    done = tx.execute(
        update(Notice)
        .where(Notice.id.in_(ids), Notice.handled_at.is_(None), reader.shown_to())
        .values(
            handled_at=func.now(),
            handled_by=actor,
            handled_note=note,
            read_at=func.coalesce(Notice.read_at, func.now()),
            read_by=func.coalesce(Notice.read_by, actor),
        )
        .returning(Notice.id, Notice.case_no)
    ).all()
    _tell(tx, done, "notice.handled", actor, note)
    return len(done)


def reopen(tx: Connection, number: int, reason: str, *, reader: Reader, actor: str) -> None:
    """Take 已处理 back: it was not. The notice stays read; the ledger keeps both. Raises NotFound or Conflict."""
    row = tx.execute(
        select(Notice.case_no, Notice.handled_at, Notice.handled_note)
        .where(Notice.id == number, reader.shown_to())
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound("没有这条提醒，或它不是发给您的。")
    if row.handled_at is None:
        raise Conflict("这条提醒还没有处理，不必撤销。")
    tx.execute(
        update(Notice).where(Notice.id == number).values(handled_at=None, handled_by=None, handled_note=None)
    )
    detail = {"note": row.handled_note}
    record(tx, Entry(actor, "notice.reopened", f"notice:{number}", row.case_no, reason, detail))


def _tell(
    tx: Connection, done: Sequence[tuple[int, str | None]], action: str, actor: str, note: str | None
) -> None:
    rows: list[dict[str, Any]] = [
        {
            "actor": actor,
            "action": action,
            "subject": f"notice:{number}",
            "case_no": case_no,
            "reason": note,
            "detail": {},
        }
        for number, case_no in sorted(done, key=lambda one: one[0])
    ]
    write(tx, Rows(LedgerRow, rows))
