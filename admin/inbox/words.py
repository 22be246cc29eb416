"""How a department takes part, in the words of pills."""

from __future__ import annotations

JOINING_WORDS: dict[str, dict[str, tuple[str, str]]] = {
    "channel": {
        "kafka": ("连接器（Kafka）", "info"),
        "rest": ("接口拉取（REST）", "info"),
        "web": ("网页收件箱", "good"),
        "hosted": ("部门连接器（本平台代运行）", "good"),
    },
}
