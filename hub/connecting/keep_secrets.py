"""Keep secrets 保管秘密: a connector's passwords, tokens and private keys, sealed; nobody but the host has them opened.

Guarantees: a secret is never in a document, an export, the ledger or an answer; it opens only for the
connector, endpoint and setting that it was given for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.postgresql import insert

from hub.connecting.connector import ConnectorSecret
from hub.connecting.held import change, held
from hub.errors import Rejected, Unavailable
from hub.ledger import Entry, record
from hub.ports import Desk, Sealing

LONGEST = 32_768  # a private key with its chain
SEALED = "sealed"


def sealing_of(desk: Desk) -> Sealing:
    """Who seals. Raises Unavailable where this hub keeps no secrets."""
    if desk.secrets is None:
        raise Unavailable("本中心没有配置秘密的保管，不能保存口令。请联系系统管理员。")
    return desk.secrets


def secret_context(code: str, endpoint: str, name: str) -> str:
    """What a connector's secret is sealed for."""
    return f"connector secret {code} {endpoint} {name}"


def set_secret(
    tx: Connection, desk: Desk, code: str, endpoint: str, name: str, value: str, *, actor: str
) -> None:
    """Keep this value from now on; an empty one forgets what was kept."""
    if len(value) > LONGEST or "\0" in value:
        raise Rejected(f"秘密最多 {LONGEST} 个字符，不能含空字符。")
    held(tx, code)
    which = (
        ConnectorSecret.connector == code,
        ConnectorSecret.endpoint == endpoint,
        ConnectorSecret.name == name,
    )
    if value:
        sealed = sealing_of(desk).seal(value.encode(), context=secret_context(code, endpoint, name))
        row = {"sealed": sealed, "set_by": actor, "set_at": desk.clock()}
        kept = insert(ConnectorSecret).values(connector=code, endpoint=endpoint, name=name, **row)
        tx.execute(kept.on_conflict_do_update(index_elements=["connector", "endpoint", "name"], set_=row))
    elif tx.execute(delete(ConnectorSecret).where(*which)).rowcount == 0:
        return
    change(tx, code)
    action = "connector.secret_set" if value else "connector.secret_forgotten"
    record(tx, Entry(actor, action, f"connector:{code}", detail={"endpoint": endpoint, "name": name}))


def forget_secrets(tx: Connection, code: str) -> None:
    """Nobody will need them any more."""
    tx.execute(delete(ConnectorSecret).where(ConnectorSecret.connector == code))


def kept_secrets(tx: Connection, code: str) -> set[tuple[str, str]]:
    """Which secrets are kept: (endpoint, name)."""
    rows = tx.execute(
        select(ConnectorSecret.endpoint, ConnectorSecret.name).where(ConnectorSecret.connector == code)
    )
    return {(row.endpoint, row.name) for row in rows}


def missing_secrets(tx: Connection, code: str, document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Which secrets a document calls sealed and nobody has given: (endpoint, name)."""
    kept = kept_secrets(tx, code)
    return [
        (one["name"], name)
        for one in document.get("endpoints", ())
        for name, where in one.get("secrets", {}).items()
        if where == SEALED and (one["name"], name) not in kept
    ]


def opened_secrets(tx: Connection, desk: Desk, code: str) -> dict[str, dict[str, str]]:
    """Every kept secret of a connector, by endpoint and name. Only for whoever connects."""
    rows = tx.execute(
        select(ConnectorSecret.endpoint, ConnectorSecret.name, ConnectorSecret.sealed).where(
            ConnectorSecret.connector == code
        )
    ).all()
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        context = secret_context(code, row.endpoint, row.name)
        found.setdefault(row.endpoint, {})[row.name] = (
            sealing_of(desk).open(bytes(row.sealed), context=context).decode()
        )
    return found
