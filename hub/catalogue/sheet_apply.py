"""What a workbook would change, and changing it: the same code for the preview and for the import.

Guarantees: each entry is checked by the rules of the editor; a wrong one is refused whole, with the cell, and the others
go on; items and types end as drafts, never published. The preview does everything and takes it back, so the import does
what the preview said. Importing the same workbook twice changes nothing the second time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from hub.catalogue import compare
from hub.catalogue.check_item import Known, known, named
from hub.catalogue.draft_type import add_type
from hub.catalogue.faults import Fault, Faulty
from hub.catalogue.item_lines import Line, coded
from hub.catalogue.material_type import MaterialType
from hub.catalogue.save_item import checked_item
from hub.catalogue.save_items import Held, Wanted, add_items, held_items, save_items
from hub.catalogue.save_type import checked_type, save_type, standing_type
from hub.catalogue.sheet_columns import SHEETS, title_of
from hub.catalogue.sheet_live import put_licence, put_pattern
from hub.catalogue.sheet_read import Entry, SheetFault, SheetRow
from hub.errors import HubError
from hub.item import ServiceItem

_ORDER = ("licence", "pattern", "type", "item")
_SHEETS = {"item": "事项", "type": "材料类型", "licence": "证照类型", "pattern": "编码规则"}
_EXPECTED = {
    "material_type": "目录里有的，或工作表“材料类型”中列出的代码",
    "provider": "已登记部门的代码",
    "promised_days": "不大于法定时限的整数",
}
_PARTS = {"lines": "材料清单", "form": "字段", "fields": "字段", "steps": "特殊环节"}


@dataclass(slots=True)
class Outcome:
    """What becomes of one entry."""

    kind: str
    code: str
    name: str
    state: str = "unchanged"  # new, changed, unchanged, refused
    changes: list[compare.Change] = field(default_factory=list)
    faults: list[SheetFault] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Shelf:
    """What the items of a workbook are held against, and what is to become of them, all at once at the end."""

    catalogue: Known
    held: Mapping[str, Held]
    wanted: list[Wanted] = field(default_factory=list)


def preview(tx: Connection, entries: Sequence[Entry], *, actor: str) -> list[Outcome]:
    """What an import would do; nothing of it stays."""
    trial = tx.begin_nested()
    try:
        return bring_in(tx, entries, actor=actor)
    finally:
        trial.rollback()


def bring_in(tx: Connection, entries: Sequence[Entry], *, actor: str) -> list[Outcome]:
    """Import, in the caller's transaction."""
    wanted = sorted(entries, key=lambda one: _ORDER.index(one.kind))
    while True:
        attempt = tx.begin_nested()
        found, strangers = _attempt(tx, wanted, actor)
        # What is new and turns out wrong must not stay as an empty entry: once more, without it.
        lost = [
            (entry, outcome)
            for entry, outcome in zip(wanted, found, strict=True)
            if outcome.faults and not entry.faults and (entry.kind, entry.code) in strangers
        ]
        if not lost:
            attempt.commit()
            return found
        attempt.rollback()
        for entry, outcome in lost:
            entry.faults += outcome.faults


def _attempt(
    tx: Connection, wanted: Sequence[Entry], actor: str
) -> tuple[list[Outcome], set[tuple[str, str]]]:
    found: list[Outcome] = []
    strangers = _announce(tx, wanted, actor)
    shelf = _Shelf(known(tx), held_items(tx, [one.code for one in wanted if one.kind == "item"]))
    for entry in wanted:
        name = str(entry.header.values.get("name") or "") if entry.header else ""
        outcome = Outcome(entry.kind, entry.code, name, faults=list(entry.faults))
        found.append(outcome)
        if not outcome.faults:
            new = _one(tx, entry, outcome, actor, shelf) or (entry.kind, entry.code) in strangers
            outcome.state = "new" if new else "changed" if outcome.changes else "unchanged"
        if outcome.faults:
            outcome.state = "refused"
    save_items(tx, shelf.wanted, shelf.held, actor=actor)
    return found, strangers


