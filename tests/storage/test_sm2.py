"""SM2 signatures: known answers, and two foreign implementations that agree."""

from __future__ import annotations

import builtins
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import gmalg
import pytest
from gmssl import sm2 as gmssl_sm2

from hub.errors import Rejected, Unavailable
from storage.licences import gm_structures as gm
from storage.licences.sm2 import FILE, SIGNER_ID, BadSm2, Sm2Signer, make_demo_sm2, sm3, verify_sm2

NOW = datetime.now(UTC)
DOCUMENT = b"%PDF-1.7\n" + bytes(range(256)) * 400
#: GB/T 32918.5 (GM/T 0003.5), A.2.
SECRET = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8"
POINT = (
    "0409F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)
NONCE = "59276E27D506861A16680F3AD9C02DCCEF3CC1FA3CDBE4CE6D54B80DEAC1BC21"
R = "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
S = "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("sm2")
    make_demo_sm2(made)
    return made


@pytest.fixture(scope="module")
def signature(folder: Path) -> bytes:
    return Sm2Signer.from_folder(folder).sign(DOCUMENT, NOW)


def test_known_answers() -> None:
    """The standard's examples of SM3 and of SM2 with SM3."""
    assert sm3(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert sm3(b"abcd" * 16).hex() == "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"
    signer = gmalg.SM2(
        bytes.fromhex(SECRET), SIGNER_ID, bytes.fromhex(POINT), rnd_fn=lambda _: int(NONCE, 16)
    )
    r, s = signer.sign(b"message digest")
    assert (r.hex().upper(), s.hex().upper()) == (R, S)
    assert signer.verify(b"message digest", bytes.fromhex(R), bytes.fromhex(S))


def test_a_signature_holds(folder: Path, signature: bytes) -> None:
    """Verified over the bytes it was made of, with its signer and time."""
    found = verify_sm2(signature, DOCUMENT)
    assert found.certificate.dump() == Sm2Signer.from_folder(folder).certificate.dump()
    assert found.signed_at == NOW.replace(microsecond=0)
    assert Sm2Signer.from_folder(folder).facts()["algorithm"] == "SM2/SM3"


def _parts(signature: bytes) -> tuple[bytes, bytes, bytes]:
    """The signed attributes, the value r s in DER, and the signer's point."""
    (signer,) = gm.ContentInfo.load(signature)["content"]["signer_infos"]
    (certificate,) = gm.ContentInfo.load(signature)["content"]["certificates"]
    covered = signer["signed_attrs"].untag().dump(force=True)
    return covered, signer["signature"].native, certificate.public_key["public_key"].native


def test_gmssl_agrees(signature: bytes) -> None:
    """Another implementation, from the same bytes."""
    covered, value, point = _parts(signature)
    numbers = gm.Sm2Signature.load(value)
    raw = f"{numbers['r'].native:064x}{numbers['s'].native:064x}"
    other = gmssl_sm2.CryptSM2(private_key="", public_key=point.hex()[2:], asn1=False)
    assert other.verify_with_sm3(raw, covered)
    assert not other.verify_with_sm3(raw, covered + b"\0")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl here")
def test_openssl_agrees(folder: Path, signature: bytes, tmp_path: Path) -> None:
    """OpenSSL reads the certificate, verifies its own signature, and the signature over the attributes."""
    covered, value, _ = _parts(signature)
    (tmp_path / "covered").write_bytes(covered)
    (tmp_path / "value").write_bytes(value)
    pem = str(folder / FILE)
    run("verify", "-CAfile", pem, "-vfyopt", f"distid:{SIGNER_ID.decode()}", pem)
    (tmp_path / "public.pem").write_text(run("x509", "-in", pem, "-pubkey", "-noout"))
    asked = [
        "pkeyutl",
        "-verify",
        "-pubin",
        "-inkey",
        str(tmp_path / "public.pem"),
        "-rawin",
        "-digest",
        "sm3",
    ]
    asked += ["-pkeyopt", f"distid:{SIGNER_ID.decode()}", "-in", str(tmp_path / "covered")]
    assert "Successfully" in run(*asked, "-sigfile", str(tmp_path / "value"))
    (tmp_path / "covered").write_bytes(covered + b"\0")
    with pytest.raises(subprocess.CalledProcessError):
        run(*asked, "-sigfile", str(tmp_path / "value"))


def run(*arguments: str) -> str:
    return subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=True).stdout


def test_a_changed_document_or_signature(signature: bytes) -> None:
    """One byte of either: a sentence, and never an error of another kind."""
    with pytest.raises(BadSm2, match="不一致"):
        verify_sm2(signature, DOCUMENT + b" ")
    for at in range(0, len(signature), 7):
        changed = signature[:at] + bytes([signature[at] ^ 1]) + signature[at + 1 :]
        try:
            found = verify_sm2(changed, DOCUMENT)
        except BadSm2:
            continue
        # What stands outside of the signature: names of algorithms, the certificate. It is judged by who trusts it.
        assert found.signed_at == NOW.replace(microsecond=0)


@pytest.mark.parametrize("junk", [b"", b"0", b"\x30\x80", b"\x30\x84\xff\xff\xff\xff", bytes(500)])
def test_junk_is_refused(junk: bytes) -> None:
    """Whatever comes instead of a signature."""
    with pytest.raises(BadSm2, match="结构"):
        verify_sm2(junk, DOCUMENT)


def test_what_is_missing_is_said(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file, a broken one, key and certificate of two pairs, a certificate out of date, no gmalg: sentences."""
    with pytest.raises(Rejected, match="没有安装国密签名证书"):
        Sm2Signer.from_folder(tmp_path)
    (tmp_path / FILE).write_text("nothing")
    with pytest.raises(Rejected, match="chmod 600"):
        Sm2Signer.from_folder(tmp_path)
    (tmp_path / FILE).chmod(0o600)
    with pytest.raises(Rejected, match="读不出来"):
        Sm2Signer.from_folder(tmp_path)
    (tmp_path / FILE).unlink()
    other = make_demo_sm2(tmp_path).read_text()
    key, _, certificate = (folder / FILE).read_text().partition("-----BEGIN CERTIFICATE")
    (tmp_path / FILE).write_text(
        key + "-----BEGIN CERTIFICATE" + other.partition("-----BEGIN CERTIFICATE")[2]
    )
    with pytest.raises(Rejected, match="不是一对"):
        Sm2Signer.from_folder(tmp_path)
    assert certificate
    with pytest.raises(Rejected, match="有效期"):
        Sm2Signer.from_folder(folder).sign(DOCUMENT, NOW + timedelta(days=4000))
    real = builtins.__import__

    def without(name: str, *more: Any, **other: Any) -> Any:
        if name == "gmalg":
            raise ImportError(name)
        return real(name, *more, **other)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(Unavailable, match="shenguan-hub\\[gm\\]"):
        Sm2Signer.from_folder(folder)


def test_the_demo_key_is_made_once(folder: Path) -> None:
    """What is there stays; nobody else may read it."""
    before = (folder / FILE).read_bytes()
    assert make_demo_sm2(folder).read_bytes() == before
    assert (folder / FILE).stat().st_mode & 0o077 == 0
