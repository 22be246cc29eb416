"""Who may open what, and what every answer carries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from admin.accounts import RIGHTS, prepare
from tests.admin import cases
from tests.admin.conftest import Hub, sign_in, token_of

PAGES = {
    "/advice/": "AdviceView",
    "/board/": "BoardView",
    "/cases/": "CaseView",
    "/pushes/": "PushView",
    "/decisions/": "DecisionView",
    "/findings/": "FindingView",
    "/licences/": "LicenceView",
    "/licences/issue": "LicenceIssueView",
    "/licence-rules/": "LicenceRuleView",
    "/licence-proposals/": "LicenceProposalView",
    "/licence-notices/": "HolderNoticeView",
    "/parties/": "PartyView",
    "/departments/": "DepartmentView",
    "/items/list/": "ItemView",
    "/rules/list/": "PushRuleView",
    "/rules/trial/": "PushTrialView",
    "/rules/coverage/": "PushCoverageView",
    "/rules/limits/": "PushLimitView",
    "/incomplete-pushes/": "IncompletePushView",
    "/quarantine/": "QuarantineView",
    "/outbox/": "OutboxView",
    "/notices/": "NoticeView",
    "/alerts/": "AlertView",
    "/alert-channels/": "AlertChannelView",
    "/connectors/": "ConnectorView",
    "/enrolment/": "EnrolmentView",
    "/health/": "HealthView",
    "/parked/": "ParkedView",
    "/ledger/": "LedgerView",
    "/programs/": "ProgramView",
    "/loads/": "UploadView",
    "/decide/": "DecideView",
    "/sharing/grants/": "GrantView",
    "/sharing/objections/": "ObjectionView",
    "/sharing/limits/": "LimitView",
    "/reuse/uses/": "UseView",
    "/reconciling/": "ReconciliationView",
    "/reuse/statistics/": "StatisticsView",
    "/workbench/": "WorkbenchView",
    "/inbox/": "InboxView",
    "/inbox-news/": "InboxNewsView",
}


@pytest.mark.parametrize("role", sorted(RIGHTS))
def test_each_role_opens_what_it_needs_and_nothing_else(
    role: str, as_user: Callable[[str], FlaskClient]
) -> None:
    """The matrix of roles and pages is the table RIGHTS: 200 where it says so, 403 everywhere else."""
    client = as_user(role)
    seen = {path: client.get(path).status_code for path in PAGES}
    assert seen == {path: 200 if view in RIGHTS[role] else 403 for path, view in PAGES.items()}


@pytest.mark.parametrize("path", sorted(PAGES))
def test_a_stranger_is_sent_to_the_sign_in_page(path: str, hub: Hub) -> None:
    """Without a session every page leads to the sign-in page."""
    answer = hub.app.test_client().get(path)
    assert answer.status_code == 302
    assert "/login/" in answer.location


def test_users_and_roles_are_the_system_administrators(as_user: Callable[[str], FlaskClient]) -> None:
    """Only Admin sees the users and roles; a data administrator cannot make itself one."""
    assert as_user("Admin").get("/users/list/").status_code == 200
    assert as_user("Admin").get("/roles/list/").status_code == 200
    for role in RIGHTS:
        assert as_user(role).get("/users/list/").status_code in (302, 403)


def test_preparing_again_changes_nothing(hub: Hub) -> None:
    """The migrate step may run again: roles keep exactly their rights."""
    prepare(hub.app)
    with hub.app.app_context():
        sm: Any = hub.app.extensions["appbuilder"].sm
        held = {(p.permission.name, p.view_menu.name) for p in sm.find_role("clerk").permissions}
        sm.session.remove()
    wanted = {(right, view) for view, rights in RIGHTS["clerk"].items() for right in rights}
    assert wanted <= held
    assert not {view for _, view in held} & {"LedgerView", "QuarantineView", "UserApi", "SecurityApi"}


def test_a_departments_user_sees_only_what_was_pushed_to_it(
    hub: Hub, as_user: Callable[[str], FlaskClient]
) -> None:
    """The supervisor of 市场监管局 sees its own pushes, and not a case that was pushed to nobody of theirs."""
    cases.load(hub, 3)
    page = as_user("supervisor").get("/pushes/").get_data(as_text=True)
    assert "示范县市场监督管理局" in page
    assert "示范县综合行政执法局" not in page.split("<tbody>")[1]
    hidden = cases.any_push(hub, "scjg").case_no
    with hub.engine.begin() as tx:
        tx.execute(text("DELETE FROM pushes WHERE case_no = :c AND department = 'scjg'"), {"c": hidden})
    assert as_user("supervisor").get(f"/cases/{hidden}").status_code == 403
    assert as_user("clerk").get(f"/cases/{hidden}").status_code == 200


def test_every_answer_carries_the_security_headers(as_user: Callable[[str], FlaskClient]) -> None:
    """Scripts run only with our nonce, nobody frames us, and the session cookie is HttpOnly and Lax."""
    answer = as_user("clerk").get("/cases/")
    policy = answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'self' 'nonce-" in policy
    assert "'unsafe-inline'" not in policy.split("style-src")[0]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_button_without_a_token_does_nothing(as_user: Callable[[str], FlaskClient]) -> None:
    """CSRF: a POST without the form's token is refused with a sentence."""
    answer = as_user("data_admin").post("/outbox/resend", data={"department": "scjg", "reason": "x"})
    assert answer.status_code == 400
    assert "页面已过期" in answer.get_data(as_text=True)


def test_repeated_failures_lock_a_name_whether_it_exists_or_not(hub: Hub) -> None:
    """After five wrong passwords a real and an invented name are told the same; the right one is refused too."""
    for name in ("overseer", "nobody-of-that-name"):
        client = hub.app.test_client()

        def attempt(password: str, client: FlaskClient = client, name: str = name) -> str:
            token = token_of(client.get("/login/").get_data(as_text=True))
            client.post("/login/", data={"username": name, "password": password, "csrf_token": token})
            return client.get("/login/").get_data(as_text=True)

        said = [attempt("wrong") for _ in range(5)]
        assert "用户名或密码不正确" in said[0]
        assert "登录失败次数过多" in said[4]
        assert "登录失败次数过多" in attempt("correct horse battery")
    answer = hub.app.test_client().post(
        "/api/v1/security/login",
        json={"username": "overseer", "password": "correct horse battery", "provider": "db"},
    )
    assert answer.status_code == 401
    with hub.engine.begin() as tx:
        tx.execute(text("DELETE FROM ab_sign_in_failures"))
    sign_in(hub.app, "overseer")


def test_views_that_share_their_rights_name_them_all(hub: Hub) -> None:
    """Flask-AppBuilder takes away, at every start, what the last view of a name does not name: all name the same."""
    named: dict[str, dict[str, frozenset[str]]] = {}
    for view in hub.app.appbuilder.baseviews:  # type: ignore[attr-defined]
        if rights := getattr(view, "base_permissions", None):
            named.setdefault(view.class_permission_name, {})[type(view).__name__] = frozenset(rights)
    shared = {name: views for name, views in named.items() if len(views) > 1}
    assert {"ConnectorView", "LicenceTypeView"} <= shared.keys()
    assert {name: views for name, views in shared.items() if len(set(views.values())) > 1} == {}
