"""What each role may do with pushes and decisions. Whose they are is asked besides: see admin.pushing.seeing."""

from __future__ import annotations

_LOOK: dict[str, tuple[str, ...]] = {
    "PushView": ("can_list", "can_show", "can_export"),
    "DecisionView": ("can_list", "can_export"),
}
_CORRECT = {"DecisionView": ("can_list", "can_export", "can_correct", "can_withdraw")}

PUSHING: dict[str, dict[str, tuple[str, ...]]] = {
    "data_admin": {"PushView": (*_LOOK["PushView"], "can_act", "can_resend"), **_CORRECT},
    "clerk": _LOOK,
    "approver": {"PushView": (*_LOOK["PushView"], "can_act"), **_CORRECT},
    "supervisor": _LOOK,
    "overseer": _LOOK,
}
