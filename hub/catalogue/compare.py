"""What differs between two versions, line by line: for the page before publishing, for the ledger, for the preview.

Guarantees: pure; equal contents give no change; every difference of a header, a line or a field gives one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from hub.catalogue.item_lines import Line


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `part`: header, lines, form or fields; `key`: the line's code and the box."""

    part: str
    line: str  # code of the line or name of the field; "" in the header
    field: str  # "" when the whole line came or went
    before: Any
    after: Any

    def told(self) -> dict[str, Any]:
        """For the ledger."""
        return {
            "part": self.part,
            "line": self.line,
            "field": self.field,
            "was": self.before,
            "is": self.after,
        }


@dataclass(frozen=True, slots=True)
class Content:
    """What is compared: header, lines by code, fields by name, each in order."""

    header: Mapping[str, Any]
    lines: tuple[dict[str, Any], ...] = ()
    fields: tuple[dict[str, Any], ...] = ()


def content(header: Mapping[str, Any], lines: Iterable[Line], form: Iterable[Mapping[str, Any]]) -> Content:
    """An item version's content."""
    return Content(dict(header), tuple(plain(one) for one in lines), tuple(dict(one) for one in form))


def plain(one: Line) -> dict[str, Any]:
    """A line as plain values that JSON can hold."""
    values = asdict(one)
    values["formats"] = list(one.formats)
    values["stand_ins"] = [list(pair) for pair in one.stand_ins]
    return values


def changes(before: Content, after: Content) -> list[Change]:
    """Everything that differs, in the order of the later one."""
    found = [
        Change("header", "", key, before.header.get(key), after.header.get(key))
        for key in dict.fromkeys((*after.header, *before.header))
        if _known(before.header.get(key)) != _known(after.header.get(key))
    ]
    found += _rows("lines", "code", before.lines, after.lines)
    found += _rows("fields", "name", before.fields, after.fields)
    return found


def _rows(
    part: str, key: str, before: tuple[dict[str, Any], ...], after: tuple[dict[str, Any], ...]
) -> list[Change]:
    old = {str(row[key]): row for row in before}
    new = {str(row[key]): row for row in after}
    found: list[Change] = []
    for code, row in new.items():
        was = old.get(code)
        if was is None:
            found.append(Change(part, code, "", None, row))
            continue
        found += [
            Change(part, code, name, was.get(name), row.get(name))
            for name in dict.fromkeys((*row, *was))
            if _known(was.get(name)) != _known(row.get(name))
        ]
    found += [Change(part, code, "", row, None) for code, row in old.items() if code not in new]
    kept_before = [code for code in old if code in new]
    kept_after = [code for code in new if code in old]
    if kept_before != kept_after:
        found.append(Change(part, "", "order", kept_before, kept_after))
    return found


def _known(value: Any) -> Any:
    """Unknown, empty and false say the same: nothing."""
    return None if value in ("", [], {}, False) else value
