"""Check an order: everything that can be known before a licence is printed.

Guarantees: type published here, issuer known, holders and their numbers right, values of the type's fields, days by its
rules, the version before still good, the number unused; each refusal is a sentence. Reserves the number. Nothing else is
written, and nothing is printed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import Connection

from hub.catalogue.fields import check_values
from hub.errors import NotFound, Rejected
from hub.identifiers import licence_identifier
from hub.licensing.issuing.check_holders import check_holders
from hub.licensing.issuing.fill import Words
from hub.licensing.issuing.next_version import counted_from, read_old, refuse_over
from hub.licensing.issuing.number import reserve_numbers, serial_for
from hub.licensing.issuing.order import AGAIN, FIRST, Issuer, Order, Previous
from hub.licensing.types.published_type import PublishedType, published_licence_type
from hub.licensing.types.type_rules import TYPE_CODE
from hub.licensing.types.validity import settled
from hub.ports import Desk
from hub.round_trips import ask
from hub.workday import LOCAL

LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Checked:
    """An order that may be printed."""

    order: Order
    type: PublishedType
    issuer: Issuer
    words: Words
    previous: Previous | None
    status_index: int


_SURROUNDINGS = (
    "SELECT code, name, uscc, active FROM departments WHERE code = %(department)s",
    "SELECT min(code) FROM departments WHERE uscc = %(fixed)s",
    """SELECT i.code, i.name FROM cases c JOIN service_items i ON i.code = c.item_code
WHERE c.case_no = %(case_no)s""",
    "SELECT nextval('licence_status_index')",
)


def check_order(tx: Connection, order: Order, desk: Desk) -> Checked:
    """Check it, fill in what it leaves open, and reserve its number. Raises NotFound, Rejected or Conflict."""
    type_ = published_licence_type(tx, order.type_code)
    if not TYPE_CODE.fullmatch(type_.code):
        raise Rejected(f"证照类型代码 {type_.code} 不是 GB/T 36904 的 21 位，不能签发。")
    if order.operation not in (FIRST if order.previous is None else AGAIN):
        raise Rejected("新发不能有前一版本；延续、变更、补发要指明前一版本。")
    if len(order.reason) > LONGEST_REASON:
        raise Rejected(f"理由至多 {LONGEST_REASON} 字。")
    of = {"department": order.department, "fixed": type_.rules.issuer_code, "case_no": order.case_no}
    departments, fixed, items, index = ask(tx, *((one, of) for one in _SURROUNDINGS))
    issuer = _issuer(type_, order, departments, fixed[0][0], desk.area)
    today = desk.clock().astimezone(LOCAL).date()
    if order.issued_on > today:
        raise Rejected(f"颁发日期 {order.issued_on} 晚于今天。请核对日期。")
    item_code, item = items[0] if items else ("", "")
    order = replace(
        order,
        holders=check_holders(order.holders, type_, today),
        values=_values(type_, order),
        item=order.item or item,
        item_code=order.item_code or item_code,
    )
    previous = _previous(tx, order, issuer, today) if order.previous else None
    words = _words(tx, type_, issuer, order, previous)
    order = replace(order, number=words.number, valid_from=words.valid_from, valid_to=words.valid_to)
    return Checked(order, type_, issuer, words, previous, index[0][0])


def _values(type_: PublishedType, order: Order) -> dict[str, str]:
    values, wrong = check_values(type_.fields, order.values)
    if wrong:
        raise Rejected("".join(f"{one.rstrip('。')}。" for one in wrong.values()))
    return values


def _words(
    tx: Connection, type_: PublishedType, issuer: Issuer, order: Order, previous: Previous | None
) -> Words:
    valid_from, valid_to = _days(type_, order, previous)
    number, serial = _number(tx, type_, issuer, order, previous)
    version = previous.version + 1 if previous else 1
    return Words(
        number=number,
        identifier=licence_identifier(type_.code, issuer.code, serial, version),
        holders=order.holders,
        issuer_code=issuer.code,
        issuer_name=issuer.name,
        issued_on=order.issued_on,
        valid_from=valid_from,
        valid_to=valid_to,
        values=order.values,
        item=order.item,
        document_no=order.document_no or "",
        version=version,
    )


def _issuer(
    type_: PublishedType,
    order: Order,
    departments: Sequence[Sequence[object]],
    fixed: str | None,
    area: str,
) -> Issuer:
    rules = type_.rules
    if order.department is not None and not departments:
        raise NotFound(f"没有代码为 {order.department[:40]} 的部门。")
    if departments and not departments[0][3]:
        raise Rejected(f"{departments[0][1]}已停用，不能颁证。请联系数据管理员。")
    if rules.issuer_mode == "fixed":
        return Issuer(rules.issuer_code, rules.issuer_name, area, fixed or order.department)
    if not departments:
        raise Rejected(f"“{type_.name}”由作出决定的部门颁发，请先选择颁发部门。")
    code, name, uscc, _ = departments[0]
    if not uscc:
        said = f"{name}没有登记统一社会信用代码，不能编证照标识。请数据管理员在“部门”中补填。"
        raise Rejected(said)
    return Issuer(str(uscc), str(name), area, str(code))


def _previous(tx: Connection, order: Order, issuer: Issuer, today: date) -> Previous:
    assert order.previous is not None
    old = read_old(tx, order.previous)
    refuse_over(old, order.operation, today)
    if old.type_code != order.type_code:
        raise Rejected(f"{old}的证照类型不同，不能在它之上换发。请按新发办理。")
    if old.issuer_code != issuer.code:
        said = f"{old}由{old.issuer_name}颁发，不能由{issuer.name}延续、变更或补发。请由原颁发机构办理，或按新发办理。"
        raise Rejected(said)
    if order.number is not None and order.number != old.number:
        raise Rejected(f"{old}的新版本沿用原编号 {old.number}，不能改为 {order.number}。")
    return old.previous


def _days(type_: PublishedType, order: Order, previous: Previous | None) -> tuple[date, date | None]:
    """From when until when. A change and a replacement keep the last day of the version before, or shorten it."""
    valid_from = order.valid_from or (
        previous.valid_from if previous and order.operation != "renew" else order.issued_on
    )
    if previous is not None and order.operation != "renew":
        valid_to = order.valid_to if order.valid_to is not None else previous.valid_to
        if previous.valid_to is not None and (valid_to is None or valid_to > previous.valid_to):
            raise Rejected(f"变更和补发不延长有效期，有效期至不能晚于原来的 {previous.valid_to}。")
        if valid_to is not None and valid_to < max(valid_from, order.issued_on):
            raise Rejected(f"有效期至 {valid_to} 早于有效期自 {valid_from} 或颁发日期 {order.issued_on}。")
        return valid_from, valid_to
    if type_.rules.validity_kind == "decided" and order.valid_to is None and previous and previous.valid_to:
        raise Rejected(f"这种证照的有效期逐本决定，原来的到 {previous.valid_to}。请填写延续到哪一天。")
    valid_to = settled(
        type_.rules,
        given=order.valid_to,
        valid_from=valid_from,
        counted_from=counted_from(order, previous),
        issued_on=order.issued_on,
        values=order.values,
    )
    return valid_from, valid_to


def _number(
    tx: Connection, type_: PublishedType, issuer: Issuer, order: Order, previous: Previous | None
) -> tuple[str, str]:
    if previous is not None:
        return previous.number, previous.serial
    if order.number is not None:
        return order.number, serial_for(tx, type_, issuer, order.issued_on, order.number)
    reserved = reserve_numbers(tx, type_, issuer, order.issued_on)[0]
    return reserved.number, reserved.serial
