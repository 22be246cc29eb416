"""What the doctor says of those who work for others: the press, and whoever looks for alerts."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, func, insert, update

from hub.licensing.batches.batch import LicenceBatch
from hub.noticing.alert import AlertLimit
from hub.noticing.raise_alerts import raise_alerts
from hub.overview import overview
from hub.program import Program
from hub.report_program import report
from shenguan.doctor_host import alerts, press


def said(engine: Engine, of: str) -> list[tuple[str, str]]:
    with engine.connect() as tx:
        found = press(tx, overview(tx, datetime.now(UTC))) if of == "press" else alerts(tx)
        return [(one.state, one.found) for one in found if one.advice or one.state == "ok"]


def silent(engine: Engine, name: str, **ago: float) -> None:
    with engine.begin() as tx:
        then = func.now() - timedelta(**ago)
        tx.execute(update(Program).where(Program.name == name).values(seen_at=then, started_at=then))


def test_the_press_is_asked_for_where_batches_wait(engine: Engine) -> None:
    """Claim: nothing to say without a press and without batches; a batch that nobody works, a press that is gone and one
    that waits are said with what to do; one that was stopped is missed only by a batch."""
    assert said(engine, "press") == []
    batch: dict[str, Any] = {
        "operation": "import",
        "source_name": "x",
        "source_sha256": b"",
        "created_by": "u",
    }
    with engine.begin() as tx:
        tx.execute(insert(LicenceBatch).values(id=uuid.uuid4(), state="running", **batch))
    assert said(engine, "press") == [("fail", "制证程序没有在运行，1 个批次等着它")]
    with engine.begin() as tx:
        report(tx, "press", "x", "waiting", "等待对象存储恢复")
    assert said(engine, "press") == [("warn", "制证程序在等待：等待对象存储恢复")]
    with engine.begin() as tx:
        report(tx, "press", "x", "running")
    assert said(engine, "press") == [("ok", "制证程序 1 个进程在运行，1 个批次没有做完")]
    silent(engine, "press", minutes=1)
    with engine.begin() as tx:
        tx.execute(update(LicenceBatch).values(state="done"))
    assert said(engine, "press") == [("fail", "制证程序失去联系")]
    with engine.begin() as tx:
        report(tx, "press", "x", "stopped")
    assert said(engine, "press") == []


def test_that_nobody_looks_for_alerts_is_said(engine: Engine) -> None:
    """Claim: never looked, or not for a while, is a fault, unless the relay has only just been started; otherwise it is
    said what is open and what cannot be looked for."""
    assert said(engine, "alerts") == [("fail", "还没有人检查有没有该告警的事")]
    with engine.begin() as tx:
        report(tx, "relay", "x", "running")
    assert said(engine, "alerts") == [("ok", "没有未恢复的告警")]
    silent(engine, "relay", minutes=10)
    with engine.begin() as tx:
        tx.execute(update(AlertLimit).values(checked_at=func.now() - timedelta(minutes=9)))
    assert said(engine, "alerts") == [("fail", "已 9 分钟没有人检查有没有该告警的事")]
    with engine.begin() as tx:
        tx.execute(update(AlertLimit).values(checked_at=func.now()))
        raise_alerts(tx, "program", datetime.now(UTC))
    assert said(engine, "alerts") == [("warn", "1 个告警没有恢复")]
    with engine.begin() as tx:
        tx.execute(update(AlertLimit).where(AlertLimit.kind == "parked").values(fault="没有这张表"))
    assert said(engine, "alerts") == [("warn", "有一类告警查不了：没有这张表")]
