"""`shenguan reconcile`: a table for people, JSON for programs, and an exit code that says whether anything differs."""

from __future__ import annotations

from sqlalchemy import Engine, text

from tests.cli.test_load import owed
from tests.front_door import HubShell

__all__ = ["owed"]


def test_a_period_is_reconciled_and_a_lost_push_is_named(owed: HubShell, engine: Engine) -> None:
    """Exit 0 and no difference; a push that vanished ends in exit 1 and is named with its case and department."""
    owed.run("sample", "--rows", 12, "--out", "sheet.xlsx")
    owed.ask("load", "sheet.xlsx")
    with engine.connect() as tx:
        first, last = tx.execute(text("SELECT min(decided_on), max(decided_on) FROM decisions")).one()
    period = ("--from", first, "--to", last)
    whole = owed.ask("reconcile", *period)
    (line,) = whole["departments"]
    with engine.begin() as tx:
        lost = tx.execute(text("SELECT case_no FROM pushes ORDER BY case_no LIMIT 1")).scalar_one()
        tx.execute(text("DELETE FROM pushes WHERE case_no = :lost"), {"lost": lost})
    missing = owed.ask("reconcile", *period, "--department", "zrzy", code=1)
    said = owed.run("reconcile", *period).stdout

    assert (line["department"], line["decided"], line["pushed"], line["arrived"]) == ("zrzy", 12, 12, 0)
    assert whole["differences"] == []
    assert [(one["kind"], one["case_no"]) for one in missing["differences"]] == [("not_pushed", lost)]
    assert f"zrzy {lost}" in said
    assert "有 1 处差异" in said
