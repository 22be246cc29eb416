"""Layout as data: what a browser or a file says of a face, read into hub.licensing.face values, and back.

Guarantees: every fault is named by element and property, all at once; what parses has finite numbers within limits, lies
on its page and names only fields there are, so that nothing that parses can crash the press. `parse_layout` gives back
what `layout_dict` wrote. Elements may overlap. Does not guarantee: that words fit their boxes (the press says), or that
a picture is stored (hub.licensing.licence_images says).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from hub.catalogue.faults import Fault, refuse
from hub.catalogue.fields import FieldDef
from hub.licensing.face import ALIGNS, ELEMENT_KINDS, OVERFLOWS, VALIGNS, Element, Layout
from hub.licensing.formats_of import BUILT_INS, FORMATS_OF, kind_of_source

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
_ID = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
_COLOR = re.compile(r"#[0-9A-Fa-f]{6}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_INVISIBLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")
_SLACK = 0.005  # mm: what rounding may put beyond the edge


@dataclass(slots=True)
class _Reader:
    """Reads the properties of one mapping, noting what is wrong with each."""

    raw: Mapping[str, Any]
    wrong: dict[str, str]

    def number(self, name: str, default: float) -> float:
        given = self.raw.get(name, default)
        least, most = NUMBERS[name]
        value = _number(given)
        if value is None or not least <= value <= most:
            self.wrong[name] = f"应为 {least:g} 到 {most:g} 的数，现为“{_said(given)}”"
            return default
        return value

    def words(self, name: str, longest: int, *, lines: bool = False) -> str:
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
        given = self.raw.get(name, default)
        if given not in WORDS[name]:
            self.wrong[name] = f"应为 {'、'.join(WORDS[name])} 之一，现为“{_said(given)}”"
            return default
        return str(given)

    def color(self, name: str, default: str) -> str:
        given = self.raw.get(name, default)
        if not isinstance(given, str) or not _COLOR.fullmatch(given):
            self.wrong[name] = f"应为 #RRGGBB 形式的颜色，现为“{_said(given)}”"
            return default
        return given.upper()

    def picture(self, name: str) -> str:
        given = self.raw.get(name, "") or ""
        if given and not (isinstance(given, str) and _SHA256.fullmatch(given)):
            self.wrong[name] = "应为已上传图片的编号。请从图片列表中选择"
            return ""
        return str(given)


def parse_layout(raw: Any, fields: Sequence[FieldDef]) -> Layout:
    """The layout that this says. Raises Faulty (part "layout"; line: which element, from 1, 0 is the page)."""
    if isinstance(raw, Layout):
        raw = layout_dict(raw)
    if not isinstance(raw, Mapping):
        refuse([Fault("layout", 0, "", "照面布局读不出来，应为一个对象。")])
    page = _Reader(raw, {})
    width, height = page.number("width", 210.0), page.number("height", 297.0)
    background, paper = page.picture("background"), page.color("paper", "#FFFFFF")
    for name in set(raw) - {"width", "height", "background", "paper", "elements"}:
        page.wrong[str(name)[:40]] = "不认识这个属性"
    faults = [
        Fault("layout", 0, key, f"照面的“{TITLES.get(key, key)}”{said}。") for key, said in page.wrong.items()
    ]
    listed = raw.get("elements", ())
    if not isinstance(listed, Sequence) or isinstance(listed, str | bytes):
        refuse([*faults, Fault("layout", 0, "elements", "照面的元素应为一张表。")])
    if len(listed) > MOST_ELEMENTS:
        said = f"照面上至多 {MOST_ELEMENTS} 个元素，现有 {len(listed)} 个。"
        refuse([*faults, Fault("layout", 0, "elements", said)])
    found: list[Element] = []
    kinds = {one.name: one.type for one in fields}
    for number, one in enumerate(listed, 1):
        if not isinstance(one, Mapping):
            faults.append(Fault("layout", number, "", f"第 {number} 个元素读不出来，请删除后重画。"))
            continue
        element, wrong = _element(one, kinds)
        if any(element.id == earlier.id for earlier in found) and "id" not in wrong:
            wrong["id"] = f"“{element.id}”与别的元素重复，请换一个"
        _on_page(element, width, height, wrong)
        name = f"第 {number} 个元素（{KIND_TITLES.get(element.kind, '')} {element.id}）"
        faults += [
            Fault("layout", number, key, f"{name}的“{TITLES.get(key, key)}”{said}。")
            for key, said in wrong.items()
        ]
        found.append(element)
    refuse(faults)
    return Layout(width, height, background, paper, tuple(found))


def layout_dict(layout: Layout) -> dict[str, Any]:
    """As it is kept: what differs from the defaults, and every element's place."""
    return {
        "width": layout.width,
        "height": layout.height,
        "background": layout.background,
        "paper": layout.paper,
        "elements": [element_dict(one) for one in layout.elements],
    }


_ALWAYS = ("id", "kind", "x", "y", "w", "h")


