"""Certificates and signatures for the tests: a CA of our own, signers under it, PDFs signed with pyHanko."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7Options, PKCS7SignatureBuilder
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko.sign.timestamps import DummyTimeStamper

_ASKED = x509.UniformResourceIdentifier("http://asked.invalid/at")


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "示范单位"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


@dataclass(frozen=True)
class Identity:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def authority(common: str = "示范根证书") -> Identity:
    """A root."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(_name(common))
        .issuer_name(_name(common))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=3650))
        .not_valid_after(now + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(sign_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Identity(made, key)


def signer(
    issuer: Identity,
    common: str = "示范县行政审批服务局（测试章）",
    *,
    begins: datetime | None = None,
    ends: datetime | None = None,
    for_time: bool = False,
) -> Identity:
    """A signer's certificate, or a timestamp server's."""
    key = rsa.generate_private_key(65537, 2048)
    now = datetime.now(UTC)
    building = (
        x509.CertificateBuilder()
        .subject_name(_name(common))
        .issuer_name(issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins or now - timedelta(days=30))
        .not_valid_after(ends or now + timedelta(days=300))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(), critical=True)
        # What a verifier would ask for if it asked anybody.
        .add_extension(
            x509.AuthorityInformationAccess(
                [
                    x509.AccessDescription(AuthorityInformationAccessOID.OCSP, _ASKED),
                    x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, _ASKED),
                ]
            ),
            critical=False,
        )
        .add_extension(
            x509.CRLDistributionPoints([x509.DistributionPoint([_ASKED], None, None, None)]), critical=False
        )
    )
    if for_time:
        building = building.add_extension(
            x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.TIME_STAMPING]), critical=True
        )
    return Identity(building.sign(issuer.key, hashes.SHA256()), key)


def _usage(*, sign_certificates: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _loaded(who: Identity, folder: Path, chain: tuple[Identity, ...]) -> signers.SimpleSigner:
    files = []
    for n, content in enumerate((who.key_pem, who.pem, *(one.pem for one in chain))):
        path = folder / f"signer-{n}.pem"
        path.write_bytes(content)
        files.append(str(path))
    made = signers.SimpleSigner.load(files[0], files[1], ca_chain_files=tuple(files[2:]))
    assert made is not None
    return made


def sign_pdf(
    data: bytes,
    who: Identity,
    folder: Path,
    *,
    chain: tuple[Identity, ...] = (),
    field: str = "Seal1",
    clock: Identity | None = None,
    certify: bool = False,
) -> bytes:
    """The PDF with one more signature, by pyHanko; `clock` adds a timestamp."""
    writer = IncrementalPdfFileWriter(io.BytesIO(data), strict=False)
    meta = signers.PdfSignatureMetadata(
        field_name=field, certify=certify, docmdp_permissions=fields.MDPPerm.NO_CHANGES
    )
    stamper = None
    if clock is not None:
        loaded = _loaded(clock, folder, ())
        stamper = DummyTimeStamper(loaded.signing_cert, loaded.signing_key)
    out = signers.PdfSigner(meta, signer=_loaded(who, folder, chain), timestamper=stamper).sign_pdf(writer)
    return bytes(out.getvalue())


def change_after(data: bytes) -> bytes:
    """The PDF with another page added by an incremental update, which no signature covers."""
    writer = IncrementalPdfFileWriter(io.BytesIO(data), strict=False)
    pages = writer.root["/Pages"]
    kids = pages["/Kids"]
    kids.append(kids.raw_get(0))
    pages["/Count"] = generic.NumberObject(len(kids))
    writer.update_container(pages)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def detached(data: bytes, who: Identity, *, chain: tuple[Identity, ...] = ()) -> bytes:
    """A detached CMS over `data`, by the `cryptography` package: a third implementation."""
    building = PKCS7SignatureBuilder().set_data(data).add_signer(who.certificate, who.key, hashes.SHA256())
    for one in chain:
        building = building.add_certificate(one.certificate)
    return building.sign(Encoding.DER, [PKCS7Options.DetachedSignature, PKCS7Options.Binary])
