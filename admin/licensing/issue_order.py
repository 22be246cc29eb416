"""A form of a licence to be issued: read into an order, and into words for the picture beside it.

Guarantees: what is wrong is said at its field and everything typed stays; the picture shows what is right so far. A person's
number of the version before is never sent to the browser: left empty, it stays as it was. What an order must be in full is
hub.licensing.issuing.check_order's, which is asked again when it is issued.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from flask_babel import gettext
from sqlalchemy import Connection, or_, select

from admin.workbench.starting import party_of
from hub.case import Case
from hub.catalogue.fields import FieldDef, check_values
from hub.catalogue.texts import line
from hub.deciding.decided_case import PartyFacts
from hub.deciding.decided_rows import USCC
from hub.department import Department
from hub.errors import HubError, Rejected
from hub.identifiers import licence_identifier
from hub.licensing.issuing.check_order import check_holders
from hub.licensing.issuing.fill import Words, field_words
from hub.licensing.issuing.next_version import counted_from
from hub.licensing.issuing.number import check_number, plain_serial
from hub.licensing.issuing.order import Order, Previous
from hub.licensing.types.number_rule import example, parse_number_rule
from hub.licensing.types.published_type import PublishedType
from hub.licensing.types.type_rules import TYPE_CODE
from hub.licensing.types.validity import settled
from hub.ports import Desk
from hub.workday import LOCAL

FIELD = "f_"  # stands before the names of the type's fields in a form
Form = Mapping[str, str]


@dataclass(slots=True)
class Typed:
    """A form as it was read."""

    type: PublishedType
    order: Order
    words: Words
    faults: dict[str, str] = field(default_factory=dict)  # by the name of the form's field; "" of the whole
    empty: set[str] = field(default_factory=set)  # faults that only say that something is missing


def read_new(tx: Connection, form: Form, type_: PublishedType, department: str, desk: Desk) -> Typed:
    """A first licence."""
    today = desk.clock().astimezone(LOCAL).date()
    order = Order(type_.code, (), {}, department, today, key=form.get("key", "")[:64])
    typed = Typed(type_, order, _words(tx, type_, order, desk))
    holder = _holder(tx, form, typed, desk)
    values = values_of(form, typed, {})
    days = {
        name: day
        for name in ("issued_on", "valid_from", "valid_to")
        if (day := _day(form, name, typed)) is not None
    }
    number = None if parse_number_rule(type_.rules.number_rule).counts else number_of(form, typed)
    typed.order = replace(
        order,
        holders=(holder,) if holder else (),
        values=values,
        number=number,
        reason=line(form.get("reason", "")),
        document_no=line(form.get("document_no", "")) or None,
        **days,
    )
    if len(typed.order.reason) < 2:
        _missing(typed, "reason", gettext("请写明签发的依据或理由。"))
    return finished(tx, typed, desk, None)


def read_next(
    tx: Connection, form: Form, type_: PublishedType, order: Order, old: Previous, desk: Desk
) -> Typed:
    """The next version of a licence; `order` is what hub.licensing.issuing.next_version begins with."""
    typed = Typed(type_, order, _words(tx, type_, order, desk))
    values = values_of(form, typed, order.values)
    valid_to = _day(form, "valid_to", typed)
    typed.order = replace(
        order,
        values=values,
        valid_to=valid_to if valid_to is not None else order.valid_to,
        reason=line(form.get("reason", "")),
        document_no=line(form.get("document_no", "")) or None,
        case_no=_case(tx, form, typed, order),
        key=form.get("key", "")[:64],
    )
    if len(typed.order.reason) < 2:
        _missing(typed, "reason", gettext("请写明理由。"))
    return finished(tx, typed, desk, old)


def changes(typed: Typed, old: Order) -> list[tuple[str, str, str]]:
    """What the new version says otherwise: label, before, after. Personal numbers are covered."""
    found = []
    for one in typed.type.fields:
        before, after = old.values.get(one.name, ""), typed.order.values.get(one.name, "")
        if before != after:
            found.append((one.label, _in_words(one, before), _in_words(one, after)))
    long_term = gettext("长期")
    before, after = (str(day or long_term) for day in (old.valid_to, typed.words.valid_to))
    if before != after:
        found.append((gettext("有效期至"), before, after))
    return found


def _in_words(one: FieldDef, value: str) -> str:
    return field_words(one, value, masked=one.type == "person_number") if value else ""


def _missing(typed: Typed, name: str, sentence: str) -> None:
    typed.faults[name] = sentence
    typed.empty.add(name)


def _holder(tx: Connection, form: Form, typed: Typed, desk: Desk) -> PartyFacts | None:
    if not form.get("party") and not (form.get("q", "").strip() and form.get("name", "").strip()):
        _missing(typed, "holder", gettext("请查找或填写持证主体。"))
        return None
    try:
        return check_holders((party_of(tx, form, desk),), typed.type)[0]
    except HubError as error:
        typed.faults["holder"] = error.message
        return None


def values_of(form: Form, typed: Typed, kept: Mapping[str, str]) -> dict[str, str]:
    """Clean values; those that are wrong have their sentence, and are left out."""
    raw = {one.name: form.get(FIELD + one.name, "") for one in typed.type.fields}
    for one in typed.type.fields:
        if one.type == "person_number" and not raw[one.name].strip():
            raw[one.name] = kept.get(one.name, "")
    clean, wrong = check_values(typed.type.fields, raw)
    for name, sentence in wrong.items():
        typed.faults[FIELD + name] = sentence
        if not raw[name].strip():
            typed.empty.add(FIELD + name)
    return clean


def _case(tx: Connection, form: Form, typed: Typed, order: Order) -> str | None:
    """The case that asked for it; the department's own."""
    given = line(form.get("case", ""))
    if not given:
        return None
    found = tx.scalar(
        select(Case.case_no).where(
            Case.case_no == given, or_(Case.department == order.department, Case.department.is_(None))
        )
    )
    if found is None:
        typed.faults["case"] = gettext("没有找到本部门的这个办件。请核对办件编号，或留空。")
    return found


