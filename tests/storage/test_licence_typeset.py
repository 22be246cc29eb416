"""Setting text: where lines break, what fits, what is refused; and that what is printed is what was said."""

from __future__ import annotations

import re
import time
import unicodedata
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.licensing.face import Element
from storage.files import FileStore
from storage.licences import characters, fonts
from storage.licences.credentials import Credentials
from storage.licences.page import called, set_face
from storage.licences.press import LicencePress
from storage.licences.typeset import MM, Block, Overflow, set_text
from tests.storage.licence_faces import one_text
from tests.storage.pdf_witnesses import pdfium_text, pdftotext

#: Nothing here is stored: samples are printed, not signed.
PRESS = LicencePress(cast(FileStore, None), Credentials(None), lambda: datetime(2026, 11, 22, tzinfo=UTC))


def lines(text: str, *, em: float, rows: int = 100, **more: Any) -> list[str]:
    """The lines of a box so many characters wide, every Chinese character being one and every other one half."""
    block = block_of(text, em=em, rows=rows, **more)
    assert isinstance(block, Block), block
    return [line.text for line in block.lines]


def block_of(text: str, *, em: float, rows: int = 100, **more: Any) -> Block | Overflow:
    size = 10.0
    element = Element("x", "text", 0, 0, em * size / MM, rows * size * 1.35 / MM, size=size, **more)
    return set_text(text, element, lambda one: 1.0 if ord(one) > 0x2E80 or one in "“”" else 0.5)


def test_closing_marks_do_not_begin_a_line() -> None:
    """One character more goes down with them; opening marks do not end one."""
    assert lines("一二三四，五六", em=4) == ["一二三", "四，五六"]
    assert lines("一二三（四五）六", em=4) == ["一二三", "（四五）", "六"]
    assert lines("一二三四……五", em=4.5) == ["一二三", "四……五"]
    assert lines("一二三“四”。五", em=4) == ["一二三", "“四”。", "五"]


def test_words_stay_whole_where_they_fit() -> None:
    """Numbers and Latin words; one that is wider than its box is cut, nothing is lost."""
    assert lines("编号 JY1370102 甲", em=5) == ["编号", "JY1370102", "甲"]
    assert lines("网址https://hub.invalid/abc", em=5) == ["网址", "https://hu", "b.invalid/", "abc"]
    assert lines("ab cd ef", em=2.6) == ["ab cd", "ef"]


def test_newlines_are_kept() -> None:
    """Also empty lines, and all of the ways to say them."""
    assert lines("甲\n\n乙", em=4) == ["甲", "", "乙"]
    assert characters.clean("甲\r\n乙\r丙\u2028丁") == "甲\n乙\n丙\n丁"


def test_alignment() -> None:
    """Left, centre, right; justified lines fill the box but for the last of a paragraph; top, middle, bottom."""
    for align, x in (("left", 0.0), ("center", 15.0), ("right", 30.0)):
        block = block_of("一二三", em=6, align=align)
        assert isinstance(block, Block)
        assert block.lines[0].x == pytest.approx(x, abs=0.2)
    block = block_of("一二三四五，六七", em=5.5, align="justify")
    assert isinstance(block, Block)
    assert sum(gap for _, gap in block.lines[0].gaps) == pytest.approx(15, abs=0.2)
    assert block.lines[-1].gaps == ()
    for valign, baseline in (("top", 8.8), ("middle", 60.55), ("bottom", 112.3)):
        found = block_of("一", em=5, rows=10, valign=valign, leading=1.35)
        assert isinstance(found, Block)
        left_over = 135 - 10
        assert found.lines[0].baseline == pytest.approx(
            {"top": 8.8, "middle": 8.8 + left_over / 2, "bottom": 8.8 + left_over}[valign], abs=0.1
        ), baseline


def test_what_overflows_says_by_how_much() -> None:
    """Lines needed and lines there; nothing is cut off."""
    found = block_of("一二三四五六七八九十" * 2, em=4, rows=3)
    assert found == Overflow(5, 3)
    element = one_text("经营范围" * 9, w=20, h=12).layout.elements[0]
    (fault,) = set_face(one_text("经营范围" * 9, w=20, h=12)).faults
    assert fault.element == element.id
    assert "放不下：需要" in fault.sentence
    assert "允许缩小字号" in fault.sentence
    (fault,) = set_face(one_text("字", w=2, h=50)).faults
    assert "比一个字还窄" in fault.sentence
    (fault,) = set_face(one_text("字", w=50, h=2)).faults
    assert "比一行字还矮" in fault.sentence


