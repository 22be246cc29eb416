"""Pictures on licences: every pixel decoded and written anew in a limited process; bad ones are refused in a sentence."""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Callable
from datetime import UTC, datetime

import pikepdf
import pytest
from PIL import Image, ImageCms

from hub.errors import Rejected
from hub.licensing.face import Element, Face, ImageFacts, Layout
from storage.files import FileStore
from storage.key_encryption import KeyEncryption
from storage.licences.credentials import Credentials
from storage.licences.pictures import decoded
from storage.licences.press import LicencePress
from storage.objects import ObjectStore
from tests.conftest import Parts
from tests.storage.licence_faces import a_face
from tests.storage.pdf_witnesses import drawn


@pytest.fixture(scope="module")
def files(parts: Parts) -> FileStore:
    objects = ObjectStore(
        parts.s3_endpoint,
        access_key=parts.s3_access_key,
        secret_key=parts.s3_secret_key,
        bucket=f"pictures-{os.getpid()}-{os.urandom(3).hex()}",
    )
    objects.ensure_bucket()
    return FileStore(objects, KeyEncryption(os.urandom(32)))


@pytest.fixture
def kept(files: FileStore) -> Callable[..., ImageFacts]:
    def keep(content: bytes, media_type: str = "image/png") -> ImageFacts:
        stored = files.put(io.BytesIO(content))
        return ImageFacts(
            *(stored.sha256, stored.object_name, stored.size, stored.wrapped_key), media_type=media_type
        )

    return keep


def press(files: FileStore) -> LicencePress:
    return LicencePress(files, Credentials(None), lambda: datetime.now(UTC))


def saved(image: Image.Image, kind: str = "PNG", **more: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **more)
    return out.getvalue()


def with_picture(facts: ImageFacts, kind: str = "image", **layout: str) -> Face:
    key = facts.sha256.hex()
    element = Element("p", kind, 20, 20, 40, 20, image=key)
    return Face(Layout(elements=(element,), **layout), {}, "示例", "示范县", images={key: facts})


def test_a_picture_is_placed_whole(files: FileStore, kept: Callable[..., ImageFacts]) -> None:
    """In its box, its proportions kept, in its middle, in its colours."""
    facts = kept(saved(Image.new("RGB", (100, 100), (10, 200, 30))))
    page = drawn(press(files).sample(with_picture(facts)), scale=1)
    mm = 72 / 25.4
    assert page.getpixel((int(40 * mm), int(30 * mm))) == pytest.approx((10, 200, 30), abs=30)
    assert page.getpixel((int(23 * mm), int(30 * mm))) == pytest.approx((255, 255, 255), abs=60)


def test_transparency_is_a_soft_mask(files: FileStore, kept: Callable[..., ImageFacts]) -> None:
    """An alpha channel is kept as PDF/A-3 allows; an opaque one makes no mask."""
    clear = kept(saved(Image.new("RGBA", (20, 10), (255, 0, 0, 0))))
    solid = kept(saved(Image.new("RGBA", (20, 10), (255, 0, 0, 255))))
    for facts, masked in ((clear, True), (solid, False)):
        with pikepdf.open(io.BytesIO(press(files).sample(with_picture(facts, "seal")))) as document:
            image = document.pages[0].Resources.XObject.I0
            assert ("/SMask" in image) is masked
            assert image.ColorSpace == "/DeviceRGB"


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_kinds_of_png(mode: str) -> None:
    """Every kind becomes grey or RGB with eight bits."""
    found = decoded(saved(Image.new(mode, (7, 5))))
    assert (found.width, found.height) == (7, 5)
    channels = 1 if found.gray else 3
    assert len(zlib.decompress(found.data)) == 7 * 5 * channels


def test_kinds_of_jpeg() -> None:
    """Grey, RGB and CMYK; turned as the camera says; the profile is applied."""
    assert decoded(saved(Image.new("L", (8, 8)), "JPEG")).gray
    assert not decoded(saved(Image.new("CMYK", (8, 8)), "JPEG")).gray
    exif = Image.Exif()
    exif[0x0112] = 6
    assert decoded(saved(Image.new("RGB", (8, 4)), "JPEG", exif=exif)).height == 8
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert decoded(saved(Image.new("RGB", (8, 4), "red"), "JPEG", icc_profile=profile)).width == 8


def test_nothing_but_pixels_comes_along(files: FileStore, kept: Callable[..., ImageFacts]) -> None:
    """What else is in the file - text, scripts, another file behind it - reaches no licence."""
    secret = b"<script>alert(1)</script>"
    image = saved(Image.new("RGB", (9, 9)), "PNG")
    image = image[:33] + _chunk(b"tEXt", b"Comment\0" + secret) + image[33:] + secret
    pdf = press(files).sample(with_picture(kept(image)))
    with pikepdf.open(io.BytesIO(pdf)) as document:
        assert secret not in document.pages[0].Resources.XObject.I0.read_bytes()
    assert secret not in pdf


def test_large_pictures_become_bearable() -> None:
    """Longer than A4 at 300 dpi is made smaller; noise without transparency becomes JPEG."""
    noise = Image.frombytes("RGB", (1200, 900), os.urandom(1200 * 900 * 3))
    found = decoded(saved(noise))
    assert found.jpeg
    wide = decoded(saved(Image.new("RGB", (8000, 10), "red")))
    assert wide.width == 3508


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb() -> bytes:
    """A PNG of 50,000 by 50,000 that takes some kilobytes."""
    head = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1 << 20))
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "bad",
    [
        *(b"", b"junk", saved(Image.effect_noise((400, 400), 60))[:-3000], bomb()),
        *(saved(Image.new("RGB", (9, 9)), "TIFF"), b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
    ],
    ids=["empty", "junk", "half", "bomb", "tiff", "svg"],
)
def test_bad_pictures_are_refused(bad: bytes) -> None:
    """A sentence, and this process is none the worse."""
    with pytest.raises(Rejected, match="读不出来"):
        decoded(bad)


def test_of_the_wrong_kind_or_too_large(files: FileStore, kept: Callable[..., ImageFacts]) -> None:
    """Told before anything is opened; one that is not there is a fault of the face."""
    small = saved(Image.new("RGB", (9, 9)))
    with pytest.raises(Rejected, match="PNG 或 JPEG"):
        press(files).sample(with_picture(kept(small, "image/svg+xml")))
    facts = kept(small)
    huge = ImageFacts(facts.sha256, facts.object_name, 1 << 30, facts.wrapped_key, "image/png")
    with pytest.raises(Rejected, match="20 MB"):
        press(files).sample(with_picture(huge))
    face = with_picture(facts)
    (fault,) = press(files).faults(Face(face.layout, {}, "示例", "示范县"))
    assert (fault.element, "没有找到" in fault.sentence) == ("p", True)


def test_pictures_are_opened_once(files: FileStore, kept: Callable[..., ImageFacts]) -> None:
    """A background is fetched and decoded for the first licence only."""
    facts = kept(saved(Image.new("RGB", (300, 400), "#EEF4FF")))
    key = facts.sha256.hex()
    one = press(files)
    face = a_face()
    layout = Layout(background=key, elements=face.layout.elements)
    full = Face(layout, face.texts, face.title, face.issuer, face.qr, {key: facts})
    first = one.sample(full)
    files.delete(facts.object_name)
    assert len(one.sample(full)) == pytest.approx(len(first), abs=200)
    page = drawn(first, scale=0.3)
    assert page.getpixel((page.width // 2, page.height - 30)) == pytest.approx((238, 244, 255), abs=40)
