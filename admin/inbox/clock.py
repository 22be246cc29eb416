"""What a push waits for and until when, in working days: in SQL for lists, in words for people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from flask import g
from flask_babel import gettext
from markupsafe import Markup
from sqlalchemy import and_, case, func

from admin import cells
from admin.premises import here
from hub.pushing.push import Push
from hub.workday import LOCAL, exceptions, is_working

#: Until when the next step is due: signing, claiming, the first plan, an answer.
DUE: Any = case(
    (Push.state.in_(["owed", "arrived"]), Push.sign_by),
    (Push.state == "signed", Push.claim_by),
    (and_(Push.state == "claimed", Push.planned_at.is_(None)), func.coalesce(Push.plan_by, Push.feedback_by)),
    (Push.state.in_(["claimed", "supervising"]), Push.feedback_by),
)


def waits_until(push: Any) -> datetime | None:
    """The same of one push."""
    due: datetime | None = None
    if push.state in ("owed", "arrived"):
        due = push.sign_by
    elif push.state == "signed":
        due = push.claim_by
    elif push.state == "claimed" and push.planned_at is None:
        due = push.plan_by or push.feedback_by
    elif push.state in ("claimed", "supervising"):
        due = push.feedback_by
    return due


def calendar() -> Mapping[date, bool]:
    """The calendar, read once for a page."""
    if "inbox_calendar" not in g:
        with here().engine.connect() as tx:
            g.inbox_calendar = exceptions(tx)
    found: Mapping[date, bool] = g.inbox_calendar
    return found


def working_days(first: date, last: date, table: Mapping[date, bool]) -> int:
    """How many working days after `first` until `last`; negative where `last` is before."""
    if last < first:
        return -working_days(last, first, table)
    return sum(is_working(first + timedelta(days=n), table) for n in range(1, (last - first).days + 1))


def due_words(due: datetime | None) -> str:
    """今天到期, 还有 2 个工作日, 超期 1 个工作日."""
    if due is None:
        return ""
    now = datetime.now(UTC)
    days = working_days(now.astimezone(LOCAL).date(), due.astimezone(LOCAL).date(), calendar())
    if due < now:
        return gettext("超期 %(n)s 个工作日", n=-days) if days else gettext("已超期")
    return gettext("还有 %(n)s 个工作日", n=days) if days else gettext("今天到期")


def due_pill(due: datetime | None) -> Markup:
    """The same as a pill, with the moment on hover."""
    if due is None:
        return cells.EMPTY
    now = datetime.now(UTC)
    soon = due.astimezone(LOCAL).date() <= now.astimezone(LOCAL).date()
    tone = "bad" if due < now else "warn" if soon else "mute"
    return Markup('<span class="pill {}" title="{}">{}</span>').format(tone, cells.local(due), due_words(due))
