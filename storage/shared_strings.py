"""The shared strings of a workbook, kept on disk: memory does not grow with their number.

Guarantees: the texts are in unnamed temporary files that vanish with the process; a single text is limited.
"""

from __future__ import annotations

import mmap
import tempfile
from array import array
from collections.abc import Callable
from contextlib import ExitStack
from typing import IO

from hub.errors import Rejected
from storage.xlsx_parts import CHUNK, MAX_CELL_TEXT, Attributes, local, safe_parser, unescape


class SharedStrings:
    """Texts by number, read through the page cache."""

    def __init__(self, stream: IO[bytes] | None, *, progress: Callable[[int], None]) -> None:
        self._open = ExitStack()
        self._texts: mmap.mmap | bytes = b""
        self._ends = memoryview(b"").cast("B")
        self._count = 0
        if stream is not None:
            with ExitStack() as opened:
                texts = opened.enter_context(tempfile.TemporaryFile())
                ends = opened.enter_context(tempfile.TemporaryFile())
                total = self._spool(stream, texts=texts, ends=ends, progress=progress)
                if self._count:
                    ends_map = opened.enter_context(mmap.mmap(ends.fileno(), 0, access=mmap.ACCESS_READ))
                    self._ends = opened.enter_context(memoryview(ends_map).cast("Q"))
                if total:
                    self._texts = opened.enter_context(mmap.mmap(texts.fileno(), 0, access=mmap.ACCESS_READ))
                self._open = opened.pop_all()

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> str:
        if not 0 <= index < self._count:
            raise Rejected("工作簿已损坏：单元格引用了不存在的文字。请用 Excel 或 WPS 打开并另存后再导入。")
        first = self._ends[index - 1] if index else 0
        return self._texts[first : self._ends[index]].decode()

    def close(self) -> None:
        """Give the disk space back."""
        self._count = 0
        self._open.close()

    def _spool(
        self, stream: IO[bytes], *, texts: IO[bytes], ends: IO[bytes], progress: Callable[[int], None]
    ) -> int:
        collector = _Strings()
        parser = safe_parser(start=collector.start, end=collector.end, text=collector.text)
        total = 0
        while chunk := stream.read(CHUNK):
            parser.Parse(chunk, False)
            progress(len(chunk))
            stops = array("Q")
            for item in collector.done:
                total += texts.write(item)
                stops.append(total)
            ends.write(stops.tobytes())
            self._count += len(collector.done)
            collector.done.clear()
        parser.Parse(b"", True)
        texts.flush()
        ends.flush()
        return total


class _Strings:
    """Collects the text of each `si`, without its phonetic guide (`rPh`)."""

    def __init__(self) -> None:
        self.done: list[bytes] = []
        self._pieces: list[str] = []
        self._size = 0
        self._taking = False
        self._phonetic = False

    def start(self, name: str, _attributes: Attributes) -> None:
        match local(name):
            case "t":
                self._taking = not self._phonetic
            case "rPh":
                self._phonetic = True

    def end(self, name: str) -> None:
        match local(name):
            case "t":
                self._taking = False
            case "rPh":
                self._phonetic = False
            case "si":
                self.done.append(unescape("".join(self._pieces)).encode("utf-8", "replace"))
                self._pieces.clear()
                self._size = 0

    def text(self, data: str) -> None:
        if self._taking:
            self._size += len(data)
            if self._size > MAX_CELL_TEXT:
                raise Rejected("工作簿中有一个单元格的文字超过 100 万字，已拒绝。")
            self._pieces.append(data)
