"""What each role may do with licences. Whose licences they are is asked besides: see admin.licensing.seeing."""

from __future__ import annotations

_LOOK = ("can_list", "can_show", "can_export")
_BATCHES = {
    "LicenceBatchView": ("can_list", "can_import"),
    "LicenceFilesView": ("can_export", "can_download"),
}

LICENSING: dict[str, dict[str, tuple[str, ...]]] = {
    "data_admin": {
        "LicenceView": _LOOK,
        "HolderNoticeView": ("can_list", "can_export"),
        "LicenceRuleView": ("can_list", "can_edit"),
        "LicenceProposalView": ("can_list", "can_export"),
        **_BATCHES,
    },
    "clerk": {
        "LicenceView": (*_LOOK, "can_take"),
        "HolderNoticeView": ("can_list", "can_export", "can_tell"),
        "LicenceRuleView": ("can_list",),
    },
    "approver": {
        "LicenceView": (*_LOOK, "can_take"),
        "LicenceLifeView": ("can_change",),
        "LicenceIssueView": ("can_issue",),
        "HolderNoticeView": ("can_list", "can_export", "can_tell"),
        "LicenceRuleView": ("can_list",),
        "LicenceProposalView": ("can_list", "can_export", "can_settle"),
        **_BATCHES,
    },
    "supervisor": {
        "LicenceView": (*_LOOK, "can_take"),
        "LicenceRuleView": ("can_list",),
        "LicenceProposalView": ("can_list", "can_export"),
    },
    "overseer": {
        "LicenceView": _LOOK,
        "HolderNoticeView": ("can_list", "can_export"),
        "LicenceRuleView": ("can_list",),
        "LicenceProposalView": ("can_list", "can_export"),
    },
}
