"""The document that the mapping pages work on: a connector's draft, or its newest version where there is none yet.

Guarantees: who is confined to a department finds only that department's connectors; a save makes a draft where there was
none. Does not write by itself: the use cases do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext
from sqlalchemy import Connection, select

from admin.premises import actor, here, own_department
from hub.connecting.connector import Connector, ConnectorVersion
from hub.connecting.draft_connector import new_draft, save_draft
from hub.errors import Conflict, NotFound
from schemas import canonical


@dataclass(frozen=True, slots=True)
class Opened:
    """One version of a connector's document."""

    code: str
    title: str
    department: str
    connector_state: str
    version: int
    state: str
    saves: int
    document: dict[str, Any]
    running: int | None  # the version that runs

    def stamp(self, flow: str = "") -> str:
        """Changes when the flow of this name does; without a name, when the code tables do."""
        part = self.flow(flow) if flow else self.document.get("code_tables", [])
        return hashlib.sha256(canonical(part)).hexdigest()[:32]

    def flow(self, name: str) -> dict[str, Any]:
        """The flow of this name. Raises NotFound."""
        for one in self.document.get("flows", ()):
            if one.get("name") == name:
                return dict(one)
        raise NotFound(gettext("这个连接器里没有名为“%(name)s”的线路，可能已被改名或删除。", name=name[:60]))


def opened(tx: Connection, code: str, version: int | None = None) -> Opened:
    """This version; without one, the draft or else the newest. Raises NotFound."""
    found = select(
        Connector.code,
        Connector.title,
        Connector.department,
        Connector.state.label("connector_state"),
        Connector.version.label("running"),
        ConnectorVersion.version,
        ConnectorVersion.state,
        ConnectorVersion.saves,
        ConnectorVersion.document,
    ).join(ConnectorVersion, ConnectorVersion.connector == Connector.code)
    found = found.where(Connector.code == code)
    if (own := own_department()) is not None:
        found = found.where(Connector.department == own)
    if version is not None:
        found = found.where(ConnectorVersion.version == version)
    row = tx.execute(found.order_by(ConnectorVersion.version.desc()).limit(1)).one_or_none()
    if row is None:
        raise NotFound(gettext("没有这个连接器，或没有这个版本。请从连接器列表进入。"))
    return Opened(**{**row._mapping, "document": dict(row.document)})


def save(tx: Connection, code: str, parts: Mapping[str, Any], seen: Mapping[str, Any]) -> Opened:
    """Put these parts into the draft: 'flow' (of its name), 'code_tables'. `seen`: their stamps when the page was loaded.

    Raises Conflict when somebody changed one of these very parts in between; changes elsewhere in the document stay.
    """
    desk, before = here().config.desk, opened(tx, code)
    for part, said in parts.items():
        now = before.stamp(str(said["name"]) if part == "flow" else "")
        if seen.get(part) != now:
            raise Conflict(
                gettext("期间有人改过这一部分，您的改动还没有保存，仍在本页上。请另开一页看看他的改动。")
            )
    if before.state != "draft":
        new_draft(tx, desk, code, from_version=before.version, actor=actor())
        before = opened(tx, code)
    document = deepcopy(before.document)
    if "code_tables" in parts:
        document["code_tables"] = parts["code_tables"]
    if "flow" in parts:
        flow = parts["flow"]
        document["flows"] = [
            flow if one.get("name") == flow["name"] else one for one in document.get("flows", ())
        ]
    save_draft(tx, desk, code, document, saves=before.saves, actor=actor())
    return opened(tx, code)
