"""Matching one case against everything on file beside one primary-key select, at 100,000 and at 1,000,000 materials.

What the arms do, each on the same connection, in turn, for a random party each time:
- match: hub.reuse.match.match for a case that is being prepared, as the workbench asks it: item with five requirements, a
  licence stands in for one of them; another department than the one that took the materials, so grants are judged; the
  answer is the list of requirements with their candidates.
- select: SQLAlchemy core, the whole row of one material by its primary key: `select(Material.__table__).where(id = ...)`.
- psycopg: the same row by plain psycopg, prepared; shown, not judged.
"""

from __future__ import annotations

import gc
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection, Engine, create_engine, select
from sqlalchemy.engine import make_url

from hub.material import Material
from hub.reuse.match import Question, match
from tests.bench.filled_hub import HYGIENE, ON, PER_PARTY, fill, material_id, party_id, publish
from tests.hub.catalogue_builders import HEALTH
from tests.session_parts import Owner

GOAL, GROWTH = 3.0, 1.5
SAMPLES, WARM_UP = 4000, 300


def run(*, small: int = 100_000, large: int = 1_000_000) -> dict[str, object]:
    """Milliseconds of each arm at both sizes, and the ratios. Starts and stops a database of its own."""
    session = Owner(Path(tempfile.mkdtemp(prefix="bench-reuse-")))
    try:
        template = session.get("template")["database"]
        engine = create_engine(make_url(session.get("postgres")["role"]).set(database=template))
        version = publish(engine)[HYGIENE]
        fill(engine, 1, small // PER_PARTY)
        first = _measure(engine, version, small // PER_PARTY)
        fill(engine, small // PER_PARTY + 1, large // PER_PARTY)
        second = _measure(engine, version, large // PER_PARTY)
        engine.dispose()
        return {
            "small": first,
            "large": second,
            "ratio": round(second["match"]["p99"] / second["select"]["p99"], 2),
            "ratio_of_medians": round(second["match"]["p50"] / second["select"]["p50"], 2),
            "growth": round(second["match"]["p99"] / first["match"]["p99"], 2),
            "growth_of_medians": round(second["match"]["p50"] / first["match"]["p50"], 2),
        }
    finally:
        session.close()


def _measure(engine: Engine, version: Any, parties: int) -> dict[str, dict[str, float]]:
    rng = random.Random(7)
    took: dict[str, list[float]] = {"match": [], "select": [], "psycopg": []}
    with engine.connect() as tx:
        arms = _arms(tx, version)
        for sample in range(SAMPLES + WARM_UP):
            for name, arm in arms.items():
                number, place = rng.randint(1, parties), rng.randint(1, PER_PARTY)
                begun = time.perf_counter()
                arm(number, place)
                ended = time.perf_counter()
                if sample >= WARM_UP:
                    took[name].append(1000 * (ended - begun))
            if sample % 500 == 0:
                gc.collect()
    return {name: _figures(times) for name, times in took.items()}


def _arms(tx: Connection, version: Any) -> dict[str, Callable[[int, int], Any]]:
    table = Material.__table__
    driver: Any = tx.connection.driver_connection
    cursor = driver.cursor()
    plain = "SELECT * FROM materials WHERE id = %s"

    def matched(number: int, place: int) -> None:
        question = Question(party_id(number), version, HEALTH, ON, f"99010120260918{number:06d}")
        answers = match(tx, question)
        assert answers[0].candidates, number

    def selected(number: int, place: int) -> None:
        assert tx.execute(select(table).where(table.c.id == material_id(number, place))).one()

    def bare(number: int, place: int) -> None:
        assert cursor.execute(plain, (material_id(number, place),), prepare=True).fetchone()

    return {"match": matched, "select": selected, "psycopg": bare}


def _figures(times: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(times, n=100)
    return {"p50": round(cuts[49], 3), "p99": round(cuts[98], 3), "max": round(max(times), 3)}


def main() -> None:
    """Print the table."""
    found: Any = run()
    for size in ("small", "large"):
        for name, figures in found[size].items():
            click.echo(f"{size:6} {name:8} p50 {figures['p50']:.3f} ms   p99 {figures['p99']:.3f} ms")
    click.echo(f"match / select, p99: {found['ratio']} (goal <= {GOAL}), p50: {found['ratio_of_medians']}")
    click.echo(
        f"1,000,000 / 100,000, p99: {found['growth']} (goal <= {GROWTH}), p50: {found['growth_of_medians']}"
    )


if __name__ == "__main__":
    main()
