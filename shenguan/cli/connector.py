"""`shenguan connector`: the program that runs at a department. Imports nothing of the hub."""

from __future__ import annotations

from pathlib import Path

import click

from shenguan.cli.chinese_help import ChineseGroup
from shenguan.cli.screen import json_option, print_json


@click.group(cls=ChineseGroup)
def connector() -> None:
    """部门连接器：在部门一侧运行，只需部门自己的密钥和设置文件。"""


@connector.command()
@click.argument("config", type=click.Path(path_type=Path), metavar="设置文件")
def run(config: Path) -> None:
    """运行连接器：收推送包、核验、交给本部门系统、回执；把本部门的监管结果签名发回。"""
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
