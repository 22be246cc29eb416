"""The catalogue as a workbook: its sheets, their columns, and how a cell is read and written.

Guarantees: what `written` writes, `read` reads back as the same value; a cell that cannot be read names what is expected.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hub.catalogue.fields import FIELD_TYPES
from hub.catalogue.item_header import CODE_TITLES
from hub.catalogue.item_lines import FORM_TITLES
from schemas import code_table

SHARING_TITLES = {"unconditional": "无条件共享", "conditional": "有条件共享", "none": "不予共享"}
VALIDITY_TITLES = {"permanent": "长期", "days": "天", "months": "月", "field": "字段"}
BAD_SIGNATURE_TITLES = {"refuse": "拒收", "flag": "标记"}
STAND_IN_TITLES = {"material": "材料", "licence": "证照", "result": "结果"}
OWNER_TITLES = {"type": "材料类型", "item": "事项"}
_YES = {"是": True, "否": False, "1": True, "0": False, "Y": True, "N": False, "√": True, "×": False}
LONGEST_CELL = 4000


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `words`: code to title, where only those are taken."""

    key: str
    title: str
    kind: str = "text"  # text, yes, list, word, words
    words: Mapping[str, str] = field(default_factory=dict)
    needed: bool = False

    @property
    def expected(self) -> str:
        """What a cell should hold."""
        if self.kind == "yes":
            return "是 或 否"
        if self.kind in ("word", "words"):
            return "、".join(self.words.values())
        return "不能为空" if self.needed else ""

    def written(self, value: Any) -> str:
        """A value as a cell."""
        if value is None:
            return ""
        if self.kind == "yes":
            return "是" if value else "否"
        if self.kind == "word":
            return str(self.words.get(str(value), value))
        if self.kind == "words":
            return "、".join(str(self.words.get(str(one), one)) for one in value)
        if self.kind == "list":
            return "、".join(str(one) for one in value)
        return str(value)

    def read(self, cell: str) -> tuple[Any, str | None]:
        """The value of a cell, or what is wrong with it."""
        text = cell.strip()
        if len(text) > LONGEST_CELL:
            return None, f"内容太长（{len(text)} 字）。"
        if not text:
            empty: Any = [] if self.kind in ("list", "words") else False if self.kind == "yes" else ""
            return empty, "没有填写。" if self.needed else None
        if self.kind == "yes":
            known = _YES.get(text.upper())
            return known, None if known is not None else f"“{text[:20]}”看不懂。"
        if self.kind == "list":
            return _apart(text), None
        if self.kind == "words":
            found = [self._code(one) for one in _apart(text)]
            return found, None if all(found) else f"“{text[:40]}”中有不认识的词。"
        if self.kind == "word":
            code = self._code(text)
            return code, None if code else f"“{text[:20]}”不在可选范围内。"
        return text, None

    def _code(self, text: str) -> str | None:
        if text in self.words:
            return text
        return next((code for code, title in self.words.items() if title == text), None)


def _apart(text: str) -> list[str]:
    for mark in ("，", ",", "；", ";", "\n"):
        text = text.replace(mark, "、")
    return [word.strip() for word in text.split("、") if word.strip()]


_SHARING = (
    Column("sharing", "共享属性", "word", SHARING_TITLES),
    Column("sharing_conditions", "共享条件"),
    Column("sharing_basis", "不予共享的依据"),
)
_ITEM = Column("item", "事项编码", needed=True)

SHEETS: dict[str, tuple[Column, ...]] = {
    "事项": (
        _ITEM,
        Column("name", "事项名称", needed=True),
        *(Column(key, title) for key, title in CODE_TITLES.items()),
        Column("item_type", "事项类型", "word", code_table("item_type")),
        Column("case_type", "办件类型", "word", code_table("case_type")),
        Column("exercise_level", "行使层级", "word", code_table("exercise_level")),
        Column("legal_days", "法定时限"),
        Column("promised_days", "承诺时限"),
        Column("licence_type_code", "证照类型代码"),
        Column("licence_name", "证照名称"),
        Column("aliases", "别名", "list"),
        *_SHARING,
        Column("must_steps", "推送须有的环节", "list"),
        Column("must_elements", "推送须有的要素", "list"),
    ),
    "材料清单": (
        _ITEM,
        Column("code", "行代码", needed=True),
        Column("name", "材料名称"),
        Column("material_type", "材料类型代码", needed=True),
        Column("required", "必需", "yes"),
        Column("may_follow", "可容缺", "yes"),
        Column("deferral_days", "补交期限"),
        Column("form", "形式", "word", FORM_TITLES),
        Column("copies", "份数"),
        Column("formats", "格式", "list"),
        Column("max_mb", "最大MB"),
        Column("note", "说明"),
    ),
    "可替代": (
        _ITEM,
        Column("line", "行代码", needed=True),
        Column("kind", "类别", "word", STAND_IN_TITLES, needed=True),
        Column("code", "代码", needed=True),
        Column("shown", "名称（仅供参考）"),
    ),
    "特殊环节": (
        _ITEM,
        Column("name", "环节名称", needed=True),
        Column("days", "所需时限"),
        Column("basis", "法定依据"),
        Column("fee", "收费", "yes"),
        Column("counted", "计入法定时限", "yes"),
    ),
    "材料类型": (
        Column("type", "材料类型代码", needed=True),
        Column("name", "材料类型名称", needed=True),
        Column("provider", "数源部门代码"),
        Column("holder_kinds", "适用的相对人", "words", code_table("party_kind")),
        *_SHARING,
        Column("consent_required", "须经同意", "yes"),
        Column("signature_required", "须有签名", "yes"),
        Column("on_bad_signature", "签名无效时", "word", BAD_SIGNATURE_TITLES),
        Column("formats", "格式", "list"),
        Column("max_mb", "最大MB"),
        Column("accepts_from", "可复用的最早版本"),
        Column("validity_kind", "有效期规则", "word", VALIDITY_TITLES),
        Column("validity_length", "有效期长度"),
        Column("validity_field", "有效期至的字段"),
    ),
    "字段": (
        Column("owner", "归属", "word", OWNER_TITLES, needed=True),
        Column("of", "归属代码", needed=True),
        Column("name", "字段代号", needed=True),
        Column("label", "字段名称", needed=True),
        Column("type", "类型", "word", FIELD_TYPES, needed=True),
        Column("required", "必填", "yes"),
        Column("code_table", "代码表"),
        Column("max_length", "最大长度"),
    ),
    "证照类型": (
        Column("licence", "证照类型代码", needed=True),
        Column("name", "证照名称", needed=True),
        Column("provider", "数源部门代码"),
        *_SHARING,
        Column("consent_required", "须经同意", "yes"),
        Column("active", "启用", "yes"),
    ),
    "编码规则": (
        Column("kind", "编码", "word", CODE_TITLES, needed=True),
        Column("name", "规则名称", needed=True),
        Column("pattern", "规则", needed=True),
        Column("example", "示例", needed=True),
        Column("source", "依据"),
        Column("seq", "顺序"),
        Column("active", "启用", "yes"),
    ),
}


def titles(sheet: str) -> list[str]:
    """The heading of a sheet."""
    return [column.title for column in SHEETS[sheet]]


def title_of(sheet: str, key: str) -> str:
    """A column's heading, by its key."""
    return next((column.title for column in SHEETS[sheet] if column.key == key), "")
