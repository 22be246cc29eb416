"""The SQL adapter's `deliver` beside a bare insert of the same rows in batches of the same size, interleaved in one run: on
PostgreSQL, and on MariaDB where Debian's package is installed.

The bare arm is what a careful programmer writes: the driver's `executemany` with ready values, one transaction a batch, the
faster of its two ways on PostgreSQL (executemany, and one INSERT of many rows). It converts nothing, checks nothing, and
inserts blindly; ours converts texts into dates and numbers, checks lengths, and brings a row that is there up to date.
Ratios are of medians of rows a second.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import psycopg
import pymysql
from sqlalchemy.engine import make_url

from connectors.adapters import Outside, open_adapter
from connectors.adapters.port import Outgoing
from schemas.connector.document import Endpoint, Flow
from tests.session_parts import Owner

COLUMNS = {
    "project_no": "VARCHAR(50) PRIMARY KEY",
    "project_name": "VARCHAR(1000)",
    "applyer_name": "VARCHAR(100)",
    "applyer_page_code": "VARCHAR(50)",
    "task_name": "VARCHAR(1000)",
    "accept_date": "DATE",
    "result_date": "DATE",
    "result_type": "VARCHAR(2)",
    "document_no": "VARCHAR(64)",
    "fine": "DECIMAL(12,2)",
    "content": "TEXT",
    "status": "INTEGER",
}


def texts(number: int) -> tuple[str, ...]:
    """A row as the mapping makes it: texts."""
    return (
        f"9901012026{number:08d}", f"示范县青禾饮食有限公司申请食品经营许可（{number}）", "示范县青禾饮食有限公司",
        "91370102MA3C00011F", "食品经营许可", "2026-11-18", "2026-11-20", "0", f"示审食许〔2026〕{number}号",
        f"{number % 1000}.50", "准予餐饮服务经营", "1",
    )  # fmt: skip


def ready(number: int) -> tuple[Any, ...]:
    """The same row, as the driver takes it."""
    row = texts(number)
    days = (date.fromisoformat(row[5]), date.fromisoformat(row[6]))
    return (*row[:5], *days, *row[7:9], Decimal(row[9]), row[10], 1)


Arms = dict[str, Callable[[range], None]]


def _arms(execute: Callable[[str, Sequence[Any], bool], None], endpoint: Endpoint, secret: str) -> Arms:
    """Each arm puts these rows into its own table, in one transaction."""
    names = ", ".join(COLUMNS)
    mark = f"({', '.join(['%s'] * len(COLUMNS))})"
    flow = Flow("f", "out", "approval.decided.v1", "own", {"table": "ours", "key_columns": "project_no"})
    adapter = open_adapter(endpoint, flow, Outside(secrets={"password": secret}, loopback_allowed=True))

    def ours(numbers: range) -> None:
        batch = [Outgoing(str(n), "c", dict(zip(COLUMNS, texts(n), strict=True))) for n in numbers]
        assert adapter.deliver(batch) == [None] * len(batch)

    def many(numbers: range) -> None:
        execute(f"INSERT INTO many ({names}) VALUES {mark}", [ready(n) for n in numbers], True)

    def one(numbers: range) -> None:
        values = [value for n in numbers for value in ready(n)]
        execute(f"INSERT INTO one ({names}) VALUES {', '.join([mark] * len(numbers))}", values, False)

    return {"many": many, "one": one, "ours": ours}


def _measure(arms: Arms, *, batch: int, batches: int) -> dict[str, Any]:
    taken: dict[str, list[float]] = {name: [] for name in arms}
    for number in range(batches + 2):  # the first two warm up
        for name, arm in arms.items():
            begun = time.perf_counter()
            arm(range(number * batch, (number + 1) * batch))
            if number > 1:
                taken[name].append(time.perf_counter() - begun)
    rates = {name: batch / statistics.median(times) for name, times in taken.items()}
    bare = max(rates["many"], rates["one"])
    return {**{name: round(rate) for name, rate in rates.items()}, "ratio": round(rates["ours"] / bare, 2)}


def _postgresql(session: Owner, *, batch: int, batches: int) -> dict[str, Any]:
    at = make_url(session.get("postgres")["role"])
    plain = at.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as own:
        kinds = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
        for table in ("ours", "many", "one"):
            own.execute(f"CREATE TABLE {table} ({kinds})")

        def execute(statement: str, values: Sequence[Any], many: bool) -> None:
            with own.transaction(), own.cursor() as cursor:
                (cursor.executemany if many else cursor.execute)(statement, values)

        settings = {
            "dialect": "postgresql", "host": at.host, "port": at.port, "database": at.database, "user": at.username,
        }  # fmt: skip
        arms = _arms(execute, Endpoint("own", "sql", settings), str(at.password))
        return _measure(arms, batch=batch, batches=batches)


def _mariadb(session: Owner, *, batch: int, batches: int) -> dict[str, Any]:
    at = session.get("mariadb")
    own = pymysql.connect(
        host=at["host"], port=int(at["port"]), user="admin", password=at["password"], charset="utf8mb4"
    )
    with own, own.cursor() as cursor:
        cursor.execute("CREATE DATABASE bench CHARACTER SET utf8mb4")
        cursor.execute("USE bench")
        kinds = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
        for table in ("ours", "many", "one"):
            cursor.execute(f"CREATE TABLE {table} ({kinds})")

        def execute(statement: str, values: Sequence[Any], many: bool) -> None:
            (cursor.executemany if many else cursor.execute)(statement, values)
            own.commit()

        settings = {
            "dialect": "mysql", "host": at["host"], "port": int(at["port"]), "database": "bench", "user": "admin",
        }  # fmt: skip
        arms = _arms(execute, Endpoint("own", "sql", settings), at["password"])
        return _measure(arms, batch=batch, batches=batches)


def run(*, batch: int = 200, batches: int = 40) -> dict[str, object]:
    """Rows a second and ratios. Starts and stops servers of its own."""
    session = Owner(Path(tempfile.mkdtemp(prefix="bench-sql-")))
    try:
        found: dict[str, object] = {"postgresql": _postgresql(session, batch=batch, batches=batches)}
        if shutil.which("mariadbd", path="/usr/sbin:/usr/bin:/usr/local/sbin"):
            found["mariadb"] = _mariadb(session, batch=batch, batches=batches)
        return found
    finally:
        session.close()


@click.command()
@click.option("--batch", default=200, show_default=True)
@click.option("--batches", default=40, show_default=True)
def main(batch: int, batches: int) -> None:
    """Run it alone."""
    for name, found in run(batch=batch, batches=batches).items():
        click.echo(f"{name}: {found}")


if __name__ == "__main__":
    main()
