"""Paper: a document that flows over A4 pages - headings, paragraphs, tables whose head comes again on every page.

Guarantees: a cell grows with its text, a row that does not fit begins the next page, a cell of more than MOST_LINES lines
ends with …; nothing else is cut off. Characters without a drawing become 〓, as typesetters mark a missing type. The same
content gives the same bytes; text comes out of the PDF as it went in.
Lengths are millimetres, type sizes points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from hub.licensing.face import Element
from storage.licences import characters, drawing, fonts
from storage.licences.document import Sheet, written
from storage.licences.fonts import FontSet
from storage.licences.page import written_block
from storage.licences.pdf_file import numbers
from storage.licences.typeset import MM, Block, set_text
from storage.licences.xmp import About

WIDTH, HEIGHT = 210.0, 297.0
LEFT, RIGHT, TOP, BOTTOM = 24.0, 22.0, 26.0, 24.0
TEXT_WIDTH = WIDTH - LEFT - RIGHT
MOST_LINES = 40  # of a cell
_ENDLESS = 10_000.0
_PAD = 1.2
_RULE = 0.18
_HEAD = "#EEF2F4"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    title: str
    width: float
    align: str = "left"


@dataclass(frozen=True, slots=True)
class _Text:
    block: Block
    element: Element


@dataclass(slots=True)
class _Page:
    texts: list[_Text] = field(default_factory=list)
    rules: list[bytes] = field(default_factory=list)


class Paper:
    """Put things one below the other, then `pdf`."""

    def __init__(self) -> None:
        self._pages = [_Page()]
        self._y = TOP

    def heading(self, text: str) -> None:
        """The title of the document."""
        self._flow(text, size=20, bold=True, align="center", after=5)

    def section(self, text: str) -> None:
        """A heading within it; never the last line of a page."""
        self._room(22)
        self._y += 3
        self._flow(text, size=12.5, bold=True, after=1.8)

    def paragraph(self, text: str, *, align: str = "justify", indent: bool = True) -> None:
        """A paragraph, its first line two characters in."""
        self._flow(f"\u3000\u3000{text}" if indent else text, size=11, align=align, leading=1.65, after=1.2)

    def note(self, text: str) -> None:
        """A line in small type."""
        self._flow(text, size=9, color="#55606A", after=2)

    def table(
        self, columns: Sequence[Column], rows: Sequence[Sequence[str]], *, bold_last: bool = False
    ) -> None:
        """A table as wide as the text; widths of columns are shares of it."""
        share = TEXT_WIDTH / sum(column.width for column in columns)
        widths = [column.width * share for column in columns]
        aligns = [column.align for column in columns]
        head = _row([column.title for column in columns], widths, ["center"] * len(columns), bold=True)
        self._room(_height(head) + 9)
        self._put_row(head, widths, filled=True)
        for index, row in enumerate(rows):
            cells = _row(row, widths, aligns, bold=bold_last and index == len(rows) - 1)
            if self._y + _height(cells) > HEIGHT - BOTTOM:
                self._turn()
                self._put_row(head, widths, filled=True)
            self._put_row(cells, widths)
        self._y += 3

    def gap(self, height: float) -> None:
        """Nothing, this high."""
        self._y += height

    def signature(self, lines: Sequence[str], height: float = 30) -> None:
        """Who it is from and when, at the right, together on one page with room for a seal."""
        self._room(height)
        self._y += 8
        for line in lines:
            self._flow(line, size=11.5, align="right", leading=1.7)

    def pdf(self, title: str, author: str, made_at: datetime, foot: str) -> bytes:
        """The document; every page says at its foot what it belongs to and which it is of how many."""
        count = len(self._pages)
        for number, page in enumerate(self._pages, 1):
            left = _set(foot, LEFT, HEIGHT - 16, TEXT_WIDTH / 2, size=8.5, color="#55606A")
            right = _set(
                f"第 {number} 页 共 {count} 页",
                *(LEFT + TEXT_WIDTH / 2, HEIGHT - 16, TEXT_WIDTH / 2),
                size=8.5, color="#55606A", align="right",
            )  # fmt: skip
            page.texts += [left, right]
        cut = FontSet()
        for page in self._pages:
            for one in page.texts:
                cut.add("".join(line.text for line in one.block.lines), one.element.bold)
        cut.cut()
        sheets = [Sheet(WIDTH * MM, HEIGHT * MM, _content(page, cut), fonts=cut) for page in self._pages]
        return bytes(written(sheets, About(title, author, made_at, {}))[0])

    def _flow(self, text: str, *, after: float = 0.0, **style: object) -> None:
        one = _set(text, LEFT, self._y, TEXT_WIDTH, **style)
        height = _lines_height(one)
        if self._y + height > HEIGHT - BOTTOM:
            self._turn()
            one = _set(text, LEFT, self._y, TEXT_WIDTH, **style)
        self._pages[-1].texts.append(one)
        self._y += height + after

    def _put_row(self, cells: Sequence[_Text], widths: Sequence[float], *, filled: bool = False) -> None:
        height, x, page = _height(cells), LEFT, self._pages[-1]
        if filled:
            page.rules.append(drawing.filled(_HEAD) + _box(LEFT, self._y, sum(widths), height) + b"f\n")
        for cell, width in zip(cells, widths, strict=True):
            page.texts.append(_moved(cell, x + _PAD, self._y + _PAD))
            page.rules.append(
                drawing.stroked("#8A949C", _RULE * MM) + _box(x, self._y, width, height) + b"S\n"
            )
            x += width
        self._y += height

    def _room(self, height: float) -> None:
        if self._y + height > HEIGHT - BOTTOM:
            self._turn()

    def _turn(self) -> None:
        self._pages.append(_Page())
        self._y = TOP


def _row(texts: Sequence[str], widths: Sequence[float], aligns: Sequence[str], *, bold: bool) -> list[_Text]:
    return [
        _cell(text, width - 2 * _PAD, bold=bold, align=align)
        for text, width, align in zip(texts, widths, aligns, strict=True)
    ]


def _cell(text: str, width: float, **style: object) -> _Text:
    whole = _set(text, 0, 0, width, size=9, leading=1.3, **style)
    lines = whole.block.lines
    if len(lines) <= MOST_LINES:
        return whole
    kept = "".join(line.text for line in lines[: MOST_LINES - 1])
    return _set(f"{kept}…", 0, 0, width, size=9, leading=1.3, **style)


def _set(text: str, x: float, y: float, w: float, **style: object) -> _Text:
    element = Element("text", "text", x, y, w, _ENDLESS, **style)  # type: ignore[arg-type]
    block = set_text(_printable(text), element, lambda one: fonts.advance(one, element.bold) / 1000)
    assert isinstance(block, Block), text
    return _Text(block, element)


def _moved(one: _Text, x: float, y: float) -> _Text:
    old = one.element
    moved = Element(
        *(old.id, old.kind, x, y, old.w, old.h),
        size=old.size, bold=old.bold, align=old.align, leading=old.leading, color=old.color,
    )  # fmt: skip
    return _Text(one.block, moved)


def _lines_height(one: _Text) -> float:
    return max(1, len(one.block.lines)) * one.element.leading * one.element.size / MM


def _height(cells: Sequence[_Text]) -> float:
    return max(_lines_height(one) for one in cells) + 2 * _PAD


def _box(x: float, y: float, w: float, h: float) -> bytes:
    return drawing.rectangle(x * MM, (HEIGHT - y - h) * MM, w * MM, h * MM)


def _content(page: _Page, cut: FontSet) -> bytes:
    texts = [
        written_block(one.block, one.element, cut, one.element.x * MM, (HEIGHT - one.element.y) * MM)
        for one in page.texts
    ]
    return b"".join([b"q %b w\n" % numbers(_RULE), *page.rules, b"Q\n", *texts])


def _printable(text: str) -> str:
    return "".join(
        "〓" if one != "\n" and (characters.refused(one) or fonts.glyph(one) is None) else one
        for one in characters.clean(text)
    )
