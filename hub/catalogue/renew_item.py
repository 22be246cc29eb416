"""Publish an item anew with the same content, so that it asks for its material types as they are published now.

Guarantees: a draft that somebody works on stays a draft, only its number moves up. An item whose published content would
not pass today's rules is refused by name, not half renewed.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, insert, select, update

from hub.catalogue.draft_item import locked_item
from hub.catalogue.faults import Faulty
from hub.catalogue.item_lines import Line
from hub.catalogue.item_version import ItemVersion
from hub.catalogue.line_rows import read_lines, replace_lines
from hub.catalogue.publish_item import publish_item
from hub.errors import Conflict, Rejected


def renew_item(tx: Connection, item_code: str, *, actor: str) -> int:
    """The number of the new version."""
    locked_item(tx, item_code)
    rows = tx.execute(
        select(*ItemVersion.__table__.c)
        .where(ItemVersion.item_code == item_code)
        .order_by(ItemVersion.number.desc())
    ).all()
    old = next((row for row in rows if row.state == "published"), None)
    if old is None:
        raise Conflict(f"事项 {item_code} 没有已发布的版本。")
    waiting = next((row for row in rows if row.state == "draft"), None)
    lines = read_lines(tx, old.id)
    if waiting is None:
        return _publish_copy(tx, old, lines, rows[0].number + 1, actor)
    # There is room for one draft: it steps aside for the time of this transaction.
    kept = read_lines(tx, waiting.id)
    replace_lines(tx, waiting.id, lines)
    mine = {"header": waiting.header, "form": waiting.form}
    _fill(tx, waiting.id, old)
    number = _publish(tx, waiting.id, item_code, actor)
    again = uuid.uuid4()
    tx.execute(
        insert(ItemVersion).values(
            id=again,
            item_code=item_code,
            number=number + 1,
            note=waiting.note,
            created_by=waiting.created_by,
            created_at=waiting.created_at,
            **mine,
        )
    )
    replace_lines(tx, again, kept)
    return number


def _publish_copy(tx: Connection, old: Any, lines: Sequence[Line], number: int, actor: str) -> int:
    draft = uuid.uuid4()
    tx.execute(
        insert(ItemVersion).values(
            id=draft,
            item_code=old.item_code,
            number=number,
            header=old.header,
            form=old.form,
            created_by=actor,
        )
    )
    replace_lines(tx, draft, lines)
    return _publish(tx, draft, old.item_code, actor)


def _fill(tx: Connection, version_id: uuid.UUID, old: Any) -> None:
    tx.execute(
        update(ItemVersion).where(ItemVersion.id == version_id).values(header=old.header, form=old.form)
    )


def _publish(tx: Connection, version_id: uuid.UUID, item_code: str, actor: str) -> int:
    try:
        return publish_item(tx, version_id, actor=actor)
    except Faulty as error:
        raise Rejected(f"事项 {item_code} 不能一并更新：{error.message}") from error
