"""What is let in and what is not: by content, each refusal with its own sentence, in bounded memory."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import Rejected
from storage.intake import compound, images, packages, pdf
from storage.intake.kinds import look
from tests.storage import intake_samples as samples

SOUND: dict[str, Callable[[], bytes]] = {
    "a.pdf": samples.pdf,
    "a.png": samples.image,
    "a.jpg": lambda: samples.image("JPEG"),
    "a.JPEG": lambda: samples.image("JPEG"),
    "a.tif": lambda: samples.image("TIFF"),
    "a.tiff": lambda: samples.image("TIFF"),
    "a.bmp": lambda: samples.image("BMP"),
    "a.gif": lambda: samples.image("GIF"),
    "a.webp": lambda: samples.image("WEBP"),
    "a.docx": samples.office,
    "a.xlsx": lambda: samples.office("xlsx"),
    "a.pptx": lambda: samples.office("pptx"),
    "a.ofd": samples.ofd,
    "a.doc": lambda: samples.compound("WordDocument", "1Table"),
    "a.wps": lambda: samples.compound("WordDocument"),
    "a.xls": lambda: samples.compound("Workbook"),
    "a.et": lambda: samples.compound("Book"),
    "a.ppt": lambda: samples.compound("PowerPoint Document", "Current User"),
}


def refusal(data: bytes, name: str) -> str:
    with pytest.raises(Rejected) as refused:
        look(io.BytesIO(data), name)
    return refused.value.message


@pytest.mark.parametrize("name", SOUND)
def test_sound_files_are_let_in(name: str) -> None:
    """Each kind of the list, under each of its endings."""
    look(io.BytesIO(SOUND[name]()), name)


@pytest.mark.parametrize("name", SOUND)
@pytest.mark.parametrize("other", ["a.pdf", "a.png", "a.docx", "a.doc", "a.ofd"])
def test_name_and_content_must_agree(name: str, other: str) -> None:
    """Every pair of another ending and this content is refused with a sentence that names both."""
    mine, its = look(io.BytesIO(SOUND[name]()), name).kind, look(io.BytesIO(SOUND[other]()), other).kind
    if mine == its:
        return
    said = refusal(SOUND[name](), f"材料.{other.rpartition('.')[2]}")
    assert its.title in said
    assert mine.title in said
    assert f".{mine.endings[0]}" in said


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"MZ" + bytes(300), "不能收取"),
        (b"\x7fELF" + bytes(300), "不能收取"),
        (b"#!/bin/sh\nrm -rf /\n", "不能收取"),
        (b"<html><script>alert(1)</script></html>", "不能收取"),
        (b'<?xml version="1.0"?><x/>', "不能收取"),
        ("普通文字".encode(), "不能收取"),
        (bytes(4096), "全是空字节"),
        (b"Rar!\x1a\x07\x00" + bytes(100), "不能收取"),
        (b"\x1f\x8b\x08" + bytes(100), "不能收取"),
        (samples.package({"a.txt": b"x"}), "不能收取"),
        (samples.compound("Something"), "不能收取"),
        (b" " + samples.pdf(), "不能收取"),
    ],
)
def test_everything_else_is_refused(data: bytes, said: str) -> None:
    """Programs, scripts, pages, text, plain archives, bytes before the start: whatever the name says."""
    assert said in refusal(data, "材料.pdf")


# ---- PDF


@pytest.mark.parametrize(
    "extra",
    [
        b"/OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >> ",
        b"/OpenAction << /S /J#61vaScr#69pt /J#53 (x) >> ",
        b"/OpenAction << /S /#4A#61#76#61#53#63#72#69#70#74 >> ",
        b"/OpenAction << /S /Launch /F (cmd.exe) >> ",
        b"/AA << /O << /S /Rendition /JS <61> >> >> ",
    ],
)
def test_pdf_that_runs_something(extra: bytes) -> None:
    """JavaScript and launch actions, however their names are written, in the open and in packed objects."""
    assert "自动运行" in refusal(samples.pdf(extra=extra), "a.pdf")
    assert "自动运行" in refusal(samples.packed_objects(b"<< %s >>" % extra), "a.pdf")


def test_what_turns_up_by_chance_is_let_in() -> None:
    """Short names stand in compressed pictures by chance: in 2 GiB, `/JS(` does about once. It is no reason to refuse."""
    look(io.BytesIO(samples.pdf(extra=b"/X (\xff/JS(\x00\xfe/JS<\x01) ")), "a.pdf")


def test_pdf_marks_across_the_pieces() -> None:
    """A mark that lies across two of the pieces that are read is found all the same."""
    mark = b"/OpenAction << /S /JavaScript /JS (x) >>"
    for shift in range(-len(mark), 2):
        filler = b"x" * (pdf.PIECE - 9 + shift)
        assert "自动运行" in refusal(b"%PDF-1.7\n" + filler + mark + b"\n%%EOF", "a.pdf")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (samples.pdf().replace(b"trailer\n<< ", b"trailer\n<< /Encrypt 9 0 R "), "密码或权限限制"),
        (samples.pdf()[:-20], "不完整"),
        (samples.packed_objects(b"<< >>").replace(b"x\x9c", b"\0\0", 1), "无法查验的压缩对象"),
        (samples.packed_objects(bytes(17 << 20)), "无法查验的压缩对象"),
        (
            samples.packed_objects(b"<< >>", filters=b"/LZWDecode").replace(b"x\x9c", b"\x80\x0b", 1),
            "无法查验",
        ),
    ],
)
def test_pdf_that_cannot_be_looked_into(data: bytes, said: str) -> None:
    """Encrypted, cut off, packed in ways that hide what is inside."""
    assert said in refusal(data, "a.pdf")


def test_pdf_plain_objects_and_signatures_are_seen() -> None:
    """An unpacked object stream harms nothing; a byte range is noted for the verifier."""
    unpacked = (
        b"%PDF-1.7\n7 0 obj\n<< /Type /ObjStm /N 1 /First 4 >>\nstream\n1 0 <<>>\nendstream\nendobj\n%%EOF"
    )
    assert look(io.BytesIO(unpacked), "a.pdf").notes == frozenset()
    signed = samples.pdf(extra=b"/X << /ByteRange [0 1 2 3] >> ")
    assert look(io.BytesIO(signed), "a.pdf").notes == {"signed"}


# ---- packages


def test_package_signatures_are_noted() -> None:
    """What only their own software verifies is noted, so that nobody takes it for verified."""
    assert look(io.BytesIO(samples.ofd({"Doc_0/Signs/Signatures.xml": b"<s/>"})), "a.ofd").notes == {
        "own_signature"
    }
    office = samples.office(more={"_xmlsignatures/sig1.xml": b"<s/>"})
    assert look(io.BytesIO(office), "a.docx").notes == {"own_signature"}


def overlapping() -> bytes:
    """Two directory entries for the same packed bytes."""
    data = samples.office(more={"word/a.bin": b"a" * 9000, "word/b.bin": b"b" * 9000})
    start = data.rfind(b"PK\x05\x06")
    at = data.find(b"PK\x01\x02")
    places = []
    while 0 <= at < start:
        places.append(at)
        at = data.find(b"PK\x01\x02", at + 4)
    (first,) = struct.unpack("<I", data[places[-2] + 42 : places[-2] + 46])
    last = places[-1]
    return data[: last + 42] + struct.pack("<I", first) + data[last + 46 :]


def claims_less(data: bytes, name: bytes, size: int) -> bytes:
    """The package whose entry says in both places that it is only so large unpacked."""
    out = bytearray(data)
    at = 0
    while (at := data.find(name, at)) >= 0:
        if data[at - 46 : at - 42] == b"PK\x01\x02":
            out[at - 46 + 24 : at - 46 + 28] = struct.pack("<I", size)
        elif data[at - 30 : at - 26] == b"PK\x03\x04":
            out[at - 30 + 22 : at - 30 + 26] = struct.pack("<I", size)
        at += 1
    return bytes(out)


def encrypted() -> bytes:
    out = bytearray(samples.office())
    at = out.find(b"PK\x01\x02")
    out[at + 8] |= 1
    return bytes(out)


def lzma() -> bytes:
    out = io.BytesIO(samples.office())
    with zipfile.ZipFile(out, "a") as made:
        made.writestr("word/x.bin", b"x" * 100, zipfile.ZIP_LZMA)
    return out.getvalue()


def doubled() -> bytes:
    out = io.BytesIO(samples.office())
    with zipfile.ZipFile(out, "a") as made, pytest.warns(UserWarning, match="Duplicate"):
        made.writestr("word/document.xml", b"<other/>")
    return out.getvalue()


def many() -> bytes:
    return samples.office(more={f"word/{n}.bin": b"" for n in range(packages.MOST_ENTRIES + 1)})


BILLION = (
    b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><document>&b;</document>'
)
OUTSIDE = b'<?xml version="1.0"?><!DOCTYPE x SYSTEM "http://outside.invalid/x.dtd"><document/>'
HARMFUL: dict[str, tuple[Callable[[], bytes], str]] = {
    "dense": (lambda: samples.office(more={"word/media/a.bin": bytes(64 << 20)}), "膨胀得异常"),
    "many": (many, "多得异常"),
    "overlapping": (overlapping, "互相重叠"),
    "claims less": (
        lambda: claims_less(samples.office(more={"word/claim.bin": bytes(1 << 20)}), b"word/claim.bin", 10),
        "比登记的大",
    ),
    "encrypted": (encrypted, "加了密"),
    "lzma": (lzma, "不常见的压缩方式"),
    "doubled": (doubled, "同名的文件"),
    "parent": (lambda: samples.office(more={"../../etc/cron.d/x": b"x"}), "路径不正常"),
    "absolute": (lambda: samples.office(more={"/etc/passwd": b"x"}), "路径不正常"),
    "drive": (lambda: samples.office(more={"C:/windows/x": b"x"}), "路径不正常"),
    "control": (lambda: samples.office(more={"word/a\x01.bin": b"x"}), "路径不正常"),
    "macro": (lambda: samples.office(more={"word/vbaProject.bin": b"x"}), "宏程序"),
    "macro type": (
        lambda: samples.office(
            types='<Override PartName="/x" ContentType="application/vnd.ms-word.document.macroEnabled.main+xml"/>'
        ),
        "宏程序",
    ),
    "embedded macro": (lambda: samples.office(more={"word/embeddings/a.xlsm": b"x"}), "宏程序"),
    "archive": (lambda: samples.office(more={"word/a.zip": b"x"}), "套着压缩包"),
    "hidden archive": (
        lambda: samples.office(more={"word/a.bin": samples.package({"x": b"y"})}),
        "套着压缩包",
    ),
    "nested twice": (
        lambda: samples.office(
            more={
                "word/embeddings/a.xlsx": samples.office("xlsx", {"xl/embeddings/b.docx": samples.office()})
            }
        ),
        "层层嵌套",
    ),
    "harmful inside": (
        lambda: samples.office(
            more={"word/embeddings/a.xlsx": samples.office("xlsx", {"xl/vbaProject.bin": b"x"})}
        ),
        "宏程序",
    ),
    "entities": (lambda: samples.office(more={"word/footer.xml": BILLION}), "DTD"),
    "outside": (lambda: samples.office(more={"word/footer.xml": OUTSIDE}), "DTD"),
    "wide entities": (
        lambda: samples.office(more={"word/footer.xml": BILLION.decode().encode("utf-16")}),
        "DTD",
    ),
    "ofd entities": (lambda: samples.ofd({"Doc_0/Document.xml": OUTSIDE}), "DTD"),
    "cut": (lambda: samples.office()[:-30], "不完整"),
}


@pytest.mark.parametrize("harm", HARMFUL)
def test_harmful_packages(harm: str) -> None:
    """Each kind of harm with its own sentence, before anything was unpacked to anywhere."""
    make, said = HARMFUL[harm]
    data = make()
    name = "a.ofd" if harm.startswith("ofd") else "a.docx"
    assert said in refusal(data, name)


def test_one_embedded_document_is_usual() -> None:
    """A table in a letter is let in."""
    letter = samples.office(more={"word/embeddings/table.xlsx": samples.office("xlsx")})
    look(io.BytesIO(letter), "a.docx")


def test_a_bomb_is_refused_in_little_memory() -> None:
    """1 GiB of zeros packed into a megabyte: not a tenth of it is ever in memory."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = b"".join(squeeze.compress(bytes(1 << 20)) for _ in range(256)) + squeeze.flush()
    small = samples.office(more={"word/z.bin": packed})
    bomb = claims_less(small, b"word/z.bin", 256 << 20)
    tracemalloc.start()
    try:
        with pytest.raises(Rejected):
            look(io.BytesIO(bomb), "a.docx")
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


