"""Spreadsheets: rows come out as the text people see, in constant memory; what cannot be read is refused in words."""

from __future__ import annotations

import contextlib
import datetime as dt
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont

from hub.errors import Rejected
from storage.spreadsheet import read_rows, write_rows

HEADER = ["行政相对人名称", "统一社会信用代码", "许可决定日期"]
ROWS = [["示范县第一食品店", "929901010000000001", "2026-01-02"], ["某某“甲”公司, 一部", "00012", ""]]


def cells(path: Path, **options: Any) -> list[list[str]]:
    with read_rows(path, **options) as rows:
        return [row for _, row in rows]


def refused(path: Path) -> str:
    with pytest.raises(Rejected) as error, read_rows(path) as rows:
        list(rows)
    return error.value.message


def packed(path: Path, parts: dict[str, str], *, base: Path | None = None) -> Path:
    """A package made of the parts of `base` (a sheet of ours, by default) with some replaced."""
    if base is None:
        base = path.with_name("base.xlsx")
        write_rows(base, HEADER, ROWS)
    with ZipFile(base) as old, ZipFile(path, "w", ZIP_DEFLATED) as new:
        for name in {**dict.fromkeys(old.namelist()), **parts}:
            new.writestr(name, parts[name] if name in parts else old.read(name))
    return path


# What people see is what comes out


@pytest.mark.parametrize("name", ["a.xlsx", "a.csv"])
def test_what_is_written_is_read_back(tmp_path: Path, name: str) -> None:
    """Header and rows survive both formats with their digits, quotes and commas; the count is returned."""
    assert write_rows(tmp_path / name, HEADER, ROWS) == 2
    trimmed = [[*row] if row[-1] or name == "a.csv" else row[:-1] for row in [HEADER, *ROWS]]
    assert cells(tmp_path / name) == trimmed


_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=20)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(_TEXT, min_size=1, max_size=4), max_size=5))
def test_any_text_survives_xlsx(tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]) -> None:
    """Every text goes through .xlsx unchanged, control characters and `_x0041_` look-alikes included."""
    path = tmp_path_factory.mktemp("any") / "a.xlsx"
    write_rows(path, ["头"], rows)
    expected = [row for row in rows if any(row)]
    for row in expected:
        while not row[-1]:
            row.pop()
    assert cells(path)[1:] == expected


def test_excel_types_become_the_text_on_the_screen(tmp_path: Path) -> None:
    """Dates, times, numbers, booleans, errors, formulas' values and rich text of a typed workbook, cell by cell."""
    book = openpyxl.Workbook()
    sheet = book.active
    rich = CellRichText("红", TextBlock(InlineFont(b=True), "头"), "文件")
    typed: list[tuple[Any, str | None, str]] = [
        (dt.date(2026, 1, 2), None, "2026-01-02"),
        (dt.datetime.fromisoformat("2026-01-02 03:04:05"), None, "2026-01-02 03:04:05"),
        (dt.datetime.fromisoformat("2026-01-02"), 'yyyy"年"m"月"d"日";@', "2026-01-02"),
        (dt.datetime.fromisoformat("2099-12-31"), "[$-804]yyyy/m/d", "2099-12-31"),
        (dt.time(9, 30), None, "09:30:00"),
        (12, None, "12"), (12.0, None, "12"), (0.1 + 0.2, None, "0.3"), (-0.5, None, "-0.5"), (1e-7, None, "0.0000001"),
        (1.5e20, None, "150000000000000000000"), (0.25, "0%", "0.25"), (10000000, "#,##0.00", "10000000"),
        (True, None, "TRUE"), (False, None, "FALSE"), ("#N/A", None, "#N/A"), ("00012", None, "00012"),
        (" 前后空格 ", None, " 前后空格 "), ("第一行\n第二行", None, "第一行\n第二行"),
        (rich, None, "红头文件"), ("𬱖䶮", None, "𬱖䶮"),
    ]  # fmt: skip
    for value, number_format, _ in typed:
        sheet.append([value])
        if number_format:
            sheet.cell(sheet.max_row, 1).number_format = number_format
    book.save(tmp_path / "typed.xlsx")
    assert [row[0] for row in cells(tmp_path / "typed.xlsx")] == [text for *_, text in typed]


