"""A PDF/A-3u document of one page or several: fonts, colours, metadata, the attached JSON, the place of a signature.

Guarantees: fonts are embedded with the Unicode value of every code; one output intent (sRGB); the Info dictionary and XMP
say the same; the metadata are attached whole, as JSON. The bytes are the same for the same input; only what is later put
into the signature's place differs.
Follows ISO 19005-3; checked with foreign tools as docs/licences.md says, not certified.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from PIL import ImageCms

from storage.licences import xmp
from storage.licences.drawing import Form
from storage.licences.fonts import ASCENT, DESCENT, FontSet, Subset
from storage.licences.pdf_file import PdfFile, Slot, deflated, numbers, text
from storage.licences.pictures import Picture
from storage.licences.xmp import About

ATTACHED = "metadata.json"
_MARK_STRENGTH = 0.16


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page: what is on it, and across it."""

    width: float  # points
    height: float
    content: bytes
    pictures: Mapping[str, Picture] = field(default_factory=dict)  # resource name -> picture
    forms: Mapping[str, Form] = field(default_factory=dict)
    fonts: FontSet = field(default_factory=FontSet)
    mark: tuple[bytes, bytes] = (b"", b"")  # a stamp's outline, and operators that put it across the page


@dataclass(frozen=True, slots=True)
class SignaturePlace:
    """Room for a signature, and what its dictionary says."""

    size: int
    name: str
    reason: str
    location: str = ""
    contact: str = ""
    rectangle: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)  # points; empty: not seen
    certificates: Sequence[bytes] = ()  # for B-LT: what a later check needs, in DER
    revocations: Sequence[bytes] = ()


@cache
def _profile() -> tuple[bytes, int]:
    """The sRGB profile, deflated; its date is fixed, so that documents do not differ by it."""
    raw = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    raw[8:12] = bytes.fromhex("04200000")  # nothing in it is newer than ICC.1:2004, which PDF/A-3 refers to
    raw[24:36] = bytes.fromhex("07e6 0001 0001 0000 0000 0000")
    return deflated(bytes(raw)), len(raw)


def written(
    sheets: Sequence[Sheet], about: About, place: SignaturePlace | None = None, *, attach: bool = False
) -> tuple[bytearray, Slot | None]:
    """The document, and where in it the signature belongs."""
    document = _Document(about)
    document.write(sheets, place, attach)
    return document.file.finish(document.root, document.info()), document.file.slot


