"""The pages of pushes and one change of state, with ten million pushes in the tables and with a hundred thousand.

Two databases on one server. Each decision is owed to seven departments; of each hundred decisions one is new (nothing
signed), the others are further on; some are returned, overdue, or corrected and not signed for. What the arms do, at both
sizes in turn:
- list, filtered, undelivered, overdue, revision: a page of the list of pushes as the admin opens it, with its bounded count;
- by_number, by_name: the same, searched for a whole case number, and for a part of a party's name;
- decisions: a page of "5 of 7 signed"; d_unsigned ... d_corrected: the same of those that need somebody;
- d_own: the same as a department sees it, of what was pushed to it;
- home: the figures of a supervisor's home page;
- change: hub.pushing.move on one push, committed, its state changing each time.
"""

from __future__ import annotations

import random
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import click
import psycopg
from flask import Flask
from flask_babel import Babel
from sqlalchemy import URL, Connection, Engine, create_engine, text
from sqlalchemy.engine import make_url

from admin import listing
from admin.home import overseer_charts, overseer_tiles
from admin.pushing.decision_list import pushed_to
from admin.pushing.decision_pages import DecisionView
from admin.pushing.push_pages import PushView
from hub.pushing.move import Act, move_pushes
from tests.bench.filled_hub import checkpoint, settle
from tests.session_parts import Owner

GOAL = 2.0
EACH = 7  # departments of a decision
SAMPLES, WARM_UP = 60, 5
_UUID = "lpad(to_hex({n}), 32, '0')::uuid"
_CASE = "'99010120260101' || lpad(n::text, 12, '0')"
#: One decision a minute, until four days ago: at both sizes the last fourteen days hold the same.
_AT = "(now() - interval '4 days' - ({cases} - {n}) * interval '1 minute')"

_FILL = (
    """INSERT INTO departments (code, name, roles)
    SELECT 'd' || n, '示例部门' || n, '{{supervising}}' FROM generate_series(1, 7) n""",
    """INSERT INTO service_items (code, name, aliases)
    SELECT 'I-' || n, '示例事项' || n, '{{}}' FROM generate_series(1, 400) n""",
    f"""INSERT INTO parties (id, kind, name, code_type, code_masked, code_digest)
    SELECT {_UUID}, 'legal', chr(19968 + n % 2000) || chr(20000 + n % 1999) || chr(21000 + n / 2000) || '示例店' || n, '001',
      lpad(n::text, 18, '0'), sha256(n::text::bytea) FROM generate_series(1, {{parties}}) n""",
    f"""INSERT INTO cases (case_no, name, item_code, party_id, org_code, org_name, area_code, source, created_at)
    SELECT {_CASE}, '许可' || n, 'I-' || n % 400 + 1, lpad(to_hex(n % {{parties}} + 1), 32, '0')::uuid,
      '11370100MB00000194', '示范县行政审批服务局', '990101', 'sheet', {_AT}
    FROM generate_series(1, {{cases}}) n""",
    f"""INSERT INTO decisions (id, case_no, org_code, document_no, document_name, decided_on, result_type, explanation,
      elements, content_hash, decided_by)
    SELECT {_UUID}, {_CASE}, '11370100MB00000194', '示许' || n || '号', '准予决定书', '2026-01-05', '0', '准予', '{{{{}}}}',
      sha256(n::text::bytea), '示范县行政审批服务局' FROM generate_series(1, {{cases}}) n""",
    f"""INSERT INTO pushes (id, decision_id, case_no, department, event_id, package_sha256, state, created_at, listed_at,
      arrived_at, signed_at, claimed_at, returned_at, next_due_at, sign_by, overdue, unsigned_revision)
    SELECT lpad(to_hex(m), 32, '0')::uuid, lpad(to_hex(n), 32, '0')::uuid, '99010120260101' || lpad(n::text, 12, '0'),
      'd' || m % 7 + 1, lpad(to_hex(m), 32, '0')::uuid, sha256(m::text::bytea), state, at, at,
      CASE WHEN state <> 'owed' THEN at + interval '1 second' END,
      CASE WHEN state <> 'owed' THEN at + interval '2 seconds' END,
      CASE WHEN state IN ('claimed', 'closed') THEN at + interval '1 hour' END,
      CASE WHEN state = 'returned' THEN at + interval '1 hour' END,
      CASE WHEN state IN ('owed', 'signed') THEN at + interval '900 days' END, at + interval '3 days',
      m % 600 = 1, m % 3000 = 1
    FROM (SELECT m, n, {_AT} AS at,
      CASE WHEN (m - 1) / 7 % 100 = 0 THEN 'owed' WHEN m % 997 = 1 THEN 'returned' WHEN m % 10 = 0 THEN 'signed'
        WHEN m % 3 = 0 THEN 'claimed' ELSE 'closed' END AS state
      FROM (SELECT m, (m - 1) / 7 + 1 AS n FROM generate_series(1, {{pushes}}) m) x) y""",
    """INSERT INTO push_overdues (push_id, what, department, due_at, noticed_at, ended_at)
    SELECT lpad(to_hex(m), 32, '0')::uuid, 'sign', 'd' || m % 7 + 1, timestamptz '2024-02-01', timestamptz '2024-02-01',
      CASE WHEN m % 600 <> 1 THEN timestamptz '2024-02-02' END FROM generate_series(1, {pushes}, 200) m""",
    """INSERT INTO announcements (event_id, kind, department, key, case_no, push_id, revision, message_sha256, signed_at)
    SELECT lpad(to_hex(m), 32, '0')::uuid, 'approval.corrected.v1', 'd' || m % 7 + 1,
      '99010120260101' || lpad(((m - 1) / 7 + 1)::text, 12, '0'), '99010120260101' || lpad(((m - 1) / 7 + 1)::text, 12, '0'),
      lpad(to_hex(m), 32, '0')::uuid, 2, sha256(m::text::bytea), CASE WHEN m % 3000 <> 1 THEN now() END
    FROM generate_series(1, {pushes}, 300) m""",
    f"""INSERT INTO decision_revisions (decision_id, revision, kind, reason, before, after, actor, case_no, listed_at)
    SELECT {_UUID}, 2, 'corrected', '更正', '{{{{}}}}', '{{{{}}}}', 'user:bench', {_CASE}, {_AT}
    FROM generate_series(1, {{cases}}, 100) n""",
    f"""INSERT INTO findings (id, department, finding_no, case_no, push_id, happened_at, inspectors, check_result, handling,
      effect, effect_applied, kid, envelope_sha256, received_at)
    SELECT {_UUID}, 'd' || m % 7 + 1, 'F' || n, {_CASE}, lpad(to_hex(m), 32, '0')::uuid, {_AT}, '{{{{}}}}',
      (n % 3 + 1)::text, '1', 'none', false, 'k', sha256(n::text::bytea), {_AT}
    FROM (SELECT n, (n - 1) * 7 + n % 7 + 1 AS m FROM generate_series(1, {{cases}}) n) x""",
)  # fmt: skip


