"""Properties of a layout and its elements: what each is called, its limits, and how one is read from data.

Guarantees: `Properties` gives a value within limits for every property, and notes what was wrong with what it was given.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hub.licensing.face import ALIGNS, ELEMENT_KINDS, OVERFLOWS, VALIGNS

MOST_ELEMENTS = 200
LONGEST_TEXT = 2000
LONGEST_AFFIX = 100
SMALLEST_PAGE, LARGEST_PAGE = 40.0, 1000.0
SMALLEST_BOX, SMALLEST_QR = 1.0, 12.0
BORDER_STYLES = ("single", "double", "ornate")

KIND_TITLES = {
    "text": "文字",
    "field": "字段",
    "image": "图片",
    "qr": "二维码",
    "seal": "印章",
    "line": "线",
    "rect": "矩形",
    "border": "边框",
}
TITLES = {
    "id": "编号",
    "kind": "种类",
    "x": "左边距",
    "y": "上边距",
    "w": "宽",
    "h": "高",
    "text": "文字",
    "source": "内容",
    "prefix": "前缀",
    "suffix": "后缀",
    "format": "格式",
    "size": "字号",
    "smallest": "最小字号",
    "overflow": "放不下时",
    "bold": "加粗",
    "color": "颜色",
    "align": "水平对齐",
    "valign": "垂直对齐",
    "leading": "行距",
    "spacing": "字距",
    "image": "图片",
    "stroke": "线宽",
    "style": "边框样式",
    "width": "页宽",
    "height": "页高",
    "background": "背景图",
    "paper": "纸色",
}
#: property -> (least, most); lengths in mm, type in points.
NUMBERS = {
    "x": (0.0, LARGEST_PAGE),
    "y": (0.0, LARGEST_PAGE),
    "w": (0.0, LARGEST_PAGE),
    "h": (0.0, LARGEST_PAGE),
    "size": (4.0, 200.0),
    "smallest": (4.0, 200.0),
    "leading": (0.8, 4.0),
    "spacing": (-0.2, 5.0),
    "stroke": (0.05, 20.0),
    "width": (SMALLEST_PAGE, LARGEST_PAGE),
    "height": (SMALLEST_PAGE, LARGEST_PAGE),
}
WORDS = {
    "kind": ELEMENT_KINDS,
    "align": ALIGNS,
    "valign": VALIGNS,
    "overflow": OVERFLOWS,
    "style": BORDER_STYLES,
}
ID = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
_COLOR = re.compile(r"#[0-9A-Fa-f]{6}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_INVISIBLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")


@dataclass(slots=True)
class Properties:
    """Reads the properties of one mapping, noting what is wrong with each."""

    raw: Mapping[str, Any]
    wrong: dict[str, str]

    def number(self, name: str, default: float) -> float:
        """A number within its limits."""
        given = self.raw.get(name, default)
        least, most = NUMBERS[name]
        value = _number(given)
        if value is None or not least <= value <= most:
            self.wrong[name] = f"应为 {least:g} 到 {most:g} 的数，现为“{quoted(given)}”"
            return default
        return value

    def words(self, name: str, longest: int, *, lines: bool = False) -> str:
        """Text, without what cannot be seen."""
        given = self.raw.get(name, "")
        if not isinstance(given, str):
            self.wrong[name] = "应为文字"
            return ""
        text = _INVISIBLE.sub("", given.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "))
        text = text if lines else text.replace("\n", " ")
        if len(text) > longest:
            self.wrong[name] = f"至多 {longest} 字，现有 {len(text)} 字"
            return ""
        return text

    def one_of(self, name: str, default: str) -> str:
        """A word of its vocabulary."""
        given = self.raw.get(name, default)
        if given not in WORDS[name]:
            self.wrong[name] = f"应为 {'、'.join(WORDS[name])} 之一，现为“{quoted(given)}”"
            return default
        return str(given)

    def color(self, name: str, default: str) -> str:
        """A colour, in upper case."""
        given = self.raw.get(name, default)
        if not isinstance(given, str) or not _COLOR.fullmatch(given):
            self.wrong[name] = f"应为 #RRGGBB 形式的颜色，现为“{quoted(given)}”"
            return default
        return given.upper()

    def yes(self, name: str) -> bool:
        """A plain yes or no."""
        given = self.raw.get(name, False)
        if not isinstance(given, bool):
            self.wrong[name] = "应为是或否"
        return given is True

    def picture(self, name: str) -> str:
        """The SHA-256 of a picture, in hex."""
        given = self.raw.get(name, "") or ""
        if given and not (isinstance(given, str) and _SHA256.fullmatch(given)):
            self.wrong[name] = "应为已上传图片的编号。请从图片列表中选择"
            return ""
        return str(given)


def _number(given: Any) -> float | None:
    if isinstance(given, str):
        try:
            given = float(given[:20])
        except ValueError:
            return None
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None
    if (isinstance(given, int) and abs(given) > 10**6) or not math.isfinite(given):
        return None
    return round(float(given), 2) + 0.0  # no negative zero


def quoted(given: Any) -> str:
    if isinstance(given, int) and abs(given) > 10**18:
        return "很大的数"  # more digits than Python writes out
    return "空" if given is None or given == "" else str(given)[:30]
