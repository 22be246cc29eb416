"""Keep secrets 保管秘密: a connector's passwords, tokens and private keys, sealed; nobody but the host has them opened.

Guarantees: a secret is never in a document, an export, the ledger or an answer; it opens only for the
connector, endpoint and setting that it was given for, and only while the endpoint is at the address that it was given for:
whoever points a connector at another machine has to know the secret, and cannot have it sent there. A version that runs
keeps the secret of its own address until the other one goes live.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, select
from sqlalchemy.dialects.postgresql import insert

from hub.connecting.connector import ConnectorSecret, ConnectorVersion
from hub.connecting.held import change, held
from hub.errors import Rejected, Unavailable
from hub.ledger import Entry, record
from hub.ports import Desk, Sealing
from schemas import canonical, dumps, loads
from schemas.connector.document import ConnectorDocument, document_from

LONGEST = 32_768  # a private key with its chain
SEALED = "sealed"
#: Settings that say with whom a connector speaks.
_ADDRESS = ("host", "address", "token_address", "sandbox_address", "bootstrap", "endpoint")


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
    """Keep this value, for the address that the endpoint has in the newest version; an empty one forgets what was kept."""
    if len(value) > LONGEST or "\0" in value:
        raise Rejected(f"秘密最多 {LONGEST} 个字符，不能含空字符。")
    row = held(tx, code)
    if value:
        _keep(tx, desk, row, (endpoint, name), value, actor=actor)
    elif tx.execute(delete(ConnectorSecret).where(*_which(code, endpoint, name))).rowcount == 0:
        return
    change(tx, code)
    action = "connector.secret_set" if value else "connector.secret_forgotten"
    record(tx, Entry(actor, action, f"connector:{code}", detail={"endpoint": endpoint, "name": name}))


def _keep(tx: Connection, desk: Desk, row: Any, where: tuple[str, str], value: str, *, actor: str) -> None:
    endpoint, name = where
    context = secret_context(row.code, endpoint, name)
    edited, running = _addresses(tx, row, endpoint)
    values = {edited: value}
    before = tx.scalar(select(ConnectorSecret.sealed).where(*_which(row.code, endpoint, name)))
    if before is not None and running not in (None, edited):
        kept = loads(sealing_of(desk).open(bytes(before), context=context))
        values |= {running: kept[running]} if running in kept else {}
    sealed = sealing_of(desk).seal(dumps(values), context=context)
    columns = {"sealed": sealed, "set_by": actor, "set_at": desk.clock()}
    made = insert(ConnectorSecret).values(connector=row.code, endpoint=endpoint, name=name, **columns)
    tx.execute(made.on_conflict_do_update(index_elements=["connector", "endpoint", "name"], set_=columns))


def _addresses(tx: Connection, row: Any, endpoint: str) -> tuple[str, str | None]:
    """Where the endpoint is in the newest version, and in the one that runs."""
    versions = tx.execute(
        select(ConnectorVersion.version, ConnectorVersion.document)
        .where(ConnectorVersion.connector == row.code)
        .order_by(ConnectorVersion.version.desc())
    ).all()
    found = {
        one.version: address_of(said.get("settings", {}))
        for one in versions
        for said in one.document.get("endpoints", ())
        if said["name"] == endpoint
    }
    return found.get(versions[0].version, ""), found.get(row.version)


def address_of(settings: Mapping[str, Any]) -> str:
    """With whom an endpoint with these settings speaks."""
    return canonical([str(settings.get(name, "")) for name in _ADDRESS]).decode()


def _which(code: str, endpoint: str, name: str) -> tuple[ColumnElement[bool], ...]:
    secret = ConnectorSecret
    return secret.connector == code, secret.endpoint == endpoint, secret.name == name


def forget_secrets(tx: Connection, code: str) -> None:
    """Nobody will need them any more."""
    tx.execute(delete(ConnectorSecret).where(ConnectorSecret.connector == code))


def kept_secrets(tx: Connection, code: str) -> set[tuple[str, str]]:
    """Which secrets are kept: (endpoint, name)."""
    rows = tx.execute(
        select(ConnectorSecret.endpoint, ConnectorSecret.name).where(ConnectorSecret.connector == code)
    )
    return {(row.endpoint, row.name) for row in rows}


def missing_secrets(
    tx: Connection, code: str, document: Mapping[str, Any], desk: Desk | None = None
) -> list[tuple[str, str]]:
    """Which secrets a document calls sealed and nobody has given: (endpoint, name). With a desk, for its addresses."""
    if desk is None:
        kept = kept_secrets(tx, code)
    else:
        found = opened_secrets(tx, desk, code, document_from(document))
        kept = {(endpoint, name) for endpoint, named in found.items() for name in named}
    return [
        (one["name"], name)
        for one in document.get("endpoints", ())
        for name, where in one.get("secrets", {}).items()
        if where == SEALED and (one["name"], name) not in kept
    ]


def opened_secrets(
    tx: Connection, desk: Desk, code: str, document: ConnectorDocument | None = None
) -> dict[str, dict[str, str]]:
    """The kept secrets of a connector, by endpoint and name. Only for whoever connects.

    With a document only those that were given for the addresses that its endpoints have.
    """
    rows = tx.execute(
        select(ConnectorSecret.endpoint, ConnectorSecret.name, ConnectorSecret.sealed).where(
            ConnectorSecret.connector == code
        )
    ).all()
    addresses = {one.name: address_of(one.settings) for one in document.endpoints} if document else {}
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        context = secret_context(code, row.endpoint, row.name)
        values = loads(sealing_of(desk).open(bytes(row.sealed), context=context))
        # Given before the endpoint was in any version: for whatever address it got.
        value = (
            values.get(addresses.get(row.endpoint), values.get(""))
            if document
            else next(iter(values.values()))
        )
        if value is not None:
            found.setdefault(row.endpoint, {})[row.name] = value
    return found
