"""The whole loop on real parts: decided -> relay -> topic -> connector -> receipt -> intake, and a finding back."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from connectors.department.config import ConnectorConfig
from connectors.department.program import run_configured
from connectors.intake import program as intake
from connectors.relay import program as relay
from hub.exchange.inbox import Quarantined
from hub.feedback.finding import Finding
from hub.licensing.licence import Licence
from hub.material import Material
from hub.program import Program
from hub.pushing.push import Push
from tests.connectors.waiting import running, until
from tests.hub.builders import decided
from tests.hub.supply_builders import provided_type


def states(engine: Engine) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    with engine.connect() as tx:
        for row in tx.execute(select(Push.department, Push.state).order_by(Push.department)):
            found.setdefault(row.department, []).append(row.state)
    return found


def claimed_by(engine: Engine) -> list[str]:
    with engine.connect() as tx:
        said = tx.execute(select(Push.claimed_by).where(Push.claimed_by.is_not(None))).scalars()
        return [str(name) for name in said]


def own(config: ConnectorConfig) -> sqlite3.Connection:
    return sqlite3.connect(config.database.removeprefix("sqlite:///"), timeout=60)


def test_a_decision_reaches_both_departments_and_findings_come_back(
    county: Engine,
    desk: Any,
    relay_config: relay.RelayConfig,
    intake_config: intake.IntakeConfig,
    connector_config: Callable[..., ConnectorConfig],
    tmp_path: Path,
) -> None:
    """Claim: three decisions arrive in a table and in a folder, receipts move the pushes to 'signed', a claim and a finding
    to 'supervising'; a finding written as a table row freezes the licence, one dropped as a file is taken too; all programs
    say 'running'."""
    table, folder = connector_config("scjg"), connector_config("zhzf", adapter="folder")
    cases = decided(county, desk, 3)
    with (
        running(lambda stop: relay.run(relay_config, stop)),
        running(lambda stop: intake.run(intake_config, stop)),
        running(lambda stop: run_configured(table, stop)),
        running(lambda stop: run_configured(folder, stop)),
    ):
        until(lambda: states(county) == {"scjg": ["signed"] * 3, "zhzf": ["signed"] * 3})
        db = own(table)
        rows = db.execute("SELECT case_no, party_name, licence_no, decided_on FROM shenguan_inbox").fetchall()
        assert {row[0] for row in rows} == {case.case_no for case in cases}
        assert len(list((folder.folder / "inbox").glob("*.json"))) == 3
        case_no = cases[0].case_no
        with db:
            db.execute(
                "INSERT INTO shenguan_findings (finding_no, project_no, inspected_at, inspectors, check_result, handling)"
                " VALUES ('JC-1', ?, '2026/11/21 14:30', '示例己(99010100001)、示例庚', '不符合', '限期整改')",
                (case_no,),
            )
            db.execute("UPDATE shenguan_inbox SET claimed_by = '示例辛' WHERE case_no = ?", (case_no,))
        (folder.folder / "outbox" / "检查.json").write_bytes(
            f'{{"finding_no": "F-1", "project_no": "{cases[1].case_no}", "inspected_at": "2026-11-20",'
            f' "inspectors": ["示例己"], "check_result": 1, "handling": 1}}'.encode("gb18030")
        )
        until(lambda: _count(county, Finding) == 2)
        until(lambda: sorted(states(county)["scjg"]) == ["signed", "signed", "supervising"])
        until(lambda: claimed_by(county) == ["示例辛"])
        status = until(
            lambda: db.execute(
                "SELECT status, problem, event_id FROM shenguan_findings WHERE status <> 'new'"
            ).fetchone()
        )
        assert status[:2] == ("sent", None)
        until(lambda: (folder.folder / "sent" / "检查.json").exists())
        with county.connect() as tx:
            programs = {row.name: row.state for row in tx.execute(select(Program.name, Program.state))}
            frozen = tx.execute(select(Licence.case_no).where(Licence.status != "01")).scalars().all()
        assert programs == {"relay": "running", "intake": "running"}
        assert frozen == [case_no]
        db.close()


def test_data_that_a_department_supplies_becomes_reusable(
    county: Engine,
    desk: Any,
    relay_config: relay.RelayConfig,
    intake_config: intake.IntakeConfig,
    connector_config: Callable[..., ConnectorConfig],
) -> None:
    """Claim: a row that a department writes into its own table is a material of the party within seconds; what the type
    does not allow comes back to that row with the cause."""
    with county.begin() as tx:
        provided_type(tx, "scjg")
    config = connector_config("scjg")
    with (
        running(lambda stop: relay.run(relay_config, stop)),
        running(lambda stop: intake.run(intake_config, stop)),
        running(lambda stop: run_configured(config, stop)),
    ):
        db = own(config)
        until(
            lambda: db.execute("SELECT name FROM sqlite_master WHERE name = 'shenguan_supplies'").fetchone()
        )
        with db:
            db.executemany(
                "INSERT INTO shenguan_supplies (supply_no, material_type, party_kind, party_name, party_code_type,"
                " party_code, fields, as_of) VALUES (?, 'qydjxx', '法人及非法人组织', '示范县青禾饮食有限公司', '001',"
                " '91370102MA3C00011F', ?, '2026-09-17')",
                [("DJ-1", '{"address": "示范县样例路1号"}'), ("DJ-2", "{}")],
            )
        until(lambda: _count(county, Material) == 1)
        problem = until(
            lambda: db.execute(
                "SELECT supply_no, problem FROM shenguan_supplies WHERE status = 'problem'"
            ).fetchone(),
        )
        assert problem[0] == "DJ-2"
        assert "住所" in problem[1]
        assert _count(county, Quarantined) == 1
        db.close()


def _count(engine: Engine, model: Any) -> int:
    with engine.connect() as tx:
        return len(tx.execute(select(model.id)).all())
