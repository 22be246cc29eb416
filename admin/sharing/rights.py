"""What each role may do with sharing and reuse. Whose matters they are is asked besides: see hub.sharing."""

from __future__ import annotations

_LOOK = ("can_list", "can_show", "can_export")
_COUNT = ("can_list", "can_export")
_USES = {"UseView": ("can_list", "can_export"), "StatisticsView": _COUNT}

SHARING: dict[str, dict[str, tuple[str, ...]]] = {
    "data_admin": {
        "GrantView": (*_LOOK, "can_apply", "can_review", "can_decide"),
        "ObjectionView": (*_LOOK, "can_raise", "can_settle"),
        "LimitView": ("can_list", "can_edit"),
        "PartyUsesView": ("can_show",),
        **_USES,
    },
    "clerk": {
        "GrantView": (*_LOOK, "can_apply"),
        "ObjectionView": (*_LOOK, "can_raise"),
        "PartyUsesView": ("can_show",),
        **_USES,
    },
    "approver": {
        "GrantView": (*_LOOK, "can_apply", "can_decide"),
        "ObjectionView": (*_LOOK, "can_raise", "can_settle"),
        "PartyUsesView": ("can_show",),
        **_USES,
    },
    "supervisor": {
        "GrantView": (*_LOOK, "can_apply", "can_decide"),
        "ObjectionView": (*_LOOK, "can_raise", "can_settle"),
        **_USES,
    },
    "overseer": {
        "GrantView": _LOOK,
        "ObjectionView": _LOOK,
        "LimitView": ("can_list",),
        **_USES,
    },
}
