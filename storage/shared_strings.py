"""The shared strings of a workbook, kept on disk: memory does not grow with their number.

Guarantees: the texts are in unnamed temporary files that vanish with the process; a single text is limited.
They are as stored: `_x000D_` is still to be undone.
"""

from __future__ import annotations

import mmap
import tempfile
from array import array
from collections.abc import Callable
from contextlib import ExitStack
from typing import IO

from hub.errors import Rejected
from storage.xlsx_parts import MAIN, Counted, elements, text_of

_BATCH = 4096


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
        total = 0
        stops = array("Q")
        for element in elements(Counted(stream, progress), f"{MAIN}si", f"{MAIN}sst"):
            total += texts.write(text_of(element).encode("utf-8", "replace"))
            stops.append(total)
            self._count += 1
            if len(stops) == _BATCH:
                ends.write(stops.tobytes())
                del stops[:]
        ends.write(stops.tobytes())
        texts.flush()
        ends.flush()
        return total
