"""Joining over REST as a department does it: enrolment with a code, renewal, its connector's document and its report."""

from __future__ import annotations

import json
import stat
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text

from connectors.department.config import read_config, validate_config
from connectors.department.enrol import enrol, renew
from connectors.department.program import run_configured
from connectors.department.renewal import Renewal
from connectors.errors import ConnectorError, Misconfigured
from hub.connecting.connector import ConnectorHealth, ConnectorMeasure, ConnectorRefusal, ConnectorUnmapped
from hub.connecting.draft_connector import make_connector, save_draft
from hub.connecting.enrol import make_enrolment_code
from hub.connecting.publish_version import publish_version
from hub.connecting.settle_refusals import settle_refusals
from hub.connecting.turn_connector import go_live, pause
from hub.department import DepartmentKey
from hub.pushing.push import Push
from storage.possession import ENROL, proof_of
from storage.signing import generate_private_key, public_pem
from tests.admin.conftest import Hub
from tests.admin.test_department_rest import API, Outsider, decided
from tests.connectors.waiting import running, until
from tests.hub.connecting.conftest import ACTOR, document, published

pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
CODE = "scjg-db"


@pytest.fixture(scope="module")
def connector(hub: Hub) -> str:
    with hub.engine.begin() as tx:
        published(tx, hub.desk, CODE)
    return CODE


@pytest.fixture(scope="module")
def joined(
    hub: Hub, address: str, connector: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Outsider]:
    """scjg, enrolled by the command's own code, its connector live at the department."""
    folder = tmp_path_factory.mktemp("scjg")
    done = enrol(address, a_code(hub), folder, department="scjg")
    with hub.engine.begin() as tx:
        go_live(tx, hub.desk, connector, version=1, runs_at="department", actor=ACTOR)
    assert done.settings is not None
    made = Outsider(address, (folder / "key.pem").read_bytes(), done.kid)
    yield made
    made.http.close()


def a_code(hub: Hub, connector: str | None = CODE) -> str:
    with hub.engine.begin() as tx:
        return make_enrolment_code(tx, hub.desk, department="scjg", connector=connector, actor=ACTOR)


def test_a_department_enrols_with_one_command(hub: Hub, address: str, connector: str, tmp_path: Path) -> None:
    """Key, certificate and a settings file without fault lie there, for their owner only; again nothing is overwritten."""
    code = a_code(hub)
    done = enrol(address, code, tmp_path / "dept")

    assert done.settings is not None
    assert validate_config(done.settings) == []
    config = read_config(done.settings)
    assert (config.code, config.area, config.hub_address) == ("scjg", "990101", address)
    said = tomllib.loads(done.settings.read_text())
    assert (said["code"], said["flows"][0]["message"]) == (connector, "approval.decided.v1")
    assert {stat.S_IMODE(one.stat().st_mode) for one in (tmp_path / "dept").iterdir()} == {0o600}
    assert (tmp_path / "dept" / "certificate.pem").read_text().startswith("-----BEGIN CERTIFICATE")
    with hub.engine.connect() as tx:
        row = tx.execute(
            select(DepartmentKey.department, DepartmentKey.certificate).where(DepartmentKey.kid == done.kid)
        ).one()
    assert row.department == "scjg"
    with pytest.raises(Misconfigured, match="不会覆盖"):
        enrol(address, code, tmp_path / "dept")
    with pytest.raises(ConnectorError, match="已经用过"):
        enrol(address, code, tmp_path / "other")


def test_an_attempt_that_broke_off_goes_on(hub: Hub, address: str, connector: str, tmp_path: Path) -> None:
    """The hub registered the key and the answer got lost: the same command ends it, with the same key."""
    code = a_code(hub)
    first = enrol(address, code, tmp_path)
    assert first.settings is not None
    first.settings.unlink()

    assert enrol(address, code, tmp_path).kid == first.kid


