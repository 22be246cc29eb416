"""Signatures at intake, made by pyHanko, OpenSSL and `cryptography`, cross-checked with poppler's pdfsig and OpenSSL."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub.errors import Rejected
from storage.intake.signatures import NOT_CHECKED, Signatures, Verdict
from tests.storage import intake_samples as samples
from tests.storage import signers
from tests.storage.hostile_pdfs import wrapped
from tests.storage.test_licence_inspect import issued


@pytest.fixture(scope="module")
def root() -> signers.Identity:
    return signers.authority()


@pytest.fixture(scope="module")
def seal(root: signers.Identity) -> signers.Identity:
    return signers.signer(root)


@pytest.fixture
def trusting(tmp_path: Path, root: signers.Identity) -> Signatures:
    folder = tmp_path / "trusted"
    folder.mkdir()
    (folder / "root.pem").write_bytes(root.pem)
    (folder / "notes.pem").write_bytes(b"not a certificate at all")
    return Signatures(folder)


@pytest.fixture
def kept(tmp_path: Path) -> Callable[[bytes], Path]:
    def keep(data: bytes) -> Path:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.pdf"
        path.write_bytes(data)
        return path

    return keep


def pdfsig(path: Path) -> str:
    done = subprocess.run(["pdfsig", "-nocert", str(path)], capture_output=True, text=True, check=False)
    return done.stdout


def test_a_good_signature(
    trusting: Signatures,
    seal: signers.Identity,
    root: signers.Identity,
    kept: Callable[[bytes], Path],
    tmp_path: Path,
) -> None:
    """Signer, time, coverage and chain are told, and pdfsig says the same of the bytes."""
    path = kept(signers.sign_pdf(samples.pdf(), seal, tmp_path, chain=(root,)))
    verdict = trusting.of_pdf(path)
    (one,) = verdict.signatures
    assert (verdict.state, one["state"], one["covers_whole"]) == ("valid", "valid", True), verdict
    assert one["signer"] == "示范县行政审批服务局（测试章）"
    assert one["chain"] == ["示范县行政审批服务局（测试章）", "示范根证书"]
    assert abs(datetime.fromisoformat(str(one["signed_at"])) - datetime.now(UTC)) < timedelta(minutes=5)
    assert one["time_from"] == "signer"
    assert "Signature is Valid" in pdfsig(path)
    assert "Total document signed" in pdfsig(path)


def test_nobody_we_trust(seal: signers.Identity, kept: Callable[[bytes], Path], tmp_path: Path) -> None:
    """A signature that holds, by somebody nobody vouches for, is `untrusted`, with the reason."""
    path = kept(signers.sign_pdf(samples.pdf(), seal, tmp_path))
    assert Signatures(None).of_pdf(path).state == "untrusted"
    other = tmp_path / "other"
    other.mkdir()
    (other / "root.pem").write_bytes(signers.authority("另一根").pem)
    verdict = Signatures(other).of_pdf(path)
    assert verdict.state == "untrusted"
    assert "示范根证书" in verdict.why()


def test_a_flipped_byte(
    trusting: Signatures, seal: signers.Identity, kept: Callable[[bytes], Path], tmp_path: Path
) -> None:
    """One changed byte of the signed content makes it invalid, for us and for pdfsig."""
    data = signers.sign_pdf(samples.pdf("sample"), seal, tmp_path)
    path = kept(data.replace(b"(sample 1)", b"(simple 1)"))
    verdict = trusting.of_pdf(path)
    assert verdict.state == "invalid"
    assert "改动" in verdict.why()
    assert "Digest Mismatch" in pdfsig(path)


def test_changed_after_signing(
    trusting: Signatures, seal: signers.Identity, kept: Callable[[bytes], Path], tmp_path: Path
) -> None:
    """A page added by an incremental update leaves the signed bytes intact and is found all the same."""
    path = kept(signers.change_after(signers.sign_pdf(samples.pdf(), seal, tmp_path)))
    verdict = trusting.of_pdf(path)
    assert (verdict.state, verdict.signatures[0]["covers_whole"]) == ("invalid", False)
    assert "Not total document signed" in pdfsig(path)


def test_a_wrapped_signature(
    trusting: Signatures, seal: signers.Identity, kept: Callable[[bytes], Path]
) -> None:
    """What was signed is all there, and something else is shown: invalid, although every byte of the range holds."""
    whole = issued(seal)
    assert trusting.of_pdf(kept(whole)).state == "valid"
    verdict = trusting.of_pdf(kept(wrapped(whole)))
    assert (verdict.state, verdict.signatures[0]["covers_whole"]) == ("invalid", False)
    assert "夹着别的内容" in verdict.why()


def test_two_signatures(
    trusting: Signatures,
    seal: signers.Identity,
    root: signers.Identity,
    kept: Callable[[bytes], Path],
    tmp_path: Path,
) -> None:
    """Signing again is no change: both are valid, the first no longer covers the whole file."""
    second = signers.signer(root, "示范县卫生健康局（测试章）")
    once = signers.sign_pdf(samples.pdf(), seal, tmp_path)
    verdict = trusting.of_pdf(kept(signers.sign_pdf(once, second, tmp_path, field="Seal2")))
    assert verdict.state == "valid", verdict
    assert [one["covers_whole"] for one in verdict.signatures] == [False, True]


def test_the_worst_counts(
    trusting: Signatures, seal: signers.Identity, kept: Callable[[bytes], Path], tmp_path: Path
) -> None:
    """One stranger among the signers makes the file untrusted."""
    stranger = signers.signer(signers.authority("别处"), "别处的章")
    once = signers.sign_pdf(samples.pdf(), seal, tmp_path)
    verdict = trusting.of_pdf(kept(signers.sign_pdf(once, stranger, tmp_path, field="Seal2")))
    assert verdict.state == "untrusted"
    assert [one["state"] for one in verdict.signatures] == ["valid", "untrusted"]


def test_an_expired_certificate(
    trusting: Signatures, root: signers.Identity, kept: Callable[[bytes], Path], tmp_path: Path
) -> None:
    """Expired since, and nobody proves the time: untrusted, with the day it ended; nobody's word is taken for the time."""
    now = datetime.now(UTC)
    old = signers.signer(root, "旧章", begins=now - timedelta(days=400), ends=now - timedelta(days=10))
    verdict = trusting.of_pdf(kept(signers.sign_pdf(samples.pdf(), old, tmp_path)))
    assert verdict.state == "untrusted"
    assert "有效期" in verdict.why() or "到期" in verdict.why()


