"""Save what a workbook says of many items into their drafts: as `save_item` does for one, in a handful of statements.

Guarantees: every version and every row of the ledger is what `save_item` would have left, one item after the other; all in
the caller's transaction, the items held in the order of their codes. Does not check what is said: `checked_item` does.
Measured: saved one by one, a thousand new items were thirty-three thousand statements.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from hub.catalogue import compare
from hub.catalogue.draft_item import draft_changed, draft_row, drafted
from hub.catalogue.fields import FieldDef
from hub.catalogue.item_header import must_columns
from hub.catalogue.item_lines import Line
from hub.catalogue.item_version import ItemVersion
from hub.catalogue.line_rows import read_all_lines, replace_all_lines
from hub.catalogue.save_item import Standing, item_added, item_taken, new_item, shown_version, standing_of
from hub.errors import HubError
from hub.item import ServiceItem
from hub.ledger import Entry, record
from hub.round_trips import Rows, write

_PARTS = ("header", "form", "steps", "elements")


@dataclass(frozen=True, slots=True)
class Held:
    """An item, held against others who change its versions."""

    name: str
    standing: Standing
    last: int  # number of its last version; 0: none


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an item's draft is to say, checked, its lines named and coded; None: as it is."""

    code: str
    header: Mapping[str, Any] | None
    form: Sequence[FieldDef] | None
    lines: tuple[Line, ...] | None


def add_items(tx: Connection, names: Mapping[str, str], *, actor: str) -> dict[str, HubError]:
    """Add new items, code -> name; why the others could not be, by their code."""
    there = tx.execute(select(ServiceItem.code, ServiceItem.name)).all()
    codes = {row.code for row in there}
    owners = {row.name: row.code for row in there}
    refused: dict[str, HubError] = {}
    added: dict[str, str] = {}
    for given, title in names.items():
        try:
            code, name = new_item(given, title)
            if code in codes or name in owners:
                raise item_taken(code, name, code if code in codes else owners[name])
        except HubError as error:
            refused[given] = error
            continue
        added[code] = name
        codes.add(code)
        owners[name] = code
    if added:
        tx.execute(insert(ServiceItem), [{"code": code, "name": name} for code, name in added.items()])
        record(tx, *(item_added(code, name, actor) for code, name in added.items()))
    return refused


def held_items(tx: Connection, codes: Iterable[str]) -> dict[str, Held]:
    """These items, held, and what they say now."""
    wanted = sorted(codes)
    items = tx.execute(
        select(*ServiceItem.__table__.c)
        .where(ServiceItem.code.in_(wanted))
        .order_by(ServiceItem.code)
        .with_for_update(key_share=True)
    ).all()
    versions: dict[str, list[Any]] = {}
    for row in tx.execute(
        select(*ItemVersion.__table__.c)
        .where(ItemVersion.item_code.in_(wanted))
        .order_by(ItemVersion.number.desc())
    ):
        versions.setdefault(row.item_code, []).append(row)
    shown = {code: shown_version(of_one) for code, of_one in versions.items()}
    lines = read_all_lines(tx, [one.id for one in shown.values()])
    return {
        item.code: Held(
            item.name,
            standing_of(item, one := shown.get(item.code), lines.get(one.id, ()) if one else ()),
            versions[item.code][0].number if one else 0,
        )
        for item in items
    }


def save_items(tx: Connection, wanted: Sequence[Wanted], held: Mapping[str, Held], *, actor: str) -> None:
    """Save these into the items' drafts; items that have none get one, copied from what stands."""
    pile = _Pile([], [], {}, [])
    for one in wanted:
        pile.put(one, held[one.code], actor)
    write(tx, Rows(ItemVersion, pile.new))
    if pile.changed:
        columns: dict[str, Any] = {name: bindparam(f"to_{name}") for name in _PARTS}
        statement = update(ItemVersion).where(ItemVersion.id == bindparam("draft"))
        tx.execute(statement.values(columns), pile.changed)
    if pile.lines:
        replace_all_lines(tx, pile.lines)
    record(tx, *pile.told)


@dataclass(slots=True)
class _Pile:
    """Rows to be written."""

    new: list[dict[str, Any]]
    changed: list[dict[str, Any]]
    lines: dict[uuid.UUID, tuple[Line, ...]]
    told: list[Entry]

    def put(self, one: Wanted, held: Held, actor: str) -> None:
        now = held.standing
        header = now.header if one.header is None else one.header
        form = now.form if one.form is None else tuple(field.as_dict() for field in one.form)
        lines = now.lines if one.lines is None else one.lines
        is_draft = now.state == "draft" and now.version_id is not None
        draft = now.version_id if is_draft and now.version_id else uuid.uuid4()
        number = now.number if is_draft else held.last + 1
        if not is_draft:
            self.told.append(drafted(one.code, number, now.number or None, actor))
        parts = [
            compare.changes(compare.Content(now.header), compare.Content(header)),
            compare.changes(compare.content({}, (), now.form), compare.content({}, (), form)),
            compare.changes(compare.content({}, now.lines, ()), compare.content({}, lines, ())),
        ]
        self.told += [draft_changed(one.code, number, found, actor) for found in parts if found]
        if not is_draft:
            self.new.append(draft_row(draft, one.code, number, header, form, actor))
        elif parts[0] or parts[1]:
            must = {f"to_{name}": value for name, value in must_columns(header).items()}
            self.changed.append({"draft": draft, "to_header": dict(header), "to_form": list(form), **must})
        if parts[2] or not is_draft:
            self.lines[draft] = lines
