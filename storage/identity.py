"""Document numbers of natural persons: found by a keyed hash, kept sealed, shown masked.

Guarantees: without the identity key nobody can tell from a digest whose number it is, not even by trying all numbers;
without the key-encryption key no sealed number can be read. Full-width and lower-case spellings and blanks inside a
number make no difference.
Not here: who may see a number, and the ledger entry when somebody does.
"""

from __future__ import annotations

import hashlib
import hmac
import unicodedata

from storage.key_encryption import KeyEncryption

NUMBERS = b"identity"  # what personal numbers are wrapped for
_STARS = "********"


class IdentityVault:
    """One keyed hash, one set of sealing keys."""

    def __init__(self, identity_key: bytes, kek: KeyEncryption) -> None:
        if len(identity_key) != 32:
            raise ValueError("the identity key must be 32 bytes")
        self._key = identity_key
        self._kek = kek

    def digest(self, kind: str, number: str) -> bytes:
        """HMAC-SHA256: the same number of the same kind gives the same 32 bytes."""
        return hmac.digest(self._key, f"{kind}\0{normal(number)}".encode(), hashlib.sha256)

    def seal(self, number: str) -> bytes:
        """The number, readable only with the key-encryption key. Two seals of one number differ."""
        return self._kek.wrap(normal(number).encode(), context=NUMBERS)

    def unseal(self, blob: bytes) -> str:
        """The number back, in its normal spelling."""
        return self._kek.unwrap(blob, context=NUMBERS).decode()

    def seal_text(self, text: str, *, context: str) -> bytes:
        """A text as it is, to be opened only for the same context: rows of a batch, which name people."""
        return self._kek.wrap(text.encode("utf-8", "surrogatepass"), context=context.encode())

    def unseal_text(self, blob: bytes, *, context: str) -> str:
        """The text back. Raises Tampered, or Unavailable without its key."""
        return self._kek.unwrap(blob, context=context.encode()).decode("utf-8", "surrogatepass")

    def mask(self, number: str) -> str:
        """The number as it may be shown: first 6 and last 4 of a long one, less of a short one."""
        text = normal(number)
        if len(text) >= 14:
            return f"{text[:6]}{_STARS}{text[-4:]}"
        if len(text) >= 8:
            return f"{text[:2]}{_STARS}{text[-2:]}"
        return f"{text[:1]}{_STARS}" if len(text) >= 3 else _STARS


def normal(number: str) -> str:
    """Upper case, half width, no blanks or invisible characters."""
    if number.isascii() and number.isalnum():  # nearly all of them: nothing to fold
        return number.upper()
    text = unicodedata.normalize("NFKC", number).upper()
    return "".join(c for c in text if not c.isspace() and unicodedata.category(c) not in ("Cf", "Cc"))
