"""`shenguan connector`: the program that runs at a department. Imports nothing of the hub."""

from __future__ import annotations

from pathlib import Path

import click

from shenguan.cli import connector_enrol, connector_host, connector_hub
from shenguan.cli.chinese_help import ChineseGroup
from shenguan.cli.screen import json_option, print_json


@click.group(cls=ChineseGroup)
def connector() -> None:
    """部门连接器：在部门一侧运行，只需部门自己的密钥和设置文件；标有（中心）的在中心执行。"""


for _command in (connector_enrol.enrol, connector_enrol.renew, connector_host.host, *connector_hub.COMMANDS):
    connector.add_command(_command)


@connector.command()
@click.argument("config", type=click.Path(path_type=Path), metavar="设置文件")
def run(config: Path) -> None:
    """运行连接器：收推送包、核验、交给本部门系统、回执；把本部门的监管信息签名发回。"""
    from connectors.department.program import run as serve
    from shenguan import logs
    from shenguan.cli.stopping import until_told

    logs.to_standard_error()
    serve(config, until_told())


@connector.command()
@click.argument("config", type=click.Path(path_type=Path), metavar="设置文件")
@json_option
@click.pass_context
def check(ctx: click.Context, config: Path, as_json: bool) -> None:
    """检查设置文件，列出每一处错误。不连接任何地方。"""
    from connectors.department.config import validate_config

    faults = validate_config(config)
    if as_json:
        print_json({"ok": not faults, "faults": faults})
    elif faults:
        for fault in faults:
            click.echo(f"· {fault}")
    else:
        click.echo(f"{config} 没有问题。运行：shenguan connector run {config}")
    ctx.exit(1 if faults else 0)


@connector.command()
@click.argument("config", type=click.Path(path_type=Path), metavar="设置文件")
@json_option
@click.pass_context
def health(ctx: click.Context, config: Path, as_json: bool) -> None:
    """正在运行的连接器怎么样：在收发、在等什么，收到多少、隔离多少。

    退出码：0 在运行或在等待；1 没有运行。
    """
    from connectors.department.config import read_config
    from connectors.department.program import HEALTH_FILE, read_health

    said = read_health(read_config(config).state_dir / HEALTH_FILE) or {"state": "stopped"}
    if as_json:
        print_json(said)
    else:
        waiting = f"（等待：{said['waiting_for']}）" if said.get("waiting_for") else ""
        click.echo(f"{said['state']}{waiting}")
        names = (
            "received",
            "licence_changes",
            "told",
            "unreceipted",
            "quarantined",
            "returned_problems",
            "files_wanted",
        )
        for name in names:
            if name in said:
                click.echo(f"  {name:<18} {said[name]}")
    ctx.exit(0 if said["state"] in ("running", "waiting") else 1)


@connector.command()
@click.argument("config", type=click.Path(path_type=Path), metavar="设置文件")
@click.option(
    "--since",
    default=None,
    metavar="时间",
    help="只补发此时以后发过的（如 2026-11-22 或 RFC 3339）；默认全部。",
)
@json_option
def resend(config: Path, since: str | None, as_json: bool) -> None:
    """补发本部门说过的监管信息、认领和退回：消息代理被清空而中心没有来得及接收时用。

    原样补发签过名的字节，中心按编号去重，已接收的不会重复生效。正在运行的连接器几秒内发出。
    """
    from contextlib import closing
    from datetime import datetime

    from connectors.department.config import read_config
    from connectors.department.events import instant
    from connectors.department.program import STATE_FILE
    from connectors.department.state import State
    from shenguan.cli.screen import LOCAL

    try:
        moment = datetime.fromisoformat(since) if since else None
    except ValueError:
        raise click.UsageError(f"“{since}”不是时间，应如 2026-11-22 或 2026-11-22T08:00:00+08:00。") from None
    start = instant(moment if moment.tzinfo else moment.replace(tzinfo=LOCAL)) if moment else None
    with closing(State(read_config(config).state_dir / STATE_FILE)) as state:
        count = state.say_again(start)
    if as_json:
        print_json({"resent": count})
    else:
        click.echo(f"将补发 {count} 条，连接器运行时几秒内发出。")


@connector.command("draft-finding")
@click.argument("config", type=click.Path(path_type=Path), metavar="设置文件")
@click.option(
    "--case", "case_no", default=None, metavar="办件编号", help="默认为最近收到、证照还有效的推送包。"
)
def draft_finding(config: Path, case_no: str | None) -> None:
    """写一份监管信息的样子（不符合、移交执法），改好后放进 outbox 文件夹即发出。"""
    import json
    import sqlite3
    from contextlib import closing
    from datetime import datetime

    from connectors.department.config import read_config
    from connectors.department.program import STATE_FILE
    from shenguan.cli.screen import LOCAL

    settings = read_config(config)
    state = settings.state_dir / STATE_FILE
    if not state.exists():
        raise click.UsageError("连接器还没有运行过，没有收到推送包。")
    with closing(sqlite3.connect(f"file:{state}?mode=ro", uri=True)) as db:
        rows = db.execute(
            # Beside packages it has heard what became of licences: of those cases something was said already.
            "SELECT case_no, push_id FROM received WHERE push_id <> '' AND (case_no = ?1 OR ?1 IS NULL"
            " AND case_no NOT IN (SELECT case_no FROM received WHERE push_id = ''))"
            " ORDER BY received_at DESC, rowid DESC LIMIT 200",
            (case_no,),
        ).fetchall()
    row = next((one for one in rows if _in_force(settings.folder, one[0])), rows[0] if rows else None)
    if row is None:
        raise click.UsageError(f"没有收到过{f'办件 {case_no} 的' if case_no else ''}推送包。")
    now = datetime.now(LOCAL)
    finding = {
        "finding_no": f"{settings.code.upper()}-{now:%Y%m%d-%H%M%S}",
        "project_no": row[0],
        "push_id": row[1],
        "inspected_at": now.isoformat(timespec="seconds"),
        "inspectors": [{"name": "示例检查员", "certificate_no": f"{settings.area}-001"}],
        "check_result": "不符合",
        "handling": "移交执法",
        "explain": "示例：现场检查发现实际情况与许可条件不符。",
    }
    click.echo(json.dumps(finding, ensure_ascii=False, indent=2))


def _in_force(folder: Path, case_no: str) -> bool:
    """Whether a package that lies in the inbox is of a licence that can still be suspended."""
    import json
    from datetime import datetime

    from shenguan.cli.screen import LOCAL

    for file in (folder / "inbox").glob(f"{case_no}__*.json"):
        package = json.loads(file.read_bytes())
        licence = package.get("data", package).get("licence") or {}
        until = str(licence.get("certificateValidateEnd") or "9999-12-31")
        return bool(licence) and until >= datetime.now(LOCAL).date().isoformat()
    return False
