"""What the workbench takes at the server for a look-up, with 1,000,000 materials of 200,000 parties on file.

Each figure is the whole request through the whole application in this process - session, rights, rules, template - without
the network and without the browser:
- lookup: the number is posted, then the party's page it leads to (both together: what the clerk waits for);
- name: the same with a name that only one party has; contains: with a piece from the middle of names;
- typing: the question asked while somebody types a name;
- case: the page of a case that was just started, with everything on file matched.
"""

from __future__ import annotations

import random
import re
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url

from admin import AdminConfig, create_app
from admin.accounts import ensure_user, prepare
from hub.identifiers import organisation_check_char, uscc_check_char
from hub.ports import Desk
from storage.identity import IdentityVault
from storage.key_encryption import KeyEncryption
from storage.signing import Signer, generate_private_key
from tests.bench.filled_hub import HYGIENE, PER_PARTY, checkpoint, fill, party_id, publish
from tests.hub.catalogue_builders import HEALTH
from tests.session_parts import Owner

GOAL = 150.0
SAMPLES, WARM_UP = 300, 20
PASSWORD = "only for the benchmark"


def run(*, materials: int = 1_000_000, samples: int = SAMPLES) -> dict[str, object]:
    """Milliseconds of each request. Starts and stops a database of its own."""
    session = Owner(Path(tempfile.mkdtemp(prefix="bench-workbench-")))
    try:
        postgres, template = session.get("postgres"), session.get("template")["database"]
        url = make_url(postgres["role"]).set(database=template)
        engine = create_engine(url)
        version = publish(engine)[HYGIENE]
        parties = materials // PER_PARTY
        fill(engine, 1, parties)
        vault = IdentityVault(bytes(range(32)), KeyEncryption(bytes(range(32))))
        numbers = _numbered(engine, vault, random.Random(7).sample(range(1, parties + 1), 400))
        cases = _prepared(engine, list(numbers), version)
        checkpoint(postgres["admin"])
        app = _app(url.render_as_string(hide_password=False), vault)
        found = _measure(_Clerk(app, numbers, cases, parties), samples)
        app.extensions["shenguan"].live.stop()
        app.extensions["shenguan"].engine.dispose()
        engine.dispose()
    finally:
        session.close()
    return {"milliseconds": found, "lookup_p99": found["lookup"]["p99"], "slowest_p50": _slowest(found)}


def _slowest(found: dict[str, dict[str, float]]) -> float:
    return max(figures["p50"] for figures in found.values())


def _numbered(engine: Engine, vault: IdentityVault, chosen: list[int]) -> dict[int, str]:
    """Real credit codes for some of the parties."""
    numbers = {}
    with engine.begin() as tx:
        for number in chosen:
            body = f"MA{number:06d}"
            first17 = f"91370102{body}{organisation_check_char(body)}"
            numbers[number] = code = first17 + uscc_check_char(first17)
            tx.execute(
                text("UPDATE parties SET code_masked = :code, code_digest = :digest WHERE id = :id"),
                {"code": code, "digest": vault.digest("001", code), "id": party_id(number)},
            )
    return numbers


def _prepared(engine: Engine, chosen: list[int], version: uuid.UUID) -> list[str]:
    """For each of these parties a case that was just started at the health office."""
    rows = [
        {
            "no": f"99010120260918{n:06d}",
            "party": party_id(n),
            "item": HYGIENE,
            "version": version,
            "office": HEALTH,
        }
        for n in chosen
    ]
    with engine.begin() as tx:
        tx.execute(
            text(
                "INSERT INTO cases (case_no, name, item_code, party_id, org_code, org_name, area_code, state, department,"
                " item_version_id, source) VALUES (:no, :no, :item, :party, 'x', 'x', '990101', 'preparing', :office,"
                " :version, 'window')"
            ),
            rows,
        )
    return [str(row["no"]) for row in rows]


def _app(url: str, vault: IdentityVault) -> Flask:
    signer = Signer.from_pem("hub", generate_private_key())
    desk = Desk("990101", "http://hub.invalid", signer, vault, lambda: datetime.now(UTC))
    config = AdminConfig(
        database_url=url, web_secret="only for a benchmark", desk=desk, login_limit="1000 per minute"
    )
    app = create_app(config)
    prepare(app)
    ensure_user(app, "clerk", PASSWORD, role="clerk", name="窗口", department=HEALTH)
    return app


class _Clerk:
    """Asks what is measured; every answer is looked at."""

    def __init__(self, app: Flask, numbers: dict[int, str], cases: list[str], parties: int) -> None:
        self.client: FlaskClient = app.test_client()
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self._get("/login/"))
        assert token
        form = {"username": "clerk", "password": PASSWORD, "csrf_token": token[1]}
        assert self.client.post("/login/", data=form).status_code == 302
        found = re.search(r'name="csrf-token" content="([^"]+)"', self._get("/"))
        assert found
        self.token, self.numbers, self.parties = found[1], numbers, parties
        self.rng = random.Random(11)
        self.cases = cases

    def _get(self, path: str) -> str:
        answer = self.client.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        return answer.get_data(as_text=True)

    def any(self) -> int:
        """One of the parties with a real number."""
        return self.rng.choice(list(self.numbers))

    def find(self, typed: str) -> Any:
        return self.client.post("/workbench/find", data={"q": typed, "csrf_token": self.token})

    def lookup(self) -> None:
        number = self.any()
        assert "示例企业" in self._get(self.find(self.numbers[number]).location)

    def name(self) -> None:
        number = self.rng.randint(self.parties // 2, self.parties)
        answer = self.find(f"示例企业{number}")
        assert answer.status_code in (200, 302)

    def contains(self) -> None:
        answer = self.find(f"企业{self.rng.randint(1, self.parties)}")
        assert answer.status_code in (200, 302)

    def typing(self) -> None:
        answer = self.client.post(
            "/workbench/check",
            json={"q": f"示例企业{self.rng.randint(1, 99)}"},
            headers={"X-CSRFToken": self.token},
        )
        assert answer.get_json()["parties"]

    def case(self) -> None:
        assert 'name="pick"' in self._get(f"/workbench/case/{self.rng.choice(self.cases)}")


def _measure(clerk: _Clerk, samples: int) -> dict[str, dict[str, float]]:
    arms: dict[str, Callable[[], None]] = {
        "lookup": clerk.lookup,
        "name": clerk.name,
        "contains": clerk.contains,
        "typing": clerk.typing,
        "case": clerk.case,
    }
    took: dict[str, list[float]] = {name: [] for name in arms}
    for sample in range(samples + WARM_UP):
        for name, arm in arms.items():
            begun = time.perf_counter()
            arm()
            if sample >= WARM_UP:
                took[name].append(1000 * (time.perf_counter() - begun))
    return {name: _figures(times) for name, times in took.items()}


def _figures(times: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(times, n=100)
    return {"p50": round(cuts[49], 1), "p99": round(cuts[98], 1), "max": round(max(times), 1)}


@click.command()
@click.option("--materials", default=1_000_000, show_default=True)
@click.option("--samples", default=SAMPLES, show_default=True)
def main(materials: int, samples: int) -> None:
    """Print the table."""
    found: Any = run(materials=materials, samples=samples)
    for name, figures in found["milliseconds"].items():
        click.echo(
            f"{name:10} p50 {figures['p50']:.1f} ms   p99 {figures['p99']:.1f} ms   max {figures['max']:.1f} ms"
        )
    click.echo(f"look-up, p99: {found['lookup_p99']} ms (goal <= {GOAL})")


if __name__ == "__main__":
    main()