def test_dates_of_chinese_excel_and_of_1904(tmp_path: Path) -> None:
    """Format 31 and 57 carry no text in the file and are dates all the same; a Mac workbook counts from 1904."""
    sheet = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        '<row r="1"><c r="A1" s="3"><v>46024</v></c><c r="B1" s="4"><v>46024.5</v></c><c r="C1"><v>46024</v></c>'
        '<c r="D1" s="3"><v>-1</v></c><c r="E1" t="d"><v>2026-01-02T00:00:00</v></c></row></sheetData></worksheet>'
    )
    with ZipFile(_written(tmp_path)) as package:
        styles = package.read("xl/styles.xml").decode()
        workbook = package.read("xl/workbook.xml").decode()
    chinese = styles.replace("</cellXfs>", '<xf numFmtId="31"/><xf numFmtId="57"/></cellXfs>')
    parts = {"xl/worksheets/sheet1.xml": sheet, "xl/styles.xml": chinese}
    expected = ["2026-01-02", "2026-01-02 12:00:00", "46024", "-1", "2026-01-02"]
    assert cells(packed(tmp_path / "b.xlsx", parts))[0] == expected
    parts["xl/workbook.xml"] = workbook.replace("<sheets>", '<workbookPr date1904="1"/><sheets>')
    assert cells(packed(tmp_path / "c.xlsx", parts))[0][0] == "2030-01-03"


def _written(tmp_path: Path) -> Path:
    write_rows(tmp_path / "plain.xlsx", HEADER, ROWS)
    return tmp_path / "plain.xlsx"


def test_we_read_what_openpyxl_writes_and_the_other_way(tmp_path: Path) -> None:
    """Shared strings and write-only workbooks of openpyxl are read alike; openpyxl reads ours, all cells as text."""
    for write_only in (False, True):
        book = openpyxl.Workbook(write_only=write_only)
        sheet = book.create_sheet("表", 0)
        for row in [HEADER, *ROWS]:
            sheet.append(row)
        book.save(tmp_path / "theirs.xlsx")
        assert [row[0] for row in cells(tmp_path / "theirs.xlsx")] == [HEADER[0], ROWS[0][0], ROWS[1][0]]
    book = openpyxl.load_workbook(_written(tmp_path))
    sheet = book.worksheets[0]
    assert [[cell.value or "" for cell in row] for row in sheet.iter_rows()] == [HEADER, *ROWS]
    assert {cell.number_format for row in sheet.iter_rows() for cell in row if cell.value} == {"@"}
    assert sheet.freeze_panes == "A2"


