"""Signatures over exact bytes: detached JWS for messages, short-lived JWT for requests over HTTP.

Guarantees: what `TrustedKeys.verify` hands back is exactly the bytes that were signed, by a key that was
trusted and in force at the given moment; the algorithm is the one of the *key*, so a header can neither
downgrade it nor say "none". RFC 7515 compact form (appendix F where detached), EdDSA (Ed25519) or ES256
(P-256). A message is not a token: the header's `typ` keeps the two apart.

Not here: which department may send what (the caller compares `department`), replay (ids are unique in the
database), and where keys are kept. A department's connector runs this too, so it knows nothing of the hub.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from storage.base64url import decode, encode
from storage.keys import (
    Algorithm,
    PrivateKey,
    PublicKey,
    UnusableKey,
    algorithm_of,
    generate_private_key,
    kid_of,
    load_private,
    load_public,
    public_pem,
    spki_pem,
)

__all__ = [
    "Algorithm",
    "BadSignature",
    "ExpiredToken",
    "RevokedKey",
    "Signer",
    "TrustedKey",
    "TrustedKeys",
    "UnknownKey",
    "Unsigned",
    "UnusableKey",
    "VerifiedBytes",
    "generate_private_key",
    "kid_of",
    "public_pem",
    "sign_token",
    "verify_token",
]

MAX_TOKEN_LIFE = 120
CLOCK_SKEW = 30
_MAX_TOKEN = 16 * 1024
_HEADERS_KEPT = 4096
_ECDSA = ec.ECDSA(hashes.SHA256())
_log = logging.getLogger(__name__)


class BadSignature(Exception):
    """签名不可信。"""

    cause = "bad_signature"

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__doc__)


class Unsigned(BadSignature):
    """消息没有签名。"""

    cause = "unsigned"


class UnknownKey(BadSignature):
    """签名所用的密钥未在本地登记。"""

    cause = "unknown_key"


class RevokedKey(BadSignature):
    """签名所用的密钥已被吊销或不在有效期内。"""

    cause = "revoked_key"


class ExpiredToken(BadSignature):
    """访问令牌已过期或时间不对，请校准时钟后重新签发。"""

    cause = "expired"


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A public key (or certificate) that speaks for one department, and from when to when."""

    kid: str
    department: str
    public_pem: str
    not_before: datetime | None = None
    not_after: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class VerifiedBytes:
    """Bytes whose signature held. Only `TrustedKeys.verify` makes them."""

    bytes: bytes
    kid: str
    department: str


class Signer:
    """Signs with one private key. `kid` names it; `public_pem` is what others need to check it."""

    def __init__(self, code: str, key: PrivateKey) -> None:
        self.code = code
        self.public_pem = spki_pem(key.public_key())
        self.kid = kid_of(code, self.public_pem)
        self._key = key
        self._ed25519 = isinstance(key, ed25519.Ed25519PrivateKey)
        self._head = {"alg": algorithm_of(key.public_key()), "kid": self.kid}
        self._protected = self._header(self._head)
        self._protected_token = self._header({**self._head, "typ": "JWT"})

    @classmethod
    def from_pem(cls, code: str, pem: bytes | str) -> Signer:
        """The signer of department (or `hub`) `code` with the private key in `pem`."""
        return cls(code, load_private(pem))

    def sign(self, payload: bytes) -> str:
        """Detached JWS over exactly these bytes: `header..signature`."""
        return f"{self._protected}..{self._signature(self._protected, payload)}"

    def sign_attached(self, payload: bytes, *, typ: str = "JWT") -> str:
        """Compact JWS that carries its payload: `header.payload.signature`, marked with what it is for."""
        protected = self._protected_token if typ == "JWT" else self._header({**self._head, "typ": typ})
        return f"{protected}.{encode(payload).decode()}.{self._signature(protected, payload)}"

    @staticmethod
    def _header(fields: dict[str, str]) -> str:
        return encode(json.dumps(fields, separators=(",", ":")).encode()).decode()

    def _signature(self, protected: str, payload: bytes) -> str:
        signing_input = b"%b.%b" % (protected.encode(), encode(payload))
        if self._ed25519:
            return encode(cast(ed25519.Ed25519PrivateKey, self._key).sign(signing_input)).decode()
        key = cast(ec.EllipticCurvePrivateKey, self._key)
        r, s = decode_dss_signature(key.sign(signing_input, _ECDSA))
        return encode(r.to_bytes(32, "big") + s.to_bytes(32, "big")).decode()


