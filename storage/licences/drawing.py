"""What of a face is drawn and not written: lines, frames, QR codes, seals, watermarks. Content stream operators.

Guarantees: pure; the same arguments give the same bytes. Text of seals and watermarks is drawn as outlines, so that it
does not mix into the text of the document.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import segno

from storage.licences import fonts
from storage.licences.pdf_file import deflated, number, numbers

_QUIET = 4  # modules of white around a QR code
_SEAL_RED = (0.83, 0.05, 0.05)


def colour(value: str) -> tuple[float, float, float]:
    """#RRGGBB, as PDF has it."""
    red, green, blue = (int(value[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


def filled(value: str) -> bytes:
    """The colour to fill and write with."""
    return numbers(*colour(value)) + b" rg\n"


def stroked(value: str, width: float) -> bytes:
    """The colour and width to draw with."""
    return numbers(*colour(value)) + b" RG " + number(width) + b" w\n"


def rectangle(x: float, y: float, w: float, h: float) -> bytes:
    """A rectangle's path."""
    return numbers(x, y, w, h) + b" re\n"


@lru_cache(maxsize=500)
def qr_code(said: str, side: float) -> bytes:
    """A QR code in a square of this side, its white rim included; the origin is the lower left corner."""
    code = segno.make(said, error="m", micro=False)
    rows = [bytes(row) for row in code.matrix]
    module = side / (len(rows) + 2 * _QUIET)
    out = [b"1 1 1 rg\n", rectangle(0, 0, side, side), b"f\n0 0 0 rg\n"]
    for down, row in enumerate(rows):
        y = side - (down + 1 + _QUIET) * module
        start: int | None = None
        for across in range(len(row) + 1):
            dark = across < len(row) and row[across]
            if dark and start is None:
                start = across
            elif not dark and start is not None:
                out.append(rectangle((start + _QUIET) * module, y, (across - start) * module, module))
                start = None
    return b"".join([*out, b"f\n"])


@dataclass(frozen=True, slots=True)
class Form:
    """Operators with a size, deflated once for all documents that use them; the lower left corner is the origin."""

    width: float
    height: float
    deflated: bytes

    @classmethod
    def of(cls, width: float, height: float, operators: bytes) -> Form:
        """From plain operators."""
        return cls(width, height, deflated(operators))


@lru_cache(maxsize=100)
def ornate_frame(w: float, h: float, color: str, stroke: float) -> Form:
    """A border of braided curves."""
    half = stroke / 2
    edge = stroked(color, stroke) + rectangle(half, half, w - stroke, h - stroke) + b"S\n"
    braided = min(w, h) > 8 * (stroke + 9)  # else there is no room for it
    return Form.of(w, h, edge + (_guilloche(w, h, color, stroke) if braided else b""))


@lru_cache(maxsize=200)
def seal(issuer: str, side: float) -> Form:
    """A round red seal: star, rim, and the issuer's name along the upper arc."""
    return Form.of(side, side, _seal(issuer, side))


def frame(style: str, w: float, h: float, color: str, stroke: float) -> bytes:
    """A border within a box whose lower left corner is the origin."""
    half = stroke / 2
    out = stroked(color, stroke) + rectangle(half, half, w - stroke, h - stroke) + b"S\n"
    inner = 3 * stroke + 1.5
    if style == "double" and min(w, h) > 2 * inner:
        thin = stroke / 2
        return out + stroked(color, thin) + rectangle(inner, inner, w - 2 * inner, h - 2 * inner) + b"S\n"
    return out


def _guilloche(w: float, h: float, color: str, stroke: float) -> bytes:
    """Braided curves along the sides and a rosette in each corner, as on banknotes."""
    deep = max(9.0, min(w, h) * 0.028)
    middle = 2 * stroke + deep / 2 + 1
    inner = 2 * middle - stroke
    out = [stroked(color, stroke / 2), rectangle(inner, inner, w - 2 * inner, h - 2 * inner), b"S\n"]
    out.append(stroked(color, max(0.25, stroke * 0.3)))
    across, down = w - 2 * middle, h - 2 * middle
    corners = ((middle, middle), (w - middle, middle), (w - middle, h - middle), (middle, h - middle))
    reach = deep / 2 + 1.5
    for side, (x, y) in enumerate(corners):
        turn = side * math.pi / 2
        length = (down if side % 2 else across) - 2 * reach
        out.append(b"q %b cm\n" % _turned(x, y, turn))
        out.append(_braid(reach, length, deep / 2))
        out.append(_rosette(deep * 0.62) + b"Q\n")
    return b"".join(out)


def _turned(x: float, y: float, turn: float) -> bytes:
    cos, sin = round(math.cos(turn)), round(math.sin(turn))
    return b"%d %d %d %d %b" % (cos, sin, -sin, cos, numbers(x, y))


def _braid(start: float, length: float, swing: float) -> bytes:
    """Four strands along the x axis: one period again and again, which deflates to next to nothing."""
    waves = max(1, round(length / 15))
    period = length / waves
    once = b"".join(_wave(period, swing, strand * math.pi / 2) for strand in range(4)) + b"S\n"
    return b"".join(
        b"q 1 0 0 1 %b 0 cm\n%bQ\n" % (number(start + wave * period), once) for wave in range(waves)
    )


def _wave(period: float, swing: float, phase: float) -> bytes:
    """One period of a sine, as cubic curves."""
    stride, turn = period / 6, math.pi / 3
    lean = swing * turn / 3
    out = [numbers(0, swing * math.sin(phase)) + b" m\n"]
    for step in range(6):
        x, one, two = step * stride, phase + step * turn, phase + (step + 1) * turn
        out.append(
            numbers(
                *(x + stride / 3, swing * math.sin(one) + lean * math.cos(one)),
                *(x + 2 * stride / 3, swing * math.sin(two) - lean * math.cos(two)),
                *(x + stride, swing * math.sin(two)),
            )
            + b" c\n"
        )
    return b"".join(out)


def _rosette(radius: float) -> bytes:
    """Two flowers of eight petals, one within the other."""
    out = []
    for size, turn in ((radius, 0.0), (radius * 0.72, math.pi / 8)):
        points = []
        for step in range(96):
            angle = 2 * math.pi * step / 96
            far = size * (0.68 + 0.32 * math.cos(8 * angle + 8 * turn))
            points.append((far * math.cos(angle), far * math.sin(angle)))
        out.append(
            numbers(*points[0]) + b" m\n" + b"".join(numbers(*p) + b" l\n" for p in points[1:]) + b"h S\n"
        )
    return b"".join(out)


def placed(character: str, size: float, x: float, y: float, turn: float = 0.0, bold: bool = False) -> bytes:
    """A character's outline with the middle of its foot at a point, turned (radians)."""
    scale = size / 1000
    cos, sin = math.cos(turn) * scale, math.sin(turn) * scale
    half = fonts.advance(character, bold) / 2
    matrix = b"%.6f %.6f %.6f %.6f %.3f %.3f cm\n" % (
        *(cos, sin, -sin, cos),
        *(x - half * cos, y - half * sin),
    )
    return b"q " + matrix + fonts.outline(character, bold) + b"\nf Q\n"


def _seal(issuer: str, side: float) -> bytes:
    radius = side / 2
    rim = side * 0.028
    said = [one for one in issuer if not one.isspace() and fonts.glyph(one) is not None]
    out = [b"q 1 0 0 1 %b cm\n" % numbers(radius, radius)]
    out.append(numbers(*_SEAL_RED) + b" rg " + numbers(*_SEAL_RED) + b" RG " + number(rim) + b" w\n")
    out.append(_circle(radius - rim / 2) + b"S\n" + _star(radius * 0.3) + b"f\n")
    size = min(radius * 0.3, 3.1 * radius / max(len(said), 1))
    foot = radius - rim * 1.8 - size * 0.95
    step = min(size * 1.25 / foot, math.radians(250) / max(len(said) - 1, 1))
    for number_, one in enumerate(said):
        angle = math.pi / 2 + step * ((len(said) - 1) / 2 - number_)
        x, y = foot * math.cos(angle), foot * math.sin(angle)
        out.append(placed(one, size, x, y, angle - math.pi / 2, bold=True))
    return b"".join([*out, b"Q\n"])


def _circle(radius: float) -> bytes:
    k = radius * 0.5522848
    r = radius
    return (
        numbers(r, 0)
        + b" m\n"
        + numbers(r, k, k, r, 0, r)
        + b" c\n"
        + numbers(-k, r, -r, k, -r, 0)
        + b" c\n"
        + numbers(-r, -k, -k, -r, 0, -r)
        + b" c\n"
        + numbers(k, -r, r, -k, r, 0)
        + b" c h\n"
    )


def _star(radius: float) -> bytes:
    inner = radius * 0.381966
    points = []
    for i in range(10):
        angle = math.pi / 2 + i * math.pi / 5
        far = inner if i % 2 else radius
        points.append((far * math.cos(angle), far * math.sin(angle)))
    path = numbers(*points[0]) + b" m\n"
    return path + b"".join(numbers(*point) + b" l\n" for point in points[1:]) + b"h\n"


def watermark(said: str, width: float, height: float) -> tuple[bytes, bytes]:
    """The text as a stamp, and operators that put the stamp /M across the page; the caller makes it translucent."""
    said = "".join(one for one in said if fonts.glyph(one) is not None)
    if not said:
        return b"", b""
    size = max(11.0, min(width, height) / (12 if len(said) <= 6 else 38))
    lengths = [fonts.advance(one) * size / 1000 for one in said]
    across, down = sum(lengths) + 3 * size, 5.5 * size
    one_line, x = [], 0.0
    for character, length in zip(said, lengths, strict=True):
        one_line.append(placed(character, size, x + length / 2, 0))
        x += length
    stamp = b"".join(one_line)
    diagonal = math.hypot(width, height)
    cos, sin = math.cos(math.radians(28)), math.sin(math.radians(28))
    out = [b"q %.5f %.5f %.5f %.5f %.3f %.3f cm\n" % (cos, sin, -sin, cos, width / 2, height / 2)]
    rows = int(diagonal / down) + 1
    for row in range(-rows // 2, rows // 2 + 1):
        start = -diagonal / 2 - (across / 2 if row % 2 else 0)
        for column in range(int(diagonal / across) + 2):
            out.append(b"q 1 0 0 1 %b cm /M Do Q\n" % numbers(start + column * across, row * down))
    return stamp, b"".join([*out, b"Q\n"])
