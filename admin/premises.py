"""What every page works with: the config, the database engine and the live board, bound to the running app."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import current_app, g
from sqlalchemy import Engine, select

from admin.accounts_tables import UserDepartment
from admin.config import AdminConfig

if TYPE_CHECKING:
    from admin.live import LiveBoard
    from storage.preview.pages import Previews


@dataclass(slots=True)
class Premises:
    """One per app."""

    config: AdminConfig
    engine: Engine
    live: LiveBoard
    previews: Previews | None = None  # made by the first who looks at a file


def here() -> Premises:
    """The premises of the running request."""
    found: Premises = current_app.extensions["shenguan"]
    return found


def actor() -> str:
    """The signed-in user, as the ledger names them."""
    return f"user:{g.user.username}"


def signed_in() -> bool:
    """Whether somebody is signed in."""
    return g.get("user") is not None and bool(g.user.is_authenticated)


def roles() -> frozenset[str]:
    """Names of the signed-in user's roles."""
    if "role_names" not in g:
        g.role_names = frozenset(role.name for role in g.user.roles) if signed_in() else frozenset()
    found: frozenset[str] = g.role_names
    return found


def may(permission: str, view: str) -> bool:
    """Whether the signed-in user has a right; the same check that guards the page."""
    sm: Any = current_app.extensions["appbuilder"].sm
    return bool(sm.has_access(permission, view))


def own_department() -> str | None:
    """The department whose matters this user is confined to; None: the whole area."""
    if "own_department" not in g:
        g.own_department = None
        if signed_in():
            session = current_app.extensions["appbuilder"].session
            g.own_department = session.execute(
                select(UserDepartment.department).where(UserDepartment.user_id == g.user.id)
            ).scalar()
    found: str | None = g.own_department
    return found
