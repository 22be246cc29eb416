"""SM2 signatures (国密) over documents: a detached GB/T 35275 SignedData, SM2 with SM3, beside the PAdES signature.

Guarantees: what `Sm2Signer.sign` returns was read anew and verified; the signature is over the document's SM3, its time and
nothing else; verification says in a sentence what is wrong. Needs the extra [gm] (gmalg, pure Python): without it there is
a sentence, too. The signer's ID is the default 1234567812345678.
Not a certified cryptographic module; where the law asks for one, this class is replaced by one that asks a signature server.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from asn1crypto import core, keys, pem, x509
from cryptography.hazmat.primitives import hashes

from hub.errors import Rejected, Unavailable
from storage.licences import gm_structures as gm

FILE = "sm2.pem"
SIGNER_ID = b"1234567812345678"
MEDIA_TYPE = "application/pkcs7-signature"
_ASK = "请系统管理员按运维手册“国密签名”一节处理。"


class BadSm2(Exception):
    """国密签名不可信。"""


@dataclass(frozen=True, slots=True)
class Sm2Facts:
    """Of a signature that held."""

    certificate: x509.Certificate
    signed_at: datetime | None


class Sm2Signer:
    """Signs with one SM2 key in memory."""

    def __init__(self, key: bytes, certificate: x509.Certificate) -> None:
        self.certificate = certificate
        point = _point(certificate)
        self._sm2 = _algorithm(key, point)
        if self._sm2.generate_pk(key) != point:
            raise Rejected(f"{FILE} 里的 SM2 私钥和证书不是一对。{_ASK}")

    @classmethod
    def from_folder(cls, folder: Path) -> Sm2Signer:
        """The key and certificate of `sm2.pem` (PKCS#8 and X.509, PEM). Raises Rejected."""
        try:
            mode, raw = (folder / FILE).stat().st_mode, (folder / FILE).read_bytes()
        except OSError as error:
            raise Rejected(f"没有安装国密签名证书（{FILE}），不能做国密签名。{_ASK}") from error
        if mode & 0o077:
            raise Rejected(
                f"国密签名私钥（{FILE}）可以被其他用户读取，不能使用。请系统管理员执行 chmod 600 并检查是否泄露。"
            )
        try:
            found = {kind: der for kind, _, der in pem.unarmor(raw, multiple=True)}
            info = keys.PrivateKeyInfo.load(found["PRIVATE KEY"], strict=True)
            if info["private_key_algorithm"]["parameters"].chosen.dotted != gm.SM2_CURVE:
                raise ValueError("not SM2")
            secret = info["private_key"].parsed["private_key"].native
            certificate = x509.Certificate.load(found["CERTIFICATE"], strict=True)
            return cls(secret.to_bytes(32, "big"), certificate)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise Rejected(
                f"国密签名证书（{FILE}）读不出来，应含 SM2 私钥（PKCS#8）和证书。{_ASK}"
            ) from error

    def facts(self) -> dict[str, Any]:
        """What is kept of the signer with a document."""
        one = self.certificate
        return {
            "signer": _named(one.subject),
            "issuer": _named(one.issuer),
            "serial": format(one.serial_number, "x"),
            "certificate_sha256": one.sha256.hex(),
            "not_after": one.not_valid_after.astimezone(UTC).isoformat(),
            "algorithm": "SM2/SM3",
        }

    def sign(self, document: bytes, at: datetime) -> bytes:
        """A detached SignedData over these bytes. Raises Rejected where the certificate is not in force."""
        one = self.certificate
        if not one.not_valid_before <= at <= one.not_valid_after:
            raise Rejected(f"国密签名证书“{_named(one.subject)}”不在有效期内，不能签名。{_ASK}")
        attributes = _attributes(sm3(document), at)
        r, s = self._sm2.sign(attributes.dump())
        made = _signed_data(one, attributes, r, s)
        try:
            verify_sm2(made, document)
        except BadSm2 as error:
            raise Unavailable(
                "刚做的国密签名没有通过自检，没有保存。请重试；再次出现请联系数据管理员。"
            ) from error
        return made


def sm3(data: bytes) -> bytes:
    """SM3, GB/T 32905."""
    digest = hashes.Hash(hashes.SM3())
    digest.update(data)
    return digest.finalize()


def verify_sm2(signature: bytes, document: bytes) -> Sm2Facts:
    """Whose signature over these bytes it is. Says nothing of whether to trust the certificate. Raises BadSm2."""
    try:
        info = gm.ContentInfo.load(signature, strict=True)
        if info["content_type"].dotted != gm.GM_SIGNED_DATA:
            raise ValueError("content type")
        held = info["content"]
        (signer,), (certificate,) = held["signer_infos"], held["certificates"]
        attributes = {one["type"].dotted: one["values"] for one in signer["signed_attrs"]}
        digest = core.OctetString.load(attributes[gm.MESSAGE_DIGEST][0].dump()).native
        covered = signer["signed_attrs"].untag().dump(force=True)
        value = gm.Sm2Signature.load(signer["signature"].native, strict=True)
        r, s = (value[name].native.to_bytes(32, "big") for name in ("r", "s"))
        point = _point(certificate)
        time = attributes.get(gm.SIGNING_TIME)
        signed_at = core.UTCTime.load(time[0].dump()).native if time is not None else None
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError) as error:
        raise BadSm2("国密签名文件的结构不对，读不出来。") from error
    if digest != sm3(document):
        raise BadSm2("文件的内容与国密签名时不一致，可能被改动，或者签名不是为这份文件做的。")
    try:
        good = bool(_algorithm(None, point).verify(covered, r, s))
    except (ValueError, ArithmeticError):
        good = False
    if not good:
        raise BadSm2("国密签名值验证不通过。")
    return Sm2Facts(certificate, signed_at)


