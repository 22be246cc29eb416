"""`/healthz`: whether each part answers, within two seconds whatever is down."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime

from flask import Blueprint, Response, jsonify
from sqlalchemy import select, text

from admin.premises import Premises, here
from hub.program import Program
from hub.report_program import SILENT

bp = Blueprint("health", __name__)
PATIENCE = 1.5
_pool = ThreadPoolExecutor(max_workers=12, thread_name_prefix="health")
TITLES = {"database": "数据库", "object_store": "对象存储", "broker": "消息代理", "programs": "后台程序"}


@dataclass(frozen=True, slots=True)
class Part:
    """How one part is."""

    name: str
    ok: bool
    detail: str
    milliseconds: int

    @property
    def title(self) -> str:
        """Its Chinese name."""
        return TITLES[self.name]


def look(premises: Premises) -> list[Part]:
    """Ask every part at once, and wait for none longer than PATIENCE."""
    asked = {
        "database": lambda: _database(premises),
        "object_store": lambda: _object_store(premises),
        "broker": lambda: _broker(premises),
        "programs": lambda: _programs(premises),
    }
    futures = {name: _pool.submit(_timed, ask) for name, ask in asked.items()}
    wait(futures.values(), timeout=PATIENCE)
    parts = []
    for name, future in futures.items():
        if future.done():
            ok, detail, took = future.result()
        else:
            future.cancel()
            ok, detail, took = False, f"{PATIENCE:g} 秒内没有应答", int(PATIENCE * 1000)
        parts.append(Part(name, ok, detail, took))
    return parts


@bp.get("/healthz")
def healthz() -> tuple[Response, int]:
    """200 when everything answers, else 503; JSON either way."""
    parts = look(here())
    good = all(part.ok for part in parts)
    body = {part.name: {"ok": part.ok, "detail": part.detail, "ms": part.milliseconds} for part in parts}
    return jsonify(ok=good, parts=body), 200 if good else 503


def _timed(ask: Callable[[], tuple[bool, str]]) -> tuple[bool, str, int]:
    start = time.monotonic()
    try:
        ok, detail = ask()
    except Exception as error:
        ok, detail = False, f"没有应答（{type(error).__name__}）"
    return ok, detail, int((time.monotonic() - start) * 1000)


def _database(premises: Premises) -> tuple[bool, str]:
    with premises.engine.connect() as tx:
        tx.execute(text("SELECT 1"))
    return True, "正常"


def _object_store(premises: Premises) -> tuple[bool, str]:
    if premises.config.store_check is None:
        return True, "未配置文件存储"
    premises.config.store_check()
    return True, "正常"


def _broker(premises: Premises) -> tuple[bool, str]:
    if premises.config.broker_address is None:
        return True, "未配置消息代理"
    host, _, port = premises.config.broker_address.split(",")[0].rpartition(":")
    with socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE):
        return True, "正常"


def _programs(premises: Premises) -> tuple[bool, str]:
    now = datetime.now(UTC)
    with premises.engine.connect() as tx:
        rows = tx.execute(
            select(Program.name, Program.instance, Program.state, Program.detail, Program.seen_at)
        ).all()
    gone = sorted({row.name for row in rows if row.state != "stopped" and now - row.seen_at > SILENT})
    alive = {row.name for row in rows if row.state != "stopped" and now - row.seen_at <= SILENT}
    gone = [name for name in gone if name not in alive]
    waiting = sorted(
        {
            f"{row.name}（{row.detail or '等待'}）"
            for row in rows
            if row.state == "waiting" and row.name in alive
        }
    )
    if gone:
        return False, "失去联系：" + "、".join(gone)
    return True, "等待恢复：" + "、".join(waiting) if waiting else "正常"
