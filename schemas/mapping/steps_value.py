"""Steps over other values: constant, default, money, numbers, flags, codes, expressions."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from schemas.connector.document import CodeTable, Direction
from schemas.drafts.money import fen
from schemas.drafts.unfit import Unfit
from schemas.mapping.expressions import BadExpression, compiled
from schemas.mapping.results import Misfit, Unmapped, shown
from schemas.mapping.step import (
    Around,
    BadOptions,
    Options,
    Run,
    Scene,
    TransformInfo,
    Words,
    choice,
    each_alone,
    flag_option,
    is_empty,
    options_of,
    text_of,
    text_option,
)

_FEN = {"分": Decimal(1), "元": Decimal(100), "万元": Decimal(1_000_000)}


def _constant(options: Options, _around: Around) -> Run:
    value = options["value"]
    return lambda _value, _scene: value


def _default(options: Options, _around: Around) -> Run:
    instead = options["value"]
    return lambda value, _scene: instead if is_empty(value) else value


def _money(options: Options, _around: Around) -> Run:
    unit, out = options.get("from", ""), options.get("to", "分")

    def read(value: Any) -> int | Decimal:
        try:
            whole = fen(_digits(value), unit, "金额")
        except Unfit as error:
            raise Misfit("format", str(error)) from None
        return whole if out == "分" else (whole / _FEN[out]).normalize() + 0

    return each_alone(read)


def _digits(value: Any) -> str:
    """A number as it is written, without an exponent."""
    if isinstance(value, bool):
        raise Misfit("type", "真假不是金额")
    if isinstance(value, float | Decimal):
        return f"{Decimal(str(value)):f}"
    return text_of(value)


_NUMBER = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?")


def _number(options: Options, _around: Around) -> Run:
    percent = options.get("percent", False)

    def read(value: Any) -> int | float | Decimal:
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
            return value
        text = unicodedata.normalize("NFKC", text_of(value)).strip()
        bare = text.removesuffix("%").strip() if percent else text
        if not _NUMBER.fullmatch(bare) or len(bare) > 60:
            raise Misfit("format", f"“{shown(text)}”不是数字")
        found = Decimal(bare.replace(",", ""))
        if text.endswith("%") and options.get("percent_as") == "share":
            found /= 100
        return int(found) if "." not in bare and found == found.to_integral_value() else found

    return each_alone(read)


def _integer(_options: Options, _around: Around) -> Run:
    def read(value: Any) -> int:
        text = unicodedata.normalize("NFKC", text_of(value)).strip().replace(",", "")
        try:
            found = Decimal(text)
            if len(text) <= 60 and found == found.to_integral_value():
                return int(found)
        except (InvalidOperation, OverflowError, ValueError):
            pass
        raise Misfit("format", f"“{shown(text)}”不是整数")

    return each_alone(read)


_TRUE = ("是", "1", "true", "y", "yes", "t", "有", "√", "对")
_FALSE = ("否", "0", "false", "n", "no", "f", "无", "×", "错")
_FLAGS_OUT: dict[str, tuple[Any, Any]] = {
    "flag": (True, False),
    "是/否": ("是", "否"),
    "1/0": ("1", "0"),
    "Y/N": ("Y", "N"),
    "number": (1, 0),
}


def _flag(options: Options, _around: Around) -> Run:
    yes = {one.strip().lower() for one in options.get("yes", []) if one.strip()} or set(_TRUE)
    no = {one.strip().lower() for one in options.get("no", []) if one.strip()} or set(_FALSE)
    true, false = _FLAGS_OUT[options.get("out", "flag")]
    if both := yes & no:
        raise BadOptions(f"“{both.pop()}”既算是又算否")

    def read(value: Any) -> Any:
        text = ("1" if value else "0") if isinstance(value, bool) else text_of(value).strip().lower()
        if isinstance(value, bool):
            return true if value else false
        if text in yes:
            return true
        if text in no:
            return false
        raise Misfit("format", f"“{shown(value)}”既不是“是”也不是“否”")

    return each_alone(read)


def translations(table: CodeTable, direction: Direction) -> dict[str, str]:
    """What a code table says in one direction; of several that fit, the first."""
    found: dict[str, str] = {}
    for theirs, ours in table.pairs:
        said, meant = (theirs, ours) if direction == "in" else (ours, theirs)
        found.setdefault(same(said), meant)
    return found


def same(code: str) -> str:
    """Codes and names that only differ in width or blanks around are the same."""
    return unicodedata.normalize("NFKC", code).strip()


def _code(options: Options, around: Around) -> Run:
    name, otherwise = options["table"], options.get("otherwise", "fault")
    if name not in around.tables:
        raise BadOptions(f"没有“{name}”这张代码表")
    table = around.tables[name]
    known, title = translations(table, around.direction), table.title or name

    def run(value: Any, scene: Scene) -> Any:
        def translated(one: Any) -> Any:
            text = text_of(one)
            try:
                return known[text]
            except KeyError:
                pass
            if (code := same(text)) in known:
                return known[code]
            scene.unmapped.append(Unmapped(name, code[:200]))
            if otherwise == "fault":
                raise Misfit("code", f"代码表“{title}”中没有“{shown(text)}”，请在代码表中补上对应")
            return text if otherwise == "keep" else options.get("value") if otherwise == "value" else None

        if isinstance(value, list | tuple):
            return [translated(one) for one in value if not is_empty(one)]
        return None if is_empty(value) else translated(value)

    return run


def _expression(options: Options, _around: Around) -> Run:
    try:
        evaluate: Callable[[Any], Any] = compiled(options["expression"])
    except BadExpression as error:
        raise BadOptions(str(error)) from None
    return lambda value, scene: evaluate(scene.names(value))


_VALUE = {"title": "值", "x-title-en": "Value", "type": ["string", "number", "boolean", "null"]}
_UNITS: dict[str, Words] = {"分": ("分", "fen"), "元": ("元", "yuan"), "万元": ("万元", "10,000 yuan")}


def _words(title: str, title_en: str) -> dict[str, Any]:
    return {
        "type": "array",
        "title": title,
        "x-title-en": title_en,
        "items": {"type": "string"},
        "maxItems": 50,
    }


VALUE_STEPS: dict[str, TransformInfo] = {
    "constant": TransformInfo("固定值", "Constant", _constant, "none", options_of("value", value=_VALUE)),
    "default": TransformInfo("为空时用", "Where empty", _default, "all", options_of("value", value=_VALUE)),
    "money": TransformInfo(
        "金额", "Money", _money, "one",
        options_of(
            **{
                "from": choice("来源单位", "Unit of the source", {"": ("写在数字后面", "Written behind it"), **_UNITS}, ""),
                "to": choice("目标单位", "Unit of the target", _UNITS, "分"),
            }
        ),
        "元、万元、分之间精确换算，没有单位的不猜", "Exact; an amount without a unit is not guessed",
    ),
    "number": TransformInfo(
        "数字", "Number", _number, "one",
        options_of(
            percent=flag_option("接受百分号", "Accept per cent", False),
            percent_as=choice(
                "百分数写成", "Per cent as",
                {"same": ("原来的数", "The same number"), "share": ("小数（除以 100）", "Divided by 100")}, "same",
            ),
        ),
    ),
    "integer": TransformInfo("整数", "Whole number", _integer),
    "flag": TransformInfo(
        "是否", "Yes or no", _flag, "one",
        options_of(
            yes=_words("算作“是”的写法", "Words for yes"),
            no=_words("算作“否”的写法", "Words for no"),
            out=choice(
                "写成", "Written as",
                {
                    "flag": ("真假", "True or false"), "是/否": "是/否", "1/0": "1/0", "Y/N": "Y/N",
                    "number": ("数字 1/0", "Number 1/0"),
                }, "flag",
            ),
        ),
    ),
    "code": TransformInfo(
        "代码对照", "Code table", _code, "one",
        options_of(
            "table",
            table={**text_option("代码表", "Code table", minLength=1), "x-code-table": True},
            otherwise=choice(
                "表中没有时", "Where it is unknown",
                {
                    "fault": ("不接受并报告", "Refuse and report"), "keep": ("保留原值并报告", "Keep as it is and report"),
                    "empty": ("留空并报告", "Leave empty and report"),
                    "value": ("用指定的值并报告", "Use this value and report"),
                },
                "fault",
            ),
            value=_VALUE,
        ),
        "按代码表换成对方的代码；表中没有的不猜", "By an editable table; what it does not know is not guessed",
    ),
    "expression": TransformInfo(
        "表达式", "Expression", _expression, "all",
        options_of("expression", expression=text_option("CEL 表达式", "CEL expression", minLength=1, maxLength=1000)),
        "r 为记录，value 为上一步的值", "r is the record, value what the step before made",
    ),
}  # fmt: skip
