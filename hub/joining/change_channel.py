"""Change channel 接入方式: how a department receives and answers - its connector over Kafka, REST, the browser, or the
hub's connector host, which speaks to the department's system for it.

Guarantees: nothing is lost by a change: every message stays in the outbox and goes to the topic all the same, and a
department's place is what it has signed for, not where it read it. Whoever is not signed for by the hub any more has a key
of its own first, and from that moment the hub signs nothing for it. `hosted` goes with a live connector on the host, and
ends with it.
"""

from __future__ import annotations

from sqlalchemy import Connection, or_, select, update

from hub.connecting.connector import Connector
from hub.department import CHANNELS, Department, DepartmentKey
from hub.errors import NotFound, Rejected
from hub.joining.custodial_key import (
    CUSTODIAL,
    custody_of,
    end_custodial_keys,
    has_custodial_key,
    make_custodial_key,
)
from hub.ledger import Entry, record
from hub.ports import Desk
from hub.register_department import add_department

TITLES = {
    "kafka": "连接器（Kafka）",
    "rest": "接口拉取（REST）",
    "web": "网页收件箱",
    "hosted": "中心代连（连接器主机）",
}


def change_channel(
    tx: Connection, code: str, channel: str, desk: Desk, *, actor: str, reason: str
) -> str | None:
    """Join the department by this channel from now on; the kid of the key that was made for it, if one was."""
    if channel not in CHANNELS:
        raise Rejected(f"接入方式应为{'、'.join(TITLES[one] for one in CHANNELS)}之一。")
    if len(reason.strip()) < 2:
        raise Rejected("请写明更改接入方式的理由（至少两个字），它会记入留痕账本。")
    before = tx.scalar(select(Department.channel).where(Department.code == code).with_for_update())
    if before is None:
        raise NotFound(f"没有代码为 {code} 的部门。")
    if before == channel:
        raise Rejected(f"该部门的接入方式已经是{TITLES[channel]}，不必更改。")
    _check_host(tx, code, before, channel)
    if channel not in CUSTODIAL and not _has_own_key(tx, code, desk):
        raise Rejected(
            f"改为{TITLES[channel]}后由部门自己签名，但它还没有登记有效的公钥。请先登记部门公钥，再更改接入方式。"
        )
    tx.execute(update(Department).where(Department.code == code).values(channel=channel))
    ended = end_custodial_keys(tx, code, desk.clock()) if channel not in CUSTODIAL else []
    detail = {"from": before, "to": channel, **({"ended": ended} if ended else {})}
    record(tx, Entry(actor, "department.channel_changed", f"department:{code}", None, reason.strip(), detail))
    if channel not in CUSTODIAL or has_custodial_key(tx, code, desk):
        return None
    return make_custodial_key(tx, code, desk, actor=actor)


def add_web_department(
    tx: Connection,
    desk: Desk,
    *,
    code: str,
    name: str,
    roles: list[str],
    actor: str,
    uscc: str | None = None,
) -> str:
    """Register a department that takes part in the browser; its key is made and kept here. Gives the key's kid."""
    made = custody_of(desk).make(code)
    add_department(
        tx,
        code=code,
        name=name,
        roles=roles,
        uscc=uscc,
        public_pem=made.public_pem,
        kid=made.kid,
        actor=actor,
    )
    tx.execute(update(Department).where(Department.code == code).values(channel="web"))
    tx.execute(
        update(DepartmentKey)
        .where(DepartmentKey.kid == made.kid)
        .values(custody="hub", sealed_key=made.sealed)
    )
    detail = {"department": code, "custody": "hub"}
    record(tx, Entry(actor, "key.made", f"key:{made.kid}", detail=detail))
    return made.kid


def _check_host(tx: Connection, code: str, before: str, channel: str) -> None:
    """The host speaks for a department exactly while a connector of it is live there."""
    live = select(Connector.title).where(
        Connector.department == code, Connector.state.in_(("live", "paused")), Connector.runs_at == "host"
    )
    title = tx.scalar(live)
    if channel == "hosted" and title is None:
        raise Rejected(f"{TITLES['hosted']}由连接器上线而来。请在“部门连接器”中为该部门上线一个连接器。")
    if before == "hosted" and channel != "hosted" and title is not None:
        raise Rejected(f"连接器“{title}”正由中心运行。请先停用它，或改为在部门运行，再更改接入方式。")


def _has_own_key(tx: Connection, code: str, desk: Desk) -> bool:
    own = select(DepartmentKey.kid).where(
        DepartmentKey.department == code,
        DepartmentKey.custody == "department",
        DepartmentKey.revoked_at.is_(None),
        or_(DepartmentKey.valid_to.is_(None), DepartmentKey.valid_to > desk.clock()),
    )
    return tx.execute(own.limit(1)).first() is not None
