"""Files for the tests of intake: sound ones of every kind, and the harmful ones that must not pass."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping

from PIL import Image

CONTENT_TYPES = '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">{}</Types>'
MAIN_TYPES = {
    "docx": (
        "/word/document.xml",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
    ),
    "xlsx": (
        "/xl/workbook.xml",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
    ),
    "pptx": (
        "/ppt/presentation.xml",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml",
    ),
}


def pdf(text: str = "sample", *, extra: bytes = b"", pages: int = 1) -> bytes:
    """A small, sound PDF with a right cross-reference table."""
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(pages))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R " + extra + b">>",
        f"<< /Type /Pages /Kids [{kids}] /Count {pages} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for n in range(pages):
        content = f"BT /F1 24 Tf 72 720 Td ({text} {n + 1}) Tj ET".encode()
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {5 + 2 * n} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>".encode()
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
    out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)


def large_pdf(size: int, filler: bytes) -> bytes:
    """A PDF of about `size` bytes: a sound one with a long comment-like stream before its end."""
    small = pdf()
    return (
        small
        + b"9 0 obj\n<< /Length %d >>\nstream\n" % size
        + filler[:size]
        + b"\nendstream\nendobj\n%%EOF\n"
    )


def image(kind: str = "PNG", size: tuple[int, int] = (64, 48)) -> bytes:
    """A small picture."""
    out = io.BytesIO()
    Image.new("RGB", size, (200, 120, 40)).save(out, kind)
    return out.getvalue()


def package(entries: Mapping[str, bytes], *, packed: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", packed) as made:
        for name, content in entries.items():
            made.writestr(name, content)
    return out.getvalue()


def office(kind: str = "docx", more: Mapping[str, bytes] | None = None, *, types: str = "") -> bytes:
    """A package that is an Office document as far as anybody asks here."""
    part, media_type = MAIN_TYPES[kind]
    override = f'<Override PartName="{part}" ContentType="{media_type}"/>{types}'
    return package(
        {
            "[Content_Types].xml": CONTENT_TYPES.format(override).encode(),
            part[1:]: b"<document/>",
            **(more or {}),
        }
    )


def ofd(more: Mapping[str, bytes] | None = None) -> bytes:
    """A package that is an OFD document."""
    return package({"OFD.xml": b'<ofd:OFD xmlns:ofd="http://www.ofdspec.org/2016"/>', **(more or {})})


def compound(*streams: str) -> bytes:
    """A compound file (OLE2) with these names in its directory: header, one allocation sector, one directory."""
    header = bytearray(512)
    header[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    header[24:34] = struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6)
    header[44:52] = struct.pack("<II", 1, 1)
    header[56:76] = struct.pack("<IIIII", 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    header[76:512] = struct.pack("<109I", 0, *([0xFFFFFFFF] * 108))
    chain = {0: 0xFFFFFFFD}
    sectors = -(-(len(streams) + 1) // 4)
    for number in range(sectors):
        chain[1 + number] = 2 + number if number + 1 < sectors else 0xFFFFFFFE
    table = b"".join(struct.pack("<I", chain.get(n, 0xFFFFFFFF)) for n in range(128))
    directory = b""
    for name, kind in (("Root Entry", 5), *((stream, 2) for stream in streams)):
        text = name.encode("utf-16-le") + b"\0\0"
        entry = bytearray(128)
        entry[: len(text)] = text
        entry[64:67] = struct.pack("<HB", len(text), kind)
        directory += bytes(entry)
    return bytes(header) + table + directory.ljust(512 * sectors, b"\0")


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims to be so large, and has next to nothing in it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0"))
        + chunk(b"IEND", b"")
    )


def packed_objects(inside: bytes, *, filters: bytes = b"/FlateDecode") -> bytes:
    """A PDF whose catalogue has `inside`, hidden in a compressed object stream."""
    data = zlib.compress(b"1 0 " + inside)
    body = b"%%PDF-1.7\n7 0 obj\n<< /Type /ObjStm /N 1 /First 4 /Filter %s /Length %d >>\nstream\n" % (
        filters,
        len(data),
    )
    return body + data + b"\nendstream\nendobj\n" + pdf()[9:]
