"""Enrol 入网: a connector at a department brings its own key, once with a code, later with the key that it had.

Guarantees: a code is used once, also by two at the same moment, and only its hash is kept; a key that is enrolled is
certified until the day it ends; renewing overlaps, so that what is under way stays good. Whether who brings a key holds it
is proved before (storage.possession): this is only called for a key that is proved.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from hub.connecting.connector import Connector
from hub.connecting.enrolment import EnrolmentCode
from hub.department import Department, DepartmentKey
from hub.errors import Conflict, NotFound, Rejected
from hub.ledger import Entry, record
from hub.ports import Desk

VALID = timedelta(days=365)
OVERLAP = timedelta(days=14)
LONGEST_HOURS = 24 * 30
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # nothing that is misread on the telephone


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A key that speaks for a department now."""

    department: str
    connector: str | None
    kid: str
    certificate: str | None
    valid_to: datetime


def make_enrolment_code(
    tx: Connection, desk: Desk, *, department: str, connector: str | None = None, hours: int = 72, actor: str
) -> str:
    """A code for one key of this department. Given once: only its hash is kept."""
    if not 1 <= hours <= LONGEST_HOURS:
        raise Rejected(f"有效时间应为 1 到 {LONGEST_HOURS} 小时。")
    _active(tx, department)
    if connector is not None:
        of = tx.scalar(select(Connector.department).where(Connector.code == connector))
        if of != department:
            raise Rejected(f"连接器 {connector} 不是部门 {department} 的。")
    code = "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(4))
    made: uuid.UUID = tx.execute(
        insert(EnrolmentCode)
        .values(
            department=department,
            connector=connector,
            code_sha256=_digest(code),
            made_by=actor,
            made_at=desk.clock(),
            expires_at=desk.clock() + timedelta(hours=hours),
        )
        .returning(EnrolmentCode.id)
    ).scalar_one()
    detail = {"department": department, "connector": connector, "hours": hours}
    record(tx, Entry(actor, "enrolment.code_made", f"enrolment:{made}", detail=detail))
    return code


