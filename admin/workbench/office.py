"""For which department this clerk works at the window.

A user with a department works for it. A comprehensive window (综合窗口), a user without one, works for the only approving
department, or for the one chosen on the page and kept for the session. Nobody acts for a department that does not approve.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import g, session
from flask_babel import gettext
from sqlalchemy import Connection, select

from admin.premises import own_department
from hub.department import Department
from hub.errors import Denied, Rejected

_CHOSEN = "workbench_department"


@dataclass(frozen=True, slots=True)
class Office:
    """A department at the window."""

    code: str
    name: str
    uscc: str | None = None
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seat:
    """Where the clerk sits: `office` None means that one of `choices` must be chosen, or that there is none."""

    office: Office | None
    choices: tuple[Office, ...]
    fixed: bool  # the user's own department: cannot be changed on the page


def seat(tx: Connection) -> Seat:
    """The signed-in user's."""
    if "workbench_seat" not in g:
        g.workbench_seat = _seat(tx)
    found: Seat = g.workbench_seat
    return found


def _seat(tx: Connection) -> Seat:
    query = select(Department.code, Department.name, Department.uscc, Department.roles)
    rows = tx.execute(query.where(Department.active).order_by(Department.name))
    offices = {row.code: Office(row.code, row.name, row.uscc, tuple(row.roles)) for row in rows}
    approving = tuple(office for office in offices.values() if "approving" in office.roles)
    own = own_department()
    if own is not None:
        office = offices.get(own)
        return Seat(office if office in approving else None, (), True)
    if len(approving) == 1:
        return Seat(approving[0], approving, False)
    chosen = offices.get(session.get(_CHOSEN, ""))
    return Seat(chosen if chosen in approving else None, approving, False)


def choose(tx: Connection, code: str) -> None:
    """Sit down for a department until the session ends."""
    here = seat(tx)
    if here.fixed or code not in {office.code for office in here.choices}:
        raise Rejected(gettext("请从列出的部门中选择。"))
    session[_CHOSEN] = code
    g.pop("workbench_seat", None)


def my_office(tx: Connection) -> Office:
    """The department, or a sentence that says how to get one."""
    found = seat(tx)
    if found.office is not None:
        return found.office
    if found.fixed:
        raise Denied(gettext("您所在的部门不是审批部门，不能受理申请。请联系数据管理员调整您的所属部门。"))
    if found.choices:
        raise Denied(gettext("请先在工作台上选择您为哪个部门受理。"))
    raise Denied(gettext("还没有审批部门。请数据管理员在“部门与密钥”中登记审批部门。"))
