"""Whatever a layout asks for: a document that every reader opens, or faults in sentences; never a crash."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import cast

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import Rejected
from hub.licensing.face import ALIGNS, ELEMENT_KINDS, OVERFLOWS, VALIGNS, Element, Face, Layout
from storage.files import FileStore
from storage.licences import characters, drawing
from storage.licences.credentials import Credentials
from storage.licences.page import set_face
from storage.licences.press import LicencePress
from tests.storage.licence_faces import a_face
from tests.storage.pdf_witnesses import drawn, poppler

PRESS = LicencePress(cast(FileStore, None), Credentials(None), lambda: datetime(2026, 11, 22, tzinfo=UTC))

_LENGTHS = st.one_of(st.sampled_from([0.0, 0.1, 1000.0]), st.floats(0, 300))
_COLOURS = st.sampled_from(["#000000", "#FFFFFF", "#8A6D3B", "#c00000"])
_ELEMENTS = st.builds(
    Element,
    id=st.uuids().map(str),
    kind=st.sampled_from(ELEMENT_KINDS),
    x=_LENGTHS,
    y=_LENGTHS,
    w=_LENGTHS,
    h=_LENGTHS,
    size=st.floats(1, 200),
    smallest=st.floats(1, 20),
    overflow=st.sampled_from(OVERFLOWS),
    bold=st.booleans(),
    color=_COLOURS,
    align=st.sampled_from(ALIGNS),
    valign=st.sampled_from(VALIGNS),
    leading=st.floats(0.8, 4),
    spacing=st.floats(0, 2),
    stroke=st.floats(0.05, 20),
    style=st.sampled_from(["single", "double", "ornate"]),
)
_TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Co")), max_size=30) | st.just(
    "经营范围：热食类"
)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(_ELEMENTS, max_size=8),
    st.lists(_TEXTS, min_size=8, max_size=8),
    st.tuples(st.floats(40, 1000), st.floats(40, 1000)),
    st.sampled_from(["", "样张", "仅供核验\n使用☑" * 20]),
    st.sampled_from(["", "示范县行政审批服务局", "局", "示" * 60]),
)
def test_any_face(
    elements: list[Element], texts: list[str], page: tuple[float, float], mark: str, issuer: str
) -> None:
    """Printed, opened by qpdf without a warning and drawn by pdfium; or refused."""
    said = dict(zip((one.id for one in elements), texts, strict=False))
    face = Face(
        Layout(*page, elements=tuple(elements)), said, "题", issuer, "https://hub.invalid/v/A", mark=mark
    )
    faults = PRESS.faults(face)
    assert all(one.sentence.endswith("。") for one in faults)
    if faults:
        with pytest.raises(Rejected):
            PRESS.sample(face)
        return
    pdf = PRESS.sample(face)
    with pikepdf.open(io.BytesIO(pdf)) as document:
        assert document.check_pdf_syntax() == []
        assert not document.get_warnings()
    drawn(pdf, scale=0.2)


def test_nothing_warns_poppler() -> None:
    """A whole licence, and an empty page."""
    for face in (a_face(), Face(Layout(), {}, "", "", "")):
        assert poppler("pdftotext", PRESS.sample(face), "-q", after=("/dev/null",)) == ""
        assert "rror" not in poppler("pdfinfo", PRESS.sample(face))


def test_what_a_mark_cannot_say_is_shown_as_missing() -> None:
    """A stated use is somebody's words: what no font has becomes 〓, and it stays in one line."""
    assert characters.in_one_line("核验\n用途☑😀\x07") == "核验 用途〓〓〓"
    assert characters.in_one_line("") == ""
    assert drawing.watermark("", 100, 100) == (b"", b"")


def test_a_code_too_long_to_scan_is_a_fault() -> None:
    """A QR code of more than 300 bytes would not be read off paper."""
    layout = Layout(elements=(Element("qr", "qr", 10, 10, 11, 30), Element("seal", "seal", 10, 50, 5, 5)))
    assert [one.element for one in set_face(a_face(layout=layout)).faults] == ["qr", "seal"]
    (fault,) = set_face(a_face(qr="https://hub.invalid/" + "a" * 300)).faults
    assert (fault.element, "二维码" in fault.sentence) == ("qr", True)
