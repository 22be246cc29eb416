"""`status`, `doctor`, `verify ledger`: true while all is well, and true and quick while something is down."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, text

from hub.department import Department
from hub.pushing.push import STATES
from tests.connectors.waiting import until
from tests.front_door import HubShell, web_is_up

NOWHERE = {
    "database": {
        "SHENGUAN_DATABASE_URL": "postgresql+psycopg://shenguan:a-long-password@127.0.0.1:1/nowhere"
    },
    "broker": {"SHENGUAN_KAFKA_BOOTSTRAP": "127.0.0.1:1"},
    "object_store": {"SHENGUAN_S3_ENDPOINT": "http://127.0.0.1:1"},
    "web": {"SHENGUAN_PUBLIC_URL": "http://127.0.0.1:1"},
}
# Alone the answer takes five seconds; the rest is a busy machine starting a process. A client that hangs takes longer.
QUICK_SECONDS = 100.0


def test_status_tells_all_of_a_running_hub(hub: HubShell) -> None:
    """With everything running: exit 0, each part ok, every count there, per department the oldest undelivered item."""
    assert hub.ask("migrate") == {"ok": True}
    with hub.program("relay"), hub.program("intake"), hub.program("web"):
        web_is_up(hub)
        seen = until(lambda: _fine(hub), every=1)
    assert set(seen["parts"]) == {"database", "object_store", "broker", "web", "relay", "intake"}
    assert all(part["state"] == "ok" for part in seen["parts"].values())
    assert seen["counts"]["pushes"] == dict.fromkeys(STATES, 0)
    for name in (
        "decisions",
        "outbox_unpublished",
        "parked_keys",
        "quarantined",
        "findings",
        "ledger_unsealed",
    ):
        assert isinstance(seen["counts"][name], int), name


def _fine(hub: HubShell) -> Any:
    import json

    done = hub.run("status", "--json")
    return json.loads(done.stdout) if done.returncode == 0 else None


@pytest.mark.parametrize("part", list(NOWHERE))
def test_status_answers_quickly_whatever_is_down(hub: HubShell, part: str) -> None:
    """One part away: exit 1 within seconds, that part is named, the others are still told."""
    import json

    others = {"database", "object_store", "broker"} - {part}

    def seen_with_the_others() -> Any:
        done = hub.run("status", "--json", env=NOWHERE[part], timeout=QUICK_SECONDS)
        assert done.returncode == 1
        seen = json.loads(done.stdout)
        # On a busy machine one of them may not answer in time.
        return seen if all(seen["parts"][other]["state"] == "ok" for other in others) else None

    seen = until(seen_with_the_others)
    assert seen["parts"][part]["state"] == "down"
    assert seen["parts"][part]["detail"]
    assert (seen["counts"]["decisions"] is None) is (part == "database")


def test_status_is_readable(hub: HubShell, engine: Engine) -> None:
    """Without --json: tables in Chinese, with each department."""
    with engine.begin() as tx:
        tx.execute(insert(Department).values(code="scjg", name="示范县市场监督管理局", roles=["supervising"]))
    done = until(lambda: (told := hub.run("status")) and "数据库不通" not in told.stdout and told)
    assert done.returncode == 1
    for words in ("数据库", "正常", "没有运行", "待推送 0", "隔离区", "示范县市场监督管理局"):
        assert words in done.stdout, words


def test_a_single_program_is_asked_for_its_health(hub: HubShell) -> None:
    """`status --program`, the containers' health check: 1 while it is not there, 0 while it is."""
    assert hub.run("status", "--program", "relay").returncode == 1
    with hub.program("relay"):
        until(lambda: hub.run("status", "--program", "relay").returncode == 0, every=0.5)
    assert hub.run("status", "--program", "relay").returncode == 1


def test_doctor_says_what_to_do(hub: HubShell, engine: Engine) -> None:
    """A hub with nothing running and nothing set up: exit 1, and advice beside every fault; sound parts are ok."""
    with engine.begin() as tx:
        tx.execute(insert(Department).values(code="scjg", name="示范县市场监督管理局", roles=["supervising"]))
    Path(hub.env["SHENGUAN_HUB_SIGNING_KEY"]).chmod(0o644)
    found = hub.ask("doctor", code=1)
    faults = {check["title"]: check for check in found["checks"] if check["state"] == "fail"}
    assert {"后台程序", "推送规则", "部门密钥", "网页", "密钥文件"} <= set(faults)
    assert all(check["advice"] for check in faults.values())
    assert "chmod 600" in faults["密钥文件"]["advice"]
    assert "add-key scjg" in faults["部门密钥"]["advice"]
    sound = {check["title"] for check in found["checks"] if check["state"] == "ok"}
    assert {"Python 版本", "软件包", "设置", "数据库", "对象存储", "工作日历", "隔离区"} <= sound


@pytest.mark.parametrize(
    ("away", "title"), [("database", "数据库"), ("broker", "消息代理"), ("object_store", "对象存储")]
)
def test_doctor_finds_what_is_down(hub: HubShell, away: str, title: str) -> None:
    """A part that is away is a fault with advice; what depends on it is said to be unchecked, not broken."""
    import json

    done = hub.run("doctor", "--json", env=NOWHERE[away], timeout=QUICK_SECONDS)
    assert done.returncode == 1
    checks = json.loads(done.stdout)["checks"]
    (fault,) = [check for check in checks if check["title"] == title]
    assert fault["state"] == "fail"
    assert fault["advice"]
    if away == "database":
        assert any(check["title"] == "隔离区" and check["state"] == "unchecked" for check in checks)
    assert "Traceback" not in done.stderr


def test_doctor_sees_a_database_that_is_behind(hub: HubShell, empty_database_url: str) -> None:
    """No tables yet: the advice is to migrate."""
    found = hub.run("doctor", env={"SHENGUAN_DATABASE_URL": empty_database_url})
    assert found.returncode == 1
    assert "还没有建表" in found.stdout
    assert "shenguan migrate" in found.stdout


def test_verify_names_the_row_that_was_changed(hub: HubShell, engine: Engine) -> None:
    """A sealed ledger verifies; a row changed behind the programs' back is named, and the exit code is 1."""
    hub.run("sample", "--rows", 5, "--out", "sheet.csv")
    hub.ask("load", "sheet.csv")
    with hub.program("relay"):
        until(lambda: hub.ask("verify", "ledger")["unsealed"] == 0, every=0.5)
    whole = hub.ask("verify", "ledger")
    assert whole["ok"] is True
    assert whole["rows"] > 5
    assert whole["batches"] >= 1
    with engine.begin() as tx:
        row = tx.execute(text("SELECT min(id) + 2 FROM ledger")).scalar_one()
        tx.execute(text("ALTER TABLE ledger DISABLE TRIGGER USER"))
        tx.execute(text("UPDATE ledger SET actor = 'nobody' WHERE id = :row"), {"row": row})
        tx.execute(text("ALTER TABLE ledger ENABLE TRIGGER USER"))
    broken = hub.ask("verify", "ledger", code=1)
    assert broken["ok"] is False
    assert broken["row"] == row
    assert str(row) in broken["broken"]
