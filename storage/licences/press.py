"""The press: from a face to a signed, sealed, stored, verified document. Implements hub.licensing.ports.Press.

Guarantees: a face with a fault, or an issuer without a usable credential, is refused before anything is printed; what
`make` returns was verified after signing and read back from the store. Threads may share a press.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from threading import Lock
from typing import Any

from asn1crypto import x509
from cryptography.x509 import load_der_x509_certificate

from hub.add_material import StoredFacts
from hub.errors import Rejected, Unavailable
from hub.licensing.face import Face, FaceFault
from hub.licensing.ports import Made
from storage.files import FileStore
from storage.licences import characters, drawing, raster
from storage.licences.chain import chain_of
from storage.licences.credential_file import der
from storage.licences.credentials import Credential, Credentials
from storage.licences.document import Sheet, SignaturePlace, written
from storage.licences.long_term import long_term
from storage.licences.ofd import MEDIA_TYPE as OFD
from storage.licences.ofd import written_ofd
from storage.licences.page import SetFace, drawn, set_face, used
from storage.licences.pdf_file import number
from storage.licences.pictures import Picture, Pictures
from storage.licences.sign import public_key, room, signed, signer_of, slot_of, verify
from storage.licences.sm2 import MEDIA_TYPE as SM2
from storage.licences.sm2 import Sm2Signer
from storage.licences.timestamps import HttpClock, check_time
from storage.licences.typeset import MM
from storage.licences.xmp import About

PDF = "application/pdf"
SAMPLE = "样张"
COPY = "加注件"
_LONGEST_MARK = 200
_REASON = "签发电子证照"
_COPY_DPI = 200
_COPY_PIXELS = 1654  # of an A4 page


class LicencePress:
    """One for each process."""

    def __init__(
        self,
        files: FileStore,
        credentials: Credentials,
        clock: Callable[[], datetime],
        timestamp_url: str | None = None,
    ) -> None:
        self._files = files
        self._credentials = credentials
        self._clock = clock
        self._time = HttpClock(timestamp_url) if timestamp_url else None
        self._pictures = Pictures(files)
        self._rooms: dict[str, int] = {}  # certificate -> bytes that a signature takes
        self._hour = -1
        self._lock = Lock()

    def faults(self, face: Face) -> Sequence[FaceFault]:
        """What keeps this face from being printed."""
        return set_face(face).faults

    def sample(self, face: Face) -> bytes:
        """An unsigned PDF with 样张 across it."""
        sheet = self._sheet(_sound(face), face.mark or SAMPLE)
        return bytes(written([sheet], self._about(face, {}))[0])

    def picture(self, face: Face, *, width: int = 1000) -> bytes:
        """A PNG of the face."""
        sheet = self._sheet(_sound(face), face.mark)
        document, _ = written([sheet], self._about(face, {}))
        return raster.png(raster.pages(bytes(document), width=min(max(width, 60), 2400))[0])

    def make(
        self, face: Face, metadata: Mapping[str, Any], *, issuer_code: str, formats: Sequence[str] = ("pdf",)
    ) -> Sequence[Made]:
        """Print, sign, verify, seal, store, read back."""
        if odd := set(formats) - {"pdf", "sm2", "ofd"}:
            raise Rejected(f"本中心还不能制作 {'、'.join(sorted(odd))} 格式的证照文件。")
        credential = self._credentials.for_issuer(issuer_code)
        sm2 = self._sm2_signer() if "sm2" in formats else None
        found = _sound(face)
        sheet, about = self._sheet(found, face.mark), self._about(face, metadata)
        place = self._place(
            credential, face.issuer, _REASON, contact=face.qr, rectangle=_seal_rectangle(face)
        )
        pdf, level = self._signed([sheet], about, place, credential)
        stored = self._store(pdf, PDF)
        made = [Made("pdf", stored, PDF, level, credential.facts())]
        if sm2:
            stored = self._store(sm2.sign(pdf, self._clock()), SM2)
            made.append(Made("sm2", stored, SM2, None, sm2.facts()))
        if "ofd" in formats:
            made.append(Made("ofd", self._store(written_ofd(found, sheet, about), OFD), OFD))
        return made

    def copy(self, pdf: bytes, *, mark: str, form: str) -> bytes:
        """加注件: pictures of the pages with the stated use burned in, and so no file to be taken for the original."""
        if form not in ("pdf", "png"):
            raise Rejected("加注件只有 pdf 和 png 两种格式。")
        by = self._signed_here(pdf)
        said = characters.in_one_line(mark if COPY in mark else f"{COPY} {mark}")[:_LONGEST_MARK]
        copies = [raster.marked(one, said) for one in raster.pages(pdf, width=_COPY_PIXELS)]
        if form == "png":
            return raster.png(raster.stacked(copies))
        title, author = raster.title_and_author(pdf)
        credential = self._credentials.by_fingerprint(by.sha256.hex()) or self._credentials.for_issuer("")
        sheets = [_pictured(raster.picture(one)) for one in copies]
        about = About(f"{title}（{COPY}）", author, self._clock(), {})
        place = self._place(credential, author, said)
        return self._signed(sheets, about, place, credential)[0]

    def _signed_here(self, pdf: bytes) -> x509.Certificate:
        """Whose signature an unchanged document of ours carries. Raises Rejected or Unavailable."""
        slot = slot_of(pdf)
        by, *others = signer_of(pdf, slot)
        verify(pdf, slot, public_key(by))
        chain = [load_der_x509_certificate(one.dump()) for one in (by, *others)]
        if chain_of(chain[0], chain[1:], self._credentials.trust().anchors) is None:
            raise Rejected("这个文件不是用本中心的签名证书签的，不能制作加注件。")
        return by

    def _sm2_signer(self) -> Sm2Signer:
        """The SM2 key beside the others. Raises Rejected."""
        folder = self._credentials.folder
        assert folder is not None  # for_issuer would have refused
        return Sm2Signer.from_folder(folder)

    def _sheet(self, found: SetFace, mark: str) -> Sheet:
        face = found.face
        pictures: dict[str, Picture] = {}
        places: dict[str, tuple[str, float, float]] = {}
        for index, key in enumerate(_placed_images(face)):
            picture = self._pictures.of(face.images[key])
            pictures[f"I{index}"] = picture
            places[key] = (f"I{index}", picture.width, picture.height)
        cut = used(found)
        width, height = face.layout.width * MM, face.layout.height * MM
        across = drawing.watermark(characters.in_one_line(mark)[:_LONGEST_MARK], width, height)
        page = drawn(found, cut, places)
        return Sheet(width, height, page.content, pictures, page.forms, cut, across)

    def _about(self, face: Face, metadata: Mapping[str, Any]) -> About:
        return About(face.title, face.issuer, self._clock(), metadata)

    def _place(self, credential: Credential, author: str, reason: str, **more: Any) -> SignaturePlace:
        """Room for a signature by this credential, and beside it what a check in many years needs."""
        hour = int(time.monotonic() // 3600)
        with self._lock:
            if hour != self._hour and self._time:
                self._time.forget()  # the authority may have a new certificate
            self._hour, self._rooms = hour, self._rooms if hour == self._hour else {}
            size = self._rooms.get(credential.fingerprint)
        if size is None:
            size = self._rooms[credential.fingerprint] = room(credential.signer, self._time)
        kept = None
        if self._time:
            trust, clock = self._credentials.trust(), self._time.certificates()
            kept = long_term(
                credential.certificate, credential.chain, clock, trust, self._credentials.clock()
            )
        if kept:
            more |= {"certificates": kept.certificates, "revocations": kept.lists}
        return SignaturePlace(size, author, reason, credential.location, **more)

    def _signed(
        self, sheets: Sequence[Sheet], about: About, place: SignaturePlace, credential: Credential
    ) -> tuple[bytes, str]:
        """The document, signed and verified, and its level; the metadata are attached where there are any."""
        document, slot = written(sheets, about, place, attach=bool(about.metadata))
        assert slot is not None
        done = signed(document, slot, credential.signer, self._time)
        if self._time is None:
            return done, "B-B"
        anchors = [x509.Certificate.load(der(one)) for one in self._credentials.trust().anchors]
        clock = check_time(done, slot, anchors, self._credentials.clock())
        return done, "B-LT" if clock[0].dump() in place.certificates else "B-T"

    def _store(self, content: bytes, media_type: str) -> StoredFacts:
        """Seal, store, read back and compare."""
        stored = self._files.put(io.BytesIO(content), media_type=media_type)
        digest = sha256(content).digest()
        with self._files.open(stored) as opened:
            back = sha256(b"".join(opened)).digest()
        if not stored.sha256 == digest == back:
            raise Unavailable("证照文件存入后读回的内容不一致，没有签发。请重试；再次出现请联系数据管理员。")
        return StoredFacts(stored.sha256, stored.object_name, stored.size, stored.wrapped_key)


def _sound(face: Face) -> SetFace:
    """The face set, or Rejected with everything that is wrong with it."""
    found = set_face(face)
    if found.faults:
        raise Rejected("；".join(fault.sentence.rstrip("。") for fault in found.faults[:5]) + "。")
    return found


def _seal_rectangle(face: Face) -> tuple[float, float, float, float]:
    """Where viewers show the signature: over the seal; nowhere where there is none."""
    height = face.layout.height * MM
    for element in face.layout.elements:
        if element.kind == "seal":
            x, y, w, h = (value * MM for value in (element.x, element.y, element.w, element.h))
            return x, height - y - h, x + w, height - y
    return 0.0, 0.0, 0.0, 0.0


def _pictured(picture: Picture) -> Sheet:
    """A page that is one picture, at the copies' resolution."""
    width, height = (pixels * 72 / _COPY_DPI for pixels in (picture.width, picture.height))
    content = b"q %b 0 0 %b 0 0 cm /I0 Do Q\n" % (number(width), number(height))
    return Sheet(width, height, content, {"I0": picture})


def _placed_images(face: Face) -> list[str]:
    layout = face.layout
    named = [layout.background, *(one.image for one in layout.elements if one.kind in ("image", "seal"))]
    return [one for one in dict.fromkeys(named) if one]
