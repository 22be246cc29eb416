"""Connectors that need somebody, on the data administrator's home page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import url_for
from flask_babel import gettext
from sqlalchemy import Connection, func, or_, select

from admin.connecting.connector_list import GONE, LATE
from admin.home_figures import tile
from hub.connecting.connector import Connector, ConnectorHealth, ConnectorRefusal


def connector_tiles(tx: Connection) -> list[dict[str, Any]]:
    """Connectors that cannot deliver or say nothing any more, and what they refused; none where all is well."""
    now = datetime.now(UTC)
    stuck = tx.scalar(
        select(func.count())
        .select_from(Connector)
        .outerjoin(ConnectorHealth, ConnectorHealth.connector == Connector.code)
        .where(
            Connector.state == "live",
            or_(
                ConnectorHealth.oldest_waiting_at < now - LATE,
                func.coalesce(ConnectorHealth.beat_at, Connector.live_since) < now - GONE,
            ),
        )
    )
    refused = tx.scalar(
        select(func.count()).select_from(ConnectorRefusal).where(ConnectorRefusal.settled_at.is_(None))
    )
    tiles = []
    if stuck:
        href = url_for("ConnectorView.list")
        tiles.append(tile(gettext("连接器不通"), stuck, href, tone="bad", note=gettext("有积压或失去联系")))
    if refused:
        href = url_for("ConnectorView.list", attention="refused")
        tiles.append(tile(gettext("连接器拒收"), refused, href, tone="warn", note=gettext("改好后可以重试")))
    return tiles
