"""Conditions and calculations in CEL (Common Expression Language) over a record, compiled once, bounded before they run.

Guarantees: an expression that `compiled` accepts costs at most about a quarter of a second and never brings the process
down, whatever the record is; nothing of Python can be reached from it. The library bounds neither time nor depth, so what
could blow up is refused by its text (see `limits`) or by the size of what it is about to read.
Names: `r` the record, `value` what the step before made, `item` and `no` the element of `each` in hand; functions `text(x)`,
`number(x)`, `empty(x)`, `trim(x)` and `get(r, "key")`, null where there is no such key, beside those of CEL.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from schemas.drafts.written import LOCAL
from schemas.mapping.limits import MAX_WORK_IN_ALL, SCENE, WHOLE, Weight, inspected
from schemas.mapping.results import Misfit, shown

MAX_RESULT = 64 * 1024
#: In what is handed to an expression, a list of one: the work that was done for this record so far.
SPENT = "@spent"

Evaluate = Callable[[Mapping[str, Any]], Any]


class BadExpression(ValueError):
    """It cannot be compiled, or would not be safe to run; the sentence says what to change."""


def compiled(source: str) -> Evaluate:
    """What evaluates this expression over `{"r": ..., "value": ...}`. Raises BadExpression; evaluating raises Misfit."""
    import cel  # takes a while to import: only a mapping with an expression pays for it

    inspection = inspected(source)
    if isinstance(inspection, str):
        raise BadExpression(inspection)
    try:
        program = cel.compile(source)
    except ValueError as error:
        raise BadExpression(f"表达式有语法错误：{_first_fault(error)}") from None
    names = program.variables()
    for name in names:
        if name not in SCENE and name not in inspection.bound:
            raise BadExpression(f'表达式中没有“{name}”这个名称；字段写作 r.字段名 或 r["字段名"]')
    for name in program.functions():
        if name.isidentifier() and name not in _KNOWN:
            raise BadExpression(f"没有“{name}”这个函数，可用：{'、'.join(sorted(_KNOWN))}")
    read = inspection.fields

    def evaluate(scene: Mapping[str, Any]) -> Any:
        weight = Weight()
        bound: dict[str, Any] = {}
        for name in names:
            if name in scene:
                bound[name] = _bound_name(name, scene[name], read, weight)
        spent = scene.get(SPENT, [0])
        spent[0] += inspection.work(weight)
        if spent[0] > MAX_WORK_IN_ALL:
            raise Misfit("too_big", "这条记录的表达式加起来要做的计算太多，请缩短列表或减少表达式")
        try:
            return _unbound(program.execute(cel.Context(bound, FUNCTIONS)))
        except Misfit:
            raise
        except Exception as error:  # the library's own are of a dozen kinds
            raise Misfit("expression", f"表达式“{shown(source)}”算不出来：{_sentence(error)}") from None

    return evaluate


def condition(source: str) -> Callable[[Mapping[str, Any]], bool]:
    """Like `compiled`, for an expression that has to be true or false."""
    evaluate = compiled(source)

    def holds(scene: Mapping[str, Any]) -> bool:
        found = evaluate(scene)
        if not isinstance(found, bool):
            raise Misfit("expression", f"条件“{shown(source)}”的结果应为真或假，却是“{shown(found)}”")
        return found

    return holds


def _bound_name(name: str, given: Any, read: frozenset[str] | None, weight: Weight) -> Any:
    """One name of the scene, with what it weighs; of the record only the fields that are read."""
    before = weight.units
    if name == "r" and isinstance(given, Mapping):
        found = {}
        for key in given if read is None else read & given.keys():
            begun = weight.units
            found[str(key)] = _bound(given[key], weight)
            weight.names[f"r.{key}"] = weight.units - begun
    else:
        found = _bound(given, weight)
    weight.names[name] = weight.units - before
    if name == "r":
        weight.names[WHOLE] = weight.names[name]
    return found


def _bound(value: Any, weight: Weight, depth: int = 0) -> Any:
    """The value as CEL takes it, its size counted on the way."""
    if isinstance(value, str):
        weight.text(len(value))
        return value
    if value is None or isinstance(value, bool | float):
        weight.text(8)
        return value
    if isinstance(value, int):
        weight.text(8)
        return value if -(2**63) <= value < 2**63 else str(value)
    if isinstance(value, Decimal):
        weight.text(16)
        return float(value) if value.is_finite() else str(value)
    if isinstance(value, Mapping) and depth < 12:
        return {_key(key, weight): _bound(one, weight, depth + 1) for key, one in value.items()}
    if isinstance(value, list | tuple) and depth < 12:
        weight.list(len(value))
        return [_bound(one, weight, depth + 1) for one in value]
    if isinstance(value, date):
        weight.text(16)
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=LOCAL)).astimezone(UTC)
    if isinstance(value, date):
        return value.isoformat()
    raise Misfit("type", f"值的类型（{type(value).__name__}）不能用在表达式里")


def _key(key: Any, weight: Weight) -> str:
    weight.text(len(str(key)))
    return str(key)


def _unbound(found: Any) -> Any:
    """The result as a value of a record."""
    if isinstance(found, str):
        if len(found) > MAX_RESULT:
            raise Misfit("too_big", f"表达式的结果太长（{len(found)} 字），最多 {MAX_RESULT} 字")
        return found
    if found is None or isinstance(found, bool | int | float | datetime):
        return found
    if isinstance(found, timedelta):
        return found.total_seconds()
    if isinstance(found, list):
        return [_unbound(one) for one in found]
    if isinstance(found, dict):
        return {str(key): _unbound(one) for key, one in found.items()}
    raise Misfit("type", "表达式的结果不是文字、数字、真假、日期时间或它们的列表")


def _number(value: Any) -> Any:
    """The number that a text says, null where it says none: a function that raised would write to standard error."""
    try:
        return value if isinstance(value, int | float) else float(str(value).replace(",", ""))
    except ValueError:
        return None


def _text(value: Any) -> str | None:
    """A scalar as text; null for lists and objects, whose text may be without end."""
    if value is None:
        return ""
    if isinstance(value, list | dict):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "text": _text,
    "number": _number,
    "empty": lambda value: (
        value is None or value in ("", [], {}) or (isinstance(value, str) and not value.strip())
    ),
    "trim": lambda value: (_text(value) or "").strip(),
    "get": lambda holder, key: (
        holder.get(key) if isinstance(holder, Mapping) and isinstance(key, str) else None
    ),
}
_KNOWN = {
    *FUNCTIONS, "contains", "double", "endsWith", "has", "int", "matches", "size", "startsWith", "string", "timestamp",
    "duration", "getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getHours", "getMinutes",
}  # fmt: skip


def _first_fault(error: ValueError) -> str:
    """Of what the parser says, the first place: line, column, and its words."""
    lines = str(error).split("ERROR: <input>:")
    return shown(lines[1].split("\n")[0]) if len(lines) > 1 else shown(error)


def _sentence(error: Exception) -> str:
    """The library's commoner faults in Chinese."""
    words = str(error)
    match error:
        case KeyError():
            return f"记录中没有 {words} 这一项；可能没有的先用 has() 判断"
        case ZeroDivisionError():
            return "除数为零"
        case OverflowError():
            return "数字太大"
        case IndexError():
            return "列表没有这么多项"
        case TypeError():
            return "两边的类型不同，文字与数字不能直接比较或相加；可用 number() 或 text() 转换"
    return "函数或名称不存在" if "Undefined" in words else shown(words)
