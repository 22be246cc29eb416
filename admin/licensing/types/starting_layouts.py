"""Three layouts to begin from, so that nobody starts with an empty page: a portrait permit, a landscape certificate, a card.

Guarantees: pure; every field of the type gets a place (as far as there is room), long texts more than one line; what comes
out parses as a layout. Boxes shrink their type rather than refuse, for a beginner's sample to be printable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hub.catalogue.fields import FieldDef
from hub.licensing.face import Element, Layout

PT = 25.4 / 72
GOLD, RED, INK = "#A9803A", "#C8102E", "#1F2A30"
BUILT_IN = (("$number", "证照编号"), ("$holder", "持证主体"), ("$legal", "法定代表人（负责人）"))
FOOT = (("$validity", "有效期限"), ("$issuer", "颁发机构"), ("$issued_on", "颁发日期"))


@dataclass(slots=True)
class _Sheet:
    """Elements as they are put down, each with an id of its own."""

    elements: list[Element] = field(default_factory=list)

    def put(self, kind: str, place: tuple[float, float, float, float], **more: object) -> None:
        x, y, w, h = place
        self.elements.append(
            Element(f"e{len(self.elements) + 1}", kind, x, y, w, h, **more)  # type: ignore[arg-type]
        )

    def line(self, source: str, label: str, place: tuple[float, float, float, float], **more: object) -> None:
        """A label and what belongs to it, side by side."""
        x, y, w, h = place
        size = float(str(more.pop("size", 13.0)))
        beside = float(str(more.pop("beside", 44.0)))
        look = {"size": size, "valign": "middle" if h <= 10 else "top", "color": INK}
        fits = beside / (PT * max(len(label), 1))  # a long label is set smaller, not in two lines
        said = {**look, "size": round(max(7.0, min(size, fits - 0.1)), 1)}
        self.put("text", (x, y, beside, h), text=label, bold=True, **said)
        room = (x + beside + 4, y, w - beside - 4, h)
        shown = {"source": source, "overflow": "shrink", "smallest": min(7.0, size)}
        self.put("field", room, **shown, **look, **more)


def starting_layout(kind: str, fields: Sequence[FieldDef]) -> Layout:
    """The layout of this name; portrait for a name that nobody knows."""
    return {"landscape": _landscape, "card": _card}.get(kind, _portrait)(fields)


def _rows(fields: Sequence[FieldDef], most: int) -> list[tuple[str, str, bool]]:
    """What stands on the face line by line: source, label, whether it needs room."""
    head = [(source, label, False) for source, label in BUILT_IN]
    own = [(one.name, one.label, one.type == "long_text") for one in fields]
    foot = [(source, label, False) for source, label in FOOT]
    return [*head, *own[: most - len(head) - len(foot)], *foot]


def _portrait(fields: Sequence[FieldDef]) -> Layout:
    sheet = _Sheet()
    sheet.put("border", (8, 8, 194, 281), style="ornate", stroke=0.6, color=GOLD)
    heading = {"align": "center", "valign": "middle", "bold": True, "color": RED, "spacing": 0.15}
    shrink = {"overflow": "shrink", "smallest": 14.0}
    sheet.put("field", (25, 30, 160, 22), source="$name", size=34.0, **shrink, **heading)
    sheet.put("line", (70, 56, 70, 0), stroke=0.5, color=GOLD)
    rows = _rows(fields, 16)
    top, bottom = 72.0, 232.0
    need = sum(2.2 if long else 1.0 for _source, _label, long in rows)
    step = min(15.0, (bottom - top) / need)
    y = top
    for source, label, long in rows:
        height = round(step * (2.2 if long else 1.0), 2)
        sheet.line(source, label, (28, round(y, 2), 154, round(height * 0.86, 2)), beside=46.0)
        y += height
    sheet.put("qr", (28, 240, 30, 30))
    note = {"size": 8.0, "color": "#5A6B75", "align": "center"}
    sheet.put("text", (23, 271, 40, 5), text="扫码核验真伪", **note)
    sheet.put("seal", (132, 232, 42, 42), color=RED)
    return Layout(210, 297, elements=tuple(sheet.elements))


def _landscape(fields: Sequence[FieldDef]) -> Layout:
    sheet = _Sheet()
    sheet.put("border", (8, 8, 281, 194), style="ornate", stroke=0.6, color=GOLD)
    heading = {"align": "center", "valign": "middle", "bold": True, "color": RED, "spacing": 0.2}
    shrink = {"overflow": "shrink", "smallest": 14.0}
    sheet.put("field", (40, 20, 217, 20), source="$name", size=32.0, **shrink, **heading)
    small = {"size": 10.5, "align": "right", "valign": "middle", "color": INK, "overflow": "shrink"}
    sheet.put("field", (165, 42, 108, 7), source="$number", prefix="编号：", **small)
    sheet.put("line", (24, 52, 249, 0), stroke=0.4, color=GOLD)
    rows = [row for row in _rows(fields, 19) if row[0] != "$number"]
    half = (len(rows) + 1) // 2
    for column, part in enumerate((rows[:half], rows[half:])):
        need = sum(2.0 if long else 1.0 for _source, _label, long in part) or 1.0
        step, y = min(14.0, 88.0 / need), 60.0
        for source, label, long in part:
            height = round(step * (2.0 if long else 1.0), 2)
            place = (24 + column * 128, round(y, 2), 121.0, round(height * 0.86, 2))
            sheet.line(source, label, place, size=12.0, beside=40.0)
            y += height
    sheet.put("qr", (24, 156, 28, 28))
    note = {"size": 8.0, "color": "#5A6B75", "valign": "bottom"}
    sheet.put("text", (56, 179, 60, 5), text="扫码核验真伪", **note)
    sheet.put("seal", (220, 146, 42, 42), color=RED)
    return Layout(297, 210, elements=tuple(sheet.elements))


def _card(fields: Sequence[FieldDef]) -> Layout:
    sheet = _Sheet()
    sheet.put("rect", (1.5, 1.5, 82.6, 51), stroke=0.3, color="#0B6475")
    heading = {"align": "center", "valign": "middle", "bold": True, "color": "#0B6475"}
    shrink = {"overflow": "shrink", "smallest": 6.0}
    sheet.put("field", (5, 3, 75.6, 7), source="$name", size=12.0, **shrink, **heading)
    sheet.put("line", (5, 10.6, 75.6, 0), stroke=0.25, color="#0B6475")
    own = [(one.name, one.label) for one in fields if one.type != "long_text"][:2]
    rows = [
        ("$holder", "持证主体"),
        ("$number", "证照编号"),
        *own,
        ("$validity", "有效期限"),
        ("$issuer", "颁发机构"),
    ]
    step = 38.0 / len(rows)
    for index, (source, label) in enumerate(rows):
        place = (5.0, round(12.5 + index * step, 2), 52.0, round(min(step, 7.0) * 0.95, 2))
        look = {"size": 7.0, "valign": "middle", "color": INK}
        sheet.put("text", (place[0], place[1], 15.0, place[3]), text=label, **look)
        room = (place[0] + 16.5, place[1], 35.5, place[3])
        sheet.put("field", room, source=source, overflow="shrink", smallest=5.0, **look)
    sheet.put("seal", (59, 11.5, 22, 22), color=RED)
    sheet.put("qr", (62, 35, 16, 16))
    return Layout(85.6, 54, elements=tuple(sheet.elements))
