"""Lists as files: an XLSX in pieces, and CSV cells that no spreadsheet program runs as a formula."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from storage.spreadsheet import write_rows

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def guarded(value: str) -> str:
    """A text that a spreadsheet shows and never computes."""
    return f"'{value}" if value.startswith(_FORMULA) else value


def workbook(rows: Iterator[list[str]]) -> Iterator[bytes]:
    """An .xlsx of a heading row and the rest; never all in memory."""
    header = next(rows)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.xlsx"
        write_rows(path, header, chain(rows), title="数据")
        with path.open("rb") as file:
            while piece := file.read(65536):
                yield piece
