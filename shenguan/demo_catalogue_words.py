"""The demo's material types, forms and material lists, as data. Nothing here names a real body or person."""

from __future__ import annotations

from typing import Any

from hub.catalogue.fields import FieldDef
from hub.catalogue.item_lines import Line

OFFICE, HEALTH, MARKET = "xzsp", "wjw", "scjg"
#: The last three of 证照类型代码: 营业执照 of the market office; the others are the items' own.
BUSINESS_LICENCE = "101"

_CREDIT = FieldDef("credit_code", "统一社会信用代码", "text", True, max_length=18)
_LEGAL = FieldDef("legal_name", "法定代表人（负责人）", "text", True)
_ADDRESS = FieldDef("address", "住所（经营场所）", "text", True)
_PHONE = FieldDef("contact_phone", "联系电话", "text", True, max_length=20)

#: code, name, provider, header, fields
TYPES: tuple[tuple[str, str, str, dict[str, Any], tuple[FieldDef, ...]], ...] = (
    (
        "CL001",
        "营业执照复印件",
        OFFICE,
        {"holder_kinds": ["legal", "individual"], "sharing": "unconditional", "sharing_conditions": ""},
        (
            _CREDIT,
            FieldDef("company_name", "名称", "text", True),
            _LEGAL,
            _ADDRESS,
            FieldDef("capital", "注册资本", "money"),
            FieldDef("founded_on", "成立日期", "date"),
        ),
    ),
    (
        "CL002",
        "法定代表人身份证明",
        OFFICE,
        {"consent_required": True},
        (_LEGAL, FieldDef("legal_number", "法定代表人公民身份号码", "person_number")),
    ),
    (
        "CL003",
        "场所使用证明",
        OFFICE,
        {"validity_kind": "field", "validity_field": "used_until"},
        (
            _ADDRESS,
            FieldDef("floor_area", "建筑面积（平方米）", "number"),
            FieldDef("rented", "是否租赁", "yes_no"),
            FieldDef("used_until", "使用期限至", "date"),
        ),
    ),
    (
        "CL004",
        "申请书",
        OFFICE,
        {"sharing": "none", "sharing_conditions": "", "sharing_basis": "一事一表，仅供本事项办理"},
        (),
    ),
    ("CL005", "场所平面图", OFFICE, {"formats": ["pdf", "ofd", "jpg", "png"]}, ()),
    (
        "CL006",
        "从业人员健康证明",
        HEALTH,
        {"validity_kind": "months", "validity_length": 12, "consent_required": True},
        (FieldDef("staff_count", "从业人数", "number"),),
    ),
    (
        "CL007",
        "授权委托书",
        OFFICE,
        {"validity_kind": "days", "validity_length": 180, "on_bad_signature": "flag"},
        (FieldDef("agent_name", "受委托人", "text", True), _PHONE),
    ),
    ("CL008", "管理制度文件", OFFICE, {}, ()),
    ("CL009", "专业人员资格证明", OFFICE, {"consent_required": True}, ()),
    ("CL010", "设施设备清单", OFFICE, {"formats": ["pdf", "ofd", "xlsx", "docx"]}, ()),
    ("CL011", "消防安全检查意见", OFFICE, {"validity_kind": "months", "validity_length": 36}, ()),
    (
        "CL012",
        "检测报告",
        HEALTH,
        {
            "validity_kind": "months",
            "validity_length": 24,
            "signature_required": True,
            "on_bad_signature": "flag",
        },
        (FieldDef("report_no", "报告编号", "text", True), FieldDef("qualified", "是否合格", "yes_no", True)),
    ),
    ("CL013", "林权或土地权属证明", OFFICE, {}, (FieldDef("plot_no", "宗地号", "text"),)),
    ("CL014", "专项方案", OFFICE, {}, ()),
    # Data, not paper: the market office supplies it from its own table (shenguan_supplies).
    (
        "CL015",
        "企业登记信息",
        MARKET,
        {"sharing": "unconditional", "sharing_conditions": ""},
        (_CREDIT, FieldDef("company_name", "名称", "text", True), _LEGAL, _ADDRESS),
    ),
)

