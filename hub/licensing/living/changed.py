"""Changed: one change of one licence's status that has been decided on, and what is called what about it.

Guarantees: a change that the life of a licence does not know cannot be made. Writes nothing: see take_effect.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hub.licensing.licence import EXPIRED
from hub.licensing.life import TRANSITIONS

#: operation -> what the ledger calls it.
ACTIONS: dict[str, str] = {
    "suspend": "licence.frozen",
    "restore": "licence.lifted",
    "expire": "licence.expired",
    "supersede": "licence.superseded",
    "cancel": "licence.cancelled",
    "withdraw": "licence.withdrawn",
    "revoke": "licence.revoked",
    "transfer": "licence.transferred",
    "other": "licence.set_aside",
    "reinstate": "licence.reinstated",
}
#: operation -> what it is for whoever relied on the licence (hub.reuse.tell_relied); a renewal alarms nobody.
HAPPENED: dict[str, str] = {
    "suspend": "frozen",
    "restore": "lifted",
    "expire": "expired",
    "cancel": "revoked",
    "withdraw": "revoked",
    "revoke": "revoked",
    "transfer": "revoked",
    "other": "revoked",
    "reinstate": "reinstated",
}
#: operation -> what is said of the licence afterwards.
SAID: dict[str, str] = {
    "suspend": "已冻结（暂扣）",
    "restore": "已恢复有效",
    "expire": "已到期",
    "supersede": "已由新版替代",
    "cancel": "已注销",
    "withdraw": "已撤销",
    "revoke": "已吊销",
    "transfer": "已办理转出",
    "other": "已停止使用",
    "reinstate": "已更正恢复有效",
}


@dataclass(frozen=True, slots=True)
class Changed:
    """What happens to a licence, who did it, why, and by which paper."""

    licence_id: uuid.UUID
    operation: str
    from_status: str
    reason: str
    actor: str  # as the ledger names them
    at: datetime
    department: str | None = None  # who did it; None: the hub itself
    document_no: str | None = None
    document: bytes | None = None  # SHA-256 of a stored object
    finding_id: uuid.UUID | None = None
    finding_no: str | None = None
    case_no: str | None = None  # the case that asked for it
    related_id: uuid.UUID | None = None  # 关联证照: the other version
    note: str | None = None  # 状态描述 of 99
    id: uuid.UUID = field(default_factory=uuid.uuid4)

    def __post_init__(self) -> None:
        if (self.operation, self.from_status) not in TRANSITIONS:
            raise ValueError(f"{self.operation} cannot be done to a licence with status {self.from_status}")

    @property
    def to_status(self) -> str:
        """The status after it."""
        return TRANSITIONS[self.operation, self.from_status]

    @property
    def ends(self) -> bool:
        """Whether the licence is over with it."""
        return self.to_status >= "03"

    @property
    def bulk(self) -> bool:
        """Whether it comes in large numbers and nobody waits for it."""
        return self.to_status == EXPIRED

    def operation_row(self) -> dict[str, Any]:
        """For licence_operations."""
        return {
            "id": self.id,
            "licence_id": self.licence_id,
            "operation": self.operation,
            "from_status": self.from_status,
            "to_status": self.to_status,
            "reason": self.reason,
            "actor": self.actor,
            "department": self.department,
            "document_no": self.document_no,
            "document_sha256": self.document,
            "finding_id": self.finding_id,
            "case_no": self.case_no,
            "related_id": self.related_id,
            "at": self.at,
        }

    def ledger_row(self, case_no: str | None) -> dict[str, Any]:
        """For the ledger; `case_no` is the licence's own case."""
        return {
            "actor": self.actor,
            "action": ACTIONS[self.operation],
            "subject": f"licence:{self.licence_id}",
            "case_no": self.case_no or case_no,
            "reason": self.reason,
            "detail": {
                "operation": str(self.id),
                "from": self.from_status,
                "to": self.to_status,
                "document_no": self.document_no,
                "document_sha256": self.document.hex() if self.document else None,
                "department": self.department,
            },
        }
