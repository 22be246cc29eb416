"""PDF files: whole, open to everybody, and without anything that runs.

Guarantees: one pass over the bytes in constant memory; names are found however they are written (`/J#61vaScript`) and in
compressed object streams too. Refused: JavaScript, launch actions, encryption, a missing end. Does not parse the document:
the reader of signatures and the preview do, each in a limited process of its own.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import IO

from hub.errors import Rejected

PIECE = 1 << 20
_LONGEST = 128  # of a mark
_MOST_INFLATED = 16 << 20  # of one object stream; they hold text of objects, not pictures
_MOST_STREAMS = 20_000
_SENTENCES = {
    "runs": "“{}”里有会自动运行的脚本或程序，已拒绝。请用“打印成 PDF”重新生成一份再上传。",
    "locked": "“{}”加了密码或权限限制，中心无法查验。请去掉限制（或打印成 PDF）后重新上传。",
}


def _name(word: str) -> bytes:
    """A pattern for a PDF name, each letter of which may be written as # and two hex digits."""
    letters = (
        rb"(?:%c|#%s)"
        % (ord(c), re.sub(rb"[a-f]", lambda m: b"[%s%s]" % (m[0], m[0].upper()), b"%02x" % ord(c)))
        for c in word
    )
    return b"".join(letters) + rb"(?![A-Za-z0-9#])"


# One expression over all of it: the bytes are looked at once. Only names that are long enough never to turn up by chance in
# gigabytes of pictures: not /JS, which runs only in an action that names itself one of these.
_MARKS = re.compile(
    b"/(?:(?P<runs>"
    + b"|".join((_name("JavaScript"), _name("Launch"), _name("Rendition")))
    + b")|(?P<locked>"
    + _name("Encrypt")
    + rb"\s*(?:\d+\s+\d+\s+R|<<))|(?P<objects>"
    + _name("ObjStm")
    + rb")|(?P<signed>"
    + _name("ByteRange")
    + rb"\s*\[))"
)
_BEGINS = re.compile(rb"stream\r?\n")


def inspect(file: IO[bytes], name: str) -> frozenset[str]:
    """Raises Rejected. Gives {"signed"} where there is a signature to be verified, which cannot hide: its byte range
    must stand in plain bytes."""
    _refuse_cut(file, name)
    notes: set[str] = set()
    streams = 0
    at, before = 0, b""
    file.seek(0)
    while piece := file.read(PIECE):
        window = before + piece
        fresh = len(before) - _LONGEST  # what ends before this was seen with the piece before
        for found in _MARKS.finditer(window, max(0, fresh)):
            if found.lastgroup == "signed":
                notes.add("signed")
            elif found.lastgroup == "objects":
                streams += 1
                _look_into(file, at - len(before) + found.start(), name)
            else:
                raise Rejected(_SENTENCES[str(found.lastgroup)].format(name))
        if streams > _MOST_STREAMS:
            raise Rejected(f"“{name}”的结构异常地复杂，已拒绝。请重新打印成 PDF 再上传。")
        at += len(piece)
        before = window[-_LONGEST:]
        file.seek(at)
    return frozenset(notes)


def _refuse_cut(file: IO[bytes], name: str) -> None:
    size = file.seek(0, 2)
    file.seek(max(0, size - 2048))
    if b"%%EOF" not in file.read(2048):
        raise Rejected(f"“{name}”不完整（缺少 PDF 的结尾），可能没有传完或已损坏。请重新导出后再上传。")


def _look_into(file: IO[bytes], mark: int, name: str) -> None:
    """The objects packed into the stream whose dictionary the mark is in."""
    start = max(0, mark - 1024)
    file.seek(start)
    around = file.read(3072)
    begins = _BEGINS.search(around, mark - start)
    if begins is None:
        return
    file.seek(start + begins.end())
    if b"Filter" not in around[: begins.start()].rpartition(b" obj")[2]:
        return  # not packed: it is seen as it stands
    try:
        for text in _inflated(file):
            for found in _MARKS.finditer(text):
                if sentence := _SENTENCES.get(str(found.lastgroup)):
                    raise Rejected(sentence.format(name))
    except (zlib.error, OverflowError):
        raise Rejected(f"“{name}”里有无法查验的压缩对象，已拒绝。请重新打印成 PDF 再上传。") from None


def _inflated(file: IO[bytes]) -> Iterator[bytes]:
    """The stream unpacked, each piece beginning with the end of the one before."""
    inflate = zlib.decompressobj()
    total, before = 0, b""
    while not inflate.eof and (waiting := file.read(64 << 10)):
        while waiting and not inflate.eof:
            text = inflate.decompress(waiting, PIECE)
            waiting = inflate.unconsumed_tail
            total += len(text)
            if total > _MOST_INFLATED:
                raise OverflowError
            yield before + text
            before = text[-_LONGEST:]
