"""CSV as it really comes: encodings, headings, rows that are none."""

from __future__ import annotations

import io
from decimal import Decimal

import pytest

from connectors.formats import Reading, Unreadable, Unwritable, Writing, read_rows, write_file
from tests.connectors.formats.reading import read

SHEET = "名称,金额\r\n示范县青禾饮食有限公司,1.50\r\n"
ROW = {"名称": "示范县青禾饮食有限公司", "金额": "1.50"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_encodings_are_found_out(encoding: str) -> None:
    """Claim: what Excel, WPS and databases write is read without being told how; being told rightly changes nothing."""
    assert read("csv", SHEET.encode(encoding)) == [ROW]
    assert read("csv", SHEET.encode(encoding), encoding=encoding.removesuffix("-sig")) == [ROW]


def test_a_wrong_encoding_is_refused_with_its_place() -> None:
    """Claim: what fits no encoding, or not the one that was set, is refused with the byte and what to do."""
    with pytest.raises(Unreadable, match=r"第 2 行（第 5 字节）.*重新导出"):
        read("csv", b"a,b\n\xff\xff,1\n")
    with pytest.raises(Unreadable, match=r"不是 UTF-8 编码，第 1 行（第 1 字节）.*自动识别"):
        read("csv", SHEET.encode("gb18030"), encoding="utf-8")
    damaged = ("名称\n" + "青禾饮食有限公司\n" * 5).encode() + b"\xe5\xe5\n"
    with pytest.raises(Unreadable, match="是 UTF-8 编码，但第 7 行"):
        read("csv", damaged)


def test_damage_deep_in_the_file_is_found_before_the_first_row() -> None:
    """Claim: three megabytes of good rows do not come before one bad byte at the end."""
    rows = read_rows(io.BytesIO(SHEET.encode() * 70_000 + b"\xff\xff"), "csv", Reading())
    with pytest.raises(Unreadable, match="第 140001 行"):
        next(rows)


@pytest.mark.parametrize("delimiter", list(",;|\t"))
def test_delimiters_are_found_out(delimiter: str) -> None:
    """Claim: comma, semicolon, bar and tab, by what stands outside quotes."""
    assert read("csv", f'a{delimiter}b\n"1,1;1|1"{delimiter}2\n') == [{"a": "1,1;1|1", "b": "2"}]


def test_line_ends_are_mixed() -> None:
    """Claim: Windows, Unix and old Mac in one file, and a line end inside quotes."""
    assert read("csv", 'a,b\r\n1,2\n3,4\r5,"6\r\n7"\n') == [
        {"a": "1", "b": "2"},
        {"a": "3", "b": "4"},
        {"a": "5", "b": "6\r\n7"},
    ]


def test_a_broken_row_is_a_fault_and_the_others_go_on() -> None:
    """Claim: open quotes, quotes in the wrong place, NUL, too few and too many cells cost one row each."""
    rows = read("csv", 'a,b\n1,"2\n3,4\n"5"x,6\n7,\0\n8\n9,9,9\n10,10,\n11,11\n')
    assert [row for row in rows if isinstance(row, dict)] == [
        {"a": "3", "b": "4"},
        {"a": "10", "b": "10"},
        {"a": "11", "b": "11"},
    ]
    words = [row for row in rows if isinstance(row, str)]
    assert [any(one in word for one in ("引号", "NUL", "只有 1 格", "有 3 格")) for word in words] == [
        True
    ] * 5


def test_a_quote_that_never_closes_costs_one_row() -> None:
    """Claim: after a thousand lines nobody waits for the closing quote any longer; all other rows come."""
    rows = read("csv", "a,b\n" + '1,"2\n' + "3,4\n" * 3000)
    assert rows[0].startswith("引号没有收尾")
    assert rows[1:] == [{"a": "3", "b": "4"}] * 3000


def test_huge_cells_and_endless_lines_cost_one_row() -> None:
    """Claim: a cell of 200,000 characters and a line of three megabytes are faults; the row after them comes."""
    rows = read("csv", f"a,b\n{'x' * 200_000},1\n{'y' * 3_000_000},1\n1,2\n")
    assert ["131072" in rows[0], "1048576" in rows[1], rows[2]] == [True, True, {"a": "1", "b": "2"}]


def test_row_numbers_are_those_on_the_screen() -> None:
    """Claim: blank rows and titles count, as they do in a spreadsheet program."""
    content = b"\xef\xbb\xbf" + "公示信息表,,\n\n序号,名称,\n1,青禾,\n,,\n3,云溪,\n".encode()
    found = list(read_rows(io.BytesIO(content), "csv", Reading()))
    assert [(number, record["名称"]) for number, record, _ in found] == [(4, "青禾"), (6, "云溪")]


def test_headings_over_headings_are_joined() -> None:
    """Claim: a merged cell stands over all its columns; a column without one keeps its own name."""
    sheet = "双随机检查结果,,,\n当事人,,检查,\n名称,代码,日期,结果\n甲,1,2026-11-21,合格\n"
    assert read("csv", sheet, header_row=2, header_rows=2) == [
        {"当事人名称": "甲", "当事人代码": "1", "检查日期": "2026-11-21", "检查结果": "合格"}
    ]


@pytest.mark.parametrize(
    ("heading", "words"),
    [
        ("名称,名称", "有两列都叫“名称”（A 列和 B 列）"),
        ("名称,,代码", "B 列没有列名"),
        ("", "文件是空的"),
        (",".join(f"c{n}" for n in range(1001)), "1001 列"),
        ("\0,\0\0\0", "UTF-16"),
    ],
)
def test_an_unclear_heading_refuses_the_file(heading: str, words: str) -> None:
    """Claim: two columns of one name, a gap, nothing at all: refused by name, no row is guessed."""
    with pytest.raises(Unreadable, match=words):
        read("csv", f"{heading}\n1,2,3\n" if heading else "")


def test_one_column_is_a_sheet() -> None:
    """Claim: a list of numbers under one heading is read."""
    assert read("csv", "编号\n1\n2\n") == [{"编号": "1"}, {"编号": "2"}]


def test_without_quotes_a_quote_is_a_letter() -> None:
    """Claim: where quotes were switched off they stay as they are."""
    assert read("csv", 'a,b\n5" 管,"x\n', quote="none") == [{"a": '5" 管', "b": '"x'}]


def test_written_cells_are_no_formulas() -> None:
    """Claim: what begins like a formula gets an apostrophe, plain numbers do not; it can be switched off."""
    records = [{"a": "=cmd|' /C calc'!A0", "b": "-5", "c": "@x", "d": Decimal("1E+3"), "e": True}]
    file = io.BytesIO()
    write_file(file, "csv", list("abcde"), records, Writing())
    assert file.getvalue().decode("utf-8-sig").splitlines()[1] == "'=cmd|' /C calc'!A0,-5,'@x,1000,是"
    file = io.BytesIO()
    write_file(file, "csv", ["a"], records, Writing(formula_safe=False))
    assert read("csv", file.getvalue()) == [{"a": "=cmd|' /C calc'!A0"}]


def test_what_cannot_be_written_is_said() -> None:
    """Claim: NUL and half a character are refused with words."""
    for bad in ("a\0b", "\ud800"):
        with pytest.raises(Unwritable):
            write_file(io.BytesIO(), "csv", ["a"], [{"a": bad}], Writing())
