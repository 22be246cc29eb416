"""`shenguan load`: exact answers, exit codes, and a result sheet that a clerk can work from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, text

from hub.case import Decision
from hub.exchange.outbox import OutboxRow
from hub.pushing.rules.add_rule import add_rule
from storage.signing import generate_private_key, public_pem
from storage.spreadsheet import read_rows
from tests.front_door import HubShell


def _count(engine: Engine, model: Any) -> int:
    with engine.connect() as tx:
        return int(tx.execute(select(func.count()).select_from(model)).scalar_one())


@pytest.fixture
def owed(hub: HubShell, engine: Engine, tmp_path: Path) -> HubShell:
    """A hub where one department is owed everything."""
    (tmp_path / "public.pem").write_text(public_pem(generate_private_key()))
    hub.ask(
        "department", "add", "zrzy", "示范县自然资源局", "--role", "supervising", "--public-key", "public.pem"
    )
    with engine.begin() as tx:
        add_rule(tx, "全部", {"zrzy": 3}, actor="user:test")
    return hub


def test_good_rows_in_bad_rows_out(owed: HubShell, engine: Engine) -> None:
    """Exit 3, the exact JSON, the refused rows as they were in a result sheet; a second load changes nothing."""
    owed.run("sample", "--rows", 60, "--bad", 12, "--out", "sheet.xlsx")
    answer = owed.ask("load", "sheet.xlsx", code=3)
    assert set(answer) == {"accepted", "unchanged", "refused"}
    assert (answer["accepted"], answer["unchanged"]) == (48, 0)
    assert len({refusal["row"] for refusal in answer["refused"]}) == 12
    for refusal in answer["refused"]:
        assert set(refusal) == {"row", "column", "cause", "expected"}
        assert isinstance(refusal["row"], int)
        assert all(refusal[name] for name in ("column", "cause", "expected"))
    assert _count(engine, Decision) == _count(engine, OutboxRow) == 48
    _check_result_sheet(owed.folder, answer["refused"])
    again = owed.ask("load", "sheet.xlsx", code=3)
    assert (again["accepted"], again["unchanged"]) == (0, 48)
    assert again["refused"] == answer["refused"]
    assert _count(engine, OutboxRow) == 48


def _check_result_sheet(folder: Path, refused: list[dict[str, Any]]) -> None:
    with read_rows(folder / "sheet.xlsx.结果.xlsx") as rows:
        (_, header), *listed = list(rows)
    with read_rows(folder / "sheet.xlsx") as rows:
        original = dict(rows)
    assert header[:4] == ["行号", "列", "原因", "应为"]
    assert header[4:] == original[1]
    told = [dict(zip(("row", "column", "cause", "expected"), cells[:4], strict=True)) for _, cells in listed]
    assert told == [{**refusal, "row": str(refusal["row"])} for refusal in refused]
    for _, cells in listed:
        kept = original[int(cells[0])]
        assert cells[4:] == kept[: len(cells[4:])]


def test_all_good_ends_with_zero(owed: HubShell) -> None:
    """A clean GB18030 sheet ends with 0 and leaves no result sheet; the readable answer says how many."""
    owed.run("sample", "--rows", 20, "--out", "sheet.csv", "--encoding", "gb18030")
    done = owed.run("load", "sheet.csv")
    assert done.returncode == 0, done.stderr
    assert "接收 20 行，未变 0 行，退回 0 行" in done.stdout
    assert not list(owed.folder.glob("*.结果.xlsx"))


def test_old_sheets_take_defaults(owed: HubShell, engine: Engine) -> None:
    """The 2015 sheet has no authority code: what is said on the command line is used for all rows."""
    owed.run("sample", "--rows", 10, "--out", "old.csv", "--generation", "2015")
    answer = owed.ask(
        "load", "old.csv", "--source-name", "示范县行政审批服务局", "--source-code", "11370100MB00000194"
    )
    assert answer["accepted"] == 10


def test_nobody_owed_is_said(hub: HubShell) -> None:
    """Without push rules rows go in, and the answer warns that nobody is told."""
    hub.run("sample", "--rows", 5, "--out", "sheet.csv")
    done = hub.run("load", "sheet.csv")
    assert done.returncode == 0
    assert "没有推送规则" in done.stdout


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("missing.xlsx", None, "无法打开文件"),
        ("empty.csv", b"", "文件是空的"),
        ("page.xls", b"<html><table></table></html>", "另存为 .xlsx"),
        ("other.csv", "甲,乙\n1,2\n".encode(), "表头"),
    ],
)
def test_unreadable_files_end_with_two(hub: HubShell, name: str, content: bytes | None, words: str) -> None:
    """A file that cannot be read as such a sheet ends with 2 and a sentence, in JSON too."""
    if content is not None:
        (hub.folder / name).write_bytes(content)
    done = hub.run("load", name, "--json")
    assert done.returncode == 2, (done.stdout, done.stderr)
    answer = json.loads(done.stdout)
    assert set(answer) == {"error"}
    assert words in answer["error"]
    assert "Traceback" not in done.stderr


def test_unreachable_hub_ends_with_one(hub: HubShell) -> None:
    """No database: exit 1 and a sentence, in seconds; nothing is half done."""
    hub.run("sample", "--rows", 5, "--out", "sheet.csv")
    away = {"SHENGUAN_DATABASE_URL": "postgresql+psycopg://shenguan:a-long-password@127.0.0.1:1/nowhere"}
    done = hub.run("load", "sheet.csv", "--json", env=away, timeout=100)
    assert done.returncode == 1
    assert "数据库连接不上" in json.loads(done.stdout)["error"]


def test_unmigrated_database_is_named(hub: HubShell, empty_database_url: str) -> None:
    """An empty database: the sentence says which command to run."""
    hub.run("sample", "--rows", 5, "--out", "sheet.csv")
    done = hub.run("load", "sheet.csv", env={"SHENGUAN_DATABASE_URL": empty_database_url})
    assert done.returncode == 1
    assert "shenguan migrate" in done.stderr


def test_formulas_in_refused_rows_stay_text(owed: HubShell, engine: Engine) -> None:
    """A cell that looks like a formula is text in the result sheet, so opening it runs nothing."""
    owed.run("sample", "--rows", 3, "--out", "sheet.csv")
    lines = (owed.folder / "sheet.csv").read_text("utf-8-sig").splitlines()
    first = lines[1].split(",")
    first[0] = "=cmd|'/c calc'!A1"
    first[lines[0].split(",").index("许可决定日期")] = "昨天"
    (owed.folder / "sheet.csv").write_text("\n".join([lines[0], ",".join(first), *lines[2:]]), "utf-8")
    owed.ask("load", "sheet.csv", code=3)
    import zipfile

    sheet = zipfile.ZipFile(owed.folder / "sheet.csv.结果.xlsx").read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert "calc" in sheet
    with engine.connect() as tx:
        assert tx.execute(text("SELECT count(*) FROM decisions")).scalar_one() == 2
