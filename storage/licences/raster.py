"""Pages of our own documents as pictures, in this process: what we made ourselves needs no limited reader.

Guarantees: one page at a time, as pdfium wants it (it does not know threads); bounded in size. Never give it foreign files.
"""

from __future__ import annotations

import io
from threading import Lock

import pypdfium2
from PIL import Image

from storage.licences.pictures import Picture
from storage.preview.render import watermarked

MOST_PAGES = 20
_LONGEST = 4000
_pdfium = Lock()


def pages(pdf: bytes, *, width: int) -> list[Image.Image]:
    """Every page, `width` pixels wide."""
    with _pdfium:
        document = pypdfium2.PdfDocument(pdf)
        try:
            return [_page(document, number, width) for number in range(min(len(document), MOST_PAGES))]
        finally:
            document.close()


def _page(document: pypdfium2.PdfDocument, number: int, width: int) -> Image.Image:
    page = document[number]
    across, down = page.get_size()
    scale = min(width / across, _LONGEST / max(across, down))
    drawn: Image.Image = page.render(scale=scale).to_pil().convert("RGB")
    return drawn


def png(image: Image.Image) -> bytes:
    """The picture as a file."""
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=3)
    return out.getvalue()


def marked(image: Image.Image, mark: str) -> Image.Image:
    """With the words across it."""
    return watermarked(image, mark) if mark else image


def stacked(images: list[Image.Image]) -> Image.Image:
    """Several pages, one below the other."""
    if len(images) == 1:
        return images[0]
    whole = Image.new("RGB", (max(one.width for one in images), sum(one.height for one in images)), "white")
    top = 0
    for one in images:
        whole.paste(one, (0, top))
        top += one.height
    return whole


def picture(image: Image.Image) -> Picture:
    """The picture as a PDF holds it."""
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85, subsampling=0)
    return Picture(image.width, image.height, out.getvalue(), jpeg=True)


def title_and_author(pdf: bytes) -> tuple[str, str]:
    """What a document of ours says of itself."""
    with _pdfium:
        document = pypdfium2.PdfDocument(pdf)
        try:
            said = document.get_metadata_dict()
        finally:
            document.close()
    return said.get("Title", ""), said.get("Author", "")
