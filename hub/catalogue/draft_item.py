"""Draft an item's next version: copied from the published one, changed at leisure, thrown away or published.

Guarantees: at most one draft of an item (a second call gives the first one's id, two at once too); only a draft changes;
each change is in the ledger with what was and what is. Nothing here is live: `publish_item` makes it so.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from hub.catalogue import compare
from hub.catalogue.check_item import known, named, reference_faults
from hub.catalogue.faults import refuse
from hub.catalogue.fields import FieldDef
from hub.catalogue.item_header import header_of, must_columns, must_of, parse_header
from hub.catalogue.item_lines import Line, coded
from hub.catalogue.item_version import ItemVersion, Requirement
from hub.catalogue.line_rows import read_lines, replace_lines
from hub.catalogue.lock_draft import lock_draft
from hub.errors import NotFound
from hub.item import ServiceItem
from hub.ledger import Entry, record

ITEM_CODE = r"[0-9A-Za-z-]{3,40}"


def locked_item(tx: Connection, item_code: str) -> Any:
    """The item's row, held against others who change its versions; cases may go on being opened."""
    item = tx.execute(
        select(*ServiceItem.__table__.c).where(ServiceItem.code == item_code).with_for_update(key_share=True)
    ).first()
    if item is None:
        raise NotFound(f"没有编码为 {item_code[:40]} 的事项。请核对编码，或先新增事项。")
    return item


def draft_item(tx: Connection, item_code: str, *, actor: str) -> uuid.UUID:
    """The draft of this item: the one there is, or a new one copied from what is published (else from the last one)."""
    item = locked_item(tx, item_code)
    versions = tx.execute(
        select(
            ItemVersion.id,
            ItemVersion.state,
            ItemVersion.number,
            ItemVersion.form,
            ItemVersion.steps,
            ItemVersion.elements,
        )
        .where(ItemVersion.item_code == item_code)
        .order_by(ItemVersion.number.desc())
    ).all()
    for one in versions:
        if one.state == "draft":
            return one.id  # type: ignore[no-any-return]
    source = next((one for one in versions if one.state == "published"), versions[0] if versions else None)
    number = versions[0].number + 1 if versions else 1
    draft = uuid.uuid4()
    header = {**header_of(item), **(must_of(source) if source else {})}
    tx.execute(
        insert(ItemVersion).values(
            draft_row(draft, item_code, number, header, source.form if source else [], actor)
        )
    )
    if source:
        replace_lines(tx, draft, read_lines(tx, source.id))
    record(tx, drafted(item_code, number, source.number if source else None, actor))
    return draft


def draft_row(
    draft: uuid.UUID,
    item_code: str,
    number: int,
    header: Mapping[str, Any],
    form: Sequence[Mapping[str, Any]],
    actor: str,
) -> dict[str, Any]:
    """A new draft, without its lines."""
    return {
        "id": draft,
        "item_code": item_code,
        "number": number,
        "header": dict(header),
        "form": list(form),
        **must_columns(header),
        "created_by": actor,
    }


def drafted(item_code: str, number: int, source: int | None, actor: str) -> Entry:
    """For the ledger."""
    return Entry(actor, "item.drafted", f"item:{item_code}", detail={"number": number, "from": source})


def set_header(tx: Connection, version_id: uuid.UUID, header: Mapping[str, Any], *, actor: str) -> None:
    """Change the draft's header; keys that are not given stay. Raises Faulty for every box that is wrong."""
    row = locked_draft(tx, version_id)
    clean, faults = parse_header({**row.header, **header})
    refuse(faults)
    before, after = compare.Content(row.header), compare.Content(clean)
    _changed(tx, row, compare.changes(before, after), actor, header=clean, **must_columns(clean))


def set_form(tx: Connection, version_id: uuid.UUID, fields: Sequence[FieldDef], *, actor: str) -> None:
    """Change the fields of the application form."""
    row = locked_draft(tx, version_id)
    form = [one.as_dict() for one in fields]
    before, after = compare.content({}, (), row.form), compare.content({}, (), form)
    _changed(tx, row, compare.changes(before, after), actor, form=form)


def set_requirements(
    tx: Connection, version_id: uuid.UUID, lines: Sequence[Line], *, actor: str
) -> tuple[Line, ...]:
    """Change the draft's material list; gives the lines back with their codes."""
    row = locked_draft(tx, version_id)
    wanted = _named(tx, coded(lines))
    before = compare.content({}, read_lines(tx, version_id), ())
    found = compare.changes(before, compare.content({}, wanted, ()))
    if found:
        replace_lines(tx, version_id, wanted)
        _changed(tx, row, found, actor)
    return wanted


def discard_item_draft(tx: Connection, version_id: uuid.UUID, *, actor: str) -> None:
    """Throw the draft away; what is published stays as it is."""
    row = locked_draft(tx, version_id)
    tx.execute(delete(Requirement).where(Requirement.version_id == version_id))
    tx.execute(delete(ItemVersion).where(ItemVersion.id == version_id))
    record(tx, Entry(actor, "item.draft_discarded", f"item:{row.item_code}", detail={"number": row.number}))


def locked_draft(tx: Connection, version_id: uuid.UUID) -> Any:
    """The draft's row with its item held; Conflict when it is a draft no longer."""
    return lock_draft(tx, ItemVersion.item_code, version_id, locked_item, "事项目录")


def _changed(tx: Connection, row: Any, found: Sequence[compare.Change], actor: str, **values: Any) -> None:
    if not found:
        return
    if values:
        tx.execute(update(ItemVersion).where(ItemVersion.id == row.id).values(**values))
    record(tx, draft_changed(row.item_code, row.number, found, actor))


def draft_changed(item_code: str, number: int, found: Sequence[compare.Change], actor: str) -> Entry:
    """For the ledger."""
    detail = {"number": number, "changes": [one.told() for one in found]}
    return Entry(actor, "item.draft_changed", f"item:{item_code}", detail=detail)


def _named(tx: Connection, lines: Sequence[Line]) -> tuple[Line, ...]:
    entries = known(tx, lines)
    refuse(reference_faults(entries, lines))
    return named(entries, lines)
