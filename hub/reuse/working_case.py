"""The case that is being worked on, locked: one door for every change to what a case has gathered.

Guarantees: the row is locked until the transaction ends, against others who come this way and against its decision; a
withdrawn or decided case is refused with a sentence. The lock lets others refer to the case meanwhile (notices of a
finding), so that an intake and a clerk never wait for one another.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, exists, select

from hub.case import Case, Decision
from hub.catalogue.published import PublishedItem, item_version
from hub.errors import Conflict, NotFound, Rejected
from hub.reuse.deferral import promised
from hub.reuse.list_of_case import list_of_case


@dataclass(frozen=True, slots=True)
class WorkingCase:
    """What the verbs of reuse need of a case."""

    case_no: str
    name: str
    party_id: uuid.UUID
    item: PublishedItem
    department: str | None
    state: str
    accepted_on: date | None
    accepted_at: datetime | None
    promised_on: date | None


def working_case(tx: Connection, case_no: str, *, doing: str, line: uuid.UUID | None = None) -> WorkingCase:
    """Lock and read a case that is neither withdrawn nor decided. `doing` ends the sentence of a refusal.

    A decided one may still be worked on for a `line` of its list that was promised, or that a push of it lacks.
    """
    case = read_case(tx, case_no)
    if case.state == "withdrawn":
        raise Conflict(f"办件 {case_no} 已经撤回，不能再{doing}。需要时请重新申请。")
    decided = tx.execute(select(exists().where(Decision.case_no == case_no))).scalar_one()
    if decided and not (line and promised(tx, case_no, line)):
        raise Conflict(f"办件 {case_no} 已经作出决定，不能再{doing}。")
    return case


def read_case(tx: Connection, case_no: str, *, lock: bool = True) -> WorkingCase:
    """Read (and lock) a case whatever its state. Raises NotFound, or Rejected for one that did not come by the window."""
    columns = (
        Case.name,
        Case.party_id,
        Case.state,
        Case.accepted_on,
        Case.accepted_at,
        Case.promised_on,
    )
    query = select(*columns).where(Case.case_no == case_no)
    row = tx.execute(query.with_for_update(key_share=True) if lock else query).one_or_none()
    if row is None:
        raise NotFound(f"没有办件编号为 {case_no} 的办件。请核对编号。")
    asked = list_of_case(tx, case_no)
    if asked.version_id is None:
        raise Rejected(f"办件 {case_no} 不是在窗口按材料清单收取的，没有可复用的清单。")
    item = item_version(tx, asked.version_id)
    return WorkingCase(
        case_no,
        row.name,
        row.party_id,
        item,
        asked.department,
        row.state,
        row.accepted_on,
        row.accepted_at,
        row.promised_on,
    )
