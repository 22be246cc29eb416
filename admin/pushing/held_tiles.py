"""How many pushes wait for what is missing, on the home pages of those who can do something about it."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import gettext
from sqlalchemy import Connection, func, select

from admin.home_figures import tile
from admin.premises import may, own_department
from admin.pushing.seeing import approved_by
from hub.case import Case
from hub.pushing.push import Push


def held_tiles(tx: Connection) -> list[dict[str, Any]]:
    """One figure, where anything waits."""
    if not may("can_list", "IncompletePushView"):
        return []
    held = select(func.count()).select_from(Push).where(Push.state == "held")
    mine = own_department()
    if mine is not None:
        held = held.join(Case, Case.case_no == Push.case_no).where(approved_by(mine))
    count = tx.scalar(held) or 0
    if not count:
        return []
    href = url_for("IncompletePushView.list", held="held")
    return [tile(gettext("推送等待补齐"), count, href, tone="warn")]
