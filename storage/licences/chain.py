"""Chains of certificates and what may be signed with them. Pure: certificates and lists in, answers out.

Guarantees: every step of a chain is verified by signature and by the CA bit of the upper one; a revocation list counts only
for the certificates of the issuer who signed it. Dates are judged by the caller, each time anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

_LONGEST = 6
#: A certificate made for one of these alone signs no documents.
_OTHER_USES = frozenset(
    {
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.CLIENT_AUTH,
        ExtendedKeyUsageOID.CODE_SIGNING,
        ExtendedKeyUsageOID.TIME_STAMPING,
        ExtendedKeyUsageOID.OCSP_SIGNING,
    }
)


@dataclass(frozen=True, slots=True)
class Trust:
    """Where chains end, and what was revoked."""

    anchors: tuple[x509.Certificate, ...]
    lists: tuple[x509.CertificateRevocationList, ...] = ()

    def lists_at(self, now: datetime) -> list[x509.CertificateRevocationList]:
        """Those in force."""
        return [one for one in self.lists if one.next_update_utc is None or one.next_update_utc >= now]


def chain_of(
    certificate: x509.Certificate, others: Sequence[x509.Certificate], anchors: Sequence[x509.Certificate]
) -> list[x509.Certificate] | None:
    """From the issuer up to an anchor; None where no anchor is reached."""
    chain: list[x509.Certificate] = []
    here = certificate
    for _ in range(_LONGEST):
        above = next((one for one in (*anchors, *others) if _issued(one, here)), None)
        if above is None:
            return None
        chain.append(above)
        if above in anchors:
            return chain
        here = above
    return None


def _issued(above: x509.Certificate, below: x509.Certificate) -> bool:
    if above.subject != below.issuer or not _may_certify(above):
        return False
    try:
        below.verify_directly_issued_by(above)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _may_certify(certificate: x509.Certificate) -> bool:
    try:
        if not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return False
    except x509.ExtensionNotFound:
        return False
    usage = _usage(certificate)
    return usage is None or usage.key_cert_sign


def _usage(certificate: x509.Certificate) -> x509.KeyUsage | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return None


def why_unusable(certificate: x509.Certificate) -> str:
    """Why no document can be signed with it, in words; empty where one can."""
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < 2048:
            return f"的 RSA 密钥只有 {key.key_size} 位，至少要 2048 位"
    elif not (isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in ("secp256r1", "secp384r1")):
        return "的密钥算法不支持，应为 RSA 或 P-256"
    usage = _usage(certificate)
    if usage is None:
        return "没有写明密钥用途（KeyUsage），不能确认可以用来签名"
    if not (usage.digital_signature or usage.content_commitment):
        return "的密钥用途不是签名（KeyUsage 里没有 digitalSignature 或 nonRepudiation）"
    try:
        extended = set(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        return ""
    if extended and extended <= _OTHER_USES:
        return "的扩展用途不含文件签名"
    return ""


def signed_by(revocations: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    """Whether a list is the issuer's own."""
    key = issuer.public_key()
    return isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey) and revocations.is_signature_valid(
        key
    )


def revoked_at(certificate: x509.Certificate, trust: Trust, now: datetime) -> datetime | None:
    """Since when it is revoked, by any list of its issuer's, also one that is out of date."""
    for one in trust.lists:
        if one.issuer != certificate.issuer:
            continue
        entry = one.get_revoked_certificate_by_serial_number(certificate.serial_number)
        if entry is not None and entry.revocation_date_utc <= now:
            return entry.revocation_date_utc
    return None
