"""Files of records, read and written: CSV, XLSX, JSON and XML; one module per format, imported when it is met.

Reading guarantees: memory does not grow with the file; a broken row is said with its cause and the others go on; a file
that cannot be read as a whole raises `Unreadable` with a sentence that says what to do. Values stay the text that stands
there unless the format itself knows better (numbers and truth in JSON). Nothing is executed or fetched.
Writing guarantees: the whole file, or `Unwritable` for what the format cannot hold.
Not here: where files lie (connectors.adapters.shelf), what the fields mean (schemas.mapping).
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Literal, Protocol, cast

from connectors.errors import ConnectorError, Misconfigured

__all__ = [
    "FORMATS",
    "Reading",
    "Row",
    "Unreadable",
    "Unwritable",
    "Writing",
    "format_of",
    "read_rows",
    "write_file",
]

#: format -> (module, what to install where it cannot be imported)
FORMATS: dict[str, tuple[str, str]] = {
    "csv": ("connectors.formats.csv_file", "connector"),
    "xlsx": ("connectors.formats.xlsx_file", "connector-xlsx"),
    "json": ("connectors.formats.json_file", "connector"),
    "xml": ("connectors.formats.xml_file", "connector"),
}
#: Ends of file names, and the format that they promise.
_ENDS = {
    "csv": "csv",
    "txt": "csv",
    "tsv": "csv",
    "xlsx": "xlsx",
    "json": "json",
    "jsonl": "json",
    "xml": "xml",
}
#: Rows of one file; with more it is no exchange but a copy of a database.
MOST_ROWS = 5_000_000
MOST_COLUMNS = 1000
#: Characters of one cell; the csv module of Python draws the same line.
LONGEST_CELL = 131_072

#: Its number as people count it (the row on the screen, the n-th element); what it says; why it cannot be read.
Row = tuple[int, Mapping[str, Any], str | None]


class Unreadable(ConnectorError):
    """文件无法读取。请重新导出。"""


class Unwritable(ConnectorError):
    """这条记录无法写成文件。"""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file is read; what is left empty is found out."""

    encoding: str = "auto"
    delimiter: str = "auto"
    quote: Literal["double", "none"] = "double"
    header_row: int = 0  # 0: the first row with two or more filled cells
    header_rows: int = 1  # more: headings over headings, joined
    sheet: str = ""
    records_at: str = ""  # JSON: where the list is, names joined by dots
    record_element: str = ""  # XML: its name; empty: every child of the root


@dataclass(frozen=True, slots=True)
class Writing:
    """How a file is written."""

    encoding: str = "utf-8-sig"
    delimiter: str = ","
    formula_safe: bool = True
    sheet: str = "Sheet1"
    json_shape: Literal["array", "object", "lines"] = "array"
    root_element: str = "records"
    record_element: str = "record"


class _Format(Protocol):
    def read(self, file: IO[bytes], how: Reading) -> Iterator[Row]: ...

    def write(
        self, file: IO[bytes], columns: Sequence[str], records: Iterable[Mapping[str, Any]], how: Writing
    ) -> None: ...


def format_of(name: str) -> str | None:
    """The format that a file's name promises; None for files that are not ours to read."""
    return _ENDS.get(name.rpartition(".")[2].lower()) if "." in name else None


def read_rows(file: IO[bytes], kind: str, how: Reading) -> Iterator[Row]:
    """Its records one by one, from a file that can be read from the start again. Raises Unreadable."""
    return _format(kind).read(file, how)


def write_file(
    file: IO[bytes], kind: str, columns: Sequence[str], records: Iterable[Mapping[str, Any]], how: Writing
) -> None:
    """All of the records, under these columns where the format has columns. Raises Unwritable."""
    _format(kind).write(file, columns, records, how)


def _format(kind: str) -> _Format:
    module, extra = FORMATS.get(kind, ("", ""))
    if not module:
        raise Misconfigured(f"没有“{kind}”这种文件格式，可用：{'、'.join(FORMATS)}。")
    try:
        return cast(_Format, importlib.import_module(module))
    except ImportError as error:
        raise Misconfigured(
            f"读写 {kind} 文件所需的组件没有安装（{error.name}）。请执行 pip install 'shenguan-hub[{extra}]'。"
        ) from error
