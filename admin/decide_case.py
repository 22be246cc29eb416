"""Deciding on a case that was accepted at the window: who, what and since when stand already and are not typed again.

Guarantees: party and item are the case's own, whatever the form sends; the case keeps its number, materials and uses; only
the department that accepted it decides. What the rest of a decision must be is `admin.decide_pages`'.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from flask import current_app
from flask_babel import gettext
from sqlalchemy import Connection, text

from admin.premises import own_department
from hub.deciding.decided_case import DecidedCase, PartyFacts, StepFacts
from hub.errors import Conflict, Denied, NotFound, Rejected
from hub.ports import Desk
from schemas import code_table

#: GB/T 36903 codes of a person's document and their words in a sheet.
SHEET_WORDS = {
    "111": "身份证",
    "414": "护照号",
    "516": "港澳居民来往内地通行证",
    "511": "台湾居民来往大陆通行证",
    "553": "外国人永久居留身份证",
}


@dataclass(frozen=True, slots=True)
class OpenedCase:
    """An accepted case as its decision needs it."""

    case_no: str
    case_name: str
    item_code: str
    item_name: str
    catalog_code: str
    case_type: str
    licence_name: str | None
    party: PartyFacts
    shown_code: str | None
    org_code: str
    org_name: str
    applied_on: date | None
    accepted_on: date | None
    promised_on: date | None
    accepted_at: datetime | None
    taken_by: str | None
    reused: int
    taken: int
    owed: int


_CASE = text("""
SELECT c.case_no, c.name AS case_name, c.state, c.department, d.name AS department_name, c.item_code,
  coalesce(v.header->>'name', i.name) AS item_name, i.catalog_code, i.case_type, i.licence_name,
  c.org_code, c.org_name, c.applied_on, c.accepted_on, c.promised_on, c.accepted_at, c.taken_by,
  p.kind, p.name, p.code_type, p.code_masked, p.code_sealed, p.legal_representative,
  (SELECT count(*) FROM material_uses u WHERE u.case_no = c.case_no AND u.withdrawn_at IS NULL) AS reused,
  (SELECT count(*) FROM materials m WHERE m.case_no = c.case_no AND m.state <> 'discarded') AS taken,
  (SELECT count(*) FROM deferrals f WHERE f.case_no = c.case_no AND f.settled_at IS NULL) AS owed,
  EXISTS (SELECT FROM decisions x WHERE x.case_no = c.case_no) AS decided
FROM cases c JOIN parties p ON p.id = c.party_id JOIN service_items i ON i.code = c.item_code
LEFT JOIN item_versions v ON v.id = c.item_version_id LEFT JOIN departments d ON d.code = c.department
WHERE c.case_no = :case_no
""")


def opened_case(tx: Connection, case_no: str, desk: Desk) -> OpenedCase:
    """The case to decide on. Raises NotFound, Denied or Conflict with what to do instead."""
    row = tx.execute(_CASE, {"case_no": case_no}).one_or_none()
    if row is None:
        raise NotFound(gettext("没有办件编号为 %(case_no)s 的办件。请核对编号。", case_no=case_no[:64]))
    own = own_department()
    if own is not None and row.department != own:
        whose = row.department_name or row.org_name
        raise Denied(
            gettext("办件 %(case_no)s 由%(whose)s办理，应由对方决定。", case_no=case_no, whose=whose)
        )
    if row.state == "preparing":
        raise Conflict(
            gettext("办件 %(case_no)s 还没有受理。请先在窗口工作台受理，再作决定。", case_no=case_no)
        )
    if row.state == "withdrawn":
        raise Conflict(gettext("办件 %(case_no)s 已经撤回，不能作决定。", case_no=case_no))
    if row.decided:
        raise Conflict(gettext("办件 %(case_no)s 已经作出决定。", case_no=case_no))
    code = row.code_masked
    if row.code_sealed is not None:  # readable for this request only; the decision masks it again
        vault: Any = desk.identities
        code = vault.unseal(bytes(row.code_sealed))
    kept = {name: getattr(row, name) for name in OpenedCase.__dataclass_fields__ if hasattr(row, name)}
    party = PartyFacts(row.kind, row.name, code, row.code_type, row.legal_representative)
    return OpenedCase(
        **{**kept, "catalog_code": row.catalog_code or ""}, party=party, shown_code=row.code_masked
    )


def with_party(given: Mapping[str, str], case: OpenedCase) -> dict[str, str]:
    """The form with the case's own party and item in the place of whatever was sent."""
    party = case.party
    natural = party.kind == "natural"
    if natural and party.code_type not in SHEET_WORDS:
        named = code_table("holder_code_type").get(party.code_type, party.code_type)
        raise Rejected(gettext("双公示没有“%(name)s”这种证件类型，请联系数据管理员。", name=named))
    return {
        **given,
        "item": case.item_code,
        "XK_XDR_MC": party.name,
        "XK_XDR_LB": party.kind,
        "XK_XDR_SHXYM": "" if natural else party.code or "",
        "XK_FRDB": "" if natural else party.legal_representative or "",
        "XK_XDR_ZJLX": SHEET_WORDS.get(party.code_type, "") if natural else "",
        "XK_XDR_ZJHM": (party.code or "") if natural else "",
    }


def on_opened(decided: DecidedCase, case: OpenedCase) -> DecidedCase:
    """The decision, on this case: its number, dates and first step."""
    decision_step = decided.steps[-1]
    first = case.accepted_at
    if first is not None and decided.decision.decided_on < (case.accepted_on or first.date()):
        raise Rejected(gettext("决定日期不能早于受理日期 %(day)s。", day=case.accepted_on))
    steps = (decision_step,)
    if first is not None:
        by = name_of(case.taken_by)
        steps = (StepFacts("受理", "通过", first, first, case.org_name, case.org_code, by), decision_step)
    return replace(
        decided,
        case_no=case.case_no,
        name=case.case_name,
        item_code=case.item_code,
        item_name=case.item_name,
        catalog_code=case.catalog_code,
        case_type=case.case_type,
        party=case.party,
        applied_on=case.applied_on,
        accepted_on=case.accepted_on,
        promised_on=case.promised_on,
        steps=steps,
        source="window",
    )


def name_of(taken_by: str | None) -> str | None:
    """The clerk's name behind 'user:…'."""
    kind, _, name = (taken_by or "").partition(":")
    if kind != "user":
        return name or None
    user = current_app.extensions["appbuilder"].sm.find_user(username=name)
    return str(user.first_name) if user is not None else name
