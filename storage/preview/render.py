"""Draw one page of a PDF or an image, with a watermark burned in. Runs as a limited process: `storage.limited`.

`python -m storage.preview.render FD` reads a JSON order from standard input and writes JSON (for "count") or a PNG.
Guarantees: the size of what it draws is bounded before it draws; the watermark is part of the picture.
"""

from __future__ import annotations

import io
import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import manimgx_fonts_cjk
import pypdfium2
from PIL import Image, ImageDraw, ImageFont, ImageOps

FONT = Path(manimgx_fonts_cjk.__file__).parent / "NotoSansCJK-VF.otf.ttc"
_SIMPLIFIED = 2  # of the collection's faces
MOST_PIXELS = 12_000_000  # of what is drawn
LONGEST_SIDE = 8000
MOST_IMAGE = 220_000_000  # of what is read
MOST_PAGES = 2000
_INK = (90, 90, 90)
_STRENGTH = 60  # of 255: readable, hides nothing


def main(descriptor: int) -> bytes:
    """What the order asks for."""
    order = json.loads(sys.stdin.buffer.read())
    warnings.simplefilter("ignore")
    Image.MAX_IMAGE_PIXELS = MOST_IMAGE
    # Opened anew, so that its place in the file is ours alone.
    path = f"/proc/self/fd/{descriptor}"
    of = _Pdf(path) if order["media_type"] == "application/pdf" else _Picture(path)
    if order["do"] == "count":
        return json.dumps({"pages": min(of.pages, MOST_PAGES)}).encode()
    picture = of.draw(min(int(order["page"]), of.pages), int(order["width"]))
    if order.get("watermark"):
        picture = watermarked(picture, str(order["watermark"]))
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=3)
    return out.getvalue()


def _shrink(width: float, height: float) -> float:
    """By how much a picture of this size must be smaller, to be bounded in area and on its longer side."""
    return float(max(1.0, (width * height / MOST_PIXELS) ** 0.5, max(width, height) / LONGEST_SIDE))


class _Pdf:
    def __init__(self, path: str) -> None:
        self._file = open(path, "rb")  # noqa: SIM115 - for as long as this process lives; the path has no name to open by
        self._document = pypdfium2.PdfDocument(self._file)
        self.pages = len(self._document)

    def draw(self, number: int, width: int) -> Image.Image:
        """A page as wide as asked, smaller where it would be too large."""
        page = self._document[number - 1]
        across, down = page.get_size()
        scale = width / max(across, 1)
        shrink = _shrink(across * scale, down * scale)
        drawn: Image.Image = page.render(scale=scale / shrink).to_pil().convert("RGB")
        return drawn


class _Picture:
    def __init__(self, path: str) -> None:
        self._image = Image.open(path, formats=("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP"))
        self.pages = int(getattr(self._image, "n_frames", 1)) if self._image.format == "TIFF" else 1

    def draw(self, number: int, width: int) -> Image.Image:
        """The picture, the right way up, on white."""
        image = self._image
        if number > 1:
            image.seek(number - 1)
        across, down = image.size
        height = max(1, round(down * width / max(across, 1)))
        shrink = _shrink(width, height)
        box = (max(1, int(width / shrink)), max(1, int(height / shrink)))
        longest = max(box)
        image.draft("RGB", (longest, longest))
        image.thumbnail((longest, longest), reducing_gap=2.0)
        turned: Image.Image = ImageOps.exif_transpose(image) or image
        if turned.mode.startswith("I;16") or turned.mode in ("I", "F"):
            turned = turned.point(lambda v: v / 256).convert("L")
        ground = Image.new("RGB", turned.size, "white")
        clear = turned.convert("RGBA")
        ground.paste(clear, mask=clear.getchannel("A"))
        if ground.width < width and ground.width < across:
            return ground
        return (
            ground.resize((box[0], max(1, round(ground.height * box[0] / ground.width))))
            if ground.width < box[0]
            else ground
        )


def watermarked(picture: Image.Image, text: str) -> Image.Image:
    """The picture with the text across it, again and again."""
    size = max(13, picture.width // 52)
    font = ImageFont.truetype(str(FONT), size, index=_SIMPLIFIED)
    font.set_variation_by_axes([500])
    left, top, right, bottom = font.getbbox(text)
    across, down = int(right - left) + 3 * size, int(bottom - top) + 6 * size
    side = int((picture.width**2 + picture.height**2) ** 0.5) + across
    sheet = Image.new("L", (side, side), 0)
    pen = ImageDraw.Draw(sheet)
    for row, y in enumerate(range(0, side, down)):
        for x in range(-(across // 2) * (row % 2), side, across):
            pen.text((x, y), text, font=font, fill=_STRENGTH)
    turned = sheet.rotate(28, resample=Image.Resampling.BILINEAR)
    x, y = (side - picture.width) // 2, (side - picture.height) // 2
    mask = turned.crop((x, y, x + picture.width, y + picture.height))
    picture.paste(Image.new("RGB", picture.size, _INK), mask=mask)
    return picture


if __name__ == "__main__":
    answer: Any = main(int(sys.argv[1]))
    os.write(1, b"") if not answer else sys.stdout.buffer.write(answer)
