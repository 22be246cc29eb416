"""What each role may do with push rules, limits and incomplete pushes. Whose cases they are is asked besides."""

from __future__ import annotations

_LOOK: dict[str, tuple[str, ...]] = {
    "PushRuleView": ("can_list", "can_show", "can_export"),
    "PushCoverageView": ("can_list", "can_export"),
    "PushLimitView": ("can_list",),
    "IncompletePushView": ("can_list", "can_export"),
}

RULES: dict[str, dict[str, tuple[str, ...]]] = {
    "data_admin": {
        "PushRuleView": ("can_list", "can_show", "can_add", "can_edit", "can_export"),
        "PushTrialView": ("can_try",),
        "PushCoverageView": ("can_list", "can_export"),
        "PushLimitView": ("can_list", "can_edit"),
        "IncompletePushView": ("can_list", "can_export", "can_release"),
    },
    "clerk": {"IncompletePushView": ("can_list", "can_export")},
    "approver": {"IncompletePushView": ("can_list", "can_export", "can_release")},
    "overseer": _LOOK,
}
