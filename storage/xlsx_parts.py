"""The parts of an .xlsx package that are read before its rows: sheets and date styles, by openpyxl.

Guarantees: no part with a DTD is read (so no entity can expand or point outside), nothing but the named parts is
unpacked, macros and links are never looked at.
Not here: the shared strings (`storage.shared_strings`), the rows (`storage.xlsx`), and whether the file is an .xlsx
at all (`storage.spreadsheet`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO
from xml.etree import ElementTree
from zipfile import ZipFile

from defusedxml.common import DTDForbidden
from defusedxml.ElementTree import iterparse as defused_iterparse
from openpyxl.packaging.relationship import get_rels_path
from openpyxl.reader.excel import ExcelReader, _find_workbook_part
from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format
from openpyxl.xml.constants import ARC_CONTENT_TYPES, SHEET_MAIN_NS

from hub.errors import Rejected

MAIN = f"{{{SHEET_MAIN_NS}}}"
_MAX_PART = 16 << 20
# The most XML that may stand between the ends of two rows, or of two shared strings: this much is in memory at once.
_MAX_PIECE = 8 << 20
# Excel in Chinese stores these dates by number alone, with no format text in the file (ECMA-376, 18.8.30, zh-cn),
# and openpyxl does not know them.
_CHINESE_DATES = dict.fromkeys((*range(27, 37), *range(50, 59)), "yyyy-m-d")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A worksheet's name and where its XML is."""

    name: str
    part: str
    hidden: bool


@dataclass(frozen=True, slots=True)
class Book:
    """What must be known of a workbook to read its rows."""

    package: ZipFile
    sheets: tuple[Sheet, ...]
    date_styles: frozenset[int]
    epoch: datetime
    strings_part: str | None


class Counted:
    """A part as a stream: tells how much was read, and refuses a single piece that would fill the memory."""

    def __init__(self, stream: IO[bytes], progress: Callable[[int], None]) -> None:
        self._stream = stream
        self._progress = progress
        self._piece = 0

    def read(self, size: int = -1) -> bytes:
        chunk = self._stream.read(size)
        self._progress(len(chunk))
        self._piece += len(chunk)
        if self._piece > _MAX_PIECE:
            raise Rejected("工作簿中有一行或一个单元格异常庞大，疑似恶意文件，已拒绝。")
        return chunk

    def next_piece(self) -> None:
        """What was read so far has been dealt with."""
        self._piece = 0


def elements(stream: Counted, name: str, parent: str) -> Iterator[ElementTree.Element]:
    """Each `name` inside the one `parent`, whole; it and all before it are forgotten afterwards. Reads to the end.

    Only for parts that `refuse_dtd` has seen: the parser is the fast one, not defusedxml's.
    """
    holder: ElementTree.Element | None = None
    for event, element in ElementTree.iterparse(stream, events=("start", "end")):  # noqa: S314
        if event == "start":
            if holder is None and element.tag == parent:
                holder = element
        elif element.tag == name and holder is not None:
            yield element
            holder.clear()
            stream.next_piece()
        elif element is holder:
            break
    while stream.read(1 << 18):  # the archive's checksum is compared at its end
        stream.next_piece()


def text_of(element: ElementTree.Element) -> str:
    """The text of a shared or inline string: its runs in a row, without fonts and without phonetic guide."""
    plain, runs = element.iterfind(f"{MAIN}t"), element.iterfind(f"{MAIN}r/{MAIN}t")
    return "".join(part.text or "" for part in (*plain, *runs))


def refuse_dtd(package: ZipFile, part: str) -> str:
    """Refuse a part that begins with a DTD; gives the name of its root element."""
    with package.open(part) as stream:
        try:
            for _, element in defused_iterparse(stream, events=("start",), forbid_dtd=True):
                return str(element.tag)
        except DTDForbidden as error:
            raise Rejected("工作簿内含有 DTD 声明，可能被用于攻击，已拒绝。") from error
    return ""


def open_book(stream: IO[bytes], check: Callable[[ZipFile], None]) -> Book:
    """Sheets, date styles and the place of the shared strings, of a package that passes `check`."""
    reader = ExcelReader(stream, read_only=True, data_only=True, keep_links=False)
    package: ZipFile = reader.archive
    check(package)
    _fit(package, ARC_CONTENT_TYPES)
    reader.read_manifest()
    try:
        workbook = _find_workbook_part(reader.package).PartName[1:]
        _fit(package, workbook)
    except (KeyError, OSError) as error:
        raise Rejected(
            "此文件不是 Excel 工作簿（缺少 workbook.xml）。请用 Excel 或 WPS 另存为 .xlsx 后再导入。"
        ) from error
    _fit(package, get_rels_path(workbook))
    reader.read_workbook()
    relations = reader.parser.rels
    if any("purl.oclc.org" in relation.Type for relation in relations.values()):
        raise Rejected("这是“严格 Open XML”工作簿。请用 Excel 或 WPS 另存为普通的 .xlsx 后再导入。")
    names = {name.lower(): name for name in package.namelist()}

    def of_kind(kind: str) -> str | None:
        targets = (r.target.lower() for r in relations.values() if r.Type.endswith(f"/{kind}"))
        return next((names[target] for target in targets if target in names), None)

    sheets: list[Sheet] = []
    for sheet in reader.parser.sheets:
        relation = relations.get(sheet.id)
        if relation is not None and relation.Type.endswith("/worksheet") and relation.target.lower() in names:
            sheets.append(Sheet(sheet.name, names[relation.target.lower()], sheet.state != "visible"))
    return Book(
        package,
        tuple(sheets),
        _date_styles(package, of_kind("styles")),
        reader.wb.epoch,
        of_kind("sharedStrings"),
    )


def _fit(package: ZipFile, part: str) -> None:
    """Refuse what openpyxl reads in one piece and should not."""
    if package.getinfo(part).file_size > _MAX_PART:
        raise Rejected("工作簿的样式或目录部分异常庞大，疑似恶意文件，已拒绝。")
    refuse_dtd(package, part)


def _date_styles(package: ZipFile, part: str | None) -> frozenset[int]:
    """The numbers of the cell styles that show a date or a time.

    openpyxl's own stylesheet is not used: it refuses whole workbooks for a font or a fill that it finds odd.
    """
    if part is None:
        return frozenset()
    _fit(package, part)
    root = ElementTree.fromstring(package.read(part))  # noqa: S314 no DTD in it
    formats = _CHINESE_DATES | BUILTIN_FORMATS
    for found in root.iterfind(f"{MAIN}numFmts/{MAIN}numFmt"):
        formats[int(found.get("numFmtId", "0"))] = found.get("formatCode", "")
    styles = root.iterfind(f"{MAIN}cellXfs/{MAIN}xf")
    return frozenset(
        index
        for index, style in enumerate(styles)
        if is_date_format(formats.get(int(style.get("numFmtId", "0"))))
    )
