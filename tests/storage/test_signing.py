"""Signing: what is trusted is exactly what was signed, by a key in force, with the key's own algorithm."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OKPKey
from joserfc.jws import JWSRegistry

from storage.signing import (
    BadSignature,
    ExpiredToken,
    RevokedKey,
    Signer,
    TrustedKey,
    TrustedKeys,
    UnknownKey,
    Unsigned,
    UnusableKey,
    VerifiedBytes,
    generate_private_key,
    kid_of,
    public_pem,
    sign_token,
    verify_token,
)

# RFC 9864 renames EdDSA to Ed25519; departments' libraries still write EdDSA, and both are accepted.
pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
PAYLOAD = '{"specversion":"1.0","subject":"办件"}'.encode()
ALGORITHMS = ("EdDSA", "ES256")


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def trusted(signer: Signer, **window: Any) -> TrustedKeys:
    return TrustedKeys.of([TrustedKey(signer.kid, signer.code, signer.public_pem, **window)])


@pytest.fixture(params=ALGORITHMS)
def pem(request: pytest.FixtureRequest) -> bytes:
    return generate_private_key(request.param)


@pytest.fixture
def signer(pem: bytes) -> Signer:
    return Signer.from_pem("yjj", pem)


def their_key(pem: bytes, alg: str) -> OKPKey | ECKey:
    return OKPKey.import_key(pem) if alg == "EdDSA" else ECKey.import_key(pem)


def test_what_we_sign_we_trust(signer: Signer) -> None:
    """Signed bytes come back as verified bytes that name the key and the department."""
    verified = trusted(signer).verify(PAYLOAD, signer.sign(PAYLOAD), at=NOW)
    assert verified == VerifiedBytes(PAYLOAD, signer.kid, "yjj")


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_an_independent_implementation_verifies_ours(alg: str) -> None:
    """joserfc accepts our detached signature once the payload is put back."""
    pem = generate_private_key(alg)  # type: ignore[arg-type]
    header, _, sig = Signer.from_pem("yjj", pem).sign(PAYLOAD).split(".")
    read = jws.deserialize_compact(f"{header}.{b64(PAYLOAD)}.{sig}", their_key(pem, alg), algorithms=[alg])
    assert read.payload == PAYLOAD
    assert read.headers()["alg"] == alg


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_we_verify_an_independent_implementation(alg: str) -> None:
    """A detached signature made by joserfc passes here, whatever the order of its header."""
    pem = generate_private_key(alg)  # type: ignore[arg-type]
    signer = Signer.from_pem("yjj", pem)
    for header in ({"alg": alg, "kid": signer.kid}, {"kid": signer.kid, "alg": alg}):
        whole = jws.serialize_compact(
            header, PAYLOAD, their_key(pem, alg), registry=JWSRegistry(algorithms=[alg])
        )
        protected, _, sig = whole.split(".")
        assert trusted(signer).verify(PAYLOAD, f"{protected}..{sig}", at=NOW).kid == signer.kid


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_tokens_cross_check_with_joserfc(alg: str) -> None:
    """Tokens pass both ways between joserfc's JWT and ours."""
    pem = generate_private_key(alg)  # type: ignore[arg-type]
    signer, key = Signer.from_pem("yjj", pem), their_key(pem, alg)
    iat = int(NOW.timestamp())
    claims = {"aud": "hub", "iat": iat, "exp": iat + 60, "use": "核查"}
    theirs = jwt.decode(sign_token(signer, claims), key, algorithms=[alg])
    assert theirs.claims == {**claims, "iss": "yjj"}
    made = jwt.encode({"alg": alg, "kid": signer.kid}, {**claims, "iss": "yjj"}, key, algorithms=[alg])
    assert verify_token(trusted(signer), made, at=NOW, audience="hub")["use"] == "核查"


def test_the_newer_name_of_eddsa_is_accepted() -> None:
    """A header that says Ed25519 (RFC 9864) means the same key and passes; an ES256 key may not claim it."""
    signer = Signer.from_pem("yjj", generate_private_key())
    header = {"alg": "Ed25519", "kid": signer.kid}
    assert trusted(signer).verify(PAYLOAD, resigned(signer, header), at=NOW)
    other = Signer.from_pem("yjj", generate_private_key("ES256"))
    with pytest.raises(BadSignature, match="算法"):
        trusted(other).verify(PAYLOAD, resigned(other, {**header, "kid": other.kid}), at=NOW)


def openssl(*args: str) -> subprocess.CompletedProcess[bytes]:
    program = shutil.which("openssl")
    assert program, "缺少 openssl 命令（Debian 软件包 openssl）"
    return subprocess.run([program, *args], check=True, capture_output=True)