def check_sm2(signature: bytes, document: bytes, trust_pem: str) -> str:
    """In words, who signed. Raises BadSm2 also for a certificate that the trust file does not name, or out of its time."""
    found = verify_sm2(signature, document)
    known = [der for kind, _, der in pem.unarmor(trust_pem.encode(), multiple=True) if kind == "CERTIFICATE"]
    name, one = _named(found.certificate.subject), found.certificate
    if one.dump() not in known:
        raise BadSm2(f"国密签名人“{name}”的证书不在信任文件里。")
    if found.signed_at is None or not one.not_valid_before <= found.signed_at <= one.not_valid_after:
        raise BadSm2(f"国密签名人“{name}”的证书在签名时不在有效期内。")
    return f"国密签名有效：{name}，{found.signed_at.astimezone():%Y-%m-%d %H:%M}。"


def make_demo_sm2(folder: Path, name: str = "电子证照专用章（演示，国密）") -> Path:
    """A key with a certificate that signs itself, where there is none yet. Nobody outside trusts it."""
    file = folder / FILE
    if file.exists():
        return file
    secret, point = _algorithm(None, None).generate_keypair()
    now = datetime.now(UTC).replace(microsecond=0)
    body = _certificate_body(name, point, now - timedelta(hours=1), now + timedelta(days=3650))
    r, s = _algorithm(secret, point).sign(body.dump())
    certificate = x509.Certificate(
        {"tbs_certificate": body, "signature_algorithm": gm.sm2_with_sm3(), "signature_value": _value(r, s)}
    )
    key = keys.PrivateKeyInfo(
        {
            "version": 0,
            "private_key_algorithm": {
                "algorithm": "ec",
                "parameters": keys.ECDomainParameters("named", gm.SM2_CURVE),
            },
            "private_key": keys.ECPrivateKey(
                {
                    "version": "ecPrivkeyVer1",
                    "private_key": int.from_bytes(secret, "big"),
                    "public_key": keys.ECPointBitString(point),
                }
            ),
        }
    )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = folder / f".{FILE}.{os.getpid()}"
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(pem.armor("PRIVATE KEY", key.dump()) + pem.armor("CERTIFICATE", certificate.dump()))
    os.replace(draft, file)
    return file


def _algorithm(secret: bytes | None, point: bytes | None) -> Any:
    try:
        import gmalg
    except ImportError as error:
        raise Unavailable(
            "没有安装国密算法（安装时加上 gm 选项：shenguan-hub[gm]），不能做或核验国密签名。"
        ) from error
    return gmalg.SM2(secret, SIGNER_ID, point)


def _point(certificate: x509.Certificate) -> bytes:
    info = certificate.public_key
    if info["algorithm"]["parameters"].chosen.dotted != gm.SM2_CURVE:
        raise ValueError("not SM2")
    point: bytes = info["public_key"].native
    if len(point) != 65 or point[0] != 4:
        raise ValueError("not an uncompressed point")
    return point


def _value(r: bytes, s: bytes) -> bytes:
    value: bytes = gm.Sm2Signature({"r": int.from_bytes(r, "big"), "s": int.from_bytes(s, "big")}).dump()
    return value


def _attributes(digest: bytes, at: datetime) -> gm.Attributes:
    when = core.UTCTime(at.astimezone(UTC).replace(microsecond=0))
    said = {
        gm.CONTENT_TYPE: core.ObjectIdentifier(gm.GM_DATA),
        gm.SIGNING_TIME: when,
        gm.MESSAGE_DIGEST: core.OctetString(digest),
    }
    return gm.Attributes(
        [gm.Attribute({"type": name, "values": [core.Any(value)]}) for name, value in said.items()]
    )


def _signed_data(certificate: x509.Certificate, attributes: gm.Attributes, r: bytes, s: bytes) -> bytes:
    signer = {
        "version": 1,
        "sid": {"issuer": certificate.issuer, "serial_number": certificate.serial_number},
        "digest_algorithm": {"algorithm": gm.SM3},
        "signed_attrs": attributes,
        "signature_algorithm": {"algorithm": gm.SM2_SIGNATURE},
        "signature": _value(r, s),
    }
    held = {
        "version": 1,
        "digest_algorithms": [{"algorithm": gm.SM3}],
        "content": {"content_type": gm.GM_DATA},
        "certificates": [certificate],
        "signer_infos": [signer],
    }
    made: bytes = gm.ContentInfo({"content_type": gm.GM_SIGNED_DATA, "content": held}).dump()
    return made


def _certificate_body(name: str, point: bytes, begins: datetime, ends: datetime) -> x509.TbsCertificate:
    who = x509.Name.build({"country_name": "CN", "organization_name": "示范县", "common_name": name[:64]})
    key = gm.sm2_key(point)
    usage = x509.KeyUsage({"digital_signature", "non_repudiation"})
    return x509.TbsCertificate(
        {
            "version": "v3",
            "serial_number": int.from_bytes(os.urandom(15), "big") | 1 << 119,
            "signature": gm.sm2_with_sm3(),
            "issuer": who,
            "validity": {
                "not_before": x509.Time("utc_time", begins),
                "not_after": x509.Time("utc_time", ends),
            },
            "subject": who,
            "subject_public_key_info": key,
            "extensions": [
                {"extn_id": "basic_constraints", "critical": True, "extn_value": {"ca": False}},
                {"extn_id": "key_usage", "critical": True, "extn_value": usage},
                {"extn_id": "key_identifier", "critical": False, "extn_value": key.sha1},
            ],
        }
    )


def _named(name: x509.Name) -> str:
    return str(name.native.get("common_name") or name.human_friendly)[:120]
