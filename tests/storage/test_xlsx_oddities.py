"""What exporters and people put into an .xlsx that openpyxl alone would refuse, change or warn of; and hostile sizes."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from hub.errors import Rejected
from storage.spreadsheet import read_rows, write_rows

SHEET = "xl/worksheets/sheet1.xml"
STYLES = "xl/styles.xml"
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def sheet(rows: str, *, before: str = "", after: str = "") -> str:
    return f"<worksheet {MAIN}>{before}<sheetData>{rows}</sheetData>{after}</worksheet>"


def packed(path: Path, parts: dict[str, str]) -> Path:
    base = path.with_name("base.xlsx")
    write_rows(base, ["头"], [["值"]])
    with ZipFile(base) as old, ZipFile(path, "w", ZIP_DEFLATED) as new:
        for name in {**dict.fromkeys(old.namelist()), **parts}:
            new.writestr(name, parts[name] if name in parts else old.read(name))
    return path


def rows_of(path: Path) -> list[tuple[int, list[str]]]:
    with read_rows(path) as rows:
        return list(rows)


def test_a_number_typed_into_a_date_cell_is_kept(tmp_path: Path) -> None:
    """20260102 in a cell with a date format is no date of Excel's and stays as typed, for the hub to understand."""
    styles = f'<styleSheet {MAIN}><cellXfs><xf numFmtId="14"/></cellXfs></styleSheet>'
    content = sheet('<row r="1"><c r="A1" s="0"><v>20260102</v></c><c r="B1" s="0"><v>46024</v></c></row>')
    path = packed(tmp_path / "a.xlsx", {SHEET: content, STYLES: styles})
    assert rows_of(path) == [(1, ["20260102", "2026-01-02"])]


def test_odd_styles_fonts_and_extensions_do_not_matter(tmp_path: Path) -> None:
    """Empty fills, unknown fonts in rich text, tall rows, extensions: none of it is rows, none of it is in the way."""
    styles = f'<styleSheet {MAIN}><fills><fill/></fills><cellXfs><xf numFmtId="0"/></cellXfs></styleSheet>'
    rich = '<r><rPr><family val="99"/><rFont val="仿宋"/></rPr><t>红</t></r><r><t>头</t></r><rPh><t>hong</t></rPh>'
    content = sheet(
        f'<row r="2" ht="40" customHeight="1"><c r="A2" t="inlineStr"><is>{rich}</is></c></row>',
        before='<sheetPr><outlinePr applyStyles="odd"/></sheetPr><dimension ref="nonsense"/>',
        after='<extLst><ext uri="{CCE6A557-97BC-4B89-ADB6-D9C93CAAB3DF}"/></extLst>',
    )
    assert rows_of(packed(tmp_path / "a.xlsx", {SHEET: content, STYLES: styles})) == [(2, ["红头"])]


def test_a_sheet_wrong_about_its_size_loses_nothing(tmp_path: Path) -> None:
    """Rows and columns outside the stated dimension, out of order and with a gap of a million, are all given."""
    content = sheet(
        '<row r="1048576"><c r="D1048576"><v>1</v></c></row><row r="2"><c r="A2"><v>2</v></c></row>',
        before='<dimension ref="A1:B1"/>',
    )
    with read_rows(packed(tmp_path / "a.xlsx", {SHEET: content})) as rows:
        assert rows.total_rows == 1
        assert list(rows) == [(1048576, ["", "", "", "1"]), (2, ["2"])]


@pytest.mark.parametrize(
    "content",
    [
        sheet(f'<row r="1"><c r="A1" t="inlineStr"><is><t>{"x" * (12 << 20)}</t></is></c></row>'),
        sheet(f'<row r="1">{"<c/>" * (3 << 20)}</row>'),
    ],
    ids=["cell", "row"],
)
def test_a_row_that_would_fill_the_memory_is_refused(tmp_path: Path, content: str) -> None:
    """A cell or row of many megabytes passes the limits of the package and is refused on the way."""
    with pytest.raises(Rejected, match="异常庞大"):
        rows_of(packed(tmp_path / "a.xlsx", {SHEET: content}))


def test_a_strict_workbook_is_refused_not_read_as_empty(tmp_path: Path) -> None:
    """ "Strict Open XML" has other names for everything; it is told so, and so is a sheet of no known language."""
    with ZipFile(packed(tmp_path / "plain.xlsx", {})) as package:
        rels = package.read("xl/_rels/workbook.xml.rels").decode()
    strict = rels.replace(
        "schemas.openxmlformats.org/officeDocument/2006", "purl.oclc.org/ooxml/officeDocument"
    )
    with pytest.raises(Rejected, match="严格 Open XML"):
        rows_of(packed(tmp_path / "a.xlsx", {"xl/_rels/workbook.xml.rels": strict}))
    with pytest.raises(Rejected, match="无法识别"):
        rows_of(packed(tmp_path / "b.xlsx", {SHEET: "<worksheet><sheetData/></worksheet>"}))


def test_text_that_looks_like_markup_is_written_as_text(tmp_path: Path) -> None:
    """`<r>...</r>` is no markup, overlapping escapes and half a surrogate pair are no trouble, no address is a link."""
    texts = ["<r><t>x</t></r>", "<r>&</r>", "_x0041_x0042_", "http://example.cn", "=1", "001"]
    write_rows(tmp_path / "a.xlsx", texts, [["\ud800半"]], title="'[坏]:*?/\\名字")
    with read_rows(tmp_path / "a.xlsx") as rows:
        assert list(rows) == [(1, texts), (2, ["\ufffd半"])]
        assert rows.sheet_names == ("坏      名字",)