def test_rows_keep_their_number_and_blank_ones_are_left_out(tmp_path: Path) -> None:
    """A title row, gaps and formatted blank rows do not move the numbers that people see on the screen."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet["A1"], sheet["C3"], sheet["A9"] = "行政许可公示表", "项", "尾"
    sheet["A5"].number_format = "@"
    sheet.merge_cells("A1:F1")
    book.save(tmp_path / "gaps.xlsx")
    with read_rows(tmp_path / "gaps.xlsx") as rows:
        assert list(rows) == [(1, ["行政许可公示表"]), (3, ["", "", "项"]), (9, ["尾"])]
        assert rows.position() == 1.0
        assert len(list(rows)) == 3
    (tmp_path / "gaps.csv").write_text("标题\n\n,,\n甲,乙\n", encoding="utf-8")
    with read_rows(tmp_path / "gaps.csv") as rows:
        assert list(rows) == [(1, ["标题"]), (4, ["甲", "乙"])]


def test_the_first_visible_sheet_or_the_one_asked_for(tmp_path: Path) -> None:
    """Hidden sheets are passed over; a sheet can be chosen by name, and a wrong name is told what there is."""
    book = openpyxl.Workbook()
    book.active.title, book.active["A1"] = "字典", "隐藏"
    book.active.sheet_state = "hidden"
    book.create_sheet("数据")["A1"] = "看得见"
    book.active = 1
    book.save(tmp_path / "two.xlsx")
    assert cells(tmp_path / "two.xlsx") == [["看得见"]]
    assert cells(tmp_path / "two.xlsx", sheet="字典") == [["隐藏"]]
    with pytest.raises(Rejected, match="只有：字典、数据"):
        read_rows(tmp_path / "two.xlsx", sheet="无")


def test_prefixed_elements_and_missing_references_are_read(tmp_path: Path) -> None:
    """Exporters that write `x:row` and cells without a reference are read like the others."""
    sheet = (
        '<x:worksheet xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><x:dimension ref="A1:B2"/>'
        '<x:sheetData><x:row><x:c t="inlineStr"><x:is><x:t>甲</x:t></x:is></x:c><x:c><x:v>7</x:v></x:c></x:row>'
        '<x:row><x:c t="str"><x:f>A1</x:f><x:v>乙</x:v></x:c></x:row></x:sheetData></x:worksheet>'
    )
    path = packed(tmp_path / "x.xlsx", {"xl/worksheets/sheet1.xml": sheet})
    with read_rows(path) as rows:
        assert rows.total_rows == 2
        assert list(rows) == [(1, ["甲", "7"]), (2, ["乙"])]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_encodings_and_delimiters_are_found(tmp_path: Path, encoding: str, delimiter: str) -> None:
    """Each encoding and delimiter is recognised from the content, rare characters of GB18030 included."""
    lines = [["名称", "备注"], ["㐀𠮷某店", '带"引号"和\n换行']]
    quoted = "\r\n".join(delimiter.join('"' + cell.replace('"', '""') + '"' for cell in row) for row in lines)
    (tmp_path / "a.txt").write_bytes(quoted.encode(encoding))
    with read_rows(tmp_path / "a.txt") as rows:
        assert [row for _, row in rows] == lines
        assert (rows.kind, rows.delimiter) == ("csv", delimiter)
        assert rows.position() == 1.0


def test_the_encoding_is_decided_over_the_whole_file(tmp_path: Path) -> None:
    """A GB18030 file whose first Chinese character comes after a megabyte is still read as GB18030."""
    (tmp_path / "late.csv").write_bytes(b"a,b\n" * 300_000 + "末,行\n".encode("gb18030"))
    assert cells(tmp_path / "late.csv")[-1] == ["末", "行"]


# Refused, and in words


def test_damaged_utf8_is_not_taken_for_gb18030(tmp_path: Path) -> None:
    """One broken byte in a UTF-8 file is reported with its row, not read as nonsense."""
    text = "行政相对人名称,许可机关\n示范县,审批局\n".encode()
    (tmp_path / "a.csv").write_bytes(text + b"\xe5\x8c,x\n")
    assert "UTF-8 编码，但第 3 行" in refused(tmp_path / "a.csv")


def test_unknown_encodings_are_refused_with_the_place(tmp_path: Path) -> None:
    """What is neither UTF-8 nor GB18030 names the row and the byte."""
    (tmp_path / "a.csv").write_bytes(b"a,b\nc,\xff\xff\n")
    assert "第 2 行（第 7 字节）" in refused(tmp_path / "a.csv")


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@pytest.mark.parametrize(("content", "words"), [
    (b"", "文件是空的"),
    (OLE + bytes(600) + "Workbook".encode("utf-16-le"), "旧版 .xls"),
    (OLE + bytes(600) + "EncryptedPackage".encode("utf-16-le"), "密码保护"),
    (b"<html><table><tr><td>x</td></tr></table>", "网页或 XML"),
    ("\ufeff<?xml version='1.0'?><Workbook/>".encode(), "网页或 XML"),
    (b"%PDF-1.7\n", "不是电子表格"),
    (b"\x89PNG\r\n\x1a\n", "不是电子表格"),
    (b"a,b\0\n", "不是电子表格"),
    (b"a,b\n" * 2000 + b"c,\0\n", "空字符"),
    (b"PK\x03\x04 but no archive", "工作簿已损坏"),
    (b'a,"b\nc,d\n', "引号不成对"),
    (b"a" * (1 << 20) + b"\n", "不像是表格"),
    (b"\xef\xbb\xbf\xff\xfe", "无法识别"),
])  # fmt: skip
def test_what_is_no_spreadsheet_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    """Old, locked, disguised, empty and broken files are each refused with what to do."""
    (tmp_path / "a.xlsx").write_bytes(content)
    assert words in refused(tmp_path / "a.xlsx")


def test_a_missing_file_is_refused_in_words(tmp_path: Path) -> None:
    """A path that cannot be opened is told as such."""
    assert "无法打开文件" in refused(tmp_path / "nowhere.xlsx")
    assert "无法打开文件" in refused(tmp_path)


def test_every_truncation_is_refused_or_complete(tmp_path: Path) -> None:
    """An .xlsx cut short at any place never reads as a shorter sheet."""
    whole = _written(tmp_path).read_bytes()
    for size in range(2, len(whole), 37):
        (tmp_path / "cut.xlsx").write_bytes(whole[:size])
        assert refused(tmp_path / "cut.xlsx")


def test_flipped_bytes_never_raise_anything_else(tmp_path: Path) -> None:
    """A damaged package is refused, or reads whole where the damage is harmless; no other exception escapes."""
    whole = bytearray(_written(tmp_path).read_bytes())
    for place in range(0, len(whole), 11):
        whole[place] ^= 0x55
        (tmp_path / "flip.xlsx").write_bytes(whole)
        with contextlib.suppress(Rejected):
            assert len(cells(tmp_path / "flip.xlsx")) == 3
        whole[place] ^= 0x55


SHEET = "xl/worksheets/sheet1.xml"
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def sheet(rows: str) -> str:
    return f"<worksheet {MAIN}><sheetData>{rows}</sheetData></worksheet>"


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet><sheetData><row><c><v>&a;</v></c></row></sheetData></worksheet>'


@pytest.mark.parametrize(("parts", "words"), [
    ({SHEET: BOMB}, "DTD"),
    ({"xl/workbook.xml": '<!DOCTYPE x SYSTEM "file:///etc/passwd"><workbook/>'}, "DTD"),
    ({SHEET: f"<worksheet {MAIN}><sheetData><row r='1'><c r='A1'><v>1</v></c></row>"}, "已损坏"),
    ({SHEET: sheet("<row r='1'><c r='A1' t='s'><v>9</v></c></row>")}, "不存在的文字"),
    ({SHEET: sheet("<row r='1'><c r='XFE1'><v>9</v></c></row>")}, "无法识别"),
    ({SHEET: sheet("<row r='1'><c s='x'><v>9</v></c></row>")}, "已损坏"),
    ({SHEET: f"<worksheet {MAIN}>{' ' * (40 << 20)}</worksheet>"}, "压缩比"),
    ({"xl/workbook.xml": "<workbook/>"}, "没有可见的工作表"),
    ({"xl/workbook.bin": ""}, ".xlsb"),
    ({"content.xml": ""}, ".ods"),
])  # fmt: skip
def test_hostile_and_foreign_packages(tmp_path: Path, parts: dict[str, str], words: str) -> None:
    """DTDs, bombs, dangling references and other kinds of package are refused before they can do harm."""
    assert words in refused(packed(tmp_path / "bad.xlsx", parts))


def test_an_archive_of_other_things_is_no_workbook(tmp_path: Path) -> None:
    """A zip with a sheet inside says to unpack it first."""
    with ZipFile(tmp_path / "a.xlsx", "w") as package:
        package.writestr("data.csv", "a,b")
    assert "先解压" in refused(tmp_path / "a.xlsx")


# Writing


FORMULAS = ["=1+1", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", '=HYPERLINK("http://x")']


@pytest.mark.parametrize("name", ["a.xlsx", "a.csv"])
def test_nothing_we_write_is_a_formula(tmp_path: Path, name: str) -> None:
    """Cells that begin like a formula are plain text in .xlsx and disarmed in .csv; plain numbers stay."""
    write_rows(tmp_path / name, FORMULAS, [["-12.5", "+86", "正常", None, 7]])
    header, row = cells(tmp_path / name)
    if name == "a.xlsx":
        assert header == FORMULAS
        book = openpyxl.load_workbook(tmp_path / name)
        assert {cell.data_type for cell in book.active[1]} == {"s"}
    else:
        assert header == ["'" + text for text in FORMULAS]
    assert row == ["-12.5", "+86", "正常", "", "7"]


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    """When the rows fail half way, neither a half file nor a temporary one stays, and an older file is untouched."""
    (tmp_path / "a.xlsx").write_bytes(b"old")

    def rows() -> Any:
        yield ["1"]
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_rows(tmp_path / "a.xlsx", HEADER, rows())
    assert [path.name for path in tmp_path.iterdir()] == ["a.xlsx"]
    assert (tmp_path / "a.xlsx").read_bytes() == b"old"


def test_other_endings_are_refused(tmp_path: Path) -> None:
    """The ending decides the format; another one is refused."""
    with pytest.raises(Rejected, match="结尾"):
        write_rows(tmp_path / "a.xls", HEADER, [])


def test_csv_can_be_written_for_old_excel(tmp_path: Path) -> None:
    """GB18030 is written on request; by default there is a BOM, for Excel in Chinese reads no UTF-8 without one."""
    write_rows(tmp_path / "a.csv", HEADER, ROWS)
    assert (tmp_path / "a.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    write_rows(tmp_path / "b.csv", HEADER, ROWS, encoding="gb18030")
    assert cells(tmp_path / "b.csv") == [HEADER, *ROWS]


_MEASURE = """
import sys
from storage.spreadsheet import read_rows, write_rows
def anonymous():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon"))
rows = ([f"示范{i}食品店", f"文书〔2026〕{i}号", *["办理内容" * 6 + str(i)] * 8] for i in range(40_000))
write_rows(sys.argv[1], [str(n) for n in range(10)], rows)
if len(sys.argv) > 2:
    sys.argv[1] = sys.argv[2]
