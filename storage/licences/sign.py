"""PAdES signatures over documents made here: CMS by pyHanko, over a digest, with a key that is kept ready.

Guarantees: what `signed` returns was read anew and verified: the signature covers every byte but its own place, by this
credential; ETSI.CAdES.detached with the signing certificate's hash (B-B), and a timestamp (B-T) where there is a clock
to ask. A key in hardware would be another `DocumentSigner`: only `async_sign_raw` knows where the key is.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from asn1crypto import cms, x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pyhanko.sign.signers import Signer
from pyhanko.sign.timestamps import TimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

from hub.errors import Rejected, Unavailable
from storage.licences.coroutines import now
from storage.licences.credential_file import SigningKey
from storage.licences.pdf_file import Slot

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey
_DIGEST = "sha256"
_BLANK = b"\0" * 32
_SIGNED_DATA = cms.ContentType("signed_data").dump()
_HASH = hashes.SHA256()
_SPARE = 96  # ECDSA signatures differ in length; timestamps a little, too
_PLACE = re.compile(rb"/ByteRange \[0 (\d+) (\d+) \d+\] *?/Contents <([0-9A-Fa-f]+)>")


class DocumentSigner(Signer):
    """Signs with one private key in memory, P-256 (or P-384) or RSA."""

    def __init__(self, certificate: x509.Certificate, chain: list[x509.Certificate], key: SigningKey) -> None:
        others = SimpleCertificateStore()  # type: ignore[no-untyped-call]
        others.register_multiple(chain)
        super().__init__(signing_cert=certificate, cert_registry=others, embed_roots=False)
        self._key = key
        self.public = public_key(certificate)  # not the key's: what was signed is checked as others will

    @cached_property
    def form(self) -> Form:
        """Its signatures, to be filled in."""
        return Form.of(self)

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        """The signature value, for pyHanko."""
        del digest_algorithm, dry_run  # always SHA-256; a signature for practice is as good as any
        return self.raw(data)

    def raw(self, data: bytes) -> bytes:
        """The signature value."""
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(data, padding.PKCS1v15(), _HASH)
        return self._key.sign(data, ec.ECDSA(_HASH))


@dataclass(frozen=True, slots=True)
class Form:
    """The signatures of one signer, as pyHanko makes them, open at the digest and at the signature value.

    pyHanko builds the structure once; for each document only these two are filled in, which is forty times faster.
    """

    head: bytes  # of SignedData, up to the certificates
    before: bytes  # of SignerInfo, up to the signed attributes
    attributes: bytes  # DER, as a SET, with a digest of zeros
    digest_at: int
    algorithm: bytes

    @classmethod
    def of(cls, signer: DocumentSigner) -> Form:
        """Take a signature of this signer apart."""
        held = now(signer.async_sign(_BLANK, _DIGEST, use_pades=True))["content"]
        info = held["signer_infos"][0]
        attributes = b"\x31" + info["signed_attrs"].dump()[1:]
        return cls(
            b"".join(
                held[key].dump()
                for key in ("version", "digest_algorithms", "encap_content_info", "certificates")
            ),
            b"".join(info[key].dump() for key in ("version", "sid", "digest_algorithm")),
            attributes,
            attributes.index(_BLANK),
            info["signature_algorithm"].dump(),
        )

    def signed(self, digest: bytes, signer: DocumentSigner) -> bytes:
        """The CMS over this digest, DER."""
        attributes = (
            self.attributes[: self.digest_at] + digest + self.attributes[self.digest_at + len(digest) :]
        )
        value = signer.raw(attributes)
        info = _der(0x30, self.before, b"\xa0" + attributes[1:], self.algorithm, _der(0x04, value))
        content = _der(0x30, self.head, _der(0x31, info))
        return _der(0x30, _SIGNED_DATA, _der(0xA0, content))


def _der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    size = len(body)
    if size < 0x80:
        return bytes([tag, size]) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body


def room(signer: DocumentSigner, clock: TimeStamper | None) -> int:
    """How many bytes a signature of this signer takes."""
    if clock is None:
        return len(signer.form.signed(bytes(32), signer)) + _SPARE
    made = now(signer.async_sign(bytes(32), _DIGEST, dry_run=True, use_pades=True, timestamper=clock))
    return len(made.dump()) + _SPARE + 512


def signed(document: bytearray, slot: Slot, signer: DocumentSigner, clock: TimeStamper | None) -> bytes:
    """The document with its signature in place, read back and verified (its timestamp is not). Raises Unavailable."""
    digest = _digest(document, slot)
    if clock is None:
        content = signer.form.signed(digest, signer)
    else:
        content = now(signer.async_sign(digest, _DIGEST, use_pades=True, timestamper=clock)).dump()
    if 2 * len(content) > slot.length - 2:
        raise Unavailable("时间戳服务的回答异常地长，放不进证照文件。请联系数据管理员。")
    begin = slot.contents + 1
    document[begin : begin + 2 * len(content)] = content.hex().encode()
    done = bytes(document)
    verify(done, slot, signer.public)
    return done


def slot_of(document: bytes) -> Slot:
    """Where the signature is in a document that was made here: its dictionary is the last to say so. Raises Rejected."""
    found = _PLACE.match(document, document.rfind(b"/ByteRange ["))
    if found is None or int(found[1]) != found.start(3) - 1 or int(found[2]) != found.end(3) + 1:
        raise Rejected("这个文件不是本中心签发的证照文件。")
    return Slot(found.start(3) - 1, found.end(3) - found.start(3) + 2, found.start())


def signer_of(document: bytes, slot: Slot) -> list[x509.Certificate]:
    """Whose signature it is, by what the signature itself says; and the other certificates in it. Raises Rejected."""
    try:
        held = _held(document, slot)
        wanted = held["signer_infos"][0]["sid"].chosen["serial_number"].native
        found = [one.chosen for one in held["certificates"]]
        return sorted(found, key=lambda one: bool(one.serial_number != wanted))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise Rejected("这个证照文件的签名读不出来。") from error


def _held(document: bytes, slot: Slot) -> Any:
    raw = bytes.fromhex(document[slot.contents + 1 : slot.contents + slot.length - 1].decode())
    return cms.ContentInfo.load(raw)["content"]


def verify(document: bytes, slot: Slot, by: PublicKey) -> None:
    """Read the signature out of the finished file and check it against the file's bytes. Raises Unavailable."""
    try:
        info = _held(document, slot)["signer_infos"][0]
        attributes = info["signed_attrs"]
        said = next(one for one in attributes if one["type"].native == "message_digest")
        if said["values"][0].native != _digest(document, slot):
            raise InvalidSignature
        _check(by, info["signature"].native, b"\x31" + attributes.dump()[1:])
    except (InvalidSignature, ValueError, KeyError, IndexError, TypeError, StopIteration) as error:
        raise Unavailable("证照文件的签名没有通过自检。请重试；再次出现请联系数据管理员。") from error


def public_key(certificate: x509.Certificate) -> PublicKey:
    """What checks its signatures. Raises Rejected."""
    key = load_der_public_key(certificate.public_key.dump())
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise Rejected("这个证照文件的签名算法不是本中心用的。")
    return key


def _check(by: PublicKey, signature: bytes, over: bytes) -> None:
    if isinstance(by, rsa.RSAPublicKey):
        by.verify(signature, over, padding.PKCS1v15(), _HASH)
    else:
        by.verify(signature, over, ec.ECDSA(_HASH))


def _digest(document: bytes | bytearray, slot: Slot) -> bytes:
    seen = memoryview(document)
    digest = hashlib.sha256(seen[: slot.contents])
    digest.update(seen[slot.contents + slot.length :])
    seen.release()
    return digest.digest()
