"""What the page of one push shows: how far it is, who said what and when, with which signature, and what can be done."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext
from sqlalchemy import ColumnElement, Connection, select

from admin import cells
from admin.premises import own_department
from hub.case import Case, Decision
from hub.deciding.revision import DecisionRevision
from hub.department import Department
from hub.errors import NotFound
from hub.exchange.announcement import Announcement
from hub.exchange.outbox import OutboxRow
from hub.feedback.finding import Finding
from hub.item import ServiceItem
from hub.party import Party
from hub.pushing.push import TRANSITIONS, Push, PushMove, PushOverdue, Receipt
from hub.pushing.reassign_push import GIVEN_BACK

#: What a person may do, in the order of the buttons; each where the table of transitions has it.
BY_HAND = (
    ("reassign", "reassigned"),
    ("insist", "insisted"),
    ("reopen", "reopened"),
    ("recall", "recalled"),
)
_MAX = 400


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened. `kid` and `sha256` where a department signed for it."""

    at: datetime
    title: str
    by: str
    note: str = ""
    kid: str | None = None
    sha256: bytes | None = None
    tone: str = ""
    finding: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A push, ready to be shown."""

    push: dict[str, Any]
    lines: list[Line]
    steps: list[tuple[str, datetime | None, datetime | None, bool]]  # label, when, limit, missed
    overdue: list[Any]
    announcements: list[Any]
    others: list[Any]
    revisions: list[Any]
    free: list[tuple[str, str]]  # departments it could be given to
    published_at: datetime | None
    gone_to: uuid.UUID | None


def read(tx: Connection, push_id: uuid.UUID, confined: Iterable[ColumnElement[bool]]) -> Shown:
    """Raises NotFound, also where the user may not see it."""
    row = tx.execute(_push().where(Push.id == push_id, *confined)).one_or_none()
    if row is None:
        raise NotFound(gettext("没有找到这次推送，或者它不是推送给您所在部门的。"))
    push = dict(row._mapping)
    overdue = tx.execute(
        select(PushOverdue.__table__).where(PushOverdue.push_id == push_id).order_by(PushOverdue.due_at)
    ).all()
    announcements = tx.execute(
        select(Announcement.__table__)
        .where(Announcement.push_id == push_id)
        .order_by(Announcement.created_at)
        .limit(_MAX)
    ).all()
    others = tx.execute(
        select(Push.id, Push.department, Push.state, Push.came_from, Department.name)
        .join(Department, Department.code == Push.department)
        .where(Push.decision_id == push["decision_id"])
        .order_by(Push.created_at, Push.department)
    ).all()
    taken = {push["department"]} | {one.department for one in others if one.state not in GIVEN_BACK}
    departments = tx.execute(select(Department.code, Department.name).where(Department.active)).all()
    return Shown(
        push,
        _lines(tx, push, announcements),
        _steps(push, {one.what for one in overdue if one.ended_at is None}),
        list(overdue),
        list(announcements),
        list(others) if own_department() in (None, push["case_department"]) else [],
        list(
            tx.execute(
                select(DecisionRevision.__table__)
                .where(DecisionRevision.decision_id == push["decision_id"])
                .order_by(DecisionRevision.revision)
            ).all()
        ),
        sorted(((d.code, d.name) for d in departments if d.code not in taken), key=lambda d: d[1]),
        tx.execute(
            select(OutboxRow.published_at).where(OutboxRow.event_id == push["event_id"]).limit(1)
        ).scalar(),
        _gone_to(tx, push_id),
    )


def _gone_to(tx: Connection, push_id: uuid.UUID) -> uuid.UUID | None:
    """Where it was reassigned to, last: a new push, or one that was there before."""
    move = (
        select(PushMove.detail)
        .where(PushMove.push_id == push_id, PushMove.act == "reassigned")
        .order_by(PushMove.at.desc())
        .limit(1)
    )
    found = tx.execute(move).scalar()
    return uuid.UUID(str(found["push"])) if found else None


def _push() -> Any:
    return (
        select(
            *Push.__table__.columns,
            Department.name.label("department_name"),
            Case.department.label("case_department"),
            Case.item_code,
            ServiceItem.name.label("item"),
            Party.name.label("party"),
            Decision.document_no,
            Decision.revision.label("decision_revision"),
            Decision.withdrawn_at,
        )
        .select_from(Push)
        .join(Department, Department.code == Push.department)
        .join(Case, Case.case_no == Push.case_no)
        .join(ServiceItem, ServiceItem.code == Case.item_code)
        .join(Party, Party.id == Case.party_id)
        .join(Decision, Decision.id == Push.decision_id)
    )


def decides(found: Shown) -> bool:
    """Whether the signed-in user speaks for who has the case."""
    mine = own_department()
    return mine is None or mine == found.push["case_department"]


def acts(found: Shown) -> list[str]:
    """What can be done with it now."""
    state = found.push["state"]
    return [
        name
        for name, act in BY_HAND
        if (state, act) in TRANSITIONS
        and not (name == "reassign" and found.push["withdrawn_at"])
        and not (name == "reopen" and state == "reassigned")  # that is done from the push it went to
    ]


def _steps(
    push: dict[str, Any], missed: set[str]
) -> list[tuple[str, datetime | None, datetime | None, bool]]:
    signed = push["signed_at"]
    return [
        (gettext("推送"), push["created_at"], None, False),
        (gettext("到达"), push["arrived_at"], None, False),
        (gettext("签收"), signed, push["sign_by"], "sign" in missed),
        (gettext("认领"), push["claimed_at"], push["claim_by"], "claim" in missed),
        (gettext("监管"), push["planned_at"], push["plan_by"], "plan" in missed),
        (gettext("反馈"), push["answered_at"], push["feedback_by"], "feedback" in missed),
        (gettext("办结"), push["closed_at"] if push["state"] == "closed" else None, None, False),
    ]


def _lines(tx: Connection, push: dict[str, Any], announcements: Iterable[Any]) -> list[Line]:
    department = push["department_name"]
    lines = [Line(push["created_at"], gettext("推送生成并签名"), gettext("本平台"), tone="hub")]
    for row in tx.execute(select(Receipt.__table__).where(Receipt.push_id == push["id"]).limit(_MAX)):
        lines.append(
            Line(
                row.at,
                cells.code_text("receipt_kind", row.kind),
                f"{department} {row.by or ''}".strip(),
                row.reason or "",
                row.kid,
                bytes(row.envelope_sha256),
                "bad" if row.kind == "returned" else "",
            )
        )
    for row in tx.execute(
        select(Finding.__table__)
        .where(Finding.push_id == push["id"])
        .order_by(Finding.received_at)
        .limit(_MAX)
    ):
        lines.append(
            Line(
                row.received_at,
                f"{cells.code_text('finding_kind', row.kind)} {row.finding_no}",
                department,
                row.explanation or "",
                row.kid,
                bytes(row.envelope_sha256),
                finding=row.id,
            )
        )
    for row in tx.execute(select(PushMove.__table__).where(PushMove.push_id == push["id"]).limit(_MAX)):
        title = cells.word_text("push_act", row.act)
        lines.append(Line(row.at, title, row.actor, row.reason, tone="hub"))
    for row in announcements:
        lines.append(
            Line(row.created_at, cells.word_text("announced", row.kind), gettext("本平台"), tone="hub")
        )
    return sorted(lines, key=lambda line: line.at)