FORM = (
    FieldDef("credit_code", "统一社会信用代码", "text", False, max_length=18),
    FieldDef("legal_name", "法定代表人（负责人）", "text"),
    _ADDRESS,
    FieldDef("contact_name", "联系人", "text", True),
    _PHONE,
)
FORMS: dict[int, tuple[FieldDef, ...]] = {
    1: (
        *FORM,
        FieldDef("floor_area", "经营面积（平方米）", "number"),
        FieldDef("staff_count", "从业人数", "number"),
    ),
    3: (
        *FORM,
        FieldDef("floor_area", "建筑面积（平方米）", "number"),
        FieldDef("staff_count", "从业人数", "number"),
    ),
    4: (*FORM, FieldDef("contract_price", "合同价格", "money", True)),
}

_BASE = (
    Line("CL001", code="M01", form="copy", stand_ins=(("licence", BUSINESS_LICENCE), ("material", "CL015"))),
    Line("CL002", code="M02", form="copy"),
    Line("CL004", code="M03", form="original"),
)
_AGENT = Line("CL007", code="M09", required=False, note="由他人代办时提交")
_PLACE = Line("CL003", code="M04", form="copy")
_PLAN = Line("CL005", code="M05", may_follow=True, deferral_days=5)
_HEALTH = Line("CL006", code="M06", form="copy", may_follow=True, deferral_days=10)
_RULES = Line("CL008", code="M07")
_TOOLS = Line("CL010", code="M08")
_STAFF = Line("CL009", code="M06", form="copy")
_FIRE = Line("CL011", code="M10", form="copy")
_REPORT = Line("CL012", code="M11", form="copy", may_follow=True)

#: number of the permit (as in XK-001) -> its list; a licence is named by the last three of its type's code
LISTS: dict[int, tuple[Line, ...]] = {
    1: (*_BASE, _PLACE, _PLAN, _HEALTH, _RULES, _TOOLS, _AGENT),
    2: (*_BASE, _PLACE, _PLAN, _STAFF, _RULES, _TOOLS, _AGENT),
    3: (*_BASE, _PLACE, _PLAN, _HEALTH, _REPORT, _AGENT),
    4: (*_BASE, Line("CL013", code="M04", form="copy"), Line("CL014", code="M05", name="施工组织设计"), _STAFF, _AGENT),
    5: (Line("CL002", code="M01", name="申请人身份证明", form="copy"), Line("CL004", code="M02", form="original"),
        Line("CL013", code="M03", form="copy"), Line("CL014", code="M04", name="采伐作业设计", may_follow=True)),
    6: (*_BASE, _PLACE, _PLAN, _FIRE, _AGENT),
    7: (*_BASE, Line("CL010", code="M04", name="运输车辆清单"), _STAFF, Line("CL008", code="M07", name="安全生产管理制度")),
    8: (*_BASE, Line("CL014", code="M04", name="水资源论证报告"), _AGENT),
    9: (*_BASE, _PLACE, _PLAN, _RULES, _TOOLS, _AGENT),
    10: (*_BASE, _PLACE, _FIRE, _STAFF, _RULES, Line("CL014", code="M11", name="办学方案"), _AGENT),
    11: (*_BASE, Line("CL003", code="M04", name="设置位置使用证明", form="copy"),
         Line("CL005", code="M05", name="广告效果图", formats=("pdf", "jpg", "png")), _AGENT),
    12: (*_BASE, Line("CL003", code="M04", form="copy", stand_ins=(("licence", "003"), ("result", "XK-003"))),
         _PLAN, _STAFF, _TOOLS, _AGENT),
}  # fmt: skip

#: number of the permit -> 特殊环节
STEPS: dict[int, list[dict[str, Any]]] = {
    1: [
        {"name": "现场核查", "days": 3, "basis": "食品经营许可和备案管理办法", "fee": False, "counted": True}
    ],
    8: [
        {
            "name": "专家评审",
            "days": 15,
            "basis": "取水许可和水资源费征收管理条例",
            "fee": False,
            "counted": False,
        }
    ],
    10: [{"name": "专家评议", "days": 20, "basis": "民办教育促进法实施条例", "fee": False, "counted": False}],
}
