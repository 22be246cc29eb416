"""The press on the real store: what it makes is accepted by foreign tools, and by none of them after one changed byte."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pikepdf
import pytest
import zxingcpp
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from hub.errors import Rejected, Unavailable
from hub.licensing.ports import Made
from storage.files import FileStore, Source, StoredFile
from storage.intake.signatures import Signatures
from storage.key_encryption import KeyEncryption
from storage.licences.credentials import Credentials
from storage.licences.demo_credentials import make_demo_credentials
from storage.licences.document import Sheet, SignaturePlace, written
from storage.licences.press import LicencePress
from storage.licences.sign import DocumentSigner, room, signed
from storage.licences.xmp import About
from storage.objects import ObjectStore
from tests.conftest import Parts
from tests.storage.licence_credentials import ISSUER, ISSUER_NAME, Body, Folder, body, root
from tests.storage.licence_faces import METADATA, NUMBER, a_face
from tests.storage.pdf_witnesses import (
    drawn,
    pdfium_text,
    pdfsig,
    pdfsig_accepts,
    pdftotext,
    poppler,
    pyhanko_accepts,
)


@dataclass
class Printer:
    """A press with its folder and store."""

    press: LicencePress
    files: FileStore
    folder: Folder
    above: Body

    def content(self, made: Made) -> bytes:
        stored = made.stored
        file = StoredFile(stored.object_name, stored.sha256, stored.size, made.media_type, stored.wrapped_key)
        with self.files.open(file) as opened:
            return b"".join(opened)

    @property
    def anchor(self) -> bytes:
        return self.above.certificate.public_bytes(Encoding.DER)

    def one(self) -> bytes:
        (made,) = self.press.make(a_face(), METADATA, issuer_code=ISSUER)
        return self.content(made)


@pytest.fixture(scope="module")
def files(parts: Parts) -> FileStore:
    objects = ObjectStore(
        parts.s3_endpoint,
        access_key=parts.s3_access_key,
        secret_key=parts.s3_secret_key,
        bucket=f"press-{os.getpid()}-{os.urandom(3).hex()}",
    )
    objects.ensure_bucket()
    return FileStore(objects, KeyEncryption(os.urandom(32)))


@pytest.fixture(scope="module")
def printer(files: FileStore, tmp_path_factory: pytest.TempPathFactory) -> Printer:
    above = root()
    folder = Folder(tmp_path_factory.mktemp("signing")).anchor(above)
    folder.keep("default.pem", body(ISSUER_NAME, above))
    press = LicencePress(files, Credentials(folder.path), lambda: datetime.now(UTC))
    return Printer(press, files, folder, above)


@pytest.fixture(scope="module")
def licence(printer: Printer) -> bytes:
    return printer.one()


def test_what_is_made(printer: Printer) -> None:
    """A sealed PDF with its hash and size, its level, and who signed."""
    (made,) = printer.press.make(a_face(), METADATA, issuer_code=ISSUER)
    assert (made.format, made.media_type, made.level) == ("pdf", "application/pdf", "B-B")
    assert made.signer["signer"] == ISSUER_NAME
    assert made.signer["issuer"] == "示范根证书"
    content = printer.content(made)
    assert content.startswith(b"%PDF-1.7")
    assert len(content) == made.stored.size < 120_000


def test_foreign_tools_accept_it(printer: Printer, licence: bytes) -> None:
    """poppler's pdfsig, pyHanko's validator and our own intake: valid, certified, the whole document."""
    said = pdfsig(licence)
    assert "Signature is Valid" in said
    assert "Total document signed" in said
    assert "ETSI.CAdES.detached" in said
    assert f"Common Name: {ISSUER_NAME}" in said
    assert pyhanko_accepts(licence, printer.anchor)
    file = printer.folder.path / "one.pdf"
    file.write_bytes(licence)
    trusted = printer.folder.path / "trusted"
    trusted.mkdir()
    (trusted / "root.pem").write_bytes(printer.above.pem)
    verdict = Signatures(trusted).of_pdf(file)
    assert verdict.state == "valid"
    assert verdict.signatures[0]["covers_whole"] is True
    file.unlink()


def _places(pdf: bytes) -> Iterator[tuple[str, int]]:
    """The middle of every object, and of what lies around them; the signature's own place left out."""
    contents = re.search(rb"/Contents <[0-9A-Fa-f]+>", pdf)
    assert contents
    starts = [found.start() for found in re.finditer(rb"\n\d+ 0 obj\n", pdf)]
    for start, end in zip(starts, [*starts[1:], pdf.index(b"\nxref\n")], strict=True):
        kind = next(
            (
                name
                for name, word in (
                    *(
                        ("font", b"CIDFontType0C"),
                        ("xmp", b"/Subtype/XML"),
                        ("attachment", b"/Type/EmbeddedFile"),
                    ),
                    *(("signature", b"/ByteRange"), ("catalog", b"/Catalog"), ("info", b"/CreationDate")),
                )
                if word in pdf[start:end]
            ),
            "object",
        )
        middle = (start + end) // 2
        if contents.start() <= middle <= contents.end():
            middle = start + 60
        yield f"{kind}-{start}", middle
    yield "header", 12
    yield "byte range", pdf.index(b"/ByteRange [0 ") + 14
    yield "xref", pdf.index(b"\nxref\n") + 60
    yield "trailer", pdf.index(b"trailer") + 30
    yield "last", len(pdf) - 3


