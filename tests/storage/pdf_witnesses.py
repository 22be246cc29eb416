"""Foreign tools that look at our documents: poppler, pyHanko's validator, pdfium, zxing."""

from __future__ import annotations

import asyncio
import io
import subprocess
import tempfile
from collections.abc import Sequence
from typing import Any

import pypdfium2
from asn1crypto import x509
from PIL import Image
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation import SignatureCoverageLevel, async_validate_pdf_signature
from pyhanko_certvalidator import ValidationContext


def poppler(tool: str, pdf: bytes, *arguments: str, after: Sequence[str] = ()) -> str:
    """What one of poppler's tools says of a document, warnings included."""
    with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
        file.write(pdf)
        file.flush()
        order = [tool, *arguments, file.name, *after]
        done = subprocess.run(order, capture_output=True, check=False)
        return (done.stdout + done.stderr).decode("utf-8", "replace")


def pdfsig(pdf: bytes) -> str:
    return poppler("pdfsig", pdf, "-nocert")


def pdfsig_accepts(pdf: bytes) -> bool:
    said = pdfsig(pdf)
    return "Signature is Valid" in said and "Total document signed" in said


def pdftotext(pdf: bytes) -> str:
    return poppler("pdftotext", pdf, "-layout", after=("-",))


def pdfium_text(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    try:
        return "".join(str(page.get_textpage().get_text_bounded()) for page in document)
    finally:
        document.close()


def drawn(pdf: bytes, *, scale: float = 2.0) -> Image.Image:
    document = pypdfium2.PdfDocument(pdf)
    try:
        picture: Image.Image = document[0].render(scale=scale).to_pil().convert("RGB")
        return picture
    finally:
        document.close()


def status(pdf: bytes, root: bytes, **more: Any) -> Any:
    """pyHanko's whole verdict, with this anchor (DER)."""
    reader = PdfFileReader(io.BytesIO(pdf))
    (embedded,) = reader.embedded_regular_signatures
    context = ValidationContext(trust_roots=[x509.Certificate.load(root)], allow_fetching=False, **more)
    return asyncio.run(async_validate_pdf_signature(embedded, context, ts_validation_context=context))


def pyhanko_accepts(pdf: bytes, root: bytes) -> bool:
    """Intact, valid, trusted, certified, covering the whole file. A document it cannot read is not accepted."""
    try:
        found = status(pdf, root)
    except Exception:  # whatever a spoilt file makes a parser raise
        return False
    return bool(
        found.bottom_line
        and found.trusted
        and found.coverage == SignatureCoverageLevel.ENTIRE_FILE
        and found.modification_level == ModificationLevel.NONE
    )
