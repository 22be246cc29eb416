"""Certificates for servers of tests: an authority, and certificates as good or as bad as asked for."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, in PEM and as objects."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def context(self, folder: Path, *, clients: Pair | None = None) -> ssl.SSLContext:
        """A server's context with this certificate; with `clients`, only certificates of that authority come in."""
        path = folder / f"{self.certificate.serial_number}.pem"
        path.write_text(self.key_pem + self.pem)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        if clients is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(cadata=clients.pem)
        return context


def make(
    issuer: Pair | None = None, *, host: str = "127.0.0.1", days: int = 90, ca: bool | None = None
) -> Pair:
    """A certificate for `host`, by `issuer` or by itself, that ends in `days` days (which may be over)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    alternative: x509.GeneralName = x509.DNSName(host)
    if host.replace(".", "").isdigit():
        alternative = x509.IPAddress(ipaddress.ip_address(host))
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.certificate.subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=min(days, 0) - 2))
        .not_valid_after(now + timedelta(days=days, hours=1))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=bool(ca), path_length=None), critical=True)
    )
    signed = builder.sign(issuer.key if issuer else key, hashes.SHA256())
    return Pair(signed, key)


def authority(name: str = "ca.test") -> Pair:
    """An authority of this test alone."""
    return make(host=name, ca=True)