# ---- compound files, images


@pytest.mark.parametrize(
    ("streams", "said"),
    [
        (("WordDocument", "Macros"), "宏程序"),
        (("Workbook", "_VBA_PROJECT_CUR"), "宏程序"),
        (("EncryptedPackage",), "打开密码"),
        ((*(f"s{n}" for n in range(40)), "VBA"), "宏程序"),
    ],
)
def test_harmful_compound_files(streams: tuple[str, ...], said: str) -> None:
    """Macros and passwords in the old formats, also behind many other streams."""
    assert said in refusal(samples.compound(*streams), "a.doc")


def test_compound_files_that_loop() -> None:
    """A directory that leads back to itself ends."""
    data = bytearray(samples.compound("WordDocument"))
    data[512 + 4 : 512 + 8] = struct.pack("<I", 1)
    with pytest.raises(Rejected, match="损坏"):
        compound.inspect(io.BytesIO(bytes(data)), "a.doc")


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (samples.png_header(60_000, 60_000), "a.png", "图片炸弹"),
        (samples.png_header(20_000, 15_000), "a.png", "图片炸弹"),
        (samples.image()[:-40], "a.png", "不完整"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "a.png", "不是完好的图片"),
        (b"\xff\xd8\xff" + bytes(40), "a.jpg", "不是完好的图片"),
        (b"II*\0" + bytes(40), "a.tif", "不是完好的图片"),
    ],
)
def test_harmful_images(data: bytes, name: str, said: str) -> None:
    """Bombs by their claimed size, cut and broken ones."""
    assert said in refusal(data, name)


def test_pages_of_a_scan() -> None:
    """A scan of several pages is let in, one of endless pages is not."""
    assert images.MOST_PAGES >= 100
    look(io.BytesIO(samples.image("TIFF")), "a.tif")


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(sorted(SOUND)),
    st.lists(st.tuples(st.integers(0, 1 << 16), st.binary(min_size=1, max_size=8)), max_size=6),
    st.integers(0, 400),
)
def test_damage_is_a_sentence_or_nothing(name: str, changes: list[tuple[int, bytes]], cut: int) -> None:
    """Whatever is overwritten in or cut off a sound file, it is let in or refused - nothing else ever happens."""
    data = bytearray(SOUND[name]())
    for at, piece in changes:
        at %= len(data)
        data[at : at + len(piece)] = piece
    whole = bytes(data[: max(1, len(data) - cut)])
    said = "。"
    try:
        look(io.BytesIO(whole), name)
    except Rejected as refused:
        said = refused.message
    assert said.endswith("。")
