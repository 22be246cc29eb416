"""What pushing calls things on a page: word -> (what it reads, tone of its pill)."""

from __future__ import annotations

PUSHING_WORDS: dict[str, dict[str, tuple[str, str]]] = {
    "push_act": {
        "released": ("补齐后放行", "info"),
        "reassigned": ("转派", "info"),
        "insisted": ("坚持推送", "warn"),
        "recalled": ("撤回", "bad"),
        "reopened": ("重新打开", "warn"),
    },
    "announced": {
        "licence.changed.v1": ("证照状态变化", "info"),
        "approval.corrected.v1": ("决定更正", "warn"),
        "approval.withdrawn.v1": ("撤回通知", "bad"),
        "finding.forwarded.v1": ("转告监管信息", "info"),
        "advice.forwarded.v1": ("协调建议", "info"),
        "count.asked.v1": ("请求对账", "mute"),
    },
    "revision_kind": {"corrected": ("更正", "warn"), "withdrawn": ("撤回", "bad")},
}
