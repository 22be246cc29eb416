"""The demo's licences: three published types with a face each - a landscape certificate, a portrait permit, a plain one.

Guarantees: made by the same verbs that the pages use, on types that the demo's catalogue has; safe to call once only.
The looks are this project's own; no emblem of any state body is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection

from hub.licensing.types.publish_licence_type import publish_licence_type
from hub.licensing.types.save_licence_type import save_licence_type
from shenguan.sample_words import OFFICES, PERMITS

_GOLD, _RED, _INK, _GREY = "#A9803A", "#B01E24", "#1F2A30", "#5A6B75"
_FOOD, _HEALTH, _ROAD = 1, 3, 7  # permits, by their place in PERMITS

_ADDRESS = {"name": "address", "label": "住所（经营场所）", "type": "text", "required": True}
_LEGAL = {"name": "legal_name", "label": "法定代表人（负责人）", "type": "text", "required": True}
_FIELDS: dict[int, list[dict[str, Any]]] = {
    _FOOD: [
        _LEGAL,
        _ADDRESS,
        {"name": "business_form", "label": "主体业态", "type": "text", "required": False, "max_length": 60},
        {"name": "scope", "label": "经营项目", "type": "long_text", "required": True, "max_length": 300},
        {"name": "floor_area", "label": "经营面积（平方米）", "type": "number", "required": False},
    ],
    _HEALTH: [
        _LEGAL,
        _ADDRESS,
        {"name": "scope", "label": "许可项目", "type": "long_text", "required": True, "max_length": 300},
    ],
    _ROAD: [
        _ADDRESS,
        {"name": "scope", "label": "经营范围", "type": "long_text", "required": True, "max_length": 300},
        {"name": "vehicles", "label": "核定车辆数", "type": "number", "required": False},
    ],
}
_RULES: dict[int, dict[str, Any]] = {
    _FOOD: {"number_rule": "JY3{area}{yyyy}{seq:6}", "validity_kind": "months", "validity_length": 60},
    _HEALTH: {
        "number_rule": "示卫公证字〔{yyyy}〕{seq:5}号",
        "validity_kind": "months",
        "validity_length": 48,
    },
    _ROAD: {
        "number_rule": "JT{area}{yy}{seq:6}",
        "validity_kind": "months",
        "validity_length": 48,
        "holder_kinds": ["legal", "individual"],
        "issuer_mode": "fixed",
        "issuer_code": OFFICES[5].code,
        "issuer_name": OFFICES[5].name,
    },
}
_UNITS = {"floor_area": " 平方米", "vehicles": " 辆"}
_ORIGIN = {_FOOD: OFFICES[0], _HEALTH: OFFICES[2], _ROAD: OFFICES[5]}


def publish_licence_types(tx: Connection, *, actor: str) -> None:
    """Rules, fields and a face for three of the demo's types, published."""
    for number, face in ((_FOOD, _landscape()), (_HEALTH, _portrait()), (_ROAD, _plain())):
        permit, definer = PERMITS[number - 1], _ORIGIN[number]
        rules = {
            "name": permit.licence,
            "definer_code": definer.code,
            "definer_name": definer.name,
            **_RULES[number],
        }
        said = {"rules": rules, "fields": _FIELDS[number], "layout": face}
        draft = save_licence_type(tx, f"{permit.office.code}{number:03d}", said, actor=actor)
        publish_licence_type(tx, draft, actor=actor)


def _box(id_: str, kind: str, place: tuple[float, float, float, float], **more: Any) -> dict[str, Any]:
    x, y, w, h = place
    return {"id": id_, "kind": kind, "x": x, "y": y, "w": w, "h": h, **more}


def _lines(
    rows: tuple[tuple[str, str, float], ...], x: float, y: float, w: float, **look: Any
) -> Iterator[dict[str, Any]]:
    """Label and content side by side, line beneath line; a row is (source, label, height)."""
    beside, size = look.get("beside", 40.0), look.get("size", 12.5)
    for source, label, height in rows:
        name = source.lstrip("$")
        set_ = {"size": size, "valign": "top", "color": _INK, "leading": 1.4}
        label_box = (x, y, beside, 7.0)
        fit = {"align": "justify", "bold": True, "overflow": "shrink", "smallest": 7}
        yield _box(f"label_{name}", "text", label_box, text=label, **fit, **set_)
        place = (x + beside + 4, y, round(w - beside - 4, 2), height)
        more = {"format": "yyyy年M月d日"} if source in ("$validity", "$valid_to", "$issued_on") else {}
        more |= {"suffix": _UNITS[source]} if source in _UNITS else {}
        yield _box(f"v_{name}", "field", place, source=source, overflow="shrink", smallest=7, **set_, **more)
        y += height + 2.5


def _title(place: tuple[float, float, float, float], size: float, color: str = _RED) -> dict[str, Any]:
    look = {"align": "center", "valign": "middle", "bold": True, "spacing": 0.2, "color": color}
    return _box("title", "field", place, source="$name", size=size, overflow="shrink", smallest=14, **look)


