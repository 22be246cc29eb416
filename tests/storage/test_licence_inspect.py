"""Files that somebody brings: ours and whole, or a sentence that says what is wrong with them. Never an error."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from hub.errors import Unavailable
from hub.licensing.ports import Inspection
from storage.licences.document import Sheet, SignaturePlace, written
from storage.licences.inspect import CAUSES, LicenceInspector, look
from storage.licences.inspect_child import main
from storage.licences.sign import DocumentSigner, room, signed
from storage.licences.trust_bundle import folder_pem, trusted
from storage.licences.xmp import About
from tests.storage.hostile_pdfs import ATTACKS
from tests.storage.pdf_witnesses import pdfsig_accepts
from tests.storage.signers import Identity, authority, change_after, sign_pdf, signer

IDENTIFIER = "1.2.156.3005.2.11370100MB00000194001.11370100MB00000194.DEMO20260000001.001.1"
METADATA = {"certificateIdentifier": IDENTIFIER, "certificateName": "食品经营许可证"}
CA = authority()


def issued(who: Identity, metadata: dict[str, Any] = METADATA) -> bytes:
    """A page as the press signs it."""
    own = asn1_x509.Certificate.load(who.certificate.public_bytes(Encoding.DER))
    hand = DocumentSigner(own, [], who.key)
    about = About("食品经营许可证", "示范县行政审批服务局", datetime.now(UTC), metadata)
    place = SignaturePlace(room(hand, None), "示范县行政审批服务局", "签发电子证照")
    document, slot = written([Sheet(300, 200, b"0 0 m 100 100 l S")], about, place, attach=True)
    assert slot is not None
    return signed(document, slot, hand, None)


OURS = signer(CA)
LICENCE = issued(OURS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "credentials"
    made.mkdir()
    (made / "ca.pem").write_bytes(CA.pem)
    (made / "default.pem").write_bytes(OURS.key_pem + OURS.pem)
    return made


def known(folder: Path, who: Identity) -> Identity:
    """One more certificate that signs, or signed, here."""
    (folder / f"old-{who.certificate.serial_number}.pem").write_bytes(who.pem)
    return who


@pytest.fixture
def inspect(folder: Path, tmp_path: Path) -> Callable[..., Inspection]:
    def looked(data: bytes, **limits: int) -> Inspection:
        file = tmp_path / "brought.bin"
        file.write_bytes(data)
        return LicenceInspector(folder, **limits).inspect(file)

    return looked


Inspect = Callable[..., Inspection]


def test_ours_and_whole(inspect: Inspect) -> None:
    """Intact, with the signer and the identifier that the file names."""
    found = inspect(LICENCE)
    assert (found.state, found.cause, found.identifier) == ("intact", "", IDENTIFIER)
    assert found.signer["signer"] == "示范县行政审批服务局（测试章）"
    assert found.signer["certificate_sha256"] == OURS.certificate.fingerprint(hashes.SHA256()).hex()


def test_no_flipped_byte_is_intact(inspect: Inspect) -> None:
    """Wherever a byte is changed, the file is intact no more: in the page, the metadata, the signature, the tables.

    Only the unused zeros at the end of the signature's place say nothing; the file's SHA-256 does.
    """
    start = LICENCE.index(b"/Contents <") if b"/Contents <" in LICENCE else LICENCE.index(b"/Contents<")
    places = [*range(20, len(LICENCE), len(LICENCE) // 16), start + 40, start + 400, len(LICENCE) - 3]
    for at in places:
        if LICENCE[at : at + 1] == b"0" and start < at:
            continue
        changed = LICENCE[:at] + bytes([LICENCE[at] ^ 1]) + LICENCE[at + 1 :]
        found = inspect(changed)
        assert found.state in ("altered", "stranger", "unsigned", "unreadable"), (at, found)
        assert found.why


def test_says_what_was_changed(inspect: Inspect) -> None:
    """A change inside what is signed, and one that was added behind it, are told apart, with the bytes covered."""
    at = LICENCE.index(b"/MediaBox[0 0 3")
    inside = inspect(LICENCE[: at + 14] + b"4" + LICENCE[at + 15 :])
    assert (inside.state, inside.cause) == ("altered", "changed")
    assert f"{inside.facts['covered']} 个字节" in inside.why
    behind = inspect(change_after(LICENCE))
    assert (behind.state, behind.cause) == ("altered", "appended")
    assert 0 < behind.facts["extra"] <= len(change_after(LICENCE)) - len(LICENCE) + 2


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_attack_is_believed(attack: str, folder: Path, tmp_path: Path) -> None:
    """Wrapped, starved, covered up, or only another XMP: never whole, for us and for poppler."""
    file = tmp_path / "attacked.pdf"
    file.write_bytes(ATTACKS[attack](LICENCE))
    found = main(file, trusted(folder_pem(folder).encode()))
    assert found["state"] in ("altered", "unsigned", "unreadable"), found
    assert found["cause"] in CAUSES
    assert not pdfsig_accepts(file.read_bytes())


def test_signed_by_a_stranger(inspect: Inspect, folder: Path, tmp_path: Path) -> None:
    """Another authority of the same name, a certificate that signs itself, one of ours for another use: strangers."""
    impostor = signer(authority())
    for who in (impostor, authority("自签")):
        found = inspect(issued(who)) if who is impostor else inspect(sign_pdf(unsigned(), who, tmp_path))
        assert (found.state, found.cause) == ("stranger", "stranger")
        assert found.signer["signer"] in found.why
    clock = known(folder, signer(CA, for_time=True))
    assert inspect(sign_pdf(unsigned(), clock, tmp_path)).state == "stranger"


def test_a_strangers_signature_on_ours(inspect: Inspect, tmp_path: Path) -> None:
    """What somebody else signs onto a file of ours changes it: what they may have drawn is not ours."""
    ours = sign_pdf(unsigned(), OURS, tmp_path)
    assert inspect(ours).state == "intact"
    found = inspect(sign_pdf(ours, signer(authority("别处")), tmp_path, field="Other"))
    assert (found.state, found.cause) == ("altered", "appended")


def test_another_customer_of_our_authority(inspect: Inspect, folder: Path) -> None:
    """A public authority certifies others, too: a certificate that does not sign here is a stranger's."""
    other = signer(CA, "别的单位")
    found = inspect(issued(other))
    assert (found.state, found.cause) == ("stranger", "stranger")
    known(folder, other)
    assert inspect(issued(other)).state == "intact"


