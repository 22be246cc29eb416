"""The pictures that layouts place: fetched, opened in a limited process, kept for the next licence.

Guarantees: a picture that crashes, hangs or swells its reader costs that reader only, and is told in a sentence; no byte
of the file but its pixels reaches a document; at most KEPT_BYTES are kept.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock

from hub.errors import Rejected
from hub.licensing.face import ImageFacts
from storage.files import FileStore
from storage.limited import Died, run_limited

LARGEST = 20 << 20
KEPT_BYTES = 64 << 20
_KINDS = ("image/png", "image/jpeg")
_SECONDS = 20
_MEMORY = 1 << 30


@dataclass(frozen=True, slots=True)
class Picture:
    """Pixels as a PDF holds them."""

    width: int
    height: int
    data: bytes
    jpeg: bool = False
    gray: bool = False
    alpha: bytes = b""

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.data) + len(self.alpha)


@dataclass(slots=True)
class Pictures:
    """One for each press."""

    files: FileStore
    _kept: OrderedDict[bytes, Picture] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def of(self, facts: ImageFacts) -> Picture:
        """The picture. Raises Rejected for one that cannot be used, NotFound, Unavailable."""
        key = bytes(facts.sha256)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        if facts.media_type not in _KINDS:
            raise Rejected("证照上的图片只能是 PNG 或 JPEG。请转换后重新上传。")
        if facts.size > LARGEST:
            raise Rejected(f"证照上的图片超过 {LARGEST >> 20} MB。请缩小后重新上传。")
        with self.files.open(facts) as opened:
            picture = decoded(b"".join(opened))
        with self._lock:
            self._kept[key] = picture
            while len(self._kept) > 1 and sum(one.size for one in self._kept.values()) > KEPT_BYTES:
                self._kept.popitem(last=False)
        return picture


def decoded(raw: bytes) -> Picture:
    """A PNG or JPEG as a PDF holds it. Raises Rejected."""
    try:
        said = run_limited("storage.licences.decode", seconds=_SECONDS, memory=_MEMORY, given=raw)
        head, _, body = said.partition(b"\n")
        facts = json.loads(head)
        data = body[: facts["data"]]
        alpha = body[facts["data"] : facts["data"] + facts["alpha"]]
    except (Died, ValueError, KeyError):
        raise Rejected(
            "证照上的图片读不出来，可能已损坏或尺寸异常。请重新导出为 PNG 或 JPEG 后上传。"
        ) from None
    return Picture(facts["width"], facts["height"], data, facts["jpeg"], facts["gray"], alpha)