def test_one_changed_byte_and_nobody_accepts_it(printer: Printer, licence: bytes) -> None:
    """Anywhere in what is signed: in a font, the text, XMP, the attached metadata, the signature's own dictionary ..."""
    places = dict(_places(licence))
    assert {name.split("-")[0] for name in places} >= {"font", "xmp", "attachment", "signature", "catalog"}
    for name, position in places.items():
        spoilt = bytearray(licence)
        spoilt[position] ^= 0x04
        assert not pdfsig_accepts(bytes(spoilt)), f"pdfsig accepts a byte changed in {name}"
        assert not pyhanko_accepts(bytes(spoilt), printer.anchor), f"pyHanko accepts a byte changed in {name}"


def test_added_bytes_are_seen(printer: Printer, licence: bytes) -> None:
    """An incremental update that changes the page is not accepted: the licence is certified."""
    out = io.BytesIO(licence)
    with pikepdf.open(out) as document:
        document.pages[0].Rotate = 180
        changed = io.BytesIO()
        document.save(changed)
    assert not pyhanko_accepts(changed.getvalue(), printer.anchor)
    assert not pyhanko_accepts(licence + b"\n% more\n", printer.anchor)
    assert not pdfsig_accepts(licence + b"\n% more\n")


def test_the_words_come_back(licence: bytes) -> None:
    """By poppler and by pdfium, broken into lines where they were."""
    for said in (pdftotext(licence), pdfium_text(licence)):
        flat = re.sub(r"\s", "", said)
        for words in ("食品经营许可证", NUMBER, "泉城示范餐饮有限公司", "糕点类食品制售；", "100%&tea"):
            assert words in flat
    assert "valid" not in pdftotext(licence).lower()


def test_the_code_is_read_back(licence: bytes) -> None:
    """zxing reads the QR code off a picture of the page."""
    found = zxingcpp.read_barcodes(drawn(licence))
    assert [one.text for one in found] == [a_face().qr]


def test_fonts_are_embedded_and_cut(licence: bytes) -> None:
    """Every font is a subset, embedded, with Unicode values."""
    rows = poppler("pdffonts", licence).splitlines()[2:]
    assert rows
    for row in rows:
        assert row.split()[-5:-2] == ["yes", "yes", "yes"], row
        assert re.match(r"[A-Z]{6}\+NotoSansCJKsc", row)


