"""What each role may do in the web inbox. Whose inbox it is, is asked besides: see admin.inbox.own."""

from __future__ import annotations

INBOX: dict[str, dict[str, tuple[str, ...]]] = {
    "supervisor": {
        "InboxView": ("can_list", "can_show", "can_export", "can_sign", "can_report"),
        "InboxNewsView": ("can_list", "can_export"),
    },
}
