"""Act: what somebody wants to be done to a licence, checked as far as it can be without looking at the licence."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from hub.errors import Rejected
from hub.licensing.life import OPERATIONS

#: What a person may do; the rest of the operations come from issuing and from the calendar.
ACTS = ("suspend", "restore", "cancel", "withdraw", "revoke", "transfer", "other", "reinstate")
NEEDS_PAPER = ("withdraw", "revoke", "reinstate")
REASON = (2, 500)
_PAPER, _NOTE = 100, 200


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody wants to be done, and why."""

    operation: str
    reason: str
    actor: str
    department: str | None
    at: datetime
    document_no: str | None = None
    document: bytes | None = None
    note: str | None = None
    finding_id: uuid.UUID | None = None  # where a proposal is confirmed
    finding_no: str | None = None


def check(act: Act) -> None:
    """Raises Rejected with what is missing."""
    name = OPERATIONS[act.operation][0] if act.operation in ACTS else None
    if name is None:
        raise Rejected(f"不能由人办理的操作：{act.operation[:40]}。")
    low, high = REASON
    if not low <= len(act.reason) <= high:
        raise Rejected(f"请写明{name}的理由，{low} 到 {high} 个字。")
    if act.operation in NEEDS_PAPER and not act.document_no:
        raise Rejected(f"{name}须写明所依据的文书号。")
    if act.document_no and len(act.document_no) > _PAPER:
        raise Rejected(f"文书号不超过 {_PAPER} 个字。")
    if act.operation == "other" and not act.note:
        raise Rejected("状态为“其他”时须写明状态描述。")
    if act.note and len(act.note) > _NOTE:
        raise Rejected(f"状态描述不超过 {_NOTE} 个字。")
    if act.operation in ("suspend", "restore") and not act.department:
        raise Rejected("暂扣和发还以部门名义办理。请先由管理员为您设置所属部门。")
    if "\0" in act.reason + (act.document_no or "") + (act.note or ""):
        raise Rejected("内容中有不能保存的字符。")
