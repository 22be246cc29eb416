"""How push rules read: ways of comparing, limits, kinds of findings, and every path that can be withheld."""

from __future__ import annotations

from typing import Any

from flask_babel import get_locale, gettext
from flask_babel import lazy_gettext as _

from hub.catalogue.item_header import element_titles
from hub.pushing.rules.draft_rule import RuleVersion
from hub.pushing.withhold import LISTS, members, parse_path
from schemas import code_table

WAYS = {
    "equals": _("等于"),
    "one_of": _("是其中之一"),
    "contains": _("包含"),
    "starts": _("开头是"),
    "present": _("有内容"),
    "absent": _("没有内容"),
    "at_least": _("不小于"),
    "at_most": _("不大于"),
}
DAYS = {"sign": _("签收"), "claim": _("认领"), "plan": _("首次监管计划"), "feedback": _("反馈")}
INCOMPLETE = {"flag": _("照推，注明缺少什么"), "block": _("暂不推送，等补齐或放行")}
SECTIONS = {
    "case": _("办件"),
    "result": _("审批结果"),
    "licence": _("证照"),
    "elements": _("要素"),
    "steps": _("环节"),
    "materials": _("材料"),
    "reused": _("复用"),
    "promised": _("容缺承诺"),
    "form": _("申请表"),
}
SOURCES = {
    "both": _("事项和部门"),
    "item": _("事项"),
    "department": _("部门"),
    "area": _("全区"),
    "nowhere": _("没有规定"),
}
STATES = {
    "draft": (_("草稿"), "wait"),
    "published": (_("已发布"), "good"),
    "superseded": (_("已被新版替代"), "mute"),
    "withdrawn": (_("已撤下"), "bad"),
}
FIELDS = {
    "name": _("规则名称"),
    "item_codes": _("事项"),
    "area_prefixes": _("区划"),
    "result_types": _("办结结果"),
    "party_kinds": _("相对人"),
    "elements": _("要素条件"),
    "incomplete": _("内容不完整时"),
    "note": _("说明"),
    "departments": _("接收部门"),
}


def member_title(description: str) -> str:
    """The half of "中文 / English" that the reader reads."""
    chinese, _mark, english = description.partition(" / ")
    said = english if english and str(get_locale()).startswith("en") else chinese
    return said.partition("，")[0].partition("：")[0]


def path_title(path: str) -> str:
    """A path as a person reads it."""
    parts = parse_path(path)
    if parts is None or parts.section not in SECTIONS:
        return path
    section = str(SECTIONS[parts.section])
    where = f"{section}“{parts.row}”" if parts.row else section
    if parts.key is None:
        return gettext("%(where)s（整个）", where=where)
    if parts.section == "elements":
        return f"{section} {element_titles().get(parts.key, parts.key)}"
    found = next((one for one in members(parts.section) if one.key == parts.key), None)
    return f"{where} {member_title(found.title) if found else parts.key}"


def tree() -> list[dict[str, Any]]:
    """What can be withheld, section by section, for the editor."""
    return [
        {
            "section": name,
            "title": str(title),
            "list": name in LISTS,
            "whole": name in ("licence", "elements") or name in LISTS,
            "members": []
            if name == "elements"
            else [[one.key, member_title(one.title), sorted(one.ways)] for one in members(name)],
        }
        for name, title in SECTIONS.items()
    ]


def days_text(days: Any) -> str:
    """The limits of a department, in words."""
    said = [
        gettext("%(what)s %(n)s 日", what=title, n=n)
        for (_key, title), n in zip(DAYS.items(), days, strict=True)
        if n is not None
    ]
    return "、".join(said) or gettext("按时限表")


def conditions(version: RuleVersion, items: Any) -> list[str]:
    """What a rule asks for, in words."""
    content = version.content
    said = []
    if content.item_codes:
        named = "、".join(str(items.get(code, code)) for code in content.item_codes[:3])
        more = len(content.item_codes) - 3
        said.append(
            gettext("事项：%(names)s", names=named)
            + (gettext(" 等 %(n)s 项", n=len(content.item_codes)) if more > 0 else "")
        )
    if content.area_prefixes:
        said.append(gettext("区划：%(codes)s", codes="、".join(content.area_prefixes)))
    for title, table, wanted in (
        (_("办结结果"), "result_type", content.result_types),
        (_("相对人"), "party_kind", content.party_kinds),
    ):
        if wanted:
            said.append(f"{title}：{'、'.join(gettext(code_table(table).get(one, one)) for one in wanted)}")
    for one in content.elements:
        value = "、".join(one.value) if isinstance(one.value, list) else str(one.value)
        name = element_titles().get(one.name, one.name)
        said.append(f"{name} {WAYS[one.way]} {value}".strip())
    return said or [gettext("没有条件，所有决定都适用")]


def changed_text(field: str, value: Any) -> str:
    """One field of a version's content, for a comparison."""
    if value in (None, "", []):
        return ""
    if field == "incomplete":
        return str(INCOMPLETE[value])
    if field in ("result_types", "party_kinds"):
        table = code_table(field[:-1])
        return "、".join(gettext(table.get(one, one)) for one in value)
    if field == "elements":
        return "；".join(
            f"{element_titles().get(one['name'], one['name'])} {WAYS[one['is']]} {_listed(one['value'])}"
            for one in value
        )
    if field == "departments":
        return "；".join(_department(one) for one in value)
    return _listed(value)


def _department(one: Any) -> str:
    said = f"{one['department']}（{days_text([one[f'{key}_days'] for key in DAYS])}）"
    for key, title in (("left_out", gettext("不提供")), ("masked", gettext("脱敏"))):
        if one[key]:
            said += f" {title}：{'、'.join(path_title(path) for path in one[key])}"
    if one["hears"]:
        kinds = code_table("finding_kind")
        said += f" {gettext('接收他部门')}：{'、'.join(gettext(kinds.get(k, k)) for k in one['hears'])}"
    return said


def _listed(value: Any) -> str:
    return "、".join(str(one) for one in value) if isinstance(value, list) else str(value)
