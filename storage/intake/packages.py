"""ZIP packages (OFD, DOCX, XLSX, PPTX): which of them it is, and that unpacking it harms nobody.

Guarantees: constant memory, whatever the directory or the entries claim: the directory is measured before it is read, and
every entry is really unpacked once, counted, piece by piece. Refused, each with its sentence: too many entries, too large,
too dense, encrypted, other packing methods, overlapping or doubled entries, odd paths, packages inside packages beyond
embedded documents, macros, and XML with a DTD (entities, external references).
"""

from __future__ import annotations

import re
import struct
import tempfile
import zlib
from collections.abc import Iterator
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, LargeZipFile, ZipFile, ZipInfo

from hub.errors import Rejected

MOST_ENTRIES = 10_000
MOST_DIRECTORY = 4 << 20
MOST_UNPACKED = 2 << 30
DENSE_FROM = 32 << 20  # below this much unpacked, a high ratio harms nobody
MOST_RATIO = 100
MOST_EMBEDDED = 64 << 20
_PIECE = 256 << 10
_DTD = tuple("<!DOCTYPE".encode(code) for code in ("ascii", "utf-16-le", "utf-16-be"))
_ENTITY = tuple("<!ENTITY".encode(code) for code in ("ascii", "utf-16-le", "utf-16-be"))
_PACKED = re.compile(r"\.(zip|rar|7z|gz|tgz|bz2|xz|tar|cab|iso|jar|zst)$", re.IGNORECASE)
_EMBEDDED = re.compile(r"\.(docx|xlsx|pptx|ofd)$", re.IGNORECASE)
_MACROS = re.compile(r"(^|/)(vbaProject(Signature\w*)?\.bin|vbaData\.xml)$", re.IGNORECASE)
_MACRO_ENDINGS = re.compile(r"\.(docm|dotm|xlsm|xltm|xlam|xlsb|pptm|potm|ppam|ppsm)$", re.IGNORECASE)
_SIGNATURE = re.compile(r"(^|/)(Signatures\.xml|_xmlsignatures/.+)$", re.IGNORECASE)
_MAIN = (
    (b"wordprocessingml.document.main+xml", "docx"),
    (b"spreadsheetml.sheet.main+xml", "xlsx"),
    (b"presentationml.presentation.main+xml", "pptx"),
    (b"presentationml.slideshow.main+xml", "pptx"),
)


def inspect(file: IO[bytes], name: str) -> tuple[str | None, frozenset[str]]:
    """The kind of package, or None for one that is of no kind of ours; {"own_signature"} where it has one of the kind
    that only its own software verifies. Raises Rejected for a harmful one."""
    return _Package(file, name, depth=0).kind()


