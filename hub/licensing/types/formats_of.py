"""What a field element may show, and in which formats: the vocabulary that layouts, editors and `fill` share."""

from __future__ import annotations

from collections.abc import Mapping

#: built-in source -> (what it is called, its type among FORMATS_OF)
BUILT_INS: dict[str, tuple[str, str]] = {
    "$name": ("证照名称", "text"),
    "$number": ("证照编号", "text"),
    "$identifier": ("证照标识", "text"),
    "$holder": ("持证主体", "text"),
    "$holder_code": ("持证主体代码", "text"),
    "$holder_code_masked": ("持证主体代码（自然人遮盖）", "text"),
    "$legal": ("法定代表人（负责人）", "text"),
    "$issuer": ("颁发机构", "text"),
    "$issuer_code": ("颁发机构代码", "text"),
    "$issued_on": ("颁发日期", "date"),
    "$valid_from": ("有效期自", "date"),
    "$valid_to": ("有效期至", "date"),
    "$validity": ("有效期限", "date"),
    "$item": ("事项名称", "text"),
    "$document_no": ("决定文书号", "text"),
    "$version": ("证照版本", "text"),
}
#: type -> format -> an example; without a format the first one counts.
FORMATS_OF: dict[str, dict[str, str]] = {
    "date": {
        "yyyy年MM月dd日": "2026年08月06日",
        "yyyy年M月d日": "2026年8月6日",
        "yyyy-MM-dd": "2026-08-06",
        "yyyy.MM.dd": "2026.08.06",
        "yyyy/MM/dd": "2026/08/06",
        "yyyyMMdd": "20260806",
        "中文": "二〇二六年八月六日",
    },
    "money": {"元": "12000.50 元", "#,##0.00": "12,000.50 元", "大写": "壹万贰仟元伍角"},
    "number": {"0": "12000.5", "#,##0": "12,000.5"},
    "person_number": {"全部": "990101199001010019", "遮盖": "990101********0019"},
}


def kind_of_source(source: str, kinds: Mapping[str, str]) -> str:
    """The type of a built-in, or of a field by the types of the fields."""
    return BUILT_INS[source][1] if source in BUILT_INS else kinds.get(source, "text")
