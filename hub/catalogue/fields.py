"""FieldDef 字段: the small schema of a material type and of an item's application form.

Guarantees: what `parse_defs` lets through can be shown, checked and stored; `check_values` gives back its own clean
values unchanged; a person's number is never stored readable (`stored` seals, masks and hashes it).
Does not guarantee: that a number was ever issued.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from hub.catalogue.faults import Fault, refuse
from hub.catalogue.texts import line
from hub.identifiers import citizen_number_fault
from hub.ports import IdentityVault
from schemas import code_table, code_table_names

FIELD_TYPES = {
    "text": "单行文字",
    "long_text": "多行文字",
    "number": "数字",
    "money": "金额（元）",
    "date": "日期",
    "yes_no": "是/否",
    "code": "代码（从代码表选）",
    "person_number": "公民身份号码",
}
LONGEST = {"text": 200, "long_text": 2000}
MOST_FIELDS = 100
CITIZEN = "111"  # 居民身份证 in the table of holder codes
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,6})?")
_MONEY = re.compile(r"-?[0-9]{1,13}(\.[0-9]{1,2})?")
_DATE = re.compile(r"([0-9]{4})[-/.年]?([0-9]{1,2})[-/.月]?([0-9]{1,2})日?")
_INVISIBLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u2028\u2029\ufeff\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class FieldDef:
    """One field."""

    name: str
    label: str
    type: str
    required: bool = False
    code_table: str | None = None
    max_length: int | None = None

    def as_dict(self) -> dict[str, object]:
        """As it is kept in a version."""
        kept: dict[str, object] = {
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "required": self.required,
        }
        if self.code_table:
            kept["code_table"] = self.code_table
        if self.max_length:
            kept["max_length"] = self.max_length
        return kept


def parse_defs(raw: Any, part: str = "fields") -> tuple[FieldDef, ...]:
    """The fields of a schema. Raises Faulty (a Rejected) that names every wrong line."""
    if not isinstance(raw, Sequence) or isinstance(raw, str | bytes):
        refuse([Fault(part, 0, "", "字段定义应为一张表。")])
    if len(raw) > MOST_FIELDS:
        refuse([Fault(part, 0, "", f"最多 {MOST_FIELDS} 个字段，现有 {len(raw)} 个。")])
    faults: list[Fault] = []
    found: list[FieldDef] = []
    for number, one in enumerate(raw, 1):
        if not isinstance(one, Mapping):
            faults.append(Fault(part, number, "name", "这一行读不出来，请删除后重填。"))
            continue
        definition, wrong = _definition(one)
        for earlier in found:
            if earlier.name == definition.name:
                wrong["name"] = f"字段代号“{definition.name}”重复，请换一个。"
            if earlier.label == definition.label:
                wrong["label"] = f"字段名称“{definition.label}”重复，请换一个。"
        faults += [Fault(part, number, field, sentence) for field, sentence in wrong.items()]
        found.append(definition)
    refuse(faults)
    return tuple(found)


def _definition(raw: Mapping[str, Any]) -> tuple[FieldDef, dict[str, str]]:
    wrong: dict[str, str] = {}
    name, label, kind = (line(raw.get(key)) for key in ("name", "label", "type"))
    if not NAME.fullmatch(name):
        wrong["name"] = "字段代号应以字母开头，只含字母、数字、下划线，至多 40 位。"
    if not 1 <= len(label) <= 60:
        wrong["label"] = "请填写字段名称，至多 60 字。"
    if kind not in FIELD_TYPES:
        wrong["type"] = f"字段类型应为：{'、'.join(FIELD_TYPES.values())}。"
    table = line(raw.get("code_table")) or None
    if kind == "code" and table not in code_table_names():
        wrong["code_table"] = "请选择代码表。"
    length = raw.get("max_length") or None
    if kind in LONGEST and length is not None:
        if isinstance(length, str) and length.isascii() and length.isdigit():
            length = int(length[:9])
        if not isinstance(length, int) or isinstance(length, bool) or not 1 <= length <= 10_000:
            wrong["max_length"] = "最大长度应为 1 到 10000。"
            length = None
    else:
        length = None
    if not isinstance(raw.get("required", False), bool):
        wrong["required"] = "“必填”应为是或否。"
    return FieldDef(
        name, label, kind, raw.get("required") is True, table if kind == "code" else None, length
    ), wrong


def check_values(defs: Sequence[FieldDef], raw: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Clean values, and for each wrong one a sentence. Names that are not in the schema are left out."""
    clean: dict[str, str] = {}
    faults: dict[str, str] = {}
    for one in defs:
        given = raw.get(one.name)
        text = "" if given is None else str(given)
        if _INVISIBLE.search(text):
            faults[one.name] = f"“{one.label}”含有看不见的控制字符，请重新输入。"
            continue
        text = text.strip() if one.type == "long_text" else " ".join(text.split())
        if not text:
            if one.required:
                faults[one.name] = f"请填写“{one.label}”。"
            continue
        value, fault = _clean(one, text)
        if fault:
            faults[one.name] = fault
        else:
            clean[one.name] = value
    return clean, faults


