"""The QR code of a case 一码通: the address of its page, as SVG that needs no style of its own."""

from __future__ import annotations

import io

import segno
from markupsafe import Markup


def address_of(public_url: str, case_no: str) -> str:
    """What the code says; scanning it at the window opens the case."""
    return f"{public_url}/workbench/case/{case_no}"


def qr_svg(content: str, *, label: str, scale: int = 4) -> Markup:
    """An image that a screen reader names by `label`."""
    out = io.BytesIO()
    code = segno.make(content, error="m", micro=False)
    code.save(
        out,
        kind="svg",
        scale=scale,
        border=4,
        xmldecl=False,
        svgns=True,
        title=label,
        svgclass="qr",
        omitsize=True,
    )
    return Markup(out.getvalue().decode())  # noqa: S704 - made here, of our own address
