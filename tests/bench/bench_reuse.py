"""Matching one case against everything on file, beside one primary-key select, and beside itself at a tenth of the size.

Two databases on one server, 100,000 materials of 20,000 parties and 1,000,000 of 200,000. What the arms do, each on a
connection of its own database, in turn, for a random party each time:
- match: hub.reuse.match.match for a case that was just started, as the workbench asks it: an item with five requirements,
  a licence stands in for one of them; another department than the one that took the materials, so that grants are
  judged; the answer is the list of requirements with their candidates. At both sizes.
- select: SQLAlchemy core, the whole row of one material by its primary key: `select(Material.__table__).where(id = ...)`.
- psycopg: the same row by plain psycopg, prepared; shown, not judged.
"""

from __future__ import annotations

import random
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import click
import psycopg
from sqlalchemy import URL, Connection, create_engine, select
from sqlalchemy.engine import make_url

from hub.material import Material
from hub.reuse.match import Question, match
from tests.bench.filled_hub import HYGIENE, ON, PER_PARTY, checkpoint, fill, material_id, party_id, publish
from tests.hub.catalogue_builders import HEALTH
from tests.session_parts import Owner

GOAL, GROWTH = 3.0, 1.5
SAMPLES, WARM_UP = 4000, 300


def run(*, small: int = 100_000, large: int = 1_000_000, samples: int = SAMPLES) -> dict[str, object]:
    """Milliseconds of each arm, and the ratios. Starts and stops a database of its own."""
    session = Owner(Path(tempfile.mkdtemp(prefix="bench-reuse-")))
    try:
        postgres, template = session.get("postgres"), session.get("template")["database"]
        engines, versions = {}, {}
        for size, materials in (("small", small), ("large", large)):
            engines[size] = create_engine(_database(postgres["role"], template, size))
            versions[size] = publish(engines[size])[HYGIENE]
            fill(engines[size], 1, materials // PER_PARTY)
        checkpoint(postgres["admin"])
        parties = {"small": small // PER_PARTY, "large": large // PER_PARTY}
        with engines["small"].connect() as few, engines["large"].connect() as many:
            arms = _arms({"small": few, "large": many}, versions, parties)
            found = _measure(arms, samples)
        for engine in engines.values():
            engine.dispose()
    finally:
        session.close()
    return {
        "milliseconds": found,
        "ratio": _ratio(found, "match", "select", "p99"),
        "ratio_of_medians": _ratio(found, "match", "select", "p50"),
        "growth": _ratio(found, "match", "match_small", "p99"),
        "growth_of_medians": _ratio(found, "match", "match_small", "p50"),
    }


def _ratio(found: Mapping[str, Mapping[str, float]], ours: str, theirs: str, of: str) -> float:
    return round(found[ours][of] / found[theirs][of], 2)


def _database(role: str, template: str, name: str) -> URL:
    url = make_url(role)
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE reuse_{name} TEMPLATE {template}")
    return url.set(database=f"reuse_{name}")


def _measure(arms: Mapping[str, Callable[[], Any]], samples: int) -> dict[str, dict[str, float]]:
    took: dict[str, list[float]] = {name: [] for name in arms}
    for sample in range(samples + WARM_UP):
        for name, arm in arms.items():
            begun = time.perf_counter()
            arm()
            ended = time.perf_counter()
            if sample >= WARM_UP:
                took[name].append(1000 * (ended - begun))
    return {name: _figures(times) for name, times in took.items()}


def _arms(
    connections: Mapping[str, Connection], versions: Mapping[str, Any], parties: Mapping[str, int]
) -> dict[str, Callable[[], Any]]:
    table, rng = Material.__table__, random.Random(7)
    driver: Any = connections["large"].connection.driver_connection
    cursor = driver.cursor()

    def number(size: str) -> int:
        return rng.randint(1, parties[size])

    def matched(size: str) -> None:
        party = number(size)
        question = Question(party_id(party), versions[size], HEALTH, ON, f"99010120260918{party:06d}")
        answers = match(connections[size], question)
        assert answers[0].candidates, party

    def one() -> uuid.UUID:
        return material_id(number("large"), rng.randint(1, PER_PARTY))

    def selected() -> None:
        assert connections["large"].execute(select(table).where(table.c.id == one())).one()

    def bare() -> None:
        assert cursor.execute("SELECT * FROM materials WHERE id = %s", (one(),), prepare=True).fetchone()

    return {
        "match": partial(matched, "large"),
        "select": selected,
        "match_small": partial(matched, "small"),
        "psycopg": bare,
    }


def _figures(times: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(times, n=100)
    return {"p50": round(cuts[49], 3), "p99": round(cuts[98], 3), "max": round(max(times), 3)}


def main() -> None:
    """Print the table."""
    found: Any = run()
    for name, figures in found["milliseconds"].items():
        click.echo(f"{name:12} p50 {figures['p50']:.3f} ms   p99 {figures['p99']:.3f} ms")
    click.echo(f"match / select, p99: {found['ratio']} (goal <= {GOAL}), p50: {found['ratio_of_medians']}")
    click.echo(f"large / small, p99: {found['growth']} (goal <= {GROWTH}), p50: {found['growth_of_medians']}")


if __name__ == "__main__":
    main()
