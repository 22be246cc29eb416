"""Verified: what the server says of signed bytes, and how somebody who does not believe it checks them without us."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from flask_babel import gettext
from sqlalchemy import Connection

from admin.premises import here
from admin.tracing.kept import Kept
from hub.register_department import trusted_keys
from storage.keys import UnusableKey, algorithm_of, load_public, spki_pem
from storage.signing import BadSignature, TrustedKey, TrustedKeys

HUB = "hub"


@dataclass(frozen=True, slots=True)
class Verified:
    """How the bytes stand. `valid`: these bytes were signed with that key, whatever became of the key since."""

    valid: bool
    words: str  # why not
    owner: str | None  # department code, or hub; None: nobody's key
    then: str  # of the key when the message was taken or made: good, not_yet, expired, revoked, unknown
    now: str
    sha256: str
    recorded: bool | None  # the digest is the one that was recorded; None: recorded nowhere else
    public_pem: str | None
    algorithm: str | None


def verify(tx: Connection, kept: Kept) -> Verified:
    """Check the signature over the bytes as they are kept now, and the key's times."""
    key = _key(tx, kept)
    valid, words = _signature(kept, key)
    digest = hashlib.sha256(kept.value).digest()
    pem, algorithm = _public(key)
    return Verified(
        valid,
        words,
        key.department if key else None,
        _state(key, kept.at),
        _state(key, datetime.now(UTC)),
        digest.hex(),
        None if kept.sha256 is None or not kept.whole else kept.sha256 == digest,
        pem,
        algorithm,
    )


def _key(tx: Connection, kept: Kept) -> TrustedKey | None:
    """The key that the message names; one of ours where we sent it."""
    if kept.where == "outbox":
        pem = here().config.hub_keys.get(kept.kid or "")
        return TrustedKey(kept.kid or "", HUB, pem) if pem else None
    found = (row for row in trusted_keys(tx) if row.kid == kept.kid)
    row = next(found, None)
    return row and TrustedKey(
        row.kid, row.department, row.public_pem, row.valid_from, row.valid_to, row.revoked_at
    )


def _signature(kept: Kept, key: TrustedKey | None) -> tuple[bool, str]:
    if not kept.whole:
        return False, gettext("消息过大，只保留了开头，无法查验签名。")
    if key is None:
        return False, gettext("签名密钥 %(kid)s 没有登记，无法查验。", kid=kept.kid or "—")
    timeless = TrustedKey(key.kid, key.department, key.public_pem)
    try:
        TrustedKeys.of([timeless]).verify(kept.value, kept.signature, at=kept.at)
    except BadSignature as error:
        return False, str(error)
    return True, ""


def _state(key: TrustedKey | None, at: datetime) -> str:
    if key is None:
        return "unknown"
    if key.revoked_at is not None and at >= key.revoked_at:
        return "revoked"
    if key.not_before is not None and at < key.not_before:
        return "not_yet"
    return "expired" if key.not_after is not None and at > key.not_after else "good"


def _public(key: TrustedKey | None) -> tuple[str | None, str | None]:
    if key is None:
        return None, None
    try:
        loaded = load_public(key.public_pem)
    except UnusableKey:
        return key.public_pem, None
    return spki_pem(loaded), algorithm_of(loaded)


_INPUT = """\
# 待验签的内容：签名头 + "." + 原文的 base64url
cut -d. -f1 message.jws | tr -d '\\n' > input.bin
printf . >> input.bin
openssl base64 -A -in message.json | tr '+/' '-_' | tr -d '=' >> input.bin
# 签名值
cut -d. -f3 message.jws | tr -d '\\n' | tr '_-' '/+' | awk '{ while (length($0) % 4) $0 = $0 "="; print }' > sig.b64
openssl base64 -d -A -in sig.b64 -out sig.bin
"""
_ED25519 = """\
openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in input.bin -sigfile sig.bin
"""
_ES256 = """\
hex=$(od -An -v -tx1 sig.bin | tr -d ' \\n')
printf 'asn1=SEQUENCE:s\\n[s]\\nr=INTEGER:0x%s\\ns=INTEGER:0x%s\\n' \\
  "$(echo "$hex" | cut -c1-64)" "$(echo "$hex" | cut -c65-128)" > sig.cnf
openssl asn1parse -genconf sig.cnf -noout -out sig.der
openssl dgst -sha256 -verify key.pem -signature sig.der input.bin
"""


def commands(algorithm: str | None) -> str:
    """What an outsider types beside the three files, with nothing but openssl; empty where there is no usable key."""
    tail = {"EdDSA": _ED25519, "ES256": _ES256}.get(algorithm or "")
    return _INPUT + tail if tail else ""
