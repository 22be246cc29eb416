"""A certificate authority and signing certificates for demonstrations and tests. Nobody outside trusts them.

Guarantees: what is there is never made anew or overwritten, also when two programs ask at the same moment; keys are 0600.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from storage.licences.credential_file import ANCHORS, DEFAULT

_CA_KEY = "demo-ca.key"
_CA_NAME = "审管通演示证书（不受外界信任）"
_DEFAULT_NAME = "电子证照专用章（演示）"


def make_demo_credentials(folder: Path, issuers: Mapping[str, str] | None = None) -> Path:
    """Anchor, default credential, and one for each issuer (code -> name), where they are not there yet."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = {DEFAULT: _DEFAULT_NAME, **{f"{code}.pem": name for code, name in (issuers or {}).items()}}
        missing = {file: name for file, name in wanted.items() if not (folder / file).exists()}
        if (folder / ANCHORS).exists() and not (folder / _CA_KEY).exists():
            return folder  # somebody's own: nothing is added to it
        if missing or not (folder / ANCHORS).exists():
            authority, key = _authority(folder)
            for file, name in missing.items():
                _keep(folder / file, _signer(name, authority, key))
    finally:
        os.close(lock)
    return folder


def _authority(folder: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    if (folder / ANCHORS).exists():
        key = load_pem_private_key((folder / _CA_KEY).read_bytes(), password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return x509.load_pem_x509_certificate((folder / ANCHORS).read_bytes()), key
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(_CA_NAME)
    made = (
        _begun(name, name, key.public_key(), years=20)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(certifies=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    _keep(folder / _CA_KEY, _pem(key))
    _keep(folder / ANCHORS, made.public_bytes(Encoding.PEM), mode=0o644)
    return made, key


def _signer(common: str, authority: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> bytes:
    own = ec.generate_private_key(ec.SECP256R1())
    above = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    made = (
        _begun(_name(common), authority.subject, own.public_key(), years=10)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(certifies=False), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(above), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _pem(own) + made.public_bytes(Encoding.PEM)


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, *, years: int
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=400))
        .not_valid_after(now + timedelta(days=365 * years))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.LOCALITY_NAME, "示范县"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "示范县"),
            x509.NameAttribute(NameOID.COMMON_NAME, common[:64]),
        ]
    )


def _usage(*, certifies: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not certifies,
        content_commitment=not certifies,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certifies,
        crl_sign=certifies,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _keep(file: Path, content: bytes, *, mode: int = 0o600) -> None:
    draft = file.with_name(f".{file.name}.draft")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    os.replace(draft, file)