def test_shrinking_finds_the_largest_size() -> None:
    """A quarter of a point more would not fit; below the smallest it is refused."""
    text = "热食类食品制售、冷食类食品制售；" * 6
    face = one_text(text, w=60, h=30, size=20.0, smallest=6.0, overflow="shrink")
    found = set_face(face)
    assert not found.faults
    size = found.blocks["one"].size
    assert 6.0 <= size < 20.0
    larger = one_text(text, w=60, h=30, size=size + 0.25)
    assert set_face(larger).faults
    (fault,) = set_face(one_text(text * 9, w=60, h=30, size=20.0, smallest=9.0, overflow="shrink")).faults
    assert "最小字号" in fault.sentence


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("张☑三", "“☑”（U+2611）没有字体可印"),
        ("笑😀脸", "U+1F600"),
        ("控\x07制", "U+0007"),
        ("删\x00除", "控制字符"),
        ("半\ud83d个", "代理码"),
        ("e\u0301", "组合符号"),
        ("葛\U000e0100城", "字形选择符"),
        ("\u202e反向", "控制符"),
        ("私\ue000用", "私用区"),
        ("空\u3164白", "填充"),
        ("བད", "U+0F56"),
        ("字" * 20_001, "20001 个字"),
    ],
)
def test_what_cannot_be_printed_is_named(text: str, said: str) -> None:
    """Never an empty box: a sentence with the character and its number."""
    (fault,) = set_face(one_text(text)).faults
    assert said in fault.sentence


def test_rare_names_are_printed() -> None:
    """𬱖 䶮 㛃 𰻝 come out as they went in; what nobody sees is dropped."""
    text = "𬱖䶮㛃𰻝龘\u200b邨\ufeff①➀·•"
    for bold in (False, True):
        pdf = PRESS.sample(one_text(text, bold=bold))
        assert re.sub(r"\s", "", pdftotext(pdf)) == "𬱖䶮㛃𰻝龘邨①➀·•"


def test_twenty_thousand_characters_are_quick() -> None:
    """Set or refused within a second, also where nothing may break, and where it must shrink."""
    for text in ("字" * 20_000, "a" * 20_000, "，" * 20_000, "字 a，（" * 4000, "\n" * 20_000):
        begun = time.process_time()
        for overflow in ("refuse", "shrink"):
            set_face(one_text(text, overflow=overflow, w=50))
        assert time.process_time() - begun < 2


def test_what_an_element_is_called() -> None:
    """An element's name in a sentence: its label, a built-in's title, or its own words."""
    element = Element("x", "field", 0, 0, 5, 5, source="$holder")
    assert called(element, "") == "持证主体"
    assert called(Element("x", "field", 0, 0, 5, 5, source="scope", prefix="经营范围："), "") == "经营范围"
    assert called(Element("x", "text", 0, 0, 5, 5), "一二三四五六七八九十一") == "一二三四五六七八九…"


_PRINTABLE = st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs", "M", "C"))


@settings(max_examples=60, deadline=None)
@given(st.text(_PRINTABLE, max_size=60) | st.text("中文，。“”（）ab 1-.·①➀〇Ⅳ㎡℃～—…", max_size=60))
def test_printed_as_said_or_refused(text: str) -> None:
    """Whatever the text: it comes back from the document character by character, or there is a sentence."""
    face = one_text(text)
    faults = PRESS.faults(face)
    if faults:
        assert faults[0].sentence
        return
    said = _flat(pdfium_text(PRESS.sample(face)))
    assert said == _flat(characters.clean(text))


@settings(max_examples=30, deadline=None)
@given(
    st.text(st.sampled_from([chr(one) for one in range(0x21, 0x3000) if fonts.glyph(chr(one))]), max_size=40)
)
def test_what_shares_a_drawing_stays_apart(text: str) -> None:
    """Also characters that look alike, by poppler: only its own folding of compatibility forms is allowed for."""
    if PRESS.faults(one_text(text)):
        return
    said = pdftotext(PRESS.sample(one_text(text)))
    assert _folded(said) == _folded(characters.clean(text))


def _flat(text: str) -> str:
    """Without white space: where lines end is not part of what was said."""
    return re.sub(r"\s", "", text.replace("\ufffe", ""))


def _folded(text: str) -> str:
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text))


@settings(max_examples=200, deadline=None)
@given(st.text("中文字，。、；（）“”ab1 -\n", max_size=80), st.floats(2, 20), st.booleans())
def test_lines_keep_every_character(text: str, em: float, justified: bool) -> None:
    """No line is wider than the box, and together they say the text, but for spaces where lines end."""
    block = block_of(text, em=em, rows=500, align="justify" if justified else "left")
    assert isinstance(block, Block)
    assert "".join(one.text for one in block.lines).replace(" ", "") == re.sub(r"[ \n]", "", text)
    for line in block.lines:
        wide = sum(1.0 if ord(one) > 0x2E80 or one in "“”" else 0.5 for one in line.text) * block.size
        assert line.x + wide + sum(gap for _, gap in line.gaps) <= em * 10 + 0.5
