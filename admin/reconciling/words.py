"""How the vocabularies of reconciling read."""

from __future__ import annotations

RECONCILING_WORDS: dict[str, dict[str, tuple[str, str]]] = {
    "run_state": {"counting": ("正在对账", "wait"), "done": ("已完成", "good")},
    "difference": {
        "not_pushed": ("应推未推", "bad"),
        "incomplete": ("推送包不齐", "warn"),
        "not_arrived": ("未到达", "bad"),
        "not_signed": ("未签收", "bad"),
        "not_claimed": ("未认领", "warn"),
        "not_answered": ("未反馈", "warn"),
        "correction_not_signed": ("更正未签收", "bad"),
        "not_there": ("部门没有", "bad"),
        "not_here": ("本平台没有", "bad"),
        "count": ("数目不符", "warn"),
        "no_count": ("部门未报数", "mute"),
    },
    "difference_state": {
        "open": ("待处理", "warn"),
        "resent": ("已重新发送", "info"),
        "settled": ("已说明", "mute"),
    },
    "books": {
        "same": ("两边相同", "good"),
        "differs": ("不一致", "bad"),
        "missing": ("未报数", "mute"),
        "web": ("网页收件箱，由中心代计", "info"),
        "quiet": ("没有往来", "mute"),
    },
    "counted": {
        "packages": ("推送包", "mute"),
        "announcements": ("其他消息", "mute"),
        "receipts": ("回执", "mute"),
        "findings": ("监管信息", "mute"),
    },
}
