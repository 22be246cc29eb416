"""Reading rows: what becomes of good ones, and what is said of bad ones."""

from __future__ import annotations

import random
from datetime import date

import pytest

from hub.sheets.sheet import SheetRow, find_header, read_row
from shenguan import sample
from tests.sheet.rows import BODY, OFFICE, OLD, PERSON, SHOP, TODAY, good, read, refused


def test_a_body() -> None:
    """A legal person's row gives every field its meaning."""
    row = good(BODY)
    assert (row.row, row.generation, row.party_kind, row.party_code, row.party_code_type) == (
        2,
        "2018",
        "legal",
        "91370102MA3C00011F",
        "001",
    )
    assert (row.party_name, row.document_no, row.org_code) == (
        "示范县青禾饮食有限公司",
        "示审食许〔2026〕1号",
        OFFICE,
    )
    assert (row.decided_on, row.valid_from, row.valid_to) == (
        date(2026, 3, 1),
        date(2026, 3, 1),
        date(2031, 2, 28),
    )
    assert (row.permit_kind, row.licence_name, row.licence_no, row.status) == (
        "普通",
        "食品经营许可证",
        "JY1",
        "01",
    )
    assert row.values["XK_YXQZI"] == "2031-02-28"
    assert row.values["XK_XDR_LB"] == "法人及非法人组织"
    assert len(row.content_hash) == 32


def test_a_person_and_a_shop() -> None:
    """A natural person is known by a document, an individual business by its USCC."""
    person, shop = good(PERSON), good(SHOP)
    assert (person.party_kind, person.party_code, person.party_code_type) == (
        "natural",
        "990101199001010019",
        "111",
    )
    assert (shop.party_kind, shop.party_code, shop.party_code_type) == (
        "individual",
        "92370103MA3K00027G",
        "001",
    )
    foreigner = good({**PERSON, "XK_XDR_ZJLX": "护照", "XK_XDR_ZJHM": "e12345678"})
    assert (foreigner.party_code, foreigner.party_code_type) == ("E12345678", "414")


def test_a_shop_without_uscc() -> None:
    """个体工商户 gives its USCC if it has one; else its older number, or its operator's document."""
    older = good({**SHOP, "XK_XDR_SHXYM": "", "XK_XDR_GSZC": "990101600000001"})
    assert (older.party_code, older.party_code_type) == ("990101600000001", "099")
    owner = good({**SHOP, "XK_XDR_SHXYM": "", "XK_XDR_ZJLX": "身份证", "XK_XDR_ZJHM": "990101199001010019"})
    assert (owner.party_code, owner.party_code_type) == ("990101199001010019", "111")
    nothing = good({**SHOP, "XK_XDR_SHXYM": ""})
    assert (nothing.party_code, nothing.party_code_type) == (None, None)


def test_without_end() -> None:
    """长期 is no date, and stands as 2099-12-31 among the values."""
    row = good({**BODY, "XK_YXQZI": "长期"})
    assert row.valid_to is None
    assert row.values["XK_YXQZI"] == "2099-12-31"
    assert row.content_hash == good({**BODY, "XK_YXQZI": "2099年12月31日"}).content_hash


@pytest.mark.parametrize(
    ("base", "change", "column", "said"),
    [
        (
            BODY,
            {"XK_XDR_SHXYM": "91370102MA3C000110"},
            "统一社会信用代码（XK_XDR_SHXYM）",
            "应为“F”，现为“0”",
        ),
        (
            BODY,
            {"XK_XDR_SHXYM": ""},
            "统一社会信用代码（XK_XDR_SHXYM）",
            "相对人是法人及非法人组织，缺少必填内容",
        ),
        (BODY, {"XK_FRDB": "/"}, "法定代表人（XK_FRDB）", "缺少必填内容"),
        (PERSON, {"XK_XDR_ZJHM": "990101199001010018"}, "证件号码（XK_XDR_ZJHM）", "应为“9”，现为“8”"),
        (PERSON, {"XK_XDR_ZJHM": ""}, "证件号码（XK_XDR_ZJHM）", "相对人是自然人，缺少必填内容"),
        (PERSON, {"XK_XDR_ZJLX": ""}, "证件类型（XK_XDR_ZJLX）", "缺少必填内容"),
        (BODY, {"XK_XDR_LB": "集团"}, "行政相对人类别（XK_XDR_LB）", "不在允许的取值之内"),
        (BODY, {"XK_XDR_LB": ""}, "行政相对人类别（XK_XDR_LB）", "缺少必填内容"),
        (BODY, {"XK_JDRQ": "2026/11/23"}, "许可决定日期（XK_JDRQ）", "晚于今天"),
        (BODY, {"XK_JDRQ": "1926/11/23"}, "许可决定日期（XK_JDRQ）", "早得不可能"),
        (BODY, {"XK_YXQZI": "2026/02/28"}, "有效期至（XK_YXQZI）", "早于有效期自"),
        (BODY, {"XK_NR": "内" * 4001}, "许可内容（XK_NR）", "长度为 4001 个字符"),
        (BODY, {"XK_NR": "内\x00容"}, "许可内容（XK_NR）", "U+0000"),
        (BODY, {"XK_XDR_MC": "示范\ufffd"}, "行政相对人名称（XK_XDR_MC）", "乱码"),
        (BODY, {"XK_ZT": "3"}, "当前状态（XK_ZT）", "不在允许的取值之内"),
        (OLD, {"XK_JZQ": "2016-02-28"}, "许可截止期（XK_JZQ）", "早于许可决定日期"),
        (OLD, {"XK_XDR_SHXYM": ""}, "统一社会信用代码（XK_XDR_SHXYM）", "没有任何代码"),
        (
            OLD,
            {"XK_XDR_SHXYM": "", "XK_XDR_SFZ": "990101199001010018"},
            "居民身份证号（XK_XDR_SFZ）",
            "应为“9”",
        ),
    ],
)
def test_one_fault_one_refusal(base: dict[str, str], change: dict[str, str], column: str, said: str) -> None:
    """A single fault is refused once, under its own column, with its cause."""
    (found,) = refused({**base, **change}).items()
    assert found[0] == column
    assert said in found[1]