def run(*, small: int = 100_000, large: int = 1_000_000, samples: int = SAMPLES) -> dict[str, object]:
    """Milliseconds of each arm at both sizes, and how much the larger one costs. Starts and stops a database of its own."""
    session = Owner(Path(tempfile.mkdtemp(prefix="bench-pushes-")))
    try:
        postgres, template = session.get("postgres"), session.get("template")["database"]
        engines = {}
        for name, pushes in (("small", small), ("large", large)):
            engines[name] = create_engine(_database(postgres["role"], template, name))
            _fill(make_url(postgres["admin"]).set(database=engines[name].url.database), pushes)
            settle(engines[name])
        checkpoint(postgres["admin"])
        sizes = {"small": small, "large": large}
        with engines["small"].connect() as few, engines["large"].connect() as many:
            found = _measure(_arms({"small": few, "large": many}, engines, sizes), samples)
        for engine in engines.values():
            engine.dispose()
    finally:
        session.close()
    growth = {
        name: round(figures["large"]["p50"] / figures["small"]["p50"], 2) for name, figures in found.items()
    }
    return {"pushes": large, "milliseconds": found, "growth": growth, "worst": max(growth.values())}


def _database(role: str, template: str, name: str) -> URL:
    url = make_url(role)
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE pushes_{name} TEMPLATE {template}")
    return url.set(database=f"pushes_{name}")


