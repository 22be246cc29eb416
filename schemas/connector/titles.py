"""What people call the messages of a flow, in Chinese and in English."""

from __future__ import annotations

#: message or kind -> (Chinese, English); every one of OUT_MESSAGES and IN_KINDS
TITLES: dict[str, tuple[str, str]] = {
    "approval.decided.v1": ("审批决定推送包", "Package of a decided approval"),
    "approval.corrected.v1": ("审批决定更正", "Corrected decision"),
    "approval.withdrawn.v1": ("审批决定撤回", "Withdrawn decision"),
    "licence.changed.v1": ("证照状态变化", "Change of a licence"),
    "finding.forwarded.v1": ("监管信息转告", "Another department's finding"),
    "advice.forwarded.v1": ("协调建议", "Advice from the window"),
    "finding": ("监管检查信息", "Finding"),
    "plan": ("监管计划", "Supervision plan"),
    "rectification": ("整改复查", "Rectification"),
    "enforcement": ("执法结果", "Enforcement"),
    "credit": ("信用记录", "Credit entry"),
    "withdrawal": ("撤销所报", "Withdrawal of a report"),
    "advice": ("协调建议或答复", "Advice or answer"),
    "supply": ("数据提供", "Supplied data"),
    "claimed": ("认领", "Claimed"),
    "returned": ("退回", "Returned"),
    "closed": ("办结", "Closed"),
}


def title_of(message: str) -> str:
    """The Chinese name; of one that is not known, the word itself."""
    return TITLES.get(message, (message, message))[0]
