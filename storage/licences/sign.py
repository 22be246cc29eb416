"""PAdES signatures over documents made here: CMS by pyHanko, over a digest, with a key that is kept ready.

Guarantees: what `signed` returns was read anew and verified: the signature covers every byte but its own place, by this
credential; ETSI.CAdES.detached with the signing certificate's hash (B-B), and a timestamp (B-T) where there is a clock
to ask. A key in hardware would be another `DocumentSigner`: only `async_sign_raw` knows where the key is.
"""

from __future__ import annotations

import hashlib
import re
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

_DIGEST = "sha256"
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

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        """The signature value."""
        del digest_algorithm  # always SHA-256: `signed` asks for nothing else
        if isinstance(self._key, rsa.RSAPrivateKey):
            return (
                bytes(self._key.key_size // 8) if dry_run else self._key.sign(data, padding.PKCS1v15(), _HASH)
            )
        return self._key.sign(data, ec.ECDSA(_HASH))


def room(signer: Signer, clock: TimeStamper | None) -> int:
    """How many bytes a signature of this signer takes."""
    made = now(signer.async_sign(bytes(32), _DIGEST, dry_run=True, use_pades=True, timestamper=clock))
    return len(made.dump()) + _SPARE + (512 if clock else 0)


def signed(document: bytearray, slot: Slot, signer: Signer, clock: TimeStamper | None) -> bytes:
    """The document with its signature in place, read back and verified (its timestamp is not). Raises Unavailable."""
    digest = _digest(document, slot)
    content = now(signer.async_sign(digest, _DIGEST, use_pades=True, timestamper=clock)).dump()
    if 2 * len(content) > slot.length - 2:
        raise Unavailable("时间戳服务的回答异常地长，放不进证照文件。请联系数据管理员。")
    begin = slot.contents + 1
    document[begin : begin + 2 * len(content)] = content.hex().encode()
    done = bytes(document)
    assert signer.signing_cert is not None
    verify(done, slot, signer.signing_cert)
    return done


def slot_of(document: bytes) -> Slot:
    """Where the signature is in a document that was made here: its dictionary is the last to say so. Raises Rejected."""
    found = _PLACE.match(document, document.rfind(b"/ByteRange ["))
    if found is None or int(found[1]) != found.start(3) - 1 or int(found[2]) != found.end(3) + 1:
        raise Rejected("这个文件不是本中心签发的证照文件。")
    return Slot(found.start(3) - 1, found.end(3) - found.start(3) + 2, found.start())


def signer_of(document: bytes, slot: Slot) -> x509.Certificate:
    """Whose signature it is, by what the signature itself says."""
    held = _held(document, slot)
    wanted = held["signer_infos"][0]["sid"].chosen["serial_number"].native
    for one in held["certificates"]:
        if one.chosen.serial_number == wanted:
            found: x509.Certificate = one.chosen
            return found
    raise Rejected("这个证照文件里没有签名人的证书。")


def _held(document: bytes, slot: Slot) -> Any:
    raw = bytes.fromhex(document[slot.contents + 1 : slot.contents + slot.length - 1].decode())
    return cms.ContentInfo.load(raw)["content"]


def verify(document: bytes, slot: Slot, by: x509.Certificate) -> None:
    """Read the signature out of the finished file and check it against the file's bytes. Raises Unavailable."""
    try:
        info = _held(document, slot)["signer_infos"][0]
        attributes = {one["type"].native: one["values"][0].native for one in info["signed_attrs"]}
        if attributes["message_digest"] != _digest(document, slot):
            raise InvalidSignature
        signed_bytes = info["signed_attrs"].untag().dump(force=True)
        _check(by, info["signature"].native, signed_bytes)
    except (InvalidSignature, ValueError, KeyError, IndexError, TypeError) as error:
        raise Unavailable(
            "刚签好的证照文件没有通过自检，没有保存。请重试；再次出现请联系数据管理员。"
        ) from error


def _check(by: x509.Certificate, signature: bytes, over: bytes) -> None:
    public: Any = load_der_public_key(by.public_key.dump())
    if isinstance(public, rsa.RSAPublicKey):
        public.verify(signature, over, padding.PKCS1v15(), _HASH)
    else:
        public.verify(signature, over, ec.ECDSA(_HASH))


def _digest(document: bytes | bytearray, slot: Slot) -> bytes:
    seen = memoryview(document)
    digest = hashlib.sha256(seen[: slot.contents])
    digest.update(seen[slot.contents + slot.length :])
    seen.release()
    return digest.digest()
