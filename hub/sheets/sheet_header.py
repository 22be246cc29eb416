"""The header of a sheet: which row it is, which generation, which column stands where.

Guarantees: found among the first ten rows whatever its order, with titles above and codes below; a mandatory column
that is missing or there twice is named in one sentence. What every row of the sheet needs is worked out once, here.
Does not guarantee: anything about the rows; see `hub.sheets.sheet`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from hub.errors import Rejected
from hub.sheets.sheet_columns import Column, Generation, generations
from hub.sheets.sheet_values import KINDS, Fault, tidy

HEADER_ROWS = 10
_ENOUGH = 5  # header cells recognised before a row counts as a header


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the one who loads a sheet says about all of it, used where the sheet is silent."""

    org_name: str = ""
    org_code: str = ""
    source_org_name: str = ""
    source_org_code: str = ""


NO_DEFAULTS = Defaults()


@dataclass(frozen=True)
class Header:
    """What the columns of one sheet are. Data begins after row number `row`."""

    row: int
    generation: str
    width: int
    known: tuple[tuple[int, Column, Callable[[str], str]], ...]
    extras: tuple[tuple[int, str], ...]
    required: tuple[Column, ...]  # of the whole generation, in the header or not
    unhashed: frozenset[str]
    states_kind: bool
    titles: dict[str, str]  # by target code

    @property
    def columns(self) -> dict[str, str]:
        """Code to Chinese name of the columns that were recognised, in the sheet's order."""
        return {column.code: column.name for _, column, _ in self.known}


def find_header(rows: Iterable[tuple[int, Sequence[str]]], *, defaults: Defaults = NO_DEFAULTS) -> Header:
    """The header among the first ten (row number, cells); `Rejected` names what is missing or there twice."""
    best: tuple[int, int, Generation, Sequence[str], list[Column | None]] | None = None
    last = 0
    for number, cells in islice(rows, HEADER_ROWS):
        for generation in generations():
            found = generation.match(cells)
            score = len({column.code for column in found if column})
            if score >= _ENOUGH:
                last = number
                if best is None or score > best[0]:
                    best = (score, number, generation, cells, found)
    if best is None:
        raise Rejected(
            "前 10 行中没有找到表头。表头应是双公示行政许可的列名或列代码，如“行政相对人名称”或 XK_XDR_MC。"
        )
    _, _, generation, cells, found = best
    _check_header(generation, cells, found, defaults)
    return _header(last, generation, cells, found)


def _check_header(
    generation: Generation, cells: Sequence[str], found: Sequence[Column | None], defaults: Defaults
) -> None:
    places: dict[str, list[int]] = {}
    for i, column in enumerate(found):
        if column:
            places.setdefault(column.code, []).append(i)
    twice = [indices for indices in places.values() if len(indices) > 1]
    if twice:
        named = "；".join(
            f"第 {'、'.join(str(i + 1) for i in indices)} 列都是“{cells[indices[0]].strip()}”"
            for indices in twice
        )
        raise Rejected(f"表头有重复的列：{named}。请每种只留一列。")
    missing = [
        column.title
        for column in generation.columns
        if column.required == "always"
        and not column.derived
        and column.code not in places
        and not (column.default and getattr(defaults, column.default))
    ]
    if missing:
        raise Rejected(f"表头缺少必填的列：{'、'.join(missing)}。请用完整的模板重新导出。")


def _header(row: int, generation: Generation, cells: Sequence[str], found: Sequence[Column | None]) -> Header:
    direct = {column.code for column in found if column and column.code == column.target}
    known: list[tuple[int, Column, Callable[[str], str]]] = []
    extras: dict[str, int] = {}
    for i, (cell, column) in enumerate(zip(cells, found, strict=True)):
        if column and (column.code == column.target or column.target not in direct):
            known.append((i, column, KINDS[column.kind]))
            continue
        label = column.code if column else kept(cell) or f"第{i + 1}列"
        extras[label if label not in extras else f"{label}_{i + 1}"] = i
    return Header(
        row=row,
        generation=generation.name,
        width=len(cells),
        known=tuple(known),
        extras=tuple((i, label) for label, i in extras.items()),
        required=tuple(
            column
            for column in generation.columns
            if column.required and not (column.derived and column.code not in direct)
        ),
        states_kind="XK_XDR_LB" in direct,
        unhashed=frozenset(column.target for column in generation.columns if not column.hashed),
        titles={column.target: column.title for column in generation.columns},
    )


def kept(cell: str) -> str:
    """A cell that no column list knows: kept readable, never a reason to refuse the row."""
    try:
        return tidy(cell).strip()
    except Fault:
        return "".join(char for char in cell if char.isprintable()).strip()
