"""Pages of PDFs and images as pictures for the browser, drawn in a limited process, watermarked.

Guarantees: a document that crashes, hangs or swells its reader costs that reader only, and is told in a sentence; at most
DRAWING readers at a time in this process. The plain bytes are in a nameless file of the spool folder while pages are being
looked at (and gone with this process), never under a name. Nothing is drawn of Office and OFD files.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import BoundedSemaphore, Lock
from typing import Any

from hub.errors import Rejected, Unavailable
from storage.files import FileStore, SealedFile
from storage.limited import Died, run_limited

DRAWN = frozenset(
    {"application/pdf", "image/png", "image/jpeg", "image/tiff", "image/bmp", "image/gif", "image/webp"}
)
LARGEST = 300 << 20
WIDEST, NARROWEST, THUMB = 2400, 60, 150
DRAWING = 2
_WAIT_SECONDS = 20.0
_SECONDS = 12
_MEMORY = 1536 << 20
_KEPT = 6
_KEPT_BYTES = 400 << 20
_THUMBS = 400
_ODD = "“{}”读不出来，可能结构异常或内容过于复杂，不能预览。请下载后用原来的软件打开核对。"


@dataclass(slots=True)
class _Opened:
    descriptor: int
    size: int
    pages: int | None = None
    users: int = 0
    dropped: bool = False


@dataclass(slots=True)
class Previews:
    """Draws pages. One for each process."""

    files: FileStore
    folder: Path
    _opened: OrderedDict[bytes, _Opened] = field(default_factory=OrderedDict)
    _thumbs: OrderedDict[bytes, bytes] = field(default_factory=OrderedDict)
    _opening: dict[bytes, Lock] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    _drawing: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(DRAWING))

    def pages(self, file: SealedFile, *, name: str, media_type: str) -> int:
        """How many pages there are. Raises Rejected for what cannot be shown, Unavailable."""
        self._refuse(file, name, media_type)
        with self._plain(file) as opened:
            if opened.pages is None:
                said = self._draw(opened, name, {"do": "count", "media_type": media_type})
                opened.pages = int(json.loads(said)["pages"])
            return opened.pages

    def page(
        self, file: SealedFile, number: int, *, name: str, media_type: str, width: int, watermark: str
    ) -> bytes:
        """One page as PNG, with the watermark in it."""
        self._refuse(file, name, media_type)
        order = {
            "do": "draw",
            "media_type": media_type,
            "page": max(1, number),
            "width": min(max(width, NARROWEST), WIDEST),
            "watermark": watermark,
        }
        with self._plain(file) as opened:
            return self._draw(opened, name, order)

    def thumb(self, file: SealedFile, *, name: str, media_type: str) -> bytes:
        """The first page, too small to be read."""
        key = bytes(file.sha256)
        with self._lock:
            if key in self._thumbs:
                self._thumbs.move_to_end(key)
                return self._thumbs[key]
        self._refuse(file, name, media_type)
        with self._plain(file) as opened:
            drawn = self._draw(
                opened, name, {"do": "draw", "media_type": media_type, "page": 1, "width": THUMB}
            )
        with self._lock:
            self._thumbs[key] = drawn
            while len(self._thumbs) > _THUMBS:
                self._thumbs.popitem(last=False)
        return drawn

    def close(self) -> None:
        """Let go of every file."""
        with self._lock:
            for key in list(self._opened):
                self._drop(key)

    def _refuse(self, file: SealedFile, name: str, media_type: str) -> None:
        if media_type not in DRAWN:
            raise Rejected(
                f"“{name}”是 Office 或 OFD 文件，不能在浏览器里预览。请填写用途后下载，用原来的软件打开。"
            )
        if file.size > LARGEST:
            raise Rejected(f"“{name}”超过 {LARGEST >> 20} MB，不能在浏览器里预览。请填写用途后下载。")

    def _draw(self, opened: _Opened, name: str, order: dict[str, Any]) -> bytes:
        if not self._drawing.acquire(timeout=_WAIT_SECONDS):
            raise Unavailable("预览的人太多，请稍等几秒再试。")
        try:
            return run_limited(
                "storage.preview.render",
                str(opened.descriptor),
                seconds=_SECONDS,
                memory=_MEMORY,
                keep=(opened.descriptor,),
                given=json.dumps(order).encode(),
            )
        except Died:
            raise Rejected(_ODD.format(name)) from None
        finally:
            self._drawing.release()

    @contextmanager
    def _plain(self, file: SealedFile) -> Iterator[_Opened]:
        """The plain bytes, fetched once for the pages that are looked at one after the other."""
        key = bytes(file.sha256)
        with self._lock:
            opening = self._opening.setdefault(key, Lock())
        with opening:
            with self._lock:
                opened = self._opened.get(key)
                if opened is not None:
                    self._opened.move_to_end(key)
            if opened is None:
                opened = self._fetch(file)
                self._keep(key, opened)
            with self._lock:
                opened.users += 1
        try:
            yield opened
        finally:
            with self._lock:
                opened.users -= 1
                if opened.dropped and not opened.users:
                    os.close(opened.descriptor)

    def _fetch(self, file: SealedFile) -> _Opened:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder) as plain, self.files.open(file) as sealed:
                for piece in sealed:
                    plain.write(piece)
                plain.flush()
                return _Opened(os.dup(plain.fileno()), file.size)
        except OSError as error:
            raise Unavailable(f"暂存处暂时不能读写（{error.strerror}），请稍后再试。") from error

    def _keep(self, key: bytes, opened: _Opened) -> None:
        with self._lock:
            self._opened[key] = opened
            while len(self._opened) > 1 and (
                len(self._opened) > _KEPT or sum(one.size for one in self._opened.values()) > _KEPT_BYTES
            ):
                self._drop(next(iter(self._opened)))
            while len(self._opening) > 50 * _KEPT:
                self._opening.pop(next(iter(self._opening)))

    def _drop(self, key: bytes) -> None:
        opened = self._opened.pop(key)
        opened.dropped = True
        if not opened.users:
            os.close(opened.descriptor)