class _Document:
    def __init__(self, about: About) -> None:
        self.file = PdfFile()
        self.about = about
        self.root = self.file.reserve()
        self._fonts: dict[int, int] = {}  # subsets that are written already: pages may share them

    def write(self, sheets: Sequence[Sheet], place: SignaturePlace | None, attach: bool) -> None:
        """Every object, the signature's last, so that what it covers lies mostly before it."""
        file = self.file
        pages = file.reserve()
        numbers_ = [file.reserve() for _ in sheets]
        widget = file.reserve() if place else 0
        for index, sheet in enumerate(sheets):
            self._page(sheet, pages, numbers_[index], widget if index == 0 else 0)
        kids = b" ".join(b"%d 0 R" % one for one in numbers_)
        file.put(b"<</Type/Pages/Kids[%b]/Count %d>>" % (kids, len(numbers_)), pages)
        entries = [self._intent(), self._metadata()]
        if attach:
            entries.append(self._attachment())
        if place:
            entries.append(self._signature(place, widget, numbers_[0]))
        file.put(
            b"<</Type/Catalog/Pages %d 0 R/Lang(zh-CN)/ViewerPreferences<</DisplayDocTitle true>>%b>>"
            % (pages, b"".join(entries)),
            self.root,
        )

    def _page(self, sheet: Sheet, pages: int, at: int, widget: int) -> None:
        file = self.file
        fonts = b"".join(b"/%b %d 0 R" % (n.encode(), self._font(s)) for n, s in sheet.fonts.subsets.items())
        images = b"".join(b"/%b %d 0 R" % (n.encode(), self._image(p)) for n, p in sheet.pictures.items())
        images += b"".join(b"/%b %d 0 R" % (n.encode(), self._form(f)) for n, f in sheet.forms.items())
        stamp, across = sheet.mark
        resources = b"/Font<<%b>>" % fonts if fonts else b""
        content = sheet.content
        if stamp:
            box = numbers(-sheet.width, -sheet.height, 2 * sheet.width, 2 * sheet.height)
            images += b"/M %d 0 R" % file.stream(
                b"/Type/XObject/Subtype/Form/BBox[%b]/Resources<<>>" % box, stamp
            )
            resources += b"/ExtGState<</G0<</Type/ExtGState/ca %b>>>>" % numbers(_MARK_STRENGTH)
            content += b"q /G0 gs 0.25 0.25 0.25 rg\n%bQ\n" % across
        if images:
            resources += b"/XObject<<%b>>" % images
        translucent = bool(stamp) or any(one.alpha for one in sheet.pictures.values())
        group = b"/Group<</Type/Group/S/Transparency/CS/DeviceRGB>>" if translucent else b""
        body = file.stream(b"", content)
        annotations = b"/Annots[%d 0 R]" % widget if widget else b""
        file.put(
            b"<</Type/Page/Parent %d 0 R/MediaBox[0 0 %b]/Resources<<%b>>/Contents %d 0 R%b%b>>"
            % (pages, numbers(sheet.width, sheet.height), resources, body, group, annotations),
            at,
        )

    def _form(self, form: Form) -> int:
        box = numbers(0, 0, form.width, form.height)
        entries = b"/Type/XObject/Subtype/Form/BBox[%b]/Resources<<>>/Filter/FlateDecode" % box
        return self.file.stream(entries, form.deflated, ready=True)

    def _image(self, picture: Picture) -> int:
        mask = b""
        if picture.alpha:
            entries = _image_entries(picture, b"DeviceGray") + b"/Filter/FlateDecode"
            mask = b"/SMask %d 0 R" % self.file.stream(entries, picture.alpha, ready=True)
        space = b"DeviceGray" if picture.gray else b"DeviceRGB"
        entries = _image_entries(picture, space) + mask
        kind = b"/Filter/DCTDecode" if picture.jpeg else b"/Filter/FlateDecode"
        return self.file.stream(entries + kind, picture.data, ready=True)

    def _font(self, subset: Subset) -> int:
        if id(subset) not in self._fonts:
            self._fonts[id(subset)] = self._written_font(subset)
        return self._fonts[id(subset)]

    def _written_font(self, subset: Subset) -> int:
        file = self.file
        name = _six_letters(subset) + b"+" + subset.name.encode()
        program = file.stream(b"/Subtype/CIDFontType0C", subset.cff)
        descriptor = file.put(
            b"<</Type/FontDescriptor/FontName/%b/Flags 4/FontBBox[%b]/ItalicAngle 0/Ascent %d/Descent %d"
            b"/CapHeight 733/StemV %d/FontFile3 %d 0 R>>"
            % (name, numbers(*subset.box), ASCENT, DESCENT, 140 if "Bold" in subset.name else 80, program)
        )
        widths = b" ".join(b"%d" % one for one in subset.widths)
        descendant = file.put(
            b"<</Type/Font/Subtype/CIDFontType0/BaseFont/%b"
            b"/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>"
            b"/FontDescriptor %d 0 R/DW 1000/W[0[%b]]>>" % (name, descriptor, widths)
        )
        unicode = file.stream(b"", _to_unicode(subset))
        return file.put(
            b"<</Type/Font/Subtype/Type0/BaseFont/%b-Identity-H/Encoding/Identity-H/DescendantFonts[%d 0 R]"
            b"/ToUnicode %d 0 R>>" % (name, descendant, unicode)
        )

    def _intent(self) -> bytes:
        data, _length = _profile()
        profile = self.file.stream(b"/N 3/Filter/FlateDecode", data, ready=True)
        return (
            b"/OutputIntents[<</Type/OutputIntent/S/GTS_PDFA1/OutputConditionIdentifier(sRGB IEC61966-2.1)"
            b"/Info(sRGB IEC61966-2.1)/DestOutputProfile %d 0 R>>]" % profile
        )

    def _metadata(self) -> bytes:
        packet = xmp.packet(self.about)
        return b"/Metadata %d 0 R" % self.file.stream(b"/Type/Metadata/Subtype/XML", packet, ready=True)

    def _attachment(self) -> bytes:
        raw = json.dumps(dict(self.about.metadata), ensure_ascii=False, indent=1, default=str).encode(
            "utf-8", "replace"
        )
        stream = self.file.stream(
            b"/Type/EmbeddedFile/Subtype/application#2Fjson/Params<</ModDate%b/Size %d>>"
            % (self.about.pdf_date, len(raw)),
            raw,
        )
        spec = self.file.put(
            b"<</Type/Filespec/F(%b)/UF(%b)/AFRelationship/Data/Desc%b/EF<</F %d 0 R/UF %d 0 R>>>>"
            % (ATTACHED.encode(), ATTACHED.encode(), text("证照元数据（GB/T 36903）"), stream, stream)
        )
        return b"/AF[%d 0 R]/Names<</EmbeddedFiles<</Names[(%b)%d 0 R]>>>>" % (spec, ATTACHED.encode(), spec)

    def _signature(self, place: SignaturePlace, widget: int, page: int) -> bytes:
        file = self.file
        said = b"".join(
            b"/%b%b" % (key, text(value))
            for key, value in (
                *((b"Name", place.name), (b"Reason", place.reason)),
                *((b"Location", place.location), (b"ContactInfo", place.contact)),
            )
            if value
        )
        appearance = b""
        x, y, right, top = place.rectangle
        if right > x:
            box = numbers(0, 0, right - x, top - y)
            form = file.stream(b"/Type/XObject/Subtype/Form/BBox[%b]/Resources<<>>" % box, b"")
            appearance = b"/AP<</N %d 0 R>>" % form
        store = self._store(place)
        signature = file.signature(
            b"/Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/M%b%b"
            b"/Reference[<</Type/SigRef/TransformMethod/DocMDP"
            b"/TransformParams<</Type/TransformParams/P 1/V/1.2>>>>]" % (self.about.pdf_date, said),
            place.size,
        )
        file.put(
            b"<</Type/Annot/Subtype/Widget/FT/Sig/T(Signature)/V %d 0 R/P %d 0 R/Rect[%b]/F 132%b>>"
            % (signature, page, numbers(*place.rectangle), appearance),
            widget,
        )
        return b"/AcroForm<</Fields[%d 0 R]/SigFlags 3>>/Perms<</DocMDP %d 0 R>>%b" % (
            *(widget, signature),
            store,
        )

    def _store(self, place: SignaturePlace) -> bytes:
        """The document security store of B-LT, in the same revision and under the signature."""
        if not place.revocations:
            return b""
        lists = []
        for key, all_of in ((b"Certs", place.certificates), (b"CRLs", place.revocations)):
            held = b" ".join(b"%d 0 R" % self.file.stream(b"", one) for one in all_of)
            lists.append(b"/%b[%b]" % (key, held))
        return b"/DSS<</Type/DSS%b>>" % b"".join(lists)

    def info(self) -> int:
        """The old-fashioned dictionary, in step with XMP."""
        about = self.about
        said: list[tuple[bytes, str]] = [(b"Title", about.title), (b"Author", about.author)]
        said += [(b"Creator", xmp.PRODUCER), (b"Producer", xmp.PRODUCER)]
        entries = b"".join(b"/%b%b" % (key, text(xmp.visible(value))) for key, value in said)
        return self.file.put(b"<<%b/CreationDate%b/ModDate%b>>" % (entries, about.pdf_date, about.pdf_date))


