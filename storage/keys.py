"""Key pairs as PEM: made, read and named. Ed25519 and P-256 only; anything else is refused with a sentence.

Guarantees: a kid follows from the public key alone, so two programs that hold the same key name it alike.
Not here: where private keys are kept, and who is trusted (`storage.signing.TrustedKeys`).
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

Algorithm = Literal["EdDSA", "ES256"]
PublicKey = ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey
PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey


class UnusableKey(ValueError):
    """密钥无法使用：只接受 Ed25519 或 P-256（prime256v1）的 PEM 密钥。"""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__doc__)


def generate_private_key(alg: Algorithm = "EdDSA") -> bytes:
    """A new private key as unencrypted PKCS#8 PEM; the caller keeps it with owner-only rights."""
    if alg not in ("EdDSA", "ES256"):
        raise UnusableKey
    key: PrivateKey = (
        ed25519.Ed25519PrivateKey.generate() if alg == "EdDSA" else ec.generate_private_key(ec.SECP256R1())
    )
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_pem(private_pem: bytes | str) -> str:
    """The public half of a private key, as SubjectPublicKeyInfo PEM."""
    return spki_pem(load_private(private_pem).public_key())


def kid_of(code: str, public_pem: bytes | str) -> str:
    """`<code>-<first 16 hex digits of SHA-256 over the SPKI DER>` of a PEM public key or PEM certificate."""
    der = load_public(public_pem).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"{code}-{hashlib.sha256(der).hexdigest()[:16]}"


def load_private(pem: bytes | str) -> PrivateKey:
    """The private key in an unencrypted PEM, else `UnusableKey`."""
    try:
        key = load_pem_private_key(pem.encode() if isinstance(pem, str) else pem, password=None)
    except Exception as error:  # the library has many ways to say that bytes from outside are not a key
        raise UnusableKey("私钥无法读取：需要未加密的 PKCS#8 PEM。") from error
    algorithm_of(key.public_key())
    return key  # type: ignore[return-value]  # algorithm_of refused every other kind


def load_public(pem: bytes | str) -> PublicKey:
    """The public key in a PEM, bare or in a certificate (whose validity and issuer are not looked at)."""
    raw = pem.encode() if isinstance(pem, str) else pem
    try:
        certificate = b"-----BEGIN CERTIFICATE-----" in raw
        key = x509.load_pem_x509_certificate(raw).public_key() if certificate else load_pem_public_key(raw)
    except Exception as error:  # as above
        raise UnusableKey from error
    algorithm_of(key)
    return key  # type: ignore[return-value]  # algorithm_of refused every other kind


def valid_until(certificate_pem: bytes | str) -> datetime:
    """When a certificate (PEM) ends."""
    raw = certificate_pem.encode() if isinstance(certificate_pem, str) else certificate_pem
    try:
        return x509.load_pem_x509_certificate(raw).not_valid_after_utc
    except ValueError as error:
        raise UnusableKey("证书无法读取：需要 PEM。") from error


def algorithm_of(key: object) -> Algorithm:
    """The one JWS algorithm that a public key may be used with."""
    if isinstance(key, ed25519.Ed25519PublicKey):
        return "EdDSA"
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return "ES256"
    raise UnusableKey


def spki_pem(key: PublicKey) -> str:
    """A public key as text."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
