"""Who the signed-in user is to the notices: their roles, their department, the items they chose, and whether they listen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import current_app, g
from sqlalchemy import delete, select

from admin.accounts_tables import UserNoticeItem, UserNoticeSound
from admin.premises import own_department, roles, signed_in
from hub.noticing.notice import AUDIENCES
from hub.noticing.reader import Reader

#: role -> audiences of notices it is shown
_OF_ROLE = {**{role: {role} for role in AUDIENCES}, "Admin": {"clerk", "data_admin"}}


def reader() -> Reader:
    """The signed-in user, as notices see them."""
    if "notice_reader" not in g:
        audiences = frozenset(audience for role in roles() for audience in _OF_ROLE.get(role, ()))
        g.notice_reader = Reader(audiences, own_department(), chosen_items())
    found: Reader = g.notice_reader
    return found


def chosen_items() -> frozenset[str]:
    """The items whose notices the user wants; none means all."""
    if not signed_in():
        return frozenset()
    mine: Any = select(UserNoticeItem.item_code).where(UserNoticeItem.user_id == g.user.id)
    return frozenset(_session().execute(mine).scalars())


def wants_sound() -> bool:
    """Whether the user switched the sound on."""
    if not signed_in():
        return False
    return _session().get(UserNoticeSound, g.user.id) is not None


def choose(items: Iterable[str], *, sound: bool) -> None:
    """Keep the user's choice."""
    session, user = _session(), g.user.id
    session.execute(delete(UserNoticeItem).where(UserNoticeItem.user_id == user))
    session.execute(delete(UserNoticeSound).where(UserNoticeSound.user_id == user))
    session.add_all([UserNoticeItem(user_id=user, item_code=code) for code in sorted(set(items))])
    if sound:
        session.add(UserNoticeSound(user_id=user))
    session.commit()
    g.pop("notice_reader", None)


def _session() -> Any:
    return current_app.extensions["appbuilder"].session
