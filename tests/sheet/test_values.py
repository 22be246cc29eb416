"""One cell at a time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import Rejected
from hub.sheets.sheet_values import KINDS, ODD, Fault, tidy, wan_yuan_to_fen


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01",
        "2026/3/1",
        "2026.3.1",
        "20260301",
        "2026年3月1日",
        "2026年03月01日",
        "２０２６年３月１日",
        "2026-03-01 00:00:00",
        "2026-03-01T00:00:00",
        "2026/3/1 0:00",
        "20260301000000",
        "46082",
        "46082.0",
        "2026-03-01T00:00:00.000Z",
        "2026年3月1日 00:00:00",
        "2026 - 3 - 1",
        "2026-03-01 00:00:00.0",
        "2026年 3月 1日",
    ],
)
def test_dates_as_people_and_programs_write_them(text: str) -> None:
    """All of these are the first of March 2026."""
    assert KINDS["date"](tidy(text)) == "2026-03-01"
    assert KINDS["date_or_long"](tidy(text)) == "2026-03-01"


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-30",
        "2026-13-01",
        "3/1/2026",
        "26-03-01",
        "2026-03",
        "明年",
        "2026-3-123",
        "202603011",
        "0000-01-01",
        "12345",
        "2026/3/112:00",
    ],
)
def test_what_is_no_date(text: str) -> None:
    """An impossible or ambiguous date is refused, never guessed."""
    with pytest.raises(Fault) as refused:
        KINDS["date"](text)
    assert text in refused.value.cause
    assert "2026/03/01" in refused.value.expected


@pytest.mark.parametrize(
    "text", ["长期", "长期有效", "永久", "2099/12/31", "2099年12月31日", "20991231", "9999-12-31", "73050"]
)
def test_without_end(text: str) -> None:
    """长期 in all its spellings is one value."""
    assert KINDS["date_or_long"](text) == "2099-12-31"


@pytest.mark.parametrize(
    ("kind", "written", "kept"),
    [
        ("uscc", " 91370102ma3c00011f", "91370102MA3C00011F"),
        ("uscc", "９１３７０１０２ＭＡ３Ｃ０００１１Ｆ", "91370102MA3C00011F"),
        ("uscc", "9137 0102 MA3C 0001 1F", "91370102MA3C00011F"),
        ("uscc", "'91370102MA3C00011F", "91370102MA3C00011F"),
        ("uscc", '="91370102MA3C00011F"', "91370102MA3C00011F"),
        ("organisation", "495400013", "495400013"),
        ("organisation", "49540001-3", "495400013"),
        ("code", "11010519491231002x", "11010519491231002X"),
        ("name", "示 范 县 食品 (集团) 有限公司", "示范县食品（集团）有限公司"),
        ("name", "甲　青禾", "甲青禾"),
        ("name", "Sample  Food Ltd", "Sample Food Ltd"),
        ("document", "示审〔2026〕1号", "示审〔2026〕1号"),
        ("document", "示审[2026] 1 号", "示审〔2026〕1号"),
        ("document", "示审（２０２６）1号", "示审〔2026〕1号"),
        ("document", "示审【2026】1号", "示审〔2026〕1号"),
        ("number", "JY 3990101", "JY3990101"),
        ("text", "面积 50㎡，含①号楼\r\n二层", "面积 50㎡，含①号楼\n二层"),
        ("party_kind", "法人及非法人组织", "legal"),
        ("party_kind", "企业", "legal"),
        ("party_kind", "个 人", "natural"),
        ("party_kind", "04", "individual"),
        ("person_document", "居民身份证", "身份证"),
        ("person_document", "护照", "护照号"),
        ("permit_kind", "普通许可", "普通"),
        ("permit_kind", "01", "普通"),
        ("permit_kind", "其他（备案）", "其他（备案）"),
        ("permit_kind", "其他-备案", "其他（备案）"),
        ("permit_kind", "其他", "其他"),
        ("state_2018", "有效", "1"),
        ("state_2018", "１", "1"),
        ("state_2015", "撤销", "1"),
        ("wan_yuan", "0.2万元", "0.2"),
        ("wan_yuan", "1,000.50", "1000.5"),
    ],
)
def test_what_is_kept(kind: str, written: str, kept: str) -> None:
    """Each kind has one normal form; reading the normal form changes nothing."""
    assert KINDS[kind](tidy(written).strip()) == kept
    assert KINDS[kind](kept) == kept


@pytest.mark.parametrize(
    ("kind", "written", "said"),
    [
        ("uscc", "9.13701E+17", "科学计数法"),
        ("uscc", "91370102MA3C000110", "应为“F”，现为“0”"),
        ("organisation", "495400010", "应为“3”"),
        ("party_kind", "集团", "不在允许的取值之内"),
        ("permit_kind", "一般", "不是许可类别"),
        ("state_2018", "0", "不在允许的取值之内"),
        ("person_document", "驾驶证", "不在允许的取值之内"),
        ("wan_yuan", "两千元", "万元"),
        ("wan_yuan", "0.0000001", "不足一分"),
        ("wan_yuan", "-1", "不是金额"),
    ],
)
def test_what_is_refused(kind: str, written: str, said: str) -> None:
    """A cell that does not fit says why, and what would."""
    with pytest.raises(Fault) as refused:
        KINDS[kind](written)
    assert said in refused.value.cause
    assert refused.value.expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a\x00b", "U+0000"),
        ("a\x0bb", "U+000B"),
        ("a\x85b", "U+0085"),
        ("示\ufffd县", "乱码"),
        ("\ud800", "U+D800"),
    ],
)
def test_characters_nobody_can_keep(text: str, said: str) -> None:
    """Control characters, broken decoding and half characters are refused."""
    assert ODD.search(text)
    with pytest.raises(Fault) as refused:
        tidy(text)
    assert said in refused.value.cause


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("\ufeff示范\u200b县\u00ad", "示范县"),
        ("ＡＢ１２", "AB12"),
        ("a\u00a0b　c", "a b c"),
        ("行_x000D_\n二", "行\n二"),
        ("\ue81e\ue864", "\u9fb4\u9fbb"),
        ("\ue78d\ue78e\ue78f", "\ufe10\ufe12\ufe11"),
    ],
)
def test_odd_characters_are_put_right(text: str, kept: str) -> None:
    """Invisible marks go, wide letters become narrow, and old GB 18030 code points become the ones of 2022."""
    assert ODD.search(text)
    assert tidy(text) == kept


@given(st.text())
def test_tidy_is_only_needed_where_the_quick_look_says_so(text: str) -> None:
    """If the quick look finds nothing, tidying changes nothing; tidying twice is tidying once."""
    if ODD.search(text) is None:
        assert tidy(text) == text
    else:
        try:
            once = tidy(text)
        except Fault:
            return
        assert tidy(once) == once


@given(
    st.sampled_from(sorted(KINDS)),
    st.text("0123456789-/.年月日 ABCＡ（(〔2026〕)号其他普通许可有效X_:,", max_size=20),
)
def test_every_kind_either_normalises_once_or_refuses(kind: str, text: str) -> None:
    """No cell makes the reading crash, and a normal form is stable."""
    try:
        once = KINDS[kind](text)
    except Fault:
        return
    assert KINDS[kind](once) == once


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("0.2", 200_000),
        ("1", 1_000_000),
        ("０．０００００１", 1),
        ("1,234.56", 1_234_560_000),
        ("999999999999.999999", 999_999_999_999_999_999),
        ("2万元", 2_000_000),
        ("0", 0),
    ],
)
def test_wan_yuan_is_exact(text: str, fen: int) -> None:
    """万元 becomes 分 without a float in between."""
    assert wan_yuan_to_fen(text) == fen


@pytest.mark.parametrize("text", ["", "2000元", "1e3", "-1", "0.0000001", "٣", "1.2.3", "9" * 40])
def test_what_is_no_amount(text: str) -> None:
    """Anything else is refused with the usual slip explained."""
    with pytest.raises(Rejected, match="万元"):
        wan_yuan_to_fen(text)


@given(st.integers(0, 10**17))
def test_any_amount_of_fen_can_be_written(fen: int) -> None:
    """From 分 to 万元 text and back is the identity."""
    assert wan_yuan_to_fen(f"{fen // 1_000_000}.{fen % 1_000_000:06d}") == fen
