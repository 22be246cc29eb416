"""Attacks on a signed PDF that are known from the literature: signatures wrapped, starved, or covered up afterwards.

Each takes a licence as it was signed and gives what a forger would show.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Mapping

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from storage.licences.sign import slot_of
from tests.storage.signers import change_after

Attack = Callable[[bytes], bytes]


def wrapped(licence: bytes) -> bytes:
    """Signature wrapping: all that was signed is there, moved apart; what readers show stands in between.

    The signature is a plain string, which leaves half of the room that its hexadecimal digits would take.
    """
    slot = slot_of(licence)
    head, tail = licence[: slot.contents], licence[slot.contents + slot.length :]
    table_at = int(tail[tail.rindex(b"startxref") + 9 :].split()[0])
    signature = bytes.fromhex(licence[slot.contents + 1 : slot.contents + slot.length - 1].decode())
    signature += bytes(3 * table_at)
    gap = 2 * len(signature) + 2
    body = bytearray(head + b"<00>>>endobj\n")
    places: list[int] = []
    for number, one in enumerate(_FORGED, 1):
        places.append(len(body))
        body += b"%d 0 obj%sendobj\n" % (number, one)
    body += b" " * (table_at - len(body))
    trailer = b"trailer<</Size 6/Root 1 0 R>>\n"
    table = b"xref\n0 6\n0000000000 65535 f \n"
    places.append(table_at + len(table) + 20 * len(places) + 20 + len(trailer))
    body += table + b"".join(b"%010d 00000 n \n" % place for place in places) + trailer
    behind = len(head) + gap
    body += b"5 0 obj<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/Contents(%s)" % _plain(
        signature
    )
    body += b"/ByteRange[0 %d %d %d]>>endobj\n" % (len(head), behind, len(tail))
    body += b" " * (behind - len(body))
    return bytes(body) + tail


_FORGED = (
    b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[4 0 R]/SigFlags 3>>>>",
    b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
    b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Annots[4 0 R]>>",
    b"<</Type/Annot/Subtype/Widget/FT/Sig/T(Signature)/Rect[0 0 0 0]/V 5 0 R/P 3 0 R>>",
)


def _plain(data: bytes) -> bytes:
    for mark in (b"\\", b"(", b")"):
        data = data.replace(mark, b"\\" + mark)
    return data.replace(b"\r", b"\\r")


def _starved(pattern: bytes, by: bytes) -> Attack:
    """Universal signature forgery: what says what was signed is taken away, or says nothing; no byte moves."""

    def attacked(licence: bytes) -> bytes:
        found = re.search(pattern, licence)
        assert found is not None
        return licence[: found.start()] + by.ljust(len(found[0])) + licence[found.end() :]

    return attacked


def _updated(change: Callable[[IncrementalPdfFileWriter], None]) -> Attack:
    """An incremental update, which no signature covers."""

    def attacked(licence: bytes) -> bytes:
        writer = IncrementalPdfFileWriter(io.BytesIO(licence), strict=False)
        change(writer)
        out = io.BytesIO()
        writer.write(out)
        return out.getvalue()

    return attacked


def _cover_up(writer: IncrementalPdfFileWriter) -> None:
    """A text field, white and filled in, over what the page says."""
    page = writer.root["/Pages"]["/Kids"][0]
    field = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Annot"),
            pdf_name("/Subtype"): pdf_name("/Widget"),
            pdf_name("/FT"): pdf_name("/Tx"),
            pdf_name("/T"): generic.pdf_string("over"),
            pdf_name("/V"): generic.pdf_string("JY1"),
            pdf_name("/Rect"): generic.ArrayObject(generic.NumberObject(one) for one in (0, 0, 200, 100)),
        }
    )
    reference = writer.add_object(field)
    page["/Annots"] = generic.ArrayObject([*page.get("/Annots", ()), reference])
    form = writer.root["/AcroForm"]
    form["/Fields"].append(reference)
    for one in (page, form["/Fields"], form, writer.root):
        writer.update_container(one)


def _uncertify(writer: IncrementalPdfFileWriter) -> None:
    """No word of it that nothing may be changed."""
    del writer.root["/Perms"]
    writer.update_root()


def _other_words(writer: IncrementalPdfFileWriter) -> None:
    """Another licence's metadata in the place of the attached one's."""
    file = writer.root["/Names"]["/EmbeddedFiles"]["/Names"].raw_get(1).get_object()["/EF"].raw_get("/F")
    words = json.dumps({"certificateIdentifier": "1.2.156.3005.2.OTHER"}).encode()
    writer.objects[file.generation, file.idnum] = generic.StreamObject(stream_data=words)


def _other_xmp(writer: IncrementalPdfFileWriter) -> None:
    """An XMP that names somebody else."""
    place = writer.root.raw_get("/Metadata")
    writer.objects[place.generation, place.idnum] = generic.StreamObject(
        {pdf_name("/Type"): pdf_name("/Metadata"), pdf_name("/Subtype"): pdf_name("/XML")},
        stream_data=b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>",
    )


_RANGE, _CONTENTS = rb"/ByteRange \[[^\]]*\]", rb"/Contents <[0-9A-Fa-f]+>"
ATTACKS: Mapping[str, Attack] = {
    "wrapped": wrapped,
    "no range": _starved(_RANGE, b""),
    "a range of nothing": _starved(_RANGE, b"/ByteRange [0 0 0 0]"),
    "a range that is null": _starved(_RANGE, b"/ByteRange null"),
    "a range below zero": _starved(_RANGE, b"/ByteRange [0 -1 -1 -1]"),
    "a range of the head": _starved(_RANGE, b"/ByteRange [0 9]"),
    "no signature": _starved(_CONTENTS, b""),
    "a signature that is null": _starved(_CONTENTS, b"/Contents null"),
    "a signature of nothing": _starved(_CONTENTS, b"/Contents <>"),
    "a signature of zeros": _starved(_CONTENTS, b"/Contents <00>"),
    "a page more": change_after,
    "covered up": _updated(_cover_up),
    "no certification": _updated(_uncertify),
    "other words attached": _updated(_other_words),
    "another XMP": _updated(_other_xmp),
    "a letter of the XMP": lambda licence: licence.replace(b"x:xmpmeta", b"x:xmpmetb"),
}
