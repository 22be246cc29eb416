"""Compound files (OLE2: DOC, XLS, PPT and WPS's own): which of them it is, and that no macros are in it.

Guarantees: reads the file's directory only, at most MOST_SECTORS of it, in constant memory; chains that loop or leave the
file are refused. Does not read the documents themselves.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import IO

from hub.errors import Rejected

START = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
MOST_SECTORS = 4096
_END, _FREE = 0xFFFFFFFE, 0xFFFFFFFF
_STREAMS = (
    ("WordDocument", "doc"),
    ("Workbook", "xls"),
    ("Book", "xls"),
    ("PowerPoint Document", "ppt"),
)
_MACROS = {"_VBA_PROJECT", "_VBA_PROJECT_CUR", "VBA", "Macros"}


def inspect(file: IO[bytes], name: str) -> str | None:
    """The kind, or None for a compound file that is no document. Raises Rejected."""
    try:
        names = set(_names(file))
    except (struct.error, IndexError, ValueError) as error:
        raise Rejected(f"“{name}”的结构已损坏或不完整，已拒绝。请重新另存一份再上传。") from error
    if "EncryptedPackage" in names or "EncryptionInfo" in names:
        raise Rejected(f"“{name}”设有打开密码，中心无法查验。请去掉密码后重新上传。")
    if names & _MACROS:
        raise Rejected(f"“{name}”带有宏程序，已拒绝。请另存为不带宏的 .docx、.xlsx 或 PDF 再上传。")
    return next((kind for stream, kind in _STREAMS if stream in names), None)


def _names(file: IO[bytes]) -> Iterator[str]:
    """The names of all streams and storages ([MS-CFB] 2.6)."""
    file.seek(0)
    header = file.read(512)
    (shift,) = struct.unpack("<H", header[30:32])
    if shift not in (9, 12):
        raise ValueError("sector size")
    size = 1 << shift
    (directory,) = struct.unpack("<I", header[48:52])
    for sector in _chain(file, header, directory, size):
        for at in range(0, size, 128):
            entry = sector[at : at + 128]
            (length,) = struct.unpack("<H", entry[64:66])
            if entry[66] in (1, 2) and 2 <= length <= 64:
                yield entry[: length - 2].decode("utf-16-le", "replace")


def _chain(file: IO[bytes], header: bytes, sector: int, size: int) -> Iterator[bytes]:
    table = _Table(file, header, size)
    for _ in range(MOST_SECTORS):
        if sector in (_END, _FREE):
            return
        yield _sector(file, sector, size)
        sector = table.after(sector)
    raise ValueError("directory too long, or a loop")


class _Table:
    """The sector allocation table, read where it is asked."""

    def __init__(self, file: IO[bytes], header: bytes, size: int) -> None:
        self._file = file
        self._size = size
        self._first = struct.unpack("<109I", header[76:512])
        (self._more,) = struct.unpack("<I", header[68:72])

    def after(self, sector: int) -> int:
        """The sector that follows."""
        each = self._size // 4
        table = _sector(self._file, self._place(sector // each), self._size)
        (following,) = struct.unpack_from("<I", table, 4 * (sector % each))
        return int(following)

    def _place(self, number: int) -> int:
        if number < 109:
            return int(self._first[number])
        each, sector = self._size // 4 - 1, self._more
        number -= 109
        for _ in range(MOST_SECTORS):
            more = _sector(self._file, sector, self._size)
            if number < each:
                (found,) = struct.unpack_from("<I", more, 4 * number)
                return int(found)
            number -= each
            (sector,) = struct.unpack_from("<I", more, self._size - 4)
        raise ValueError("table too long, or a loop")


def _sector(file: IO[bytes], number: int, size: int) -> bytes:
    file.seek((number + 1) * size)
    sector = file.read(size)
    if len(sector) < size:
        # The last sector of some writers is short; whatever else is cut off is damage.
        if not sector:
            raise ValueError("beyond the end")
        sector = sector.ljust(size, b"\0")
    return sector
