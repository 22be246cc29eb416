"""Values as columns take them: text into dates, numbers, flags; lengths and ranges judged before anything is sent.

Guarantees: what a column would cut off, round or guess at is `Unfit`, with a sentence that names the column and does not
show more than the beginning of the value; values come back as text, numbers, flags or nothing.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import Any, TypeGuard
from zoneinfo import ZoneInfo

from sqlalchemy import types as sql
from sqlalchemy.dialects import mysql

from connectors.adapters.port import Column
from schemas import dumps

LOCAL = ZoneInfo("Asia/Shanghai")
Convert = Callable[[Any], Any]
_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[T\s]+(.*))?", re.DOTALL)
_DIGITS = re.compile(r"(\d{4})(\d{2})(\d{2})(?:[T\s]+(.*))?", re.DOTALL)
_TIME = re.compile(r"(\d{1,2})[:：](\d{2})(?:[:：](\d{2})(?:\.(\d{1,6})\d*)?)?\s*(Z|[+-]\d{2}:?\d{2})?")
_FLAGS = {"1": True, "true": True, "是": True, "0": False, "false": False, "否": False}
_SHOWN = 20


class Unfit(ValueError):
    """A value that its column does not take. `cause` as in `Refusal`."""

    def __init__(self, words: str, cause: str = "shape") -> None:
        super().__init__(words)
        self.cause = cause


def converter(name: str, kind: sql.TypeEngine[Any]) -> Convert:
    """What makes a value fit this column; raises Unfit. Nothing stays nothing; an empty text is nothing but to a text."""
    make = _maker(name, kind)
    if isinstance(kind, sql.String):
        return make

    def convert(value: Any) -> Any:
        return None if value is None or value == "" else make(value)

    return convert


def is_bits(kind: sql.TypeEngine[Any]) -> TypeGuard[mysql.BIT]:
    """MySQL's BIT, which many use as a flag; its driver gives it as bytes."""
    return isinstance(kind, mysql.BIT)


def for_sqlite(convert: Convert) -> Convert:
    """The same for SQLite, which knows neither moments nor exact numbers: as the text that it sorts rightly."""

    def written(value: Any) -> Any:
        made = convert(value)
        return made.isoformat(" ") if isinstance(made, dt.datetime) else _as_text(made)

    return written


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal | dt.date) else value


def _maker(name: str, kind: sql.TypeEngine[Any]) -> Convert:
    if is_bits(kind):
        return lambda value: int(_flag(name, value)) if kind.length in (None, 1) else _integer(name, value)
    if isinstance(kind, sql.JSON):
        return lambda value: dumps(value).decode()
    if isinstance(kind, sql.Boolean):
        return lambda value: _flag(name, value)
    if isinstance(kind, sql.Integer):
        return lambda value: _integer(name, value)
    if isinstance(kind, sql.Float):
        return lambda value: float(_decimal(name, value))
    if isinstance(kind, sql.Numeric):
        return lambda value: _fitting(name, value, kind.precision, kind.scale)
    if isinstance(kind, sql.DateTime):
        aware = bool(kind.timezone)
        return lambda value: _moment(name, value, aware)
    if isinstance(kind, sql.Date):
        return lambda value: _day(name, value)
    if isinstance(kind, sql.LargeBinary):
        return lambda value: value if isinstance(value, bytes) else plain_text(value).encode()
    if isinstance(kind, sql.String):
        return _text(name, kind.length)
    return lambda value: plain_text(value) if isinstance(value, dict | list) else value


def _text(name: str, length: int | None) -> Convert:
    most = length if length is not None else 2**40

    def convert(value: Any) -> Any:
        if value is None:
            return None
        text = value if isinstance(value, str) else plain_text(value)
        if len(text) > most:
            raise Unfit(f"字段 {name} 最长 {length} 字，这里有 {len(text)} 字", "too_big")
        if "\x00" in text:
            raise Unfit(f"字段 {name} 含有空字符（NUL），数据库不能存")
        return text

    return convert


def plain_text(value: Any) -> str:
    """A value as text: flags as 1 and 0, lists and objects as JSON."""
    if isinstance(value, bool):
        return "1" if value else "0"
    return dumps(value).decode() if isinstance(value, dict | list) else str(value)


def _shown(value: Any) -> str:
    text = str(value)
    return f"“{text[:_SHOWN]}{'…' if len(text) > _SHOWN else ''}”"


