"""Formats 格式: the file endings that a type or a requirement may ask for, and sizes in words."""

from __future__ import annotations

from collections.abc import Iterable

# fmt: off
FORMATS = (
    "pdf", "ofd", "jpg", "png", "tif", "bmp", "gif", "webp", "docx", "xlsx", "pptx", "doc", "xls", "ppt", "wps", "et",
)
# fmt: on
_SAME = {"jpeg": "jpg", "jpe": "jpg", "tiff": "tif"}
MIB = 1024 * 1024
MOST_MIB = 1024 * 1024  # a TiB: beyond every installation's own limit


def known_formats(raw: Iterable[object]) -> tuple[list[str], list[str]]:
    """Endings in the order of FORMATS, each once, and those that are not known."""
    words = [str(one).strip().lower().lstrip(".") for one in raw]
    words = [_SAME.get(word, word) for word in words if word]
    return [one for one in FORMATS if one in words], [word for word in words if word not in FORMATS]