def test_a_trusted_timestamp(
    trusting: Signatures,
    seal: signers.Identity,
    root: signers.Identity,
    kept: Callable[[bytes], Path],
    tmp_path: Path,
) -> None:
    """A timestamp by somebody we trust is told as the time's proof."""
    clock = signers.signer(root, "示范时间戳", for_time=True)
    verdict = trusting.of_pdf(kept(signers.sign_pdf(samples.pdf(), seal, tmp_path, clock=clock)))
    assert verdict.state == "valid", verdict
    assert verdict.signatures[0]["time_from"] == "timestamp"


def test_detached_signature_beside_any_file(
    trusting: Signatures, seal: signers.Identity, kept: Callable[[bytes], Path], tmp_path: Path
) -> None:
    """A .p7s made by one implementation holds for us and for OpenSSL, and for no other bytes."""
    file, other = kept(samples.image()), kept(samples.image(size=(65, 48)))
    p7s = tmp_path / "file.p7s"
    p7s.write_bytes(signers.detached(file.read_bytes(), seal))
    assert trusting.of_detached(file, p7s).state == "valid"
    assert trusting.of_detached(other, p7s).state == "invalid"
    assert openssl_verifies(p7s, file, trusting)
    assert not openssl_verifies(p7s, other, trusting)


def test_detached_signature_by_openssl(
    trusting: Signatures, seal: signers.Identity, kept: Callable[[bytes], Path], tmp_path: Path
) -> None:
    """One made by `openssl cms` holds for us, as DER and as PEM."""
    file = kept(samples.pdf())
    (tmp_path / "s.pem").write_bytes(seal.pem)
    (tmp_path / "s.key").write_bytes(seal.key_pem)
    for form in ("DER", "PEM"):
        p7s = tmp_path / f"{form}.p7s"
        subprocess.run(
            [
                "openssl",
                "cms",
                "-sign",
                "-binary",
                "-in",
                file,
                "-signer",
                tmp_path / "s.pem",
                "-inkey",
                tmp_path / "s.key",
                "-outform",
                form,
                "-out",
                p7s,
            ],
            check=True,
            capture_output=True,
        )
        assert trusting.of_detached(file, p7s).state == "valid"


