"""What departments and people of the hub do to pushes, for tests."""

from __future__ import annotations

import hashlib
from typing import Any

from sqlalchemy import Connection, Engine, select, text

from hub.advice.speak import Speaker
from hub.exchange.announcement import Announcement
from hub.exchange.outbox import OutboxRow
from hub.exchange.take_in import take_in
from hub.ports import Desk
from hub.pushing.push import Push
from schemas import loads
from storage.signing import Signer
from tests.hub.builders import a_receipt, message

BY = Speaker("user:test", "示范县行政审批服务局 管理员")


def push_of(tx: Connection, department: str = "scjg") -> Any:
    """The department's only push."""
    return tx.execute(select(*Push.__table__.columns).where(Push.department == department)).one()


def say(engine: Engine, desk: Desk, signer: Signer, case_no: str, *kinds: str, **more: Any) -> None:
    """A department says this of its package."""
    with engine.begin() as tx:
        package = packages_of(tx, case_no, "approval.decided.v1")[_code(signer)]
        taken = take_in(tx, [a_receipt(desk, signer, package, *kinds, **more)], [], desk)
    assert taken.quarantined == 0


def packages_of(tx: Connection, case_no: str, kind: str) -> dict[str, Any]:
    """The newest message of a kind about a case, by department."""
    rows = tx.execute(
        select(*OutboxRow.__table__.columns)
        .where(OutboxRow.key == case_no, OutboxRow.event_type == kind)
        .order_by(OutboxRow.id)
    )
    return {row.topic.split(".")[1]: row for row in rows}


def data_of(row: Any) -> dict[str, Any]:
    """What a message says."""
    found: dict[str, Any] = loads(bytes(row.value))["data"]
    return found


def sign_announcement(engine: Engine, desk: Desk, signer: Signer, row: Any) -> None:
    """A department signs for a message that is no package."""
    with engine.begin() as tx:
        data = data_of(row)
        push_id = data.get("push_id") or data["push"]["id"]
        assert take_in(tx, [_receipt(desk, signer, row, push_id)], [], desk).quarantined == 0


def _receipt(desk: Desk, signer: Signer, row: Any, push_id: str) -> Any:
    at = desk.clock().isoformat().replace("+00:00", "Z")
    data = {
        "event_id": str(row.event_id),
        "push_id": push_id,
        "package_sha256": hashlib.sha256(bytes(row.value)).hexdigest(),
        "receipts": [{"kind": kind, "at": at, "by": None, "reason": None} for kind in ("arrived", "signed")],
    }
    return message(desk, signer, "receipt.v1", row.key, data)


def unsigned(tx: Connection) -> dict[str, int]:
    """Announcements that nobody signed for, by department."""
    rows = tx.execute(
        select(Announcement.department, text("count(*)"))
        .where(Announcement.signed_at.is_(None))
        .group_by(Announcement.department)
    )
    return dict(rows.all())  # type: ignore[arg-type]


def _code(signer: Signer) -> str:
    return signer.kid.rsplit("-", 1)[0]