def _landscape() -> dict[str, Any]:
    """食品经营许可证: A4 across, two columns."""
    left = (
        ("$holder", "经营者名称", 12.0),
        ("$holder_code_masked", "社会信用代码", 7.0),
        ("legal_name", "法定代表人", 7.0),
        ("address", "住所", 14.0),
        ("business_form", "主体业态", 7.0),
        ("scope", "经营项目", 30.0),
    )
    right = (
        ("$number", "许可证编号", 7.0),
        ("floor_area", "经营面积", 7.0),
        ("$validity", "有效期限", 7.0),
        ("$issuer", "发证机关", 7.0),
        ("$issued_on", "签发日期", 7.0),
    )
    small = {"size": 8.5, "color": _GREY}
    elements = [
        _box("frame", "border", (8, 8, 281, 194), style="ornate", stroke=0.7, color=_GOLD),
        _title((40, 22, 217, 20), 36),
        _box("rule", "line", (98, 45, 101, 0), stroke=0.5, color=_GOLD),
        *_lines(left, 24, 56, 132, beside=30.0),
        *_lines(right, 166, 56, 106, beside=28.0),
        _box("qr", "qr", (168, 118, 34, 34)),
        _box("scan", "text", (164, 153, 42, 5), text="扫码核验真伪和当前状态", align="center", **small),
        _box("seal", "seal", (222, 112, 44, 44), color=_RED),
        _box("foot", "line", (24, 178, 249, 0), stroke=0.3, color=_GOLD),
        _box(
            "note",
            "text",
            (24, 181, 180, 10),
            text="监督管理机构投诉举报电话：12315\n应当在经营场所的显著位置悬挂或摆放，或以电子形式公示。",
            leading=1.4,
            **small,
        ),
        _box("mark", "field", (150, 186, 123, 5), source="$identifier", align="right", size=7, color=_GREY),
    ]
    return {"width": 297, "height": 210, "paper": "#FFFDF6", "elements": elements}


def _portrait() -> dict[str, Any]:
    """公共场所卫生许可证: A4 upright."""
    rows = (
        ("$holder", "单位名称", 14.0),
        ("legal_name", "法定代表人（负责人）", 8.0),
        ("address", "单位地址", 16.0),
        ("scope", "许可项目", 34.0),
        ("$validity", "有效期限", 8.0),
        ("$issuer", "发证机关", 8.0),
        ("$issued_on", "发证日期", 8.0),
    )
    small = {"size": 8.5, "color": _GREY}
    elements = [
        _box("frame", "border", (9, 9, 192, 279), style="double", stroke=0.8, color="#1D6B4F"),
        _title((25, 34, 160, 22), 34, "#1D6B4F"),
        _box(
            "number",
            "field",
            (25, 62, 160, 8),
            source="$number",
            align="center",
            size=12.5,
            color=_INK,
            overflow="shrink",
        ),
        _box("rule", "line", (55, 74, 100, 0), stroke=0.4, color="#1D6B4F"),
        *_lines(rows, 28, 88, 154, beside=52.0, size=14.0),
        _box("qr", "qr", (30, 226, 34, 34)),
        _box("scan", "text", (26, 261, 42, 5), text="扫码核验真伪和当前状态", align="center", **small),
        _box("seal", "seal", (128, 220, 46, 46), color=_RED),
        _box("mark", "field", (25, 276, 160, 5), source="$identifier", align="center", size=7, color=_GREY),
    ]
    return {"width": 210, "height": 297, "paper": "#FBFEFC", "elements": elements}


def _plain() -> dict[str, Any]:
    """道路运输经营许可证: A4 across, a band at the head."""
    rows = (
        ("$holder", "业户名称", 12.0),
        ("$holder_code_masked", "社会信用代码", 7.5),
        ("address", "地址", 14.0),
        ("scope", "经营范围", 26.0),
        ("vehicles", "核定车辆数", 7.5),
        ("$validity", "有效期限", 7.5),
        ("$issuer", "核发机关", 7.5),
        ("$issued_on", "核发日期", 7.5),
    )
    small = {"size": 8.5, "color": _GREY}
    blue = "#0B4F7A"
    elements = [
        _box("frame", "border", (8, 8, 281, 194), style="single", stroke=0.9, color=blue),
        _box("inner", "rect", (11, 11, 275, 188), stroke=0.25, color=blue),
        _title((40, 20, 217, 18), 32, blue),
        _box("number", "field", (40, 40, 217, 7), source="$number", align="center", size=12.5, color=_INK),
        *_lines(rows, 26, 60, 170, beside=34.0, size=13.0),
        _box("qr", "qr", (222, 58, 38, 38)),
        _box("scan", "text", (216, 97, 50, 5), text="扫码核验真伪和当前状态", align="center", **small),
        _box("seal", "seal", (218, 128, 46, 46), color=_RED),
        _box("mark", "field", (26, 188, 245, 5), source="$identifier", align="center", size=7, color=_GREY),
    ]
    return {"width": 297, "height": 210, "paper": "#FFFFFF", "elements": elements}
