"""XLSX: merged headings, bombs, and nothing that is written is a formula."""

from __future__ import annotations

import io
import tempfile
import zipfile
from decimal import Decimal

import pytest
from openpyxl import Workbook, load_workbook

from connectors.formats import Unreadable, Unwritable, Writing, write_file
from tests.connectors.formats.reading import read


def saved(book: Workbook) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def test_merged_headings_are_joined() -> None:
    """Claim: a title over all, groups over columns, single headings over both rows."""
    book = Workbook()
    sheet = book.active
    for row in (
        ["双随机检查结果表"],
        ["序号", "当事人", None, "检查结果"],
        [None, "名称", "代码", None],
        [1, "甲", "01", "合格"],
    ):
        sheet.append(row)
    for merged in ("A1:D1", "A2:A3", "B2:C2", "D2:D3"):
        sheet.merge_cells(merged)
    assert read("xlsx", saved(book), header_rows=2) == [
        {"序号": "1", "当事人名称": "甲", "当事人代码": "01", "检查结果": "合格"}
    ]


def test_cells_merged_downwards_hold_for_every_row() -> None:
    """Claim: a department over three rows is in all three records, and in none below."""
    book = Workbook()
    for row in (["部门", "结果", "科室"], ["市场监管局", "合格", "甲"]):
        book.active.append(row)
    for result in ("不合格", "合格", "无"):
        book.active.append([None, result, None])
    book.active.merge_cells("A2:A4")
    book.active.merge_cells("C2:C3")
    assert [list(row.values()) for row in read("xlsx", saved(book))] == [
        ["市场监管局", "合格", "甲"],
        ["市场监管局", "不合格", "甲"],
        ["市场监管局", "合格", ""],
        ["", "无", ""],
    ]


def test_a_sheet_by_its_name() -> None:
    """Claim: the named sheet is read; a name that is not there names those that are."""
    book = Workbook()
    book.active.append(["x"])
    book.create_sheet("结果").append(["a", "b"])
    book["结果"].append([1, 2])
    assert read("xlsx", saved(book), sheet="结果") == [{"a": "1", "b": "2"}]
    with pytest.raises(Unreadable, match="只有：Sheet、结果"):
        read("xlsx", saved(book), sheet="没有")


def test_what_is_written_stays_what_it_is() -> None:
    """Claim: text that looks like a formula or an error stays text, long digits stay whole, numbers are numbers."""
    record = {
        "a": "=1+1",
        "b": "#N/A",
        "c": 12345678901234567890,
        "d": Decimal("1.50"),
        "e": "0012",
        "f": None,
    }
    with tempfile.TemporaryFile() as file:
        write_file(file, "xlsx", list(record), [record], Writing())
        assert [one.data_type for one in load_workbook(file).active[2]] == ["s", "s", "s", "n", "s", "n"]
        file.seek(0)
        (found,) = read("xlsx", file.read())
    assert found == {"a": "=1+1", "b": "#N/A", "c": "12345678901234567890", "d": "1.5", "e": "0012", "f": ""}


@pytest.mark.parametrize("bad", ["长" * 32_768, "\x0b"])
def test_what_a_cell_cannot_hold_is_refused(bad: str) -> None:
    """Claim: Excel would cut it or call the file damaged: refused with words."""
    with pytest.raises(Unwritable):
        write_file(io.BytesIO(), "xlsx", ["a"], [{"a": bad}], Writing())


def test_bombs_and_what_is_no_workbook_are_refused() -> None:
    """Claim: a package that unpacks a thousandfold, a text and an old .xls under this name each get their words."""
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("[Content_Types].xml", b"<a/>")
        package.writestr("xl/workbook.xml", b"0" * (64 << 20))
    with pytest.raises(Unreadable, match="压缩"):
        read("xlsx", bomb.getvalue())
    for other in (b"a,b\n1,2\n", b"\xd0\xcf\x11\xe0" + b"\0" * 600):
        with pytest.raises(Unreadable, match="却不是工作簿"):
            read("xlsx", other)
    with pytest.raises(Unreadable, match="损坏"):
        read("xlsx", saved(Workbook())[:-400])
