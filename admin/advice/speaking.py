"""Speaking: how the signed-in user may speak on a case - for the window, for a department by web, or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import g
from flask_babel import gettext
from sqlalchemy import Connection, select

from admin.premises import actor, may, own_department
from hub.advice.speak import Speaker
from hub.case import Case
from hub.department import Department

WINDOW, DEPARTMENT, NONE = "window", "department", "none"


@dataclass(frozen=True, slots=True)
class Speaks:
    """For whom the user speaks; `why` says what to do where they may not."""

    side: str
    why: str = ""
    pushed: bool = True  # there is somebody to speak with

    @property
    def may_speak(self) -> bool:
        """Whether there is a box to write in."""
        return self.side != NONE

    @property
    def may_ask(self) -> bool:
        """Whether a thread may be opened."""
        return self.may_speak and self.pushed


def speaks(tx: Connection, case_no: str, *, pushed: bool = True) -> Speaks:
    """How the signed-in user may speak on this case."""
    mine = own_department()
    if may("can_ask", "AdviceView"):
        handled_by = tx.scalar(select(Case.department).where(Case.case_no == case_no))
        if mine is None or mine == handled_by:
            return Speaks(WINDOW, pushed=pushed)
    if mine is not None and may("can_answer", "AdviceView"):
        channel = tx.scalar(select(Department.channel).where(Department.code == mine))
        if channel == "web":
            return Speaks(DEPARTMENT, pushed=pushed)
        return Speaks(NONE, gettext("本部门用自己的系统接入，请在本部门的系统里提出和答复。"))
    return Speaks(NONE, gettext("您可以查看，不能发言。"))


def speaker() -> Speaker:
    """The signed-in user, as a department reads them."""
    return Speaker(actor(), name(), own_department())


def name() -> str:
    """What the user is called."""
    user: Any = g.user
    return str(user.first_name or user.username)[:100]
