"""Who is signed in, as the use cases of sharing ask; and the calendar, once for a request."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from flask import g
from flask_babel import gettext
from markupsafe import Markup
from sqlalchemy import Connection, select

from admin import cells
from admin.premises import actor, here, may, own_department
from hub.department import Department
from hub.errors import NotFound
from hub.sharing.clocks import days_left
from hub.sharing.person import Person
from hub.workday import exceptions

SOON = 2  # working days: from here on a clock is amber


def person() -> Person:
    """The signed-in user. Who may review applications is a data administrator."""
    return Person(actor(), own_department(), may("can_review", "GrantView"))


def identifier(text: str | None) -> uuid.UUID:
    """An id out of an address. Raises NotFound, so that nonsense is no different from the unknown."""
    try:
        return uuid.UUID(text or "")
    except ValueError:
        raise NotFound(gettext("没有找到这条记录，地址可能不完整。请从列表进入。")) from None


def calendar() -> Mapping[date, bool]:
    """The area's days off and days worked."""
    if "sharing_calendar" not in g:
        with here().engine.connect() as tx:
            g.sharing_calendar = exceptions(tx)
    found: Mapping[date, bool] = g.sharing_calendar
    return found


def clock(until: datetime | None) -> Markup:
    """What is left of a limit, in working days; red once it has passed."""
    if until is None:
        return cells.EMPTY
    left = days_left(datetime.now(UTC), until, calendar())
    text, tone = left_in_words(left), "bad" if left < 0 else "warn" if left <= SOON else "info"
    return Markup('<span class="pill {}" title="{}">{}</span>').format(
        tone, gettext("时限 %(day)s", day=cells.local(until, "%Y-%m-%d")), text
    )


def clock_text(until: datetime | None) -> str:
    """The same without a pill."""
    return "" if until is None else left_in_words(days_left(datetime.now(UTC), until, calendar()))


def left_in_words(left: int) -> str:
    """剩余 3 个工作日, 今天到期, 超期 2 个工作日."""
    if left < 0:
        return gettext("超期 %(n)s 个工作日", n=-left)
    return gettext("今天到期") if left == 0 else gettext("剩余 %(n)s 个工作日", n=left)


def department_names(tx: Connection) -> dict[str, str]:
    """Every department's name by its code."""
    return {row.code: row.name for row in tx.execute(select(Department.code, Department.name))}


def departments(tx: Connection) -> list[tuple[str, Any]]:
    """Every department, for a filter."""
    rows = tx.execute(select(Department.code, Department.name).order_by(Department.name))
    return [(row.code, row.name) for row in rows]
