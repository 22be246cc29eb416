"""Plausible synthetic words for a sample of a licence type: nobody's name, numbers that pass their checks."""

from __future__ import annotations

import re
from datetime import date, timedelta

from hub.catalogue.fields import FieldDef
from hub.deciding.decided_case import PartyFacts
from hub.identifiers import licence_identifier
from hub.licensing.issuing.fill import Words
from hub.licensing.types.number_rule import example
from hub.licensing.types.published_type import PublishedType
from hub.licensing.types.type_rules import TYPE_CODE
from hub.licensing.types.validity import last_day
from schemas import code_table

ISSUER, ISSUER_NAME = "11370100MB00000194", "示范县行政审批服务局"
PERSON_NUMBER = "990101199001010019"
_HOLDERS = {
    "legal": PartyFacts("legal", "示范县青禾饮食管理有限责任公司", "91370102MA3C00011F", "001", "安然"),
    "natural": PartyFacts("natural", "安然", PERSON_NUMBER, "111"),
    "individual": PartyFacts("individual", "示范县安然小吃店", "92370103MA3K00027G", "001", "安然"),
}
#: What a text field whose label has these words says.
_TEXTS = (
    ("地址|住所|场所|坐落", "示范省示范县人民路 100 号青禾大厦一层 101 室"),
    ("姓名|法定代表人|负责人|经营者|联系人", "安然"),
    ("电话|手机", "0990-1234567"),
    ("信用代码", "91370102MA3C00011F"),
    ("范围|项目|业态|类别", "热食类食品制售、冷食类食品制售、自制饮品制售"),
    ("面积", "120 平方米"),
)


def sample_words(type_: PublishedType, *, on: date = date(2026, 11, 22), area: str = "990101") -> Words:
    """Words for a sample of this type, as if issued on this day."""
    rules = type_.rules
    issuer, name = (
        (rules.issuer_code, rules.issuer_name)
        if rules.issuer_mode == "fixed" and rules.issuer_code
        else (ISSUER, ISSUER_NAME)
    )
    values = {one.name: _value(one, on) for one in type_.fields}
    if rules.validity_kind == "decided":
        valid_to: date | None = on + timedelta(days=364)
    else:
        valid_to = last_day(rules, on, values)
    number = example(rules.number_rule, issuer=issuer, area=area, on=on) or f"示{on.year}000001"
    code = type_.code if TYPE_CODE.fullmatch(type_.code) else f"{ISSUER}000"
    return Words(
        number=number,
        identifier=licence_identifier(code, issuer, f"SAMPLE{on.year}000001"),
        holders=(_HOLDERS[rules.holder_kinds[0] if rules.holder_kinds else "legal"],),
        issuer_code=issuer,
        issuer_name=name,
        issued_on=on,
        valid_from=on,
        valid_to=valid_to,
        values=values,
        item=f"{type_.name}核发",
        document_no=f"示审批〔{on.year}〕1号",
    )


def _value(one: FieldDef, on: date) -> str:
    if one.type == "date":
        return (on + timedelta(days=364)).isoformat()
    if one.type == "money":
        return "1200000.00"
    if one.type == "number":
        return "120"
    if one.type == "yes_no":
        return "1"
    if one.type == "code":
        return next(iter(code_table(one.code_table or "yes_no")))
    if one.type == "person_number":
        return PERSON_NUMBER
    said = next((words for labels, words in _TEXTS if re.search(labels, one.label)), f"{one.label}示例")
    if one.type == "long_text":
        said = f"{said}。" * 3
    return said[: one.max_length or 200]
