"""Open a case before its decision, so that materials can be taken in on it."""

from __future__ import annotations

from sqlalchemy import Connection, select

from hub.case import Case
from hub.deciding.decided_case import DecidedCase
from hub.deciding.decided_rows import new_cases
from hub.errors import Conflict
from hub.ledger import Entry, record
from hub.ports import Desk
from hub.round_trips import write


def open_case(tx: Connection, case: DecidedCase, desk: Desk, *, actor: str) -> None:
    """Write party and case. Raises Conflict where the case number is taken."""
    if tx.execute(select(Case.case_no).where(Case.case_no == case.case_no)).first():
        raise Conflict(f"办件编号 {case.case_no} 已经存在。请换一个编号，或打开已有办件。")
    write(tx, *new_cases([case], desk))
    record(tx, Entry(actor, "case.opened", f"case:{case.case_no}", case.case_no))