def test_openssl_verifies_ours(tmp_path: Path) -> None:
    """Anyone with the openssl command line alone can check an Ed25519 signature of ours."""
    signer = Signer.from_pem("hub", generate_private_key())
    header, _, sig = signer.sign(PAYLOAD).split(".")
    (tmp_path / "pub.pem").write_text(signer.public_pem)
    (tmp_path / "in").write_bytes(f"{header}.{b64(PAYLOAD)}".encode())
    (tmp_path / "sig").write_bytes(base64.urlsafe_b64decode(sig + "=="))
    files = {name: str(tmp_path / name) for name in ("pub.pem", "in", "sig")}
    openssl("pkeyutl", "-verify", "-pubin", "-inkey", files["pub.pem"], "-rawin", "-in", files["in"],
            "-sigfile", files["sig"])  # fmt: skip


@pytest.mark.parametrize("genpkey", [("ED25519",), ("EC", "-pkeyopt", "ec_paramgen_curve:P-256")])
def test_openssl_keys_and_certificates_are_ours_too(tmp_path: Path, genpkey: tuple[str, ...]) -> None:
    """A key pair and a certificate made by openssl sign and verify here, and both give the same kid."""
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    openssl("genpkey", "-algorithm", *genpkey, "-out", str(key))
    openssl("req", "-new", "-x509", "-key", str(key), "-subj", "/CN=yjj", "-days", "9", "-out", str(cert))
    signer = Signer.from_pem("yjj", key.read_bytes())
    assert kid_of("yjj", cert.read_text()) == signer.kid == kid_of("yjj", public_pem(key.read_bytes()))
    keys = TrustedKeys.of([TrustedKey(signer.kid, "yjj", cert.read_text())])
    assert keys.verify(PAYLOAD, signer.sign(PAYLOAD), at=NOW).department == "yjj"


def test_kid_is_the_hash_of_the_spki(tmp_path: Path) -> None:
    """The kid is what anyone computes with openssl and sha256sum."""
    key = tmp_path / "key.pem"
    key.write_bytes(generate_private_key())
    der = openssl("pkey", "-in", str(key), "-pubout", "-outform", "DER").stdout
    assert kid_of("hub", public_pem(key.read_bytes())) == f"hub-{hashlib.sha256(der).hexdigest()[:16]}"


def test_each_changed_byte_is_noticed(signer: Signer) -> None:
    """Changing any single byte of payload or any character of the signature is refused."""
    keys, signature = trusted(signer), signer.sign(PAYLOAD)
    for at in range(len(PAYLOAD)):
        changed = PAYLOAD[:at] + bytes([PAYLOAD[at] ^ 1]) + PAYLOAD[at + 1 :]
        with pytest.raises(BadSignature):
            keys.verify(changed, signature, at=NOW)
    for at in range(len(signature)):
        other = "A" if signature[at] != "A" else "B"
        with pytest.raises(BadSignature):
            keys.verify(PAYLOAD, signature[:at] + other + signature[at + 1 :], at=NOW)


@pytest.mark.parametrize("signature", [None, ""])
def test_unsigned_is_its_own_cause(signer: Signer, signature: str | None) -> None:
    """A message without a signature is `unsigned`, not `bad_signature`."""
    with pytest.raises(Unsigned) as refused:
        trusted(signer).verify(PAYLOAD, signature, at=NOW)
    assert refused.value.cause == "unsigned"
    assert str(refused.value) == "消息没有签名。"


def test_a_stranger_is_unknown(signer: Signer) -> None:
    """A good signature by a key nobody registered is `unknown_key`."""
    with pytest.raises(UnknownKey) as refused:
        TrustedKeys({}).verify(PAYLOAD, signer.sign(PAYLOAD), at=NOW)
    assert refused.value.cause == "unknown_key"
    assert signer.kid in str(refused.value)


def test_a_borrowed_kid_is_a_bad_signature(pem: bytes, signer: Signer) -> None:
    """Signing with one's own key under another's kid is found."""
    thief = Signer.from_pem("yjj", generate_private_key())
    forged = signer.sign(PAYLOAD).split(".")[0] + ".." + thief.sign(PAYLOAD).split(".")[2]
    with pytest.raises(BadSignature) as refused:
        trusted(signer).verify(PAYLOAD, forged, at=NOW)
    assert refused.value.cause == "bad_signature"


