"""Whose pushes and decisions a user sees and may act on."""

from __future__ import annotations

from typing import Any

from flask import g
from flask_babel import gettext
from sqlalchemy import ColumnElement, Connection, exists, or_, select

from admin.premises import actor, own_department, roles
from hub.advice.speak import Speaker
from hub.case import Case
from hub.department import Department
from hub.errors import Denied
from hub.pushing.push import Push


def seen_pushes() -> tuple[ColumnElement[bool], ...]:
    """A supervising department's user sees the department's; an approving one's those of its cases, too."""
    mine = own_department()
    if mine is None:
        return ()
    if "approver" in roles():
        own = exists().where(Case.case_no == Push.case_no, Case.department == mine).correlate(Push)
        return (or_(Push.department == mine, own),)
    return (Push.department == mine,)


def check_decides(case_department: str | None) -> None:
    """Only who has the case acts on its decision, and on what became of its pushes. Raises Denied."""
    mine = own_department()
    if mine is not None and mine != case_department:
        raise Denied(gettext("只有办理这件办件的部门和数据管理员可以这样办。"))


def speaker(tx: Connection) -> Speaker:
    """The signed-in user, as departments read it."""
    mine: Any = own_department()
    name = tx.execute(select(Department.name).where(Department.code == mine)).scalar() if mine else None
    person = (g.user.get_full_name() or g.user.username).strip()
    return Speaker(actor(), f"{name} {person}" if name else person, mine)


def approved_by(department: str) -> ColumnElement[bool]:
    """Cases that a department handles, or decided as the body it is."""
    body = select(Department.uscc).where(Department.code == department, Department.uscc == Case.org_code)
    return or_(Case.department == department, exists(body.correlate(Case)))
