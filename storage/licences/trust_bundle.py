"""Whom to trust when checking a licence, as one PEM text: anchors, revocation lists, the certificates that sign here, and
the hub's keys for status lists.

Guarantees: nothing secret is written. A chain that ends at an anchor is not enough: the anchor may be a public authority's,
who certifies others, too; so a signature is ours only by a certificate that is named here. A revocation list that cannot be
read refuses all, since nobody would know what it revoked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from storage.keys import UnusableKey
from storage.licences.chain import Trust
from storage.signing import TrustedKey, TrustedKeys, kid_of

_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)
_HUB = "hub"
ANCHORS = "ca.pem"


@dataclass(frozen=True, slots=True)
class Trusted:
    """Where chains end, what was revoked, and by SHA-256 which certificates sign licences here."""

    trust: Trust
    signers: frozenset[bytes]


def folder_pem(folder: Path) -> str:
    """The public part of a credentials' folder; empty where there is none."""
    anchors = folder / ANCHORS
    if not anchors.is_file():
        return ""
    found = x509.load_pem_x509_certificates(anchors.read_bytes())
    for path in sorted(folder.glob("*.pem")):
        if path.name != ANCHORS:
            found += [one for one in _certificates(path.read_bytes()) if not _certifies(one)]
    parts = [one.public_bytes(Encoding.PEM).decode() for one in found]
    for path in sorted(folder.glob("*.crl")):
        raw = path.read_bytes()
        armoured = raw.lstrip().startswith(b"-----")
        listed = x509.load_pem_x509_crl(raw) if armoured else x509.load_der_x509_crl(raw)
        parts.append(listed.public_bytes(Encoding.PEM).decode())
    return "".join(parts)


def trusted(pem: bytes) -> Trusted:
    """Whom a PEM text trusts. Raises ValueError for what cannot be read."""
    every = _certificates(pem)
    anchors = tuple(one for one in every if _certifies(one))
    signers = frozenset(one.fingerprint(hashes.SHA256()) for one in every if not _certifies(one))
    lists = tuple(x509.load_pem_x509_crl(block) for kind, block in _blocks(pem) if kind == "X509 CRL")
    return Trusted(Trust(anchors, lists), signers)


def _certificates(pem: bytes) -> list[x509.Certificate]:
    return [x509.load_pem_x509_certificate(block) for kind, block in _blocks(pem) if kind == "CERTIFICATE"]


def _certifies(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def list_keys(pem: bytes) -> TrustedKeys:
    """The public keys in a PEM text, as those of the hub."""
    found = []
    for kind, block in _blocks(pem):
        if kind == "PUBLIC KEY":
            text = block.decode() + "\n"
            try:
                found.append(TrustedKey(kid_of(_HUB, text), _HUB, text))
            except UnusableKey:
                continue
    return TrustedKeys.of(found)


def _blocks(pem: bytes) -> list[tuple[str, bytes]]:
    return [(found[1].decode(), found[0]) for found in _BLOCK.finditer(pem)]
