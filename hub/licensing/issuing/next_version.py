"""The next version of a licence: 延续, 变更, 补发 - whether there may be one, and the order to begin with.

Guarantees: a licence that is frozen, over, or already replaced has no next version; the refusal names who froze it and
since when, or since when it is over. The number, the serial, the type and the issuer stay; the version in the identifier
rises. A renewal is valid from the day it is issued, because the old version ends that day, and runs for the type's period
counted from the day after the old last day, so that nobody loses days by coming early. A change and a replacement keep
the days of the old version.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from hub.deciding.decided_case import PartyFacts
from hub.errors import NotFound, Rejected
from hub.identifiers import licence_identifier_fault
from hub.licensing.issuing.order import AGAIN, Order, Previous
from hub.licensing.licence import FROZEN, VALID
from hub.licensing.life import OPERATIONS
from hub.ports import Desk
from hub.round_trips import ask
from hub.workday import LOCAL
from schemas import code_table

MOST_VERSIONS = 999


@dataclass(frozen=True, slots=True)
class OldLicence:
    """A licence as its next version needs it. Holders and values are readable: not to be shown."""

    id: uuid.UUID
    identifier: str
    identifier_fault: str | None
    name: str
    number: str
    type_code: str
    issuer_code: str
    issuer_name: str
    department: str | None
    version: int
    valid_from: date
    valid_to: date | None
    status: str
    status_at: datetime
    next: str | None  # identifier of the version that took its place
    holders: list[dict[str, Any]]
    fields: Mapping[str, Any]
    party_id: uuid.UUID
    holds: tuple[tuple[str, datetime], ...] = ()  # department's name, since

    def __str__(self) -> str:
        return f"{self.name} {self.number}"

    @property
    def previous(self) -> Previous:
        """As the new version names it."""
        serial = self.identifier.split(".")[-3]
        return Previous(
            self.id, self.identifier, self.number, serial, self.version, self.valid_from, self.valid_to
        )


_OLD = """
SELECT l.id, l.identifier, l.identifier_fault, l.name, l.number, l.type_code, l.issuer_code, l.issuer_name, l.department,
  l.version, l.valid_from, l.valid_to, l.status, l.status_at,
  (SELECT n.identifier FROM licences n WHERE n.previous_id = l.id), l.holders, l.fields, l.party_id
FROM licences l WHERE l.id = %(id)s
"""
_HOLDS = """
SELECT d.name, h.placed_at FROM holds h JOIN departments d ON d.code = h.department
WHERE h.licence_id = %(id)s AND h.lifted_at IS NULL ORDER BY h.placed_at
"""
_PARTIES = """
SELECT id, kind, name, code_type, code_masked, code_sealed, legal_representative FROM parties WHERE id = ANY(%(ids)s)
"""


_LOCK = "SELECT id FROM licences WHERE id = ANY(%(ids)s) ORDER BY id FOR NO KEY UPDATE"


def lock_licences(tx: Connection, ids: Iterable[uuid.UUID]) -> None:
    """Hold these licences until the end of the transaction, in the order that everybody takes."""
    ask(tx, (_LOCK, {"ids": list(ids)}))


def read_old(tx: Connection, licence_id: uuid.UUID) -> OldLicence:
    """The licence as it stands; read after `lock_licences`, as it stays. Raises NotFound."""
    of = {"id": licence_id}
    rows, holds = ask(tx, (_OLD, of), (_HOLDS, of))
    if not rows:
        raise NotFound("没有找到这本证照，可能编号有误。请从证照列表重新打开。")
    return OldLicence(*(*rows[0], tuple((name, at) for name, at in holds)))


def refuse_over(old: OldLicence, operation: str, today: date) -> None:
    """Raises Rejected where this licence can have no next version now."""
    name = OPERATIONS[operation][0]
    if old.next is not None:
        raise Rejected(f"{old}已由新版本（{old.next}）替代，不能再{name}。请在新版本上办理。")
    since = f"{old.status_at.astimezone(LOCAL):%Y-%m-%d}"
    if old.status == FROZEN or old.holds:
        who = "、".join(f"{holder}自 {at.astimezone(LOCAL):%Y-%m-%d} 起" for holder, at in old.holds)
        raise Rejected(
            f"{old}已由{who or f'有关部门自 {since} 起'}暂扣，不能{name}。请待其发还（解除暂扣）后再办。"
        )
    if old.status != VALID:
        state = code_table("licence_status").get(old.status, old.status)
        raise Rejected(f"{old}自 {since} 起为“{state}”，不能{name}。需要时请重新申请。")
    if old.valid_to is not None and old.valid_to < today:
        raise Rejected(f"{old}的有效期已于 {old.valid_to} 届满，不能{name}。需要时请重新申请。")
    if old.identifier_fault or licence_identifier_fault(old.identifier):
        raise Rejected(
            f"{old}的证照标识 {old.identifier} 不符合 GB/T 36904，不能在它之上{name}。请按新发办理。"
        )
    if old.version >= MOST_VERSIONS:
        raise Rejected(f"{old}已有 {old.version} 个版本，版本号用完了。请按新发办理。")


def continue_order(
    tx: Connection,
    desk: Desk,
    licence_id: uuid.UUID,
    operation: str,
    values: Mapping[str, str] | None = None,
    **more: Any,
) -> Order:
    """The order for the next version: holders, number, values and days as they are, but for `values` and `more`.

    `more` are fields of Order (reason, document_no, case_no, holders, valid_to, key ...). It holds readable numbers of
    persons: not to be shown. Raises NotFound, Rejected.
    """
    if operation not in AGAIN:
        raise Rejected("只能办理延续、变更或补发。")
    old = read_old(tx, licence_id)
    today = desk.clock().astimezone(LOCAL).date()
    refuse_over(old, operation, today)
    kept = {name: _readable(value, desk) for name, value in old.fields.items()}
    order: dict[str, Any] = {
        "type_code": old.type_code,
        "holders": _holders(tx, old, desk),
        "values": {**kept, **(values or {})},
        "department": old.department,
        "issued_on": today,
        "previous": old.id,
        "operation": operation,
        "number": old.number,
    }
    if operation != "renew":
        order |= {"valid_from": old.valid_from, "valid_to": old.valid_to}
    return Order(**{**order, **more})


def counted_from(order: Order, previous: Previous | None) -> date:
    """The day from which the type's period runs."""
    start = order.valid_from or order.issued_on
    if previous is None or order.operation != "renew" or previous.valid_to is None:
        return start
    return max(start, previous.valid_to + timedelta(days=1))


def _readable(value: Any, desk: Desk) -> str:
    """A kept value as it was given."""
    if isinstance(value, Mapping) and value.get("sealed"):
        return desk.identities.unseal(base64.b64decode(str(value["sealed"])))
    return str(value.get("text", "")) if isinstance(value, Mapping) else str(value)


def _holders(tx: Connection, old: OldLicence, desk: Desk) -> tuple[PartyFacts, ...]:
    """All of them with their readable numbers, the first one first."""
    ids = [uuid.UUID(str(one["party_id"])) for one in old.holders if one.get("party_id")] or [old.party_id]
    (rows,) = ask(tx, (_PARTIES, {"ids": ids}))
    by_id = {row[0]: row for row in rows}
    return tuple(_holder(by_id[id_], desk) for id_ in ids if id_ in by_id)


def _holder(row: Any, desk: Desk) -> PartyFacts:
    _, kind, name, code_type, code_masked, code_sealed, legal = row
    code = desk.identities.unseal(bytes(code_sealed)) if code_sealed is not None else code_masked
    return PartyFacts(kind, name, code, code_type, legal)
