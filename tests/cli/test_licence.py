"""`shenguan licence`: a sheet becomes a batch, the press works it, a person moves it; exact answers and exit codes."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from storage.licences.demo_credentials import make_demo_credentials
from tests.connectors.waiting import until
from tests.front_door import HubShell
from tests.hub.licence_builders import OFFICE, TYPE, a_shop, a_type, the_office
from tests.hub.licence_sheets import citizen, foreign


def settled(hub: HubShell, batch: str, seconds: float = 60.0) -> dict[str, object]:
    """Wait until a batch is done."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        (found,) = [one for one in hub.ask("licence", "batch", "list") if one["id"] == batch]
        if found["state"] == "done":
            return dict(found)
        time.sleep(0.3)
    raise AssertionError(found)


def test_a_sheet_is_read_started_worked_and_told(hub: HubShell, engine: Engine, tmp_path: Path) -> None:
    """Registered by the running press, woken by the start; the second time everything is unchanged."""
    rows = [foreign(number) for number in range(3)] + [foreign(9, status="88")]
    (tmp_path / "x.json").write_text(json.dumps(rows, ensure_ascii=False))
    told = hub.run("licence", "import", "x.json")
    assert told.returncode == 3
    assert "第 5 行 证照状态（status）：“88”不是证照状态" in told.stdout
    assert citizen(9) not in told.stdout
    answer = hub.ask("licence", "import", "x.json", code=3)
    batch = str(answer.pop("batch"))
    assert answer == {"waiting": 3, "issued": 0, "unchanged": 0, "refused": 1}
    with hub.program("licence", "press", "--processes", "1"):
        hub.ask("licence", "batch", "start", batch)
        found = settled(hub, batch)
        assert (found["issued"], found["refused"]) == (3, 1)
        again = hub.ask("licence", "import", "x.json", "--start", code=3)
        assert settled(hub, again["batch"])["unchanged"] == 3
        seen = json.loads(hub.run("status", "--json").stdout)
        assert seen["parts"]["press"]["state"] == "ok"
    assert hub.run("licence", "batch", "pause", batch).returncode == 1
    with engine.connect() as tx:
        assert tx.scalar(text("SELECT count(*) FROM licences WHERE origin = 'imported'")) == 3


def test_the_press_issues_in_two_processes(hub: HubShell, engine: Engine, tmp_path: Path) -> None:
    """Two processes of one program make signed licences; told to stop, nothing of it is left."""
    with engine.begin() as tx:
        the_office(tx)
        a_type(tx)
    make_demo_credentials(Path(hub.env["SHENGUAN_DATA"]) / "licence-signing")
    lines = ["持证主体,持证主体代码,经营场所"]
    lines += [f"{one.name},{one.code},示范县人民路" for one in (a_shop(n) for n in range(20))]
    (tmp_path / "名单.csv").write_text("\n".join(lines), encoding="gb18030")
    with hub.program("licence", "press", "--processes", "2") as press:
        batch = hub.ask(
            "licence", "import", "名单.csv", "--issue", "--type", TYPE, "--department", OFFICE, "--start"
        )["batch"]
        assert settled(hub, batch)["issued"] == 20
        children = children_of(press.pid)
        assert len(children) >= 2
    until(lambda: not [pid for pid in children if Path(f"/proc/{pid}").exists()])
    with engine.connect() as tx:
        assert tx.scalar(text("SELECT count(*) FROM licence_documents WHERE level = 'B-B'")) == 20
        workers = tx.scalar(text("SELECT count(DISTINCT instance) FROM programs WHERE name = 'press'"))
    assert workers == 2


def children_of(pid: int) -> list[int]:
    """Processes whose parent it is."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = Path(f"/proc/{entry}/stat").read_text()
            except OSError:
                continue
            if int(stat.rpartition(")")[2].split()[1]) == pid:
                found.append(int(entry))
    return found


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("licence", "import", "nowhere.xlsx"), 2, "无法打开文件"),
        (("licence", "import", "x.txt"), 2, "没有找到表头"),
        (("licence", "import", "x.txt", "--issue"), 2, "请选择要制发的证照类型"),
        (("licence", "import", "x.txt", "--department", "nobody"), 1, "没有代码为 nobody"),
        (("licence", "batch", "start", "00000000-0000-0000-0000-000000000000"), 1, "没有这个批次"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    hub: HubShell, tmp_path: Path, arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    """On standard error, with the exit code that every command has."""
    (tmp_path / "x.txt").write_text("a,b\n1,2\n")
    told = hub.run(*arguments)
    assert told.returncode == code, told.stderr
    assert sentence in told.stderr
    assert "Traceback" not in told.stderr
