"""A small catalogue for tests, made by the real verbs: seven material types, three items, published."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from hub.catalogue.draft_item import draft_item, set_form, set_header, set_requirements
from hub.catalogue.draft_type import add_type, draft_type, set_type
from hub.catalogue.fields import FieldDef
from hub.catalogue.item_lines import Line
from hub.catalogue.licence_type import LicenceType
from hub.catalogue.material_type import MaterialType
from hub.catalogue.publish_item import publish_item
from hub.catalogue.publish_type import publish_type
from hub.department import Department
from hub.item import ServiceItem

#: Departments of the sample: the approval office takes, the health office takes, too.
OFFICE, HEALTH = "xzsp", "wjw"
FOOD, HYGIENE, CLINIC = "XK-001", "XK-003", "XK-012"
FOOD_LICENCE = "11370100MB00000194001"

_DEPARTMENTS = (
    (OFFICE, "示范县行政审批服务局", "11370100MB00000194"),
    (HEALTH, "示范县卫生健康局", None),
)
_ITEMS = ((FOOD, "食品经营许可"), (HYGIENE, "公共场所卫生许可"), (CLINIC, "医疗机构执业登记备案"))

#: code, name, header, fields
TYPES: tuple[tuple[str, str, dict[str, Any], tuple[FieldDef, ...]], ...] = (
    (
        "business-licence",
        "营业执照复印件",
        {},
        (
            FieldDef("credit_code", "统一社会信用代码", "text", True, max_length=18),
            FieldDef("address", "住所", "text", True),
            FieldDef("capital", "注册资本", "money"),
        ),
    ),
    (
        "legal-person-id",
        "法定代表人身份证明",
        {"consent_required": True},
        (
            FieldDef("legal_name", "法定代表人", "text", True),
            FieldDef("legal_number", "法定代表人身份证号", "person_number"),
        ),
    ),
    (
        "premises",
        "经营场所使用证明",
        {"validity_kind": "field", "validity_field": "lease_to"},
        (
            FieldDef("address", "住所", "text"),
            FieldDef("area", "面积（平方米）", "number"),
            FieldDef("lease_to", "租赁期至", "date"),
        ),
    ),
    ("application", "申请书", {"sharing": "none", "sharing_basis": "一事一表，不供其他事项使用"}, ()),
    ("floor-plan", "平面图", {"formats": ["pdf", "jpg", "png"]}, ()),
    ("health-proof", "从业人员健康证明", {"validity_kind": "months", "validity_length": 12}, ()),
    ("power-of-attorney", "授权委托书", {"signature_required": True, "on_bad_signature": "flag"}, ()),
)

FORM = (
    FieldDef("credit_code", "统一社会信用代码", "text", True, max_length=18),
    FieldDef("legal_name", "法定代表人", "text", True),
    FieldDef("address", "住所", "text", True),
    FieldDef("contact_phone", "联系电话", "text"),
)

LINES: dict[str, tuple[Line, ...]] = {
    FOOD: (
        Line("business-licence", code="M01"),
        Line("legal-person-id", code="M02"),
        Line("premises", code="M03"),
        Line("floor-plan", code="M04"),
        Line("application", code="M05", form="original"),
        Line("health-proof", code="M06", may_follow=True, deferral_days=5),
        Line("power-of-attorney", code="M07", required=False),
    ),
    HYGIENE: (
        Line("business-licence", code="M01"),
        Line("legal-person-id", code="M02"),
        Line("premises", code="M03", stand_ins=(("licence", FOOD_LICENCE),)),
        Line("floor-plan", code="M04"),
        Line("application", code="M05", form="original"),
    ),
    CLINIC: (
        Line("business-licence", code="M01"),
        Line("premises", code="M02", stand_ins=(("result", HYGIENE), ("material", "floor-plan"))),
        Line("application", code="M03", form="original"),
    ),
}


def publish_sample_type(
    tx: Connection,
    code: str,
    name: str = "",
    header: dict[str, Any] | None = None,
    fields: Sequence[FieldDef] | None = None,
    *,
    actor: str = "user:test",
) -> int:
    """Publish a new type, or the next version of one that is there, with this header and these fields."""
    if tx.execute(select(MaterialType.code).where(MaterialType.code == code)).first():
        draft = draft_type(tx, code, actor=actor)
    else:
        draft = add_type(tx, code=code, name=name or code, actor=actor)
    set_type(tx, draft, header or {}, fields, actor=actor)
    return publish_type(tx, draft, actor=actor)


def publish_sample_item(
    tx: Connection,
    code: str,
    lines: Sequence[Line],
    form: Sequence[FieldDef] = (),
    *,
    name: str = "",
    header: dict[str, Any] | None = None,
    actor: str = "user:test",
) -> uuid.UUID:
    """Publish an item's next version with this list, the item made if it is not there; the version's id."""
    tx.execute(insert(ServiceItem).values(code=code, name=name or code).on_conflict_do_nothing())
    draft = draft_item(tx, code, actor=actor)
    if header:
        set_header(tx, draft, header, actor=actor)
    set_form(tx, draft, form, actor=actor)
    set_requirements(tx, draft, lines, actor=actor)
    publish_item(tx, draft, actor=actor)
    return draft


def publish_sample_catalogue(tx: Connection, actor: str = "user:test") -> dict[str, uuid.UUID]:
    """Two approving departments, TYPES, and three items with LINES: the published versions' ids by item code."""
    for code, name, uscc in _DEPARTMENTS:
        row = {"code": code, "name": name, "uscc": uscc, "roles": ["approving"]}
        tx.execute(insert(Department).values(row).on_conflict_do_nothing())
    licence = {"code": FOOD_LICENCE, "name": "食品经营许可证", "provider": OFFICE}
    tx.execute(insert(LicenceType).values(licence).on_conflict_do_nothing())
    for code, name in _ITEMS:
        tx.execute(insert(ServiceItem).values(code=code, name=name).on_conflict_do_nothing())
    for code, name, header, fields in TYPES:
        publish_sample_type(tx, code, name, {"provider": OFFICE, **header}, fields, actor=actor)
    return {
        code: publish_sample_item(tx, code, LINES[code], FORM, name=name, actor=actor)
        for code, name in _ITEMS
    }
