"""Sheets that people open in Excel or WPS: .xlsx and .csv, written row by row in constant memory.

Guarantees: every cell of an .xlsx is text (long numbers keep their digits, nothing is ever a formula); in a .csv a
cell that a spreadsheet would take for a formula gets a leading apostrophe. The file appears under its name only when
whole, and readable by its owner alone, for sheets of ours name persons.
Not here: types, colours, several sheets.
"""

from __future__ import annotations

import csv
import io
import os
import re
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO
from xml.sax.saxutils import escape, quoteattr
from zipfile import ZIP_DEFLATED, ZipFile

from hub.errors import Rejected

MAX_ROWS = 1_048_576
MAX_TEXT = 32_767
_ZIP_LEVEL = 3
_UNSPEAKABLE = re.compile("[\x00-\x08\x0b\x0c\x0d\x0e-\x1f\ufffe\uffff\ud800-\udfff]|_(?=x[0-9A-Fa-f]{4}_)")
_FORMULA = re.compile(r"[=+\-@\t\r]")
_PLAIN_NUMBER = re.compile(r"[+-]?\d{1,15}(\.\d+)?")
_OOXML = "http://schemas.openxmlformats.org"
_MAIN = f"{_OOXML}/spreadsheetml/2006/main"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_WIDE = re.compile("[ᄀ-￿]")


def write_rows(
    path: str | Path,
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    title: str = "Sheet1",
    encoding: str = "utf-8-sig",
    widths: Sequence[int] | None = None,
) -> int:
    """Write a sheet, .xlsx or .csv by the name's ending; `encoding` is of .csv only. Gives the number of rows."""
    path = Path(path)
    kind = path.suffix.lower()
    if kind not in (".xlsx", ".csv"):
        raise Rejected(f"文件名“{path.name}”应以 .xlsx 或 .csv 结尾。")
    try:
        handle, partial = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise Rejected(f"无法写入 {path}：{error.strerror}。") from error
    try:
        with os.fdopen(handle, "wb") as stream:
            if kind == ".xlsx":
                count = _write_xlsx(stream, header, rows, title=title, widths=widths)
            else:
                count = _write_csv(stream, header, rows, encoding=encoding)
        os.replace(partial, path)
    except BaseException:
        os.unlink(partial)
        raise
    return count


def _write_csv(
    stream: IO[bytes], header: Sequence[str], rows: Iterable[Sequence[object]], *, encoding: str
) -> int:
    count = 0
    text = io.TextIOWrapper(stream, encoding=encoding, newline="", write_through=False)
    writer = csv.writer(text)
    writer.writerow([_unarmed(str(cell)) for cell in header])
    for row in rows:
        writer.writerow(["" if cell is None else _unarmed(str(cell)) for cell in row])
        count += 1
    text.flush()
    text.detach()
    return count


def _unarmed(text: str) -> str:
    """The text, such that no spreadsheet program takes it for a formula when it opens a .csv."""
    text = text.replace("\0", "")
    return f"'{text}" if _FORMULA.match(text) and not _PLAIN_NUMBER.fullmatch(text) else text


def _write_xlsx(
    stream: IO[bytes],
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    title: str,
    widths: Sequence[int] | None,
) -> int:
    count = 0
    with ZipFile(stream, "w", ZIP_DEFLATED, compresslevel=_ZIP_LEVEL) as package:
        for name, text in _fixed_parts(title).items():
            package.writestr(name, text)
        with package.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            sheet.write(_sheet_head(header, widths).encode())
            sheet.write(_row_xml(1, header, style=2))
            for count, row in enumerate(rows, 1):
                if count >= MAX_ROWS:
                    raise Rejected(f"一个工作表最多 {MAX_ROWS} 行，请改用 .csv。")
                sheet.write(_row_xml(count + 1, row, style=1))
            sheet.write(b"</sheetData></worksheet>")
    return count


def _row_xml(number: int, cells: Sequence[object], *, style: int) -> bytes:
    parts = [f'<row r="{number}">']
    for column, cell in enumerate(cells):
        if cell is None or cell == "":
            continue
        text = _UNSPEAKABLE.sub(_spelled, str(cell)[:MAX_TEXT])
        parts.append(
            f'<c r="{_letters(column)}{number}" s="{style}" t="inlineStr"><is><t xml:space="preserve">'
            f"{escape(text)}</t></is></c>"
        )
    parts.append("</row>")
    return "".join(parts).encode()


def _spelled(found: re.Match[str]) -> str:
    """Excel's own spelling of what XML cannot carry; half a surrogate pair is nothing at all."""
    code = ord(found[0])
    return "\ufffd" if 0xD800 <= code < 0xE000 else f"_x{code:04X}_"


_LETTERS: list[str] = []


def _letters(column: int) -> str:
    while column >= len(_LETTERS):
        number, letters = len(_LETTERS) + 1, ""
        while number:
            number, rest = divmod(number - 1, 26)
            letters = chr(65 + rest) + letters
        _LETTERS.append(letters)
    return _LETTERS[column]


def _sheet_head(header: Sequence[str], widths: Sequence[int] | None) -> str:
    wide = widths or [min(max(len(name) + len(_WIDE.findall(name)) + 4, 10), 40) for name in header]
    columns = "".join(
        f'<col min="{n}" max="{n}" width="{width}" style="1" customWidth="1"/>'
        for n, width in enumerate(wide, 1)
    )
    return (
        f'{_XML}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
        '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
        + (f"<cols>{columns}</cols>" if columns else "")
        + "<sheetData>"
    )


def _fixed_parts(title: str) -> dict[str, str]:
    package, office = f"{_OOXML}/package/2006", f"{_OOXML}/officeDocument/2006/relationships"
    sheet_type = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    name = quoteattr(re.sub(r"[\\/*?:\[\]\x00-\x1f]", " ", title)[:31].strip("' ") or "Sheet1")
    text_format = '<xf numFmtId="49" fontId="{0}" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    return {
        "[Content_Types].xml": f'{_XML}<Types xmlns="{package}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{sheet_type}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{sheet_type}.worksheet+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{sheet_type}.styles+xml"/></Types>',
        "_rels/.rels": f'{_XML}<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="rId1" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{office}">'
        f'<sheets><sheet name={name} sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'{_XML}<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="rId1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId2" Type="{office}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": f'{_XML}<styleSheet xmlns="{_MAIN}">'
        '<fonts count="2"><font><sz val="11"/><name val="等线"/></font>'
        '<font><b/><sz val="11"/><name val="等线"/></font></fonts>'
        '<fills count="2"><fill><patternFill patternType="none"/></fill>'
        '<fill><patternFill patternType="gray125"/></fill></fills>'
        '<borders count="1"><border/></borders>'
        '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
        '<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
        f"{text_format.format(0)}{text_format.format(1)}</cellXfs>"
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>',
    }
