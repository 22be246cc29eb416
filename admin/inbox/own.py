"""Whose inbox is open: the signed-in user's department, and whether it answers here or by a system of its own."""

from __future__ import annotations

from dataclasses import dataclass

from flask import g
from flask_babel import gettext
from sqlalchemy import Connection, select

from admin.premises import here, own_department
from hub.department import Department
from hub.errors import Denied
from hub.joining.receipts import take_arrivals


@dataclass(frozen=True, slots=True)
class Mine:
    """The department whose inbox is open."""

    code: str
    name: str
    channel: str
    active: bool

    @property
    def answers_here(self) -> bool:
        """Whether what is pressed here is signed; else its own system signs, and the inbox is only read."""
        return self.channel == "web" and self.active


def mine(tx: Connection) -> Mine:
    """The user's department. Raises Denied where the user has none: an inbox is nobody else's business."""
    code = own_department()
    row = (
        tx.execute(
            select(Department.code, Department.name, Department.channel, Department.active).where(
                Department.code == code
            )
        ).one_or_none()
        if code
        else None
    )
    if row is None:
        raise Denied(gettext("您的账号没有绑定部门，没有收件箱。请联系系统管理员在账号上绑定部门。"))
    return Mine(*row)


def person() -> str:
    """The signed-in person as a statement names them."""
    return str(g.user.first_name or g.user.username)[:100]


def see_arrivals(own: Mine) -> None:
    """What came since the last round is said to have arrived when its department looks."""
    if own.answers_here:
        with here().engine.begin() as tx:
            take_arrivals(tx, here().config.desk, department=own.code)
