"""The OFD copy of a licence: a minimal GB/T 33190 package from the same setting of type as the PDF.

Guarantees: the same face with the font embedded, cut to what is said; the GB/T 36903 metadata under their pinyin names as
CustomDatas; the same input gives the same bytes. It carries no signature and says so on the page and in its properties.
Follows the standard as published readers understand it; the text of the standard was not at hand.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import uharfbuzz as hb
from PIL import Image

from hub.errors import Rejected
from hub.licensing.face import Element
from storage.licences import fonts
from storage.licences.document import Sheet
from storage.licences.ofd_parts import PageParts
from storage.licences.page import SetFace
from storage.licences.pictures import Picture
from storage.licences.typeset import ASCENT, Line
from storage.licences.xmp import About

MEDIA_TYPE = "application/ofd"
UNSIGNED = "OFD 副本不带签名，不作为凭证；核验请扫描二维码或使用 PDF 原件。"
_NAMESPACE = 'xmlns:ofd="http://www.ofdspec.org/2016"'
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_LONG_AGO = (1980, 1, 1, 0, 0, 0)
_FAMILY = "Noto Sans CJK SC"
_NOTE_SIZE = 7.0
#: GB/T 36903 as the national exchange names it -> as OFD files in circulation do.
_CUSTOM = {
    "certificateIdentifier": "ZZBS",
    "certificateName": "ZZMC",
    "certificateTypeName": "ZZLXMC",
    "certificateTypeCode": "ZZLXDM",
    "certificateNumber": "ZZBH",
    "certificateVersion": "ZZBB",
    "issueDept": "ZZBFJG",
    "issueDeptCode": "ZZBFJGDM",
    "issueDate": "ZZBFRQ",
    "certificateDefineAuthorityName": "ZZDYJG",
    "certificateDefineAuthorityCode": "ZZDYJGDM",
    "certificateValidateStart": "ZZYXQQSRQ",
    "certificateValidateEnd": "ZZYXQJZRQ",
    "certificateHolder": "CZZT",
    "certificateHolderCode": "CZZTDM",
    "certificateHolderType": "CZZTDMLX",
    "certificateHolderTypeCode": "CZZTDMLXDM",
}


def written_ofd(found: SetFace, sheet: Sheet, about: About) -> bytes:
    """The package. Raises Rejected for a face with a mark across it, which this writer cannot draw."""
    if sheet.mark[0]:
        raise Rejected("带水印的照面不能制作 OFD 副本。")
    layout = found.face.layout
    said = {bold: _said_in(found, bold) for bold in (False, True)}
    said[False] |= set(UNSIGNED)
    weights = [bold for bold in (False, True) if said[bold]]
    files: dict[str, bytes] = {}
    font_ids = {bold: 2 + at for at, bold in enumerate(weights)}
    for bold in weights:
        files[f"Doc_0/Res/font_{int(bold)}.otf"] = _font(said[bold], bold)
    image_ids = {name: 10 + at for at, name in enumerate(sheet.pictures)}
    kinds = {}
    for name, picture in sheet.pictures.items():
        kinds[name], data = _picture(picture)
        files[f"Doc_0/Res/image_{image_ids[name]}.{kinds[name].lower()}"] = data
    parts = PageParts(layout.width, layout.height, image_ids, font_ids, 10 + len(image_ids) + 1)
    parts.add(found, sheet.content, sheet.forms)
    _note(parts, layout.height)
    files["Doc_0/Pages/Page_0/Content.xml"] = _content(parts)
    files["Doc_0/PublicRes.xml"] = _public(weights, font_ids)
    files["Doc_0/DocumentRes.xml"] = _pictures(kinds, image_ids)
    files["Doc_0/Document.xml"] = _document(layout.width, layout.height, parts.next_id)
    return _packed({"OFD.xml": _root(about), **dict(sorted(files.items()))})


def _said_in(found: SetFace, bold: bool) -> set[str]:
    elements = found.face.layout.elements
    blocks = [found.blocks[one.id] for one in elements if one.bold is bold and one.id in found.blocks]
    return {character for block in blocks for line in block.lines for character in line.text}


def _note(parts: PageParts, height: float) -> None:
    """The last line of the page: that this proves nothing."""
    element = Element("note", "text", 6, height - 5, 200, 4, color="#8A1F17")
    parts.write(Line(UNSIGNED, 0.0, ASCENT * _NOTE_SIZE), _NOTE_SIZE, element)


def _font(characters: set[str], bold: bool) -> bytes:
    """The font, cut, as an OpenType file with its table of characters."""
    face = hb.Face(hb.Blob.from_file_path(str(fonts.FILE)), fonts.SIMPLIFIED)
    wanted = hb.SubsetInput()
    wanted.unicode_set.update(map(ord, characters))
    wanted.pin_axis_location(face, "wght", fonts.BOLD if bold else fonts.REGULAR)
    wanted.flags = (
        hb.SubsetFlags.DOWNGRADE_CFF2 | hb.SubsetFlags.NO_LAYOUT_CLOSURE | hb.SubsetFlags.NO_HINTING
    )
    dropped = ("BASE", "GPOS", "GSUB", "STAT", "VORG", "vhea", "vmtx", "VVAR")
    wanted.drop_table_tag_set.update(int.from_bytes(tag.encode(), "big") for tag in dropped)
    made: bytes = wanted.subset(face).blob.data
    return made


def _picture(picture: Picture) -> tuple[str, bytes]:
    if picture.jpeg:
        return "JPEG", picture.data
    mode, size = "L" if picture.gray else "RGB", (picture.width, picture.height)
    image = Image.frombytes(mode, size, zlib.decompress(picture.data))
    if picture.alpha:
        image.putalpha(Image.frombytes("L", size, zlib.decompress(picture.alpha)))
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=6)
    return "PNG", out.getvalue()


def _root(about: About) -> bytes:
    digest = hashlib.sha256(repr((about.title, about.iso, sorted(about.metadata))).encode())
    digest.update(str(about.metadata.get("certificateIdentifier", "")).encode())
    custom = "".join(
        f"<ofd:CustomData Name={quoteattr(name)}>{escape(value)}</ofd:CustomData>"
        for name, value in _custom(about.metadata).items()
    )
    return _xml(
        f'<ofd:OFD {_NAMESPACE} Version="1.0" DocType="OFD"><ofd:DocBody><ofd:DocInfo>'
        f"<ofd:DocID>{digest.hexdigest()[:32]}</ofd:DocID><ofd:Title>{_clean(about.title)}</ofd:Title>"
        f"<ofd:Author>{_clean(about.author)}</ofd:Author><ofd:Subject>{escape(UNSIGNED)}</ofd:Subject>"
        f"<ofd:CreationDate>{about.made_at:%Y-%m-%d}</ofd:CreationDate><ofd:Creator>Shenguan</ofd:Creator>"
        f"<ofd:CustomDatas>{custom}</ofd:CustomDatas></ofd:DocInfo>"
        "<ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>"
    )


def _custom(metadata: Mapping[str, Any]) -> dict[str, str]:
    """The metadata by their pinyin names; several holders joined as practice does."""
    found = {pinyin: _words(metadata[name]) for name, pinyin in _CUSTOM.items() if metadata.get(name)}
    extended = metadata.get("extendInfo") or {}
    found.update({str(name): _words(value) for name, value in extended.items()})
    return {**found, "SM": UNSIGNED}


def _words(value: Any) -> str:
    return "^".join(map(str, value)) if isinstance(value, list | tuple) else _plain(str(value))


def _document(width: float, height: float, last: int) -> bytes:
    return _xml(
        f"<ofd:Document {_NAMESPACE}><ofd:CommonData><ofd:MaxUnitID>{last}</ofd:MaxUnitID><ofd:PageArea>"
        f"<ofd:PhysicalBox>0 0 {width:g} {height:g}</ofd:PhysicalBox></ofd:PageArea>"
        "<ofd:PublicRes>PublicRes.xml</ofd:PublicRes><ofd:DocumentRes>DocumentRes.xml</ofd:DocumentRes>"
        '</ofd:CommonData><ofd:Pages><ofd:Page ID="1" BaseLoc="Pages/Page_0/Content.xml"/></ofd:Pages></ofd:Document>'
    )


def _public(weights: list[bool], ids: Mapping[bool, int]) -> bytes:
    names = f'FontName="{_FAMILY}" FamilyName="{_FAMILY}"'
    each = "".join(
        f'<ofd:Font ID="{ids[bold]}" {names} Bold="{str(bold).lower()}">'
        f"<ofd:FontFile>font_{int(bold)}.otf</ofd:FontFile></ofd:Font>"
        for bold in weights
    )
    return _xml(f'<ofd:Res {_NAMESPACE} BaseLoc="Res"><ofd:Fonts>{each}</ofd:Fonts></ofd:Res>')


def _pictures(kinds: Mapping[str, str], ids: Mapping[str, int]) -> bytes:
    each = "".join(
        f'<ofd:MultiMedia ID="{ids[name]}" Type="Image" Format="{kind}">'
        f"<ofd:MediaFile>image_{ids[name]}.{kind.lower()}</ofd:MediaFile></ofd:MultiMedia>"
        for name, kind in kinds.items()
    )
    held = f"<ofd:MultiMedias>{each}</ofd:MultiMedias>" if each else ""
    return _xml(f'<ofd:Res {_NAMESPACE} BaseLoc="Res">{held}</ofd:Res>')


def _content(parts: PageParts) -> bytes:
    layer = parts.next_id = parts.next_id + 1
    objects = "".join(parts.objects)
    return _xml(
        f'<ofd:Page {_NAMESPACE}><ofd:Content><ofd:Layer ID="{layer}" Type="Body">{objects}</ofd:Layer>'
        "</ofd:Content></ofd:Page>"
    )


def _clean(value: str) -> str:
    return escape(_plain(value))


def _plain(value: str) -> str:
    """Without what XML cannot hold."""
    return "".join(
        one
        for one in value
        if one in "\t\n" or 0x20 <= ord(one) < 0xD800 or 0xE000 <= ord(one) < 0xFFFE or ord(one) > 0xFFFF
    )


def _xml(body: str) -> bytes:
    return (_HEAD + body).encode()


def _packed(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            package.writestr(entry, data)
    return out.getvalue()
