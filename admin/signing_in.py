"""Signing in: rights read once per request, and a lock after repeated failures that tells nobody which users exist.

Guarantees: after MAX_FAILURES wrong passwords for one typed name from one address (ten times that from anywhere) the
name is locked for LOCK_MINUTES, whether or not such a user exists, on the form and on the API alike; the count
stands in the database, so every worker sees it. Does not replace the rate limit on the two addresses.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import current_app, flash, g, redirect, request, url_for
from flask_appbuilder import Model
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import no_cache
from flask_appbuilder.security.forms import LoginForm_db
from flask_appbuilder.security.sqla.manager import SecurityManager
from flask_appbuilder.security.sqla.models import (
    Permission,
    PermissionView,
    ViewMenu,
    assoc_permissionview_role,
)
from flask_appbuilder.security.views import AuthDBView
from flask_appbuilder.utils.base import get_safe_redirect
from flask_babel import gettext, lazy_gettext
from flask_login import login_user
from sqlalchemy import Column, DateTime, Integer, String, delete, select
from sqlalchemy.dialects.postgresql import insert

MAX_FAILURES = 5
ANYWHERE = 10  # times MAX_FAILURES
LOCK_MINUTES = 15


class SignInFailure(Model):
    """Failures of one typed name, from one address or (`*`) from anywhere."""

    __tablename__ = "ab_sign_in_failures"

    name = Column(String(128), primary_key=True)
    address = Column(String(64), primary_key=True)
    failures = Column(Integer, nullable=False)
    since = Column(DateTime(timezone=True), nullable=False)


def _name(typed: str | None) -> str:
    return (typed or "").strip().lower()[:128]


class Doorkeeper(SecurityManager):
    """Flask-AppBuilder's security manager with a lock, and one query for all of a user's rights."""

    def __init__(self, appbuilder: Any) -> None:
        self.authdbview = SignInView
        super().__init__(appbuilder)

    def is_locked(self, typed: str | None) -> bool:
        """Whether this name is locked for the caller's address."""
        since = datetime.now(UTC) - timedelta(minutes=LOCK_MINUTES)
        rows = self.session.execute(
            select(SignInFailure.address, SignInFailure.failures).where(
                SignInFailure.name == _name(typed),
                SignInFailure.address.in_(["*", request.remote_addr or "?"]),
                SignInFailure.since > since,
            )
        )
        return any(n >= MAX_FAILURES * (ANYWHERE if address == "*" else 1) for address, n in rows)

    def auth_user_db(self, username: str, password: str) -> Any:
        """The user, or None; a locked name is refused without looking at the password."""
        if self.is_locked(username):
            return None
        user = super().auth_user_db(username, password)
        if user is None:
            self._count_failure(username)
        else:
            self.session.execute(delete(SignInFailure).where(SignInFailure.name == _name(username)))
            self.session.commit()
        return user

    def _count_failure(self, typed: str) -> None:
        now = datetime.now(UTC)
        old = SignInFailure.since < now - timedelta(minutes=LOCK_MINUTES)
        self.session.execute(delete(SignInFailure).where(old))
        for address in ("*", request.remote_addr or "?"):
            row = {"name": _name(typed), "address": address, "failures": 1, "since": now}
            self.session.execute(
                insert(SignInFailure)
                .values(row)
                .on_conflict_do_update(
                    index_elements=["name", "address"],
                    set_={"failures": SignInFailure.failures + 1, "since": now},
                )
            )
        self.session.commit()

    def rights_of(self, role_ids: tuple[int, ...]) -> frozenset[tuple[str, str]]:
        """Every (permission, view) of these roles, read once per request."""
        known: dict[tuple[int, ...], frozenset[tuple[str, str]]] = g.setdefault("rights", {})
        if role_ids not in known:
            rows = self.session.execute(
                select(Permission.name, ViewMenu.name)
                .select_from(PermissionView)
                .join(Permission, Permission.id == PermissionView.permission_id)
                .join(ViewMenu, ViewMenu.id == PermissionView.view_menu_id)
                .join(
                    assoc_permissionview_role,
                    assoc_permissionview_role.c.permission_view_id == PermissionView.id,
                )
                .where(assoc_permissionview_role.c.role_id.in_(role_ids))
            )
            known[role_ids] = frozenset((row[0], row[1]) for row in rows)
        return known[role_ids]

    def exist_permission_on_roles(self, view_name: str, permission_name: str, role_ids: list[int]) -> bool:
        """As Flask-AppBuilder asks it, answered from the request's one query."""
        return (permission_name, view_name) in self.rights_of(tuple(sorted(role_ids)))


class SignInView(AuthDBView):
    """The sign-in page."""

    login_template = "shenguan/sign_in.html"
    title = lazy_gettext("登录")

    @expose("/login/", methods=["GET", "POST"])
    @no_cache
    def login(self) -> Any:
        """Sign in, with one sentence for every kind of failure but a lock."""
        target = get_safe_redirect(request.args.get("next") or self.appbuilder.get_url_for_index)
        if g.user is not None and g.user.is_authenticated:
            return redirect(target)
        form = LoginForm_db()
        if form.validate_on_submit():
            typed = form.username.data
            user = self.appbuilder.sm.auth_user_db(typed, form.password.data)
            if user:
                login_user(user, remember=False)
                return redirect(target)
            if self.appbuilder.sm.is_locked(typed):
                flash(
                    gettext("登录失败次数过多，请 %(n)s 分钟后再试，或联系数据管理员。", n=LOCK_MINUTES),
                    "danger",
                )
            else:
                flash(gettext("用户名或密码不正确，请重新输入。"), "warning")
            return redirect(
                url_for(
                    "SignInView.login", **({"next": request.args["next"]} if "next" in request.args else {})
                )
            )
        return self.render_template(
            self.login_template,
            title=self.title,
            form=form,
            appbuilder=self.appbuilder,
            accounts_hint=current_app.extensions["shenguan"].config.accounts_hint,
        )
