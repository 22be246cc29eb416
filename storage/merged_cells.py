"""Which cells of a worksheet are merged downwards: what a reader of rows sees as one value and many gaps.

Guarantees: memory is bounded, and nothing is parsed: the part is scanned for the one element, which stands behind all rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from zipfile import ZipFile

from openpyxl.utils.cell import range_boundaries

_PIECE = 1 << 18
_OVERLAP = 256
_MOST = 200_000
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^<>]{0,100}?ref=\"([A-Z]{1,3}\d{1,7}:[A-Z]{1,3}\d{1,7})\"")

#: First row -> (column, last row) of each, both as on the screen, column 1 is A.
Merged = dict[int, list[tuple[int, int]]]


def merged_down(package: ZipFile, part: str) -> Merged:
    """Every merged cell of more than one row, by its left column."""
    found: Merged = {}
    for count, reference in enumerate(_references(package, part)):
        if count >= _MOST:
            break
        column, first, _, last = range_boundaries(reference)
        if last > first:
            found.setdefault(first, []).append((column, last))
    return found


def _references(package: ZipFile, part: str) -> Iterator[str]:
    with package.open(part) as stream:
        kept = b""
        while piece := stream.read(_PIECE):
            text = kept + piece
            end = 0
            for match in _MERGED.finditer(text):
                end = match.end()
                yield match[1].decode("ascii")
            kept = text[max(end, len(text) - _OVERLAP) :]
