"""Make a foreign PNG or JPEG into what a PDF holds. Runs as a limited process: `storage.limited`.

`python -m storage.licences.decode` reads the image from standard input and writes one line of JSON, then the pixels as
FlateDecode or DCTDecode wants them, then the alpha channel. Guarantees: every pixel was decoded and written anew, so
nothing of the file but its picture reaches a licence; sRGB or grey; at most LONGEST_SIDE pixels long.
"""

from __future__ import annotations

import io
import json
import sys
import warnings
import zlib

from PIL import Image, ImageCms, ImageOps

LONGEST_SIDE = 3508  # A4 at 300 dpi
MOST_PIXELS = 100_000_000  # of what is read
_LARGE = 700_000  # deflated; what is larger and has no alpha becomes JPEG
_QUALITY = 90


def main() -> bytes:
    """The picture."""
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    image: Image.Image = Image.open(io.BytesIO(sys.stdin.buffer.read()), formats=("PNG", "JPEG"))
    image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
    image = ImageOps.exif_transpose(_in_srgb(image)) or image
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), reducing_gap=2.0)
    alpha = b""
    if "A" in image.getbands():
        channel = image.getchannel("A")
        if channel.getextrema() != (255, 255):
            alpha = zlib.compress(channel.tobytes(), 6)
    plain = image.convert("L" if image.mode in ("L", "LA", "1") else "RGB")
    data, jpeg = zlib.compress(plain.tobytes(), 6), False
    if len(data) > _LARGE and not alpha:
        out = io.BytesIO()
        plain.save(out, "JPEG", quality=_QUALITY, subsampling=0)
        data, jpeg = out.getvalue(), True
    said = {"width": plain.width, "height": plain.height, "gray": plain.mode == "L", "jpeg": jpeg}
    return json.dumps({**said, "data": len(data), "alpha": len(alpha)}).encode() + b"\n" + data + alpha


def _in_srgb(image: Image.Image) -> Image.Image:
    """In the colours of the document: an image's own profile is applied, other colour spaces are converted."""
    profile = image.info.get("icc_profile")
    if image.mode in ("P", "PA"):
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    elif image.mode.startswith("I") or image.mode == "F":
        image = image.point(lambda value: value / 256).convert("L")
    elif "transparency" in image.info:
        image = image.convert("RGBA")
    if profile and image.mode in ("RGB", "CMYK"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            made = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            return made if made is not None else image
        except ImageCms.PyCMSError:
            pass  # a broken profile: the numbers are taken as they are
    return image.convert("RGB") if image.mode in ("CMYK", "YCbCr", "LAB", "HSV") else image


if __name__ == "__main__":
    sys.stdout.buffer.write(main())