class TrustedKeys:
    """The public keys we trust, by kid. Each key is parsed once, each distinct header once."""

    def __init__(self, keys: Mapping[str, TrustedKey]) -> None:
        """A key that cannot be parsed is left out with a log line, so that it cannot stop the others."""
        self._keys: dict[str, tuple[TrustedKey, PublicKey, str]] = {}
        for kid, key in keys.items():
            try:
                loaded = load_public(key.public_pem)
            except UnusableKey:
                _log.error("公钥 %s 无法解析，来自它的签名一律按未登记处理", kid)
                continue
            self._keys[kid] = (key, loaded, algorithm_of(loaded))
        self._headers: dict[str, tuple[str, str, str]] = {}

    @classmethod
    def of(cls, keys: Iterable[TrustedKey]) -> TrustedKeys:
        """The same, from the keys alone."""
        return cls({key.kid: key for key in keys})

    def verify(self, payload: bytes, signature: str | None, *, at: datetime) -> VerifiedBytes:
        """The same bytes, now known to be signed; else a `BadSignature` whose `.cause` says what is wrong."""
        if not signature:
            raise Unsigned
        protected, _, rest = signature.partition(".")
        attached, _, sig = rest.partition(".")
        if attached or not sig:
            raise BadSignature("签名头不是分离式 JWS（应为“头部..签名”）。")
        key = self._check(protected, encode(payload), sig, at=at, typ="")
        return VerifiedBytes(payload, key.kid, key.department)

    def verify_attached(
        self, token: str, *, at: datetime, typ: str = "JWT", most: int = _MAX_TOKEN
    ) -> VerifiedBytes:
        """The payload carried by a compact JWS that was signed for this very use, `typ`."""
        if not token:
            raise Unsigned("请求没有携带访问令牌。")
        parts = token.split(".", 3) if len(token) <= most else []
        if len(parts) != 3:
            raise BadSignature("访问令牌不是紧凑格式的 JWS。")
        protected, payload, sig = parts
        key = self._check(protected, payload.encode(), sig, at=at, typ=typ)
        return VerifiedBytes(decode(payload), key.kid, key.department)

    def _check(self, protected: str, payload: bytes, sig: str, *, at: datetime, typ: str) -> TrustedKey:
        alg, kid, found = self._headers.get(protected) or self._read_header(protected)
        if not (found == typ.upper() if typ else found.rpartition("+")[2] != "JWT"):  # a message has none
            raise BadSignature("签名的用途不符：访问令牌与消息签名不能互换（typ）。")
        known = self._keys.get(kid)
        if known is None:
            raise UnknownKey(f"密钥 {kid[:80]} 未登记，无法验证签名。")
        key, public, key_alg = known
        if alg != key_alg:
            raise BadSignature(f"签名算法应为 {key_alg}，与密钥 {kid} 不符。")
        _check_in_force(key, at)
        signing_input = b"%b.%b" % (protected.encode(), payload)
        try:
            _verify(public, decode(sig), signing_input)
        except (InvalidSignature, ValueError):
            raise BadSignature(f"签名与内容不符，内容可能被改动，或不是密钥 {kid} 所签。") from None
        return key

    def _read_header(self, protected: str) -> tuple[str, str, str]:
        try:
            header = json.loads(decode(protected), object_pairs_hook=_unique)
        except (ValueError, RecursionError):
            raise BadSignature("签名头无法解析。") from None
        if not isinstance(header, dict) or "crit" in header or "b64" in header:
            raise BadSignature("签名头含有不支持的扩展（crit 或 b64）。")
        alg, kid, typ = header.get("alg"), header.get("kid"), str(header.get("typ", "")).upper()
        if not isinstance(alg, str) or not isinstance(kid, str):
            raise BadSignature("签名头缺少 alg 或 kid。")
        alg = "EdDSA" if alg == "Ed25519" else alg  # RFC 9864's name for the same thing
        if len(self._headers) >= _HEADERS_KEPT:  # strangers must not be able to grow our memory
            self._headers.clear()
        if kid in self._keys:
            self._headers[protected] = (alg, kid, typ)
        return alg, kid, typ


def sign_token(signer: Signer, claims: Mapping[str, Any]) -> str:
    """A JWT for a request to the hub. `iss` becomes the signer's code; give `aud`, `iat`, `exp` in seconds."""
    if missing := {"aud", "iat", "exp"} - claims.keys():
        raise ValueError(f"claims lack {', '.join(sorted(missing))}")
    body = json.dumps({**claims, "iss": signer.code}, ensure_ascii=False, separators=(",", ":"))
    return signer.sign_attached(body.encode())


def verify_token(keys: TrustedKeys, token: str, *, at: datetime, audience: str) -> dict[str, Any]:
    """The claims of a token signed by the department named in `iss`, for this audience, alive at `at`."""
    verified = keys.verify_attached(token, at=at)
    try:
        claims = json.loads(verified.bytes, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise BadSignature("访问令牌的内容不是 JSON。") from None
    if not isinstance(claims, dict) or claims.get("iss") != verified.department:
        raise BadSignature("访问令牌的签发者（iss）与签名密钥所属部门不符。")
    aud = claims.get("aud")
    if audience not in (aud if isinstance(aud, list) else [aud]):
        raise BadSignature("访问令牌不是发给本系统的（aud 不符）。")
    issued, expires, now = _seconds(claims, "iat"), _seconds(claims, "exp"), at.timestamp()
    if not 0 < expires - issued <= MAX_TOKEN_LIFE:
        raise ExpiredToken(f"访问令牌的有效期不得超过 {MAX_TOKEN_LIFE} 秒。")
    if issued > now + CLOCK_SKEW or expires <= now - CLOCK_SKEW:
        raise ExpiredToken
    return claims


def _check_in_force(key: TrustedKey, at: datetime) -> None:
    if key.revoked_at is not None and at >= key.revoked_at:
        raise RevokedKey(f"密钥 {key.kid} 已被吊销。")
    if key.not_before is not None and at < key.not_before:
        raise RevokedKey(f"密钥 {key.kid} 尚未生效。")
    if key.not_after is not None and at > key.not_after:
        raise RevokedKey(f"密钥 {key.kid} 已过有效期。")


def _verify(public: PublicKey, sig: bytes, signing_input: bytes) -> None:
    if isinstance(public, ed25519.Ed25519PublicKey):
        public.verify(sig, signing_input)
        return
    if len(sig) != 64:  # JWS carries r and s at fixed width; DER must not pass
        raise InvalidSignature
    r, s = int.from_bytes(sig[:32], "big"), int.from_bytes(sig[32:], "big")
    public.verify(encode_dss_signature(r, s), signing_input, _ECDSA)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key")
    return found


def _seconds(claims: dict[str, Any], name: str) -> float:
    value = claims.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ExpiredToken(f"访问令牌的时间 {name} 缺失或不是数字。")
    return value