def test_a_key_that_is_not_held_is_not_registered(hub: Hub, address: str, connector: str) -> None:
    """A proof by another key, a private key, no code: each refused, and the code is still good."""
    mine, other = generate_private_key(), generate_private_key()
    code = a_code(hub)
    body = {"code": code, "public_key": public_pem(mine), "proof": proof_of(other, ENROL, code)}
    for changes, status in (
        ({}, 401),
        ({"proof": "x"}, 401),
        ({"public_key": mine.decode()}, 422),
        ({"public_key": "nonsense"}, 422),
        ({"proof": ""}, 422),
        ({"code": "AAAAA"}, 422),
        ({"department": "zhzf", "proof": proof_of(mine, ENROL, code)}, 422),
    ):
        answer = httpx.post(f"{address}{API}/enrol", json=body | changes)
        assert (answer.status_code, bool(answer.json()["message"])) == (status, True), changes
    right = httpx.post(f"{address}{API}/enrol", json=body | {"proof": proof_of(mine, ENROL, code)})
    assert right.status_code == 201
    assert right.headers["Cache-Control"] == "no-store"


def test_a_key_is_renewed_by_itself(hub: Hub, address: str, connector: str, tmp_path: Path) -> None:
    """The same key gets a further year; a new one takes its file and is known to the hub; the old one stays beside it."""
    done = enrol(address, a_code(hub), tmp_path)
    assert done.settings is not None
    config = read_config(done.settings)

    assert renew(config).kid == done.kid
    changed = renew(config, new_key=True)
    assert changed.kid != done.kid
    assert read_config(done.settings).signer().kid == changed.kid
    assert (tmp_path / "key.old").exists()
    with hub.engine.connect() as tx:
        ends = dict(tx.execute(select(DepartmentKey.kid, DepartmentKey.valid_to)).all())
    assert ends[done.kid] < ends[changed.kid]


def test_a_certificate_is_renewed_in_time(hub: Hub, address: str, connector: str, tmp_path: Path) -> None:
    """A month before its end the program renews it by itself, sooner it does not; a hub that is away is no failure."""
    done = enrol(address, a_code(hub), tmp_path)
    assert done.settings is not None
    config, first = read_config(done.settings), (tmp_path / "certificate.pem").read_text()

    def in_days(days: int) -> Renewal:
        return Renewal(config, lambda: datetime.now(UTC) + timedelta(days=days))

    in_days(300).look()
    assert (tmp_path / "certificate.pem").read_text() == first
    away = in_days(340)
    away._config = replace(config, public_url="http://127.0.0.1:1")
    away.look()
    assert (tmp_path / "certificate.pem").read_text() == first
    late = in_days(340)
    late.look()
    assert (tmp_path / "certificate.pem").read_text() != first
    assert late.until is not None


def test_the_document_is_read_while_it_changes(hub: Hub, joined: Outsider) -> None:
    """Once whole, then 304 until something was asked of the connector; nobody without a token reads it."""
    first = joined.ask("GET", "/connector")
    assert first.status_code == 200, first.text
    assert (first.json()["code"], first.json()["state"]) == (CODE, "live")
    assert first.json()["document"]["endpoints"][0]["secrets"] == {"password": "sealed"}
    same = joined.ask("GET", "/connector", headers={"If-None-Match": first.headers["ETag"]})
    assert same.status_code == 304
    with hub.engine.begin() as tx:
        pause(tx, hub.desk, CODE, reason="检修", actor=ACTOR)
    then = joined.ask("GET", "/connector", headers={"If-None-Match": first.headers["ETag"]})
    assert then.json()["state"] == "paused"
    assert httpx.get(f"{joined.http.base_url}{API}/connector").status_code == 401


def test_an_answer_says_what_it_answers(joined: Outsider) -> None:
    """The caller's nonce is within what is signed, and when; one that is none is refused."""
    said = joined.ask("GET", "/connector", params={"nonce": "abcdefghij-012345"})
    assert said.json()["nonce"] == "abcdefghij-012345"
    assert said.json()["issued_at"].endswith("Z")
    assert said.headers["signature"]
    assert joined.ask("GET", "/connector", params={"nonce": "short"}).status_code == 422


