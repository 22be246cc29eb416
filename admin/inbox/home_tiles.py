"""What the home page shows of the inbox, to a department that answers in it."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import gettext
from sqlalchemy import Connection, select

from admin.home_figures import tile
from admin.inbox.tabs import tabs
from admin.premises import may, own_department
from hub.department import Department

_TONES = {"sign": "warn", "claim": "warn", "rectify": "warn", "news": "warn"}


def inbox_tiles(tx: Connection) -> list[dict[str, Any]]:
    """What waits in the inbox of the signed-in user's department; nothing where it answers elsewhere."""
    mine = own_department()
    if mine is None or not may("can_list", "InboxView"):
        return []
    if tx.scalar(select(Department.channel).where(Department.code == mine)) != "web":
        return []
    return [
        tile(
            one.title,
            one.count or 0,
            url_for("InboxNewsView.list", signed="open")
            if one.key == "news"
            else url_for("InboxView.list", tab=one.key),
            tone=_TONES[one.key],
            note=gettext("到收件箱办理") if one.count else gettext("都办了"),
        )
        for one in tabs(tx, mine)
        if one.key in _TONES
    ]
