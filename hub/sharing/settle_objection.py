"""Settle an objection: the provider verifies it, corrects or keeps what was doubted, and answers.

Guarantees: under the row's lock, only along TRANSITIONS, only by whom it is - and never by who raised it; a correction and
the telling of everybody who relied on the source are one transaction; the mark stays until the answer. A licence is not
changed here: its correction comes as a new decision, and here stands what was done.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from hub.department import Department
from hub.errors import Conflict, Denied, NotFound, Rejected
from hub.ledger import Entry, record
from hub.noticing.notice import Notice
from hub.ports import Desk
from hub.reuse.correct_material import correct_material, revoke_material
from hub.reuse.tell_relied import SourceChange, tell_relied
from hub.sharing.objection import TRANSITIONS, Objection
from hub.sharing.person import Person
from hub.sharing.source import find_source

STATE_NAMES = {
    "marked": "已标注，待核实",
    "verifying": "核实中",
    "corrected": "已更正，待反馈",
    "rejected": "维持原样，待反馈",
    "answered": "已反馈",
}
TEXT_LONGEST = 1000
WHY_LONGEST = 200  # what those who relied on it are told of the verdict


@dataclass(frozen=True, slots=True)
class Remedy:
    """How a doubt that was right is put right. Neither: it was corrected elsewhere, and only told here."""

    fields: Mapping[str, str] | None = None  # new values of a material's fields, as typed
    revoke: bool = False  # the material must not be relied on any more


def why_not(row: Any, person: Person) -> str | None:
    """The sentence why this person may not settle it; None: they may."""
    if person.actor == row.raised_by:
        return "提出人不能核实自己提出的校核，请由他人办理。"
    if row.provider is None:
        return None if person.administers else "这一步由数据管理员办理。"
    if person.department == row.provider or person.administers:
        return None
    return "这一步由提供部门办理。"


def open_acts(row: Any, person: Person) -> tuple[str, ...]:
    """What this person may do now: the buttons of the page."""
    if why_not(row, person) is not None:
        return ()
    return tuple(act for (state, act) in TRANSITIONS if state == row.state)


def verify(tx: Connection, objection_id: uuid.UUID, desk: Desk, *, person: Person) -> str:
    """Begin to verify."""
    row = _locked(tx, objection_id)
    return _turn(tx, row, "verify", person, desk.clock(), verified_by=person.actor, verified_at=desk.clock())


def reject(tx: Connection, objection_id: uuid.UUID, desk: Desk, *, person: Person, verdict: str) -> str:
    """Keep it as it is, with the reason."""
    row, said = _locked(tx, objection_id), _said(verdict, "核实情况和维持的理由")
    return _turn(tx, row, "reject", person, desk.clock(), reason=said, verdict=said)


def correct(
    tx: Connection,
    objection_id: uuid.UUID,
    desk: Desk,
    *,
    person: Person,
    verdict: str,
    remedy: Remedy | None = None,
) -> str:
    """Put it right; those who relied on it are told in the same transaction."""
    row, said = _locked(tx, objection_id), _said(verdict, "核实情况和更正的内容")
    now, corrected = desk.clock(), None
    if row.state == "verifying" and why_not(row, person) is None:
        corrected = _put_right(tx, row, desk, person, said, remedy or Remedy())
    return _turn(tx, row, "correct", person, now, reason=said, verdict=said, corrected_material_id=corrected)


def answer(tx: Connection, objection_id: uuid.UUID, desk: Desk, *, person: Person, words: str) -> str:
    """Tell who raised it; the mark is taken off."""
    row, said, now = _locked(tx, objection_id), _said(words, "答复"), desk.clock()
    state = _turn(
        tx, row, "answer", person, now, reason=said, answer=said, answered_by=person.actor, answered_at=now
    )
    if row.state != "answered":
        outcome = "已更正" if row.state == "corrected" else "维持原样"
        source = find_source(tx, *_source(row))
        _notice(
            tx, row, f"校核纠错已反馈：{outcome}", f"{source.party_name}的“{source.name}”：{said}", "clerk"
        )
    return state


def _put_right(
    tx: Connection, row: Any, desk: Desk, person: Person, said: str, remedy: Remedy
) -> uuid.UUID | None:
    kind, source_id = _source(row)
    why = said[:WHY_LONGEST]
    if kind == "material" and remedy.revoke:
        revoke_material(tx, source_id, actor=person.actor, reason=why, desk=desk)
    elif kind == "material" and remedy.fields is not None:
        return correct_material(
            tx, source_id, fields=remedy.fields, actor=person.actor, reason=why, desk=desk
        )
    else:
        change = SourceChange(kind, source_id, "corrected", by=_name(tx, row.provider), why=why)
        tell_relied(tx, [change], actor=person.actor, now=desk.clock())
    return None


def _source(row: Any) -> tuple[str, uuid.UUID]:
    return ("material", row.material_id) if row.material_id else ("licence", row.licence_id)


def _name(tx: Connection, department: str | None) -> str:
    return tx.scalar(select(Department.name).where(Department.code == department)) or ""


def _said(words: str, what: str) -> str:
    said = words.strip()
    if not 2 <= len(said) <= TEXT_LONGEST:
        raise Rejected(f"请写明{what}（2 到 {TEXT_LONGEST} 个字）。")
    return said


def _locked(tx: Connection, objection_id: uuid.UUID) -> Any:
    row = tx.execute(
        select(*Objection.__table__.columns).where(Objection.id == objection_id).with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound(f"没有编号为 {objection_id} 的校核。")
    return row


def _turn(
    tx: Connection,
    row: Any,
    act: str,
    person: Person,
    now: datetime,
    *,
    reason: str | None = None,
    **values: object,
) -> str:
    if (refused := why_not(row, person)) is not None:
        raise Denied(refused)
    state = TRANSITIONS.get((row.state, act))
    if state is None:
        reached = {to for (_, done), to in TRANSITIONS.items() if done == act}
        by = row.answered_by if row.state == "answered" else row.verified_by
        if row.state in reached and by == person.actor:
            return str(row.state)
        raise Conflict(f"这条校核现在是“{STATE_NAMES[row.state]}”，不能这样处理。请刷新后再看。")
    if act in ("correct", "reject"):
        values |= {"verified_by": person.actor, "verified_at": now}
    tx.execute(update(Objection).where(Objection.id == row.id).values(state=state, **values))
    kind, source_id = _source(row)
    detail = {"source": f"{kind}:{source_id}", "field": row.field, "provider": row.provider}
    record(tx, Entry(person.actor, f"objection.{state}", f"objection:{row.id}", row.case_no, reason, detail))
    _notice(tx, row, f"校核纠错：{STATE_NAMES[state]}", reason or row.statement, "data_admin")
    return state


def _notice(tx: Connection, row: Any, title: str, body: str, audience: str) -> None:
    tx.execute(
        insert(Notice).values(audience=audience, severity="info", title=title, body=body, case_no=row.case_no)
    )