def number_of(form: Form, typed: Typed) -> str | None:
    number = form.get("number", "").strip()
    if not number:
        _missing(typed, "number", gettext("这种证照的编号由人填写，请填写证照编号。"))
        return None
    try:
        check_number(number)
    except Rejected as error:
        typed.faults["number"] = error.message
        return None
    return number


def _day(form: Form, name: str, typed: Typed) -> date | None:
    given = form.get(name, "").strip()
    try:
        return date.fromisoformat(given) if given else None
    except ValueError:
        typed.faults[name] = gettext("日期不正确。")
        return None


def finished(tx: Connection, typed: Typed, desk: Desk, old: Previous | None) -> Typed:
    """The words for the picture, and what is wrong with the days."""
    order = typed.order
    valid_from, valid_to = order.valid_from or order.issued_on, order.valid_to
    if old is None or order.operation == "renew":
        try:
            valid_to = settled(
                typed.type.rules,
                given=order.valid_to,
                valid_from=valid_from,
                counted_from=counted_from(order, old),
                issued_on=order.issued_on,
                values=order.values,
            )
        except Rejected as error:
            typed.faults.setdefault("valid_to", error.message)
            if typed.type.rules.validity_kind == "field":
                typed.empty.add("valid_to")
    elif old.valid_to is not None and (valid_to is None or valid_to > old.valid_to):
        typed.faults["valid_to"] = gettext("变更和补发不延长有效期。")
    words = _words(tx, typed.type, order, desk, old)
    typed.words = replace(words, valid_from=valid_from, valid_to=valid_to, **_covered_words(typed, desk))
    return typed


def _covered_words(typed: Typed, desk: Desk) -> dict[str, Any]:
    """Holders and values for a picture that goes to the browser: persons' numbers stay covered."""
    personal = {one.name for one in typed.type.fields if one.type == "person_number"}
    return {
        "holders": tuple(
            replace(one, code=desk.identities.mask(one.code)) if one.code and one.code_type != USCC else one
            for one in typed.order.holders
        ),
        "values": {
            name: desk.identities.mask(value) if name in personal and value else value
            for name, value in typed.order.values.items()
        },
    }


def _words(
    tx: Connection, type_: PublishedType, order: Order, desk: Desk, old: Previous | None = None
) -> Words:
    code, name = _issuer(tx, type_, order.department)
    number = order.number or example(type_.rules.number_rule, issuer=code, area=desk.area, on=order.issued_on)
    version = old.version + 1 if old else 1
    serial = old.serial if old else plain_serial(number) or "0"
    sound = code and TYPE_CODE.fullmatch(type_.code)
    return Words(
        number=number,
        identifier=licence_identifier(type_.code, code, serial, version) if sound else "",
        holders=order.holders,
        issuer_code=code,
        issuer_name=name,
        issued_on=order.issued_on,
        valid_from=order.valid_from or order.issued_on,
        valid_to=order.valid_to,
        values=order.values,
        item=order.item,
        document_no=order.document_no or "",
        version=version,
    )


def _issuer(tx: Connection, type_: PublishedType, department: str | None) -> tuple[str, str]:
    if type_.rules.issuer_mode == "fixed":
        return type_.rules.issuer_code, type_.rules.issuer_name
    query = select(Department.uscc, Department.name).where(Department.code == department)
    row: Any = tx.execute(query).one_or_none()
    return (row.uscc or "", row.name) if row else ("", "")