with read_rows(sys.argv[1]) as rows:
    iterator = iter(rows)
    next(iterator)
    before = anonymous()
    peak = max(anonymous() for n, _ in enumerate(iterator) if n % 1000 == 0)
print(peak - before)
"""


@pytest.mark.parametrize("name", ["a.xlsx", "a.csv"])
def test_memory_does_not_grow_with_the_rows(tmp_path: Path, name: str) -> None:
    """40,000 rows are written and read with less than 8 MiB of memory that was not there at the first row."""
    run: Callable[..., str] = subprocess.check_output
    assert int(run([sys.executable, "-c", _MEASURE, str(tmp_path / name)])) < 8 << 10


def test_shared_strings_stay_on_disk(tmp_path: Path) -> None:
    """A workbook with 200,000 different shared strings is read in the same little memory."""
    strings = "".join(f"<si><t>统一办理内容之{'长' * 40}{n}</t></si>" for n in range(200_000))
    rows = "".join(
        f'<row r="{r + 1}">' + "".join(f'<c t="s"><v>{r * 10 + c}</v></c>' for c in range(10)) + "</row>"
        for r in range(20_000)
    )
    with ZipFile(_written(tmp_path)) as package:
        rels = package.read("xl/_rels/workbook.xml.rels").decode()
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"
    parts = {
        "xl/sharedStrings.xml": f"<sst {MAIN}>{strings}</sst>",
        SHEET: f"<worksheet {MAIN}><sheetData>{rows}</sheetData></worksheet>",
        "xl/_rels/workbook.xml.rels": rels.replace(
            "</Relationships>",
            f'<Relationship Id="rId9" Type="{kind}" Target="/xl/sharedStrings.xml"/></Relationships>',
        ),
    }
    path = packed(tmp_path / "many.xlsx", parts)
    found = cells(path)
    assert len(found) == 20_000
    assert found[-1][-1].endswith("长199999")
    grown = subprocess.check_output([sys.executable, "-c", _MEASURE, str(tmp_path / "x.csv"), str(path)])
    assert int(grown) < 8 << 10
