"""JSON as a person reads it, line by line, with the places marked where it is not as it should be.

Guarantees: every line belongs to a dotted path as `schemas.violations` writes them; a fault whose place is not there - a
missing field - marks the nearest thing around it. Bytes that are no JSON are shown as text, and any bytes as hex.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas import dumps
from schemas.wording import dotted

DEEPEST = 12
LINES = 800
HEX = 2048
_WIDTH = 16


@dataclass(frozen=True, slots=True)
class Line:
    """One line; `faults`: what is wrong there."""

    text: str
    faults: tuple[str, ...] = ()


def marked(document: Any, faults: Mapping[str, Sequence[str]]) -> list[Line]:
    """The document in lines; `faults` by path. At most LINES of them, the marked ones never left out."""
    lines = list(_lines(document, (), ""))
    places = {path for path, _ in lines}
    at: dict[str, list[str]] = {}
    for path, said in faults.items():
        place = path
        while place and place not in places:
            place = place[: max(place.rfind("."), place.rfind("["), 0)]
        name = path[len(place) :].lstrip(".")
        at.setdefault(place, []).extend(f"{name}：{one}" if name else one for one in said)
    shown = [Line(text, tuple(at.pop(path, ()))) for path, text in lines]
    kept = shown[:LINES]
    return [*kept, *(line for line in shown[LINES:] if line.faults)]


def _lines(value: Any, parts: tuple[str | int, ...], label: str) -> Iterator[tuple[str, str]]:
    pad, path = "  " * len(parts), dotted(parts)
    inside: list[tuple[str | int, Any]] = []
    if len(parts) < DEEPEST and value and isinstance(value, dict | list):
        inside = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    if not inside:
        yield path, f"{pad}{label}{dumps(value).decode()}"
        return
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    yield path, f"{pad}{label}{opening}"
    for at, (key, part) in enumerate(inside):
        named = f"{dumps(key).decode()}: " if isinstance(key, str) else ""
        below = list(_lines(part, (*parts, key), named))
        if at < len(inside) - 1:
            below[-1] = (below[-1][0], below[-1][1] + ",")
        yield from below
    yield f"{path}\n", f"{pad}{closing}"  # a place of its own: marks belong to the opening line


def hexdump(value: bytes) -> str:
    """The first bytes in hex and as text, sixteen to a line."""
    rows = []
    for start in range(0, min(len(value), HEX), _WIDTH):
        row = value[start : start + _WIDTH]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        rows.append(f"{start:08x}  {row.hex(' '):<{3 * _WIDTH - 1}}  {text}")
    return "\n".join(rows)
