"""Issue a licence 制证: reserve its number, print and sign it, write it - 新发, 转入, 延续, 变更, 补发.

Guarantees: the number is reserved in a short transaction and no transaction is held while it is printed; then one
transaction writes licence, files, material, operation, ledger and notice, and ends the version before it. What changed
in between (type withdrawn, licence frozen, number used) is refused there. The same key, or the same number with the same
content, is issued once. A crash before the last transaction leaves a stored object that nobody refers to, which the sweep
removes, and a gap in the numbers.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError

from hub.catalogue.fields import check_values, stored
from hub.deciding.decided_rows import NAMESPACE, party_id
from hub.errors import Conflict, Rejected
from hub.licensing.checking.make_status_lists import status_entry
from hub.licensing.face import Face, FaceFault
from hub.licensing.issuing.check_order import Checked, check_order
from hub.licensing.issuing.fill import fill
from hub.licensing.issuing.issued_rows import IssuedRows
from hub.licensing.issuing.metadata import gb36903
from hub.licensing.issuing.next_version import lock_licences, read_old, refuse_over
from hub.licensing.issuing.order import Issued, Order, Prepared
from hub.licensing.licence import VALID
from hub.licensing.living.changed import Changed
from hub.licensing.living.take_effect import take_effect
from hub.licensing.ports import Press, Tokens
from hub.licensing.types.formats_of import BUILT_INS
from hub.licensing.types.published_type import PublishedType, published_licence_type
from hub.ports import Desk
from hub.round_trips import ask, write
from hub.workday import LOCAL

UNIQUE_VIOLATION = "23505"


def issue(engine: Engine, order: Order, desk: Desk, press: Press, tokens: Tokens, *, actor: str) -> Issued:
    """Issue one licence by itself; what was issued already is given back. Raises as `prepare` and `write_issued` do."""
    with engine.begin() as tx:
        before = _issued_before(tx, order, desk)
    if before is not None:
        return before
    prepared = prepare(engine, order, desk, press, tokens)
    try:
        with engine.begin() as tx:
            write_issued(tx, prepared, desk, actor=actor)
    except Conflict:
        with engine.begin() as tx:  # another may have issued the very same meanwhile
            before = _issued_before(tx, order, desk)
        if before is None:
            raise
        return before
    return Issued(prepared.licence_id, prepared.identifier, prepared.words.number)


def prepare(engine: Engine, order: Order, desk: Desk, press: Press, tokens: Tokens) -> Prepared:
    """Check, reserve, print, sign and store. Raises NotFound, Rejected, Conflict, Unavailable; nothing is issued by it."""
    with engine.begin() as tx:
        checked = check_order(tx, order, desk)
    return print_order(checked, desk, press, tokens)


def print_order(checked: Checked, desk: Desk, press: Press, tokens: Tokens) -> Prepared:
    """Print what was checked. Slow; no transaction is to be held. Raises Rejected, Unavailable."""
    words, type_, order = checked.words, checked.type, checked.order
    licence_id = uuid.uuid5(NAMESPACE, f"licence|{words.identifier}")
    face = fill(type_, words, qr=f"{desk.public_url}/v/{tokens.make(licence_id)}")
    metadata = gb36903(
        type_,
        words,
        area=desk.area,
        operation=order.operation,
        related=checked.previous.identifier if checked.previous else None,
        item_code=order.item_code,
    ) | status_entry(checked.status_index, desk.public_url)
    formats = ("pdf", *("ofd",) * type_.rules.ofd, *("sm2",) * type_.rules.sm2)
    try:
        made = press.make(face, metadata, issuer_code=words.issuer_code, formats=formats)
    except Rejected as error:
        raise _named(press, face, type_, error) from error
    return Prepared(
        order=order,
        type=type_,
        words=words,
        issuer=checked.issuer,
        licence_id=licence_id,
        operation_id=operation_id(order) or uuid.uuid4(),
        material_id=uuid.uuid5(licence_id, "material"),
        status_index=checked.status_index,
        made=tuple(made),
        previous=checked.previous,
    )


def write_issued(tx: Connection, prepared: Prepared, desk: Desk, *, actor: str) -> uuid.UUID:
    """Write a prepared licence; its id. Raises Conflict or Rejected where something changed since it was checked."""
    now = desk.clock()
    check_again(tx, [prepared], desk)
    rows = IssuedRows(desk, now)
    rows.add(prepared, actor)
    try:
        write(tx, *rows.tables())
    except IntegrityError as error:
        if getattr(error.orig, "sqlstate", None) == UNIQUE_VIOLATION:
            raise Conflict("这本证照刚刚由他人签发。请刷新后再看。") from error
        raise
    supersede(tx, [prepared], desk, actor=actor)
    return prepared.licence_id


_MEANWHILE = (
    "SELECT pg_advisory_xact_lock(hashtextextended(k, 0)) FROM unnest(%(locks)s::text[]) k",
    """SELECT code FROM licence_types
WHERE code = ANY(%(types)s::text[]) AND published_version IS NOT NULL AND active""",
    """SELECT DISTINCT type_code, issuer_code, number FROM licences
