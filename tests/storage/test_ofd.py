"""OFD copies: every reference leads somewhere, the words and places are those of the PDF, and it says what it is not."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

import pypdfium2
import pytest
import uharfbuzz as hb
from PIL import Image, ImageDraw

from hub.licensing.face import Element, Face, ImageFacts, Layout
from storage.intake.kinds import look
from storage.licences.document import Sheet, written
from storage.licences.ofd import UNSIGNED, written_ofd
from storage.licences.ofd_parts import PageParts
from storage.licences.page import drawn, set_face, used
from storage.licences.pictures import decoded
from storage.licences.typeset import MM
from storage.licences.xmp import About

OFD = "{http://www.ofdspec.org/2016}"
METADATA = {
    "certificateIdentifier": "1.2.156.3005.2.X.Y.Z.001.1",
    "certificateNumber": "JY1",
    "certificateHolder": ["示例甲餐饮有限公司", "示例乙 & <合伙>"],
    "extendInfo": {"KZ_scope": "热食"},
}
ABOUT = About("食品经营许可证", "示范县行政审批服务局", datetime(2026, 11, 22, tzinfo=UTC), METADATA)
PICTURE = "ab" * 32


def picture() -> bytes:
    image, out = Image.new("RGBA", (60, 40), (10, 120, 60, 128)), io.BytesIO()
    ImageDraw.Draw(image).rectangle((0, 0, 60, 8), fill=(200, 0, 0, 255))
    image.save(out, "PNG")
    return out.getvalue()


def face() -> Face:
    elements = (
        Element("border", "border", 10, 10, 190, 277, style="ornate", color="#8A6D3B"),
        Element("title", "field", 20, 30, 170, 18, source="$name", size=28, bold=True, align="center"),
        Element("body", "field", 30, 70, 150, 40, source="a", size=14, align="justify"),
        Element("line", "line", 30, 120, 150, 0.5, color="#FF0000"),
        Element("rect", "rect", 30, 130, 50, 20),
        Element("picture", "image", 100, 130, 30, 20, image=PICTURE),
        Element("seal", "seal", 140, 220, 40, 40),
        Element("issuer", "field", 110, 236, 80, 8, source="$issuer", align="center", color="#333333"),
        Element("code", "qr", 30, 225, 30, 30),
    )
    long = "热食类食品制售、冷食类食品制售（含 HACCP 体系）；" * 6
    texts = {"title": "食品经营许可证", "body": long, "issuer": "示范县行政审批服务局"}
    facts = ImageFacts(bytes(32), "x", 1, b"", "image/png")
    return Face(
        Layout(elements=elements),
        texts,
        "食品经营许可证",
        "示范县行政审批服务局",
        "https://hub.invalid/v/ABC",
        {PICTURE: facts},
    )


def made() -> tuple[bytes, bytes]:
    """The OFD, and the PDF of the same sheet."""
    found = set_face(face())
    assert found.faults == []
    cut, image = used(found), decoded(picture())
    page = drawn(found, cut, {PICTURE: ("I0", image.width, image.height)})
    sheet = Sheet(210 * MM, 297 * MM, page.content, {"I0": image}, page.forms, cut)
    return written_ofd(found, sheet, ABOUT), bytes(written([sheet], ABOUT)[0])


@pytest.fixture(scope="module")
def ofd() -> bytes:
    return made()[0]


@pytest.fixture(scope="module")
def files(ofd: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(ofd)) as package:
        assert package.testzip() is None
        return {name: package.read(name) for name in package.namelist()}


def tree(files: dict[str, bytes], name: str) -> Any:
    return ElementTree.fromstring(files[name])


def test_the_same_bytes_each_time(ofd: bytes) -> None:
    """The same face gives the same file."""
    assert made()[0] == ofd


def test_taken_for_an_ofd(ofd: bytes) -> None:
    """The hub's own intake knows it by its content."""
    assert look(io.BytesIO(ofd), "licence.ofd").kind.code == "ofd"


def test_every_reference_leads_somewhere(files: dict[str, bytes]) -> None:
    """From the root to the document, its page, its resources and their files; ids are there once."""
    root = tree(files, "OFD.xml")
    assert root.tag == f"{OFD}OFD"
    assert root.get("DocType") == "OFD"
    document = tree(files, root.findtext(f".//{OFD}DocRoot"))
    ids: list[int] = []
    for name in (document.findtext(f".//{OFD}PublicRes"), document.findtext(f".//{OFD}DocumentRes")):
        resources = tree(files, f"Doc_0/{name}")
        for one in resources.iter():
            if one.get("ID"):
                ids.append(int(one.get("ID")))
                (child,) = one
                assert f"Doc_0/{resources.get('BaseLoc')}/{child.text}" in files
    page = document.find(f".//{OFD}Page")
    content = tree(files, f"Doc_0/{page.get('BaseLoc')}")
    objects = [int(one.get("ID")) for one in content.iter() if one.get("ID")]
    every = [*ids, *objects, int(page.get("ID"))]
    assert len(every) == len(set(every))
    assert max(every) <= int(document.findtext(f".//{OFD}MaxUnitID"))
    for one in content.iter():
        for name in ("Font", "ResourceID"):
            if one.get(name):
                assert int(one.get(name)) in ids
        if one.get("Boundary"):
            x, y, w, h = map(float, one.get("Boundary").split())
            assert 0 <= x < 210
            assert 0 <= y < 297
            assert min(w, h) > 0


