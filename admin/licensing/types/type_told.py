"""How a difference between two versions of a licence type reads on a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _

from admin.catalogue.told import BOXES, Told, value_text
from hub.catalogue.compare import Change
from hub.licensing.types.formats_of import BUILT_INS
from hub.licensing.types.layout import KIND_TITLES, TITLES
from schemas import code_table

VALIDITY_TITLES = {
    "permanent": _("长期有效"),
    "days": _("自颁发之日起若干天"),
    "months": _("自颁发之日起若干个月"),
    "field": _("到某个日期字段为止"),
    "decided": _("颁发时逐个确定"),
}
ISSUER_TITLES = {"approving": _("作出决定的部门"), "fixed": _("固定机构")}
PARTS = {"header": _("颁证规则"), "fields": _("字段"), "layout": _("版面")}
RULES = {
    "name": _("证照名称"),
    "definer_code": _("证照定义机构代码"),
    "definer_name": _("证照定义机构"),
    "holder_kinds": _("适用的持证主体"),
    "issuer_mode": _("颁发机构"),
    "issuer_code": _("颁发机构代码"),
    "issuer_name": _("颁发机构名称"),
    "number_rule": _("编号规则"),
    "validity_kind": _("有效期规则"),
    "validity_length": _("有效期长度"),
    "validity_field": _("有效期至的字段"),
    "warn_days": _("到期前提醒（天）"),
    "ofd": _("同时生成 OFD"),
    "sm2": _("同时用国密签名"),
}
_PLACE = ("x", "y", "w", "h")


def element_names(*designs: Any) -> dict[str, str]:
    """What the elements of these versions are called: by id, the newest first. Each has .layout and .fields as kept."""
    names: dict[str, str] = {}
    for design in designs:
        labels = {str(one["name"]): str(one["label"]) for one in design.fields}
        for one in design.layout.get("elements", ()):
            source = str(one.get("source", ""))
            built_in = gettext(BUILT_INS[source][0]) if source in BUILT_INS else labels.get(source, "")
            said = built_in or str(one.get("text", "")).split("\n")[0][:16]
            kind = gettext(KIND_TITLES.get(str(one.get("kind")), ""))
            names.setdefault(str(one["id"]), f"{kind}“{said}”" if said else f"{kind} {one['id']}")
    return names


def told(change: Change, names: Mapping[str, str] | None = None) -> Told:
    """A difference in words; `names` of elements as `element_names` gives them."""
    part = "page" if change.part == "header" and change.field.startswith("page.") else change.part
    title = str(PARTS["layout"] if part == "page" else PARTS.get(part, part))
    if not change.field:
        row = change.after if change.before is None else change.before
        kind = "added" if change.before is None else "removed"
        summary = _line(change.part, row)
        before, after = (summary, "") if kind == "removed" else ("", summary)
        name = (names or {}).get(change.line) if change.part == "layout" else None
        return Told(title, name or _name(change.part, change.line, row), "", before, after, kind)
    key = change.field.removeprefix("page.")
    before, after = (_text(change.part, key, one) for one in (change.before, change.after))
    line = gettext("页面") if part == "page" else change.line
    if change.part == "layout":
        line = (names or {}).get(change.line, change.line)
    return Told(title, line, _title(change.part, part, key), before, after, "changed")


def recorded(detail: Mapping[str, Any]) -> list[Told]:
    """The differences that a ledger row keeps; of a change of the header, a pair for each box."""
    rows = detail.get("changes")
    if isinstance(rows, list):
        return [told(Change(row["part"], row["line"], row["field"], row["was"], row["is"])) for row in rows]
    pairs = {key: pair for key, pair in detail.items() if isinstance(pair, list) and len(pair) == 2}
    return [told(Change("header", "", key, was, now)) for key, (was, now) in pairs.items()]


def _title(part: str, shown: str, key: str) -> str:
    if key == "order":
        return gettext("顺序")
    if shown in ("page", "layout"):
        return gettext(TITLES.get(key, key))
    if part == "header" and key in RULES:
        return str(RULES[key])
    return str(BOXES.get(key, key))


def _name(part: str, line: str, row: Mapping[str, Any]) -> str:
    if part == "layout":
        return f"{gettext(KIND_TITLES.get(str(row.get('kind')), ''))} {line}"
    return f"{line} {row.get('label', '')}".strip()


def _line(part: str, row: Mapping[str, Any]) -> str:
    if part == "layout":
        words = str(row.get("text") or row.get("source") or "")[:60]
        place = "，".join(f"{gettext(TITLES[key])} {_text(part, key, row.get(key))}" for key in _PLACE)
        return f"{words}（{place}）" if words else place
    kept = [(key, row[key]) for key in ("type", "required", "code_table", "max_length") if row.get(key)]
    return "；".join(f"{BOXES.get(key, key)}：{value_text(key, value)}" for key, value in kept)


def _text(part: str, key: str, value: Any) -> str:
    if key == "validity_kind":
        return str(VALIDITY_TITLES.get(str(value), value or ""))
    if key == "issuer_mode":
        return str(ISSUER_TITLES.get(str(value), value or ""))
    if key in ("image", "background") and value:
        return f"{str(value)[:8]}…"
    if key == "kind":
        return gettext(KIND_TITLES.get(str(value), str(value or "")))
    if key == "holder_kinds" and value:
        return "、".join(gettext(code_table("party_kind").get(str(one), str(one))) for one in value)
    if isinstance(value, float):
        return f"{value:g}"
    if key == "order" and isinstance(value, list):
        return gettext("%(n)s 项，换了次序", n=len(value))
    if part == "layout" and value is None:
        return gettext("缺省")
    return value_text(key, value)


def validity_words(rules: Any) -> str:
    """How long a licence is valid, in words."""
    if rules.validity_kind == "days":
        return gettext("自颁发之日起 %(n)s 天", n=rules.validity_length)
    if rules.validity_kind == "months":
        return gettext("自颁发之日起 %(n)s 个月", n=rules.validity_length)
    return str(VALIDITY_TITLES[rules.validity_kind])


def hub_texts() -> set[str]:
    """Texts of the hub that reach gettext through here."""
    return set(TITLES.values()) | set(KIND_TITLES.values())