def _integer(name: str, value: Any) -> int:
    if isinstance(value, str) and len(value) < 19 and value.isascii() and value.isdigit():
        return int(value)
    number = _decimal(name, value)
    if number != number.to_integral_value() or abs(number) >= 2**64:  # the database knows its own ranges
        raise Unfit(f"字段 {name} 应为整数，收到{_shown(value)}")
    return int(number)


def _decimal(name: str, value: Any) -> Decimal:
    try:
        number = Decimal(int(value) if isinstance(value, bool) else str(value).strip())
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise Unfit(f"字段 {name} 应为数字，收到{_shown(value)}")
    return number


def _fitting(name: str, value: Any, precision: int | None, scale: int | None) -> Decimal:
    number = _decimal(name, value)
    exponent = number.as_tuple().exponent
    if (
        scale is not None
        and isinstance(exponent, int)
        and -exponent > scale
        and number != round(number, scale)
    ):
        raise Unfit(f"字段 {name} 最多 {scale} 位小数，收到{_shown(value)}")
    if number and precision is not None and number.adjusted() >= precision - (scale or 0):
        raise Unfit(f"字段 {name} 最多 {precision - (scale or 0)} 位整数，收到{_shown(value)}")
    return number


def _flag(name: str, value: Any) -> bool:
    found = value if isinstance(value, bool) else _FLAGS.get(str(value).strip().lower())
    if found is None:
        raise Unfit(f"字段 {name} 应为是或否，收到{_shown(value)}")
    return found


def _day(name: str, value: Any) -> dt.date:
    if isinstance(value, str) and len(value) == 10 and value[4] == value[7] == "-":
        with suppress(ValueError):
            return dt.date.fromisoformat(value)
    return _moment(name, value, aware=False).date()


def _moment(name: str, value: Any, aware: bool) -> dt.datetime:
    """A date or date-time as people and messages write it; without a zone it is local."""
    moment = _read_moment(value)
    if moment is None:
        raise Unfit(f"字段 {name} 应为日期或时间（如 2026-11-21 14:30），收到{_shown(value)}")
    local = moment if moment.tzinfo else moment.replace(tzinfo=LOCAL)
    return local if aware else local.astimezone(LOCAL).replace(tzinfo=None)


def _read_moment(value: Any) -> dt.datetime | None:
    if isinstance(value, dt.datetime):
        return value
    if isinstance(value, dt.date):
        return dt.datetime.combine(value, dt.time())
    written = str(value).strip()
    day = _DATE.fullmatch(written) or _DIGITS.fullmatch(written)
    clock = _TIME.fullmatch(day[4].strip()) if day and day[4] else None
    if day is None or (day[4] and clock is None):
        return None
    try:
        found = dt.datetime(int(day[1]), int(day[2]), int(day[3]))  # noqa: DTZ001 - local
        if clock is None:
            return found
        fraction = int((clock[4] or "").ljust(6, "0"))
        found = found.replace(
            hour=int(clock[1]), minute=int(clock[2]), second=int(clock[3] or 0), microsecond=fraction
        )
        zone = (clock[5] or "").replace("Z", "+00:00")
        return found.replace(tzinfo=dt.datetime.strptime(zone, "%z").tzinfo) if zone else found
    except ValueError:
        return None


def plain(value: Any) -> Any:
    """A value of a row, as a record holds it."""
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ") if value.tzinfo is None else value.isoformat()
    if isinstance(value, dt.date | dt.time | dt.timedelta | uuid.UUID):
        return str(value)
    if isinstance(value, bytes | memoryview):
        raw = bytes(value)
        try:
            return raw.decode()
        except UnicodeDecodeError:
            return raw.hex()
    return value


#: The first that fits; a database's own kinds descend from these.
_KINDS: tuple[tuple[type[sql.TypeEngine[Any]], str], ...] = (
    (sql.Boolean, "flag"),
    (sql.Integer, "integer"),
    (sql.Numeric, "number"),
    (sql.Float, "number"),
    (mysql.BIT, "flag"),
    (sql.DateTime, "moment"),
    (sql.Date, "date"),
    (sql.JSON, "object"),
    (sql.ARRAY, "list"),
)


def told(name: str, kind: sql.TypeEngine[Any], *, required: bool, comment: str | None) -> Column:
    """A column, as the port tells it."""
    named = next((word for one, word in _KINDS if isinstance(kind, one)), "text")
    return Column(name, named, required, getattr(kind, "length", None), comment or "")
