"""Withdraw a case 撤回: the applicant takes it back before it is decided.

Guarantees: what it took and nobody else may see yet is discarded, its uses and promises end, with the reason in the
ledger. What it took as an accepted case stays on file: it was properly handed in. Twice is once.
"""

from __future__ import annotations

from sqlalchemy import Connection, text, update

from hub.case import Case
from hub.errors import Rejected
from hub.ledger import Entry, record
from hub.ports import Desk
from hub.reuse.working_case import read_case, working_case

_ENDS = (
    """
    UPDATE materials SET state = 'discarded', state_reason = :reason, state_at = :now
    WHERE case_no = :case_no AND state = 'pending'
    """,
    """
    UPDATE material_uses SET withdrawn_at = :now, withdrawn_by = :actor
    WHERE case_no = :case_no AND withdrawn_at IS NULL
    """,
    """
    UPDATE deferrals SET settled_at = :now, settled_how = 'cancelled'
    WHERE case_no = :case_no AND settled_at IS NULL
    """,
)
_NAMES = ("discarded", "uses", "promises")


def withdraw_case(tx: Connection, case_no: str, *, reason: str, actor: str, desk: Desk) -> None:
    """Withdraw it. Raises NotFound, Rejected without a reason, Conflict after the decision."""
    reason = reason.strip()
    if not 2 <= len(reason) <= 200:
        raise Rejected("请写明撤回的原因，2 到 200 字。")
    if read_case(tx, case_no).state == "withdrawn":
        return
    working_case(tx, case_no, doing="撤回")
    of = {"case_no": case_no, "reason": reason, "now": desk.clock(), "actor": actor}
    ended = {name: tx.execute(text(end), of).rowcount for name, end in zip(_NAMES, _ENDS, strict=True)}
    tx.execute(update(Case).where(Case.case_no == case_no).values(state="withdrawn"))
    record(tx, Entry(actor, "case.withdrawn", f"case:{case_no}", case_no, reason, ended))
