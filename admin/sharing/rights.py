"""What each role may do with sharing and reuse. Whose matters they are is asked besides: see hub.sharing."""

from __future__ import annotations

_LOOK = ("can_list", "can_show", "can_export")

SHARING: dict[str, dict[str, tuple[str, ...]]] = {
    "data_admin": {
        "GrantView": (*_LOOK, "can_apply", "can_review", "can_decide"),
    },
    "clerk": {
        "GrantView": (*_LOOK, "can_apply"),
    },
    "approver": {
        "GrantView": (*_LOOK, "can_apply", "can_decide"),
    },
    "supervisor": {
        "GrantView": (*_LOOK, "can_apply", "can_decide"),
    },
    "overseer": {
        "GrantView": _LOOK,
    },
}
