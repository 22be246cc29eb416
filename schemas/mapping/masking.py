"""Samples for people to look at: names of persons keep their first character, numbers of persons and phones the last four.

Guarantees: what a field's name, its title in our schemas and sheets, or the form of a value gives away is masked, and a name
that was found so wherever else it stands; names of organisations and their public codes stay readable. Does not guarantee:
names that stand in a text only.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from schemas.columns import (
    PENALTY_GENERATIONS,
    PERMIT_GENERATIONS,
    licence_columns,
    penalty_columns,
    permit_columns,
)
from schemas.connector.document import IN_KINDS, OUT_MESSAGES
from schemas.mapping.fields import source_fields, target_fields
from schemas.mapping.paths import parsed

MAX_NAMES = 100
Meaning = Literal["person", "party", "number", "phone", "public", ""]
_PHONE = re.compile(r"(?<![0-9])(?:\+?86[- ]?)?1[3-9][0-9]{9}(?![0-9])")
_ID = re.compile(
    r"(?<![0-9A-Za-z])[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx](?![0-9A-Za-z])"
)
_OLD_ID = re.compile(
    r"(?<![0-9A-Za-z])[1-9][0-9]{7}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}(?![0-9A-Za-z])"
)
_ORGANISATION = re.compile(
    r"公司|集团|[厂店院校局社部所行站会馆厅处队场园庄吧城]$|中心|超市|商行|经营|合作|事务|委员|政府|企业|个体|办公室|工作室|门市|商贸|酒楼|餐厅|诊所"
)
_SEVERAL = re.compile(r"[、,，;；]")
_PUBLIC_CODE = re.compile(r"(?=.*[A-Z])[0-9A-Z]{18}")
#: What the name or title of a field says, first that fits.
_MEANINGS: tuple[tuple[Meaning, re.Pattern[str]], ...] = (
    ("public", re.compile(r"办件编号|project_no|case_no|relied_cases|^subject$", re.I)),
    (
        "phone",
        re.compile(r"电话|手机|联系方式|phone|mobile|(?:^|_)tel(?:$|_)|lxdh|lxfs|sjh(?:m)?$|dhhm", re.I),
    ),
    ("", re.compile(r"类型|类别|机构|机关|单位|事项|证照名称|证书名称|材料名称|_type|lx$|lb$", re.I)),
    (
        "number",
        re.compile(
            r"身份证|证件号|证件代码|护照|申请者证件|主体代码|执法证|sfz|zjhm|id_?card|page_code|party_code|holdercode|certificate_no|cert_code",
            re.I,
        ),
    ),
    (
        "person",
        re.compile(
            r"法定代表|法人代表|负责人|联系人|经办人|处理人|承办人|检查人|执法人员|巡查人|承诺人|谁写|经办|姓名|签收人|法人姓名"
            r"|frdb|fddbr|lxr|(?:^|_)xm$|jbr|jcry|zfry|inspector|officer|author|(?<!il)legal|contact|handle_user|user_name|(?:promised|claimed|returned|closed)_by$",
            re.I,
        ),
    ),
    (
        "party",
        re.compile(
            r"相对人|申请者名称|申请人|持证主体|当事人|被处罚人|被检查|市场主体|applyer_name|party_name|holder|xdr|^by$",
            re.I,
        ),
    ),
)


def masked(record: Mapping[str, Any], paths: Collection[str] | None = None) -> dict[str, Any]:
    """The record with what is personal masked; every value under one of `paths` too, whatever it is."""
    always = {[part for part in parsed(path) if isinstance(part, str)][-1] for path in paths or ()}
    found: dict[str, None] = {}
    for name, value in record.items():
        _masked(value, str(name), _Walk(always, found, ()))
    names = tuple(sorted(found, key=len, reverse=True)[:MAX_NAMES])
    walk = _Walk(always, {}, names)
    return {name: _masked(value, str(name), walk) for name, value in record.items()}


@dataclass(slots=True)
class _Walk:
    """One walk through a record: the first finds the names in it, the second masks them wherever else they stand."""

    always: Collection[str]
    found: dict[str, None]
    names: tuple[str, ...]


def _masked(value: Any, name: str, walk: _Walk, depth: int = 0) -> Any:
    if depth > 20:
        return "…"
    if isinstance(value, Mapping):
        whose = {"person": "姓名", "party": "相对人"}.get(meaning_of(name), "name")
        return {
            key: _masked(one, whose if key == "name" else str(key), walk, depth + 1)
            for key, one in value.items()
        }
    if isinstance(value, list | tuple):
        return [_masked(one, name, walk, depth + 1) for one in value]
    if isinstance(value, str | int) and not isinstance(value, bool):
        text = _scalar(str(value), "person" if name in walk.always else meaning_of(name), walk)
        return value if text == str(value) else text
    return value


def _scalar(text: str, meaning: Meaning, walk: _Walk) -> str:
    if meaning == "public":
        return text
    if meaning == "phone":
        return _tail(text)
    if meaning == "number":
        return text if _PUBLIC_CODE.fullmatch(text) and not _ID.fullmatch(text) else _tail(text)
    if meaning == "person" or (meaning == "party" and not _ORGANISATION.search(text)):
        if text[-4:].isdigit():
            return _tail(text)
        names = _SEVERAL.split(text)
        walk.found.update(dict.fromkeys(one.strip() for one in names if 2 <= len(one.strip()) <= 30))
        return "、".join(_head(one) for one in names)
    for one in walk.names:
        text = text.replace(one, _head(one))
    for pattern in (_ID, _OLD_ID, _PHONE):
        text = pattern.sub(lambda found: _tail(found[0]), text)
    return text


def _head(text: str) -> str:
    return text if len(text) < 2 else text[0] + "*" * (min(len(text), 12) - 1)


def _tail(text: str) -> str:
    return "*" * len(text) if len(text) <= 4 else "*" * (len(text) - 4) + text[-4:]


@cache
def meaning_of(name: str) -> Meaning:
    """What a field of this name holds, by its name and by its title where our schemas and sheets know it."""
    words = _titles().get(name, name)
    return next((meaning for meaning, pattern in _MEANINGS if pattern.search(words)), "")


@cache
def _titles() -> dict[str, str]:
    found: dict[str, str] = {}
    for sheet in (
        *(permit_columns(one) for one in PERMIT_GENERATIONS),
        *(penalty_columns(one) for one in PENALTY_GENERATIONS),
        licence_columns(),
    ):
        for column in sheet["columns"]:
            found.setdefault(column["code"], column["name"])
    for fields in (*(source_fields(one) for one in OUT_MESSAGES), *(target_fields(one) for one in IN_KINDS)):
        for one in fields:
            key = [part for part in parsed(one.path) if isinstance(part, str)][-1]
            if key not in ("name", "code", "value", "at", "by"):
                found.setdefault(key, one.title)
    return found
