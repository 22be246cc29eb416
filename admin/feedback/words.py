"""What feedback calls things on a page: word -> (what it reads, tone of its pill)."""

from __future__ import annotations

FEEDBACK_WORDS: dict[str, dict[str, tuple[str, str]]] = {
    "fact_standing": {
        "standing": ("有效", "good"),
        "corrected": ("已更正", "mute"),
        "withdrawn": ("已撤销", "mute"),
    },
}
