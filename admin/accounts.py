"""Accounts: the roles, exactly what each may do, and the users of a new hub.

Guarantees: `prepare` may run again and by several programs at once; a role ends with exactly the rights of RIGHTS, so
a right taken out here is gone after the next migrate step. Does not touch roles that a data administrator made.
"""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import PermissionView
from sqlalchemy import delete, select, text

from admin.accounts_tables import UserDepartment
from admin.advice.rights import ADVICE
from admin.board.rights import BOARD
from admin.connecting.rights import CONNECTING
from admin.feedback.rights import FEEDBACK
from admin.inbox.rights import INBOX
from admin.licensing.rights import LICENSING
from admin.licensing.types.rights import LICENCE_TYPE_RIGHTS
from admin.noticing.rights import NOTICING
from admin.pushing.rights import PUSHING
from admin.pushing.rule_rights import RULES
from admin.reconciling.rights import RECONCILING
from admin.sharing.rights import SHARING

ROLE_TITLES = {
    "data_admin": "数据管理员",
    "clerk": "窗口",
    "approver": "审批部门",
    "supervisor": "监管部门",
    "overseer": "效能监督",
    "Admin": "系统管理员",
}

#: Every signed-in user: the home page, the developers' pages, their own profile and password.
EVERYBODY = {
    "HomeView": ("can_see",),
    "DeveloperView": ("can_read",),
    "UserDBModelView": ("can_userinfo", "resetmypassword", "userinfoedit"),
    "UserInfoEditView": ("can_this_form_get", "can_this_form_post"),
    "ResetMyPasswordView": ("can_this_form_get", "can_this_form_post"),
}
_FACTS = {
    "CaseView": ("can_list", "can_show", "can_export"),
    "TraceView": ("can_export", "can_verify"),
    "PushView": ("can_list", "can_export"),
}
_WINDOW = {"WorkbenchView": ("can_use", "can_take", "can_accept")}
#: The catalogue, to read.
_CATALOGUE = {
    "ItemView": ("can_list", "can_show"),
    "MaterialTypeView": ("can_list", "can_show"),
    "LicenceTypeView": ("can_list",),
}
_CONFIG = ("can_list", "can_show", "can_add", "can_edit")

RIGHTS: dict[str, dict[str, tuple[str, ...]]] = {
    "data_admin": {
        **_FACTS,
        "PartyView": ("can_list",),
        "DepartmentView": ("can_list", "can_show", "can_add", "can_edit", "can_keys"),
        "ItemView": (*_CONFIG, "can_export"),
        "MaterialTypeView": (*_CONFIG, "can_export"),
        "LicenceTypeView": LICENCE_TYPE_RIGHTS,
        "CodePatternView": _CONFIG,
        "CatalogueView": ("can_exchange",),
        "QuarantineView": ("can_list", "can_show", "can_settle"),
        "OutboxView": ("can_list", "can_unpark", "can_resend"),
        "LedgerView": ("can_list", "can_export"),
        "ProgramView": ("can_list",),
        "UploadView": ("can_upload",),
        **RECONCILING["data_admin"],
        **PUSHING["data_admin"],
        **RULES["data_admin"],
        **SHARING["data_admin"],
        **LICENSING["data_admin"],
        **ADVICE["data_admin"],
        **BOARD,
        **FEEDBACK["data_admin"],
        **NOTICING["data_admin"],
        **CONNECTING["data_admin"],
    },
    "clerk": {
        **_FACTS,
        **_WINDOW,
        **_CATALOGUE,
        "PartyView": ("can_list",),
        "FileView": ("can_read",),
        **PUSHING["clerk"],
        **RULES["clerk"],
        **SHARING["clerk"],
        **LICENSING["clerk"],
        **ADVICE["clerk"],
        **BOARD,
        **FEEDBACK["clerk"],
        **NOTICING["clerk"],
    },
    "approver": {
        **_FACTS,
        **_WINDOW,
        "PartyView": ("can_list",),
        **_CATALOGUE,
        "UploadView": ("can_upload",),
        "DecideView": ("can_decide",),
        "FileView": ("can_read",),
        **PUSHING["approver"],
        **RULES["approver"],
        **SHARING["approver"],
        **LICENSING["approver"],
        **ADVICE["approver"],
        **BOARD,
        **FEEDBACK["approver"],
        **NOTICING["approver"],
    },
    "supervisor": {
        **_FACTS,
        "FileView": ("can_read",),
        **INBOX["supervisor"],
        **RECONCILING["supervisor"],
        **PUSHING["supervisor"],
        **SHARING["supervisor"],
        **LICENSING["supervisor"],
        **ADVICE["supervisor"],
        **FEEDBACK["supervisor"],
        **NOTICING["supervisor"],
        **CONNECTING["supervisor"],
    },
    "overseer": {
        **_FACTS,
        "DepartmentView": ("can_list", "can_show"),
        "QuarantineView": ("can_list", "can_show"),
        "LedgerView": ("can_list", "can_export"),
        "ProgramView": ("can_list",),
        **RECONCILING["overseer"],
        **PUSHING["overseer"],
        **RULES["overseer"],
        **SHARING["overseer"],
        **LICENSING["overseer"],
        **ADVICE["overseer"],
        **BOARD,
        **FEEDBACK["overseer"],
        **NOTICING["overseer"],
        **CONNECTING["overseer"],
    },
}
_LOCK = 0x53484741  # any constant: two migrating programs wait for each other


def prepare(app: Flask) -> None:
    """Create the account tables, the permissions and the roles."""
    with app.app_context():
        appbuilder: Any = app.extensions["appbuilder"]
        session, sm = appbuilder.session, appbuilder.sm
        with session.get_bind().connect() as guard:
            guard.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
            try:
                Model.metadata.create_all(session.get_bind())
                for name in (sm.auth_role_admin, sm.auth_role_public):
                    sm.add_role(name)
                appbuilder.add_permissions(update_perms=True)
                for role in RIGHTS:
                    _grant(sm, role)
                session.commit()
            finally:
                session.remove()
                guard.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _LOCK})


def _grant(sm: Any, role_name: str) -> None:
    wanted = {
        (permission, view)
        for views in (EVERYBODY, RIGHTS[role_name])
        for view, permissions in views.items()
        for permission in permissions
    }
    known = {
        (row.permission.name, row.view_menu.name): row
        for row in sm.session.execute(select(PermissionView)).scalars()
        if row.permission is not None
    }
    if missing := wanted - known.keys():
        raise LookupError(f"no such permission: {sorted(missing)}")
    role = sm.add_role(role_name) or sm.find_role(role_name)
    role.permissions = [known[right] for right in sorted(wanted)]


def ensure_user(
    app: Flask, username: str, password: str, *, role: str, name: str, department: str | None = None
) -> None:
    """A user with this password, role and department, made or brought up to date."""
    with app.app_context():
        appbuilder: Any = app.extensions["appbuilder"]
        sm = appbuilder.sm
        roles = [sm.find_role(role)]
        if roles == [None]:
            raise LookupError(f"没有角色 {role}，请先运行 shenguan migrate。")
        user = sm.find_user(username=username)
        if user is None:
            email = f"{username}@users.invalid"
            user = sm.add_user(username, name, "-", email, roles, password=password)
        else:
            user.roles, user.first_name = roles, name
            sm.update_user(user)
            sm.reset_password(user.id, password)
        sm.session.execute(delete(UserDepartment).where(UserDepartment.user_id == user.id))
        if department:
            sm.session.add(UserDepartment(user_id=user.id, department=department))
        sm.session.commit()
        sm.session.remove()
