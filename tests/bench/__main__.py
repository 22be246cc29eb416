"""All benchmarks, one after the other, and one table of their ratios with the goals: `python -m tests.bench`.

Guarantees: a benchmark that fails is named and the others still run; the exit code is 0 unless one failed to run. A goal
that is missed is shown and is no error: the box may be busy, and how busy it was stands in the result.
"""

from __future__ import annotations

import importlib
import operator
import os
import platform
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from schemas import dumps


@dataclass(frozen=True)
class Goal:
    """One figure of one benchmark and what it should be."""

    bench: str
    what: str
    figure: str  # where it is in what `run` returns, names joined by dots
    least: float | None = None
    most: float | None = None

    def value(self, found: Mapping[str, Any]) -> float | None:
        """The figure; None where this machine could not measure it."""
        here: Any = found
        for name in self.figure.split("."):
            if name not in here:
                return None
            here = here[name]
        return float(here)

    def met(self, value: float) -> bool:
        """Whether it is what it should be."""
        limit, compare = (self.least, operator.ge) if self.least is not None else (self.most, operator.le)
        assert limit is not None
        return bool(compare(value, limit))

    @property
    def wanted(self) -> str:
        """The goal as it is shown."""
        return f">= {self.least}" if self.least is not None else f"<= {self.most}"


GOALS = (
    Goal("relay", "relay / bare select-produce-mark loop", "ratio", least=0.8),
    Goal("intake", "findings a second, one process", "per_second", least=1500),
    Goal("decide", "one decision a commit / bare psycopg", "live.ratio", least=0.5),
    Goal("decide", "many decisions a commit / bare psycopg", "bulk.ratio", least=0.5),
    Goal("storage", "put of 100 MiB / bare client", "put_ratio", least=0.8),
    Goal("storage", "open of 100 MiB / bare client", "open_ratio", least=0.6),
    Goal("storage", "upload of 100 MiB, all of it / bare client", "upload_ratio", least=0.8),
    Goal("storage", "the same 100 MiB again / first upload", "again_ratio", most=0.2),
    Goal("storage", "MiB of memory for an upload of 2 GiB", "memory_mib", most=64),
    Goal("reuse", "match p99 / one primary-key select, 1,000,000 materials", "ratio", most=3.0),
    Goal("reuse", "match p99 at 1,000,000 / at 100,000 materials", "growth", most=1.5),
    Goal("workbench", "a look-up at the server, p99 in ms, 1,000,000 materials", "lookup_p99", most=150.0),
    Goal("licences", "a whole licence / pyHanko signing its ready PDF", "ratio", least=0.5),
    Goal("licences", "two processes / one", "scale", least=1.5),
    Goal("licences", "check of one licence / one indexed select", "check_ratio", most=2.0),
    Goal(
        "effect",
        "commit to the department's database, p99 / bare produce-consume, 50 a second",
        "p50.ratio",
        most=1.5,
    ),
    Goal("effect", "the same, 200 a second", "p200.ratio", most=1.5),
    Goal("effect", "p99 / through Debezium's embedded engine, 50 a second", "p50.of_debezium", most=1.0),
    Goal("effect", "the same, 200 a second", "p200.of_debezium", most=1.0),
    Goal("window", "finding on the broker -> clerk's browser, p99 in ms", "p99", most=1000.0),
    Goal("pushes", "lists, search and state change, many pushes / 100,000 (the worst)", "worst", most=2.0),
    Goal(
        "mapping",
        "30 fields mapped and validated / 20,000 a second or half the bare CEL library",
        "of_wanted",
        least=1.0,
    ),
    Goal("sql_adapter", "SQL adapter out / bare batched insert, PostgreSQL", "postgresql.ratio", least=0.6),
    Goal("sql_adapter", "SQL adapter out / bare batched insert, MariaDB", "mariadb.ratio", least=0.6),
    Goal("host", "percent of a core that each idle connector costs, of 200", "each_percent", most=0.1),
    Goal("lanes", "live p99 while a sheet loads / alone", "ratio", most=5.0),
    Goal("csv", "a CSV collected / csv.DictReader, 1,000,000 rows", "ratio", least=0.5),
    Goal("csv", "peak of memory, 1,000,000 rows / 10,000", "memory", most=1.3),
)


#: The sizes of the goals, where the default is smaller.
FULL: dict[str, dict[str, Any]] = {"lanes": {"rows": 100_000}, "pushes": {"large": 10_000_000}}


def benches() -> list[str]:
    """Every bench_*.py beside this file."""
    return sorted(path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py"))


def run_one(name: str, full: bool) -> dict[str, Any]:
    """One benchmark's result, or its error; and how long it took and how busy the box was before it."""
    load, begun = os.getloadavg()[0], time.monotonic()
    options: dict[str, Any] = FULL.get(name, {}) if full else {}
    try:
        run: Callable[..., dict[str, object]] = importlib.import_module(f"tests.bench.bench_{name}").run
        found: dict[str, Any] = {"result": run(**options)}
    except Exception as error:
        traceback.print_exc()
        found = {"error": f"{type(error).__name__}: {error}"}
    return {**found, "seconds": round(time.monotonic() - begun, 1), "load_before": round(load, 2)}


def table(found: Mapping[str, dict[str, Any]]) -> Table:
    """The figures beside their goals."""
    shown = Table(title="Ratios, each within one run on this machine")
    for heading in ("benchmark", "figure", "measured", "goal", ""):
        shown.add_column(heading)
    for goal in GOALS:
        if goal.bench not in found:
            continue
        if "error" in found[goal.bench]:
            shown.add_row(goal.bench, goal.what, "did not run", goal.wanted, "[red]error[/red]")
            continue
        value = goal.value(found[goal.bench]["result"])
        if value is None:
            shown.add_row(goal.bench, goal.what, "not measured here", goal.wanted, "")
            continue
        verdict = "[green]met[/green]" if goal.met(value) else "[yellow]missed[/yellow]"
        shown.add_row(goal.bench, goal.what, f"{value:g}", goal.wanted, verdict)
    return shown


@click.command()
@click.option(
    "--json", "out", type=click.Path(dir_okay=False, path_type=Path), help="Write all results here."
)
@click.option("--only", multiple=True, type=click.Choice(benches()), help="Only these; may be repeated.")
@click.option(
    "--full", is_flag=True, help="The sizes of the goals where the default is smaller (lanes, pushes)."
)
def main(out: Path | None, only: tuple[str, ...], full: bool) -> None:
    """Run the benchmarks and show their ratios."""
    console = Console()
    found: dict[str, dict[str, Any]] = {}
    for name in only or benches():
        console.print(f"bench_{name} …")
        found[name] = run_one(name, full)
        console.print(found[name])
    console.print(table(found))
    if out:
        machine = {"cpus": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()}
        out.write_bytes(dumps({"machine": machine, "benches": found}))
    sys.exit(1 if any("error" in one for one in found.values()) else 0)


if __name__ == "__main__":
    main()
