"""The life of a licence as one table, in words of practice (standards 1.3); the database keeps a copy and obeys it.

Guarantees: what is not here cannot happen: `licence_operations` refers to `licence_transitions`, and a trigger refuses any
other change of `licences.status`. A test holds the two copies together.
"""

from __future__ import annotations

from hub.licensing.licence import (
    CANCELLED,
    EXPIRED,
    FROZEN,
    OTHER,
    REVOKED,
    STATUSES,
    TRANSFERRED,
    VALID,
    WITHDRAWN,
)

NEW = "00"  # before there is a licence

#: operation -> (中文, the national exchange's 操作类型)
OPERATIONS: dict[str, tuple[str, str]] = {
    "issue": ("新发", "01"),
    "renew": ("延续", "02"),
    "change": ("变更", "07"),
    "replace": ("补发", "07"),
    "receive": ("转入", "08"),
    "register": ("登记", "07"),
    "suspend": ("暂扣", "03"),
    "restore": ("暂扣发还", "06"),
    "expire": ("过期失效", "04"),
    "supersede": ("由新版替代", "04"),
    "cancel": ("注销", "05"),
    "withdraw": ("撤销", "05"),
    "revoke": ("吊销", "05"),
    "transfer": ("办理转出", "05"),
    "other": ("其他", "07"),
    "reinstate": ("恢复（纠错）", "07"),
}
_ALIVE = (VALID, FROZEN)
_LEFT = (WITHDRAWN, CANCELLED, TRANSFERRED, REVOKED, OTHER)

#: (operation, status before) -> status after.
TRANSITIONS: dict[tuple[str, str], str] = {
    **{(first, NEW): VALID for first in ("issue", "renew", "change", "replace", "receive")},
    ("suspend", VALID): FROZEN,
    ("restore", FROZEN): VALID,
    **{("expire", status): EXPIRED for status in _ALIVE},
    ("supersede", VALID): EXPIRED,
    **{("cancel", status): CANCELLED for status in (*_ALIVE, EXPIRED)},
    **{("withdraw", status): WITHDRAWN for status in (*_ALIVE, EXPIRED)},
    **{("revoke", status): REVOKED for status in (*_ALIVE, EXPIRED)},
    ("transfer", VALID): TRANSFERRED,
    **{("other", status): OTHER for status in _ALIVE},
    **{("reinstate", status): VALID for status in _LEFT},
}
#: What another authority's licence is when it is first registered here.
REGISTERED = tuple(("register", NEW, status) for status in STATUSES)


def triples() -> list[tuple[str, str, str]]:
    """Every (operation, from, to) that may happen."""
    return [(operation, was, becomes) for (operation, was), becomes in TRANSITIONS.items()] + list(REGISTERED)


def allowed(status: str) -> tuple[str, ...]:
    """Operations that may be done to a licence in this status."""
    return tuple(operation for operation, was in TRANSITIONS if was == status)
