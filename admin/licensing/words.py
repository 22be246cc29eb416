"""The vocabularies of licences: what a page says for a value, and in which tone. Part of admin.cells.WORDS."""

from __future__ import annotations

from hub.licensing.life import OPERATIONS

LICENSING_WORDS: dict[str, dict[str, tuple[str, str]]] = {
    "batch_operation": {"issue": ("制证", "good"), "import": ("登记", "info")},
    "batch_state": {
        "reading": ("正在读取", "info"),
        "ready": ("待开始", "wait"),
        "running": ("进行中", "info"),
        "paused": ("已暂停", "warn"),
        "done": ("已完成", "good"),
        "stopped": ("已停止", "mute"),
    },
    "batch_row_state": {
        "waiting": ("待办", "wait"),
        "issued": ("已办", "good"),
        "unchanged": ("未变", "mute"),
        "refused": ("退回", "bad"),
    },
    "licence_origin": {
        "issued": ("本系统签发", "good"),
        "registered": ("登记", "mute"),
        "imported": ("导入", "info"),
    },
    "licence_operation": {name: (words[0], "mute") for name, words in OPERATIONS.items()},
    "licence_format": {"pdf": ("证照 PDF", "good"), "ofd": ("OFD 副本", "mute"), "sm2": ("SM2 签名", "info")},
    "proposal_effect": {"freeze": ("暂扣", "warn"), "revoke": ("吊销", "bad")},
    "proposal_state": {
        "open": ("待确认", "wait"),
        "confirmed": ("已确认", "good"),
        "declined": ("不予处置", "mute"),
        "overtaken": ("已被后来的监管结果代替", "mute"),
    },
    "rule_kind": {
        "inspection": ("检查", "info"),
        "rectification": ("整改", "warn"),
        "enforcement": ("执法", "bad"),
    },
    "rule_effect": {
        "none": ("不处置", "mute"),
        "warn": ("提醒窗口", "warn"),
        "freeze": ("暂扣证照", "bad"),
        "lift": ("解除本部门的暂扣", "good"),
        "propose_revocation": ("请求吊销（须确认）", "bad"),
        "propose_freeze": ("请求暂扣（须确认）", "warn"),
    },
    "told_how": {way: (way, "good") for way in ("电话", "短信", "当面", "邮寄")},
    "holder_notice": {
        "expiring": ("即将到期", "warn"),
        "expired": ("已经失效", "bad"),
        "suspended": ("证照暂扣", "bad"),
        "restored": ("恢复有效", "good"),
        "ended": ("证照终止", "bad"),
        "issued": ("证照签发", "good"),
    },
}
