"""Phrase: a line's words as who shows it may say them in another language - a text with places, and what stands in them.

A phrase is its own Chinese text. Pages look up `text` and put `parts` in again; a part may be a phrase itself.
"""

from __future__ import annotations


class Phrase(str):
    """`text` as it is looked up; `parts` by the names of its places."""

    __slots__ = ("parts", "text")
    text: str
    parts: dict[str, str]


def listed(*parts: str) -> Phrase:
    """Those of the parts that say something, one behind the other."""
    said = {f"p{number}": part for number, part in enumerate(parts) if part}
    return phrase("；".join(f"%({name})s" for name in said), **said)


def phrase(text: str, **parts: str) -> Phrase:
    """For example `phrase("已发出：%(name)s", name="示范县卫生健康局")`. The text is found by whoever translates."""
    made = Phrase(text % parts if parts else text)
    made.text, made.parts = text, parts
    return made
