"""Register a department and its keys: joining, rotation with overlap, revocation that stops at once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update

from hub.department import ROLES, Department, DepartmentKey
from hub.errors import Conflict, NotFound, Rejected
from hub.ledger import Entry, record
from hub.pushing.rules.add_rule import add_rule

CODE = re.compile(r"[a-z][a-z0-9-]{1,30}")


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """A public key as verifiers need it."""

    kid: str
    department: str
    public_pem: str
    valid_from: datetime
    valid_to: datetime | None
    revoked_at: datetime | None


def add_department(
    tx: Connection,
    *,
    code: str,
    name: str,
    roles: Sequence[str],
    public_pem: str,
    kid: str,
    actor: str,
    uscc: str | None = None,
) -> None:
    """Register a department with its first key. Raises Rejected or Conflict with what would be right."""
    if not CODE.fullmatch(code) or code == "hub":
        raise Rejected(
            f"部门代码“{code}”不可用：以小写字母开头，只含小写字母、数字、连字符，2 到 31 位，且不是 hub。"
        )
    unknown = set(roles) - set(ROLES)
    if unknown or not roles:
        raise Rejected(f"部门职能应为 {'、'.join(ROLES)} 中的一个或几个。")
    taken = tx.execute(
        select(Department.code).where((Department.code == code) | (Department.name == name))
    ).first()
    if taken:
        raise Conflict(f"部门代码 {code} 或名称“{name}”已经登记。")
    tx.execute(insert(Department).values(code=code, name=name, roles=list(roles), uscc=uscc))
    record(
        tx,
        Entry(actor, "department.added", f"department:{code}", detail={"name": name, "roles": list(roles)}),
    )
    add_key(tx, code, public_pem, kid, actor=actor)


def push_everything_to(tx: Connection, code: str, *, sign_within_days: int, actor: str) -> None:
    """Owe this department every decision from now on; the data administrator narrows it in the rules."""
    name = tx.execute(select(Department.name).where(Department.code == code)).scalar_one()
    add_rule(tx, f"全部事项推送{name}", {code: sign_within_days}, actor=actor)


def add_key(tx: Connection, code: str, public_pem: str, kid: str, *, actor: str) -> None:
    """Add a further key; earlier ones stay good until revoked, so that rotation overlaps."""
    if not tx.execute(select(Department.code).where(Department.code == code)).first():
        raise NotFound(f"没有代码为 {code} 的部门。")
    if tx.execute(select(DepartmentKey.kid).where(DepartmentKey.kid == kid)).first():
        raise Conflict(f"密钥 {kid} 已经登记过。")
    tx.execute(insert(DepartmentKey).values(kid=kid, department=code, public_pem=public_pem))
    record(tx, Entry(actor, "key.added", f"key:{kid}", detail={"department": code}))


def revoke_key(tx: Connection, kid: str, *, actor: str, reason: str) -> None:
    """Revoke a key: from now on nothing signed with it is taken."""
    if not reason.strip():
        raise Rejected("请写明吊销理由。")
    done = tx.execute(
        update(DepartmentKey)
        .where(DepartmentKey.kid == kid, DepartmentKey.revoked_at.is_(None))
        .values(revoked_at=func.now(), revoked_why=reason)
        .returning(DepartmentKey.department)
    ).first()
    if done is None:
        raise NotFound(f"没有可吊销的密钥 {kid}。")
    record(
        tx, Entry(actor, "key.revoked", f"key:{kid}", reason=reason, detail={"department": done.department})
    )


def trusted_keys(tx: Connection) -> list[KeyFacts]:
    """Every key ever registered, with its times. The keys of an inactive department count as revoked."""
    rows = tx.execute(
        select(
            DepartmentKey.kid,
            DepartmentKey.department,
            DepartmentKey.public_pem,
            DepartmentKey.valid_from,
            DepartmentKey.valid_to,
            DepartmentKey.revoked_at,
            Department.active,
            Department.created_at,
        ).join(Department, Department.code == DepartmentKey.department)
    )
    return [
        KeyFacts(
            row.kid,
            row.department,
            row.public_pem,
            row.valid_from,
            row.valid_to,
            row.revoked_at if row.active else row.revoked_at or row.created_at,
        )
        for row in rows
    ]
