"""What of delivered records lies on a shelf now, read back from the files: for a rehearsal's comparison.

Guarantees: a value that says the same as what was sent, in the form that the format has for it, is given back as it was
sent; any other as it stands there. Changes nothing.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from connectors.adapters.port import Outgoing
from connectors.adapters.shelf import Lying, Shelf
from connectors.formats import Reading, Unreadable, Writing, read_rows
from connectors.formats.values import cell_text

_LARGEST = 64 << 20
#: Which file a record is in, and as which of its records, from 0.
Where = tuple[str, int]


def read_back(
    shelf: Shelf, folder: str, kind: str, how: Writing, sent: Sequence[tuple[Outgoing, Where | None]]
) -> list[dict[str, Any] | None]:
    """The records in their order; None for what is not there."""
    lying = {one.name: one for one in shelf.files(folder)}
    names = {where[0] for _, where in sent if where is not None}
    files = {name: _records(shelf, folder, lying[name], kind, how) for name in names if name in lying}
    found: list[dict[str, Any] | None] = []
    for one, where in sent:
        records = files.get(where[0], []) if where is not None else []
        read = records[where[1]] if where is not None and where[1] < len(records) else None
        found.append(None if read is None else _as_sent(one.record, read, how))
    return found


def _records(shelf: Shelf, folder: str, lying: Lying, kind: str, how: Writing) -> list[Mapping[str, Any]]:
    delimiter, encoding = how.delimiter, how.encoding.removesuffix("-sig")
    element = how.record_element if kind == "xml" else ""
    with tempfile.TemporaryFile(prefix="shenguan-") as file:
        if not shelf.fetch(folder, lying, file, _LARGEST):
            return []
        try:
            rows = read_rows(file, kind, Reading(encoding, delimiter, header_row=1, record_element=element))
            return [record for _, record, fault in itertools.islice(rows, 10_000) if fault is None]
        except Unreadable:
            return []


def _as_sent(sent: Mapping[str, Any], read: Mapping[str, Any], how: Writing) -> dict[str, Any]:
    found = dict(read)
    for name, value in sent.items():
        there = found.get(name)
        if how.formula_safe and isinstance(there, str) and there.startswith("'"):
            there = there[1:] if there[1:] == cell_text(value) else there
        if _same(value, there):
            found[name] = value
    return found


def _same(sent: Any, read: Any) -> bool:
    if isinstance(sent, Mapping) and isinstance(read, Mapping):
        return all(_same(value, read.get(name)) for name, value in sent.items())
    if isinstance(sent, list | tuple) and cell_text(sent) != read:
        there = read if isinstance(read, list) else [read]
        return len(sent) == len(there) and all(map(_same, sent, there))
    return cell_text(sent) == cell_text(read) or _number(sent) == cell_text(read)


def _number(value: Any) -> str | None:
    """As Excel writes it: without zeros at the end."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    return f"{Decimal(cell_text(value)).normalize():f}"