WHERE number = ANY(%(numbers)s::text[]) AND type_code = ANY(%(types)s::text[])""",
)


def check_again(tx: Connection, prepared: Sequence[Prepared], desk: Desk) -> None:
    """What may have changed while they were printed; their numbers are held from here on. Raises Conflict or Rejected."""
    if not prepared:
        return
    of = {
        # One order for all: two who write some of the same numbers cannot wait for each other.
        "locks": sorted(f"licence|{one.type.code}|{one.issuer.code}|{one.words.number}" for one in prepared),
        "types": list({one.type.code for one in prepared}),
        "numbers": list({one.words.number for one in prepared}),
    }
    _, published, used = ask(tx, *((statement, of) for statement in _MEANWHILE))
    types = {code for (code,) in published}
    gone = {tuple(row) for row in used}
    today = desk.clock().astimezone(LOCAL).date()
    if previous := [one.previous.id for one in prepared if one.previous is not None]:
        lock_licences(tx, previous)
    for one in sorted(prepared, key=lambda one: one.identifier):
        name, number = one.type.name, one.words.number
        if one.type.code not in types:
            raise Conflict(f"“{name}”刚刚被撤下或停用，不能签发。请联系数据管理员。")
        if one.previous is not None:
            refuse_over(read_old(tx, one.previous.id), one.order.operation, today)
        elif (one.type.code, one.issuer.code, number) in gone:
            raise Conflict(f"证照编号 {number} 刚刚用于另一本“{name}”。请核对后重试。")


def supersede(tx: Connection, prepared: Sequence[Prepared], desk: Desk, *, actor: str) -> None:
    """End the versions that these take the place of, and tell those who must know."""
    changes = [
        Changed(
            one.previous.id,
            "supersede",
            VALID,
            one.order.reason or f"由新版本 {one.identifier} 替代",
            actor,
            desk.clock(),
            department=one.order.department or one.issuer.department,
            document_no=one.order.document_no,
            case_no=one.order.case_no,
            related_id=one.licence_id,
        )
        for one in prepared
        if one.previous is not None
    ]
    take_effect(tx, changes, desk)


def operation_id(order: Order) -> uuid.UUID | None:
    """The id of the operation that an order with a key makes."""
    return uuid.uuid5(NAMESPACE, f"licence-order|{order.type_code}|{order.key}") if order.key else None


_BY_KEY = """
SELECT l.id, l.identifier, l.number FROM licence_operations o JOIN licences l ON l.id = o.licence_id
WHERE o.id = %(operation)s
"""
_BY_NUMBER = """
SELECT l.id, l.identifier, l.number, l.fields FROM licences l
WHERE l.number = %(number)s AND l.type_code = %(type)s AND l.origin = 'issued' AND l.party_id = %(party)s
AND l.issued_on = %(issued_on)s AND l.previous_id IS NOT DISTINCT FROM %(previous)s
"""


def _issued_before(tx: Connection, order: Order, desk: Desk) -> Issued | None:
    """What this very order made before: by its key, or else by its number, holder, day and content."""
    of: dict[str, Any] = {
        "operation": operation_id(order),
        "number": order.number,
        "type": order.type_code,
        "issued_on": order.issued_on,
        "previous": order.previous,
        "party": party_id(order.holders[0], desk) if order.holders else None,
    }
    by_key, by_number = ask(tx, (_BY_KEY, of), (_BY_NUMBER, of))
    for found in by_key:
        return Issued(found[0], found[1], found[2], fresh=False)
    if by_number and not order.key and _same(tx, order, by_number[0][3], desk):
        licence_id, identifier, number, _ = by_number[0]
        return Issued(licence_id, identifier, number, fresh=False)
    return None


def _same(tx: Connection, order: Order, kept: Mapping[str, Any], desk: Desk) -> bool:
    """Whether a licence says what this order wants it to say."""
    defs = published_licence_type(tx, order.type_code).fields
    clean, _ = check_values(defs, order.values)
    return _plain(stored(defs, clean, desk.identities)) == _plain(kept)


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Kept values without their seals, which differ each time."""
    return {
        name: {key: one for key, one in value.items() if key != "sealed"} for name, value in fields.items()
    }


def _named(press: Press, face: Face, type_: PublishedType, error: Rejected) -> Rejected:
    """What the press refuses, said by the labels of the fields."""
    faults = press.faults(face)
    if not faults:
        return error
    sources = {one.id: one.source for one in type_.layout.elements}
    said = "".join(_by_label(one, sources.get(one.element, ""), type_) for one in faults[:8])
    return Rejected(f"这本证照印不出来。{said}")


def _by_label(fault: FaceFault, source: str, type_: PublishedType) -> str:
    sentence = (
        fault.sentence.replace(f"“{source}”", f"“{label_of(source, type_)}”", 1) if source else fault.sentence
    )
    return f"{sentence.rstrip('。')}。"


def label_of(source: str, type_: PublishedType) -> str:
    """What the content of a field element is called."""
    if source in BUILT_INS:
        return BUILT_INS[source][0]
    return next((one.label for one in type_.fields if one.name == source), source)
