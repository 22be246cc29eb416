"""The connector document's shape, judged by its published JSON Schema (`connector.schema.json`).

Guarantees: every fault at once, at its place, in Chinese; what is faultless holds only values that JSON, TOML and the
database keep alike. Any other validator of the same schema says the same. Does not judge what the values mean.
"""

from __future__ import annotations

import datetime as dates
import math
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema_rs

from schemas.connector.faults import Fault
from schemas.encoding import loads
from schemas.wording import in_chinese
from schemas.wording_en import in_english

_DEEPEST = 30
_LARGEST = 2**63 - 1


@cache
def connector_schema() -> dict[str, Any]:
    """The JSON Schema of the document."""
    schema: dict[str, Any] = loads((files("schemas") / "connector" / "connector.schema.json").read_bytes())
    return schema


def shape_faults(document: Any) -> list[Fault]:
    """What is wrong with the shape; empty when nothing is. Never raises on any value."""
    if found := list(_unkept(document)):
        return found
    validator = _validator()
    if validator.is_valid(document):
        return []
    said = [
        Fault(path, words, words_en)
        for error in validator.iter_errors(document)
        for (path, words), (_, words_en) in zip(in_chinese(error), in_english(error), strict=True)
    ]
    return list(dict.fromkeys(said))


@cache
def _validator() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(connector_schema(), offline=True)


def _unkept(value: Any, at: str = "", depth: int = 0) -> Iterator[Fault]:
    """Values that one of JSON, TOML or the database would lose or refuse."""
    match value:
        case bool():
            return
        case str():
            if words := _text_fault(value):
                yield Fault(at, words)
        case int():
            if abs(value) > _LARGEST:
                yield Fault(at, "数字过大，请加引号写成文字")
        case float():
            if not math.isfinite(value):
                yield Fault(at, "应为有限的数字")
        case dict() | list() | tuple() if depth >= _DEEPEST:
            yield Fault(at, f"嵌套超过 {_DEEPEST} 层")
        case dict():
            for name, one in value.items():
                if not isinstance(name, str) or _text_fault(name):
                    yield Fault(at, "项的名字应为文字，不含空字符")
                else:
                    yield from _unkept(one, f"{at}.{name}" if at else name, depth + 1)
        case list() | tuple():
            for number, one in enumerate(value):
                yield from _unkept(one, f"{at}[{number}]", depth + 1)
        case None:
            yield Fault(at, "没有值。不需要的项请整项删去")
        case dates.date() | dates.time():
            yield Fault(at, "日期和时间请加引号写成文字")
        case _:
            yield Fault(at, "应为文字、数字、是否、列表或对象")


def _text_fault(text: str) -> str:
    if "\0" in text:
        return "含有空字符，无法保存"
    return "" if text.isascii() or _encodes(text) else "含有不成对的代理字符，无法保存"


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