def _image_entries(picture: Picture, space: bytes) -> bytes:
    return b"/Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/%b/BitsPerComponent 8" % (
        *(picture.width, picture.height),
        space,
    )


def _six_letters(subset: Subset) -> bytes:
    """The tag of a subset, made of its characters."""
    value: int = _hash("".join(sorted(subset.codes)))
    letters = b""
    for _ in range(6):
        value, rest = divmod(value, 26)
        letters += bytes([65 + rest])
    return letters


def _hash(said: str) -> int:
    """A number that is the same in every process."""
    return int.from_bytes(hashlib.sha256(said.encode()).digest()[:8], "big")


def _to_unicode(subset: Subset) -> bytes:
    pairs = sorted((code, one) for one, code in subset.codes.items())
    blocks = []
    for start in range(0, len(pairs), 100):
        part = pairs[start : start + 100]
        rows = b"".join(
            b"<%04X><%b>\n" % (code, one.encode("utf-16-be").hex().upper().encode()) for code, one in part
        )
        blocks.append(b"%d beginbfchar\n%bendbfchar\n" % (len(part), rows))
    return _CMAP % b"".join(blocks)


_CMAP = b"""/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo <</Registry(Adobe)/Ordering(UCS)/Supplement 0>> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000><FFFF>
endcodespacerange
%bendcmap
CMapName currentdict /CMap defineresource pop
end
end
"""
