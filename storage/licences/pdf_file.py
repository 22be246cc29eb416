"""The bytes of a PDF file: objects, streams, cross-reference table; and the place where a signature goes.

Guarantees: the same objects give the same bytes; nothing is written that was not put.
Knows nothing of what the objects mean.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass, field

_HEADER = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
_RANGE = b"[0 0000000000 0000000000 0000000000]"


def text(value: str) -> bytes:
    """A text string, Chinese or not."""
    return b"<FEFF" + value.encode("utf-16-be", "replace").hex().upper().encode() + b">"


def name(value: str) -> bytes:
    """A name, with what may not stand in one escaped."""
    out = b"/"
    for byte in value.encode():
        out += bytes([byte]) if 0x21 <= byte <= 0x7E and byte not in b"#()<>[]{}/%" else b"#%02X" % byte
    return out


def number(value: float) -> bytes:
    """A number, short."""
    said = f"{value:.3f}".rstrip("0").rstrip(".")
    return b"0" if said in ("-0", "") else said.encode()


def numbers(*values: float) -> bytes:
    """Several, with blanks between."""
    return b" ".join(map(number, values))


def deflated(data: bytes) -> bytes:
    """As FlateDecode wants it."""
    return zlib.compress(data, 6)


@dataclass(slots=True)
class Slot:
    """Where in the file the signature's bytes and its byte range are."""

    contents: int = 0  # of the opening <
    length: int = 0  # from < to > and both
    byte_range: int = 0  # of the opening [


@dataclass(slots=True)
class PdfFile:
    """Put objects, then `finish`."""

    slot: Slot | None = None
    _out: bytearray = field(default_factory=lambda: bytearray(_HEADER))
    _offsets: list[int] = field(default_factory=lambda: [0])

    def reserve(self) -> int:
        """The number of an object that is put later."""
        self._offsets.append(0)
        return len(self._offsets) - 1

    def put(self, body: bytes, at: int | None = None) -> int:
        """An object; gives its number."""
        at = at or self.reserve()
        self._offsets[at] = len(self._out)
        self._out += b"%d 0 obj\n%b\nendobj\n" % (at, body)
        return at

    def stream(self, entries: bytes, data: bytes, *, ready: bool = False, at: int | None = None) -> int:
        """A stream; `ready`: the data are as the entries say (their filter included), else they are deflated here."""
        if not ready:
            data = deflated(data)
            entries += b"/Filter/FlateDecode"
        return self.put(b"<<%b/Length %d>>\nstream\n%b\nendstream" % (entries, len(data), data), at)

    def signature(self, entries: bytes, size: int) -> int:
        """A signature dictionary with room for `size` bytes; `slot` says where."""
        at = self.reserve()
        self._offsets[at] = len(self._out)
        self._out += b"%d 0 obj\n<<%b/ByteRange " % (at, entries)
        self.slot = Slot(byte_range=len(self._out))
        self._out += _RANGE + b"/Contents "
        self.slot.contents, self.slot.length = len(self._out), 2 * size + 2
        self._out += b"<" + b"0" * (2 * size) + b">>>\nendobj\n"
        return at

    def finish(self, root: int, info: int) -> bytearray:
        """The file; its identifier is made of its content. The byte range is filled in."""
        start = len(self._out)
        identity = hashlib.sha256(self._out).hexdigest()[:32].upper().encode()
        rows = b"".join(b"%010d 00000 n \n" % offset for offset in self._offsets[1:])
        count = len(self._offsets)
        self._out += b"xref\n0 %d\n0000000000 65535 f \n%b" % (count, rows)
        self._out += (
            b"trailer\n<</Size %d/Root %d 0 R/Info %d 0 R/ID[<%b><%b>]>>\nstartxref\n%d\n%%%%EOF\n"
            % (
                *(count, root, info),
                *(identity, identity, start),
            )
        )
        if self.slot:
            after = self.slot.contents + self.slot.length
            said = b"[0 %d %d %d]" % (self.slot.contents, after, len(self._out) - after)
            begin = self.slot.byte_range
            self._out[begin : begin + len(_RANGE)] = said.ljust(len(_RANGE))
        return self._out
