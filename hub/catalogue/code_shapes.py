"""Code shapes 编码规则 applied: whether a code matches one of the active patterns of its kind.

Guarantees: codes are at most 64 characters and patterns at most 200, so that a pattern with nested repetition is refused
rather than run for ever: `pattern_fault` says so before it is saved. A kind without active patterns takes every code.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from functools import lru_cache
from re import _constants as kinds  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from sqlalchemy import Connection, select

from hub.catalogue.code_pattern import CODE_KINDS, CodePattern
from hub.catalogue.item_header import CODE_LENGTH, CODE_TITLES

_REPEATS = (kinds.MAX_REPEAT, kinds.MIN_REPEAT, kinds.POSSESSIVE_REPEAT)
_OPEN_REPEATS = 3  # repetitions without a fixed count, in one pattern


@lru_cache(maxsize=1000)
def pattern_fault(pattern: str) -> str | None:
    """Why a pattern cannot be kept, or None."""
    if not 1 <= len(pattern) <= 200:
        return "规则应为 1 到 200 个字符的正则表达式。"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what a later Python will read in another way is no rule to keep
            parsed = parser.parse(pattern)
            re.compile(pattern, re.ASCII)
    except (re.error, RecursionError, OverflowError, Warning) as error:
        return f"这不是有效的正则表达式：{str(error)[:80]}。例：[0-9]{{12}} 表示 12 位数字。"
    if _heavy(parsed):
        return "规则中有重复套重复（如 (a+)+）或反向引用，核对时可能长时间不返回。请改写成固定位数，如 [0-9]{12}。"
    return None


def _heavy(parsed: Any, inside: bool = False) -> bool:
    """Repetition within repetition, references back, or many open repetitions: what can take exponential time."""
    open_repeats = 0
    for kind, value in parsed:
        if kind in (kinds.GROUPREF, kinds.GROUPREF_EXISTS, kinds.ASSERT, kinds.ASSERT_NOT):
            return True
        if kind in _REPEATS:
            least, most, body = value
            varies = least != most
            open_repeats += varies
            if (inside and most != 1) or open_repeats > _OPEN_REPEATS or _heavy(body, inside or most != 1):
                return True
        elif kind is kinds.BRANCH:
            if any(_heavy(one, inside) for one in value[1]):
                return True
        elif kind is kinds.SUBPATTERN and _heavy(value[3], inside):
            return True
    return False


def code_faults(tx: Connection, codes: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with the codes of a header, by kind."""
    rows = tx.execute(
        select(CodePattern.kind, CodePattern.name, CodePattern.pattern, CodePattern.example)
        .where(CodePattern.active)
        .order_by(CodePattern.kind, CodePattern.seq, CodePattern.id)
    ).all()
    wrong: dict[str, str] = {}
    for kind in CODE_KINDS:
        code = codes.get(kind)
        shapes = [row for row in rows if row.kind == kind]
        if not code:
            continue
        if len(code) > CODE_LENGTH:
            wrong[kind] = f"{CODE_TITLES[kind]}至多 {CODE_LENGTH} 位，现为 {len(code)} 位。"
        elif shapes and not any(matches(row.pattern, code) for row in shapes):
            known = "；".join(f"{row.name}，如 {row.example}" for row in shapes[:4])
            wrong[kind] = (
                f"{CODE_TITLES[kind]}“{code}”（{len(code)} 位）不符合任何编码规则。可用的规则：{known}。"
            )
    return wrong


def matches(pattern: str, code: str) -> bool:
    """Whether the whole code has this shape; a pattern that cannot be kept matches nothing."""
    if len(code) > CODE_LENGTH or pattern_fault(pattern):
        return False
    return re.fullmatch(pattern, code, re.ASCII) is not None
