"""From the operators of a page to the objects of an OFD page: paths, pictures, texts.

Guarantees: one source for both files: what the PDF draws is what the OFD draws, in the same order, at the same place.
Understands exactly the operators that `storage.licences.page` and `drawing` write; any other is an error, not a gap.
Lengths of OFD are millimetres from the top left corner.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from xml.sax.saxutils import escape

from hub.licensing.face import Element
from storage.licences import fonts
from storage.licences.drawing import Form
from storage.licences.page import SetFace
from storage.licences.typeset import ASCENT, MM, Line

Matrix = tuple[float, float, float, float, float, float]


@dataclass(frozen=True, slots=True)
class _State:
    matrix: Matrix
    fill: str = "0 0 0"
    stroke: str = "0 0 0"
    width: float = 1.0


@dataclass(slots=True)
class PageParts:
    """The objects of one page. `images` and `fonts`: which resource each name is."""

    width: float  # mm
    height: float
    images: Mapping[str, int]
    fonts: Mapping[bool, int]  # bold -> resource
    next_id: int
    objects: list[str] = field(default_factory=list)

    def add(self, found: SetFace, content: bytes, forms: Mapping[str, Form]) -> None:
        """Everything on the page."""
        blocks = [one for one in found.face.layout.elements if one.id in found.blocks]
        base = (1 / MM, 0.0, 0.0, -1 / MM, 0.0, self.height)
        self._run(content, _State(base), forms, iter(blocks), found)

    def _run(
        self,
        content: bytes,
        state: _State,
        forms: Mapping[str, Form],
        texts: Iterator[Element],
        found: SetFace,
    ) -> None:
        kept: list[_State] = []
        stack: list[str] = []
        path: list[str] = []
        tokens = iter(content.decode("ascii").split())
        for word in tokens:
            if word == "BT":
                self._text(next(texts), found)
                while word != "ET":
                    word = next(tokens)
                stack.clear()
            elif word == "q":
                kept.append(state)
            elif word == "Q":
                state = kept.pop()
            elif word in ("S", "f"):
                self._path(" ".join(path), state, fills=word == "f")
                path.clear()
            elif word == "Do":
                self._called(stack.pop()[1:], state, forms, texts, found)
            elif word in _PATHS:
                path.append(_drawn(word, _numbers(stack), state.matrix))
            elif word in _STATES:
                state = _changed(word, _numbers(stack), state)
            else:
                stack.append(word)
        if stack:
            raise ValueError(f"operators that OFD does not know: {stack[-1]}")

    def _called(
        self,
        name: str,
        state: _State,
        forms: Mapping[str, Form],
        texts: Iterator[Element],
        found: SetFace,
    ) -> None:
        if name in forms:
            self._run(zlib.decompress(forms[name].deflated), state, forms, texts, found)
            return
        # A picture fills the unit square, its first row on top; pages place pictures upright.
        w, _, _, h, x, y = _product((1, 0, 0, -1, 0, 1), state.matrix)
        self.objects.append(
            f'<ofd:ImageObject ID="{self._id()}" Boundary="{_said(x, y, w, h)}" ResourceID="{self.images[name]}" '
            f'CTM="{_said(w, 0, 0, h, 0, 0)}"/>'
        )

    def _path(self, data: str, state: _State, *, fills: bool) -> None:
        a, b, c, d, _, _ = state.matrix
        scale = abs(a * d - b * c) ** 0.5
        how = (
            f'Fill="true" Stroke="false"><ofd:FillColor Value="{state.fill}"/>'
            if fills
            else f'LineWidth="{_said(max(0.01, state.width * scale))}"><ofd:StrokeColor Value="{state.stroke}"/>'
        )
        self.objects.append(
            f'<ofd:PathObject ID="{self._id()}" Boundary="{self._page}" {how}'
            f"<ofd:AbbreviatedData>{data}</ofd:AbbreviatedData></ofd:PathObject>"
        )

    def _text(self, element: Element, found: SetFace) -> None:
        block = found.blocks[element.id]
        for line in block.lines:
            if line.text:
                self.write(line, block.size, element)

    def write(self, line: Line, size: float, element: Element) -> None:
        """One line of a block in an element's box."""
        gaps = dict(line.gaps)
        steps = [
            (fonts.advance(one, element.bold) / 1000 + element.spacing) * size + gaps.get(at + 1, 0.0)
            for at, one in enumerate(line.text)
        ]
        x = element.x + (line.x + gaps.get(0, 0.0)) / MM
        top = element.y + (line.baseline - ASCENT * size) / MM
        box = _said(x, top, max(sum(steps), size) / MM, 1.3 * size / MM)
        deltas = " ".join(_said(one / MM) for one in steps[:-1])
        delta = f' DeltaX="{deltas}"' if deltas else ""
        self.objects.append(
            f'<ofd:TextObject ID="{self._id()}" Boundary="{box}" Font="{self.fonts[element.bold]}" '
            f'Size="{_said(size / MM)}"><ofd:FillColor Value="{_rgb(element.color)}"/>'
            f'<ofd:TextCode X="0" Y="{_said(ASCENT * size / MM)}"{delta}>{escape(line.text)}</ofd:TextCode></ofd:TextObject>'
        )

    @property
    def _page(self) -> str:
        return _said(0, 0, self.width, self.height)

    def _id(self) -> int:
        self.next_id += 1
        return self.next_id


_PATHS = {"m": "M", "l": "L", "c": "B", "h": "C", "re": ""}
_STATES = ("cm", "rg", "RG", "w")


def _numbers(stack: list[str]) -> list[float]:
    found = [float(one) for one in stack]
    stack.clear()
    return found


def _changed(word: str, values: Sequence[float], state: _State) -> _State:
    if word == "cm":
        a, b, c, d, e, f = values
        return replace(state, matrix=_product((a, b, c, d, e, f), state.matrix))
    if word == "w":
        return replace(state, width=values[0])
    colour = " ".join(str(round(255 * one)) for one in values)
    return replace(state, fill=colour) if word == "rg" else replace(state, stroke=colour)


def _drawn(word: str, values: Sequence[float], matrix: Matrix) -> str:
    if word == "re":
        x, y, w, h = values
        corners = ((x, y), (x + w, y), (x + w, y + h), (x, y + h))
        first, *others = (_said(*_moved(matrix, *one)) for one in corners)
        return " ".join([f"M {first}", *(f"L {one}" for one in others), "C"])
    points = [_said(*_moved(matrix, *values[at : at + 2])) for at in range(0, len(values), 2)]
    return " ".join([_PATHS[word], *points])


def _moved(matrix: Matrix, x: float, y: float) -> tuple[float, float]:
    a, b, c, d, e, f = matrix
    return a * x + c * y + e, b * x + d * y + f


def _product(first: Matrix, then: Matrix) -> Matrix:
    a, b, c, d, e, f = first
    k, l_, m, n, o, p = then
    return (
        *(a * k + b * m, a * l_ + b * n),
        *(c * k + d * m, c * l_ + d * n),
        *(e * k + f * m + o, e * l_ + f * n + p),
    )


def _said(*values: float) -> str:
    return " ".join(
        f"{value:.3f}".rstrip("0").rstrip(".") if value % 1 else str(int(value)) for value in values
    )


def _rgb(value: str) -> str:
    return " ".join(str(int(value[at : at + 2], 16)) for at in (1, 3, 5))
