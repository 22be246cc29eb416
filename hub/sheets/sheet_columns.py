"""Which column of a sheet is which: the column lists as values, and the reading of a header cell.

Guarantees: a header cell is recognised as a column code or as a Chinese name in the variants of published templates,
whatever its white space, width, brackets, marks (*) and notes (（必填）). A bare 行政相对人代码_2 is read as its own
generation means it (organisation code in the old set, registration number in the new); a bracket after it decides.
Does not guarantee: that a column is complete or right; that is for the rows.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from schemas import PERMIT_GENERATIONS, permit_columns

_DROPPED = re.compile(r"[\s\u200b-\u200f\u2060\ufeff\u00ad*★☆※\"'“”]")
_SERIAL = re.compile(r"^[0-9]{1,2}[.、)]")
_CODE = re.compile(r"XK(?:_[A-Z]+)+")
_BRACKET = re.compile(r"\(([^()]*)\)")
_NOTE = re.compile(
    r"必填|选填|可填|可空|非空|格式|填写|示例|例如|如[:\"“0-9]|注明|YYYY|长度|字符|字节|日期型|文本|^[MO]$"
)
_BRACKETS = str.maketrans("[]{}【】〔〕〖〗", "()()()()()")
_DASHES = str.maketrans(dict.fromkeys("-－–—‐", "_"))


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a generation; `target` is the newer code its values are kept under."""

    code: str
    target: str
    name: str
    kind: str
    length: int | None
    required: str  # 'always', 'legal', 'natural' or ''
    derived: bool  # may be missing from the header: worked out from the other columns
    default: str  # the field of `Defaults` that stands in where the cell is empty
    implies: tuple[tuple[str, str], ...]
    hashed: bool

    @property
    def title(self) -> str:
        """The name people know, with the code: 有效期至（XK_YXQZI）."""
        return f"{self.name}（{self.code}）"


@dataclass(frozen=True)
class Generation:
    """All columns of one generation, and every label that means one of them."""

    name: str
    columns: tuple[Column, ...]
    labels: dict[str, Column]

    def column_of(self, cell: str) -> Column | None:
        """The column a header cell names, or None."""
        return next((found for label in _readings(cell) if (found := self.labels.get(label))), None)

    def match(self, cells: Sequence[str]) -> list[Column | None]:
        """The column of every cell of a row."""
        return [self.column_of(cell) if cell else None for cell in cells]


@cache
def generations() -> tuple[Generation, ...]:
    """The generations of 双公示 行政许可, newer first."""
    return tuple(_generation(permit_columns(name)) for name in PERMIT_GENERATIONS)


def _generation(document: dict[str, Any]) -> Generation:
    columns = tuple(_column(entry) for entry in document["columns"])
    labels: dict[str, Column] = {}
    for column, entry in zip(columns, document["columns"], strict=True):
        for label in (column.code, column.name, *entry["variants"]):
            labels.setdefault(label_key(label), column)
    return Generation(document["generation"], columns, labels)


def _column(entry: dict[str, Any]) -> Column:
    return Column(
        code=entry["code"],
        target=entry.get("as", entry["code"]),
        name=entry["name"],
        kind=entry["kind"],
        length=entry["max"],
        required=entry.get("required", ""),
        derived=entry.get("derived", False),
        default=entry.get("default", ""),
        implies=tuple(entry.get("implies", {}).items()),
        hashed=entry.get("hashed", True),
    )


def label_key(label: str) -> str:
    """A label with everything taken away that templates disagree about."""
    text = (
        _DROPPED.sub("", unicodedata.normalize("NFKC", label)).translate(_BRACKETS).translate(_DASHES).upper()
    )
    text = _SERIAL.sub("", text).rstrip(":;,。")
    return re.sub(r"代码_*([1-6])(?![0-9])", r"代码_\1", text)


def _readings(cell: str) -> Iterator[str]:
    """What a header cell may be saying, the surest first."""
    key = label_key(cell)
    yield key
    if code := _CODE.search(key):
        yield code[0]
        return
    plain = _BRACKET.sub(lambda found: "" if _NOTE.search(found[1]) else found[0], key)
    yield plain
    bare = _BRACKET.sub("", plain)
    if "代码_" in bare:  # 行政相对人代码_2（组织机构代码）: the bracket says which
        yield from _BRACKET.findall(plain)
        if _BRACKET.search(plain):
            return
    yield bare
    yield re.sub(r"(?<=[^\x00-\x7f])[A-Z_]+$", "", bare)
