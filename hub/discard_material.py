"""Discard a material 移除材料: a file taken by mistake leaves the case that is still being prepared.

Guarantees: only a file of that case that nobody else could see yet; what was accepted or decided on stays. Twice is once.
"""

from __future__ import annotations

import uuid

from sqlalchemy import Connection, func, select, update

from hub.errors import Conflict, NotFound
from hub.ledger import Entry, record
from hub.material import Material
from hub.reuse.working_case import working_case


def discard_material(tx: Connection, material_id: uuid.UUID, *, case_no: str, actor: str) -> str:
    """Take it off the case; gives its name. Raises NotFound, or Conflict once the case is accepted."""
    working_case(tx, case_no, doing="移除材料")
    row = tx.execute(
        select(Material.name, Material.state).where(Material.id == material_id, Material.case_no == case_no)
    ).one_or_none()
    if row is None:
        raise NotFound("这个办件里没有这份材料。请刷新页面后再试。")
    name = str(row.name)
    if row.state == "discarded":
        return name
    if row.state != "pending":
        raise Conflict(f"“{name}”已随办件受理归档，不能移除。请另传更正的文件，并在意见中说明。")
    tx.execute(
        update(Material)
        .where(Material.id == material_id, Material.state == "pending")
        .values(state="discarded", state_reason="窗口移除", state_at=func.now())
    )
    record(tx, Entry(actor, "material.removed", f"material:{material_id}", case_no, detail={"name": name}))
    return name
