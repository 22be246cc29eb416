"""The vocabularies of notices, alerts and the exchange: Chinese name and tone of each."""

from __future__ import annotations

NOTICING_WORDS: dict[str, dict[str, tuple[str, str]]] = {
    "alert_kind": {
        "undelivered": ("推送未签收", "bad"),
        "unpublished": ("消息未发布", "bad"),
        "parked": ("办件搁置", "warn"),
        "quarantined": ("隔离未处理", "warn"),
        "program": ("程序失联", "bad"),
        "unsigned_correction": ("更正未签收", "bad"),
        "connector": ("连接器送不出", "bad"),
        "silent": ("部门没有来信", "warn"),
        "certificate": ("证书快到期", "warn"),
    },
    "attempt": {
        "replay": ("重放", "info"),
        "dismiss": ("作废", "mute"),
        "publish": ("发布", "good"),
        "park": ("发布未成", "bad"),
        "unpark": ("放行", "info"),
    },
    "reference": {
        "case": ("办件", "info"),
        "push": ("推送消息", "info"),
        "finding": ("监管信息", "info"),
        "evidence": ("佐证文件", "info"),
        "thread": ("协调建议", "info"),
        "material_type": ("材料类型", "info"),
    },
    "notice_state": {"unread": ("未读", "warn"), "read": ("已阅", "info"), "handled": ("已处理", "good")},
    "notice_kind": {
        "finding": ("监管反馈", "warn"),
        "thread": ("协调建议", "info"),
        "push": ("推送", "info"),
        "licence": ("证照", "good"),
        "case": ("办件", "mute"),
        "system": ("系统", "mute"),
    },
}
