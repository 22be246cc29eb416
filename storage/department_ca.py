"""The hub's authority over departments' keys: X.509 certificates by which a department proves its key to others.

Guarantees: the authority's key follows from a secret of the hub, so every program of one hub is the same authority, after a
restore too, and there is no further key to keep; its own certificate comes out alike each time. A certificate names one
department of one area and may be used to sign and to sign in, never to certify.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from storage.keys import load_public

_SINCE = datetime(2026, 1, 1, tzinfo=UTC)
_UNTIL = datetime(2066, 1, 1, tzinfo=UTC)


class DepartmentAuthority:
    """Certifies: hub.ports.Authority."""

    def __init__(self, key: Ed25519PrivateKey, area: str) -> None:
        self._key = key
        self._area = area
        self._name = _name(f"审管通 {area} 部门接入", area)
        self._own = self._self_signed()

    @classmethod
    def derived(cls, secret: bytes, area: str) -> DepartmentAuthority:
        """The authority that belongs to this secret of the hub."""
        info = f"shenguan department authority v1 {area}".encode()
        seed = HKDF(hashes.SHA256(), length=32, salt=None, info=info).derive(secret)
        return cls(Ed25519PrivateKey.from_private_bytes(seed), area)

    @property
    def certificate(self) -> str:
        """The authority's own certificate."""
        return self._own.public_bytes(Encoding.PEM).decode()

    def certify(self, code: str, name: str, public_pem: str, *, since: datetime, until: datetime) -> str:
        """A certificate (PEM) over this department's key. Raises UnusableKey."""
        public = load_public(public_pem)
        above = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        uri = x509.UniformResourceIdentifier(f"urn:shenguan:{self._area}:{code}")
        uses = [ExtendedKeyUsageOID.CLIENT_AUTH]
        made = (
            x509.CertificateBuilder()
            .subject_name(_name(code, name))
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(since)
            .not_valid_after(until)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(certifies=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
            .add_extension(x509.SubjectAlternativeName([uri]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(above), critical=False
            )
            .sign(self._key, None)
        )
        return made.public_bytes(Encoding.PEM).decode()

    def _self_signed(self) -> x509.Certificate:
        public = self._key.public_key()
        serial = int.from_bytes(hashlib.sha256(public.public_bytes_raw()).digest()[:15], "big") + 1
        return (
            x509.CertificateBuilder()
            .subject_name(self._name)
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(serial)
            .not_valid_before(_SINCE)
            .not_valid_after(_UNTIL)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(certifies=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .sign(self._key, None)
        )


def _name(common: str, organisation: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation[:64]),
            x509.NameAttribute(NameOID.COMMON_NAME, common[:64]),
        ]
    )


def _usage(*, certifies: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not certifies,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certifies,
        crl_sign=certifies,
        encipher_only=False,
        decipher_only=False,
    )
