"""What a person has tried on the host: layers, columns, samples, dry runs, the sandbox; cancelled, late, taken again."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from connectors.bus import Producer
from connectors.host.job_desk import end_job, take_job
from schemas.connector.document import FieldRule
from tests.connectors.hosted import HostedHub
from tests.connectors.test_host import hosted, tiny  # noqa: F401 - fixtures
from tests.connectors.test_mapped import FINDINGS, PACKAGES, a_document, a_finding
from tests.connectors.waiting import until


def ask(hub: HostedHub, kind: str, **params: Any) -> Any:
    statement = (
        "INSERT INTO connector_jobs (connector, version, kind, params, asked_by)"
        " VALUES ('scjg-db', 1, :kind, CAST(:params AS jsonb), 'user:t') RETURNING id"
    )
    (row,) = hub.ask(statement, kind=kind, params=json.dumps(params))
    return row.id


def done(hub: HostedHub, job: Any) -> Any:
    question = "SELECT * FROM connector_jobs WHERE id = :id AND state NOT IN ('waiting', 'running')"
    return until(lambda: hub.ask(question, id=job))[0]


def test_a_version_is_tried_without_touching_anything(hosted: HostedHub, producer: Producer) -> None:  # noqa: F811
    """Claim: each job ends with what was asked for: layers told one by one, columns, masked samples, a dry run with
    its faults field by field, a sandbox whose results stand beside what was sent; the real tables stay as they are
    and nothing is said."""
    hosted.join("scjg", state="draft", live_since=None)
    own = hosted.join_own("scjg")
    own.say(a_finding(1), a_finding(2, r_check_result=None))
    own.say(a_finding(3), table="said_sandbox")
    with hosted.running():
        check = done(hosted, ask(hosted, "check", endpoint="own"))
        assert (check.state, check.result) == ("done", {"ok": True})
        assert [one["layer"] for one in check.steps] == ["name", "sign_in"]
        columns = done(hosted, ask(hosted, "columns", flow="findings")).result["columns"]
        assert "r_finding_no" in {one["name"] for one in columns}
        (first, _) = done(hosted, ask(hosted, "sample", flow="findings")).result["records"]
        assert first["r_finding_no"] == "jc-1"
        assert "张三" not in json.dumps(first, ensure_ascii=False)
        dry = done(hosted, ask(hosted, "dry_run", flow="findings")).result
        assert dry["counts"] == {"collected": 2, "passed": 1, "refused": 1}
        assert dry["rows"][0]["message"]["finding_no"] == "jc-1"
        assert dry["rows"][1]["faults"][0]["words"]
        tried = done(hosted, ask(hosted, "sandbox", synthetic=3, seed=7))
        assert tried.result["counts"] == {"delivered": 3, "same": 4, "different": 0, "refused": 0}
        assert {row["flow"] for row in tried.result["rows"]} == {"packages", "findings"}
        assert tried.steps[-1]["done"] == tried.steps[-1]["of"]
    assert len(own.rows("SELECT 1 FROM arrived_sandbox")) == 3
    assert own.rows("SELECT 1 FROM arrived") == []
    assert own.rows("SELECT event_id, words FROM said") == [(None, None), (None, None)]


def test_what_is_away_is_said_in_words(hosted: HostedHub) -> None:  # noqa: F811
    """Claim: a system that is away fails its layer with advice, and a job that needs it ends with its sentence; a flow of
    which no field was chosen is not tried, and the sentence says where to choose one."""
    own = hosted.join(
        "scjg",
        document=a_document(
            replace(PACKAGES, fields=(FieldRule("x", ("nowhere",), required=True),)),
            FINDINGS,
            replace(PACKAGES, name="bare", fields=()),
        ),
    )
    own.away.touch()
    with hosted.running():
        check = done(hosted, ask(hosted, "check", endpoint="own"))
        assert check.result == {"ok": False}
        assert check.steps[-1]["advice"] == "请启动小库"
        assert (away := done(hosted, ask(hosted, "sample", flow="findings"))).state == "failed"
        assert away.words == "本部门的小库不在"
        refused = done(hosted, ask(hosted, "dry_run", flow="packages")).result
        assert refused["counts"]["passed"] == 0
        assert done(hosted, ask(hosted, "columns", flow="no-such")).words == "没有名为“no-such”的线路。"
        for bare in (
            ask(hosted, "dry_run", flow="bare"),
            ask(hosted, "sandbox", flows=["bare"], synthetic=1),
        ):
            assert (tried := done(hosted, bare)).state == "failed"
            assert tried.words.startswith("线路“bare”还没有选择任何字段。请打开“线路与映射”")


def test_a_job_is_taken_once_and_again_once(hosted: HostedHub) -> None:  # noqa: F811
    """Claim: two hosts never take the same job; a host that dies leaves its job to another, which may die too, and
    then it fails with a sentence; a cancelled job stays cancelled whatever comes out of it."""
    hosted.join("scjg")
    job = ask(hosted, "check", endpoint="own")
    first = take_job(hosted.engine, "host-1")
    assert first is not None
    assert first.id == job
    assert take_job(hosted.engine, "host-2") is None
    died = text("UPDATE connector_jobs SET beat_at = now() - interval '1 minute'")
    with hosted.engine.begin() as tx:
        tx.execute(died)
    assert take_job(hosted.engine, "host-2") == first
    with hosted.engine.begin() as tx:
        tx.execute(died)
    assert take_job(hosted.engine, "host-3") is None
    (row,) = hosted.ask("SELECT state, words FROM connector_jobs")
    assert (row.state, "两次中断" in row.words) == ("failed", True)
    other = ask(hosted, "check", endpoint="own")
    taken = take_job(hosted.engine, "host-1")
    assert taken is not None
    hosted.ask("UPDATE connector_jobs SET state = 'cancelled' WHERE id = :id", id=other)
    end_job(hosted.engine, taken, state="done", result={"ok": True}, words="")
    assert hosted.ask("SELECT state FROM connector_jobs WHERE id = :id", id=other) == [("cancelled",)]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.host.jobs.LOOK_S", 1.0)
