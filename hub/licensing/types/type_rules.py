"""TypeRules 证照类型的规则: what it is called, who may hold it, who issues it, how it is numbered, how long it is valid.

Guarantees: `parse_rules` names every fault (part "rules"), and gives back what `as_dict` wrote. Numbers are made by
hub.licensing.types.number_rule, days of validity by hub.licensing.types.validity.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hub.catalogue.faults import Fault
from hub.catalogue.fields import FieldDef
from hub.catalogue.texts import line, whole
from hub.licensing.types.number_rule import number_rule_fault
from hub.party import PARTY_KINDS

ISSUER_MODES = ("approving", "fixed")
#: permanent 长期; so many days or months; until the date in a field; decided anew with each licence.
VALIDITY_KINDS = ("permanent", "days", "months", "field", "decided")
LONGEST_VALIDITY = {"days": 36_500, "months": 1_200}
MOST_WARN_DAYS = 365
TYPE_CODE = re.compile(r"[0-9A-Z]{21}", re.ASCII)
_CODE18 = re.compile(r"[0-9A-Z]{18}", re.ASCII)
_ISSUER = re.compile(r"[0-9A-Z]{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class TypeRules:
    """The rules of one version of a type."""

    name: str = ""
    definer_code: str = ""
    definer_name: str = ""
    holder_kinds: tuple[str, ...] = ()  # of PARTY_KINDS; empty: all
    issuer_mode: str = "approving"  # the department that issues, or always the same body
    issuer_code: str = ""
    issuer_name: str = ""
    number_rule: str = ""  # empty: each order brings its number
    validity_kind: str = "permanent"
    validity_length: int | None = None
    validity_field: str | None = None
    warn_days: int = 30  # before the last day its holder is told
    ofd: bool = False
    sm2: bool = False

    def as_dict(self) -> dict[str, Any]:
        """As it is kept in a version."""
        return {**asdict(self), "holder_kinds": list(self.holder_kinds)}


def parse_rules(raw: Any, fields: Sequence[FieldDef]) -> tuple[TypeRules, list[Fault]]:
    """Clean rules, and what is wrong."""
    if not isinstance(raw, Mapping):
        return TypeRules(), [Fault("rules", 0, "", "证照类型的规则读不出来，应为一个对象。")]
    wrong: dict[str, str] = {}
    name = line(raw.get("name"))
    if not 1 <= len(name) <= 200:
        wrong["name"] = "请填写证照名称，至多 200 字。"
    definer_code, definer_name = line(raw.get("definer_code")).upper(), line(raw.get("definer_name"))
    if definer_code and not _CODE18.fullmatch(definer_code):
        wrong["definer_code"] = "证照定义机构代码应为 18 位统一社会信用代码。"
    if len(definer_name) > 200:
        wrong["definer_name"] = "证照定义机构名称至多 200 字。"
    given = raw.get("holder_kinds") or ()
    kinds = tuple(one for one in PARTY_KINDS if isinstance(given, list | tuple) and one in given)
    if given and (not isinstance(given, list | tuple) or any(one not in PARTY_KINDS for one in given)):
        wrong["holder_kinds"] = "持证主体类别应为：法人及非法人组织、自然人、个体工商户。"
    mode, issuer_code, issuer_name = _issuer(raw, wrong)
    number_rule = line(raw.get("number_rule"))
    if fault := number_rule_fault(number_rule):
        wrong["number_rule"] = fault
    kind, length, field = _validity(raw, fields, wrong)
    warn_days, right = whole(raw.get("warn_days", 30), 0, MOST_WARN_DAYS)
    if not right:
        wrong["warn_days"] = f"到期前提醒的天数应为 0 到 {MOST_WARN_DAYS} 的整数。"
    for key in ("ofd", "sm2"):
        if not isinstance(raw.get(key, False), bool):
            wrong[key] = "应为是或否。"
    rules = TypeRules(
        name,
        definer_code,
        definer_name,
        kinds,
        mode,
        issuer_code,
        issuer_name,
        number_rule,
        kind,
        length,
        field,
        warn_days if warn_days is not None else 30,
        raw.get("ofd") is True,
        raw.get("sm2") is True,
    )
    return rules, [Fault("rules", 0, key, said) for key, said in wrong.items()]


def kept_rules(raw: Mapping[str, Any]) -> TypeRules:
    """The rules of a kept version, which were checked when they were saved."""
    known = {key: value for key, value in raw.items() if key in TypeRules.__slots__}
    return TypeRules(**{**known, "holder_kinds": tuple(known.get("holder_kinds") or ())})


def _issuer(raw: Mapping[str, Any], wrong: dict[str, str]) -> tuple[str, str, str]:
    mode = line(raw.get("issuer_mode")) or "approving"
    if mode not in ISSUER_MODES:
        wrong["issuer_mode"] = "颁发机构应为“作出决定的部门”或“固定机构”。"
    code, name = line(raw.get("issuer_code")).upper(), line(raw.get("issuer_name"))
    if mode != "fixed":
        return "approving", "", ""
    if not _ISSUER.fullmatch(code):
        wrong["issuer_code"] = (
            "固定的颁发机构要填写机构代码：至多 18 位的数字或大写字母，一般是统一社会信用代码。"
        )
    if not 1 <= len(name) <= 200:
        wrong["issuer_name"] = "固定的颁发机构要填写机构名称，至多 200 字。"
    return mode, code, name


def _validity(
    raw: Mapping[str, Any], fields: Sequence[FieldDef], wrong: dict[str, str]
) -> tuple[str, int | None, str | None]:
    kind = line(raw.get("validity_kind")) or "permanent"
    if kind not in VALIDITY_KINDS:
        wrong["validity_kind"] = "请选择有效期规则。"
        return "permanent", None, None
    if kind in LONGEST_VALIDITY:
        most = LONGEST_VALIDITY[kind]
        length, right = whole(raw.get("validity_length"), 1, most)
        if not right or length is None:
            wrong["validity_length"] = f"有效期应为 1 到 {most} 的整数。"
        return kind, length if right else None, None
    if kind == "field":
        name = line(raw.get("validity_field"))
        if not any(one.name == name and one.type == "date" for one in fields):
            said = "请选择说明有效期至的日期字段；没有就先在字段表中加一个“日期”字段。"
            wrong["validity_field"] = said
        return kind, None, name or None
    return kind, None, None
