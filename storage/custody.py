"""Custody 托管密钥: private keys of departments without a system, sealed with the hub's key-encryption key.

Guarantees: a private key leaves this module only inside a signer; a sealed key opens for the department that it was made
for and for no other. Not here: who may have something signed, and when (hub.joining).
"""

from __future__ import annotations

from hub.ports import MadeKey
from storage.key_encryption import KeyEncryption
from storage.signing import Signer, generate_private_key


class KeyCustody:
    """Makes keys and opens them to sign."""

    def __init__(self, kek: KeyEncryption) -> None:
        self._kek = kek

    def make(self, code: str) -> MadeKey:
        """A new Ed25519 key pair of this department."""
        pem = generate_private_key()
        signer = Signer.from_pem(code, pem)
        return MadeKey(signer.kid, signer.public_pem, self._kek.wrap(pem, context=custody_context(code)))

    def signer(self, code: str, sealed: bytes) -> Signer:
        """The department's signature. Raises Tampered, or Unavailable without the key that sealed it."""
        return Signer.from_pem(code, self._kek.unwrap(sealed, context=custody_context(code)))


def custody_context(code: str) -> bytes:
    """What a department's key is wrapped for."""
    return f"department key {code}".encode()
