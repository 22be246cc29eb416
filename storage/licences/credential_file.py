"""Read one file of the credentials' folder. Every failure is a sentence that names the file and what should be in it."""

from __future__ import annotations

import re
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from hub.errors import Rejected

ANCHORS, DEFAULT = "ca.pem", "default.pem"
SigningKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
_KEY = re.compile(rb"-----BEGIN ([A-Z ]*)PRIVATE KEY-----.*?-----END \1PRIVATE KEY-----", re.DOTALL)
_LARGEST = 20 << 20


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 in hex."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def der(certificate: x509.Certificate) -> bytes:
    """As ASN.1 has it."""
    return certificate.public_bytes(Encoding.DER)


def certificates(file: Path) -> list[x509.Certificate]:
    """The certificates of a PEM file, at least one."""
    try:
        found = x509.load_pem_x509_certificates(_bytes(file))
    except ValueError as error:
        raise Rejected(
            f"证照签名证书的文件 {file.name} 里没有能读的证书（PEM）。请系统管理员核对。"
        ) from error
    return found


def revocation_list(file: Path) -> x509.CertificateRevocationList:
    """A list, DER or PEM."""
    raw = _bytes(file)
    try:
        return (
            x509.load_pem_x509_crl(raw) if raw.lstrip().startswith(b"-----") else x509.load_der_x509_crl(raw)
        )
    except ValueError as error:
        raise Rejected(
            f"吊销列表 {file.name} 读不出来，不能确认签名证书没有被吊销。请系统管理员核对。"
        ) from error


def key_and_certificates(file: Path) -> tuple[SigningKey, list[x509.Certificate]]:
    """A private key and certificates, the key's own first."""
    try:
        mode = file.stat().st_mode
    except OSError as error:
        raise Rejected(
            f"签名证书的文件 {file.name} 读不了（{error.strerror}）。请系统管理员核对。"
        ) from error
    if mode & 0o077:
        raise Rejected(
            f"签名私钥的文件 {file.name} 可以被其他用户读取，不能使用。"
            f"请系统管理员执行 chmod 600 {file.name} 并检查是否泄露。"
        )
    raw = _bytes(file)
    held = _KEY.search(raw)
    if held is None:
        raise Rejected(f"签名证书的文件 {file.name} 里没有私钥（PEM）。请系统管理员核对。")
    try:
        key = load_pem_private_key(held[0], password=None)
    except (ValueError, TypeError) as error:
        raise Rejected(
            f"签名证书的文件 {file.name} 里的私钥读不出来（可能有口令）。请系统管理员核对。"
        ) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise Rejected(f"签名证书的文件 {file.name} 里的私钥不是 RSA 或 P-256。请系统管理员核对。")
    found = certificates(file)
    own = next((one for one in found if _spki(one.public_key()) == _spki(key.public_key())), None)
    if own is None:
        raise Rejected(f"签名证书的文件 {file.name} 里，私钥和证书不是一对。请系统管理员核对。")
    return key, [own, *(one for one in found if one is not own)]


def _spki(key: object) -> bytes:
    made: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]
    return made


def _bytes(file: Path) -> bytes:
    try:
        if file.stat().st_size > _LARGEST:
            raise Rejected(f"证照签名证书的文件 {file.name} 异常地大。请系统管理员核对。")
        return file.read_bytes()
    except OSError as error:
        raise Rejected(
            f"证照签名证书的文件 {file.name} 读不了（{error.strerror}）。请系统管理员核对。"
        ) from error
