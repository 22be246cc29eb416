"""From a face to the operators of its page: every element set, drawn or found faulty.

Guarantees: `set_face` either sets every text of the face or says, element by element, why it cannot; nothing is left out
in silence. Knows nothing of files and signatures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from hub.licensing.face import Element, Face, FaceFault
from storage.licences import characters, drawing, fonts
from storage.licences.drawing import Form
from storage.licences.fonts import FontSet
from storage.licences.pdf_file import number, numbers
from storage.licences.typeset import MM, Block, Overflow, set_text

Placed = tuple[str, float, float]  # resource name, width, height
_LONGEST_CODE = 300  # bytes
#: What is smaller is not drawn but refused: kind -> (中文, millimetres).
_LEAST = {"qr": ("二维码", 12), "seal": ("印章", 8), "image": ("图片", 1)}
_BUILT_IN = {
    "$name": "证照名称",
    "$number": "证照编号",
    "$identifier": "证照标识",
    "$holder": "持证主体",
    "$holder_code": "持证主体代码",
    "$holder_code_masked": "持证主体代码",
    "$legal": "法定代表人",
    "$issuer": "颁发机构",
    "$issuer_code": "颁发机构代码",
    "$issued_on": "颁发日期",
    "$valid_from": "有效期起始",
    "$valid_to": "有效期截止",
    "$validity": "有效期",
    "$item": "事项",
    "$document_no": "文书号",
    "$version": "版本",
}


@dataclass(slots=True)
class SetFace:
    """A face whose texts are set, and what was found wrong."""

    face: Face
    blocks: dict[str, Block] = field(default_factory=dict)
    faults: list[FaceFault] = field(default_factory=list)


def set_face(face: Face) -> SetFace:
    """Set every text."""
    found = SetFace(face)
    for element in face.layout.elements:
        if element.kind not in ("text", "field"):
            continue
        text = characters.clean(face.texts.get(element.id, ""))
        if not text.strip():
            continue
        sentence = _unprintable(element, text)
        if sentence is None:
            bold = element.bold
            block = set_text(text, element, lambda one, bold=bold: fonts.advance(one, bold) / 1000)  # type: ignore[misc]
            if isinstance(block, Block):
                found.blocks[element.id] = block
                continue
            sentence = _overflow(element, text, block)
        found.faults.append(FaceFault(element.id, sentence))
    found.faults += _other_faults(face)
    return found


def _overflow(element: Element, text: str, overflow: Overflow) -> str:
    return overflow.sentence(called(element, text), element.overflow == "shrink")


def _unprintable(element: Element, text: str) -> str | None:
    name = called(element, text)
    if len(text) > characters.LONGEST:
        return f"“{name}”有 {len(text)} 个字，超过 {characters.LONGEST} 个字的上限。请缩短内容。"
    if odd := characters.refused(text):
        character, why = odd
        return f"“{name}”里有不能印的{characters.named(character)}：{why}。请删去或改用普通文字。"
    if lacking := fonts.missing(text):
        listed = "、".join(characters.named(one) for one in lacking[:5])
        more = f"等 {len(lacking)} 个字" if len(lacking) > 5 else ""
        return f"“{name}”里的{listed}{more}没有字体可印，不能用空白方框代替。请核对；确是这个字的，请联系数据管理员。"
    return None


def _other_faults(face: Face) -> list[FaceFault]:
    """Of what is drawn: pictures that are not there, and what would be too small to be seen or scanned."""
    faults = [
        FaceFault(element.id, sentence)
        for element in face.layout.elements
        for sentence in _faults_of_drawing(element, face)
    ]
    background = face.layout.background
    if background and background not in face.images:
        faults.append(FaceFault("", "底图没有找到，请重新上传。"))
    return faults


def _faults_of_drawing(element: Element, face: Face) -> Iterator[str]:
    side = min(element.w, element.h)
    if element.kind in ("image", "seal") and element.image and element.image not in face.images:
        yield "这个位置的图片没有找到，请重新选择图片。"
    least = _LEAST.get(element.kind)
    if least and side < least[1] and (element.kind != "qr" or face.qr):
        yield f"{least[0]}的方框太小，至少要 {least[1]} 毫米见方。"
    if element.kind == "seal" and not element.image and (lacking := fonts.missing(face.issuer)):
        listed = "、".join(characters.named(one) for one in lacking[:5])
        yield f"印章上颁发机构名称里的{listed}没有字体可印。"
    if element.kind == "seal" and not element.image and not face.issuer.strip():
        yield "没有颁发机构的名称，画不出印章。请填写颁发机构，或为印章选择图片。"
    if element.kind == "qr" and len(face.qr.encode()) > _LONGEST_CODE:
        yield "二维码的内容太长，印出来难以扫描。请缩短公开网址。"


def called(element: Element, text: str) -> str:
    """What people call this element."""
    if element.kind == "field":
        label = element.prefix.strip().rstrip("：:").strip()
        return label or _BUILT_IN.get(element.source) or element.source or element.id
    first = text.strip().split("\n", 1)[0]
    return first if len(first) <= 10 else f"{first[:9]}…"


def used(found: SetFace) -> FontSet:
    """The fonts of this face, cut to what its lines say."""
    wanted = FontSet()
    for element in found.face.layout.elements:
        if block := found.blocks.get(element.id):
            wanted.add("".join(line.text for line in block.lines), element.bold)
    wanted.cut()
    return wanted


@dataclass(slots=True)
class Drawn:
    """A page's operators, and the forms that they call by name."""

    content: bytes = b""
    forms: dict[str, Form] = field(default_factory=dict)

    def call(self, form: Form) -> bytes:
        """Operators that draw a form."""
        name = next((name for name, one in self.forms.items() if one is form), f"D{len(self.forms)}")
        self.forms[name] = form
        return b"/%b Do\n" % name.encode()


