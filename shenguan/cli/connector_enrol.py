"""`shenguan connector enrol` and `renew`: at the department, a key of its own, registered with the hub."""

from __future__ import annotations

from pathlib import Path

import click

from shenguan.cli.chinese_help import ChineseCommand
from shenguan.cli.screen import json_option, print_json


@click.command(cls=ChineseCommand)
@click.argument("hub", metavar="平台地址")
@click.argument("code", metavar="入网码")
@click.option(
    "--dir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    metavar="目录",
    help="密钥、证书和设置文件放在哪里，默认为当前目录。",
)
@click.option(
    "--department", default=None, metavar="代码", help="本部门代码；写了就核对入网码是不是给本部门的。"
)
@click.option("--plain", is_flag=True, help="平台地址是 http 也照办（只在可信的网络上）。")
@json_option
def enrol(hub: str, code: str, folder: Path, *, department: str | None, plain: bool, as_json: bool) -> None:
    """入网：在本机生成密钥，用一次性入网码登记，得到证书和连接器的设置文件。

    私钥只在本机（key.pem，仅本用户可读）。中途断网时，用同样的命令再做一次即可。
    """
    from connectors.department.enrol import enrol as bring

    done = bring(hub, code, folder, department=department, plain=plain)
    if as_json:
        settings = str(done.settings) if done.settings else None
        print_json(
            {"department": done.department, "kid": done.kid, "valid_to": done.valid_to, "settings": settings}
        )
        return
    click.echo(f"部门 {done.department} 的密钥 {done.kid} 已登记，有效期到 {done.valid_to}。")
    if done.settings is None:
        click.echo("入网码没有指定连接器。请向数据管理员索取连接器的设置文件。")
    else:
        click.echo(f"检查：shenguan connector check {done.settings}")
        click.echo(f"运行：shenguan connector run {done.settings}")


@click.command(cls=ChineseCommand)
@click.argument("config", type=click.Path(path_type=Path), metavar="设置文件")
@click.option("--new-key", is_flag=True, help="换一把新密钥；原密钥再有效 14 天，留在 .old 文件里。")
@json_option
def renew(config: Path, *, new_key: bool, as_json: bool) -> None:
    """续期：由现在的密钥签名，再用一年。换新密钥后请重新启动连接器。"""
    from connectors.department.config import read_config
    from connectors.department.enrol import renew as ask

    done = ask(read_config(config), new_key=new_key)
    if as_json:
        print_json({"kid": done.kid, "valid_to": done.valid_to})
    else:
        click.echo(f"密钥 {done.kid} 有效期到 {done.valid_to}。")
