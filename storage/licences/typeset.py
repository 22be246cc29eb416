"""Set a text in a box: line breaking for Chinese, alignment, shrinking, and an honest answer where it does not fit.

Guarantees: pure; every character of the text is on a line (spaces where a line ends excepted); no line is wider than its
box and no block higher; no line begins with a closing or ends with an opening mark unless a single word fills the line;
Latin words and numbers stay whole where they fit. Time grows with the length of the text, not with its square.
Lengths are points; the origin is the top left corner of the box.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hub.licensing.face import Element

MM = 72 / 25.4
ASCENT = 0.88  # of the size: where the baseline is in the em box
_STEP = 0.25
_SLACK = 0.01
_NO_START = frozenset("，。、；：！？）》〉」』】〕］｝”’…—～·％‰℃,.;:!?)]}%>〗〙〛ー々゛゜‐–")
_NO_END = frozenset("（《〈「『【〔［｛“‘([{<￥¥$＄£〖〘〚#№")
_INSEPARABLE = ("……", "——", "⸺⸺")


@dataclass(frozen=True, slots=True)
class Line:
    """One line: where its pen begins, and how much more room goes before some characters."""

    text: str
    x: float
    baseline: float
    gaps: tuple[tuple[int, float], ...] = ()  # (index of a character, points before it)


@dataclass(frozen=True, slots=True)
class Block:
    """A text that is set."""

    size: float
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Overflow:
    """It does not fit, also at its smallest size."""

    needed: int  # lines
    room: int

    def sentence(self, name: str, shrinks: bool) -> str:
        """In words, with what may be done."""
        other = "加大方框或减小最小字号" if shrinks else "加大方框或允许缩小字号"
        if self.room == 0:
            return f"“{name}”放不下：方框比一行字还矮或比一个字还窄。请加大方框或减小字号。"
        return f"“{name}”放不下：需要 {self.needed} 行，框内只有 {self.room} 行。请缩短内容、{other}。"


def set_text(text: str, element: Element, advance: Callable[[str], float]) -> Block | Overflow:
    """The text in the element's box. `advance`: of a character, in units of the size."""
    paragraphs = [_Paragraph.of(one, advance, element.spacing) for one in text.split("\n")]
    width, height = element.w * MM, element.h * MM

    def lines_at(size: float) -> list[tuple[_Paragraph, int, int]]:
        return [(one, a, b) for one in paragraphs for a, b in one.lines(width / size + _SLACK)]

    def fits(size: float) -> bool:
        widest = max((max(one.widths, default=0.0) for one in paragraphs), default=0.0)
        return widest * size <= width + _SLACK and len(lines_at(size)) <= room(size, height, element.leading)

    shrinks = element.overflow == "shrink" and element.smallest < element.size
    size = element.size
    if not fits(size):
        least = element.smallest if shrinks else size
        if not shrinks or not fits(least):
            widest = max((max(one.widths, default=0.0) for one in paragraphs), default=0.0)
            space = room(least, height, element.leading) if widest * least <= width + _SLACK else 0
            return Overflow(len(lines_at(least)), space)
        size = _largest(fits, least, size)
    return Block(size, tuple(_placed(lines_at(size), size, element)))


def room(size: float, height: float, leading: float) -> int:
    """How many lines of this size a box holds."""
    if size > height + 0.5:
        return 0
    return int((height + 0.5 - size) / (leading * size) + 1e-6) + 1


def _largest(fits: Callable[[float], bool], fitting: float, too_large: float) -> float:
    """The largest size that fits, in steps."""
    low, high = 0, int((too_large - fitting) / _STEP)
    while low < high:
        middle = (low + high + 1) // 2
        if fits(fitting + middle * _STEP):
            low = middle
        else:
            high = middle - 1
    return fitting + low * _STEP


@dataclass(frozen=True, slots=True)
class _Paragraph:
    text: str
    widths: Sequence[float]  # of each character, letter spacing included, in units of the size
    may_break: Sequence[bool]  # before each character
    spacing: float

    @classmethod
    def of(cls, text: str, advance: Callable[[str], float], spacing: float) -> _Paragraph:
        return cls(text, [advance(one) + spacing for one in text], _opportunities(text), spacing)

    def lines(self, limit: float) -> list[tuple[int, int]]:
        """Where each line begins and ends."""
        text, widths, may_break = self.text, self.widths, self.may_break
        limit += self.spacing  # none is needed behind the last character
        found, start, count = [], 0, len(text)
        while start < count:
            width, here, last = 0.0, start, start
            while here < count:
                width += widths[here]
                if width > limit and text[here] != " ":
                    break
                here += 1
                if here < count and may_break[here]:
                    last = here
            end = here if here == count else (last if last > start else max(here, start + 1))
            found.append((start, end))
            start = end
            while start < count and text[start] == " ":  # a line does not begin with the space it broke at
                start += 1
        return found or [(0, 0)]

    def width(self, start: int, end: int) -> float:
        return sum(self.widths[start:end]) - self.spacing if end > start else 0.0


def _opportunities(text: str) -> list[bool]:
    allowed = [False] * len(text)
    for i in range(1, len(text)):
        before, after = text[i - 1], text[i]
        allowed[i] = not (
            after == " "
            or after in _NO_START
            or before in _NO_END
            or (_of_word(before) and _of_word(after))
            or before + after in _INSEPARABLE
        )
    return allowed


def _of_word(character: str) -> bool:
    """Letters, digits and marks of scripts that put spaces between words."""
    return character != " " and ord(character) < 0x2E80 and (ord(character) < 0x2000 or character in "‐‑–")


def _placed(lines: Sequence[tuple[_Paragraph, int, int]], size: float, element: Element) -> list[Line]:
    box, pitch = element.w * MM, element.leading * size
    left_over = element.h * MM - (size + (len(lines) - 1) * pitch)
    top = {"top": 0.0, "middle": left_over / 2, "bottom": left_over}[element.valign]
    placed = []
    for number, (paragraph, start, stop) in enumerate(lines):
        end = stop
        while end > start and paragraph.text[end - 1] == " ":
            end -= 1
        text = paragraph.text[start:end]
        free = max(0.0, box - paragraph.width(start, end) * size)
        gaps: tuple[tuple[int, float], ...] = ()
        if element.align == "justify" and stop < len(paragraph.text):
            gaps = _stretched(text, free)
        x = {"center": free / 2, "right": free}.get(element.align, 0.0)
        placed.append(Line(text, x, top + ASCENT * size + number * pitch, gaps))
    return placed


def _stretched(text: str, free: float) -> tuple[tuple[int, float], ...]:
    """The room of a justified line, shared out between Chinese characters and words."""
    between = [
        i for i in range(1, len(text)) if not (_of_word(text[i - 1]) and _of_word(text[i])) and text[i] != " "
    ]
    if not between or free <= 0:
        return ()
    return tuple((i, free / len(between)) for i in between)
