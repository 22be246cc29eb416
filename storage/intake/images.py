"""Images: that they are what they say, and not larger unpacked than anybody may unpack.

Guarantees: only the header is read; the parser is the one of the kind that the first bytes name.
"""

from __future__ import annotations

import warnings
from typing import IO

from PIL import Image

from hub.errors import Rejected

MOST_PIXELS = 200_000_000  # A0 at 300 dpi is 140 million
MOST_PAGES = 500
PARSERS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP")


def inspect(file: IO[bytes], name: str) -> frozenset[str]:
    """Raises Rejected for a bomb or a damaged image."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(file, formats=PARSERS) as image:
                width, height = image.size
                pages = int(getattr(image, "n_frames", 1)) if image.format == "TIFF" else 1
                kind = image.format
    except Image.DecompressionBombError:
        raise Rejected(_bomb(name)) from None
    except Exception as error:  # its parsers raise whatever a damaged header leads them to
        raise Rejected(f"“{name}”不是完好的图片，可能没有传完或已损坏。请重新扫描或导出后再上传。") from error
    if width * height > MOST_PIXELS:
        raise Rejected(_bomb(name))
    if pages > MOST_PAGES:
        raise Rejected(f"“{name}”有 {pages} 页，超过 {MOST_PAGES} 页的上限。请拆分后再上传。")
    if kind == "PNG":
        _refuse_cut(file, name)
    return frozenset()


def size_of(file: IO[bytes], name: str) -> tuple[int, int]:
    """Width and height in pixels, of an image that `inspect` let pass. Raises Rejected."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(file, formats=PARSERS) as image:
                return int(image.size[0]), int(image.size[1])
    except Exception as error:  # as above
        raise Rejected(f"“{name}”不是完好的图片，可能没有传完或已损坏。请重新扫描或导出后再上传。") from error


def _bomb(name: str) -> str:
    return f"“{name}”的尺寸异常地大（超过 {MOST_PIXELS // 1_000_000} 百万像素），疑似图片炸弹，已拒绝。请缩小后再上传。"


def _refuse_cut(file: IO[bytes], name: str) -> None:
    size = file.seek(0, 2)
    file.seek(max(0, size - (1 << 16)))
    if b"IEND" not in file.read(1 << 16):
        raise Rejected(f"“{name}”不完整，可能没有传完或已损坏。请重新导出后再上传。")
