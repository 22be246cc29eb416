"""What each role may do with notices, alerts and parked keys. Whose notices they are is asked besides: see reading."""

from __future__ import annotations

_NOTICES: dict[str, tuple[str, ...]] = {"NoticeView": ("can_list", "can_read")}

NOTICING: dict[str, dict[str, tuple[str, ...]]] = {
    "data_admin": {
        **_NOTICES,
        "AlertView": ("can_list", "can_edit"),
        "AlertChannelView": ("can_list", "can_edit"),
        "HealthView": ("can_list",),
        "ParkedView": ("can_list", "can_unpark"),
    },
    "clerk": _NOTICES,
    "approver": _NOTICES,
    "supervisor": _NOTICES,
    "overseer": {
        **_NOTICES,
        "AlertView": ("can_list",),
        "AlertChannelView": ("can_list",),
        "HealthView": ("can_list",),
        "ParkedView": ("can_list",),
    },
}
