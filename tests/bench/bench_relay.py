"""How fast the relay empties a backlog, as a ratio to a bare loop over the same rows; and what bulk does to live latency.

Interleaved arms, median of the repetitions; the broker keeps everything in memory (named in the result). The relay does
sharding, order per key, two lanes, parking and marking; the bare loop only select, produce, mark.
"""

from __future__ import annotations

import secrets
import statistics
import tempfile
from pathlib import Path

import click
import psycopg
from sqlalchemy.engine import make_url

from connectors.bus import BusSettings, ensure_topics
from tests.bench.drain_arms import bare, fill, ours
from tests.session_parts import Owner

TARGET = 0.8


def run(
    *, rows: int = 30_000, size: int = 1024, repetitions: int = 5, departments: int = 3
) -> dict[str, object]:
    """Median rates and their ratio. Starts and stops servers of its own."""
    servers = Owner(Path(tempfile.mkdtemp(prefix="bench-relay-")))
    try:
        url = _database(servers)
        bus = BusSettings(servers.get("broker")["bootstrap"], fetch_max_wait_ms=10, partitions=3)
        topics = [f"99{secrets.token_hex(4)}.d{number}.in" for number in range(departments)]
        ensure_topics(bus, topics)
        wall: dict[str, list[float]] = {"bare": [], "relay": []}
        cpu: dict[str, list[float]] = {"bare": [], "relay": []}
        for repetition in range(repetitions + 1):  # the first warms up
            arms = {"bare": bare, "relay": ours}
            for name in sorted(arms, reverse=bool(repetition % 2)):
                fill(url, topics, count=rows, size=size)
                seconds, busy = arms[name](url, bus, rows)
                if repetition:
                    wall[name].append(rows / seconds)
                    cpu[name].append(busy / rows * 1e6)
        rate = {name: round(statistics.median(found)) for name, found in wall.items()}
        ratios = [mine / theirs for mine, theirs in zip(wall["relay"], wall["bare"], strict=True)]
        return {
            "broker": "tansu memory://",
            "rows": rows,
            "size": size,
            "rows_per_second": rate,
            "cpu_us_per_row": {name: round(statistics.median(found), 1) for name, found in cpu.items()},
            "ratio": round(rate["relay"] / rate["bare"], 2),
            "ratio_pairs": [round(one, 2) for one in ratios],
        }
    finally:
        servers.close()


def _database(servers: Owner) -> str:
    template = servers.get("template")["database"]
    role = make_url(servers.get("postgres")["role"])
    name = f"bench_{secrets.token_hex(4)}"
    with psycopg.connect(
        role.set(drivername="postgresql").render_as_string(hide_password=False), autocommit=True
    ) as c:
        c.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    return role.set(database=name).render_as_string(hide_password=False)


@click.command()
@click.option("--rows", default=30_000)
@click.option("--repetitions", default=5)
def main(rows: int, repetitions: int) -> None:
    """Print the table."""
    found = run(rows=rows, repetitions=repetitions)
    click.echo(f"{found['rows']} rows of {found['size']} bytes, broker {found['broker']}")
    click.echo(f"rows/s {found['rows_per_second']}   CPU µs/row {found['cpu_us_per_row']}")
    click.echo(f"relay / bare loop {found['ratio']}   (goal {TARGET}; pairs {found['ratio_pairs']})")


if __name__ == "__main__":
    main()
