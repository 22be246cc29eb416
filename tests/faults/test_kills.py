"""kill -9 of every part and program, at seeded random moments, under load; then both ends are counted.

One installation for all of them, started by `shenguan up`: its supervisor is what starts the victims again, and faults of
one test would still be seen by the verdict of the next. SHENGUAN_FAULT_SEEDS=n runs more seeds (default 1).
"""

from __future__ import annotations

import os
import random
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, func, select, update

from hub.ports import Desk
from hub.pushing.rules.rule import PushRule, RuleDepartment
from hub.verify_ledger import verify
from shenguan import wiring
from shenguan.demo_county_words import NEIGHBOURS
from shenguan.secrets_folder import SecretsFolder
from tests.e2e.running_hub import RunningHub
from tests.faults.history import verdict
from tests.faults.load import Decider, Load, Log, Reporter, WebDecider, Worker
from tests.faults.stores import collect, until_quiet

VICTIMS = {  # and how often each is killed in its own test
    "relay": 3,
    "intake": 2,
    "connector-scjg": 2,
    "connector-zhzf": 2,
    "web": 2,
    "broker": 2,
    "postgres": 2,
    "object_store": 2,
}
SEEDS = range(1, 1 + int(os.environ.get("SHENGUAN_FAULT_SEEDS", "1")))
QUIET_SECONDS = 240.0
LEAST = 12  # decisions in a test, or it has shown nothing

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]


@dataclass
class Town:
    """A running installation and everything that was done to it so far."""

    hub: RunningHub
    engine: Engine
    desk: Desk
    bootstrap: str
    log: Log

    @property
    def stores(self) -> dict[str, Path]:
        """The departments' own."""
        folder = self.hub.data / "departments"
        return {"scjg": folder / "scjg" / "scjg.sqlite", "zhzf": folder / "zhzf"}


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    with (
        tempfile.TemporaryDirectory(prefix="sg-faults-", ignore_cleanup_errors=True) as folder,
        RunningHub(Path(folder) / "data") as hub,
    ):
        settings = hub.settings()
        engine = create_engine(settings.database_url, pool_pre_ping=True)
        _only_the_two(engine)
        yield Town(hub, engine, wiring.desk_of(settings), settings.kafka_bootstrap, Log())
        engine.dispose()


def _only_the_two(engine: Engine) -> None:
    """Nothing is owed to the rest of the demo's county: what is held against each other here are two stores."""
    others = [one.code for one in NEIGHBOURS]
    of = select(RuleDepartment.rule_id).where(RuleDepartment.department.in_(others))
    with engine.begin() as tx:
        tx.execute(update(PushRule).where(PushRule.id.in_(of)).values(state="withdrawn", ended_at=func.now()))


# Seeds outside, victims inside: by the time one is killed again, its supervisor has long forgiven it.
@pytest.mark.parametrize(("seed", "victim"), [(seed, victim) for seed in SEEDS for victim in VICTIMS])
def test_kill_9(town: Town, seed: int, victim: str) -> None:
    """Claim: whatever is killed, every confirmed decision has its packages once in both departments' stores with receipts
    back, no package is without its decision, every finding is known once with its effect once, messages of a key never
    overtake each other, and the ledger verifies."""
    chance = random.Random(f"{victim}/{seed}")
    decided = len(town.log.acknowledged)
    window = _window(town, seed)
    with Load(*_work(town, seed), *([window] if victim == "web" else [])):
        _wait(chance, 0.8, 1.6)
        for _ in range(VICTIMS[victim]):
            town.hub.until_runs_again(victim, town.hub.kill(victim))
            _wait(chance, 0.3, 1.5)
        _until_enough(town, decided)
        if victim == "web":
            town.hub.until(lambda: window.confirmed, what="a decision by the web form")
    _both_ends_agree(town, f"{victim}/{seed}")


@pytest.mark.parametrize("seed", [101, 102])
def test_kill_9_of_everything(town: Town, seed: int) -> None:
    """Claim: the same holds when all of them are killed within seconds, in random order, not waiting for each other."""
    chance = random.Random(seed)
    decided = len(town.log.acknowledged)
    victims = chance.sample(list(VICTIMS), len(VICTIMS))
    killed = {}
    with Load(*_work(town, seed), _window(town, seed)):
        _wait(chance, 0.8, 1.6)
        for victim in victims:
            killed[victim] = town.hub.kill(victim)
            _wait(chance, 0.2, 0.9)
        for victim, pid in killed.items():
            town.hub.until_runs_again(victim, pid)
        _until_enough(town, decided)
    _both_ends_agree(town, f"everything/{seed}")


def _work(town: Town, seed: int) -> list[Worker]:
    """Decisions, and findings at both departments."""
    decider = Decider(town.hub.settings().database_url, town.desk, town.log, seed)
    return [decider, *(Reporter(code, store, town.log, seed + 1) for code, store in town.stores.items())]


def _window(town: Town, seed: int) -> WebDecider:
    """Someone who decides in the browser."""
    password = SecretsFolder(town.hub.data).demo_passwords()["approver"]
    return WebDecider(town.hub.settings().public_url, password, town.log, seed)


def _wait(chance: random.Random, least: float, most: float) -> None:
    threading.Event().wait(chance.uniform(least, most))


def _until_enough(town: Town, before: int) -> None:
    """The load goes on until it has shown something after the last kill."""
    town.hub.until(lambda: len(town.log.acknowledged) - before >= LEAST, what="decisions")


def _both_ends_agree(town: Town, name: str) -> None:
    """Wait until nothing moves, then hold what went in against what came out, since the installation began."""
    try:
        quiet = until_quiet(town.engine, town.log, seconds=QUIET_SECONDS)
    except AssertionError as error:
        raise AssertionError(f"{name}: {error}\n{town.hub.said()}") from None
    history = collect(
        town.engine, town.log, stores=town.stores, area=town.desk.area, bootstrap=town.bootstrap
    )
    faults = verdict(history)
    print(
        f"{name}: {len(history.decisions)} decisions and {len(history.findings)} findings so far, "
        f"quiet after {quiet:.1f} s, {len(town.log.errors)} refusals to writers, {len(faults)} faults"
    )
    assert faults == [], "\n".join(map(str, faults[:20]))
    _ledger_is_whole(town)


def _ledger_is_whole(town: Town) -> None:
    """Sealed to the last row, and as it was sealed."""
    settings = town.hub.settings()
    heads = wiring.Heads(wiring.objects_of(settings))
    engine = town.engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.connect() as tx:
        found = verify(tx, heads, wiring.verify_heads_with(wiring.signer_of(settings)))
    assert found.ok, found.broken
