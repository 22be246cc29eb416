"""One cell of a sheet of licences: from what systems and people write to what we keep.

Guarantees: what comes back is normalised (dates YYYY-MM-DD, codes from our tables, holders as a list) and fits its kind;
anything else is a `Fault` with cause and cure. Does not guarantee: anything that needs a second cell; see exchange_rows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from hub.licensing.types.validity import months_on
from hub.sheets.sheet_values import BLANKS, KINDS, LONG_TERM, LONG_TERM_WORDS, Fault, tidy
from schemas import code_table

LONGEST_CELL = 20_000
MOST_HOLDERS = 50
_IDENTIFIER = re.compile(r"[!-~]{8,256}")
_STATUS_WORDS = {
    "正常": "01",
    "有效": "01",
    "暂扣": "02",
    "冻结": "02",
    "撤销": "03",
    "注销": "04",
    "失效": "05",
    "过期": "05",
    "办理转出": "06",
    "转出": "06",
    "吊销": "07",
    "其他": "99",
}
_RANGE = re.compile(r"([0-9]{1,3})(年|个月|月|天|日)")
_TO = re.compile(r"[至到~～—]+")


def plain(text: str) -> str:
    """A cell without what nobody can see; '' where it says nothing. Raises Fault where it cannot be kept."""
    if len(text) > LONGEST_CELL:
        raise Fault(f"单元格有 {len(text)} 个字符", f"每格不超过 {LONGEST_CELL} 个字符")
    return tidy(text).strip()


def _text(text: str) -> str:
    return KINDS["text"](text)


def _identifier(text: str) -> str:
    word = KINDS["code"](text)
    if not _IDENTIFIER.fullmatch(word):
        raise Fault(
            "证照标识含有字母、数字、点以外的字符，或长度不对",
            "如 1.2.156.3005.2.类型.机构.流水号.001.校验位",
        )
    return word


def _version(text: str) -> str:
    word = KINDS["number"](text).upper().removeprefix("V")
    if not (word.isascii() and word.isdigit() and 1 <= int(word) <= 999):
        raise Fault(f"“{text[:20]}”不是版本号", "001 到 999")
    return f"{int(word):03d}"


def _status(text: str) -> str:
    word = "".join(text.split())
    if word in code_table("licence_status"):
        return word
    found = _STATUS_WORDS.get(word)
    if found is None:
        known = "、".join(f"{code} {name}" for code, name in code_table("licence_status").items())
        raise Fault(f"“{text[:20]}”不是证照状态", known)
    return found


def _exchange_operation(text: str) -> str:
    if text.strip().upper() in ("D", "DELETE", "删除"):
        raise Fault("这一行是删除标记", "删除不能导入；请在证照页面办理注销或更正")
    return ""


def _extend(text: str) -> str:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Fault("扩展业务信息不是 JSON 对象", '如 {"经营范围":"食品销售"}')
    kept = {str(name): _word(value) for name, value in found.items() if _word(value)}
    return json.dumps(kept, ensure_ascii=False, sort_keys=True)


def _word(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(value) if isinstance(value, str | int | float) else json.dumps(value, ensure_ascii=False)


def several(text: str) -> list[str]:
    """Holders, or their codes: one, joined with '^', or a JSON array."""
    if text.startswith("["):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            raise Fault("不是完整的 JSON 数组", '如 ["张三","李四"]，或用 ^ 连接') from None
        parts = [_word(each).strip() for each in found]
    else:
        parts = [part.strip() for part in text.split("^")]
    if len(parts) > MOST_HOLDERS:
        raise Fault(f"有 {len(parts)} 个持证主体", f"至多 {MOST_HOLDERS} 个")
    return parts


def _each(read: Callable[[str], str], longest: int) -> Callable[[str], str]:
    def all_of_them(text: str) -> str:
        parts = [read(part) if part else "" for part in several(text)]
        if too_long := next((part for part in parts if len(part) > longest), None):
            raise Fault(f"长度为 {len(too_long)} 个字符", f"每个不超过 {longest} 个字符")
        return json.dumps(parts, ensure_ascii=False)

    return all_of_them


def _holder_code(text: str) -> str:
    return KINDS["code"](text).replace("-", "")


def _holder_type(text: str) -> str:
    word = KINDS["number"](text)
    table = code_table("holder_code_type")
    if word.isascii() and word.isdigit() and word.zfill(3) in table:
        return word.zfill(3)
    plainly = {**_TYPE_WORDS, **{name: code for code, name in table.items()}}
    if word not in plainly:
        raise Fault(f"“{text[:20]}”不是持证主体代码类型", "、".join(f"{c} {n}" for c, n in table.items()))
    return plainly[word]


_TYPE_WORDS = {
    "身份证": "111",
    "居民身份证": "111",
    "身份证号": "111",
    "护照": "414",
    "社会信用代码": "001",
    "信用代码": "001",
}


def _validity_range(text: str) -> str:
    """'P2Y' and the like; two dates; or long-term. '' where nobody can tell: another column may say it."""
    word = "".join(text.split())
    if word in LONG_TERM_WORDS:
        return LONG_TERM
    if found := _RANGE.fullmatch(word):
        unit = {"年": "Y", "个月": "M", "月": "M"}.get(found[2], "D")
        return f"P{int(found[1])}{unit}"
    parts = _TO.split(word)
    if len(parts) == 2:
        return f"{KINDS['date'](parts[0])}/{KINDS['date_or_long'](parts[1])}"
    raise Fault(f"“{text[:20]}”看不出有效期", "如 5年、6个月、长期，或“2026-01-01至2030-12-31”")


READERS: Mapping[str, Callable[[str], str]] = {
    **{kind: KINDS[kind] for kind in ("name", "number", "document", "code", "date", "date_or_long")},
    "text": _text,
    "identifier": _identifier,
    "version": _version,
    "status": _status,
    "validity_range": _validity_range,
    "holders": _each(KINDS["name"], 200),
    "holder_codes": _each(_holder_code, 64),
    "holder_types": _each(_holder_type, 3),
    "extend": _extend,
    "exchange_operation": _exchange_operation,
    "ignored": lambda _text: "",
}
#: Fields of a type that mean nothing by a stroke or 无; in a text these may be an answer.
_BARE_TYPES = frozenset({"number", "money", "date", "yes_no", "code", "person_number"})
#: What would be right in a field of this type.
FIELD_HINTS = {
    "text": "一行文字",
    "long_text": "文字",
    "number": "数字，如 120 或 3.5",
    "money": "以元计的金额，如 1200.50",
    "date": "日期，如 2026-09-18",
    "yes_no": "是或否",
    "code": "代码表中的代码或名称",
    "person_number": "18 位公民身份号码",
}


def field_word(text: str, field_type: str) -> str:
    """A cell of a type's own field, as `check_values` reads it."""
    text = plain(text)
    if field_type not in _BARE_TYPES:
        return text
    if text in BLANKS:
        return ""
    if field_type == "date" and text:
        return KINDS["date"](text)
    return KINDS["number"](text) if field_type == "person_number" else text


def blank(text: str) -> bool:
    """Whether a cell says nothing."""
    return not text or (len(text) < 7 and text in BLANKS)


def after(start: date, spell: str) -> date:
    """The last day of a spell that begins on `start`: P2Y, P6M, P30D."""
    count, unit = int(spell[1:-1]), spell[-1]
    if unit == "D":
        return start + timedelta(days=count - 1)
    return months_on(start, count * 12 if unit == "Y" else count)