def element_dict(element: Element) -> dict[str, Any]:
    """One element as it is kept."""
    return {
        one.name: getattr(element, one.name)
        for one in fields(element)
        if one.name in _ALWAYS or getattr(element, one.name) != one.default
    }


def _element(raw: Mapping[str, Any], kinds: Mapping[str, str]) -> tuple[Element, dict[str, str]]:
    wrong: dict[str, str] = {}
    read = _Reader(raw, wrong)
    id_ = raw.get("id")
    if not isinstance(id_, str) or not _ID.fullmatch(id_):
        wrong["id"] = f"应以字母开头，只含字母、数字、下划线、连字符，至多 40 位，现为“{_said(id_)}”"
        id_ = "?"
    kind = read.one_of("kind", "text") if "kind" in raw else ""
    if not kind:
        wrong["kind"] = f"应为 {'、'.join(ELEMENT_KINDS)} 之一，现在没有"
    size = read.number("size", 12.0)
    element = Element(
        id=id_,
        kind=kind,
        x=read.number("x", 0.0),
        y=read.number("y", 0.0),
        w=read.number("w", 0.0),
        h=read.number("h", 0.0),
        text=read.words("text", LONGEST_TEXT, lines=True),
        source=read.words("source", 41).strip(),
        prefix=read.words("prefix", LONGEST_AFFIX),
        suffix=read.words("suffix", LONGEST_AFFIX),
        format=read.words("format", 30).strip(),
        size=size,
        smallest=read.number("smallest", 6.0),
        overflow=read.one_of("overflow", "refuse"),
        bold=_yes(raw.get("bold", False), wrong),
        color=read.color("color", "#000000"),
        align=read.one_of("align", "left"),
        valign=read.one_of("valign", "top"),
        leading=read.number("leading", 1.35),
        spacing=read.number("spacing", 0.0),
        image=read.picture("image"),
        stroke=read.number("stroke", 0.3),
        style=read.one_of("style", "single"),
    )
    for name in set(raw) - {one.name for one in fields(Element)}:
        wrong[str(name)[:40]] = "不认识这个属性"
    _of_its_kind(element, kinds, wrong)
    return element, wrong


def _of_its_kind(element: Element, kinds: Mapping[str, str], wrong: dict[str, str]) -> None:
    """What this kind of element needs beside a place."""
    if element.kind == "text" and not element.text.strip() and "text" not in wrong:
        wrong["text"] = "不能为空。不需要这段文字时请删除元素"
    if element.kind == "field" and "source" not in wrong:
        if not element.source:
            wrong["source"] = "没有选。请选择一个字段或内置项"
        elif element.source.startswith("$") and element.source not in BUILT_INS:
            wrong["source"] = f"没有内置项“{element.source}”。可用：{'、'.join(BUILT_INS)}"
        elif not element.source.startswith("$") and element.source not in kinds:
            wrong["source"] = f"没有代号为“{element.source}”的字段。请先在字段表中添加，或换一个"
        elif element.format and element.format not in FORMATS_OF.get(
            kind_of_source(element.source, kinds), {}
        ):
            known = FORMATS_OF.get(kind_of_source(element.source, kinds), {})
            wrong["format"] = f"“{element.format}”不能用于这个内容" + (
                f"。可用：{'、'.join(known)}" if known else ""
            )
    if element.kind == "image" and not element.image and "image" not in wrong:
        wrong["image"] = "没有选。请选择或上传一张图片"
    if element.overflow == "shrink" and element.smallest > element.size and "smallest" not in wrong:
        wrong["smallest"] = f"不能大于字号 {element.size:g}"


def _on_page(element: Element, width: float, height: float, wrong: dict[str, str]) -> None:
    """An element has a size, and does not leave the page."""
    if element.kind == "line":
        if element.w == 0 and element.h == 0 and not {"w", "h"} & set(wrong):
            wrong["w"] = "与高不能都是 0"
    else:
        least = SMALLEST_QR if element.kind == "qr" else SMALLEST_BOX
        for name in ("w", "h"):
            if getattr(element, name) < least and name not in wrong:
                wrong[name] = f"至少 {least:g} 毫米，现为 {getattr(element, name):g}"
    for start, length, edge, side in (("x", "w", width, "右"), ("y", "h", height, "下")):
        end = getattr(element, start) + getattr(element, length)
        if end > edge + _SLACK and not {start, length} & set(wrong):
            wrong[length] = f"超出页面{side}边 {end - edge:.2f} 毫米"


def _number(given: Any) -> float | None:
    if isinstance(given, str):
        try:
            given = float(given[:20])
        except ValueError:
            return None
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None
    if isinstance(given, int) and abs(given) > 10**6 or not math.isfinite(given):
        return None
    return round(float(given), 2) + 0.0  # no negative zero


def _yes(given: Any, wrong: dict[str, str]) -> bool:
    if not isinstance(given, bool):
        wrong["bold"] = "应为是或否"
    return given is True


def _said(given: Any) -> str:
    if isinstance(given, int) and abs(given) > 10**18:
        return "很大的数"  # more digits than Python writes out
    return "空" if given is None or given == "" else str(given)[:30]
