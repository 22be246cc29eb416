"""Kept secrets 密封的秘密: passwords and tokens of connectors and alert channels under the hub's key-encryption key.

Guarantees: a secret opens for the context that it was sealed for and for no other. Not here: who may have one opened
(hub.connecting), and moving all to a newer key (storage.rewrap).
"""

from __future__ import annotations

from storage.key_encryption import KeyEncryption


class KeptSecrets:
    """Seals and opens: hub.ports.Sealing."""

    def __init__(self, kek: KeyEncryption) -> None:
        self._kek = kek

    def seal(self, secret: bytes, *, context: str) -> bytes:
        """The secret, to be opened only for the same context."""
        return self._kek.wrap(secret, context=context.encode())

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """The secret back. Raises Tampered, or Unavailable without the key that sealed it."""
        return self._kek.unwrap(sealed, context=context.encode())
