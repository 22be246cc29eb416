"""What each role may do with facts, penalties and lights. Whose facts they are is asked besides: see finding_list."""

from __future__ import annotations

_LOOK = ("can_list", "can_show", "can_export", "can_figures")
_LIGHTS = ("can_list",)

FEEDBACK: dict[str, dict[str, tuple[str, ...]]] = {
    "data_admin": {
        "FindingView": (*_LOOK, "can_read"),
        "PenaltyView": ("can_upload", "can_export"),
        "LightRuleView": ("can_list", "can_edit"),
    },
    "clerk": {"FindingView": (*_LOOK, "can_read"), "LightRuleView": _LIGHTS},
    "approver": {"FindingView": (*_LOOK, "can_read"), "LightRuleView": _LIGHTS},
    "supervisor": {
        "FindingView": (*_LOOK, "can_read"),
        "PenaltyView": ("can_export",),
        "LightRuleView": _LIGHTS,
    },
    "overseer": {
        "FindingView": (*_LOOK, "can_read"),
        "PenaltyView": ("can_export",),
        "LightRuleView": _LIGHTS,
    },
}
