"""The connector host on a real database and a real broker: what it takes up, delivers and collects, and what changes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from connectors.adapters import KINDS
from connectors.bus import BusSettings, Producer, ensure_topics
from connectors.department.events import LOCAL
from hub.ports import Desk
from schemas import loads
from schemas.connector.document import FieldRule
from storage.signing import Signer
from tests.connectors.hosted import HostedHub, with_custody
from tests.connectors.test_mapped import FINDINGS, PACKAGES, a_document, a_finding, kinds_said
from tests.connectors.waiting import until


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "tiny", ("tests.connectors.tiny_adapter", ""))


@pytest.fixture
def hosted(
    engine: Engine,
    desk: Desk,
    bus: BusSettings,
    signers: dict[str, Signer],
    tmp_path: Path,
    database_url: str,
) -> HostedHub:
    return HostedHub(engine, with_custody(desk), bus, signers["hub"], tmp_path / "connectors", database_url)


def subjects(own: Any) -> list[str]:
    return [row[0] for row in own.rows("SELECT subject FROM arrived ORDER BY n")]


def test_packages_go_in_and_findings_come_out(hosted: HostedHub, producer: Producer, tap: Any) -> None:
    """Claim: a connector that is live is taken up; what was sent is delivered and signed for with the custodial
    key, what its system says goes to the hub; a connector that goes live meanwhile is taken up without a restart,
    and the tables tell how both are."""
    scjg = hosted.join("scjg")
    scjg.say(a_finding(1))
    hosted.push(producer, "scjg", 1, 2)
    answers = tap(f"{hosted.desk.area}.scjg.out")
    with hosted.running():
        said = answers.until(3)
        assert {loads(one.value)["type"] for one in said} == {"receipt.v1", "finding.reported.v1"}
        zhzf = hosted.join("zhzf")
        hosted.push(producer, "zhzf", 3)
        until(lambda: subjects(zhzf) == ["c-3"])
        health = until(
            lambda: [
                row
                for row in hosted.ask(
                    "SELECT connector, state, instance, waiting, last_delivered_at FROM connector_health"
                )
                if row.last_delivered_at
            ][1:]
        )
        assert health[0].state == "running"
    assert sorted(subjects(scjg)) == ["c-1", "c-2"]
    assert {row.state for row in hosted.ask("SELECT state FROM connector_health")} == {"stopped"}
    (measure,) = hosted.ask("SELECT sum(records) AS n FROM connector_measures WHERE flow = 'packages'")
    assert measure.n == 3


def test_a_new_version_is_taken_up_between_two_batches(
    hosted: HostedHub, producer: Producer, tap: Any
) -> None:
    """Claim: what the old version could not map stands in the refusals and is not signed for; the new version is
    running without a restart, delivers it, signs for it once, and settles the refusal."""
    strict = replace(PACKAGES, fields=(*PACKAGES.fields, FieldRule("no", ("no_such",), required=True)))
    own = hosted.join("scjg", document=a_document(strict))
    answers = tap(f"{hosted.desk.area}.scjg.out")
    hosted.push(producer, "scjg", 1)
    with hosted.running():
        assert kinds_said(answers.until(1)) == [["arrived"]]
        (refused,) = until(lambda: hosted.ask("SELECT * FROM connector_refusals"))
        assert (refused.direction, refused.cause, refused.settled_at) == ("out", "mapping", None)
        hosted.publish("scjg", 2, a_document(PACKAGES))
        assert kinds_said(answers.until(2))[1:] == [["signed"]]
        until(lambda: hosted.ask("SELECT 1 FROM connector_refusals WHERE settled_as = 'taken'"))
    assert subjects(own) == ["c-1"]


def test_paused_resumed_and_rewound(hosted: HostedHub, producer: Producer, tap: Any) -> None:
    """Claim: a paused connector delivers nothing and loses nothing; resumed, it goes on; a rewind delivers again
    what was sent since, each once more, with the receipts it had; what was before stays as it is."""
    own = hosted.join("scjg", document=a_document(PACKAGES))
    answers = tap(f"{hosted.desk.area}.scjg.out")
    hosted.push(producer, "scjg", 1)
    with hosted.running():
        until(lambda: subjects(own) == ["c-1"])
        answers.until(1)
        hosted.change("scjg", state="paused", paused_why="维护", paused_at=datetime.now(UTC))
        until(lambda: hosted.ask("SELECT 1 FROM connector_health WHERE state = 'paused'"))
        moment = datetime.now(UTC)
        hosted.push(producer, "scjg", 2)
        assert answers.quiet(2)[1:] == []
        hosted.change("scjg", state="live", paused_why=None, paused_at=None)
        until(lambda: subjects(own) == ["c-1", "c-2"])
        answers.until(2)
        own.rows("DELETE FROM arrived")
        hosted.change("scjg", rewind_to=moment, rewind_why="对方数据库重建")
        until(lambda: subjects(own) == ["c-2"])
        until(lambda: hosted.ask("SELECT 1 FROM connectors WHERE rewind_to IS NULL"))
        answers.until(3)
    assert len({one.value for one in answers.quiet()}) == 2
    assert own.rows("SELECT times FROM arrived") == [(1,)]


def test_one_dead_department_slows_no_other(hosted: HostedHub, producer: Producer) -> None:
    """Claim: while one department's system is away, another's packages that came later arrive first; the dead one's
    arrive, each once, when it is back."""
    dead, well = hosted.join("scjg"), hosted.join("zhzf")
    dead.away.touch()
    hosted.push(producer, "scjg", *range(1, 21))
    hosted.push(producer, "zhzf", *range(101, 121))
    with hosted.running():
        until(lambda: len(subjects(well)) == 20)
        (row,) = until(
            lambda: hosted.ask(
                "SELECT * FROM connector_health WHERE connector = 'scjg-db' AND words LIKE '%不在%'"
            )
        )
        assert row.waiting == 20
        assert subjects(dead) == []
        dead.away.unlink()
        until(lambda: len(subjects(dead)) == 20)
    assert {row[0] for row in dead.rows("SELECT times FROM arrived")} == {1}


def test_two_hosts_share_and_take_over(hosted: HostedHub, producer: Producer) -> None:
    """Claim: of several connectors each host runs some, none runs on both; when one host stops, the other delivers for
    all of them."""
    systems = {code: hosted.join(code) for code in ("a1", "b2", "c3", "d4")}
    asked = "SELECT connector, instance FROM connector_health WHERE state <> 'stopped'"
    with hosted.running("host-2"):
        with hosted.running("host-1"):
            until(lambda: len({row.instance for row in hosted.ask(asked)}) == 2)
            for number, code in enumerate(systems, 1):
                hosted.push(producer, code, number)
            until(lambda: all(len(subjects(one)) == 1 for one in systems.values()))
        for number, code in enumerate(systems, 11):
            hosted.push(producer, code, number)
        until(lambda: all(len(subjects(one)) == 2 for one in systems.values()))
    assert {row[0] for one in systems.values() for row in one.rows("SELECT times FROM arrived")} == {1}


def test_start_points(hosted: HostedHub, producer: Producer, tap: Any) -> None:
    """Claim: 'since' delivers what was sent from that moment on and nothing before."""
    ensure_topics(hosted.bus, [f"{hosted.desk.area}.scjg.in"])
    hosted.push(producer, "scjg", 1)
    time.sleep(0.01)  # messages say their time in milliseconds
    moment = datetime.now(UTC)
    hosted.push(producer, "scjg", 2)
    own = hosted.join("scjg", document=a_document(FINDINGS, PACKAGES), start_kind="since", start_at=moment)
    with hosted.running():
        until(lambda: subjects(own) == ["c-2"])
        hosted.push(producer, "scjg", 3)
        until(lambda: subjects(own) == ["c-2", "c-3"])


def test_a_host_killed_between_delivery_and_receipt(
    hosted: HostedHub, producer: Producer, tap: Any, pems: dict[str, bytes], tmp_path: Path
) -> None:
    """Claim: a host that is killed (-9) after a delivery and before its receipts leaves nothing undone: another
    takes over within seconds, every package stands once in the department's system and is signed for once."""
    own = hosted.join("scjg", document=a_document(PACKAGES))
    answers = tap(f"{hosted.desk.area}.scjg.out")
    hosted.push(producer, "scjg", 1, 2, 3)
    own.path.with_suffix(".kill").touch()
    settings = tmp_path / "host.json"
    settings.write_text(
        json.dumps(
            {
                "database_url": hosted.database_url,
                "bootstrap": hosted.bus.bootstrap,
                "area": hosted.desk.area,
                "folder": str(hosted.folder),
                "hub_pem": pems["hub"].decode(),
            }
        )
    )
    done = subprocess.run(
        [sys.executable, "-m", "tests.connectors.host_process", str(settings)],
        timeout=300,
        capture_output=True,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    delivered = len(subjects(own))
    assert delivered
    assert answers.quiet() == []
    with hosted.running("host-2"):
        answers.until(3)
    assert len(answers.quiet()) == 3
    assert sorted(subjects(own)) == ["c-1", "c-2", "c-3"]


def test_quiet_hours_and_a_rate(hosted: HostedHub, producer: Producer) -> None:
    """Claim: in the quiet hours nothing is delivered and health says so; with a rate the first few go at once and the
    rest wait for their turn, on the broker."""
    now = datetime.now(LOCAL)
    start, end = now - timedelta(hours=1), now + timedelta(hours=2)
    quiet = hosted.join(
        "scjg", document=a_document(PACKAGES, quiet_from=f"{start:%H:%M}", quiet_to=f"{end:%H:%M}")
    )
    slow = hosted.join("zhzf", document=a_document(PACKAGES, rate_per_minute=30))
    hosted.push(producer, "scjg", 1)
    hosted.push(producer, "zhzf", *range(11, 31))
    begun = time.monotonic()
    with hosted.running():
        until(
            lambda: hosted.ask(
                "SELECT 1 FROM connector_health WHERE connector = 'scjg-db' AND state = 'quiet'"
            )
        )
        until(lambda: len(subjects(slow)) >= 5)
        delivered = len(subjects(slow))
        assert delivered <= 5 + (time.monotonic() - begun) / 2  # five at once, then one every two seconds
        assert subjects(quiet) == []


def test_a_lost_database_session_is_waited_out(hosted: HostedHub, producer: Producer) -> None:
    """Claim: when the database drops every session of a host, its locks with them, it takes its connectors up again
    and delivers what came meanwhile; everything stands once in the department's system."""
    own = hosted.join("scjg", document=a_document(PACKAGES))
    hosted.push(producer, "scjg", 1)
    with hosted.running():
        until(lambda: subjects(own) == ["c-1"])
        gone = hosted.ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name LIKE 'shenguan host%'"
        )
        assert gone
        hosted.push(producer, "scjg", 2)
        until(lambda: subjects(own) == ["c-1", "c-2"])