def test_it_is_pdf_a_3u_as_far_as_can_be_seen(licence: bytes) -> None:
    """qpdf finds nothing to warn of; XMP and Info agree; output intent, attachment, language, identifiers are there."""
    with pikepdf.open(io.BytesIO(licence)) as document:
        assert document.check_pdf_syntax() == []
        catalog = document.Root
        assert str(catalog.Lang) == "zh-CN"
        assert catalog.OutputIntents[0].S == "/GTS_PDFA1"
        profile = catalog.OutputIntents[0].DestOutputProfile.read_bytes()
        assert (profile[16:20], profile[36:40]) == (b"RGB ", b"acsp")
        (spec,) = catalog.AF
        assert (spec.AFRelationship, spec.Type) == ("/Data", "/Filespec")
        assert json.loads(spec.EF.F.read_bytes()) == METADATA
        assert spec.EF.F.Subtype == "/application/json"
        assert "/Filter" not in catalog.Metadata
        assert len(document.trailer.ID) == 2
        with document.open_metadata() as xmp:
            assert xmp.pdfa_status == "3U"
            assert xmp["dc:title"] == str(document.docinfo.Title)
            assert xmp["pdf:Producer"] == str(document.docinfo.Producer)
            assert xmp["{urn:shenguan:gbt36903#}certificateNumber"] == NUMBER
            assert xmp["{urn:shenguan:gbt36903#}certificateHolder"] == METADATA["certificateHolder"]
            assert json.loads(str(xmp["{urn:shenguan:gbt36903#}extendInfo"])) == METADATA["extendInfo"]
        for page in document.pages:
            for font in page.Resources.Font.values():
                below = font.DescendantFonts[0]
                assert below.FontDescriptor.FontFile3.Subtype == "/CIDFontType0C"
        widget = document.pages[0].Annots[0]
        assert int(widget.F) & 0b111 == 0b100  # printed, neither hidden nor invisible


def test_the_signature_lies_over_the_seal(licence: bytes) -> None:
    """So that a viewer shows it there; the drawn seal is red and the paper is not."""
    with pikepdf.open(io.BytesIO(licence)) as document:
        left, bottom, right, top = (float(value) for value in document.pages[0].Annots[0].Rect)
        height = float(document.pages[0].MediaBox[3])
    picture = drawn(licence, scale=1)
    over = picture.crop((int(left), int(height - top), int(right), int(height - bottom)))
    red = sum(1 for r, g, b in over.get_flattened_data() if r > 150 and g < 90 and b < 90)
    assert red > 0.05 * over.width * over.height


def test_the_signature_says_who_why_and_where(files: FileStore, tmp_path: Path) -> None:
    """In Chinese, intact; the contact is the address behind the QR code; the time is local and the certificate's."""
    folder = make_demo_credentials(tmp_path / "signing")
    press = LicencePress(files, Credentials(folder), lambda: datetime(2026, 11, 22, 8, 30, tzinfo=UTC))
    made = press.make(a_face(), METADATA, issuer_code=ISSUER)[0]
    pdf = Printer(press, files, Folder(folder), root()).content(made)
    with pikepdf.open(io.BytesIO(pdf)) as document:
        said = document.Root.AcroForm.Fields[0].V
        assert str(said.Name) == ISSUER_NAME
        assert (str(said.Reason), str(said.Location)) == ("签发电子证照", "示范县")
        assert str(said.ContactInfo) == a_face().qr
        assert str(said.M) == "D:20261122163000+08'00'"
        assert (said.SubFilter, int(said.Reference[0].TransformParams.P)) == ("/ETSI.CAdES.detached", 1)
    assert pdfsig_accepts(pdf)


def test_the_same_face_gives_the_same_document(files: FileStore, printer: Printer) -> None:
    """But for the signature: the bytes before it are the same at the same time."""
    at = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
    press = LicencePress(files, Credentials(printer.folder.path), lambda: at)
    two = [printer.content(press.make(a_face(), METADATA, issuer_code=ISSUER)[0]) for _ in range(2)]
    cut = [re.sub(rb"/Contents <[0-9a-fA-F]+>", b"", one) for one in two]
    assert cut[0] == cut[1]
    assert press.sample(a_face()) == press.sample(a_face())


