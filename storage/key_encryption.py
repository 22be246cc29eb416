"""Key-encryption keys: small secrets wrapped with AES-256-GCM, several keys at once so that they can be rotated.

Guarantees: a wrapped secret names the key that wrapped it, opens only for the context it was wrapped for, and any
change is refused. `rewrap` moves a secret to the newest key without touching the file it opens.
Blob: version byte 1 | 8 bytes key id (of SHA-256 over the key) | 12 bytes nonce | ciphertext and tag.
"""

from __future__ import annotations

import hashlib
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hub.errors import Unavailable
from storage.sealing import Tampered

_VERSION = b"\x01"
_ID = 8
_NONCE = 12
_AT = len(_VERSION) + _ID


class KeyEncryption:
    """Wraps with `current`; unwraps with it and with every older key."""

    def __init__(self, current: bytes, *older: bytes) -> None:
        self._keys: dict[bytes, AESGCM] = {}
        for key in (current, *older):
            if len(key) != 32:
                raise ValueError("a key-encryption key must be 32 bytes")
            self._keys[_id(key)] = AESGCM(key)
        self._current = _id(current)

    def wrap(self, secret: bytes, *, context: bytes) -> bytes:
        """The secret, to be opened only for the same context."""
        nonce = secrets.token_bytes(_NONCE)
        head = self.head
        return head + nonce + self._keys[self._current].encrypt(nonce, secret, head + context)

    def unwrap(self, blob: bytes, *, context: bytes) -> bytes:
        """The secret. Raises Tampered, or Unavailable when the key that wrapped it is not among ours."""
        blob = bytes(blob)
        key = self._keys.get(blob[1:_AT])
        if blob[:1] != _VERSION or len(blob) < _AT + _NONCE + 16:
            raise Tampered("密文的格式不对，可能已损坏。请联系数据管理员从备份恢复。")
        if key is None:
            raise Unavailable(
                f"缺少加密密钥 {blob[1:_AT].hex()}，无法解开密文。请把更换前的密钥也配置上，再重试。"
            )
        try:
            return key.decrypt(blob[_AT : _AT + _NONCE], blob[_AT + _NONCE :], blob[:_AT] + context)
        except InvalidTag:
            raise Tampered("密文与其登记的用途不符，可能被改动。请联系数据管理员。") from None

    @property
    def head(self) -> bytes:
        """How everything begins that the newest key wrapped."""
        return _VERSION + self._current

    def is_current(self, blob: bytes) -> bool:
        """Whether the newest key wrapped it, so that there is nothing to rotate."""
        return bytes(blob[:_AT]) == self.head

    def rewrap(self, blob: bytes, *, context: bytes) -> bytes:
        """The same secret under the newest key."""
        return self.wrap(self.unwrap(blob, context=context), context=context)


def _id(key: bytes) -> bytes:
    return hashlib.sha256(b"shenguan key id\0" + key).digest()[:_ID]
