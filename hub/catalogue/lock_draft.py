"""Lock a draft with what it is a version of: an item, a material type or a licence type alike."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.orm import InstrumentedAttribute

from hub.catalogue.version_states import TITLES
from hub.errors import Conflict, NotFound


def lock_draft(
    tx: Connection,
    of: InstrumentedAttribute[str],
    version_id: uuid.UUID,
    lock: Callable[[Connection, str], object],
    page: str,
) -> Any:
    """The draft's row, read after `lock` holds what its column `of` names; `page` is where people open it again.

    Raises NotFound, or Conflict when it is a draft no longer.
    """
    table = of.class_.__table__
    code = tx.execute(select(of).where(table.c.id == version_id)).scalar()
    if code is None:
        raise NotFound(f"没有这个版本，可能草稿已被丢弃。请回到{page}重新打开。")
    lock(tx, code)
    row = tx.execute(
        select(*table.c).where(table.c.id == version_id).execution_options(populate_existing=True)
    ).first()
    if row is None:
        raise NotFound(f"草稿已被丢弃。请回到{page}重新打开。")
    if row.state != "draft":
        raise Conflict(f"第 {row.number} 版{TITLES[row.state]}，不能再改。请从新的草稿改起。")
    return row
