"""Many files as one ZIP, piece by piece, never all in memory; an index first.

Guarantees: names inside are safe to unpack anywhere and there once each. What a file's bytes are, the store has checked.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from admin.cells import code_text
from admin.sheets import guarded
from hub.licensing.batches.take_files import TakenFile

INDEX = "index.csv"
_UNSAFE = re.compile(r'[\x00-\x1f<>:"/\\|?*\x7f]+')
Open = Callable[[TakenFile], AbstractContextManager[Iterable[bytes]]]


class _Pipe:
    """What ZipFile writes into; it cannot be sought in, so sizes follow each file."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        """Keep a piece."""
        self.pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing to do."""

    def taken(self) -> bytes:
        """What was written since the last time."""
        data = b"".join(self.pieces)
        self.pieces.clear()
        return data


def zipped(files: Sequence[TakenFile], open_file: Open) -> Iterator[bytes]:
    """The ZIP."""
    names = file_names(files)
    pipe: Any = _Pipe()
    with ZipFile(pipe, "w", ZIP_STORED) as archive:
        archive.writestr(INDEX, _index(files, names), compress_type=ZIP_DEFLATED)
        yield pipe.taken()
        for one, name in zip(files, names, strict=True):
            with open_file(one) as pieces, archive.open(ZipInfo(name), "w") as entry:
                for piece in pieces:
                    entry.write(piece)
                    yield pipe.taken()
            yield pipe.taken()
    yield pipe.taken()


def file_names(files: Sequence[TakenFile]) -> list[str]:
    """A name for each, none twice."""
    names: list[str] = []
    seen: set[str] = set()
    for one in files:
        plain = _UNSAFE.sub("_", f"{one.number} {one.holder}").strip(". ")[:80] or "licence"
        name, count = f"{plain}.pdf", 1
        while name.lower() in seen:
            count += 1
            name = f"{plain} ({count}).pdf"
        seen.add(name.lower())
        names.append(name)
    return names


def _index(files: Sequence[TakenFile], names: Sequence[str]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["文件名", "证照编号", "证照标识", "证照名称", "持证主体", "状态", "SHA-256"])
    for one, name in zip(files, names, strict=True):
        status = code_text("licence_status", one.status)
        cells = (name, one.number, one.identifier, one.name, one.holder, status, one.sha256.hex())
        writer.writerow([guarded(cell) for cell in cells])
    return b"\xef\xbb\xbf" + text.getvalue().encode()