def test_nothing_is_printed_without_a_credential(files: FileStore, tmp_path: Path) -> None:
    """The sentence comes first, and nothing is stored."""
    press = LicencePress(files, Credentials(tmp_path), lambda: datetime.now(UTC))
    before = sum(1 for _ in files._objects.list("files/"))
    with pytest.raises(Rejected, match=r"ca\.pem"):
        press.make(a_face(), METADATA, issuer_code=ISSUER)
    assert sum(1 for _ in files._objects.list("files/")) == before
    assert press.sample(a_face()).startswith(b"%PDF")  # what is not signed needs none


def test_what_was_stored_is_read_back(printer: Printer) -> None:
    """A store that keeps something else is found out, and nothing is handed back."""

    class Spoiling(FileStore):
        def put(self, stream: Source, **more: Any) -> StoredFile:
            content = bytearray(stream.read(1 << 24))
            content[1000] ^= 1
            return super().put(io.BytesIO(content), **more)

    spoiling = Spoiling(printer.files._objects, printer.files._keys)
    press = LicencePress(spoiling, Credentials(printer.folder.path), lambda: datetime.now(UTC))
    with pytest.raises(Unavailable, match="读回的内容不一致"):
        press.make(a_face(), METADATA, issuer_code=ISSUER)


def test_what_was_signed_is_checked(printer: Printer) -> None:
    """A key that is not the certificate's makes no licence, whatever it signs."""
    credential = Credentials(printer.folder.path).for_issuer(ISSUER)
    certificate = credential.signer.signing_cert
    assert certificate is not None
    wrong = DocumentSigner(certificate, [], ec.generate_private_key(ec.SECP256R1()))
    place = SignaturePlace(room(wrong, None), "甲", "乙")
    document, slot = written([Sheet(100, 100, b"")], About("题", "者", datetime.now(UTC), {}), place)
    assert slot is not None
    with pytest.raises(Unavailable, match="自检"):
        signed(document, slot, wrong, None)


def test_a_faulty_face_is_refused_whole(printer: Printer) -> None:
    """Every fault in one sentence; nothing is printed with a hole in it."""
    face = a_face()
    texts = {**face.texts, "holder": "经营者名称：张☑三", "code": "代" * 200}
    spoilt = a_face(texts=texts)
    assert [one.element for one in printer.press.faults(spoilt)] == ["holder", "code"]
    with pytest.raises(Rejected, match=r"U\+2611.*放不下"):
        printer.press.make(spoilt, METADATA, issuer_code=ISSUER)
    for still in (printer.press.sample, printer.press.picture):
        with pytest.raises(Rejected):
            still(spoilt)


def test_rsa_signs_too(files: FileStore, tmp_path: Path) -> None:
    """With a chain of three, and what is asked of XMP by odd metadata."""
    above = root()
    middle = body("中间证书", above, authority=True, kind="rsa3072")
    folder = Folder(tmp_path).anchor(above).keep("default.pem", body("章", middle, kind="rsa2048"), middle)
    press = LicencePress(files, Credentials(folder.path), lambda: datetime.now(UTC))
    odd = {
        "certificateName": "]]><&\x00\u0008",
        "名称": "中文键",
        "a b": 1,
        "empty": None,
        "list": [1, {"a": 2}],
    }
    made = press.make(a_face(), odd, issuer_code=ISSUER)[0]
    pdf = Printer(press, files, folder, above).content(made)
    assert pdfsig_accepts(pdf)
    assert pyhanko_accepts(pdf, above.certificate.public_bytes(Encoding.DER))
    with pikepdf.open(io.BytesIO(pdf)) as document, document.open_metadata() as xmp:
        assert xmp["{urn:shenguan:gbt36903#}certificateName"] == "]]><&"
        assert json.loads(document.Root.AF[0].EF.F.read_bytes())["名称"] == "中文键"


