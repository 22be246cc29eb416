"""Layout as data: what a browser or a file says of a face, read into hub.licensing.face values, and back.

Guarantees: every fault is named by element and property, all at once; what parses has finite numbers within limits, lies
on its page and names only fields there are, so that nothing that parses can crash the press. `parse_layout` gives back
what `layout_dict` wrote. Elements may overlap. Does not guarantee: that words fit their boxes (the press says), or that
a picture is stored (hub.licensing.types.licence_images says).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from hub.catalogue.faults import Fault, refuse
from hub.catalogue.fields import FieldDef
from hub.licensing.face import ELEMENT_KINDS, Element, Layout
from hub.licensing.types.formats_of import BUILT_INS, FORMATS_OF, kind_of_source
from hub.licensing.types.layout_properties import (
    ID,
    KIND_TITLES,
    LONGEST_AFFIX,
    LONGEST_TEXT,
    MOST_ELEMENTS,
    SMALLEST_BOX,
    SMALLEST_QR,
    TITLES,
    Properties,
    quoted,
)

_SLACK = 0.005  # mm: what rounding may put beyond the edge


def parse_layout(raw: Any, fields: Sequence[FieldDef]) -> Layout:
    """The layout that this says. Raises Faulty (part "layout"; line: which element, from 1, 0 is the page)."""
    if isinstance(raw, Layout):
        raw = layout_dict(raw)
    if not isinstance(raw, Mapping):
        refuse([Fault("layout", 0, "", "照面布局读不出来，应为一个对象。")])
    page = Properties(raw, {})
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
    read = Properties(raw, wrong)
    id_ = raw.get("id")
    if not isinstance(id_, str) or not ID.fullmatch(id_):
        wrong["id"] = f"应以字母开头，只含字母、数字、下划线、连字符，至多 40 位，现为“{quoted(id_)}”"
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
        bold=read.yes("bold"),
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
