"""Real facts for the pages: a loaded sheet, receipts and findings through the hub's use cases."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from hub.catalogue.draft_item import draft_item, set_header
from hub.catalogue.publish_item import publish_item
from hub.deciding.decide import decide
from hub.department import topic_out
from hub.exchange.arrived import Arrived, Refused
from hub.exchange.take_in import take_in
from hub.pushing.rules.draft_rule import draft_rule, save_rule
from hub.pushing.rules.publish_rule import publish_rule
from hub.sheets.load_sheet import LoadReport, load_sheet
from schemas import dumps
from shenguan.sample import generate, header
from tests.admin.conftest import Hub
from tests.hub.builders import a_case


def load(hub: Hub, n: int = 12, *, seed: int = 7) -> LoadReport:
    """`n` decisions with their pushes."""
    rows = enumerate([header(), *generate(n, seed=seed)], 1)
    report = load_sheet(hub.engine, rows, hub.desk, actor="user:data_admin")
    assert report.refused == []
    return report


def any_push(hub: Hub, department: str = "scjg") -> Any:
    with hub.engine.connect() as tx:
        return tx.execute(
            text("SELECT * FROM pushes WHERE department = :d ORDER BY case_no LIMIT 1"), {"d": department}
        ).one()


def pushes_to(tx: Any, department: str) -> list[Any]:
    """All of a department's pushes."""
    return list(tx.execute(text("SELECT * FROM pushes WHERE department = :d"), {"d": department}))


def held(hub: Hub) -> Any:
    """A push that waits: its rule blocks, and the decision lacks a step that XK-001 asks for."""
    with hub.engine.begin() as tx:
        draft = draft_item(tx, "XK-001", actor="user:test")
        set_header(tx, draft, {"must_steps": [{"name": "现场核查"}]}, actor="user:test")
        publish_item(tx, draft, actor="user:test")
        rule = draft_rule(tx, None, actor="user:test")
        named = {"departments": [{"department": "zhzf"}], "incomplete": "block", "item_codes": ["XK-001"]}
        save_rule(tx, rule, {"name": "等补齐", **named}, actor="user:test")
        publish_rule(tx, rule, actor="user:test")
        decide(tx, [a_case(990, area=hub.desk.area)], hub.desk, actor="user:test")
        return tx.execute(text("SELECT * FROM pushes WHERE state = 'held'")).one()


def message(hub: Hub, department: str, event_type: str, case_no: str, data: dict[str, Any]) -> Arrived:
    event = {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": f"/{hub.desk.area}/{department}",
        "type": event_type,
        "subject": case_no,
        "time": now(),
        "datacontenttype": "application/json",
        "data": data,
    }
    value, signer = dumps(event), hub.signers[department]
    topic = topic_out(hub.desk.area, department)
    return Arrived(
        topic, 0, secrets.randbelow(10**9), department, signer.kid, value, signer.sign(value), event
    )


def finding(hub: Hub, push: Any, *, check_result: str = "3", explain: str = "经营地址与许可不符") -> Arrived:
    data = {
        "finding_no": f"JC-{secrets.token_hex(4)}",
        "project_no": push.case_no,
        "inspected_at": now(),
        "inspectors": [{"name": "赵监管"}],
        "check_result": check_result,
        "handling": check_result,
        "explain": explain,
    }
    return message(hub, push.department, "finding.reported.v1", push.case_no, data)


def receipt(hub: Hub, push: Any, *kinds: str) -> Arrived:
    data = {
        "event_id": str(push.event_id),
        "push_id": str(push.id),
        "package_sha256": bytes(push.package_sha256).hex(),
        "receipts": [{"kind": kind, "at": now(), "by": None, "reason": None} for kind in kinds],
    }
    return message(hub, push.department, "receipt.v1", push.case_no, data)


def arrive(hub: Hub, *messages: Arrived, refused: tuple[Refused, ...] = ()) -> None:
    with hub.engine.begin() as tx:
        take_in(tx, messages, refused, hub.desk)


def refused(hub: Hub, value: bytes = b"\xff not json", *, cause: str = "not_json") -> Refused:
    return Refused(
        topic_out(hub.desk.area, "scjg"),
        0,
        secrets.randbelow(10**9),
        "scjg",
        None,
        cause,
        "消息不是 JSON",
        "CloudEvents 1.0 的 JSON",
        value,
        len(value),
        hashlib.sha256(value).digest(),
        None,
        None,
    )


def now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")
