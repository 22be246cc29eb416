"""Reading what a form or a sheet says into plain values: one line of text, a whole number, yes or no."""

from __future__ import annotations

import re
from typing import Any

_INVISIBLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u2028\u2029\ufeff\ud800-\udfff]")


def line(value: Any) -> str:
    """One line, without what cannot be seen; "" for anything that is not a text."""
    return " ".join(_INVISIBLE.sub("", value).split()) if isinstance(value, str) else ""


def lines(value: Any) -> str:
    """A text of several lines."""
    if not isinstance(value, str):
        return ""
    return _INVISIBLE.sub("", value.replace("\r\n", "\n").replace("\r", "\n")).strip()


def whole(value: Any, least: int, most: int) -> tuple[int | None, bool]:
    """A whole number within bounds, and whether it could be read; empty is None and right."""
    if value is None or value == "":
        return None, True
    if isinstance(value, str):
        text = value.strip()
        if not (text.isascii() and text.isdigit() and len(text) <= 15):
            return None, False
        value = int(text)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        return None, False
    return value, True


def yes(value: Any) -> bool:
    """Only a plain yes."""
    return value is True