def test_all_faults_of_a_row_are_reported_together() -> None:
    """Nobody has to load a sheet five times to learn of five faults."""
    faults = refused(
        {**BODY, "XK_XDR_MC": "", "XK_WSH": "", "XK_JDRQ": "明年", "XK_XKLB": "一般", "XK_XDR_SHXYM": "1"}
    )
    assert len(faults) == 5


def test_a_refusal_never_repeats_a_citizen_number() -> None:
    """Result sheets and logs do not spread personal numbers."""
    number = "990101199001010018"
    assert number not in str(read({**PERSON, "XK_XDR_ZJHM": number}))


def test_an_empty_row_is_nothing_and_a_shifted_row_is_refused() -> None:
    """Blank lines are skipped; a row with more filled cells than columns is not guessed at."""
    labels = sample.header()
    header = find_header([(1, labels)])
    assert read_row(header, [], 5, today=TODAY) == []
    assert read_row(header, ["", " ", "　"], 5, today=TODAY) == []
    (row,) = sample.generate(1, seed=1)
    assert isinstance(read_row(header, [*row, "", " "], 5, today=TODAY), SheetRow)
    refusals = read_row(header, [*row, "x"], 5, today=TODAY)
    assert isinstance(refusals, list)
    assert [refusal.column for refusal in refusals] == ["整行"]
    short = read_row(header, row[:20], 5, today=TODAY)
    assert isinstance(short, list)
    assert len(short) >= 5


def test_extras_are_kept_and_do_not_change_the_hash() -> None:
    """Unknown columns travel with the row, even with odd characters; a serial number does not make it new."""
    (row,) = sample.generate(1, seed=1)
    header = find_header([(1, ["序号", *sample.header()])])
    one = read_row(header, ["1\x07", *row], 2, today=TODAY)
    two = read_row(header, ["2", *row], 3, today=TODAY)
    assert isinstance(one, SheetRow)
    assert isinstance(two, SheetRow)
    assert (one.extras, two.extras) == ({"序号": "1"}, {"序号": "2"})
    assert one.content_hash == two.content_hash


@pytest.mark.parametrize("generation", ["2018", "2015"])
def test_the_hash_is_of_the_content_only(generation: str) -> None:
    """Order of columns, widths, spaces and spellings of dates do not matter; any content does."""
    labels = sample.header(generation)
    row = next(sample.generate(1, seed=3, generation=generation))
    plain = read_row(find_header([(1, labels)]), row, 2, today=TODAY)
    order = list(range(len(labels)))
    random.Random(5).shuffle(order)
    wide = str.maketrans("0123456789", "０１２３４５６７８９")
    moved = [f"　{row[i].translate(wide)} \u200b" if row[i] else "/" for i in order]
    other = read_row(find_header([(1, [labels[i] for i in order])]), moved, 9, today=TODAY)
    assert isinstance(plain, SheetRow)
    assert isinstance(other, SheetRow)
    assert plain.content_hash == other.content_hash
    assert plain.values == other.values
    changed = [cell + "！" if cell.startswith("准予") else cell for cell in row]
    third = read_row(find_header([(1, labels)]), changed, 2, today=TODAY)
    assert isinstance(third, SheetRow)
    assert third.content_hash != plain.content_hash
