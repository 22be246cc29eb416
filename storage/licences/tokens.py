"""Tokens of licences: the short word in a QR code that leads to one version of one licence, and to no other.

Guarantees: a token is made under a key derived from the hub's identity key and used for nothing else; nobody without it
makes one (96 bits), counts up to the next one, or turns one into another's. Read in time that does not depend on where it
is wrong. Made to be typed: letters and digits of Crockford's base 32; lower case, hyphens and blanks between, O for 0 and
I or L for 1 make no difference, nothing else passes.
Does not say whether the licence is still valid, nor that the paper it stands on is the right one: the page shows both.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_INFO = b"shenguan licence token 1"
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES = {ord(letter): value for value, letter in enumerate(_ALPHABET)}
_FOLD = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})
_MAC = 12
_LENGTH = 45  # of 28 bytes, 5 bits a letter
_LONGEST_TYPED = 120


class LicenceTokens:
    """hub.licensing.ports.Tokens under one secret: the hub's identity key."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) < 32:
            raise ValueError("the secret must have at least 32 bytes")
        self._key = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=_INFO).derive(secret)

    def make(self, licence: uuid.UUID) -> str:
        """The token of this licence: always the same 45 letters and digits."""
        return _letters(licence.bytes + self._mac(licence.bytes))

    def read(self, token: str) -> uuid.UUID | None:
        """The licence it was made for; None for anything else."""
        data = _bytes(token)
        if data is None:
            return None
        if not hmac.compare_digest(self._mac(data[:16]), data[16:]):
            return None
        return uuid.UUID(bytes=data[:16])

    def _mac(self, licence: bytes) -> bytes:
        return hmac.digest(self._key, licence, hashlib.sha256)[:_MAC]


def _letters(data: bytes) -> str:
    number = int.from_bytes(data, "big") << (5 * _LENGTH - 8 * len(data))
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(5 * (_LENGTH - 1), -1, -5))


def _bytes(token: str) -> bytes | None:
    """The 28 bytes behind it, in one spelling only but for how it was typed."""
    if len(token) > _LONGEST_TYPED or not token.isascii():
        return None
    letters = token.upper().translate(_FOLD)
    if len(letters) != _LENGTH:
        return None
    number = 0
    for letter in letters:
        value = _VALUES.get(ord(letter))
        if value is None:
            return None
        number = number << 5 | value
    if number & 1:  # the one bit that is left over
        return None
    return (number >> 1).to_bytes(28, "big")
