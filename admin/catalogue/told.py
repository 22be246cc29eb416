"""How a difference between two versions, and a row of the change history, reads on a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _

from admin.catalogue.choices import BAD_SIGNATURE_TITLES, HUB_TITLES, SHARING_TITLES, VALIDITY_TITLES
from hub.catalogue.compare import Change
from hub.catalogue.formats import MIB
from schemas import code_table

PARTS = {"header": _("基本信息"), "lines": _("材料清单"), "fields": _("字段"), "form": _("申请表字段")}
BOXES = {
    "name": _("名称"),
    **HUB_TITLES["code"],
    "item_type": _("事项类型"),
    "case_type": _("办件类型"),
    "exercise_level": _("行使层级"),
    "legal_days": _("法定时限（工作日）"),
    "promised_days": _("承诺时限（工作日）"),
    "licence_type_code": _("证照类型代码"),
    "licence_name": _("证照名称"),
    "aliases": _("别名"),
    "sharing": _("共享属性"),
    "sharing_conditions": _("共享条件"),
    "sharing_basis": _("不予共享的依据"),
    "special_steps": _("特殊环节"),
    "must_steps": _("推送须有的环节"),
    "must_elements": _("推送须有的要素"),
    "provider": _("数源部门"),
    "holder_kinds": _("适用的相对人"),
    "consent_required": _("须经当事人同意"),
    "signature_required": _("须有电子签名"),
    "on_bad_signature": _("签名无效时"),
    "formats": _("接受的格式"),
    "max_bytes": _("最大文件"),
    "accepts_from": _("可复用的最早版本"),
    "validity_kind": _("有效期规则"),
    "validity_length": _("有效期长度"),
    "validity_field": _("有效期至的字段"),
    "material_type": _("材料类型"),
    "code": _("行代码"),
    "required": _("必需"),
    "may_follow": _("可容缺"),
    "deferral_days": _("补交期限（工作日）"),
    "form": _("形式"),
    "copies": _("份数"),
    "note": _("说明"),
    "stand_ins": _("可替代"),
    "label": _("字段名称"),
    "type": _("类型"),
    "code_table": _("代码表"),
    "max_length": _("最大长度"),
    "order": _("顺序"),
    "active": _("状态"),
}
_TITLES: dict[str, Mapping[str, Any]] = {
    "sharing": SHARING_TITLES,
    "validity_kind": VALIDITY_TITLES,
    "on_bad_signature": BAD_SIGNATURE_TITLES,
    "form": HUB_TITLES["form"],
    "type": HUB_TITLES["field"],
}
_CODED = ("item_type", "case_type", "exercise_level")


@dataclass(frozen=True, slots=True)
class Told:
    """One difference, in words. `kind`: added, removed, changed."""

    part: str
    line: str
    field: str
    before: str
    after: str
    kind: str


def told(change: Change) -> Told:
    """A difference in words."""
    if not change.field:
        row = change.after if change.before is None else change.before
        kind = "added" if change.before is None else "removed"
        summary = _line(row)
        name = str(row.get("name") or row.get("label") or change.line)
        name = str(row.get("label") or name) if change.part == "fields" else name
        return Told(
            str(PARTS[change.part]),
            f"{change.line} {name}",
            "",
            summary if kind == "removed" else "",
            summary if kind == "added" else "",
            kind,
        )
    return Told(
        str(PARTS[change.part]),
        change.line,
        str(BOXES.get(change.field, change.field)),
        value_text(change.field, change.before),
        value_text(change.field, change.after),
        "changed",
    )


def recorded(row: Mapping[str, Any]) -> Told:
    """A difference as the ledger keeps it."""
    return told(Change(row["part"], row["line"], row["field"], row["was"], row["is"]))


def _line(row: Mapping[str, Any]) -> str:
    kept = [
        f"{BOXES[key]}：{value_text(key, value)}"
        for key, value in row.items()
        if key in BOXES and key not in ("name", "label", "code") and value not in (None, "", [], False)
    ]
    return "；".join(kept)


def value_text(field: str, value: Any) -> str:
    """A value of a header, line or field as a person reads it."""
    if value is None or value == "" or value == []:
        return ""
    if isinstance(value, bool):
        return gettext("是") if value else gettext("否")
    if field in _CODED:
        return gettext(code_table(field).get(str(value), str(value)))
    if field in _TITLES:
        return str(_TITLES[field].get(str(value), value))
    if field == "holder_kinds":
        return "、".join(gettext(code_table("party_kind").get(str(one), str(one))) for one in value)
    if field == "max_bytes":
        return f"{int(value) // MIB} MB"
    if field == "special_steps":
        return "；".join(f"{one['name']}（{one.get('days') or 0}）" for one in value)
    if field in ("must_steps", "must_elements"):
        return "、".join(str(one.get("title") or one["name"]) for one in value)
    if field == "stand_ins":
        return "、".join(f"{_KINDS[kind]} {code}" for kind, code in value)
    if isinstance(value, list | tuple):
        return "、".join(str(one) for one in value)
    return str(value)


_KINDS = {"material": _("材料"), "licence": _("证照"), "result": _("结果")}