class _Package:
    def __init__(self, file: IO[bytes], name: str, *, depth: int) -> None:
        self._file = file
        self._name = name
        self._depth = depth

    def refuse(self, why: str) -> Rejected:
        return Rejected(f"“{self._name}”{why}，已拒绝。请用原来的软件重新另存一份再上传。")

    def kind(self) -> tuple[str | None, frozenset[str]]:
        self._measure_directory()
        try:
            with ZipFile(self._file) as package:
                entries = package.infolist()
                names = {entry.filename for entry in entries}
                kind = self._kind(package, names)
                if kind is not None:
                    self._check(entries)
                own = any(_SIGNATURE.search(one) for one in names)
                return kind, frozenset({"own_signature"} if own else ())
        except (
            BadZipFile,
            LargeZipFile,
            NotImplementedError,
            EOFError,
            zlib.error,
            struct.error,
            ValueError,
        ) as error:
            raise self.refuse("的压缩结构已损坏或不完整") from error

    def _measure_directory(self) -> None:
        """How large the directory is, from the record at the very end: it would be read into memory whole."""
        file = self._file
        size = file.seek(0, 2)
        file.seek(max(0, size - 65_557))
        tail = file.read(65_557)
        at = tail.rfind(b"PK\x05\x06")
        if at < 0 or len(tail) - at < 22:
            raise self.refuse("的压缩结构不完整，可能没有传完或已损坏")
        entries, directory = struct.unpack("<H I", tail[at + 10 : at + 12] + tail[at + 12 : at + 16])
        if entries == 0xFFFF or directory == 0xFFFFFFFF:
            locator = tail.rfind(b"PK\x06\x07", 0, at)
            if locator < 0:
                raise self.refuse("的压缩结构已损坏")
            (record,) = struct.unpack("<Q", tail[locator + 8 : locator + 16])
            file.seek(min(record, size))
            zip64 = file.read(56)
            if len(zip64) < 56 or not zip64.startswith(b"PK\x06\x06"):
                raise self.refuse("的压缩结构已损坏")
            entries, directory = struct.unpack("<Q Q", zip64[32:48])
        if entries > MOST_ENTRIES or directory > MOST_DIRECTORY:
            raise self.refuse(f"里面的文件多得异常（{entries} 个），疑似压缩炸弹")

    def _kind(self, package: ZipFile, names: set[str]) -> str | None:
        if "OFD.xml" in names:
            return "ofd"
        if "[Content_Types].xml" not in names:
            return None
        self._check_entry(package.getinfo("[Content_Types].xml"))
        with package.open("[Content_Types].xml") as part:
            types = part.read(4 << 20)
        if b"macroEnabled" in types or b"sheet.binary" in types:
            raise self.refuse("带有宏程序（启用宏的 Office 文件）")
        return next((kind for mark, kind in _MAIN if mark in types), None)

    def _check(self, entries: list[ZipInfo]) -> None:
        if len(entries) > MOST_ENTRIES:
            raise self.refuse(f"里面的文件多得异常（{len(entries)} 个），疑似压缩炸弹")
        seen: set[str] = set()
        for entry in entries:
            self._check_entry(entry)
            if entry.filename.lower() in seen:
                raise self.refuse(f"里面有两个同名的文件（{entry.filename[:60]}）")
            seen.add(entry.filename.lower())
        self._check_places(entries)
        total, packed = sum(e.file_size for e in entries), sum(e.compress_size for e in entries)
        if total > MOST_UNPACKED or (total > DENSE_FROM and total > MOST_RATIO * max(packed, 1)):
            raise self.refuse(f"解开后有 {total >> 20} MB，膨胀得异常，疑似压缩炸弹")
        for entry in entries:
            self._unpack(entry)

    def _check_entry(self, entry: ZipInfo) -> None:
        name = entry.orig_filename
        parts = name.replace("\\", "/").split("/")
        if name.startswith(("/", "\\")) or ":" in parts[0] or ".." in parts or any(ord(c) < 32 for c in name):
            raise self.refuse(f"里面有路径不正常的文件（{name[:60]!r}），疑似攻击")
        if entry.flag_bits & 0x41:
            raise self.refuse("里面的内容加了密，中心无法查验")
        if entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise self.refuse("用了不常见的压缩方式，中心无法查验")
        if _MACROS.search(name) or _MACRO_ENDINGS.search(name):
            raise self.refuse("带有宏程序")
        if _PACKED.search(name):
            raise self.refuse(f"里面还套着压缩包（{name[:60]}）")

    def _check_places(self, entries: list[ZipInfo]) -> None:
        """Entries that share their packed bytes are the densest bombs."""
        end = 0
        for entry in sorted(entries, key=lambda e: e.header_offset):
            if entry.header_offset < end:
                raise self.refuse("里面的文件互相重叠，疑似压缩炸弹")
            end = entry.header_offset + 30 + entry.compress_size

    def _unpack(self, entry: ZipInfo) -> None:
        """Unpack it once to nowhere: is it as large as it says, is it free of DTDs, is there a package inside."""
        embedded = _EMBEDDED.search(entry.filename)
        if embedded and (self._depth or entry.file_size > MOST_EMBEDDED):
            raise self.refuse(f"里面层层嵌套着别的文件（{entry.filename[:60]}）")
        xml = entry.filename.lower().endswith((".xml", ".rels", ".vml", ".xhtml"))
        count, before = 0, b""
        with tempfile.TemporaryFile() if embedded else _Nowhere() as copy:
            for piece in self._pieces(entry):
                if not count and not xml and piece.startswith(b"PK\x03\x04") and not embedded:
                    raise self.refuse(f"里面还套着压缩包（{entry.filename[:60]}）")
                count += len(piece)
                if count > entry.file_size:
                    raise self.refuse("解开后比登记的大，疑似压缩炸弹")
                if xml:
                    self._refuse_dtd(before + piece)
                    before = piece[-32:]
                copy.write(piece)
            if count != entry.file_size:
                raise self.refuse("的内容不完整，可能没有传完或已损坏")
            if embedded and _Package(copy, self._name, depth=self._depth + 1).kind()[0] is None:
                raise self.refuse(f"里面还套着压缩包（{entry.filename[:60]}）")

    def _refuse_dtd(self, text: bytes) -> None:
        if any(mark in text for mark in (*_DTD, *_ENTITY)):
            raise self.refuse("里面的 XML 带有 DTD 或实体声明，可能被用于攻击")

    def _pieces(self, entry: ZipInfo) -> Iterator[bytes]:
        """The entry unpacked by ourselves: the library stops at the size that the entry claims."""
        file = self._file
        file.seek(entry.header_offset)
        header = file.read(30)
        if len(header) < 30 or not header.startswith(b"PK\x03\x04"):
            raise self.refuse("的压缩结构已损坏")
        name_length, extra_length = struct.unpack("<HH", header[26:30])
        at, left = entry.header_offset + 30 + name_length + extra_length, entry.compress_size
        inflate = zlib.decompressobj(-15) if entry.compress_type == ZIP_DEFLATED else None
        waiting = b""
        while left or waiting:
            if not waiting:
                file.seek(at)
                waiting = file.read(min(_PIECE, left))
                if not waiting:
                    raise self.refuse("的内容不完整，可能没有传完或已损坏")
                at += len(waiting)
                left -= len(waiting)
            if inflate is None:
                yield waiting
                waiting = b""
                continue
            yield inflate.decompress(waiting, _PIECE)
            waiting = inflate.unconsumed_tail
        while inflate is not None and not inflate.eof and (rest := inflate.decompress(b"", _PIECE)):
            yield rest


class _Nowhere:
    """Takes bytes and keeps none."""

    def write(self, data: bytes) -> None:
        """Forget them."""

    def __enter__(self) -> IO[bytes]:
        return self  # type: ignore[return-value]  # only `write` is called on it

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""
