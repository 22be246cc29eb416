"""Base64url without padding, as JOSE wants it: exactly one text for one value.

Guarantees: `decode` accepts only what `encode` can have made, so a signature cannot be rewritten without a change.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64encode

_TO_STANDARD = str.maketrans("-_+/=", "+/   ")


def encode(data: bytes) -> bytes:
    """The base64url text of `data`."""
    return urlsafe_b64encode(data).rstrip(b"=")


def decode(text: str) -> bytes:
    """The bytes behind a base64url text; `ValueError` for any other spelling."""
    raw = text.translate(_TO_STANDARD).encode("ascii")
    data = binascii.a2b_base64(raw + b"=" * (-len(raw) % 4), strict_mode=True)
    if encode(data) != text.encode():
        raise ValueError("not the canonical base64url text")
    return data