def test_an_expired_certificate(inspect: Inspect, folder: Path) -> None:
    """Nothing but a trusted timestamp proves that a signature is older than the end of its certificate."""
    now = datetime.now(UTC)
    ended = known(folder, signer(CA, begins=now - timedelta(days=400), ends=now - timedelta(days=3)))
    found = inspect(issued(ended))
    assert (found.state, found.cause) == ("expired", "expired")
    assert (now - timedelta(days=3)).date().isoformat() in found.why
    early = known(folder, signer(CA, begins=now + timedelta(days=2), ends=now + timedelta(days=30)))
    later = inspect(issued(early))
    assert (later.state, later.cause) == ("expired", "not_yet")


def test_proven_by_a_timestamp(inspect: Inspect, folder: Path, tmp_path: Path) -> None:
    """With a timestamp of a clock we trust, a signature outlives its certificate - and a later revocation."""
    who = known(folder, signer(CA))
    data = sign_pdf(unsigned(), who, tmp_path, clock=signer(CA, "时间戳", for_time=True))
    found = inspect(data)
    assert (found.state, found.signer["time_from"]) == ("intact", "timestamp")


def revoke(folder: Path, who: Identity, since: datetime, *, pem: bool = False) -> None:
    now = datetime.now(UTC)
    entry = (
        x509.RevokedCertificateBuilder()
        .serial_number(who.certificate.serial_number)
        .revocation_date(since)
        .build()
    )
    listed = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(CA.certificate.subject)
        .last_update(now - timedelta(minutes=1))
        .next_update(now + timedelta(days=7))
        .add_revoked_certificate(entry)
        .sign(CA.key, hashes.SHA256())
    )
    (folder / "now.crl").write_bytes(listed.public_bytes(Encoding.PEM if pem else Encoding.DER))


@pytest.mark.parametrize("pem", [False, True])
def test_a_revoked_certificate(inspect: Inspect, folder: Path, pem: bool) -> None:
    """Once revoked, a certificate proves nothing by itself; the folder is read anew for every file."""
    assert inspect(LICENCE).state == "intact"
    revoke(folder, OURS, datetime.now(UTC) - timedelta(hours=1), pem=pem)
    found = inspect(LICENCE)
    assert (found.state, found.cause) == ("revoked", "revoked")
    (folder / "now.crl").write_bytes(b"not a list")
    with pytest.raises(Unavailable, match="吊销列表"):
        inspect(LICENCE)


def unsigned(pages: int = 1) -> bytes:
    pdf, out = pikepdf.new(), io.BytesIO()
    for _ in range(pages):
        pdf.add_blank_page()
    pdf.save(out)
    return out.getvalue()


def encrypted() -> bytes:
    pdf, out = pikepdf.open(io.BytesIO(unsigned())), io.BytesIO()
    pdf.save(out, encryption=pikepdf.Encryption(owner="a", user="b"))
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "state", "cause"),
    [
        (unsigned(), "unsigned", "unsigned"),
        (b"", "unreadable", "not_pdf"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "unreadable", "not_pdf"),
        (b"PK\x03\x04" + bytes(1000), "unreadable", "not_pdf"),
        (encrypted(), "unreadable", "encrypted"),
        (unsigned(500), "unreadable", "too_long"),
        (b"%PDF-1.7\n" + bytes(5000), "unreadable", "malformed"),
        (LICENCE[: len(LICENCE) // 2], "altered", "malformed"),
        (b"%PDF-1.7\n" + b"[" * 200_000, "unreadable", "malformed"),
    ],
    ids=["unsigned", "empty", "png", "zip", "encrypted", "500 pages", "zeros", "half", "nested"],
)
def test_whatever_comes(inspect: Inspect, data: bytes, state: str, cause: str) -> None:
    """Each gets a sentence."""
    found = inspect(data)
    assert (found.state, found.cause) == (state, cause)
    assert found.why == CAUSES[cause].format_map(found.facts)


def test_a_child_that_dies_is_an_answer(inspect: Inspect) -> None:
    """Out of memory: a sentence, like everything."""
    found = inspect(LICENCE, memory=40 << 20)
    assert (found.state, found.cause) == ("unreadable", "too_much")


def test_nobody_is_trusted_without_credentials(tmp_path: Path) -> None:
    """No folder, or an empty one: nothing is called ours."""
    file = tmp_path / "f.pdf"
    file.write_bytes(LICENCE)
    for inspector in (LicenceInspector(None), LicenceInspector(tmp_path)):
        found = inspector.inspect(file)
        assert (found.state, found.cause) == ("unreadable", "no_credentials")
    assert look(file, (CA.pem + OURS.pem).decode()).metadata == json.loads(json.dumps(METADATA))


def test_words_for_every_cause() -> None:
    """The pages have words of their own for each cause, with the same placeholders."""
    from admin.public.words import CAUSES as WORDS

    assert WORDS.keys() == CAUSES.keys()
