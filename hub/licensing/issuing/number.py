"""Numbers 证照编号 and serials 流水号: reserved before anything is printed, so that no two licences share one.

Guarantees: one statement moves a counter by as many as are wanted, and two who ask at once get different ones; numbers
that stand on licences already (from a sheet, or given by hand) are passed over. Gaps may be: what was reserved and not
used is not given again. A serial is made of the number's own letters and digits where they fit and nobody has them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection

from hub.errors import Conflict, Rejected
from hub.identifiers import licence_identifier
from hub.licensing.issuing.order import Issuer
from hub.licensing.types.number_rule import LONGEST_NUMBER, NumberRule, parse_number_rule
from hub.licensing.types.published_type import PublishedType
from hub.round_trips import ask

LONGEST_SERIAL = 32
_OTHER = re.compile(r"[^0-9A-Z]")
_ROUNDS = 50


@dataclass(frozen=True, slots=True)
class Reserved:
    """A number that nobody else gets, and its serial in the identifier."""

    number: str
    serial: str


_COUNT = """
INSERT INTO licence_counters AS c (type_code, issuer_code, period, last)
VALUES (%(type)s, %(issuer)s, %(period)s, %(more)s)
ON CONFLICT (type_code, issuer_code, period) DO UPDATE SET last = c.last + %(more)s RETURNING last
"""
_USED_NUMBERS = """
SELECT number FROM licences WHERE number = ANY(%(numbers)s) AND type_code = %(type)s AND issuer_code = %(issuer)s
"""
_USED_IDENTIFIERS = "SELECT identifier FROM licences WHERE identifier = ANY(%(identifiers)s)"


def reserve_numbers(
    tx: Connection, type_: PublishedType, issuer: Issuer, on: date, n: int = 1
) -> list[Reserved]:
    """`n` new numbers, rising. Raises Rejected where the type has no number rule, Conflict where its digits ran out."""
    rule = parse_number_rule(type_.rules.number_rule)
    if not rule.counts:
        raise Rejected(f"“{type_.name}”没有编号规则，请填写证照编号。")
    found: list[Reserved] = []
    for _ in range(_ROUNDS):
        numbers = _next_numbers(tx, type_, rule, issuer, on, n - len(found))
        found += _unused(tx, type_, issuer, on, numbers)
        if len(found) >= n:
            return found
    raise Conflict(f"“{type_.name}”接下来的编号都已被占用。请数据管理员检查编号规则。")


def serial_for(tx: Connection, type_: PublishedType, issuer: Issuer, on: date, number: str) -> str:
    """The serial of a number that was given by hand. Raises Rejected, or Conflict where the number is in use."""
    check_number(number)
    found = _unused(tx, type_, issuer, on, [number])
    if not found:
        raise Conflict(f"证照编号 {number} 已经用于一本“{type_.name}”。请核对编号。")
    return found[0].serial


def check_number(number: str) -> None:
    """Raises Rejected for what cannot stand on a licence."""
    if not 1 <= len(number) <= LONGEST_NUMBER or not number.isprintable() or number != number.strip():
        raise Rejected(f"证照编号应为 1 到 {LONGEST_NUMBER} 个可见字符，前后不带空格。")


def plain_serial(number: str) -> str:
    """The number's letters and digits in upper case; empty where there are none, or too many."""
    serial = _OTHER.sub("", number.upper())
    return serial if len(serial) <= LONGEST_SERIAL else ""


def _next_numbers(
    tx: Connection, type_: PublishedType, rule: NumberRule, issuer: Issuer, on: date, more: int
) -> list[str]:
    of = {"type": type_.code, "issuer": issuer.code, "period": rule.period(on), "more": more}
    ((last,),) = ask(tx, (_COUNT, of))[0]
    try:
        return [
            rule.number(seq, on=on, area=issuer.area, issuer=issuer.code)
            for seq in range(last - more + 1, last + 1)
        ]
    except ValueError as error:
        said = f"“{type_.name}”本期的 {rule.digits} 位流水号已用完。请数据管理员加宽编号规则中的流水号并发布新版。"
        raise Conflict(said) from error


def _unused(
    tx: Connection, type_: PublishedType, issuer: Issuer, on: date, numbers: Sequence[str]
) -> list[Reserved]:
    """Those that stand on no licence, with a serial that no identifier has."""
    wanted = {number: plain_serial(number) for number in numbers}
    identifiers = {
        licence_identifier(type_.code, issuer.code, serial): serial for serial in wanted.values() if serial
    }
    of = {
        "type": type_.code,
        "issuer": issuer.code,
        "numbers": list(wanted),
        "identifiers": list(identifiers),
    }
    used, taken = ask(tx, (_USED_NUMBERS, of), (_USED_IDENTIFIERS, of))
    gone = {number for (number,) in used}
    serials = {identifiers[identifier] for (identifier,) in taken}
    found = []
    for number, serial in wanted.items():
        if number in gone:
            continue
        if not serial or serial in serials:
            serial = other_serial(number, on)
        serials.add(serial)
        found.append(Reserved(number, serial))
    return found


def other_serial(number: str, on: date) -> str:
    """A serial for a number whose letters and digits do not make one: the year and a digest; the same number, the same."""
    return f"{on:%Y}{hashlib.sha256(number.encode()).hexdigest()[:20].upper()}"