def test_many_threads_share_a_press(printer: Printer) -> None:
    """What a threaded web server does: each gets its own licence, all of them sound."""
    made: dict[int, bytes] = {}

    def work(number: int) -> None:
        face = a_face(holder=f"第{number}食品公司", qr=f"https://hub.invalid/v/{number:030d}")
        one = printer.press.make(face, METADATA, issuer_code=ISSUER)[0]
        made[number] = printer.content(one)
        printer.press.picture(face, width=300)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(made) == 12
    for number, pdf in made.items():
        assert pyhanko_accepts(pdf, printer.anchor)
        assert f"第{number}食品公司" in pdfium_text(pdf)


def test_inside_an_event_loop(printer: Printer) -> None:
    """A caller whose thread runs an event loop can still print and sign."""

    async def work() -> bytes:
        fresh = LicencePress(printer.files, Credentials(printer.folder.path), lambda: datetime.now(UTC))
        return printer.content(fresh.make(a_face(), METADATA, issuer_code=ISSUER)[0])

    assert pdfsig_accepts(asyncio.run(work()))


def test_a_copy_is_no_original(printer: Printer, licence: bytes) -> None:
    """Pictures of the pages with the use burned in, a title that says so, no metadata, signed by the same credential."""
    mark = "仅供示范县市场监督管理局核验许可使用 2026-11-22 李明"
    pdf = printer.press.copy(licence, mark=mark, form="pdf")
    assert pyhanko_accepts(pdf, printer.anchor)
    assert pdfsig_accepts(pdf)
    with pikepdf.open(io.BytesIO(pdf)) as document:
        assert str(document.docinfo.Title).endswith("（加注件）")
        assert "/AF" not in document.Root
        assert "/Font" not in document.pages[0].Resources
        assert abs(float(document.pages[0].MediaBox[2]) - 595.3) < 1
    assert NUMBER not in pdfium_text(pdf)
    picture = printer.press.copy(licence, mark=mark, form="png")
    assert picture.startswith(b"\x89PNG")
    assert [one.text for one in zxingcpp.read_barcodes(drawn(pdf))] == [a_face().qr]


def test_only_what_we_made_is_copied(printer: Printer, licence: bytes) -> None:
    """A changed original, another's PDF and junk are refused."""
    spoilt = bytearray(licence)
    spoilt[5000] ^= 1
    for bad in (bytes(spoilt), b"%PDF-1.7 junk", b"", printer.press.sample(a_face())):
        with pytest.raises(Exception, match="证照文件"):
            printer.press.copy(bad, mark="用途", form="png")
    with pytest.raises(Rejected, match="格式"):
        printer.press.copy(licence, mark="用途", form="exe")


def test_a_strangers_document_is_not_copied(printer: Printer, tmp_path: Path) -> None:
    """However well it is signed: we do not put our name under it."""
    outside = root("外面的根")
    folder = Folder(tmp_path).anchor(outside).keep("default.pem", body(ISSUER_NAME, outside))
    press = LicencePress(printer.files, Credentials(folder.path), lambda: datetime.now(UTC))
    foreign = Printer(press, printer.files, folder, outside).one()
    with pytest.raises(Rejected, match="不是用本中心的签名证书签的"):
        printer.press.copy(foreign, mark="用途", form="pdf")


def test_a_copy_outlives_its_signer(files: FileStore, tmp_path: Path) -> None:
    """The original's credential is gone: the copy is signed by the one that is there now."""
    above = root()
    folder = Folder(tmp_path).anchor(above).keep("default.pem", body("旧章", above))
    press = LicencePress(files, Credentials(folder.path), lambda: datetime.now(UTC))
    printed = Printer(press, files, folder, above)
    original = printed.one()
    folder.keep("default.pem", body("新章", above))
    assert "新章" in pdfsig(press.copy(original, mark="用途", form="pdf"))


def test_the_subject_of_the_signer(printer: Printer) -> None:
    """The facts kept of a signer are those of its certificate."""
    held = printer.press.make(a_face(), METADATA, issuer_code=ISSUER)[0].signer
    raw = (printer.folder.path / "default.pem").read_bytes()
    certificate = x509.load_pem_x509_certificates(raw)[0]
    assert held["serial"] == format(certificate.serial_number, "x")
    assert held["not_after"].startswith(str(certificate.not_valid_after_utc.date()))
