"""Changes of configuration go to the ledger, in the flush that writes them.

Guarantees: an item, push rule or department that is added, changed or deleted through a session leaves a ledger row in the
same transaction, naming who did it and the old and new values. Users and roles likewise, without passwords.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from flask import g, has_request_context
from flask_appbuilder.security.sqla.models import Role, User
from sqlalchemy import event, inspect
from sqlalchemy.orm import Session, scoped_session

from hub.catalogue.code_pattern import CodePattern
from hub.department import Department
from hub.item import ServiceItem
from hub.ledger import Entry, record

_WATCHED: dict[type[Any], tuple[str, tuple[str, ...]]] = {
    ServiceItem: ("item", ()),
    CodePattern: ("code_pattern", ()),
    Department: ("department", ()),
    User: (
        "user",
        (
            "password",
            "last_login",
            "login_count",
            "fail_login_count",
            "changed_on",
            "changed_by_fk",
            "created_on",
        ),
    ),
    Role: ("role", ()),
}


def install(session: scoped_session[Any]) -> None:
    """Watch a session."""
    event.listen(session, "after_flush", _write)


def _write(session: Session, flush_context: object) -> None:
    del flush_context
    entries = [
        entry
        for verb, things in (("added", session.new), ("changed", session.dirty), ("deleted", session.deleted))
        for thing in things
        if (entry := _entry(verb, thing)) is not None
    ]
    if entries:
        record(session.connection(), *entries)


def _entry(verb: str, thing: Any) -> Entry | None:
    if type(thing) not in _WATCHED:
        return None
    noun, silent = _WATCHED[type(thing)]
    state: Any = inspect(thing)
    detail: dict[str, Any] = {}
    for attribute in state.mapper.attrs:
        if attribute.key in silent or "password" in attribute.key:
            continue
        history = state.attrs[attribute.key].history
        if verb == "changed" and history.has_changes():
            detail[attribute.key] = [_told(history.deleted), _told(history.added)]
        elif verb == "added" and history.added:
            detail[attribute.key] = _told(history.added)
    if verb == "changed" and not detail:
        return None
    key = state.identity or tuple(state.mapper.primary_key_from_instance(thing))
    return Entry(_who(), f"{noun}.{verb}", f"{noun}:{'/'.join(str(part) for part in key)}", detail=detail)


def _who() -> str:
    if has_request_context() and g.get("user") is not None and g.user.is_authenticated:
        return f"user:{g.user.username}"
    return "program:admin"


def _told(values: Any) -> Any:
    told = [_plain(value) for value in values or ()]
    return told[0] if len(told) == 1 else told


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return str(value)
