"""The type of licences: Noto Sans CJK SC, cut down to what one document says, embedded as bare CFF.

Guarantees: a character that the font lacks is found before anything is printed; every character of a document has a code
of its own, also where two share one drawing (U+2460 and U+2780), so that text comes out of the PDF as it went in.
Not here: shaping. Scripts that need it are refused in `storage.licences.characters`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import manimgx_fonts_cjk
import uharfbuzz as hb

FILE = Path(manimgx_fonts_cjk.__file__).parent / "NotoSansCJK-VF.otf.ttc"
SIMPLIFIED = 2  # of the collection's faces
REGULAR, BOLD = 400, 700
ASCENT, DESCENT = 880, -120  # of the em box that Chinese type is set in; units are thousandths
_FLAGS = (
    hb.SubsetFlags.DOWNGRADE_CFF2
    | hb.SubsetFlags.NO_LAYOUT_CLOSURE
    | hb.SubsetFlags.NO_HINTING
    | hb.SubsetFlags.CFF_IDENTITY_CHARSET
)
_UNNEEDED = ("BASE", "GPOS", "GSUB", "OS/2", "STAT", "VORG", "name", "post", "vhea", "vmtx", "VVAR")


@cache
def _face() -> Any:
    return hb.Face(hb.Blob.from_file_path(str(FILE)), SIMPLIFIED)


@cache
def _font(weight: int) -> Any:
    font = hb.Font(_face())
    font.set_variations({"wght": weight})
    return font


@lru_cache(maxsize=100_000)
def glyph(character: str) -> int | None:
    """The number of its drawing; None where the font has none."""
    found: int | None = _font(REGULAR).get_nominal_glyph(ord(character))
    return found


@lru_cache(maxsize=100_000)
def advance(character: str, bold: bool = False) -> int:
    """How far it moves the pen, in thousandths of the size."""
    return int(_font(BOLD if bold else REGULAR).get_glyph_h_advance(glyph(character) or 0))


def missing(text: Iterable[str]) -> list[str]:
    """The characters that cannot be printed, each once."""
    return [one for one in dict.fromkeys(text) if one != "\n" and glyph(one) is None]


@dataclass(frozen=True, slots=True)
class Subset:
    """A part of the font as one PDF font embeds it."""

    name: str  # PostScript, without the six letters
    cff: bytes
    codes: dict[str, int]  # character -> code (CID)
    widths: tuple[int, ...]  # by code, from 0
    box: tuple[int, int, int, int] = (-1002, -1048, 2928, 1808)


@dataclass(slots=True)
class FontSet:
    """The fonts of one document: give it every text, `cut`, then ask for codes."""

    _wanted: dict[bool, set[str]] = field(default_factory=dict)
    subsets: dict[str, Subset] = field(default_factory=dict)  # resource name -> subset
    _where: dict[tuple[str, bool], tuple[str, int]] = field(default_factory=dict)

    def add(self, text: str, bold: bool) -> None:
        """This text will be printed."""
        self._wanted.setdefault(bold, set()).update(text)

    def cut(self) -> None:
        """Make the subsets: one for each weight, and more where characters share a drawing."""
        for bold, characters in sorted(self._wanted.items()):
            for number, bank in enumerate(_banks(sorted(characters))):
                name = f"F{int(bold)}{number}"
                self.subsets[name] = subset = _subset(bank, bold)
                self._where.update({(one, bold): (name, code) for one, code in subset.codes.items()})

    def where(self, character: str, bold: bool) -> tuple[str, int]:
        """Resource name and code."""
        return self._where[character, bold]


def _banks(characters: Sequence[str]) -> list[list[str]]:
    """The characters apart, so that within a bank no two share a drawing."""
    banks: list[dict[int, str]] = []
    for one in characters:
        drawn = glyph(one) or 0
        for bank in banks:
            if drawn not in bank:
                bank[drawn] = one
                break
        else:
            banks.append({drawn: one})
    return [list(bank.values()) for bank in banks]


def _subset(characters: Sequence[str], bold: bool) -> Subset:
    wanted = hb.SubsetInput()
    wanted.unicode_set.update(map(ord, characters))
    wanted.pin_axis_location(_face(), "wght", BOLD if bold else REGULAR)
    wanted.flags = _FLAGS
    wanted.drop_table_tag_set.update(int.from_bytes(tag.encode(), "big") for tag in _UNNEEDED)
    face = wanted.subset(_face())
    font = hb.Font(face)
    codes = {one: int(font.get_nominal_glyph(ord(one))) for one in characters}
    widths = tuple(int(font.get_glyph_h_advance(code)) for code in range(face.glyph_count))
    return Subset(
        f"NotoSansCJKsc-{'Bold' if bold else 'Regular'}", face.reference_table("CFF ").data, codes, widths
    )


@cache
def _pen() -> Any:
    pen = hb.DrawFuncs()
    pen.set_move_to_func(lambda x, y, out: out.append(f"{x:.0f} {y:.0f} m"))
    pen.set_line_to_func(lambda x, y, out: out.append(f"{x:.0f} {y:.0f} l"))
    pen.set_cubic_to_func(
        lambda a, b, c, d, x, y, out: out.append(f"{a:.0f} {b:.0f} {c:.0f} {d:.0f} {x:.0f} {y:.0f} c")
    )
    pen.set_close_path_func(lambda out: out.append("h"))
    return pen


@lru_cache(maxsize=2000)
def outline(character: str, bold: bool = False) -> bytes:
    """Its drawing as path operators, the em being 1000 units: for seals and watermarks, which are no text."""
    said: list[str] = []
    _font(BOLD if bold else REGULAR).draw_glyph(glyph(character) or 0, _pen(), said)
    return "\n".join(said).encode()
