"""Reconciling with connectors that count by themselves: asked through the broker, answered signed, equal on both sides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, func, select, update

from connectors.department.config import ConnectorConfig
from connectors.department.program import run_configured
from connectors.intake import program as intake
from connectors.relay import program as relay
from hub.department import DepartmentKey
from hub.pushing.push import Push
from hub.reconciling.ask_counts import unanswered
from hub.reconciling.reconcile import reconcile, start_run
from tests.connectors.waiting import running, until
from tests.hub.builders import NOW, Clock, decided
from tests.hub.test_reconcile import DAY, differences


def test_connectors_count_what_the_hub_counts(
    county: Engine,
    desk: Any,
    relay_config: relay.RelayConfig,
    intake_config: intake.IntakeConfig,
    connector_config: Callable[..., ConnectorConfig],
) -> None:
    """Packages and receipts of a day, counted at two departments and at the hub, agree: a run over it is zero."""
    clock = Clock(NOW)
    desk = replace(desk, clock=clock)
    with county.begin() as tx:
        tx.execute(update(DepartmentKey).values(valid_from=datetime(2026, 1, 1, tzinfo=UTC)))
    decided(county, desk, 3)
    configs = [connector_config("scjg"), connector_config("zhzf", adapter="folder")]

    def signed() -> bool:
        with county.connect() as tx:
            return tx.scalar(select(func.count()).where(Push.state == "signed")) == 6

    def counted() -> bool:
        with county.connect() as tx:
            return not unanswered(tx, NOW)

    with (
        running(lambda stop: relay.run(relay_config, stop)),
        running(lambda stop: intake.run(replace(intake_config, desk=desk), stop)),
        running(lambda stop: run_configured(configs[0], stop, clock=clock)),
        running(lambda stop: run_configured(configs[1], stop, clock=clock)),
    ):
        until(signed)
        clock.advance(days=1)
        with county.begin() as tx:
            run_id = start_run(tx, DAY, DAY, desk, actor="user:test")
        until(counted)
    run = reconcile(county, run_id, desk)

    assert differences(county, run) == []
    assert {one["department"]: one["state"] for one in run.totals["counts"]} == {
        "scjg": "same",
        "zhzf": "same",
    }
    assert [one["theirs"]["packages"] for one in run.totals["counts"]] == [3, 3]
