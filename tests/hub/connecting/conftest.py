"""A county with an authority, custody and a place for secrets, and connectors in any state, reached by the real steps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection

from hub.connecting.connector import ConnectorVersion
from hub.connecting.draft_connector import make_connector, save_draft
from hub.connecting.keep_secrets import set_secret
from hub.connecting.publish_version import publish_version
from hub.connecting.turn_connector import go_live, pause, retire
from hub.ports import Desk
from storage.custody import KeyCustody
from storage.department_ca import DepartmentAuthority
from storage.kept_secrets import KeptSecrets
from storage.key_encryption import KeyEncryption

ACTOR = "user:data_admin"


@pytest.fixture
def desk(desk: Desk, area: str) -> Desk:
    kek = KeyEncryption(bytes(range(32)))
    return replace(
        desk,
        custody=KeyCustody(kek),
        secrets=KeptSecrets(kek),
        authority=DepartmentAuthority.derived(bytes(range(32)), area),
    )


def document(code: str = "scjg-db", department: str = "scjg", **changes: Any) -> dict[str, Any]:
    """A connector that writes packages into a table."""
    return {
        "format": 1,
        "code": code,
        "department": department,
        "title": "市场监管前置库",
        "endpoints": [
            {
                "name": "front",
                "kind": "sql",
                "settings": {"dialect": "mysql", "host": "10.1.2.3", "database": "front", "user": "shenguan"},
                "secrets": {"password": "sealed"},
            }
        ],
        "flows": [
            {
                "name": "packages",
                "direction": "out",
                "message": "approval.decided.v1",
                "endpoint": "front",
                "place": {"table": "up_permit"},
                "fields": [{"target": "CASE_NO", "sources": ["case_no"]}],
            }
        ],
        **changes,
    }


def saved(
    tx: Connection, desk: Desk, code: str = "scjg-db", department: str = "scjg", **changes: Any
) -> None:
    """A connector with a complete draft and its secret."""
    make_connector(tx, desk, code=code, department=department, title="新连接器", actor=ACTOR)
    save_draft(tx, desk, code, document(code, department, **changes), saves=1, actor=ACTOR)
    set_secret(tx, desk, code, "front", "password", "s3cret-词", actor=ACTOR)


def published(tx: Connection, desk: Desk, code: str = "scjg-db", department: str = "scjg") -> int:
    """And published."""
    saved(tx, desk, code, department)
    return publish_version(tx, desk, code, note="第一版", actor=ACTOR)


def in_state(tx: Connection, desk: Desk, state: str, code: str = "scjg-db") -> int:
    """A connector with a published version, brought into a state."""
    version = published(tx, desk, code)
    if state in ("live", "paused"):
        go_live(tx, desk, code, version=version, actor=ACTOR)
    if state == "paused":
        pause(tx, desk, code, reason="部门机房检修", actor=ACTOR)
    if state == "retired":
        retire(tx, desk, code, reason="不再需要", actor=ACTOR)
    return version


def versions(tx: Connection, code: str = "scjg-db") -> dict[int, str]:
    """Each version's state."""
    table = ConnectorVersion.__table__
    rows = tx.execute(table.select().where(table.c.connector == code).order_by(table.c.version))
    return {row.version: row.state for row in rows}
