"""The XMP packet of a document: PDF/A-3u, Dublin Core, and the GB/T 36903 metadata under a schema that is declared.

Guarantees: well-formed whatever the values are; says the same as the Info dictionary made from the same `About`.
The extension schema's names are those of the national exchange (up_lic_data); lists become sequences, objects JSON text.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

from hub.workday import LOCAL

NAMESPACE = "urn:shenguan:gbt36903#"
PREFIX = "gb36903"
PRODUCER = "Shenguan 审管通"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class About:
    """What a document says of itself."""

    title: str
    author: str
    made_at: datetime
    metadata: Mapping[str, Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "made_at", self.made_at.astimezone(LOCAL))

    @property
    def iso(self) -> str:
        """The time, in seconds, as XMP has it."""
        return self.made_at.replace(microsecond=0).isoformat()

    @property
    def pdf_date(self) -> bytes:
        """The time, as PDF has it."""
        zone = self.made_at.strftime("%z") or "+0000"
        return f"(D:{self.made_at:%Y%m%d%H%M%S}{zone[:3]}'{zone[3:5]}')".encode()


def packet(about: About) -> bytes:
    """The packet."""
    return _PACKET.format(
        title=_text(about.title),
        author=_text(about.author),
        time=about.iso,
        producer=_text(PRODUCER),
        document=uuid.uuid5(uuid.NAMESPACE_URL, _text(f"{about.title}|{about.metadata}|{about.iso}")),
        extension=_EXTENSION.format(schema=_schema(about.metadata)) if _said(about.metadata) else "",
        values=_values(about.metadata),
    ).encode()


def visible(value: object) -> str:
    """A value without what XML cannot say."""
    return _NOT_XML.sub("", str(value))


def _text(value: object) -> str:
    return escape(visible(value))


def _said(metadata: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """What goes into the packet: names that XML can say. The attached JSON has everything."""
    return [(key, value) for key, value in metadata.items() if _NAME.fullmatch(key) and value is not None]


def _is_list(value: object) -> bool:
    return isinstance(value, list | tuple)


def _plain(value: object) -> str:
    if isinstance(value, Mapping | list | tuple):
        return _text(json.dumps(value, ensure_ascii=False, default=str))
    return _text(value)


def _schema(metadata: Mapping[str, Any]) -> str:
    return "".join(
        _PROPERTY.format(name=key, type="Seq Text" if _is_list(value) else "Text")
        for key, value in _said(metadata)
    )


def _values(metadata: Mapping[str, Any]) -> str:
    lines = []
    for key, value in _said(metadata):
        inner = _plain(value)
        if _is_list(value):
            inner = "<rdf:Seq>" + "".join(f"<rdf:li>{_plain(one)}</rdf:li>" for one in value) + "</rdf:Seq>"
        lines.append(f"   <{PREFIX}:{key}>{inner}</{PREFIX}:{key}>\n")
    return "".join(lines)


_PROPERTY = """       <rdf:li rdf:parseType="Resource">
        <pdfaProperty:name>{name}</pdfaProperty:name>
        <pdfaProperty:valueType>{type}</pdfaProperty:valueType>
        <pdfaProperty:category>external</pdfaProperty:category>
        <pdfaProperty:description>GB/T 36903 {name}</pdfaProperty:description>
       </rdf:li>
"""

_EXTENSION = (
    """   <pdfaExtension:schemas>
    <rdf:Bag>
     <rdf:li rdf:parseType="Resource">
      <pdfaSchema:schema>GB/T 36903</pdfaSchema:schema>
      <pdfaSchema:namespaceURI>"""
    + NAMESPACE
    + """</pdfaSchema:namespaceURI>
      <pdfaSchema:prefix>"""
    + PREFIX
    + """</pdfaSchema:prefix>
      <pdfaSchema:property>
       <rdf:Seq>
{schema}       </rdf:Seq>
      </pdfaSchema:property>
     </rdf:li>
    </rdf:Bag>
   </pdfaExtension:schemas>
"""
)

_PACKET = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    """<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/"
    xmlns:pdf="http://ns.adobe.com/pdf/1.3/"
    xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/"
    xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"
    xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#"
    xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#"
    xmlns:"""
    + PREFIX
    + '="'
    + NAMESPACE
    + """">
   <pdfaid:part>3</pdfaid:part>
   <pdfaid:conformance>U</pdfaid:conformance>
   <dc:format>application/pdf</dc:format>
   <dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
   <dc:creator><rdf:Seq><rdf:li>{author}</rdf:li></rdf:Seq></dc:creator>
   <dc:language><rdf:Bag><rdf:li>zh-CN</rdf:li></rdf:Bag></dc:language>
   <xmp:CreateDate>{time}</xmp:CreateDate>
   <xmp:ModifyDate>{time}</xmp:ModifyDate>
   <xmp:MetadataDate>{time}</xmp:MetadataDate>
   <xmp:CreatorTool>{producer}</xmp:CreatorTool>
   <pdf:Producer>{producer}</pdf:Producer>
   <xmpMM:DocumentID>uuid:{document}</xmpMM:DocumentID>
{extension}{values}  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""
)