def _announce(tx: Connection, entries: Sequence[Entry], actor: str) -> set[tuple[str, str]]:
    """Add what is new by code and name first, so that lists may name each other's."""
    there = {("item", code) for code in tx.execute(select(ServiceItem.code)).scalars()} | {
        ("type", code) for code in tx.execute(select(MaterialType.code)).scalars()
    }
    strange = [
        one
        for one in entries
        if one.kind in ("item", "type") and (one.kind, one.code) not in there and not one.faults
    ]
    for entry in strange:
        if entry.header is None:
            entry.faults.append(_missing(entry))
    named = {one.code: str(one.header.values["name"]) for one in strange if one.kind == "item" and one.header}
    refused = {("item", code): error for code, error in add_items(tx, named, actor=actor).items()}
    new: set[tuple[str, str]] = set()
    for entry in strange:
        place = entry.kind, entry.code
        if entry.header is None:
            continue
        if entry.kind == "type":
            try:
                with tx.begin_nested():
                    add_type(tx, code=entry.code, name=str(entry.header.values["name"]), actor=actor)
            except HubError as error:
                refused[place] = error
        if place in refused:
            sheet = _SHEETS[entry.kind]
            column = SHEETS[sheet][0].title
            entry.faults.append(SheetFault(sheet, entry.header.number, column, refused[place].message, ""))
        else:
            new.add(place)
    return new


def _missing(entry: Entry) -> SheetFault:
    """Lines of something that is neither in the catalogue nor in the workbook."""
    sheet, row = next(
        (name, rows[0].number)
        for name, rows in (
            ("材料清单", entry.lines),
            ("可替代", entry.stand_ins),
            ("字段", entry.fields),
            ("特殊环节", entry.steps),
        )
        if rows
    )
    owner = _SHEETS[entry.kind]
    said = f"目录里没有代码为“{entry.code[:40]}”的{owner}。"
    return SheetFault(
        sheet, row, "归属代码" if sheet == "字段" else "事项编码", said, f"先在工作表“{owner}”中列出"
    )


def _one(tx: Connection, entry: Entry, outcome: Outcome, actor: str, shelf: _Shelf) -> bool:
    """Do one entry, an item's only in `shelf`; whether it was added just now."""
    try:
        if entry.kind == "item":
            _item(tx, entry, outcome, shelf)
            return False
        with tx.begin_nested():
            if entry.kind == "type":
                _type(tx, entry, outcome, actor)
                return False
            put = put_licence if entry.kind == "licence" else put_pattern
            new, outcome.changes = put(tx, entry, actor)
            return new
    except Faulty as error:
        outcome.faults += [_placed(entry, fault) for fault in error.faults]
    except HubError as error:
        row = entry.header.number if entry.header else 0
        outcome.faults.append(SheetFault(_SHEETS[entry.kind], row, "", error.message, ""))
    return False


def _item(tx: Connection, entry: Entry, outcome: Outcome, shelf: _Shelf) -> None:
    held = shelf.held[entry.code]
    outcome.name = outcome.name or held.name
    now = held.standing
    said: dict[str, Any] = {}
    header = dict(entry.header.values) if entry.header else {}
    if entry.steps is not None:
        header["special_steps"] = [row.values for row in entry.steps]
    if header:
        said["header"] = header
    if entry.lines is not None:
        said["lines"] = _lines(entry, now.lines)
    elif entry.stand_ins:
        said["lines"] = _lines(entry, now.lines, kept=True)
    if entry.fields is not None:
        said["form"] = [row.values for row in entry.fields]
    clean, form, lines = checked_item(tx, said, now.header, shelf.catalogue)
    if lines is not None:
        lines = named(shelf.catalogue, coded(lines))
    before = compare.content(now.header, now.lines, now.form)
    after = compare.content(
        now.header if clean is None else clean,
        now.lines if lines is None else lines,
        now.form if form is None else [one.as_dict() for one in form],
    )
    outcome.changes = compare.changes(before, after)
    if outcome.changes:
        shelf.wanted.append(Wanted(entry.code, clean, form, lines))


