"""The parts of an .xlsx package that are read before its rows: sheets and date styles.

Guarantees: no part with a DTD is read (so no entity can expand or point outside), nothing but the named parts is
unpacked, macros and links are never looked at.
Not here: the shared strings (`storage.shared_strings`), the rows (`storage.xlsx`), and whether the file is an .xlsx
at all (`storage.spreadsheet`).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO
from xml.parsers import expat
from zipfile import ZipFile

from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format

from hub.errors import Rejected

CHUNK = 1 << 18
MAX_CELL_TEXT = 1 << 20
_MAX_SMALL_PART = 64 << 20
_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")
# Excel in Chinese stores these dates by number alone, with no format text in the file (ECMA-376, 18.8.30, zh-cn).
_CHINESE_DATES = frozenset({*range(27, 37), *range(50, 59)})

Attributes = dict[str, str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A worksheet's name and where its XML is."""

    name: str
    part: str
    hidden: bool


@dataclass(frozen=True, slots=True)
class Book:
    """What must be known of a workbook to read its rows."""

    sheets: tuple[Sheet, ...]
    date_styles: frozenset[int]
    epoch_1904: bool
    strings_part: str | None


def local(name: str) -> str:
    """An element's name without its prefix: some exporters write `x:row`."""
    return name.rpartition(":")[2]


def parse(
    stream: IO[bytes],
    *,
    start: Callable[[str, Attributes], None],
    end: Callable[[str], None] | None = None,
    text: Callable[[str], None] | None = None,
) -> None:
    """Run the handlers over a whole part."""
    parser = safe_parser(start=start, end=end, text=text)
    while chunk := stream.read(CHUNK):
        parser.Parse(chunk, False)
    parser.Parse(b"", True)


def safe_parser(
    *,
    start: Callable[[str, Attributes], None],
    end: Callable[[str], None] | None = None,
    text: Callable[[str], None] | None = None,
) -> expat.XMLParserType:
    """An expat parser that refuses a DTD, and with it every entity trick."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _no_doctype
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    return parser


def read_book(package: ZipFile) -> Book:
    """Sheets, date styles and the place of the shared strings."""
    names = {name.lower(): name for name in package.namelist()}
    workbook = names.get(_workbook_part(package, names).lower())
    if workbook is None:
        raise Rejected(
            "此文件不是 Excel 工作簿（缺少 workbook.xml）。请用 Excel 或 WPS 另存为 .xlsx 后再导入。"
        )
    folder = posixpath.dirname(workbook)
    targets = _relations(
        package, names.get(f"{folder}/_rels/{posixpath.basename(workbook)}.rels".lower()), folder
    )
    sheets: list[Sheet] = []
    epoch_1904 = False

    def start(name: str, attributes: Attributes) -> None:
        nonlocal epoch_1904
        if local(name) == "workbookPr":
            epoch_1904 = attributes.get("date1904", "0") in ("1", "true")
        elif local(name) == "sheet":
            relation = next(
                (value for key, value in attributes.items() if local(key) == "id" and ":" in key), ""
            )
            kind, target = targets.get(relation, ("", ""))
            if kind == "worksheet" and target.lower() in names:
                hidden = attributes.get("state", "visible") != "visible"
                sheets.append(Sheet(attributes.get("name", ""), names[target.lower()], hidden))

    _parse_small(package, workbook, start)
    by_kind = {kind: names.get(target.lower()) for kind, target in targets.values()}
    return Book(
        tuple(sheets), _date_styles(package, by_kind.get("styles")), epoch_1904, by_kind.get("sharedStrings")
    )


def _workbook_part(package: ZipFile, names: dict[str, str]) -> str:
    targets = _relations(package, names.get("_rels/.rels"), "")
    return next((target for kind, target in targets.values() if kind == "officeDocument"), "xl/workbook.xml")


def _relations(package: ZipFile, part: str | None, folder: str) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}

    def start(name: str, attributes: Attributes) -> None:
        if local(name) == "Relationship" and attributes.get("TargetMode") != "External":
            target = posixpath.normpath(posixpath.join("/" + folder, attributes.get("Target", "")))
            kind = attributes.get("Type", "").rpartition("/")[2]
            found[attributes.get("Id", "")] = (kind, target.lstrip("/"))

    if part is not None:
        _parse_small(package, part, start)
    return found


def _date_styles(package: ZipFile, part: str | None) -> frozenset[int]:
    """The numbers of the cell styles that show a date or a time."""
    if part is None:
        return frozenset()
    dates = {n for n, code in BUILTIN_FORMATS.items() if is_date_format(code)} | _CHINESE_DATES
    styles: list[int] = []
    inside = False

    def start(name: str, attributes: Attributes) -> None:
        nonlocal inside
        match local(name):
            case "numFmt":
                number, code = int(attributes.get("numFmtId", "0")), attributes.get("formatCode", "")
                (dates.add if is_date_format(code) else dates.discard)(number)
            case "cellXfs":
                inside = True
            case "xf" if inside:
                styles.append(int(attributes.get("numFmtId", "0")))

    def end(name: str) -> None:
        nonlocal inside
        inside = inside and local(name) != "cellXfs"

    _parse_small(package, part, start, end)
    return frozenset(index for index, number in enumerate(styles) if number in dates)


def _parse_small(
    package: ZipFile,
    part: str,
    start: Callable[[str, Attributes], None],
    end: Callable[[str], None] | None = None,
) -> None:
    if package.getinfo(part).file_size > _MAX_SMALL_PART:
        raise Rejected("工作簿的样式或目录部分异常庞大，疑似恶意文件，已拒绝。")
    with package.open(part) as stream:
        parse(stream, start=start, end=end)


def unescape(text: str) -> str:
    """Undo Excel's `_x000D_` spelling of characters that XML cannot carry."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def _no_doctype(*_: object) -> None:
    raise Rejected("工作簿内含有 DTD 声明，可能被用于攻击，已拒绝。")
