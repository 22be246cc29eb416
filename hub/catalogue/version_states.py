"""The life of a version, of an item and of a material type alike, as a table."""

from __future__ import annotations

ACTS = ("publish", "supersede", "withdraw", "discard")

#: (state, act) -> state; None: the row is gone. What is not here is refused.
TRANSITIONS: dict[tuple[str, str], str | None] = {
    ("draft", "publish"): "published",
    ("draft", "discard"): None,
    ("published", "supersede"): "superseded",
    ("published", "withdraw"): "withdrawn",
}

TITLES = {"draft": "草稿", "published": "已发布", "superseded": "已被新版替代", "withdrawn": "已撤下"}


def allowed(state: str, act: str) -> bool:
    """Whether `act` may be done to a version in `state`."""
    return (state, act) in TRANSITIONS
