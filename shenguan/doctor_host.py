"""The doctor's questions about who works for others: the connector host, the press, and whoever looks for alerts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import cast

from sqlalchemy import Connection, func, select

from hub.connecting.connector import Connector
from hub.licensing.batches.batch import LicenceBatch
from hub.noticing.alert import Alert, AlertLimit
from hub.noticing.stand_in import UNLOOKED
from hub.overview import Overview
from hub.program import Program
from hub.report_program import SILENT
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


def press(tx: Connection, seen: Overview) -> Iterator[Finding]:
    """Whether anybody makes what batches wait for; nothing to say where there never was a press nor a batch."""
    waiting = select(func.count()).where(LicenceBatch.state == "running")
    count = tx.execute(waiting).scalar_one()
    known = [each for each in seen.programs if each.name == "press"]
    alive = [each for each in known if each.state in ("running", "waiting")]
    stuck = next((each for each in alive if each.state == "waiting"), None)
    if not alive and (count or any(each.state == "gone" for each in known)):
        words = f"制证程序没有在运行，{count} 个批次等着它" if count else "制证程序失去联系"
        yield Finding("制证", "fail", words, "请启动：shenguan licence press。")
    elif stuck is not None:
        yield Finding("制证", "warn", f"制证程序在等待：{stuck.detail}", "处理好它等的部件后会自动继续。")
    elif alive:
        yield Finding("制证", "ok", f"制证程序 {len(alive)} 个进程在运行，{count} 个批次没有做完")


def alerts(tx: Connection) -> Iterator[Finding]:
    """Whether anybody looks, and what is open. A relay that has just been started will look in a minute."""
    started = select(func.max(Program.started_at)).where(
        Program.name == "relay", Program.state != "stopped", Program.seen_at > func.now() - SILENT
    )
    looked = select(func.min(AlertLimit.checked_at)).where(AlertLimit.active)
    since = select(func.now() - func.greatest(started.scalar_subquery(), looked.scalar_subquery()))
    ago = cast(timedelta | None, tx.execute(since).scalar_one())
    faults = tx.execute(select(AlertLimit.fault).where(AlertLimit.fault.is_not(None))).scalars().all()
    raised = tx.execute(select(func.count()).where(Alert.cleared_at.is_(None))).scalar_one()
    if ago is None or ago > UNLOOKED:
        lately = "还没有" if ago is None else f"已 {ago.total_seconds() / 60:.0f} 分钟没有"
        yield Finding("告警", "fail", f"{lately}人检查有没有该告警的事", "请启动中继：shenguan relay。")
    elif faults:
        yield Finding("告警", "warn", f"有一类告警查不了：{faults[0]}", "原因见管理网页“告警”。")
    elif raised:
        yield Finding("告警", "warn", f"{raised} 个告警没有恢复", "请在管理网页“告警”查看。")
    else:
        yield Finding("告警", "ok", "没有未恢复的告警")
