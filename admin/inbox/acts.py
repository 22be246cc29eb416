"""What a department's user can report on a push: each act is one message, and a short form of boxes.

A box has the name of the field of the message's data that it fills, so that what a schema or the hub objects to is shown at
the right one. `only` names another box and the values with which this one counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _


@dataclass(frozen=True, slots=True)
class Box:
    """One box of a form."""

    name: str
    title: Any
    kind: str = "text"  # text, area, date, moment, code, codes, money, people, number, ratio, pick
    required: bool = False
    table: str = ""  # of codes
    hint: Any = ""
    longest: int = 200
    only: tuple[str, tuple[str, ...]] | None = None
    more: bool = False  # under “更多”


@dataclass(frozen=True, slots=True)
class Act:
    """One thing to report."""

    key: str
    title: Any
    event_type: str
    kind: str  # of the finding that it becomes
    prefix: str  # of the number that is proposed
    boxes: tuple[Box, ...]
    note: Any = ""
    number: str = "fact_no"


_EXPLAIN = Box("explain", _("说明"), "area", longest=4000)
_PEOPLE = Box(
    "inspectors",
    _("检查人员"),
    "people",
    hint=_("姓名，可在括号里写执法证号，几个人用顿号隔开：示例己（99010100001）、示例庚"),
)
_TRANSFER = Box("transfer_to", _("移交给"), "pick", hint=_("接收的执法部门会收到这条信息"))
_PUBLICITY = Box("publicity", _("公示范围"), "code", table="publicity", more=True)

PLAN = Act(
    "plan",
    _("监管计划"),
    "supervision.planned.v1",
    "plan",
    "JH",
    (
        Box("plan_name", _("计划名称"), required=True),
        Box("from", _("开始"), "date", required=True),
        Box("to", _("结束"), "date"),
        Box("way", _("检查方式"), "code", table="inspection_way"),
        Box("frequency", _("频次"), longest=100, hint=_("如：每年两次")),
        Box("ratio", _("抽查比例（%）"), "ratio", more=True),
        Box("scope", _("对象范围"), longest=500, more=True),
        _EXPLAIN,
    ),
    _("先有计划，再按计划检查；报送计划后这条推送进入“监管中”。"),
)
INSPECTION = Act(
    "inspection",
    _("检查"),
    "finding.reported.v1",
    "inspection",
    "JC",
    (
        Box("inspected_at", _("检查时间"), "moment", required=True),
        Box("inspectors", _PEOPLE.title, "people", required=True, hint=_PEOPLE.hint),
        Box("check_result", _("检查结果"), "code", required=True, table="check_result"),
        Box("handling", _("处理结果"), "code", required=True, table="handling"),
        Box("rectify_by", _("整改到期日"), "date", required=True, only=("handling", ("2",))),
        Box("transfer_to", _TRANSFER.title, "pick", hint=_TRANSFER.hint, only=("handling", ("3",))),
        _EXPLAIN,
        Box("inspection_form", _("检查形式"), "code", table="inspection_form"),
        Box("inspection_way", _("检查方式"), "code", table="inspection_way"),
        Box(
            "double_random_result",
            _("双随机抽查结果"),
            "code",
            required=True,
            table="double_random_result",
            only=("inspection_way", ("double_random",)),
        ),
        Box("plan_no", _("所属监管计划"), "pick", more=True),
        Box("supervise_item_name", _("监管事项"), more=True),
        _PUBLICITY,
    ),
    number="finding_no",
)
RECTIFICATION = Act(
    "rectification",
    _("整改复查"),
    "rectification.reported.v1",
    "rectification",
    "ZG",
    (
        Box("finding_no", _("针对哪次检查"), "pick", required=True),
        Box("round", _("第几次整改"), "number", required=True),
        Box("checked_at", _("复查时间"), "moment", required=True),
        Box("result", _("整改结果"), "code", required=True, table="rectification_result"),
        Box("rectify_by", _("继续整改到期日"), "date", required=True, only=("result", ("2",))),
        Box("transfer_to", _TRANSFER.title, "pick", hint=_TRANSFER.hint, only=("result", ("3",))),
        _PEOPLE,
        _EXPLAIN,
    ),
)
ENFORCEMENT = Act(
    "enforcement",
    _("执法结果"),
    "enforcement.decided.v1",
    "enforcement",
    "CF",
    (
        Box("finding_no", _("依据哪次检查"), "pick"),
        Box("document_no", _("处罚决定书文号"), required=True, longest=128),
        Box("decided_on", _("处罚决定日期"), "date", required=True),
        Box("result", _("执法结果"), "code", required=True, table="enforcement_result"),
        Box("punish_types", _("处罚种类"), "codes", table="punish_type"),
        Box("fine_fen", _("罚款金额（元）"), "money"),
        Box("confiscated_fen", _("没收金额（元）"), "money"),
        Box("illegal_fact", _("违法事实"), "area", longest=5000),
        Box("basis", _("处罚依据"), "area", longest=2000),
        Box("content", _("处罚内容"), "area", longest=4000),
        _PUBLICITY,
        Box("publish_until", _("公示截止期"), "date", more=True),
        Box("officers", _("执法人员"), "people", hint=_PEOPLE.hint, more=True),
        Box("explain", _("说明"), "area", longest=4000, more=True),
    ),
)
CREDIT = Act(
    "credit",
    _("信用记录"),
    "credit.recorded.v1",
    "credit",
    "XY",
    (
        Box("kind", _("种类"), "code", required=True, table="credit_kind"),
        Box("recorded_on", _("认定日期"), "date", required=True),
        Box("until", _("有效期至"), "date"),
        Box("document_no", _("认定文书号"), longest=128),
        _EXPLAIN,
    ),
)
WITHDRAWAL = Act(
    "withdrawal",
    _("撤销所报"),
    "finding.withdrawn.v1",
    "withdrawal",
    "CX",
    (
        Box("withdraws", _("撤销哪一条"), "pick", required=True),
        Box("reason", _("原因"), "area", required=True, longest=2000),
    ),
    _("撤销后原来那条不再起作用，但留痕还在。只是写错了，请用那一条旁边的“更正”。"),
)
ACTS: dict[str, Act] = {
    act.key: act for act in (PLAN, INSPECTION, RECTIFICATION, ENFORCEMENT, CREDIT, WITHDRAWAL)
}
