"""JSON Schema faults in plain Chinese.

Guarantees: every fault gets a path and a sentence; the usual keywords have words of their own.
Does not guarantee: that a rare keyword reads well; it then carries the validator's own English text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import jsonschema_rs

from schemas.encoding import dumps

#: What was wrong with each of the forms that were allowed.
Ways = Sequence[Sequence[jsonschema_rs.ValidationError]]

_TYPES = {
    "string": "文字",
    "integer": "整数",
    "number": "数字",
    "object": "对象",
    "array": "列表",
    "boolean": "true 或 false",
    "null": "null",
}
_FORMATS = {
    "date-time": "应为带时区的日期时间，如 2026-11-21T08:00:00Z",
    "date": "应为日期，如 2026-11-21",
    "uuid": "应为 UUID，如 0195d0c2-0000-7000-8000-000000000001",
}
# Patterns say the same as the format beside them, for validators that do not assert formats.
_PATTERNS = (
    ("^[0-9]{4}-[0-9]{2}-[0-9]{2}T", _FORMATS["date-time"]),
    ("^[0-9]{4}-[0-9]{2}-[0-9]{2}$", _FORMATS["date"]),
    ("^[0-9A-Fa-f]{8}(", _FORMATS["uuid"]),
    ("^[0-9a-f]{64}$", "应为 64 位小写十六进制的 SHA-256"),
    ("^/[^/", "应为“/区域/部门”的形式，如 /990101/scjg"),
    ("^[0-9]{3}$", "应为三位数字，如 001"),
)


def dotted(parts: Sequence[str | int]) -> str:
    """['data', 'receipts', 0, 'kind'] as 'data.receipts[0].kind'."""
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def in_chinese(error: jsonschema_rs.ValidationError) -> Iterator[tuple[str, str]]:
    """(path, sentence) for one fault of the validator; a missing field is named in the path."""
    return placed(error, "缺少必填项", "不认识的项，请删去", _sentence, _alternatives)


def placed(
    error: jsonschema_rs.ValidationError,
    missing: str,
    unknown: str,
    sentence: Callable[[jsonschema_rs.ValidationError], str],
    alternatives: Callable[[Ways], str],
) -> Iterator[tuple[str, str]]:
    """(path, sentence) for one fault of the validator, in whatever language the words are."""
    kind = error.kind
    parts = list(error.instance_path)
    match kind:
        case jsonschema_rs.ValidationErrorKind.Required():
            yield dotted([*parts, kind.property]), missing
        case jsonschema_rs.ValidationErrorKind.AdditionalProperties():
            for name in kind.unexpected:
                yield dotted([*parts, name]), unknown
        case jsonschema_rs.ValidationErrorKind.AnyOf():
            yield dotted(parts), alternatives(kind.context)
        case _:
            yield dotted(parts), sentence(error)


def _sentence(error: jsonschema_rs.ValidationError) -> str:
    kinds = jsonschema_rs.ValidationErrorKind
    match kind := error.kind:
        case kinds.Type():
            return f"类型不符，应为{'或'.join(_TYPES.get(name, name) for name in kind.types)}"
        case kinds.Enum():
            allowed = "、".join(shown(option) for option in kind.options)
            quoted = isinstance(kind.options[0], str) and not isinstance(error.instance, str)
            return f"{'应为文字（加引号）' if quoted else '不在允许的取值之内'}，应为 {allowed} 之一"
        case kinds.Constant():
            return f"应为 {shown(kind.expected_value)}"
        case kinds.Format():
            return _FORMATS.get(kind.format, f"格式不符，应为 {kind.format}")
        case kinds.Pattern():
            return next((said for start, said in _PATTERNS if kind.pattern.startswith(start)), "格式不符")
        case kinds.MinLength():
            return "不能为空" if kind.limit == 1 else f"至少 {kind.limit} 个字符"
        case kinds.MaxLength():
            return f"最多 {kind.limit} 个字符"
        case kinds.MinItems():
            return f"至少要有 {kind.limit} 项"
        case kinds.MaxItems():
            return f"最多 {kind.limit} 项"
        case kinds.Minimum():
            return f"不能小于 {kind.limit}"
        case kinds.Maximum():
            return f"不能大于 {kind.limit}"
        case _:
            return f"不符合消息结构（{error.message}）"


def _alternatives(context: Ways) -> str:
    """One sentence from the first fault of each way that was allowed."""
    said = [_sentence(branch[0]) for branch in context if branch]
    return "；或".join(dict.fromkeys(said)) or "不符合允许的任何一种形式"


def shown(value: object) -> str:
    """A value as a sentence names it."""
    return value if isinstance(value, str) else dumps(value).decode()