def _clean(one: FieldDef, text: str) -> tuple[str, str | None]:
    if one.type in LONGEST:
        longest = one.max_length or LONGEST[one.type]
        return text, f"“{one.label}”至多 {longest} 字，现有 {len(text)} 字。" if len(text) > longest else None
    if one.type == "number":
        number = text.replace(",", "").replace("，", "")
        return number, None if _NUMBER.fullmatch(number) else f"“{one.label}”应为数字，如 120 或 3.5。"
    if one.type == "money":
        number = text.replace(",", "").replace("，", "").removesuffix("元").strip()
        if not _MONEY.fullmatch(number):
            return text, f"“{one.label}”应为以元计的金额，至多两位小数，如 1200.50。"
        whole, _, cents = number.partition(".")
        return f"{whole}.{cents:0<2}", None
    if one.type == "date":
        return _day(one, text)
    if one.type == "yes_no":
        value = {"1": "1", "0": "0", "是": "1", "否": "0", "true": "1", "false": "0"}.get(text.lower(), "")
        return value, None if value else f"“{one.label}”应为是或否。"
    if one.type == "code":
        table = code_table(one.code_table or "yes_no")
        value = text if text in table else next((k for k, v in table.items() if v == text), "")
        return value, None if value else f"“{one.label}”的“{text[:20]}”不在代码表中，请从列表选择。"
    number = text.replace(" ", "").upper()
    return number, citizen_number_fault(number)


def _day(one: FieldDef, text: str) -> tuple[str, str | None]:
    found = _DATE.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        return date(int(found[1]), int(found[2]), int(found[3])).isoformat(), None
    except ValueError:
        return text, f"“{one.label}”应为日期，如 2026-09-18。"


def stored(
    defs: Sequence[FieldDef], clean: Mapping[str, str], identities: IdentityVault
) -> dict[str, dict[str, Any]]:
    """Clean values as they are kept: a person's number sealed, everything else as text."""
    kept: dict[str, dict[str, Any]] = {}
    for one in defs:
        if one.name not in clean:
            continue
        value = clean[one.name]
        if one.type == "person_number":
            kept[one.name] = {
                "masked": identities.mask(value),
                "sealed": base64.b64encode(identities.seal(value)).decode(),
                "digest": identities.digest(CITIZEN, value).hex(),
            }
            continue
        kept[one.name] = {"text": value}
        if one.type in ("code", "yes_no"):
            kept[one.name]["shown"] = code_table(one.code_table or "yes_no").get(value, value)
        elif one.type == "money":
            kept[one.name]["shown"] = f"{value} 元"
            kept[one.name]["fen"] = int(value.replace(".", ""))
    return kept


def shown(value: Mapping[str, Any] | None) -> str:
    """A kept value as it may be shown."""
    if not value:
        return ""
    return str(value.get("shown") or value.get("masked") or value.get("text") or "")