def cancel_enrolment_code(tx: Connection, desk: Desk, enrolment: uuid.UUID, *, actor: str) -> None:
    """Nobody can use it any more. Raises Conflict where somebody has."""
    row = tx.execute(
        select(EnrolmentCode.used_at, EnrolmentCode.cancelled_at)
        .where(EnrolmentCode.id == enrolment)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound("没有这个入网码。")
    if row.used_at is not None:
        raise Conflict("这个入网码已经用过，不能作废。如要停用它登记的密钥，请吊销密钥。")
    if row.cancelled_at is None:
        tx.execute(
            update(EnrolmentCode).where(EnrolmentCode.id == enrolment).values(cancelled_at=desk.clock())
        )
        record(tx, Entry(actor, "enrolment.code_cancelled", f"enrolment:{enrolment}"))


def department_of_code(tx: Connection, code: str) -> str:
    """Which department a code was made for. Raises Rejected where it is none of ours."""
    return str(_row_of(tx, code).department)


def enrol(
    tx: Connection, desk: Desk, code: str, *, kid: str, public_pem: str, department: str | None = None
) -> Enrolled:
    """Register and certify the key, and use the code up. `department`: who they say they are, where they say it.

    The same key with the same code again (the answer got lost) is answered again.
    """
    row = _row_of(tx, code)
    if row.used_at is not None and row.kid == kid:
        return _enrolled_before(tx, row)
    _check_usable(row, desk)
    if department is not None and department != row.department:
        raise Rejected(f"这个入网码不是发给部门 {department} 的。请向数据管理员索取本部门的入网码。")
    name = _active(tx, row.department)
    now = desk.clock()
    if tx.scalar(select(DepartmentKey.kid).where(DepartmentKey.kid == kid)) is not None:
        raise Conflict("这把密钥已经登记过，不能再用入网码登记。请生成新的密钥。")
    until, certificate = _certified(desk, row.department, name, public_pem, now)
    _insert_key(tx, row.department, kid, public_pem, certificate, now, until)
    tx.execute(update(EnrolmentCode).where(EnrolmentCode.id == row.id).values(used_at=now, kid=kid))
    detail = {"department": row.department, "enrolment": str(row.id), "valid_to": until.isoformat()}
    record(tx, Entry(f"department:{row.department}", "key.enrolled", f"key:{kid}", detail=detail))
    return Enrolled(row.department, row.connector, kid, certificate, until)


def _enrolled_before(tx: Connection, row: Any) -> Enrolled:
    key = tx.execute(
        select(DepartmentKey.certificate, DepartmentKey.valid_to, DepartmentKey.revoked_at).where(
            DepartmentKey.kid == row.kid
        )
    ).one()
    if key.revoked_at is not None or key.valid_to is None:
        raise Conflict("入网码已经用过，它登记的密钥已被吊销。请向数据管理员索取新的入网码。")
    return Enrolled(row.department, row.connector, row.kid, key.certificate, key.valid_to)


def renew(tx: Connection, desk: Desk, department: str, *, by_kid: str, kid: str, public_pem: str) -> Enrolled:
    """A further year: for the key that asks, or for a new one that follows it while both are good for a while."""
    name, now = _active(tx, department), desk.clock()
    held = tx.execute(
        select(
            DepartmentKey.department, DepartmentKey.custody, DepartmentKey.revoked_at, DepartmentKey.valid_to
        )
        .where(DepartmentKey.kid == by_kid)
        .with_for_update()
    ).one()
    if held.custody != "department" or held.department != department:
        raise Rejected("由中心保管的密钥不能这样更换。")
    until, certificate = _certified(desk, department, name, public_pem, now)
    if kid == by_kid:
        tx.execute(
            update(DepartmentKey)
            .where(DepartmentKey.kid == kid)
            .values(certificate=certificate, valid_to=until)
        )
    else:
        _renewed(tx, department, kid, public_pem, certificate, (now, until))
        end = now + OVERLAP
        tx.execute(
            update(DepartmentKey)
            .where(DepartmentKey.kid == by_kid)
            .values(valid_to=func.least(func.coalesce(DepartmentKey.valid_to, end), end))
        )
    detail = {"department": department, "by": by_kid, "valid_to": until.isoformat()}
    record(tx, Entry(f"department:{department}", "key.renewed", f"key:{kid}", detail=detail))
    return Enrolled(department, None, kid, certificate, until)


def _renewed(
    tx: Connection,
    department: str,
    kid: str,
    public_pem: str,
    certificate: str | None,
    times: tuple[datetime, datetime],
) -> None:
    """The new key; asked again because the answer got lost, it is there already."""
    there = tx.execute(
        select(DepartmentKey.department, DepartmentKey.custody, DepartmentKey.revoked_at).where(
            DepartmentKey.kid == kid
        )
    ).one_or_none()
    if there is None:
        _insert_key(tx, department, kid, public_pem, certificate, *times)
        return
    if (there.department, there.custody) != (department, "department") or there.revoked_at is not None:
        raise Conflict("这把密钥已经登记过或已被吊销，不能使用。请生成新的密钥。")
    tx.execute(
        update(DepartmentKey)
        .where(DepartmentKey.kid == kid)
        .values(certificate=certificate, valid_to=times[1])
    )


def _insert_key(
    tx: Connection,
    department: str,
    kid: str,
    public_pem: str,
    certificate: str | None,
    since: datetime,
    until: datetime,
) -> None:
    tx.execute(
        insert(DepartmentKey).values(
            kid=kid,
            department=department,
            public_pem=public_pem,
            certificate=certificate,
            valid_from=since,
            valid_to=until,
        )
    )


def _certified(
    desk: Desk, department: str, name: str, public_pem: str, now: datetime
) -> tuple[datetime, str | None]:
    until = now + VALID
    if desk.authority is None:
        return until, None
    since = now - timedelta(minutes=5)  # clocks at departments are not exact
    return until, desk.authority.certify(department, name, public_pem, since=since, until=until)


def _row_of(tx: Connection, code: str) -> Any:
    row = tx.execute(
        select(*EnrolmentCode.__table__.columns)
        .where(EnrolmentCode.code_sha256 == _digest(code))
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise Rejected("入网码不对。请核对后再试，或向数据管理员索取新的入网码。")
    return row


def _check_usable(row: Any, desk: Desk) -> None:
    if row.used_at is not None:
        raise Conflict("入网码已经用过。如果不是您用的，请立即告诉数据管理员。")
    if row.cancelled_at is not None:
        raise Conflict("入网码已经作废，请向数据管理员索取新的入网码。")
    if row.expires_at <= desk.clock():
        raise Conflict("入网码已经过期，请向数据管理员索取新的入网码。")


def _active(tx: Connection, department: str) -> str:
    row = tx.execute(
        select(Department.name, Department.active).where(Department.code == department)
    ).one_or_none()
    if row is None:
        raise NotFound(f"没有代码为 {department} 的部门。")
    if not row.active:
        raise Rejected(f"{row.name}已停用，不能登记密钥。")
    return str(row.name)


def _digest(code: str) -> bytes:
    return hashlib.sha256(re.sub(r"[^0-9A-Z]", "", code.upper()).encode()).digest()