def test_a_revoked_key_stops_at_once_and_not_before(signer: Signer) -> None:
    """From the moment of revocation on nothing passes; up to it everything does."""
    keys, signature = trusted(signer, revoked_at=NOW), signer.sign(PAYLOAD)
    assert keys.verify(PAYLOAD, signature, at=NOW - timedelta(microseconds=1))
    with pytest.raises(RevokedKey) as refused:
        keys.verify(PAYLOAD, signature, at=NOW)
    assert refused.value.cause == "revoked_key"


def test_validity_has_two_ends(signer: Signer) -> None:
    """Before its first and after its last moment a key does not count; two keys may overlap."""
    day = timedelta(days=1)
    keys = trusted(signer, not_before=NOW - day, not_after=NOW + day)
    signature = signer.sign(PAYLOAD)
    assert keys.verify(PAYLOAD, signature, at=NOW)
    for at, words in ((NOW - 2 * day, "尚未生效"), (NOW + 2 * day, "已过有效期")):
        with pytest.raises(RevokedKey, match=words):
            keys.verify(PAYLOAD, signature, at=at)


def resigned(signer: Signer, header: dict[str, Any] | str, payload: bytes = PAYLOAD) -> str:
    """A correct signature under a header of our choosing: only the header's content can be what is refused."""
    protected = b64(header.encode() if isinstance(header, str) else json.dumps(header).encode())
    return f"{protected}..{signer._signature(protected, payload)}"


@pytest.mark.parametrize("changes", [
    {"alg": "none"}, {"alg": "HS256"}, {"alg": "eddsa"}, {"alg": None}, {"kid": None}, {"kid": 7},
    {"crit": ["exp"]}, {"crit": []}, {"b64": False}, {"b64": False, "crit": ["b64"]}, {"typ": "JWT"},
])  # fmt: skip
def test_a_header_cannot_choose_the_rules(signer: Signer, changes: dict[str, Any]) -> None:
    """The header may not pick another algorithm, carry `crit` or `b64`, leave out the kid, or pose as a token."""
    header = {"alg": trusted(signer)._keys[signer.kid][2], "kid": signer.kid}
    assert trusted(signer).verify(PAYLOAD, resigned(signer, header), at=NOW)
    with pytest.raises(BadSignature) as refused:
        trusted(signer).verify(PAYLOAD, resigned(signer, {**header, **changes}), at=NOW)
    assert refused.value.cause == "bad_signature"


@pytest.mark.parametrize(
    "header", ["", "[]", "null", "{", '{"alg":"EdDSA","alg":"EdDSA"}', "\ud83d", "[" * 9000]
)
def test_a_header_that_is_no_object_is_refused(signer: Signer, header: str) -> None:
    """Whatever stands where the header should be, the answer is a refusal and never another exception."""
    protected = base64.urlsafe_b64encode(header.encode("utf-8", "surrogatepass")).rstrip(b"=").decode()
    with pytest.raises(BadSignature):
        trusted(signer).verify(PAYLOAD, f"{protected}..AAAA", at=NOW)


@pytest.mark.parametrize(
    "signature", ["x", ".", "..", "...", "a.b.c", "a..b..c", "é..é", " .. ", "=..=", "A" * 99999]
)
def test_junk_signatures_are_refused(signer: Signer, signature: str) -> None:
    """No text in the signature header makes anything but a BadSignature."""
    with pytest.raises(BadSignature):
        trusted(signer).verify(PAYLOAD, signature, at=NOW)


def test_the_signature_has_one_spelling(signer: Signer) -> None:
    """Padding, the standard alphabet, blanks and spare bits are refused: the bytes of a signature are unique."""
    keys, signature = trusted(signer), signer.sign(PAYLOAD)
    last = signature[-1]
    spare = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    sibling = spare[spare.index(last) ^ 1]  # 64 bytes leave four spare bits in the last character
    for other in (signature + "==", signature + "\n", signature[:-1] + sibling):
        with pytest.raises(BadSignature):
            keys.verify(PAYLOAD, other, at=NOW)


def test_der_signatures_do_not_pass_for_es256() -> None:
    """JWS has r and s at fixed width; the DER form of the same signature is refused."""
    signer = Signer.from_pem("yjj", generate_private_key("ES256"))
    header = signer.sign(PAYLOAD).split(".")[0]
    assert isinstance(signer._key, ec.EllipticCurvePrivateKey)
    der = signer._key.sign(f"{header}.{b64(PAYLOAD)}".encode(), ec.ECDSA(hashes.SHA256()))
    for sig in (der, b"", bytes(64)):
        with pytest.raises(BadSignature):
            trusted(signer).verify(PAYLOAD, f"{header}..{b64(sig)}", at=NOW)


