"""What departments export, as rows of text: .xlsx and delimited text, judged by content and not by name.

Guarantees: memory does not grow with the file; a file that cannot be read in full is refused with a sentence that says
what to do; nothing in it is executed, unpacked beyond its limits or fetched from outside.
Not here: which row is the header and what the columns mean (the hub's business). An .xlsx that is damaged in the
middle is found out there: rows before the damage have been given out by then.
"""

from __future__ import annotations

import mmap
from pathlib import Path

from hub.errors import Rejected
from storage.book_rows import SAVE_AS, Row, SheetRows, read_book
from storage.csv_text import Text, examine, text_rows
from storage.sheet_writer import write_book, write_rows

__all__ = ["Row", "SheetRows", "read_rows", "write_book", "write_rows"]


def read_rows(path: str | Path, *, sheet: str | None = None) -> SheetRows:
    """Open a spreadsheet. Without `sheet`, the first visible worksheet is read."""
    path = Path(path)
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            head = stream.read(4096)
    except OSError as error:
        raise Rejected(f"无法打开文件 {path}：{error.strerror}。请核对路径和权限。") from error
    if size == 0:
        raise Rejected("文件是空的。请重新导出。")
    if head.startswith(b"PK"):
        return read_book(path, sheet)
    _refuse_others(path, head)
    return _read_text(examine(path), size)


def _read_text(text: Text, size: int) -> SheetRows:
    rows = SheetRows(kind="csv", total_rows=text.lines, size=size)
    rows.encoding, rows.delimiter = text.encoding.removesuffix("-sig"), text.delimiter
    rows._start = lambda: text_rows(text, progress=rows._progress)
    return rows


def _refuse_others(path: Path, head: bytes) -> None:
    """Files that are neither a zip package nor delimited text, each by its own name."""
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            if content.find("EncryptedPackage".encode("utf-16-le")) >= 0:
                raise Rejected("文件有密码保护，无法读取。请在 Excel 或 WPS 中去掉密码后再导入。")
        raise Rejected("这是旧版 .xls 工作簿。" + SAVE_AS)
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<html", b"<!doctype", b"<table", b"<meta", b"<?xml", b"<div", b"<style")):
        raise Rejected("文件实为网页或 XML，只是名字像电子表格。" + SAVE_AS)
    if text.startswith(
        (b"%pdf", b"\x89png", b"\xff\xd8\xff", b"gif8", b"rar!", b"7z\xbc\xaf", b"\x1f\x8b", b"{\\rtf")
    ):
        raise Rejected("这不是电子表格。请导入 .xlsx 或 .csv 文件。")
    if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Rejected("这不是电子表格，或文件已损坏。请导入 .xlsx 或 .csv 文件。")
