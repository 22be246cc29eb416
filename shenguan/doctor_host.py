"""The doctor's question about the connector host: whether anybody runs what departments rely on."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, func, select

from hub.connecting.connector import Connector
from hub.overview import Overview
from shenguan.doctor_finding import Finding


def connector_host(tx: Connection, seen: Overview) -> Iterator[Finding]:
    """Nothing to say where no connector runs on the host."""
    live = select(func.count()).where(Connector.runs_at == "host", Connector.state == "live")
    count = tx.execute(live).scalar_one()
    alive = any(each.name == "host" and each.state in ("running", "waiting") for each in seen.programs)
    if count and not alive:
        words = f"连接器主机没有在运行，{count} 个部门的连接器停着"
        yield Finding("连接器主机", "fail", words, "请启动：shenguan connector host。")
    elif count:
        yield Finding("连接器主机", "ok", f"连接器主机在运行，替 {count} 个部门收发")