def test_strangers_cannot_fill_the_memory(signer: Signer) -> None:
    """Headers of unknown keys are not kept, and those of known ones only up to a limit."""
    keys = trusted(signer)
    for n in range(5000):
        with pytest.raises(BadSignature):
            keys.verify(
                PAYLOAD, f"{b64(json.dumps({'alg': 'x', 'kid': signer.kid, 'n': n}).encode())}..AAAA", at=NOW
            )
    assert len(keys._headers) <= 4096


def test_other_keys_are_refused_with_a_sentence() -> None:
    """RSA, other curves, encrypted keys and text that is no key: UnusableKey, in Chinese."""

    def pem_of(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    others = [pem_of(rsa.generate_private_key(65537, 2048)), pem_of(ec.generate_private_key(ec.SECP384R1()))]
    for bad in [*others, b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]:
        with pytest.raises(UnusableKey, match=r"密钥|私钥"):
            Signer.from_pem("yjj", bad)
    for bad_public in ("", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "密钥"):
        with pytest.raises(UnusableKey, match="PEM"):
            kid_of("yjj", bad_public)


def test_one_broken_key_does_not_stop_the_others(signer: Signer, caplog: pytest.LogCaptureFixture) -> None:
    """A key that cannot be read is left out and logged; the rest still verify."""
    keys = TrustedKeys.of([TrustedKey("bad-1", "bad", "x"), TrustedKey(signer.kid, "yjj", signer.public_pem)])
    assert keys.verify(PAYLOAD, signer.sign(PAYLOAD), at=NOW)
    assert "bad-1" in caplog.text


def claims(**changes: Any) -> dict[str, Any]:
    iat = int(NOW.timestamp())
    return {"aud": "hub", "iat": iat, "exp": iat + 60, **changes}


def test_a_token_is_good_for_two_minutes_and_some_skew(signer: Signer) -> None:
    """A token passes from its issue to its end, with half a minute for clocks that differ."""
    token, keys = sign_token(signer, claims()), trusted(signer)
    for after, good in ((-29, True), (0, True), (89, True), (-31, False), (91, False)):
        at = NOW + timedelta(seconds=after)
        if good:
            assert verify_token(keys, token, at=at, audience="hub")["iss"] == "yjj"
        else:
            with pytest.raises(ExpiredToken):
                verify_token(keys, token, at=at, audience="hub")


@pytest.mark.parametrize("changes", [
    {"exp": int(NOW.timestamp()) + 121}, {"exp": int(NOW.timestamp())}, {"exp": "soon"}, {"iat": None},
    {"exp": True}, {"exp": float("inf")}, {"iat": float("nan")}, {"aud": "other"}, {"aud": ["x", "y"]}, {"aud": None},
])  # fmt: skip
def test_tokens_with_wrong_claims_are_refused(signer: Signer, changes: dict[str, Any]) -> None:
    """Too long a life, odd times and another audience are refused although the signature is right."""
    with pytest.raises(BadSignature):
        verify_token(trusted(signer), sign_token(signer, claims(**changes)), at=NOW, audience="hub")


def test_one_department_cannot_speak_for_another(signer: Signer) -> None:
    """`iss` must be the department that owns the key."""
    body = json.dumps({**claims(), "iss": "ajj"}).encode()
    with pytest.raises(BadSignature, match="iss"):
        verify_token(trusted(signer), signer.sign_attached(body), at=NOW, audience="hub")


def test_a_message_signature_is_no_token(signer: Signer) -> None:
    """A signature over a message cannot be shown as a token, nor a token as a message's signature."""
    body = json.dumps({**claims(), "iss": "yjj"}).encode()
    protected, _, sig = signer.sign(body).split(".")
    with pytest.raises(BadSignature, match="用途"):
        verify_token(trusted(signer), f"{protected}.{b64(body)}.{sig}", at=NOW, audience="hub")
    protected, _, sig = sign_token(signer, claims()).split(".")
    with pytest.raises(BadSignature, match="用途"):
        trusted(signer).verify(body, f"{protected}..{sig}", at=NOW)


@pytest.mark.parametrize("token", ["", "x", "a.b", "a.b.c.d", "..", "A" * 20000])
def test_junk_tokens_are_refused(signer: Signer, token: str) -> None:
    """No text in place of a token makes anything but a BadSignature."""
    with pytest.raises(BadSignature):
        verify_token(trusted(signer), token, at=NOW, audience="hub")


def test_signing_stays_with_the_department() -> None:
    """The module a department runs pulls in neither the hub, nor the object store, nor a database."""
    code = "import sys, storage.signing; print(sorted({m.split('.')[0] for m in sys.modules}))"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert not {"hub", "minio", "sqlalchemy", "flask", "openpyxl", "urllib3"} & set(
        json.loads(found.replace("'", '"'))
    )
