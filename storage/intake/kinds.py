"""What kind of file it is, by its content: the first bytes, and what is inside where these do not tell.

Guarantees: the name is only compared, never believed; a file passes only as one of KINDS, and only when its content is of
the kind that its ending says. Whether the inside is harmless is the business of `packages`, `compound`, `pdf`, `images`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO

import puremagic

from hub.errors import Rejected
from hub.upload_rules import ending_of
from storage.intake import compound, images, packages, pdf

HEAD = 4096


@dataclass(frozen=True, slots=True)
class Found:
    """What a file turned out to be."""

    kind: Kind
    notes: frozenset[
        str
    ]  # signed: a PDF signature is there; own_signature: one that only its own software verifies


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of file that may be let in."""

    code: str
    title: str
    media_type: str
    endings: tuple[str, ...]


_OFFICE = "application/vnd.openxmlformats-officedocument."
KINDS: Mapping[str, Kind] = {
    kind.code: kind
    for kind in (
        Kind("pdf", "PDF 文件", "application/pdf", ("pdf",)),
        Kind("ofd", "OFD 版式文件", "application/ofd", ("ofd",)),
        Kind("png", "PNG 图片", "image/png", ("png",)),
        Kind("jpg", "JPEG 图片", "image/jpeg", ("jpg",)),
        Kind("tif", "TIFF 图片", "image/tiff", ("tif",)),
        Kind("bmp", "BMP 图片", "image/bmp", ("bmp",)),
        Kind("gif", "GIF 图片", "image/gif", ("gif",)),
        Kind("webp", "WebP 图片", "image/webp", ("webp",)),
        Kind("docx", "Word 文档", f"{_OFFICE}wordprocessingml.document", ("docx",)),
        Kind("xlsx", "Excel 工作簿", f"{_OFFICE}spreadsheetml.sheet", ("xlsx",)),
        Kind("pptx", "PowerPoint 演示文稿", f"{_OFFICE}presentationml.presentation", ("pptx",)),
        Kind("doc", "旧版 Word 文档", "application/msword", ("doc", "wps")),
        Kind("xls", "旧版 Excel 工作簿", "application/vnd.ms-excel", ("xls", "et")),
        Kind("ppt", "旧版 PowerPoint 演示文稿", "application/vnd.ms-powerpoint", ("ppt", "dps")),
    )
}
_BY_ENDING = {ending: kind for kind in KINDS.values() for ending in kind.endings}

_STARTS = (
    (b"%PDF-", "pdf"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpg"),
    (b"II*\0", "tif"),
    (b"MM\0*", "tif"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
)

Inspect = Callable[[IO[bytes], str], frozenset[str]]
_INSIDE: Mapping[str, Inspect] = {
    "pdf": pdf.inspect,
    **dict.fromkeys(("png", "jpg", "tif", "bmp", "gif", "webp"), images.inspect),
}


def look(file: IO[bytes], name: str) -> Found:
    """What a whole file is; its inside is checked on the way. Raises Rejected with a sentence that names both."""
    file.seek(0)
    code, notes = _code(file, file.read(HEAD), name)
    claimed = _BY_ENDING.get(ending_of(name))
    if code is None:
        raise Rejected(f"“{name}”的内容{_guess(file)}，不能收取。请上传 PDF、OFD、图片或 Office 文件。")
    kind = KINDS[code]
    _compare(name, claimed, kind)
    if inside := _INSIDE.get(code):
        file.seek(0)
        notes = inside(file, name)
    file.seek(0)
    return Found(kind, notes)


def again(seen: tuple[str, bool], name: str) -> Found:
    """The same bytes, looked at before: their media type then, and whether a signature of their own was found."""
    media_type, signed = seen
    kind = next((one for one in KINDS.values() if one.media_type == media_type), None)
    if kind is None:
        raise Rejected(f"“{name}”的内容不能收取。请上传 PDF、OFD、图片或 Office 文件。")
    _compare(name, _BY_ENDING.get(ending_of(name)), kind)
    own = "signed" if kind.code == "pdf" else "own_signature"
    return Found(kind, frozenset({own} if signed else ()))


def _compare(name: str, claimed: Kind | None, kind: Kind) -> None:
    if claimed is None or claimed.code != kind.code:
        says = claimed.title if claimed else f".{ending_of(name)} 文件"
        raise Rejected(
            f"“{name}”的名称说是{says}，内容却是{kind.title}。"
            f"请核对选对了文件；确实是它的话，请把扩展名改为 .{kind.endings[0]} 再上传。"
        )


def _code(file: IO[bytes], head: bytes, name: str) -> tuple[str | None, frozenset[str]]:
    """The kind by content; packages and compound files are looked into, since only that tells."""
    if head.startswith(b"PK\x03\x04"):
        return packages.inspect(file, name)
    if head.startswith(compound.START):
        return compound.inspect(file, name), frozenset()
    if head.startswith(b"BM") and head[6:10] == b"\0\0\0\0" and len(head) > 26:
        return "bmp", frozenset()
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "webp", frozenset()
    return next((code for start, code in _STARTS if head.startswith(start)), None), frozenset()


def _guess(file: IO[bytes]) -> str:
    """What it looks like, for the sentence of a refusal."""
    file.seek(0)
    head = file.read(HEAD)
    if not head.strip(b"\0"):
        return "全是空字节"
    try:
        found = puremagic.from_string(head)
    except (puremagic.PureError, ValueError):
        found = ""
    return f"看起来是 {found} 文件" if found else "认不出是什么文件"
