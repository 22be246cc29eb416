"""Faces of licences for the tests: every kind of element, synthetic words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hub.licensing.face import Element, Face, Layout

ISSUER_NAME = "示范县行政审批服务局"
NUMBER = "JY13701020000017"
METADATA: dict[str, Any] = {
    "certificateIdentifier": "1.2.156.3005.2.11370100MB00000194001.11370100MB00000194.DEMO20260000001.001.1",
    "certificateName": "食品经营许可证",
    "certificateNumber": NUMBER,
    "certificateHolder": ["泉城示范餐饮有限公司"],
    "certificateHolderCode": ["91370102MA3C00011F"],
    "issueDept": ISSUER_NAME,
    "issueDate": "20261122",
    "extendInfo": {"scope": "热食类 <&> “冷食类”"},
}

_TEXTS = {
    "title": "食品经营许可证",
    "number": f"许可证编号：{NUMBER}",
    "holder": "经营者名称：泉城示范餐饮有限公司",
    "code": "统一社会信用代码：91370102MA3C00011F",
    "scope": "经营范围：热食类食品制售、冷食类食品制售（含凉菜）、糕点类食品制售；预包装食品销售；“网络经营”。"
    "Fresh juice 100% & tea，现制现售饮用水。",
    "validity": "有效期：2026年11月22日至2031年11月21日",
    "issuer": ISSUER_NAME,
    "day": "2026年11月22日",
}

ELEMENTS = (
    Element("border", "border", 8, 8, 194, 281, style="ornate", color="#8A6D3B", stroke=0.5),
    Element("title", "text", 20, 28, 170, 16, size=32, bold=True, align="center", spacing=0.2),
    Element("number", "field", 20, 48, 170, 8, source="$number", prefix="许可证编号：", align="right"),
    Element("holder", "field", 30, 70, 150, 10, source="$holder", prefix="经营者名称：", size=15),
    Element("code", "field", 30, 82, 150, 10, source="$holder_code", prefix="统一社会信用代码：", size=15),
    Element(
        *("scope", "field", 30, 94, 110, 40),
        source="scope",
        prefix="经营范围：",
        size=15,
        align="justify",
        overflow="shrink",
    ),
    Element("validity", "field", 30, 140, 110, 10, source="$validity", prefix="有效期：", size=15),
    Element("qr", "qr", 150, 95, 32, 32),
    Element("line", "line", 30, 160, 150, 0),
    Element("frame", "rect", 28, 66, 154, 100, stroke=0.2, color="#999999"),
    Element("issuer", "field", 100, 215, 80, 10, source="$issuer", size=15, align="center"),
    Element("day", "field", 100, 225, 80, 10, source="$issued_on", size=15, align="center"),
    Element("seal", "seal", 120, 195, 42, 42),
)


def a_face(
    *, holder: str = "", qr: str = "https://hub.invalid/v/ABCDEFGHJKMNPQRSTVWXYZ0123456789", **more: Any
) -> Face:
    """A whole licence."""
    texts = _TEXTS | ({"holder": f"经营者名称：{holder}"} if holder else {})
    face = Face(
        Layout(paper="#FFFDF5", elements=ELEMENTS), texts, f"食品经营许可证 {NUMBER}", ISSUER_NAME, qr
    )
    return replace(face, **more)


def one_text(text: str, **more: Any) -> Face:
    """A page with one text on it."""
    element = Element(
        **{"id": "one", "kind": "text", "x": 20, "y": 20, "w": 170, "h": 250, "size": 14.0, **more}
    )
    return Face(Layout(elements=(element,)), {"one": text}, "示例", ISSUER_NAME)