def drawn(found: SetFace, cut: FontSet, pictures: Mapping[str, Placed]) -> Drawn:
    """The page. `pictures`: image in hex -> (resource name, width, height)."""
    layout, page = found.face.layout, Drawn()
    width, height = layout.width * MM, layout.height * MM
    out: list[bytes] = []
    if layout.paper.upper() != "#FFFFFF":
        out += [drawing.filled(layout.paper), drawing.rectangle(0, 0, width, height), b"f\n"]
    if layout.background in pictures:
        name = pictures[layout.background][0].encode()
        out.append(b"q %b 0 0 %b 0 0 cm /%b Do Q\n" % (number(width), number(height), name))
    for element in layout.elements:
        x, top = element.x * MM, height - element.y * MM
        if block := found.blocks.get(element.id):
            out.append(written_block(block, element, cut, x, top))
        elif shape := _shape(element, found.face, pictures, page):
            out.append(b"q 1 0 0 1 %b cm\n%bQ\n" % (numbers(x, top - element.h * MM), shape))
    page.content = b"".join(out)
    return page


def _shape(element: Element, face: Face, pictures: Mapping[str, Placed], page: Drawn) -> bytes:
    w, h, stroke = element.w * MM, element.h * MM, element.stroke * MM
    side = min(w, h)
    centred = b"1 0 0 1 %b cm\n" % numbers((w - side) / 2, (h - side) / 2)
    match element.kind:
        case "line":
            return drawing.stroked(element.color, stroke) + numbers(0, h) + b" m " + numbers(w, 0) + b" l S\n"
        case "rect":
            return drawing.stroked(element.color, stroke) + drawing.rectangle(0, 0, w, h) + b"S\n"
        case "border" if element.style == "ornate":
            return page.call(drawing.ornate_frame(round(w, 2), round(h, 2), element.color, round(stroke, 2)))
        case "border":
            return drawing.frame(element.style, w, h, element.color, stroke)
        case "qr" if face.qr:
            return centred + drawing.qr_code(face.qr, round(side, 2))
        case "image" | "seal" if element.image in pictures:
            return _fitted(pictures[element.image], w, h)
        case "seal" if not element.image and face.issuer:
            return centred + page.call(drawing.seal(face.issuer, round(side, 2)))
    return b""


def _fitted(picture: Placed, w: float, h: float) -> bytes:
    """A picture as large as the box allows, in its middle, its proportions kept."""
    name, across, down = picture
    scale = min(w / across, h / down)
    wide, high = across * scale, down * scale
    return b"%b 0 0 %b %b cm /%b Do\n" % (
        number(wide),
        number(high),
        numbers((w - wide) / 2, (h - high) / 2),
        name.encode(),
    )


def written_block(block: Block, element: Element, cut: FontSet, x: float, top: float) -> bytes:
    """A text that is set, its box beginning at x and top (points from the bottom left corner of the page)."""
    out = [b"q\nBT\n", drawing.filled(element.color)]
    if element.spacing:
        out.append(number(element.spacing * block.size) + b" Tc\n")
    current = ""
    for line in block.lines:
        out.append(b"1 0 0 1 %b Tm\n" % numbers(x + line.x, top - line.baseline))
        gaps = dict(line.gaps)
        shown: list[bytes] = []
        codes = b""
        for index, character in enumerate(line.text):
            name, code = cut.where(character, element.bold)
            gap = gaps.get(index)
            if (gap or name != current) and codes:
                shown.append(b"<%b>" % codes)
                codes = b""
            if name != current:
                out += [b"[%b] TJ\n" % b"".join(shown)] if shown else []
                out.append(b"/%b %b Tf\n" % (name.encode(), number(block.size)))
                shown, current = [], name
            if gap:
                shown.append(number(-1000 * gap / block.size))
            codes += b"%04X" % code
        if codes:
            shown.append(b"<%b>" % codes)
        if shown:
            out.append(b"[%b] TJ\n" % b"".join(shown))
    return b"".join([*out, b"ET\nQ\n"])