def _fill(url: URL, pushes: int) -> None:
    """As the server's own user: foreign keys are not asked row by row, and the list's indexes are made at the end."""
    engine = create_engine(url)
    cases = -(-pushes // EACH)
    with engine.begin() as tx:
        indexes = tx.execute(
            text(
                "SELECT i.indexname, i.indexdef FROM pg_indexes i WHERE i.tablename = ANY(ARRAY['pushes', 'parties'])"
                " AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conname = i.indexname)"
            )
        ).all()
        for index in indexes:
            tx.execute(text(f"DROP INDEX {index.indexname}"))
        tx.execute(text("SET LOCAL session_replication_role = replica"))
        tx.execute(text("SET LOCAL maintenance_work_mem = '512MB'"))
        for statement in _FILL:
            of = statement.format(pushes=pushes, cases=cases, parties=max(1, cases // 3), n="n")
            tx.execute(text(of.replace(":", r"\:")))
        for index in indexes:
            tx.execute(text(index.indexdef))
    engine.dispose()


def _arms(
    connections: Mapping[str, Connection], engines: Mapping[str, Engine], sizes: Mapping[str, int]
) -> dict[str, dict[str, Callable[[], Any]]]:
    app = Flask("bench")
    Babel(app)
    for endpoint in ("PushView.list", "FindingView.list"):
        app.add_url_rule(f"/{endpoint}", endpoint)
    rng = random.Random(7)
    clock = {"at": datetime.now(UTC) - timedelta(days=1)}

    def case_no(size: str) -> str:
        return f"99010120260101{rng.randint(1, sizes[size] // EACH):012d}"

    def name(size: str) -> str:
        n = rng.randint(1, sizes[size] // EACH // 3)
        return f"{chr(20000 + n % 1999)}{chr(21000 + n // 2000)}示例"

    def page(size: str, view: Any, query: Callable[[str], str], *confined: Any) -> None:
        with app.test_request_context(f"/?{query(size)}"):
            found = listing.open_page(connections[size], view.listing, *confined)
        connections[size].rollback()
        assert found.rows, query(size)

    def home(size: str) -> None:
        tx = connections[size]
        with app.test_request_context("/"):
            overseer_tiles(tx, (), ())
            found = overseer_charts(tx, (), ())
        tx.rollback()
        assert found["rates"]
        assert sum(found["days"]["pushed"])

    def change(size: str) -> None:
        # Of every hundred decisions one is new; any other push can be supervised and answered in turn.
        number = rng.randint(8, sizes[size] - 8)
        number += EACH if (number - 1) // EACH % 100 == 0 else 0
        for act in ("supervised", "answered"):
            clock["at"] += timedelta(milliseconds=1)
            with engines[size].begin() as tx:
                acts = [Act(uuid.UUID(int=number), act, clock["at"])]
                assert move_pushes(tx, acts, datetime.now(UTC)) != []

    queries: dict[str, tuple[Any, Callable[[str], str]]] = {
        "list": (PushView, lambda _: ""),
        "filtered": (PushView, lambda _: f"state=returned&department=d{rng.randint(1, 7)}"),
        "undelivered": (PushView, lambda _: "attention=undelivered"),
        "overdue": (PushView, lambda _: "attention=overdue"),
        "revision": (PushView, lambda _: "attention=revision"),
        "by_number": (PushView, lambda size: f"q={case_no(size)}"),
        "by_name": (PushView, lambda size: f"q={name(size)}"),
        "decisions": (DecisionView, lambda _: ""),
    }
    for attention in ("unsigned", "returned", "overdue", "revision", "corrected"):
        queries[f"d_{attention}"] = (DecisionView, partial(_attention, attention))
    arms: dict[str, dict[str, Callable[[], Any]]] = {
        arm: {size: partial(page, size, view, query) for size in sizes}
        for arm, (view, query) in queries.items()
    }
    arms["d_own"] = {size: partial(page, size, DecisionView, lambda _: "", pushed_to("d1")) for size in sizes}
    arms["home"] = {size: partial(home, size) for size in sizes}
    arms["change"] = {size: partial(change, size) for size in sizes}
    return arms


def _attention(what: str, size: str) -> str:
    del size
    return f"attention={what}"


def _measure(
    arms: Mapping[str, Mapping[str, Callable[[], Any]]], samples: int
) -> dict[str, dict[str, dict[str, float]]]:
    took: dict[str, dict[str, list[float]]] = {
        arm: {size: [] for size in sizes} for arm, sizes in arms.items()
    }
    for sample in range(samples + WARM_UP):
        for arm, sizes in arms.items():
            for size, do in sizes.items():
                begun = time.perf_counter()
                do()
                ended = time.perf_counter()
                if sample >= WARM_UP:
                    took[arm][size].append(1000 * (ended - begun))
    return {
        arm: {
            size: {
                "p50": round(statistics.median(times), 3),
                "p95": round(sorted(times)[int(0.95 * len(times)) - 1], 3),
            }
            for size, times in sizes.items()
        }
        for arm, sizes in took.items()
    }


@click.command()
@click.option("--size", default=10_000_000, show_default=True, help="Pushes in the larger database.")
@click.option("--samples", default=SAMPLES, show_default=True)
def main(size: int, samples: int) -> None:
    """Print the table."""
    found: Any = run(large=size, samples=samples)
    for name, sizes in found["milliseconds"].items():
        click.echo(
            f"{name:12} 100,000: {sizes['small']['p50']:8.3f} ms   {size:,}: {sizes['large']['p50']:8.3f} ms   "
            f"x {found['growth'][name]}"
        )
    click.echo(f"worst: {found['worst']} (goal <= {GOAL})")


if __name__ == "__main__":
    main()
