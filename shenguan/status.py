"""Status: how every part is and how much of everything there is, gathered within about five seconds.

Guarantees: works while any part is down, and says which. Health of a program is what it last said of itself in the
database; while the database is down, what the supervisor knows. Counts are None where they cannot be had.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shenguan import probes
from shenguan.probes import Health

if TYPE_CHECKING:
    from hub.overview import Overview, ProgramHealth
    from shenguan.run_state import RunState
    from shenguan.settings import Settings

TITLES = {
    "database": "数据库",
    "object_store": "对象存储",
    "broker": "消息代理",
    "web": "网页",
    "relay": "中继",
    "intake": "接收",
    "press": "制证",
    "host": "连接器主机",
}


@dataclass(frozen=True, slots=True)
class Status:
    """One look at the hub. `connectors` are those that run under this machine's supervisor."""

    parts: dict[str, Health]
    connectors: dict[str, Health]
    overview: Overview | None

    @property
    def ok(self) -> bool:
        """Everything answers and nobody waits."""
        return all(health.ok for health in (*self.parts.values(), *self.connectors.values()))

    def as_dict(self) -> dict[str, Any]:
        """As `status --json` gives it."""
        counts = self.overview.as_dict() if self.overview else dict.fromkeys(_COUNTS)
        counts.pop("programs", None)
        departments = counts.pop("departments", None)
        return {
            "ok": self.ok,
            "parts": {name: asdict(health) for name, health in self.parts.items()},
            "connectors": {name: asdict(health) for name, health in self.connectors.items()},
            "counts": counts,
            "departments": list(departments) if departments is not None else None,
        }


_COUNTS = (
    "decisions",
    "pushes",
    "overdue",
    "unsigned_revisions",
    "outbox_unpublished",
    "outbox_oldest_seconds",
    "parked_keys",
    "quarantined",
    "findings",
    "notices_unread",
    "ledger_unsealed",
)


def gather(settings: Settings, running: RunState) -> Status:
    """Ask every part at once."""
    asked: dict[str, probes.Probe] = {
        "database": lambda: probes.database(settings),
        "object_store": lambda: probes.object_store(settings),
        "broker": lambda: probes.broker(settings),
        "web": lambda: probes.web(settings.public_url),
    }
    probes.load()
    reachable = {name: probe for name, probe in asked.items() if _address(settings, name)}
    parts = {name: Health("down", "没有运行") for name in asked} | probes.ask_all(reachable)
    overview = _overview(settings) if parts["database"].ok else None
    for name in ("relay", "intake"):
        parts[name] = _program(name, overview, running)
    for name in ("press", "host"):
        if _is_used(name, overview, running):
            parts[name] = _program(name, overview, running)
    return Status(parts, _connectors(settings.data, running), overview)


def _address(settings: Settings, part: str) -> str:
    return {
        "database": settings.database_url,
        "object_store": settings.s3_endpoint,
        "broker": settings.kafka_bootstrap,
        "web": settings.public_url,
    }[part]


def _overview(settings: Settings) -> Overview | None:
    if not settings.database_url:
        return None
    from sqlalchemy.exc import SQLAlchemyError

    from hub.overview import overview
    from shenguan import wiring

    engine = wiring.engine_of(settings)
    try:
        with engine.connect() as tx:
            return overview(tx, wiring.now())
    except SQLAlchemyError:
        return None
    finally:
        engine.dispose()


def _program(name: str, overview: Overview | None, running: RunState) -> Health:
    if overview is None:
        return _supervised(name, running)
    return _best(program for program in overview.programs if program.name == name)


def _best(instances: Iterable[ProgramHealth]) -> Health:
    found = sorted(instances, key=lambda each: each.seen_seconds_ago)
    alive = [each for each in found if each.state in ("running", "waiting")]
    for each in alive:
        if each.state == "running":
            return Health("ok", each.detail or "")
    if alive:
        return Health("waiting", alive[0].detail or "等待")
    if found and found[0].state == "gone":
        return Health("down", f"已 {found[0].seen_seconds_ago:.0f} 秒没有消息")
    return Health("down", "没有运行")


def program_here(settings: Settings, name: str) -> Health:
    """One program of this machine: ok, waiting for something, or down."""
    if name == "web":
        return probes.ask_all({name: lambda: probes.web(f"http://127.0.0.1:{settings.web_port}")})[name]
    overview = _overview(settings)
    if overview is None:
        return Health("down", "数据库不通，看不到它的状态")
    here = socket.gethostname()
    return _best(each for each in overview.programs if each.name == name and each.instance.startswith(here))


def _is_used(name: str, overview: Overview | None, running: RunState) -> bool:
    """A hub that makes no licences in batches does without a press; one that connects nobody, without a host."""
    return name in running.units or any(
        each.name == name and each.state != "stopped" for each in (overview.programs if overview else ())
    )


def _supervised(name: str, running: RunState) -> Health:
    unit = running.units.get(name)
    if unit is not None and not running.running:
        return Health("down", "没有运行")
    if unit is None:
        return Health("unknown", "数据库不通，看不到它的状态")
    return (
        Health("waiting", "等待数据库")
        if unit.state == "running"
        else Health("down", unit.problem or unit.state)
    )


def _connectors(data: Path, running: RunState) -> dict[str, Health]:
    prefix = "connector-"
    found = {}
    for name, unit in running.units.items():
        if name.startswith(prefix):
            code = name.removeprefix(prefix)
            if not running.running or unit.state != "running":
                found[code] = Health("down", unit.problem or "没有运行")
            else:
                found[code] = connector_health(data / "departments" / code / "state" / "state.json")
    return found


def connector_health(file: Path) -> Health:
    """What a connector says of itself in its state file."""
    from connectors.department.health import read_health

    said = read_health(file)
    if said is None:
        return Health("waiting", "刚启动，还没有消息")
    match said["state"]:
        case "running":
            return Health("ok", f"已收 {said['received']} 个推送包" if "received" in said else "")
        case "waiting":
            return Health("waiting", str(said["waiting_for"] or "等待"))
        case "gone":
            return Health("down", "失去联系")
        case _:
            return Health("down", "已停止")
