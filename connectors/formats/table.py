"""A sheet's rows as records: which row is the heading, what its columns are called, and rows that do not fit it.

Guarantees: a heading with two equal names, or with a gap, is refused by name; a row with more cells than the heading is a
fault of that row alone. Headings over headings (merged cells) are filled to the right and joined. Rows without any
content are left out.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

from connectors.formats import MOST_COLUMNS, MOST_ROWS, Reading, Row, Unreadable

#: (row number as on the screen, cells), or (row number, why it cannot be read).
Cells = tuple[int, list[str] | str]

_SEARCHED = 30  # rows in which a heading is looked for
_BLANKS = re.compile(r"[\s\u3000\ufeff]+")


def records(rows: Iterator[Cells], how: Reading, *, strict_width: bool) -> Iterator[Row]:
    """The records below the heading. `strict_width`: a row with fewer cells than the heading is broken as well."""
    names, rest = _heading(rows, how)
    width = len(names)
    for count, (number, cells) in enumerate(rest, 1):
        if isinstance(cells, str):
            yield number, {}, cells
        elif len(cells) == width:
            yield number, dict(zip(names, cells, strict=True)), None
        else:
            yield _uneven(number, cells, names, strict_width=strict_width)
        if count >= MOST_ROWS:
            yield number + 1, {}, f"文件超过 {MOST_ROWS} 行，之后的没有读取。请分成几个文件。"
            return


def column_letters(index: int) -> str:
    """The name of a column on the screen: 0 is A."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _uneven(number: int, cells: list[str], names: Sequence[str], *, strict_width: bool) -> Row:
    if len(cells) > len(names):
        if any(cell.strip() for cell in cells[len(names) :]):
            extra = column_letters(len(names))
            return number, {}, f"这一行有 {len(cells)} 格，表头只有 {len(names)} 列（{extra} 列起没有列名）。"
        return number, dict(zip(names, cells, strict=False)), None
    if strict_width:
        return (
            number,
            {},
            f"这一行只有 {len(cells)} 格，表头有 {len(names)} 列，可能有未加引号的换行或少了分隔符。",
        )
    return number, dict(itertools.zip_longest(names, cells, fillvalue="")), None


def _heading(rows: Iterator[Cells], how: Reading) -> tuple[list[str], Iterator[Cells]]:
    """The names of the columns, and the rows below."""
    above: list[tuple[int, list[str]]] = []
    for number, cells in itertools.islice(rows, _SEARCHED + how.header_row):
        if isinstance(cells, str):
            raise Unreadable(f"第 {number} 行读不懂，找不到表头：{cells}")
        above.append((number, cells))
        if (number >= how.header_row) if how.header_row else sum(1 for cell in cells if cell.strip()) > 1:
            break
    if not above or (how.header_row and above[-1][0] != how.header_row):
        wanted = f"第 {how.header_row} 行没有内容，不是表头" if how.header_row else "文件是空的，没有表头"
        raise Unreadable(f"{wanted}。请重新导出，或在连接器设置里改正表头所在的行。")
    chosen, back = _chosen(above, how)
    levels = [cells for _, cells in chosen]
    for number, cells in itertools.islice(rows, how.header_rows - len(levels)):
        if isinstance(cells, str):
            raise Unreadable(f"第 {number} 行读不懂，找不到表头：{cells}")
        levels.append(cells)
    return _names(levels, chosen[0][0]), itertools.chain(back, rows)


def _chosen(
    above: list[tuple[int, list[str]]], how: Reading
) -> tuple[list[tuple[int, list[str]]], list[Cells]]:
    """The first row of the heading, and rows below it that were already taken: a sheet of one column has no row of two."""
    if how.header_row or sum(1 for cell in above[-1][1] if cell.strip()) > 1:
        return above[-1:], []
    return above[:1], [*above[1:]]


def _names(levels: list[list[str]], number: int) -> list[str]:
    width = max(map(len, levels))
    filled = [_filled(cells, width) for cells in levels[:-1]]
    last = [_bare(cell) for cell in levels[-1]] + [""] * (width - len(levels[-1]))
    names = [
        "".join(dict.fromkeys(part for part in parts if part)) for parts in zip(*filled, last, strict=True)
    ]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise Unreadable(f"第 {number} 行没有列名，不是表头。请在连接器设置里改正表头所在的行。")
    if len(names) > MOST_COLUMNS:
        raise Unreadable(f"表头有 {len(names)} 列，超过 {MOST_COLUMNS} 列的上限，不像是一张表。")
    _refuse_unclear(names, number)
    return names


def _filled(cells: list[str], width: int) -> list[str]:
    """An upper heading stands over all columns up to the next one: that is what a merged cell looks like in a file."""
    found: list[str] = []
    for cell in itertools.islice(itertools.chain(cells, itertools.repeat("")), width):
        found.append(_bare(cell) or (found[-1] if found else ""))
    return found


def _bare(cell: str) -> str:
    return _BLANKS.sub(" ", cell).strip()


def _refuse_unclear(names: list[str], number: int) -> None:
    places: dict[str, int] = {}
    for index, name in enumerate(names):
        letters = column_letters(index)
        if not name:
            raise Unreadable(f"第 {number} 行的 {letters} 列没有列名。请补上列名，或删去这一列后重新导出。")
        if name in places:
            raise Unreadable(
                f"表头里有两列都叫“{name}”（{column_letters(places[name])} 列和 {letters} 列）。请改成不同的列名。"
            )
        places[name] = index
