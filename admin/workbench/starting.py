"""Start a case at the window: whose it is, and whether one is being prepared already.

Guarantees: two clicks, or two clerks of one department, on the same party and item find one case, not two.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from flask_babel import gettext
from sqlalchemy import Connection, select, text

from admin.workbench.recognise import recognise
from hub.case import Case
from hub.deciding.decided_case import PartyFacts
from hub.deciding.decided_rows import USCC, party_id
from hub.errors import NotFound, Rejected
from hub.party import PARTY_KINDS, Party
from hub.ports import Desk
from hub.reuse.start_case import start_case
from hub.workday import LOCAL
from schemas import code_table

NAME_LONGEST = 200


def party_of(tx: Connection, form: Mapping[str, str], desk: Desk) -> PartyFacts:
    """A party on file, or a new one as typed. Raises NotFound, or Rejected with the field that is wrong."""
    known = form.get("party")
    if not known:
        return _new_party(form, desk)
    try:
        wanted = uuid.UUID(known)
    except ValueError:
        raise NotFound(gettext("没有这个相对人。请回到工作台重新查找。")) from None
    row = tx.execute(select(*Party.__table__.columns).where(Party.id == wanted)).one_or_none()
    if row is None:
        raise NotFound(gettext("没有这个相对人。请回到工作台重新查找。"))
    code = row.code_masked
    if row.code_sealed is not None:  # readable for this moment only, to be sealed again as the same party
        vault: Any = desk.identities
        code = vault.unseal(bytes(row.code_sealed))
    return PartyFacts(row.kind, row.name, code, row.code_type, row.legal_representative)


def _new_party(form: Mapping[str, str], desk: Desk) -> PartyFacts:
    typed = recognise(form.get("q", ""), desk.area, today=desk.clock().astimezone(LOCAL).date())
    kind, name = form.get("kind", ""), " ".join(form.get("name", "").split())
    code_type = USCC
    if kind not in PARTY_KINDS:
        raise Rejected(gettext("请选择相对人的类别。"))
    if kind == "natural":
        code_type = form.get("code_type") or "111"
        if code_type == USCC or code_type not in code_table("holder_code_type"):
            raise Rejected(gettext("请选择证件类型。"))
        if code_type == "111" and "citizen" not in (typed.kind, typed.also):
            raise Rejected(gettext("号码不是公民身份号码。请核对，或选择别的证件类型。"))
    elif "uscc" not in (typed.kind, typed.also):
        raise Rejected(gettext("单位和个体工商户请用统一社会信用代码办理；自然人请选“自然人”。"))
    if typed.fault:
        raise Rejected(typed.fault)
    if not 2 <= len(name) <= NAME_LONGEST:
        raise Rejected(gettext("请填写相对人的名称（至少两个字）。"))
    legal = " ".join(form.get("legal_representative", "").split())[:60] or None
    if kind == "legal" and not legal:
        raise Rejected(gettext("请填写法定代表人姓名。"))
    return PartyFacts(kind, name, typed.value, code_type, legal if kind != "natural" else None)


def resumed_or_started(
    tx: Connection, party: PartyFacts, item: str, department: str, desk: Desk, *, actor: str
) -> str:
    """The case number."""
    if not item:
        raise Rejected(gettext("请选择要办理的事项。"))
    who = party_id(party, desk)
    tx.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:of, 1))"), {"of": f"{who}|{item}|{department}"}
    )
    of_this = (Case.party_id == who, Case.item_code == item, Case.department == department)
    preparing: str | None = tx.scalar(
        select(Case.case_no)
        .where(*of_this, Case.state == "preparing")
        .order_by(Case.created_at.desc())
        .limit(1)
    )
    return preparing or start_case(
        tx, item_code=item, party=party, department=department, desk=desk, actor=actor
    )
