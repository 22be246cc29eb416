"""Whom to trust when checking a licence, as one PEM text: anchors, revocation lists, and the hub's keys for status lists.

Guarantees: nothing secret is read or written. What cannot be read is left out, and so is not trusted; a revocation list
that cannot be read refuses all, since nobody would know what it revoked.
"""

from __future__ import annotations

import re
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from storage.keys import UnusableKey
from storage.licences.chain import Trust
from storage.signing import TrustedKey, TrustedKeys, kid_of

_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)
_HUB = "hub"


def folder_pem(folder: Path) -> str:
    """The public part of a credentials' folder; empty where there is none."""
    anchors = folder / "ca.pem"
    if not anchors.is_file():
        return ""
    parts = [
        one.public_bytes(Encoding.PEM).decode()
        for one in x509.load_pem_x509_certificates(anchors.read_bytes())
    ]
    for path in sorted(folder.glob("*.crl")):
        raw = path.read_bytes()
        armoured = raw.lstrip().startswith(b"-----")
        listed = x509.load_pem_x509_crl(raw) if armoured else x509.load_der_x509_crl(raw)
        parts.append(listed.public_bytes(Encoding.PEM).decode())
    return "".join(parts)


def trusted(pem: bytes) -> Trust:
    """Anchors and revocation lists in a PEM text. Raises ValueError for a list that cannot be read."""
    anchors, lists = [], []
    for kind, block in _blocks(pem):
        if kind == "CERTIFICATE":
            anchors.append(x509.load_pem_x509_certificate(block))
        elif kind == "X509 CRL":
            lists.append(x509.load_pem_x509_crl(block))
    return Trust(tuple(anchors), tuple(lists))


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