def test_a_report_stands_where_the_hosts_does(hub: Hub, joined: Outsider) -> None:
    """Health, figures, refusals and unmapped values are kept; said again they count once; what is asked for is answered."""
    minute = "2026-11-22T08:00:00Z"
    report = {
        "instance": "front-1", "state": "running", "version": 1, "words": None, "waiting": 2, "oldest_waiting_at": minute,
        "measures": [{"flow": "packages", "at": minute, "records": 5, "busy_ms": 70}],
        "refusals": [
            {"flow": "packages", "direction": "out", "ref": "e1", "cause": "shape", "words": "太长", "record": {"a": 1}}
        ],
        "unmapped": [{"code_table": "结果", "direction": "in", "value": "优", "flow": "findings", "times": 3}],
    }  # fmt: skip
    for _ in range(2):
        answer = joined.ask("POST", "/connector/health", json=report)
        assert (answer.status_code, answer.json()) == (200, {"again": [], "state": "paused"})
    with hub.engine.begin() as tx:
        assert tx.execute(select(ConnectorHealth.waiting, ConnectorHealth.instance)).all() == [(2, "front-1")]
        assert tx.execute(select(ConnectorMeasure.records, ConnectorMeasure.busy_ms)).all() == [(5, 70)]
        assert tx.execute(select(ConnectorUnmapped.times)).scalars().all() == [3]
        (refusal,) = tx.execute(select(ConnectorRefusal.id)).scalars()
        settle_refusals(tx, hub.desk, [refusal], how="again", actor=ACTOR)
    asked = {"instance": "front-1", "state": "running"}
    again = joined.ask("POST", "/connector/health", json=asked).json()["again"]
    assert again == [{"flow": "packages", "ref": "e1", "direction": "out"}]
    joined.ask("POST", "/connector/health", json=asked | {"taken": [{"flow": "packages", "ref": "e1"}]})
    with hub.engine.connect() as tx:
        assert tx.scalar(select(ConnectorRefusal.settled_as)) == "taken"
        assert "hunter2" not in str(tx.execute(text("SELECT * FROM ledger")).all())
    for bad, at in (
        ({"state": "well"}, "state"),
        ({"instance": "x", "state": "running", "bogus": 1}, "bogus"),
    ):
        answer = joined.ask("POST", "/connector/health", content=json.dumps(bad))
        assert answer.status_code == 422
        assert at in answer.json()["message"]


def test_from_the_code_to_the_first_package(
    hub: Hub, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another department enrols, goes live and runs the file that it was given: its first package lies in its own folder,
    the hub has the signature and hears how it is; paused at the hub it stops."""
    monkeypatch.setattr("connectors.department.reporting.EVERY_S", 0.2)
    flow = {"endpoint": "front", "place": {"folder": "out", "format": "json"}}
    files = {
        "endpoints": [{"name": "front", "kind": "folder", "settings": {"root": str(tmp_path / "data")}}],
        "flows": [
            document()["flows"][0]
            | flow
            | {"fields": [{"target": "办件编号", "sources": ["case.project_no"]}]}
        ],
    }
    (tmp_path / "data" / "out").mkdir(parents=True)
    with hub.engine.begin() as tx:
        make_connector(tx, hub.desk, code="zhzf-files", department="zhzf", title="执法局文件夹", actor=ACTOR)
        save_draft(tx, hub.desk, "zhzf-files", document("zhzf-files", "zhzf", **files), saves=1, actor=ACTOR)
        publish_version(tx, hub.desk, "zhzf-files", actor=ACTOR)
        code = make_enrolment_code(tx, hub.desk, department="zhzf", connector="zhzf-files", actor=ACTOR)
    done = enrol(address, code, tmp_path / "dept")
    with hub.engine.begin() as tx:
        go_live(tx, hub.desk, "zhzf-files", version=1, runs_at="department", actor=ACTOR)
    (case,) = decided(hub)
    health = select(ConnectorHealth.state).where(ConnectorHealth.connector == "zhzf-files")

    def asked(question: Any) -> Any:
        with hub.engine.connect() as tx:
            return tx.scalar(question)

    with running(lambda stop: run_configured(read_config(done.settings or ""), stop)):
        signed = select(Push.signed_at).where(Push.case_no == case.case_no, Push.department == "zhzf")
        until(lambda: asked(signed))
        until(lambda: asked(health) == "running")
        with hub.engine.begin() as tx:
            pause(tx, hub.desk, "zhzf-files", reason="检修", actor=ACTOR)
        until(lambda: asked(health) == "paused")
    assert any(case.case_no in one.read_text() for one in (tmp_path / "data" / "out").iterdir())


def test_guessing_codes_is_slow(address: str) -> None:
    """After twenty calls in a minute an address waits."""
    statuses = [httpx.post(f"{address}{API}/enrol", json={"code": str(n)}).status_code for n in range(25)]

    assert statuses[-1] == 429
