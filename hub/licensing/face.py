"""Face 照面: everything that is printed on a licence, ready to be set in type; and the layout it is set by.

Lengths are millimetres from the top left corner of the page; type sizes are points. Values only: what a layout may be is
checked in hub.licensing.types.layout, what an element says is made in hub.licensing.issuing.fill.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

#: text: fixed words; field: what the licence says; the rest is drawn.
ELEMENT_KINDS = ("text", "field", "image", "qr", "seal", "line", "rect", "border")
ALIGNS = ("left", "center", "right", "justify")
VALIGNS = ("top", "middle", "bottom")
OVERFLOWS = ("refuse", "shrink")


@dataclass(frozen=True, slots=True)
class Element:
    """One thing on the face, in its box."""

    id: str
    kind: str
    x: float
    y: float
    w: float
    h: float
    text: str = ""  # of a text; of a field: nothing
    source: str = ""  # of a field: a field's name, or a built-in like $number
    prefix: str = ""
    suffix: str = ""
    format: str = ""  # of a date: 'yyyy年MM月dd日' or 'yyyy-MM-dd'; see hub.licensing.issuing.fill
    size: float = 12.0
    smallest: float = 6.0  # where `overflow` is shrink
    overflow: str = "refuse"
    bold: bool = False
    color: str = "#000000"
    align: str = "left"
    valign: str = "top"
    leading: float = 1.35  # of the size
    spacing: float = 0.0  # between characters, of the size
    image: str = (
        ""  # of an image or a seal: SHA-256 in hex; a seal without one is drawn from the issuer's name
    )
    stroke: float = 0.3  # mm, of line, rect, border
    style: str = "single"  # of a border: single, double, ornate


@dataclass(frozen=True, slots=True)
class Layout:
    """A page and what is on it, back to front."""

    width: float = 210.0
    height: float = 297.0
    background: str = ""  # SHA-256 in hex of an image that fills the page
    paper: str = "#FFFFFF"  # colour beneath everything
    elements: tuple[Element, ...] = ()


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """A stored picture that a layout places: what storage needs to open it."""

    sha256: bytes
    object_name: str
    size: int
    wrapped_key: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Face:
    """A layout with every element's final words."""

    layout: Layout
    texts: Mapping[str, str]  # element id -> what it says; an empty text prints nothing
    title: str  # of the document
    issuer: str  # stands in a drawn seal
    qr: str = ""  # what the QR code says; empty: none is drawn
    images: Mapping[str, ImageFacts] = field(default_factory=dict)  # SHA-256 in hex -> picture
    mark: str = ""  # a watermark across the page: 样张, or the stated use of a copy


@dataclass(frozen=True, slots=True)
class FaceFault:
    """Why an element cannot be set: it overflows its box, or no font has a character of it."""

    element: str  # id
    sentence: str