def test_a_retired_connector_is_let_go(hosted: HostedHub, producer: Producer) -> None:
    """Claim: what is not live any more is given up without a restart, and nothing more is delivered by it."""
    own = hosted.join("scjg", document=a_document(PACKAGES))
    hosted.push(producer, "scjg", 1)
    with hosted.running():
        until(lambda: subjects(own) == ["c-1"])
        hosted.change("scjg", state="retired")
        locks = (
            "SELECT 1 FROM pg_locks JOIN pg_database d ON d.oid = database AND d.datname = current_database()"
            " WHERE locktype = 'advisory' AND classid = 1397244192 AND objid <> 0 AND granted"
        )
        until(lambda: not hosted.ask(locks))
        hosted.push(producer, "scjg", 2)
    assert subjects(own) == ["c-1"]


def test_what_is_given_up_is_not_tried_again(hosted: HostedHub, producer: Producer, tap: Any) -> None:
    """Claim: a held package that somebody decided to leave as it is is forgotten by the host; nothing is signed for it,
    and a version that could map it does not deliver it."""
    strict = replace(PACKAGES, fields=(*PACKAGES.fields, FieldRule("no", ("no_such",), required=True)))
    own = hosted.join("scjg", document=a_document(strict))
    answers = tap(f"{hosted.desk.area}.scjg.out")
    hosted.push(producer, "scjg", 1)
    with hosted.running():
        until(lambda: hosted.ask("SELECT 1 FROM connector_refusals"))
        hosted.ask(
            "UPDATE connector_refusals SET settled_at = now(), settled_as = 'dismissed', settled_why = '已线下办理'"
        )
        hosted.change("scjg")
        until(lambda: hosted.ask("SELECT count(*) FROM connector_scjg_db.held") == [(0,)])
        hosted.publish("scjg", 2, a_document(PACKAGES))
        hosted.push(producer, "scjg", 2)
        until(lambda: subjects(own) == ["c-2"])
    of_first = [one for one in answers.quiet() if one.key == b"c-1"]
    assert kinds_said(of_first) == [["arrived"]]