def test_the_words_are_those_of_the_pdf(files: dict[str, bytes]) -> None:
    """Every character, in order, with one step between any two; and the font has them all."""
    content = tree(files, "Doc_0/Pages/Page_0/Content.xml")
    said = ""
    for one in content.iter(f"{OFD}TextObject"):
        code = one.find(f"{OFD}TextCode")
        steps = (code.get("DeltaX") or "").split()
        assert len(steps) == len(code.text) - 1
        font = hb.Font(
            hb.Face(files["Doc_0/Res/font_1.otf" if one.get("Font") == "3" else "Doc_0/Res/font_0.otf"])
        )
        assert all(font.get_nominal_glyph(ord(character)) for character in code.text)
        said += code.text
    pdf = pypdfium2.PdfDocument(made()[1])[0].get_textpage().get_text_range()
    assert said.replace(UNSIGNED, "") == re.sub(r"[\r\n]", "", pdf)
    assert len(files["Doc_0/Res/font_0.otf"]) < 60_000


def test_says_that_it_is_unsigned(files: dict[str, bytes]) -> None:
    """On the page, and in its properties."""
    content = tree(files, "Doc_0/Pages/Page_0/Content.xml")
    assert UNSIGNED in [one.text for one in content.iter(f"{OFD}TextCode")]
    root = tree(files, "OFD.xml")
    assert root.findtext(f".//{OFD}Subject") == UNSIGNED
    assert not any("Signs" in name for name in files)


def test_metadata_under_their_pinyin_names(files: dict[str, bytes]) -> None:
    """As OFD licences in circulation name them; several holders joined; marks of XML are text."""
    root = tree(files, "OFD.xml")
    custom = {one.get("Name"): one.text for one in root.iter(f"{OFD}CustomData")}
    assert custom["ZZBS"] == METADATA["certificateIdentifier"]
    assert custom["ZZBH"] == "JY1"
    assert custom["CZZT"] == "示例甲餐饮有限公司^示例乙 & <合伙>"
    assert custom["KZ_scope"] == "热食"


def test_drawn_where_the_pdf_draws(files: dict[str, bytes]) -> None:
    """Paths, picture and words drawn by the OFD's numbers cover the same places as the PDF does."""
    scale = 2.0  # pixels of a millimetre
    pdf = pypdfium2.PdfDocument(made()[1])[0].render(scale=scale / MM).to_pil().convert("L")
    content = tree(files, "Doc_0/Pages/Page_0/Content.xml")
    dark = pdf.point(lambda value: 255 if value < 235 else 0)
    for one in content.iter(f"{OFD}TextObject"):
        if one.find(f"{OFD}TextCode").text == UNSIGNED:
            continue
        x, y, w, h = (scale * float(value) for value in one.get("Boundary").split())
        assert dark.crop((int(x), int(y), int(x + w) + 1, int(y + h) + 1)).getbbox() is not None
    (image,) = content.iter(f"{OFD}ImageObject")
    x, y, w, h = map(float, image.get("Boundary").split())
    assert list(map(float, image.get("CTM").split())) == [w, 0, 0, h, 0, 0]
    assert (round(x), round(y), round(w), round(h)) == (100, 130, 30, 20)
    red = (
        pypdfium2.PdfDocument(made()[1])[0]
        .render(scale=scale / MM)
        .to_pil()
        .getpixel((int(115 * scale), int(131 * scale)))
    )
    assert red[0] > 150 > red[1]
    numbers = [
        float(n) for one in content.iter(f"{OFD}AbbreviatedData") for n in re.findall(r"-?[\d.]+", one.text)
    ]
    assert min(numbers) >= 0
    assert max(numbers) <= 297


def test_an_operator_it_does_not_know_is_an_error() -> None:
    """What the PDF draws and OFD could not is never left out in silence."""
    parts = PageParts(210, 297, {}, {}, 5)
    with pytest.raises(ValueError, match="does not know"):
        parts.add(set_face(Face(Layout(), {}, "t", "i")), b"0 0 m 1 1 l W n\n", {})
