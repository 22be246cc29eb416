"""第一步: what somebody new does next, on their own home page; each step leads there, and all of it is gone once done.

Guarantees: a step is done when the fact is there, whoever brought it about; every question is one row off an index or off a
table that is small. Not a tour: nothing is remembered of what anybody has clicked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask_babel import gettext
from sqlalchemy import Connection, exists, select

from admin.premises import may
from hub.case import Case, Decision
from hub.connecting.connector import Connector
from hub.department import Department
from hub.feedback.finding import Finding
from hub.noticing.notice import Notice
from hub.pushing.push import Push
from hub.pushing.rules.rule import PushRule
from hub.reconciling.reconciliation import Reconciliation

_BY_PEOPLE = "user:%"


@dataclass(frozen=True, slots=True)
class FirstStep:
    """One of them."""

    title: str
    note: str
    href: str
    done: bool


def first_steps(tx: Connection, kind: str, mine: str | None) -> list[FirstStep]:
    """The steps of this home page, in order; none once all are done."""
    made = {
        "data_admin": _data_admin, "clerk": _clerk, "approver": _approver, "overseer": _overseer,
    }[kind](tx) if mine is None or kind != "overseer" else _department(tx, mine)  # fmt: skip
    return [] if all(one.done for one in made) else made


def _is(tx: Connection, *conditions: Any) -> bool:
    return bool(tx.scalar(select(exists().where(*conditions))))


def _data_admin(tx: Connection) -> list[FirstStep]:
    return [
        _load(_is(tx, Decision.id.is_not(None))),
        _watch(_is(tx, Push.signed_at.is_not(None))),
        FirstStep(
            gettext("发布一条推送规则"),
            gettext("先试算“会推给谁”，再发布；还有草稿等着"),
            url_for("PushRuleView.list"),
            not _is(tx, PushRule.state == "draft"),
        ),
        FirstStep(
            gettext("接入一个部门"),
            gettext("选方式、对字段、演练、上线，不写代码"),
            url_for("ConnectorView.new"),
            _is(tx, Connector.created_by.like(_BY_PEOPLE)),
        ),
    ]


def _clerk(tx: Connection) -> list[FirstStep]:
    return [
        FirstStep(
            gettext("在窗口工作台受理一件"),
            gettext("输入或扫一个统一社会信用代码，在库能用的材料已经勾好"),
            url_for("WorkbenchView.index"),
            _is(tx, Case.source == "window"),
        ),
        FirstStep(
            gettext("看一件的全程"),
            gettext("办件里点任意一行：推给了谁、谁签了、回了什么"),
            url_for("CaseView.list"),
            _is(tx, Push.signed_at.is_not(None)),
        ),
        FirstStep(
            gettext("等第一条提醒"),
            gettext("部门报“不符合、移交执法”，证照即刻暂扣，这一页自己亮起来"),
            url_for("NoticeView.list"),
            _is(tx, Notice.case_no.is_not(None)),
        ),
    ]


def _approver(tx: Connection) -> list[FirstStep]:
    return [
        FirstStep(
            gettext("登记第一个审批决定"),
            gettext("填事项、相对人、结果；证照照面就在旁边，边填边看"),
            url_for("DecideView.form"),
            _is(tx, Decision.decided_by.like(_BY_PEOPLE)),
        ),
        _load(_is(tx, Decision.id.is_not(None))),
        _watch(_is(tx, Push.signed_at.is_not(None))),
    ]


def _department(tx: Connection, mine: str) -> list[FirstStep]:
    """Of a supervising department: what is pushed to it, and what it says of that."""
    inbox = tx.scalar(select(Department.channel).where(Department.code == mine)) == "web"
    inbox = inbox and may("can_list", "InboxView")
    signed = _is(tx, Push.department == mine, Push.signed_at.is_not(None))
    look = url_for("InboxView.list") if inbox else url_for("PushView.list")
    note = (
        gettext("在收件箱里打开一件，看过材料再签收、认领")
        if inbox
        else gettext("本部门的系统收到后自动签收；点开一件看它的材料和环节")
    )
    if not _is(tx, Push.department == mine):
        note = gettext("还没有推给本部门的。数据管理员发布推送规则、审批部门作出决定后，这里就有了")
    return [
        FirstStep(gettext("收下第一件推送"), note, look, signed),
        FirstStep(
            gettext("报第一条监管信息"),
            gettext("检查结果回到同一办件、同一证照；不符合的，窗口立即知道"),
            look if inbox else url_for("FindingView.list"),
            _is(tx, Finding.department == mine),
        ),
    ]


def _overseer(tx: Connection) -> list[FirstStep]:
    return [
        _watch(_is(tx, Push.signed_at.is_not(None))),
        FirstStep(
            gettext("看第一次对账"),
            gettext("决定 = 推送 = 到达 = 签收：每天夜里与各部门自己签名的数核对"),
            url_for("ReconciliationView.list"),
            _is(tx, Reconciliation.id.is_not(None)),
        ),
    ]


def _load(done: bool) -> FirstStep:
    note = gettext("拖一份 .xlsx 或 .csv 进来；页上可以下载模板，也有合成的示例")
    return FirstStep(gettext("导入一份双公示表"), note, url_for("UploadView.index"), done)


def _watch(done: bool) -> FirstStep:
    note = gettext("每个部门一格，谁签收谁亮")
    return FirstStep(gettext("看各部门签收"), note, url_for("BoardView.show"), done)
