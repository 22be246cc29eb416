"""Signing credentials for the tests of licences: authorities, chains, revocation lists, and a time-stamp authority.

Everything is made here; `Folder` writes it as `storage.licences.credentials` reads it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from asn1crypto import keys as asn1_keys
from asn1crypto import tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyhanko.sign.timestamps import DummyTimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
ISSUER = "11370100MB00000194"
ISSUER_NAME = "示范县行政审批服务局"


def now() -> datetime:
    return datetime.now(UTC)


def new_key(kind: str = "p256") -> Key:
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, int(kind[3:] or 2048))
    curves: dict[str, ec.EllipticCurve] = {
        "p256": ec.SECP256R1(),
        "p384": ec.SECP384R1(),
        "k1": ec.SECP256K1(),
    }
    return ec.generate_private_key(curves[kind])


@dataclass
class Body:
    """Somebody with a certificate and its key, and what it has revoked."""

    certificate: x509.Certificate
    key: Key
    revoked: list[tuple[int, datetime]] = field(default_factory=list)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def asn1(self) -> asn1_x509.Certificate:
        return asn1_x509.Certificate.load(self.certificate.public_bytes(Encoding.DER))

    def revocation_list(self, *, until: datetime | None = None) -> bytes:
        building = x509.CertificateRevocationListBuilder().issuer_name(self.certificate.subject)
        building = building.last_update(now() - timedelta(days=2)).next_update(
            until or now() + timedelta(days=7)
        )
        for serial, since in self.revoked:
            one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(since).build()
            building = building.add_revoked_certificate(one)
        return building.sign(self.key, hashes.SHA256()).public_bytes(Encoding.DER)


def named(common: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"), x509.NameAttribute(NameOID.COMMON_NAME, common)]
    )


USAGES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)


def body(
    common: str,
    above: Body | None = None,
    *,
    kind: str = "p256",
    authority: bool = False,
    usage: Sequence[str] | None = ("digital_signature", "content_commitment"),
    extended: Sequence[x509.ObjectIdentifier] = (),
    begins: datetime | None = None,
    ends: datetime | None = None,
) -> Body:
    """A certificate under `above`; without, its own root."""
    key = new_key(kind)
    building = (
        x509.CertificateBuilder()
        .subject_name(named(common))
        .issuer_name(above.certificate.subject if above else named(common))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins or now() - timedelta(days=30))
        .not_valid_after(ends or now() + timedelta(days=300))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if authority:
        usage = ("key_cert_sign", "crl_sign")
    if usage is not None:
        building = building.add_extension(
            x509.KeyUsage(**{name: name in usage for name in USAGES}), critical=True
        )
    if extended:
        building = building.add_extension(x509.ExtendedKeyUsage(list(extended)), critical=True)
    signing = above.key if above else key
    return Body(building.sign(signing, hashes.SHA256()), key)


def root(common: str = "示范根证书", **more: Any) -> Body:
    return body(common, authority=True, **more)


@dataclass
class Folder:
    """A credentials' folder."""

    path: Path

    def anchor(self, *roots: Body) -> Folder:
        (self.path / "ca.pem").write_bytes(b"".join(one.pem for one in roots))
        return self

    def keep(self, name: str, who: Body, *chain: Body, mode: int = 0o600) -> Folder:
        file = self.path / name
        file.write_bytes(who.key_pem + who.pem + b"".join(one.pem for one in chain))
        file.chmod(mode)
        return self

    def revocations(self, name: str, content: bytes) -> Folder:
        (self.path / name).write_bytes(content)
        return self


@contextmanager
def time_authority(who: Body, *chain: Body, spoil: str = "") -> Iterator[str]:
    """A time-stamp authority on the loopback address that answers as RFC 3161 says, or badly: `spoil`."""
    store = SimpleCertificateStore()
    store.register_multiple([one.asn1 for one in chain])
    key = asn1_keys.PrivateKeyInfo.load(
        who.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    )
    stamper = DummyTimeStamper(who.asn1, key, certs_to_embed=store)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = tsp.TimeStampReq.load(self.rfile.read(int(self.headers["Content-Length"])))
            if spoil == "imprint":
                request["message_imprint"]["hashed_message"] = bytes(32)
            if spoil == "nonce":
                request["nonce"] = 1
            answer = stamper.request_tsa_response(request).dump()
            if spoil == "junk":
                answer = b"\x30\x03junk"
            self.send_response(503 if spoil == "busy" else 200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/tsa"
    finally:
        server.shutdown()
        thread.join(60)
        server.server_close()


def time_signer(above: Body, **more: Any) -> Body:
    return body("示范时间戳", above, kind="rsa2048", extended=(ExtendedKeyUsageOID.TIME_STAMPING,), **more)
