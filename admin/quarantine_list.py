"""The list of the quarantine: from whom, why, what to do about it; and how many came and were settled on each day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from markupsafe import Markup
from sqlalchemy import Connection, Select, func, select

from admin import cells
from admin.home_figures import today
from admin.in_words import in_words
from admin.listing import Choice, Column, Listing, codes, words
from hub.department import Department
from hub.exchange.inbox import Quarantined
from hub.exchange.settle_quarantine import REPLAYABLE

DAYS = 30
#: cause -> what to do
ADVICE = {
    "unsigned": _("消息没有签名，无法知道是谁发的，只能作废。请部门检查连接器的签名设置。"),
    "bad_signature": _("签名和内容对不上，可能被改动，只能作废。请部门用登记的密钥重新签名发送。"),
    "unknown_key": _("签名用的密钥没有登记，只能作废。请部门先登记公钥，再重新发送。"),
    "revoked_key": _("签名用的密钥已经吊销或停用，只能作废。请部门换用有效密钥重新发送。"),
    "wrong_sender": _("签名人和主题所属部门不一致，只能作废。请核对部门的主题和密钥设置。"),
    "not_json": _("内容不是完整的 JSON，只能作废。请部门检查编码后重新发送。"),
    "schema": _("内容缺项或格式不对，标红处需要部门改正后用新的事件编号重新发送；本平台升级后也可以重放。"),
    "unknown_type": _("消息类型本平台不收。请部门改用公布的类型；本平台升级后可以重放。"),
    "too_large": _("消息超过上限，只能作废。请部门把文件先作为佐证上传，消息里只写摘要。"),
    "unknown_case": _("办件还没有进入本平台。请先补录办件和决定，再重放。"),
    "unknown_push": _("回执所指的消息不是发给该部门的，或摘要不符。请核对后重放，或作废。"),
    "unknown_material": _("该部门没有登记为这种材料的来源。请先在材料类型里登记来源部门，再重放。"),
    "unknown_finding": _("所指的监管信息还没有收到。等那一条到达后重放。"),
    "unknown_evidence": _("佐证文件还没有上传。请部门上传文件，再重放。"),
    "unknown_thread": _("所指的协调建议不存在。请部门核对编号，或等先前的消息到达后重放。"),
}


def _query() -> Select[Any]:
    return (
        select(
            Quarantined.id,
            Quarantined.topic,
            Quarantined.cause,
            Quarantined.message,
            Quarantined.size,
            Quarantined.state,
            Quarantined.received_at,
            Quarantined.event_id,
            Department.name.label("department_name"),
        )
        .select_from(Quarantined)
        .outerjoin(Department, Department.code == Quarantined.department)
    )


def _departments(tx: Connection) -> list[tuple[str, Any]]:
    return [
        (row.code, row.name) for row in tx.execute(select(Department.code, Department.name).order_by("name"))
    ]


def _older(**by: float) -> Any:
    return lambda: Quarantined.received_at < datetime.now(UTC) - timedelta(**by)


def _ages(tx: Connection) -> list[tuple[str, Any]]:
    del tx
    return [("hour", gettext("一小时以上")), ("day", gettext("一天以上")), ("week", gettext("七天以上"))]


def _pick(row: Any) -> Any:
    if row.state != "held":
        return ""
    return Markup('<input type="checkbox" name="id" value="{}" form="bulk" aria-label="{}">').format(
        row.id, gettext("选择")
    )


def _when(row: Any) -> Markup:
    return Markup('<a href="{}">{}</a>').format(
        url_for("QuarantineView.show", number=row.id), cells.when(row.received_at)
    )


LISTING = Listing(
    title=_("隔离区"),
    query=_query,
    columns=(
        Column("pick", Markup('<input type="checkbox" data-check-all="id">'), _pick, None, narrow=True),
        Column("received_at", _("收到时间"), _when, Quarantined.received_at, narrow=True),
        Column(
            "department_name",
            _("来自"),
            lambda r: cells.plain(r.department_name or r.topic),
            None,
            narrow=True,
        ),
        Column(
            "cause",
            _("原因"),
            lambda r: cells.pill(
                cells.code_text("quarantine_cause", r.cause), "warn" if r.cause in REPLAYABLE else "bad"
            ),
            Quarantined.cause,
            narrow=True,
        ),
        Column("message", _("说明"), lambda r: cells.clip(in_words(r.message), 60)),
        Column("size", _("大小"), lambda r: cells.size(r.size), Quarantined.size, wider=True),
        Column(
            "state",
            _("状态"),
            lambda r: cells.word("quarantine_state", r.state),
            Quarantined.state,
            narrow=True,
        ),
    ),
    order=(Quarantined.received_at.desc(), Quarantined.id.desc()),
    search=(Quarantined.topic, Quarantined.event_id, Quarantined.message),
    search_hint=_("主题、事件编号、说明"),
    choices=(
        Choice("state", _("状态"), Quarantined.state, words("quarantine_state")),
        Choice("department", _("来自"), Quarantined.department, _departments),
        Choice("cause", _("原因"), Quarantined.cause, codes("quarantine_cause")),
        Choice(
            "age",
            _("已等"),
            None,
            _ages,
            {"hour": _older(hours=1), "day": _older(days=1), "week": _older(days=7)},
        ),
    ),
    day=(_("收到日期"), Quarantined.received_at),
    empty=_("隔离区是空的：所有消息都已通过验签和校验。"),
)


def trend(tx: Connection) -> dict[str, list[Any]] | None:
    """How many came and were settled on each of the last thirty days; None: none at all."""
    since = today() - timedelta(days=DAYS - 1)

    def counted(column: Any) -> dict[Any, int]:
        day = func.date(func.timezone("Asia/Shanghai", column))
        rows = tx.execute(select(day, func.count()).where(column >= since).group_by(day))
        return {row[0]: row[1] for row in rows}

    came, settled = counted(Quarantined.received_at), counted(Quarantined.settled_at)
    if not came and not settled:
        return None
    days = [(since + timedelta(days=n)).date() for n in range(DAYS)]
    return {
        "labels": [day.strftime("%m-%d") for day in days],
        "pushed": [came.get(day, 0) for day in days],
        "signed": [settled.get(day, 0) for day in days],
    }
