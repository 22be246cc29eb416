"""What the catalogue's editors offer to choose from, and their words, as one JSON document for the page's script."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import Connection, select

from hub.catalogue.fields import FIELD_TYPES
from hub.catalogue.formats import FORMATS
from hub.catalogue.item_header import CODE_TITLES, element_titles
from hub.catalogue.item_lines import FORM_TITLES
from hub.catalogue.licence_type import LicenceType
from hub.catalogue.material_type import MaterialType, MaterialTypeVersion
from hub.catalogue.version_states import TITLES
from hub.department import Department
from hub.item import ServiceItem
from schemas import code_table_file, code_table_names

SHARING_TITLES = {"unconditional": _("无条件共享"), "conditional": _("有条件共享"), "none": _("不予共享")}
VALIDITY_TITLES = {
    "permanent": _("长期有效"),
    "days": _("自收取之日起若干天"),
    "months": _("自收取之日起若干个月"),
    "field": _("到某个日期字段为止"),
}
BAD_SIGNATURE_TITLES = {"refuse": _("拒收"), "flag": _("收下并标记")}


#: Words of the hub's own tables, by table.
HUB_TITLES: dict[str, dict[str, Any]] = {
    "field": {key: _(text) for key, text in FIELD_TYPES.items()},
    "form": {key: _(text) for key, text in FORM_TITLES.items()},
    "code": {key: _(text) for key, text in CODE_TITLES.items()},
    "state": {key: _(text) for key, text in TITLES.items()},
}


def hub_texts() -> set[str]:
    """The texts that reach gettext through HUB_TITLES."""
    return {text for table in (FIELD_TYPES, FORM_TITLES, CODE_TITLES, TITLES) for text in table.values()}


#: The editors' own words; a script has no gettext.
WORDS = {
    "add": _("添加一行"),
    "addMaterial": _("添加材料"),
    "addField": _("添加字段"),
    "addStep": _("添加特殊环节"),
    "up": _("上移"),
    "down": _("下移"),
    "remove": _("删除"),
    "more": _("更多要求"),
    "less": _("收起"),
    "line": _("第 {n} 行"),
    "chooseType": _("选材料类型：输入名称或代码"),
    "addStandIn": _("添加可替代：材料、证照、事项结果"),
    "standIns": _("可替代"),
    "material": _("材料"),
    "licence": _("证照"),
    "result": _("结果"),
    "materialType": _("材料类型"),
    "name": _("材料名称"),
    "nameHint": _("留空就用类型名称"),
    "required": _("必需"),
    "must": _("必填"),
    "mayFollow": _("可容缺"),
    "days": _("补交期限（工作日）"),
    "daysHint": _("留空按全区时限"),
    "form": _("形式"),
    "copies": _("份数"),
    "formats": _("接受的格式"),
    "formatsHint": _("都不选表示按材料类型"),
    "maxMb": _("最大（MB）"),
    "note": _("给申请人的说明"),
    "code": _("行代码"),
    "unpublished": _("未发布"),
    "none": _("没有匹配的条目"),
    "label": _("字段名称"),
    "fieldName": _("字段代号"),
    "type": _("类型"),
    "table": _("代码表"),
    "length": _("最大长度"),
    "stepName": _("环节名称"),
    "stepDays": _("所需时限（工作日）"),
    "basis": _("法定依据"),
    "fee": _("收费"),
    "counted": _("计入法定时限"),
    "emptyLines": _("清单还是空的。点“添加材料”，从材料类型中选择。"),
    "emptyFields": _("还没有字段。"),
    "emptySteps": _("没有特殊环节。"),
    "emptyMustSteps": _("不检查环节。"),
    "emptyMustElements": _("不检查要素。"),
    "addElement": _("添加要素"),
    "element": _("要素"),
    "unsaved": _("有未保存的修改"),
    "choose": _("请选择"),
    "chosen": _("已添加 {name}"),
    "removed": _("已删除 {name}"),
    "moved": _("{name} 移到第 {n} 行"),
}


def field_options() -> dict[str, Any]:
    """For the schema editor."""
    return {
        "types": [[key, str(text)] for key, text in HUB_TITLES["field"].items()],
        "tables": [[name, code_table_file(name)["title"]] for name in code_table_names()],
        "words": {key: str(text) for key, text in WORDS.items()},
    }


def line_options(tx: Connection, item_code: str) -> dict[str, Any]:
    """For the material list, beside the schema editor's."""
    materials = tx.execute(
        select(MaterialType.code, MaterialType.name, MaterialType.published_version).order_by(
            MaterialType.code
        )
    )
    licences = tx.execute(
        select(LicenceType.code, LicenceType.name).where(LicenceType.active).order_by(LicenceType.name)
    )
    items = tx.execute(
        select(ServiceItem.code, ServiceItem.name)
        .where(ServiceItem.active, ServiceItem.code != item_code)
        .order_by(ServiceItem.code)
    )
    return {
        "materials": [[row.code, row.name, row.published_version] for row in materials],
        "licences": [[row.code, row.name] for row in licences],
        "items": [[row.code, row.name] for row in items],
        "forms": [[key, str(text)] for key, text in HUB_TITLES["form"].items()],
        "formats": list(FORMATS),
        "known": known_fields(tx),
        "known_steps": [[name, ""] for name in ("受理", "审查", "决定", "制证", "送达")],
        "elements": [list(one) for one in element_titles().items()],
        **field_options(),
    }


def known_fields(tx: Connection) -> list[list[str]]:
    """Fields of published types: the same name in a form is filled from them (一表通)."""
    rows = tx.execute(select(MaterialTypeVersion.fields).where(MaterialTypeVersion.state == "published"))
    found: dict[str, list[str]] = {}
    for row in rows:
        for one in row.fields:
            name, label = str(one["name"]), str(one["label"])
            found.setdefault(name, [name, label, str(one["type"]), str(one.get("code_table") or "")])
    return sorted(found.values())


def departments(tx: Connection) -> list[tuple[str, str]]:
    """Who may provide."""
    rows = tx.execute(
        select(Department.code, Department.name).where(Department.active).order_by(Department.code)
    )
    return [(row.code, row.name) for row in rows]
