"""Sealing of streams: Google Tink's AES-GCM-HKDF streaming format (AES256_GCM_HKDF_1MB), in constant memory.

Guarantees: ciphertext that was changed, cut, extended, reordered or made for other associated data is refused before
any byte of the segment concerned is given out; an independent Tink implementation can open what is sealed here.
Format: header = length byte 40, 32 bytes of salt, 7 of nonce prefix; key = HKDF-SHA256(main key, salt, info = associated
data); segments of 1 MiB of ciphertext (the first shortened by the header), each AES-256-GCM under
prefix | 32-bit number | last-segment byte.

Not here: the main key's custody (`storage.key_encryption`). The tink package itself is not used: it seals at a third
of this speed and would bring protobuf and abseil into every installation; the tests hold us to it both ways.
"""

from __future__ import annotations

import secrets
import struct
from collections.abc import Callable, Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hub.errors import Conflict

KEY_SIZE = 32
SEGMENT = 1 << 20
_TAG = 16
_PREFIX = 7
_HEADER = 1 + KEY_SIZE + _PREFIX
_PLAIN_SEGMENT = SEGMENT - _TAG
_FIRST_PLAIN = _PLAIN_SEGMENT - _HEADER

#: Gives at most this many bytes, fewer only when there are none left for now; b"" at the end.
Read = Callable[[int], bytes]


class Tampered(Conflict):
    """文件内容与登记的不符，可能被改动或损坏，已停止读取。请联系数据管理员从备份恢复。"""


def new_key() -> bytes:
    """A fresh main key, for one file."""
    return secrets.token_bytes(KEY_SIZE)


def sealed_size(plain: int) -> int:
    """How long the sealed form of `plain` bytes is."""
    after_first = max(plain - _FIRST_PLAIN, 0)
    segments = 1 + -(-after_first // _PLAIN_SEGMENT)
    return _HEADER + plain + segments * _TAG


def seal(read: Read, *, key: bytes, associated: bytes, seen: Callable[[bytes], object]) -> Iterator[bytes]:
    """The sealed segments, the header before the first; `seen` gets each piece of plaintext once, in order."""
    salt, prefix = secrets.token_bytes(KEY_SIZE), secrets.token_bytes(_PREFIX)
    cipher = _cipher(key, salt, associated)
    header = bytes([_HEADER]) + salt + prefix
    piece = _exactly(read, _FIRST_PLAIN)
    number = 0
    while True:
        # A short piece is the last one; after a full one only the next read can tell.
        following = _exactly(read, _PLAIN_SEGMENT) if len(piece) >= _FIRST_PLAIN else b""
        last = not following
        seen(piece)
        sealed = cipher.encrypt(_nonce(prefix, number, last), piece, None)
        yield sealed if number else header + sealed
        if last:
            return
        piece = following
        number += 1


def unseal(read: Read, *, key: bytes, associated: bytes) -> Iterator[bytes]:
    """The plaintext, segment by segment, each checked before it is given out. Raises Tampered."""
    header = _exactly(read, _HEADER)
    if len(header) != _HEADER or header[0] != _HEADER:
        raise Tampered
    prefix = header[1 + KEY_SIZE :]
    cipher = _cipher(key, header[1 : 1 + KEY_SIZE], associated)
    piece = _exactly(read, SEGMENT - _HEADER)
    number = 0
    while True:
        full = len(piece) == (SEGMENT if number else SEGMENT - _HEADER)
        following = _exactly(read, SEGMENT) if full else b""
        last = not following
        try:
            plain = cipher.decrypt(_nonce(prefix, number, last), piece, None)
        except (InvalidTag, ValueError):
            raise Tampered from None
        yield plain
        if last:
            return
        piece = following
        number += 1


def _cipher(key: bytes, salt: bytes, associated: bytes) -> AESGCM:
    if len(key) != KEY_SIZE:
        raise ValueError("the main key must be 32 bytes")
    return AESGCM(HKDF(SHA256(), KEY_SIZE, salt=salt, info=associated).derive(key))


def _nonce(prefix: bytes, number: int, last: bool) -> bytes:
    return prefix + struct.pack(">IB", number, last)  # struct refuses the 2**32nd segment (4 PiB)


def _exactly(read: Read, size: int) -> bytes:
    """`size` bytes, or what is left."""
    piece = read(size)
    if len(piece) == size or not piece:
        return piece
    pieces, missing = [piece], size - len(piece)
    while missing and (piece := read(missing)):
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)