def openssl_verifies(p7s: Path, file: Path, trusting: Signatures) -> bool:
    assert trusting.trusted is not None
    done = subprocess.run(
        [
            "openssl",
            "cms",
            "-verify",
            "-binary",
            "-inform",
            "DER",
            "-in",
            p7s,
            "-content",
            file,
            "-CAfile",
            trusting.trusted / "root.pem",
            "-purpose",
            "any",
            "-out",
            "/dev/null",
        ],
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


@pytest.mark.parametrize("junk", [b"\0", b"-----BEGIN CMS-----\nAAAA\n-----END CMS-----\n", b"0\x80" * 40])
def test_what_is_no_signature(
    trusting: Signatures, junk: bytes, kept: Callable[[bytes], Path], tmp_path: Path
) -> None:
    """A .p7s that is none is invalid, never an error and never none."""
    p7s = tmp_path / "junk.p7s"
    p7s.write_bytes(junk)
    assert trusting.of_detached(kept(samples.pdf()), p7s).state == "invalid"


def test_a_pdf_that_only_seems_signed(trusting: Signatures, kept: Callable[[bytes], Path]) -> None:
    """The words of a signature without one are no signature; a document that cannot be read stays unchecked."""
    path = kept(samples.pdf(extra=b"/Perhaps << /ByteRange [0 1 2 3] >> "))
    assert trusting.of_pdf(path).state == "none"
    broken = kept(b"%PDF-1.7\n/ByteRange [0 1 2 3]\n%%EOF\n")
    assert trusting.of_pdf(broken).state == "unchecked"


def test_out_of_time_or_memory(seal: signers.Identity, kept: Callable[[bytes], Path], tmp_path: Path) -> None:
    """A verification that does not end within its limits says so and is not taken for a good one."""
    path = kept(signers.sign_pdf(samples.pdf(), seal, tmp_path))
    for small in (Signatures(None, memory=40 << 20), Signatures(None, seconds=0)):
        verdict = small.of_pdf(path)
        assert (verdict.state, "限定" in verdict.why()) == ("unchecked", True)


def test_the_verifier_asks_nobody(
    trusting: Signatures, seal: signers.Identity, kept: Callable[[bytes], Path], tmp_path: Path
) -> None:
    """Although the certificate says where to ask about it, no name is looked up and no connection is made."""
    path = kept(signers.sign_pdf(samples.pdf(), seal, tmp_path))
    code = (
        "import json, sys, storage.intake.verify as v\n"
        "asked = []\n"
        "sys.addaudithook(lambda e, a: asked.append(e) if e in ('socket.connect', 'socket.getaddrinfo') else None)\n"
        "said = v.main(sys.argv[1:])\n"
        "print(json.dumps([asked, said['signatures'][0]['state']]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(trusting.trusted), "pdf", str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == [[], "valid"]


RULES = [
    ("invalid", False, True, True, "无效"),
    ("invalid", False, False, True, None),
    ("none", False, True, True, None),
    ("none", True, False, True, "必须带电子签名"),
    ("unchecked", True, False, True, "无法核验"),
    ("unchecked", False, True, True, None),
    ("untrusted", False, True, True, None),
    ("untrusted", True, True, True, "信任的范围"),
    ("untrusted", True, False, True, None),
    ("untrusted", True, True, False, None),
    ("valid", True, True, True, None),
]


@pytest.mark.parametrize(("state", "required", "refuse_bad", "trusted", "said"), RULES)
def test_what_the_type_makes_of_it(
    state: str, required: bool, refuse_bad: bool, trusted: bool, said: str | None
) -> None:
    """The table of states and rules: refused with a sentence, or taken and flagged."""
    verdict = Verdict(state, reason="原因")
    if said is None:
        verdict.refuse_by_rule("a.pdf", required=required, refuse_bad=refuse_bad, anybody_trusted=trusted)
    else:
        with pytest.raises(Rejected, match=said):
            verdict.refuse_by_rule("a.pdf", required=required, refuse_bad=refuse_bad, anybody_trusted=trusted)


def test_signatures_of_other_kinds_are_told_as_unchecked() -> None:
    """OFD's and Office's own signatures are not verified, and nobody says they were."""
    assert NOT_CHECKED.state == "unchecked"
    assert "OFD" in NOT_CHECKED.why()
