"""Deciding beside a bare psycopg script that writes the very same rows: one a commit (live) and many a commit (bulk).

The bare script is handed rows that are ready: no rules, no messages, no signatures, no hashes, no look-ups. Arms are
interleaved in one run; ratios are of medians. Both write to the same database with the same triggers and indexes.

`fanout`: one live decision owed to FANOUT departments beside one owed to a single department, turn by turn.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import psycopg
from psycopg.types.json import Jsonb
from sqlalchemy import Engine, create_engine, insert, select, text
from sqlalchemy.engine import make_url

from hub.case import Case, Decision, Step
from hub.deciding.decide import decide
from hub.department import Department
from hub.exchange.outbox import BULK, LIVE, OutboxRow
from hub.item import ServiceItem
from hub.ledger import LedgerRow
from hub.licensing.licence import Licence
from hub.licensing.living.operation import LicenceOperation
from hub.party import Party
from hub.ports import Desk
from hub.pushing.push import Push
from hub.pushing.rules.add_rule import add_rule
from storage.identity import IdentityVault
from storage.key_encryption import KeyEncryption
from storage.signing import Signer, generate_private_key
from tests.hub.builders import a_case
from tests.session_parts import Owner

TABLES: tuple[Any, ...] = (Party, Case, Step, Decision, Licence, LicenceOperation, Push, LedgerRow, OutboxRow)
GOAL = 0.5
FANOUT, FANOUT_GOAL = 20, 8.0
Rows = dict[str, list[dict[str, Any]]]


def run(*, live: int = 150, bulk: int = 2000, batch: int = 200, repetitions: int = 5) -> dict[str, object]:
    """Decisions a second of each arm, and the ratios. Starts and stops a database of its own."""
    session = Owner(Path(tempfile.mkdtemp(prefix="bench-decide-")))
    try:
        template = session.get("template")["database"]
        url = make_url(session.get("postgres")["role"]).set(database=template)
        engine = create_engine(url)
        _prepare(engine)
        plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
        return {
            "live": _arm(engine, plain, count=live, batch=1, repetitions=repetitions),
            "bulk": _arm(engine, plain, count=bulk, batch=batch, repetitions=repetitions),
            "fanout": _fanout(engine, count=live, repetitions=repetitions),
        }
    finally:
        session.close()


def _prepare(engine: Engine) -> None:
    with engine.begin() as tx:
        for code in ("scjg", "zhzf"):
            tx.execute(insert(Department).values(code=code, name=code, roles=["supervising"]))
            add_rule(tx, code, {code: 3}, actor="user:test")
        tx.execute(insert(ServiceItem).values(code="XK-001", name="食品经营许可"))


def _desk() -> Desk:
    vault = IdentityVault(bytes(range(32)), KeyEncryption(bytes(range(32))))
    signer = Signer.from_pem("hub", generate_private_key())
    return Desk("990101", "http://127.0.0.1:1", signer, vault, lambda: datetime.now(UTC))


def _arm(engine: Engine, plain: str, *, count: int, batch: int, repetitions: int) -> dict[str, float]:
    desk = _desk()
    rates: dict[str, list[float]] = {"bare": [], "decide": []}
    for repetition in range(repetitions + 1):  # the first warms up and is not counted
        cases = [a_case(number + 1) for number in range(count)]
        _empty(engine)

        def ours(cases: list[Any] = cases) -> None:
            for at in range(0, count, batch):
                with engine.begin() as tx:
                    decide(
                        tx,
                        cases[at : at + batch],
                        desk,
                        actor="user:bench",
                        lane=LIVE if batch == 1 else BULK,
                    )

        took = _timed(ours)
        rows = _captured(engine)
        _empty(engine)
        batches = _split(rows, [case.case_no for case in cases], batch)
        bare = _timed(lambda batches=batches: _bare(plain, batches))  # type: ignore[misc]
        if repetition:
            rates["decide"].append(count / took)
            rates["bare"].append(count / bare)
    median = {name: round(statistics.median(values)) for name, values in rates.items()}
    return {**median, "ratio": round(median["decide"] / median["bare"], 2)}


def _fanout(engine: Engine, *, count: int, repetitions: int) -> dict[str, float]:
    """Milliseconds of a live decision owed to one department, and to FANOUT of them by one rule."""
    desk = _desk()
    with engine.begin() as tx:
        tx.execute(
            text("UPDATE push_rules SET state = 'withdrawn', ended_at = now() WHERE state = 'published'")
        )
        named = [f"d{number:02d}" for number in range(FANOUT)]
        for code in named:
            tx.execute(insert(Department).values(code=code, name=code, roles=["supervising"]))
        many = add_rule(tx, "many", dict.fromkeys(named, 3), actor="user:test", item_codes=["XK-001"])
        tx.execute(insert(ServiceItem).values(code="XK-002", name="另一事项"))
        add_rule(tx, "one", {named[0]: 3}, actor="user:test", item_codes=["XK-002"])
    took: dict[str, list[float]] = {"one": [], "many": []}
    for repetition in range(repetitions + 1):  # the first warms up and is not counted
        _empty(engine)
        for number in range(count):
            for at, (name, item) in enumerate((("one", "XK-002"), ("many", "XK-001"))):
                case = a_case(2 * number + at + 1, item_code=item)

                def ours(case: Any = case) -> None:
                    with engine.begin() as tx:
                        decide(tx, [case], desk, actor="user:bench", lane=LIVE)

                spent = _timed(ours)
                if repetition:
                    took[name].append(spent * 1000)
    assert many
    median = {name: round(statistics.median(values), 2) for name, values in took.items()}
    return {**median, "ratio": round(median["many"] / median["one"], 2)}


def _timed(work: Callable[[], None]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _empty(engine: Engine) -> None:
    with engine.begin() as tx:
        tx.execute(text("ALTER TABLE ledger DISABLE TRIGGER USER"))
        names = ", ".join(model.__tablename__ for model in TABLES)
        tx.execute(text(f"TRUNCATE {names}, ledger_unsealed CASCADE"))
        tx.execute(text("ALTER TABLE ledger ENABLE TRIGGER USER"))


def _captured(engine: Engine) -> Rows:
    rows: Rows = {}
    with engine.begin() as tx:
        for model in TABLES:
            found = tx.execute(select(*model.__table__.columns)).all()
            rows[model.__tablename__] = [dict(row._mapping) for row in found]
    return rows


def _split(rows: Rows, case_nos: list[str], batch: int) -> list[Rows]:
    """The same rows, transaction by transaction, as a script would hold them ready."""
    at = {case_no: index // batch for index, case_no in enumerate(case_nos)}
    batches: list[Rows] = [{name: [] for name in rows} for _ in range((len(case_nos) + batch - 1) // batch)]
    for name, listed in rows.items():
        for row in listed:
            ready = {
                column: Jsonb(value) if isinstance(value, dict | list) else value
                for column, value in row.items()
                if value is not None and not (name in ("ledger", "outbox") and column == "id")
            }
            key = row.get("case_no") or row.get("key")
            batches[at[key] if key else 0][name].append(ready)
    return batches


def _bare(plain: str, batches: list[Rows]) -> None:
    with psycopg.connect(plain) as connection, connection.cursor() as cursor:
        for batch in batches:
            for name, rows in batch.items():
                if rows:
                    columns = list(rows[0])
                    marks = ", ".join(["%s"] * len(columns))
                    listed = ", ".join(f'"{column}"' for column in columns)
                    statement = f"INSERT INTO {name} ({listed}) VALUES ({marks}) ON CONFLICT DO NOTHING"
                    values = [[row[column] for column in columns] for row in rows]
                    if len(values) == 1:
                        cursor.execute(statement, values[0])
                    else:
                        cursor.executemany(statement, values)
            connection.commit()


def main() -> None:
    """Print the table."""
    arms = run()
    fanout = arms.pop("fanout")
    assert isinstance(fanout, dict)
    for name, arm in arms.items():
        assert isinstance(arm, dict)
        click.echo(
            f"decide, {name:4}  {arm['decide']:6} /s   bare {arm['bare']:6} /s   ratio {arm['ratio']} (goal {GOAL})"
        )
    click.echo(
        f"decide, to one  {fanout['one']} ms   to {FANOUT}  {fanout['many']} ms   ratio {fanout['ratio']} "
        f"(goal {FANOUT_GOAL})"
    )


if __name__ == "__main__":
    main()
