"""What a bulk load does to live decisions: from the commit of a decision to its message being safe on the broker.

One decision each 50 ms, alone and while a sheet is loaded; relay and loader are processes of their own, and PostgreSQL
syncs to disk, as in use. The figure is the ratio of the 99th percentiles of one run;
"alone" is measured before and after the load.
"""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import click
import psutil
from sqlalchemy import Engine, func, select

from hub.case import Decision
from hub.deciding.decide import decide
from hub.exchange.outbox import OutboxRow
from hub.ports import Desk
from shenguan.embedded.process import wait_until
from tests.faults.apart import Apart
from tests.hub.builders import a_case
from tests.session_parts import Owner

TARGET = 5.0
EVERY = 0.05
SECOND = "zhzf"


@dataclass
class Live:
    """Decides one case after the other at a steady pace, and remembers when each commit returned."""

    engine: Engine
    desk: Desk
    next_number: int = 1
    committed: dict[str, datetime] = field(default_factory=dict)
    took: dict[str, float] = field(default_factory=dict)

    def until(self, stop: threading.Event, *, seconds: float) -> list[str]:
        """Until told to stop or the time is over; the cases."""
        cases: list[str] = []
        begun = time.monotonic()
        while not stop.is_set() and time.monotonic() - begun < seconds:
            case = a_case(self.next_number, area=self.desk.area)
            self.next_number += 1
            at = time.perf_counter()
            with self.engine.begin() as tx:
                decide(tx, [case], self.desk, actor="user:bench")
            self.committed[case.case_no] = datetime.now(UTC)
            self.took[case.case_no] = time.perf_counter() - at
            cases.append(case.case_no)
            stop.wait(max(0.0, begun + len(cases) * EVERY - time.monotonic()))
        return cases


def run(*, rows: int = 20_000, alone_seconds: float = 15.0) -> dict[str, object]:
    """Milliseconds from commit to published, alone and loaded; the loader's pace and memory."""
    servers = Owner(Path(tempfile.mkdtemp(prefix="bench-lanes-")))
    with tempfile.TemporaryDirectory(prefix="bench-lanes-", ignore_cleanup_errors=True) as folder:
        apart = Apart(Path(folder), {**servers.get("object_store"), "bucket": "bench-lanes"}, "990103")
        try:
            apart.start()
            _second_department(apart)
            return _measure(apart, rows, alone_seconds)
        finally:
            apart.close()
            servers.close()


def _second_department(apart: Apart) -> None:
    home = apart.folder / SECOND
    apart.command("department", "keygen", SECOND, "--out", str(home))
    key = str(home / "public-key.pem")
    apart.command(
        "department", "add", SECOND, "示范县综合行政执法局", "--role", "enforcing", "--public-key", key
    )


def _measure(apart: Apart, rows: int, alone_seconds: float) -> dict[str, object]:
    sheet = apart.folder / "sheet.xlsx"
    apart.command("sample", "--rows", str(rows), "--out", str(sheet))
    apart.run("relay")
    apart.until_heard("relay")
    live = Live(apart.engine, apart.desk)
    live.until(threading.Event(), seconds=3)  # warms up and is not counted
    alone = live.until(threading.Event(), seconds=alone_seconds)
    loader = apart.run("load", str(sheet), "--json")
    loading = _Loading(loader.pid, lambda: loader.returncode is None)
    loaded = live.until(loading.over, seconds=1200)
    begun = time.monotonic()
    if not wait_until(lambda: _unpublished(apart.engine) == 0, seconds=600, every=0.5):
        raise RuntimeError("the relay did not empty the outbox")
    drained = time.monotonic() - begun
    alone += live.until(threading.Event(), seconds=alone_seconds)
    if not wait_until(lambda: _unpublished(apart.engine) == 0, seconds=60, every=0.5):
        raise RuntimeError("the relay did not empty the outbox")
    quiet, busy = _latencies(apart.engine, live, alone), _latencies(apart.engine, live, loaded)
    if loader.returncode != 0:
        raise RuntimeError(f"the loader ended with {loader.returncode}")
    return {
        "broker": "tansu memory://",
        "rows": rows,
        "decisions": _count(apart.engine),
        "alone_ms": _shown(quiet),
        "loaded_ms": _shown(busy),
        "commit_alone_ms": _shown([live.took[case] * 1000 for case in alone]),
        "commit_loaded_ms": _shown([live.took[case] * 1000 for case in loaded]),
        "ratio": round(_percentile(busy, 0.99) / _percentile(quiet, 0.99), 2),
        "ratio_commit": round(
            _percentile([live.took[case] for case in loaded], 0.99)
            / _percentile([live.took[case] for case in alone], 0.99),
            2,
        ),
        "rows_per_second": round(rows / loading.seconds),
        "drained_after_s": round(drained, 1),
        "loader_rss_mib": {"at_2_s": round(loading.early), "most": round(loading.most)},
    }


class _Loading:
    """Watches the loader: how long it takes and how much memory it has."""

    def __init__(self, pid: int, running: object) -> None:
        self.over = threading.Event()
        self.seconds = self.early = self.most = 0.0
        assert callable(running)
        self._running = running
        self._process = psutil.Process(pid)
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        begun = time.monotonic()
        while self._running():
            try:
                mib = self._process.memory_info().rss / 2**20
            except psutil.Error:
                break
            self.most = max(self.most, mib)
            if time.monotonic() - begun < 2:
                self.early = mib
            time.sleep(0.1)
        self.seconds = time.monotonic() - begun
        self.over.set()


def _latencies(engine: Engine, live: Live, cases: list[str]) -> list[float]:
    """Milliseconds from the commit's return to the relay's mark, which follows the broker's acknowledgement."""
    with engine.connect() as tx:
        query = select(OutboxRow.key, OutboxRow.published_at).where(OutboxRow.key.in_(cases))
        rows = tx.execute(query).all()
    found = [(row.published_at - live.committed[row.key]).total_seconds() * 1000 for row in rows]
    if len(found) != 2 * len(cases):
        raise RuntimeError(f"{len(found)} messages of {len(cases)} decisions")
    return [max(0.0, one) for one in found]


def _unpublished(engine: Engine) -> int:
    with engine.connect() as tx:
        query = select(func.count()).select_from(OutboxRow).where(OutboxRow.published_at.is_(None))
        return tx.execute(query).scalar_one()


def _count(engine: Engine) -> int:
    with engine.connect() as tx:
        return tx.execute(select(func.count()).select_from(Decision)).scalar_one()


def _percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def _shown(values: list[float]) -> dict[str, float]:
    return {
        "n": len(values),
        "p50": round(statistics.median(values), 1),
        "p99": round(_percentile(values, 0.99), 1),
        "most": round(max(values), 1),
    }


@click.command()
@click.option("--rows", default=20_000)
@click.option("--full", is_flag=True, help="100,000 rows.")
def main(rows: int, full: bool) -> None:
    """Print the figures."""
    found = run(rows=100_000 if full else rows)
    for name, value in found.items():
        click.echo(f"{name:18} {value}")
    click.echo(f"p99 loaded / alone {found['ratio']}   (goal at most {TARGET})")


if __name__ == "__main__":
    main()