def _lines(entry: Entry, now: Sequence[Line], *, kept: bool = False) -> list[dict[str, Any]]:
    """Lines as the editor would post them; what the workbook does not say of a line stays."""
    before = {one.code: compare.plain(one) for one in now}
    for one in before.values():
        one["max_mb"] = one["max_bytes"] // (1024 * 1024) if one["max_bytes"] else None
        one["stand_ins"] = [{"kind": kind, "code": code} for kind, code in one["stand_ins"]]
    rows = (
        [dict(one) for one in before.values()]
        if kept
        else [{**before.get(row.values.get("code", ""), {}), **row.values} for row in entry.lines or ()]
    )
    if entry.stand_ins is not None:
        instead: dict[str, list[Mapping[str, Any]]] = {}
        for row in entry.stand_ins:
            instead.setdefault(str(row.values["line"]), []).append(row.values)
        codes = {one["code"] for one in rows}
        strange = next((row for row in entry.stand_ins if row.values["line"] not in codes), None)
        if strange is not None:
            raise Faulty([Fault("stand_ins", strange.number, "line", "材料清单里没有这个行代码。")])
        for one in rows:
            one["stand_ins"] = [
                {"kind": target["kind"], "code": target["code"]} for target in instead.get(one["code"], [])
            ]
    return rows


def _type(tx: Connection, entry: Entry, outcome: Outcome, actor: str) -> None:
    row = tx.execute(select(*MaterialType.__table__.c).where(MaterialType.code == entry.code)).one()
    outcome.name = outcome.name or row.name
    now = standing_type(tx, row)
    said: dict[str, Any] = {}
    if entry.header:
        said["header"] = entry.header.values
    if entry.fields is not None:
        said["fields"] = [one.values for one in entry.fields]
    header, fields = checked_type(said, now)
    after = compare.content(header, (), [one.as_dict() for one in fields])
    outcome.changes = compare.changes(compare.content(now.header, (), now.fields), after)
    if outcome.changes:
        save_type(tx, entry.code, said, actor=actor)


def _placed(entry: Entry, fault: Fault) -> SheetFault:
    """A fault of the editor's rules, in the cell it came from."""
    if fault.part == "stand_ins":
        return SheetFault("可替代", fault.line, "行代码", fault.sentence, "材料清单里有的行代码")
    sheet = _PARTS.get(fault.part, _SHEETS[entry.kind])
    rows: Sequence[SheetRow] | None = {
        "lines": entry.lines,
        "form": entry.fields,
        "fields": entry.fields,
        "steps": entry.steps,
    }.get(fault.part)
    number = entry.header.number if entry.header else 0
    if rows and 1 <= fault.line <= len(rows):
        number = rows[fault.line - 1].number
    column = next((one for one in SHEETS[sheet] if one.key == fault.field), None)
    if fault.part == "lines" and fault.field == "stand_ins":
        number = _stand_in_row(entry, fault) or number
        return SheetFault("可替代", number, "代码", fault.sentence, "目录里有的代码")
    expected = _EXPECTED.get(fault.field) or (column.expected if column and column.words else "")
    return SheetFault(sheet, number, title_of(sheet, fault.field), fault.sentence, expected)


def _stand_in_row(entry: Entry, fault: Fault) -> int:
    """The row of the sheet 可替代 that a fault of a line's stand-ins came from."""
    rows = entry.lines or []
    line = rows[fault.line - 1].values.get("code") if fault.line <= len(rows) else None
    of_line = [row for row in entry.stand_ins or () if row.values["line"] == line]
    named = [row for row in of_line if f"“{row.values['code']}”" in fault.sentence]
    return next((row.number for row in named or of_line), 0)
