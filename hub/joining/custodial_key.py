"""Custodial key 托管密钥: made, replaced and used for a department that takes part in the browser or through our host.

Guarantees: a department has at most one custodial key in force; a replaced one signs nothing more and verifies for ever
what it signed; every making, replacing and ending is in the ledger. Revoking is `register_department.revoke_key`.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, insert, or_, select, update

from hub.department import Department, DepartmentKey
from hub.errors import Conflict, NotFound, Rejected, Unavailable
from hub.ledger import Entry, record
from hub.ports import Custody, Desk, Signer

#: Channels in which the hub signs for the department.
CUSTODIAL = ("web", "hosted")


def custody_of(desk: Desk) -> Custody:
    """Who keeps the keys. Raises Unavailable where this hub keeps none."""
    if desk.custody is None:
        raise Unavailable("本中心没有配置密钥托管，部门暂时不能用网页收件箱。请联系系统管理员。")
    return desk.custody


def make_custodial_key(tx: Connection, code: str, desk: Desk, *, actor: str, reason: str = "") -> str:
    """Make a key for this department; an earlier custodial one ends with it. Gives its kid."""
    department = tx.execute(
        select(Department.channel).where(Department.code == code).with_for_update()
    ).one_or_none()
    if department is None:
        raise NotFound(f"没有代码为 {code} 的部门。")
    if department.channel not in CUSTODIAL:
        raise Rejected(
            "只有经网页收件箱或中心代连参与的部门才由本平台保管密钥。请先把接入方式改为“网页收件箱”。"
        )
    made, now = custody_of(desk).make(code), desk.clock()
    ended = end_custodial_keys(tx, code, now)
    tx.execute(
        insert(DepartmentKey).values(
            kid=made.kid,
            department=code,
            public_pem=made.public_pem,
            custody="hub",
            sealed_key=made.sealed,
            valid_from=now,
        )
    )
    detail = {"department": code, "custody": "hub", **({"replaces": ended} if ended else {})}
    record(tx, Entry(actor, "key.made", f"key:{made.kid}", reason=reason or None, detail=detail))
    return made.kid


def end_custodial_keys(tx: Connection, code: str, now: datetime) -> list[str]:
    """From now on the hub signs nothing with the keys that it keeps for this department. Gives their kids."""
    ended = tx.execute(
        update(DepartmentKey)
        .where(DepartmentKey.department == code, _in_force(now))
        .values(valid_to=now)
        .returning(DepartmentKey.kid)
    )
    return sorted(ended.scalars())


def has_custodial_key(tx: Connection, code: str, desk: Desk) -> bool:
    """Whether one is in force."""
    held = select(DepartmentKey.kid).where(DepartmentKey.department == code, _in_force(desk.clock()))
    return tx.execute(held.limit(1)).first() is not None


def signer_for(tx: Connection, code: str, desk: Desk, *, channel: str = "web") -> Signer:
    """Who signs for a department that takes part by this channel. Raises Conflict where nothing may be signed for it."""
    row = tx.execute(
        select(Department.name, Department.channel, Department.active, DepartmentKey.sealed_key)
        .outerjoin(DepartmentKey, (DepartmentKey.department == Department.code) & _in_force(desk.clock()))
        .where(Department.code == code)
        .order_by(DepartmentKey.valid_from.desc().nulls_last())
        .limit(1)
    ).one_or_none()
    if row is None:
        raise NotFound(f"没有代码为 {code} 的部门。")
    if row.channel != channel or not row.active:
        raise Conflict(
            f"{row.name}没有经网页收件箱参与，回执和监管信息由该部门自己的系统签名发出，不能在网页上代签。"
            if channel == "web"
            else f"{row.name}不由中心代连，中心的连接器主机不能替它签名。"
        )
    if row.sealed_key is None:
        raise Conflict(f"{row.name}没有可用的托管密钥，暂时不能签收或上报。请联系数据管理员生成密钥。")
    return custody_of(desk).signer(code, bytes(row.sealed_key))


def _in_force(now: datetime) -> ColumnElement[bool]:
    return (
        (DepartmentKey.custody == "hub")
        & DepartmentKey.revoked_at.is_(None)
        & or_(DepartmentKey.valid_to.is_(None), DepartmentKey.valid_to > now)
    )
