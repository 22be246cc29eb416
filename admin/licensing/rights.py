"""What each role may do with licences. Whose licences they are is asked besides: see admin.licensing.seeing."""

from __future__ import annotations

_LOOK = ("can_list", "can_show", "can_export")

LICENSING: dict[str, dict[str, tuple[str, ...]]] = {
    "data_admin": {
        "LicenceView": _LOOK,
        "HolderNoticeView": ("can_list", "can_export"),
    },
    "clerk": {
        "LicenceView": (*_LOOK, "can_take"),
        "HolderNoticeView": ("can_list", "can_export", "can_tell"),
    },
    "approver": {
        "LicenceView": (*_LOOK, "can_take"),
        "LicenceLifeView": ("can_change",),
        "LicenceIssueView": ("can_issue",),
        "HolderNoticeView": ("can_list", "can_export", "can_tell"),
    },
    "supervisor": {"LicenceView": (*_LOOK, "can_take")},
    "overseer": {"LicenceView": _LOOK, "HolderNoticeView": ("can_list", "can_export")},
}
