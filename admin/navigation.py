"""The side bar: one table of what there is to open, and the right that each entry asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import request, url_for
from flask_babel import lazy_gettext as _

from admin.advice.advice_list import waiting
from admin.inbox.tabs import to_sign
from admin.licensing.proposal_pages import open_proposals
from admin.noticing.alert_pages import open_alerts_now
from admin.premises import may


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the side bar."""

    label: Any
    icon: str
    endpoint: str
    right: str
    view: str
    waiting: Callable[[], int] | None = None  # how much waits there for the signed-in user

    @property
    def href(self) -> str:
        """Where it leads."""
        return url_for(self.endpoint)

    @property
    def current(self) -> bool:
        """Whether the page shown belongs to it."""
        return bool(request.endpoint and request.endpoint.split(".")[0] == self.endpoint.split(".")[0])


SECTIONS: tuple[tuple[Any, tuple[Entry, ...]], ...] = (
    (
        None,
        (
            Entry(_("首页"), "home", "HomeView.index", "can_see", "HomeView"),
            Entry(_("签收看板"), "pulse", "BoardView.show", "can_see", "BoardView"),
            Entry(_("窗口提醒"), "bell", "NoticeView.list", "can_list", "NoticeView"),
        ),
    ),
    (
        _("办理"),
        (
            Entry(_("收件箱"), "outbox", "InboxView.list", "can_list", "InboxView", to_sign),
            Entry(_("窗口工作台"), "window", "WorkbenchView.index", "can_use", "WorkbenchView"),
            Entry(_("登记审批决定"), "stamp", "DecideView.form", "can_decide", "DecideView"),
            Entry(_("数据导入"), "upload", "UploadView.index", "can_upload", "UploadView"),
        ),
    ),
    (
        _("业务"),
        (
            Entry(_("办件"), "folder", "CaseView.list", "can_list", "CaseView"),
            Entry(_("推送"), "send", "PushView.list", "can_list", "PushView"),
            Entry(_("推送完整性"), "check", "IncompletePushView.list", "can_list", "IncompletePushView"),
            Entry(_("监管信息"), "eye", "FindingView.list", "can_list", "FindingView"),
            Entry(_("协调建议"), "talk", "AdviceView.list", "can_list", "AdviceView", waiting),
            Entry(_("行政相对人"), "people", "PartyView.list", "can_list", "PartyView"),
            Entry(_("对账"), "check", "ReconciliationView.list", "can_list", "ReconciliationView"),
        ),
    ),
    (
        _("电子证照"),
        (
            Entry(_("证照查询"), "badge", "LicenceView.list", "can_list", "LicenceView"),
            Entry(_("签发证照"), "stamp", "LicenceIssueView.form", "can_issue", "LicenceIssueView"),
            Entry(_("批量制证与导入"), "upload", "LicenceBatchView.list", "can_list", "LicenceBatchView"),
            Entry(
                _("待确认处置"),
                "shield",
                "LicenceProposalView.list",
                "can_list",
                "LicenceProposalView",
                open_proposals,
            ),
            Entry(_("持证人提醒"), "send", "HolderNoticeView.list", "can_list", "HolderNoticeView"),
            Entry(_("联动规则"), "route", "LicenceRuleView.list", "can_list", "LicenceRuleView"),
        ),
    ),
    (
        _("共享与复用"),
        (
            Entry(_("共享授权"), "key", "GrantView.list", "can_list", "GrantView"),
            Entry(_("校核纠错"), "check", "ObjectionView.list", "can_list", "ObjectionView"),
            Entry(_("复用记录"), "file", "UseView.list", "can_list", "UseView"),
            Entry(_("复用统计"), "pulse", "StatisticsView.list", "can_list", "StatisticsView"),
            Entry(_("办理时限"), "list", "LimitView.list", "can_list", "LimitView"),
        ),
    ),
    (
        _("配置"),
        (
            Entry(_("部门与密钥"), "key", "DepartmentView.list", "can_list", "DepartmentView"),
            Entry(_("部门连接器"), "plug", "ConnectorView.list", "can_list", "ConnectorView"),
            Entry(_("入网码"), "key", "EnrolmentView.list", "can_list", "EnrolmentView"),
            Entry(_("事项目录"), "list", "ItemView.list", "can_list", "ItemView"),
            Entry(_("材料类型"), "file", "MaterialTypeView.list", "can_list", "MaterialTypeView"),
            Entry(_("证照类型"), "badge", "LicenceTypeView.list", "can_list", "LicenceTypeView"),
            Entry(_("编码规则"), "check", "CodePatternView.list", "can_list", "CodePatternView"),
            Entry(_("推送规则"), "route", "PushRuleView.list", "can_list", "PushRuleView"),
            Entry(_("推送时限"), "list", "PushLimitView.index", "can_list", "PushLimitView"),
        ),
    ),
    (
        _("运行"),
        (
            Entry(_("告警"), "bell", "AlertView.list", "can_list", "AlertView", open_alerts_now),
            Entry(_("部门健康"), "pulse", "HealthView.list", "can_list", "HealthView"),
            Entry(_("隔离区"), "shield", "QuarantineView.list", "can_list", "QuarantineView"),
            Entry(_("搁置的办件"), "lock", "ParkedView.list", "can_list", "ParkedView"),
            Entry(_("发件箱"), "outbox", "OutboxView.list", "can_list", "OutboxView"),
            Entry(_("运行状态"), "pulse", "ProgramView.list", "can_list", "ProgramView"),
            Entry(_("留痕账本"), "book", "LedgerView.list", "can_list", "LedgerView"),
        ),
    ),
    (
        _("系统"),
        (
            Entry(_("用户"), "user", "UserDBModelView.list", "can_list", "UserDBModelView"),
            Entry(_("角色"), "lock", "RoleModelView.list", "can_list", "RoleModelView"),
            Entry(_("开发者文档"), "book", "DeveloperView.index", "can_read", "DeveloperView"),
        ),
    ),
)


def sections() -> list[tuple[Any, list[Entry]]]:
    """What the signed-in user may open."""
    seen = [(title, [e for e in entries if may(e.right, e.view)]) for title, entries in SECTIONS]
    return [(title, entries) for title, entries in seen if entries]
