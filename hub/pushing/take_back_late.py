"""Take back what came late: a file that was handed in by mistake on a decided case, before anybody was sent it.

Guarantees: with a reason, in the ledger; only what came after the decision, stands, is in no package that was sent, and is
relied on by no other case. What it stood for is missing again, promised again, or usable again. Twice is once.
"""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import Connection, func, select, text, update

from hub.case import Case, Decision
from hub.deciding.told import look
from hub.errors import Conflict, NotFound, Rejected
from hub.ledger import Entry, record
from hub.material import Material
from hub.ports import Desk
from hub.pushing.release_push import check_again
from hub.reuse.material_use import MaterialUse
from hub.round_trips import ask

_AFTER = """
SELECT m.id, m.name, r.name, s.size FROM materials m
JOIN decisions d ON d.case_no = m.case_no AND d.created_at < m.created_at AND d.withdrawn_at IS NULL
JOIN requirements r ON r.id = m.requirement_id JOIN stored_objects s ON s.sha256 = m.sha256
WHERE m.case_no = %(case_no)s AND m.origin = 'upload' AND m.state = 'usable' ORDER BY m.created_at, m.id
"""
#: The promise it kept stands again, unless something else came for the line.
_PROMISED_AGAIN = text("""
UPDATE deferrals f SET settled_at = NULL, settled_how = NULL
WHERE f.case_no = :case_no AND f.settled_how = 'material:' || :id AND NOT EXISTS (
  SELECT FROM materials m WHERE m.case_no = f.case_no AND m.requirement_id = f.requirement_id AND m.state = 'usable')
RETURNING f.requirement_id
""")
#: What it superseded stands again, unless something newer does.
_USABLE_AGAIN = text("""
UPDATE materials old SET state = 'usable', superseded_by = NULL, state_at = :now
WHERE old.superseded_by = :id AND old.state = 'superseded' AND NOT EXISTS (
  SELECT FROM materials o WHERE o.party_id = old.party_id AND o.type_code = old.type_code AND o.state = 'usable'
    AND o.subject = old.subject AND o.department IS NOT DISTINCT FROM old.department)
RETURNING old.id
""")


def unsent_files(tx: Connection, case_no: str, desk: Desk) -> list[dict[str, Any]]:
    """Files that came after the decision and that nobody was sent: `id`, `material_name`, `line`, `size`."""
    (rows,) = ask(tx, (_AFTER, {"case_no": case_no}))
    if not rows:
        return []
    sent = {
        str(one["id"])
        for to in look(tx, case_no, desk.clock()).recipients
        if to.value is not None
        for one in to.data["materials"]
    }
    names = ("id", "material_name", "line", "size")
    return [dict(zip(names, (str(row[0]), *row[1:]), strict=True)) for row in rows if str(row[0]) not in sent]


def take_back_late(
    tx: Connection, material_id: uuid.UUID, *, case_no: str, reason: str, desk: Desk, actor: str
) -> str:
    """Take it off the case; gives its name. Raises NotFound, Rejected without a reason, Conflict where it must stay."""
    reason = " ".join(reason.split())
    if not 2 <= len(reason) <= 200:
        raise Rejected("请写明移除的理由，2 到 200 字。")
    # The case first, as whoever sends what came late locks it.
    tx.execute(select(Case.case_no).where(Case.case_no == case_no).with_for_update(key_share=True))
    tx.execute(select(Decision.id).where(Decision.case_no == case_no).with_for_update())
    row = tx.execute(
        select(Material.name, Material.state)
        .where(Material.id == material_id, Material.case_no == case_no)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound("这个办件里没有这份材料。请刷新页面后再试。")
    if row.state == "discarded":
        return str(row.name)
    if str(material_id) not in {one["id"] for one in unsent_files(tx, case_no, desk)}:
        raise Conflict(f"“{row.name}”已经发给监管部门或随办件归档，不能移除。有误请更正决定，并说明情况。")
    relied = select(MaterialUse.id).where(
        MaterialUse.material_id == material_id, MaterialUse.withdrawn_at.is_(None)
    )
    if tx.execute(relied).first():
        raise Conflict(f"“{row.name}”已被其他办件复用，不能移除。请先处理复用它的办件。")
    _discard(tx, material_id, case_no, reason, desk)
    entry = Entry(actor, "material.removed", f"material:{material_id}", case_no, reason, {"name": row.name})
    record(tx, entry)
    check_again(tx, case_no, desk, actor=actor)  # held pushes lack it again
    return str(row.name)


def _discard(tx: Connection, material_id: uuid.UUID, case_no: str, reason: str, desk: Desk) -> None:
    gone = update(Material).where(Material.id == material_id)
    tx.execute(gone.values(state="discarded", state_reason=reason, state_at=func.now()))
    tx.execute(_PROMISED_AGAIN, {"case_no": case_no, "id": str(material_id)})
    tx.execute(_USABLE_AGAIN, {"id": material_id, "now": desk.clock()})
