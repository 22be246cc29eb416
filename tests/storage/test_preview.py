"""Drawing pages: in a process that may die, of anything that was let in, small enough, the right way up."""

from __future__ import annotations

import io
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from hub.errors import Rejected
from storage.limited import Died, run_limited
from storage.preview import pages as drawing
from storage.preview.pages import Previews
from tests.storage import intake_samples as samples


@dataclass(frozen=True)
class Sealed:
    """What stands for a stored file."""

    sha256: bytes
    size: int
    object_name: str = "x"
    wrapped_key: bytes = b""


class Shelf:
    """A file store in memory: drawing is what is tested here."""

    def __init__(self) -> None:
        self.opened = 0
        self.contents: dict[bytes, bytes] = {}

    def keep(self, data: bytes) -> Sealed:
        key = str(len(self.contents)).encode()
        self.contents[key] = data
        return Sealed(key, len(data))

    def open(self, file: Sealed) -> Any:
        self.opened += 1
        return io.BytesIO(self.contents[file.sha256])


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def previews(shelf: Shelf, tmp_path: Path) -> Any:
    made = Previews(shelf, tmp_path / "spool")  # type: ignore[arg-type]
    yield made
    made.close()


def drawn(previews: Previews, file: Sealed, media_type: str, **how: Any) -> Image.Image:
    options = {"number": 1, "width": 300, "watermark": "", **how}
    number = options.pop("number")
    return Image.open(io.BytesIO(previews.page(file, number, name="a", media_type=media_type, **options)))


def test_pages_of_a_pdf(previews: Previews, shelf: Shelf, tmp_path: Path) -> None:
    """Counted, drawn as wide as asked, the file fetched once; nothing of it has a name in the folder."""
    file = shelf.keep(samples.pdf(pages=7))
    assert previews.pages(file, name="a.pdf", media_type="application/pdf") == 7
    picture = drawn(previews, file, "application/pdf", number=7, width=500)
    assert (picture.width, round(picture.height / picture.width, 1)) == (500, 1.4)
    assert drawn(previews, file, "application/pdf", number=99).width == 300
    assert shelf.opened == 1
    assert list((tmp_path / "spool").iterdir()) == []


def test_pages_of_a_scan(previews: Previews, shelf: Shelf) -> None:
    """A TIFF of three pages has three pages."""
    out = io.BytesIO()
    sheets = [Image.new("L", (200, 300), shade) for shade in (0, 120, 250)]
    sheets[0].save(out, "TIFF", save_all=True, append_images=sheets[1:])
    file = shelf.keep(out.getvalue())
    assert previews.pages(file, name="a.tif", media_type="image/tiff") == 3
    shades = [
        drawn(previews, file, "image/tiff", number=n).convert("L").getpixel((50, 50)) for n in (1, 2, 3)
    ]
    assert shades == [0, 120, 250]


def test_a_photo_the_right_way_up(previews: Previews, shelf: Shelf) -> None:
    """A camera's picture is turned as it says it should be; what is clear is white."""
    out, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (400, 200), "red").save(out, "JPEG", exif=exif)
    picture = drawn(previews, shelf.keep(out.getvalue()), "image/jpeg")
    assert picture.height > picture.width
    out = io.BytesIO()
    Image.new("RGBA", (400, 200), (0, 0, 0, 0)).save(out, "PNG")
    assert drawn(previews, shelf.keep(out.getvalue()), "image/png").getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize("size", [(1, 1), (5000, 3), (3, 5000)])
def test_odd_shapes(previews: Previews, shelf: Shelf, size: tuple[int, int]) -> None:
    """Very small, very wide, very long: drawn within bounds."""
    picture = drawn(
        previews, shelf.keep(samples.image(size=size)), "image/png", width=2000, watermark="水印 2026"
    )
    assert picture.width * picture.height <= 12_500_000


def test_what_is_not_drawn(previews: Previews, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """Office and OFD, too large, and broken: each a sentence."""
    file = shelf.keep(b"%PDF-1.7 broken")
    with pytest.raises(Rejected, match="不能在浏览器里预览"):
        previews.pages(file, name="a.ofd", media_type="application/ofd")
    with pytest.raises(Rejected, match="不能预览"):
        previews.pages(file, name="a.pdf", media_type="application/pdf")
    monkeypatch.setattr(drawing, "LARGEST", 3)
    with pytest.raises(Rejected, match="不能在浏览器里预览"):
        previews.pages(file, name="a.pdf", media_type="application/pdf")


@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "import time; time.sleep(600)",
        "bytearray(1 << 30)",
        "import os; os.kill(os.getpid(), 11)",
    ],
)
def test_a_reader_that_hangs_swells_or_crashes(code: str) -> None:
    """It is gone within its limits, and the caller is told."""
    begun = time.monotonic()
    with pytest.raises(Died):
        run_limited("timeit", "-n", "1", "-r", "1", code, seconds=1, memory=256 << 20)
    assert time.monotonic() - begun < 100


def test_files_are_let_go(previews: Previews, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the last few stay open."""
    monkeypatch.setattr(drawing, "_KEPT", 2)
    for n in range(5):
        drawn(previews, shelf.keep(samples.image(size=(30 + n, 30))), "image/png")
    assert len(previews._opened) == 2
