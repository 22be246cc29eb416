"""`shenguan conform`: tries a department's own program against the contract. Imports nothing of the hub."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from shenguan.cli.chinese_help import ChineseGroup
from shenguan.cli.screen import json_option, print_json, print_table

if TYPE_CHECKING:
    from connectors.conform.play import Way
    from connectors.conform.workshop import Workshop


@click.group(cls=ChineseGroup)
def conform() -> None:
    """对接检验：扮演中心，检验部门自己写的程序（任何语言）是否守约，逐项说明错在哪里。"""


@conform.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="目录")
@click.option("--area", default="999999", show_default=True, metavar="区划", help="检验用的区划代码。")
@click.option("--department", default="trial", show_default=True, metavar="代码", help="部门代码。")
@click.option(
    "--public-key",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    metavar="文件",
    help="部门的公钥（PEM）。不给时另做一对密钥，私钥交给被检验的程序使用。",
)
@json_option
def prepare(folder: Path, area: str, department: str, public_key: Path | None, as_json: bool) -> None:
    """准备一次检验：做一把检验用的中心密钥和信任清单，写出被检验的程序要用的设置。"""
    from connectors.conform import workshop

    shop = workshop.prepare(folder, area, department, public_key)
    given = {
        "area": shop.area,
        "department": shop.department,
        "topic_in": shop.topic_in,
        "topic_out": shop.topic_out,
        "trust_bundle": str(folder / workshop.TRUST),
        "department_key": None if public_key else str(folder / workshop.DEPARTMENT_KEY),
    }
    if as_json:
        print_json(given)
        return
    click.echo(
        f"被检验的程序：区划 {shop.area}，部门 {shop.department}，只信任 {given['trust_bundle']} 里的密钥"
    )
    click.echo(f"  收消息的主题 {shop.topic_in}，发消息的主题 {shop.topic_out}")
    if given["department_key"]:
        click.echo(f"  签名所用的私钥 {given['department_key']}")
    click.echo(f"经消息代理：shenguan conform run {folder} --bootstrap 主机:端口")
    click.echo(f"经 REST：shenguan conform run {folder} --rest 127.0.0.1:8099")


@conform.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="目录")
@click.option(
    "--bootstrap", default=None, metavar="主机:端口", help="经消息代理检验：代理的地址，主题会自动建立。"
)
@click.option("--rest", default=None, metavar="地址:端口", help="经 REST 检验：在这个地址扮演 /api/hub/v1。")
@click.option(
    "--wait",
    default=60.0,
    show_default=True,
    type=click.FloatRange(1, 3600),
    metavar="秒",
    help="最多等多久。",
)
@click.option(
    "--ask",
    type=click.Choice(["claimed", "finding"]),
    multiple=True,
    help="另要求在程序里认领（claimed）、上报一条监管信息（finding），可写几次；办件号会提示。",
)
@json_option
@click.pass_context
def run(
    ctx: click.Context,
    folder: Path,
    bootstrap: str | None,
    rest: str | None,
    wait: float,
    ask: tuple[str, ...],
    as_json: bool,
) -> None:
    """检验正在运行的程序：送出公布的样例和各种坏消息，核对回来的每一条。

    退出码：0 全部守约；1 有不守约之处。
    """
    from connectors.conform import workshop
    from connectors.conform.play import play

    if bool(bootstrap) == bool(rest):
        raise click.UsageError("请在 --bootstrap（经消息代理）和 --rest（经 REST）中选一个。")
    shop = workshop.read(folder)
    way = _way(shop, bootstrap, rest)
    try:
        lines = play(shop, way, wait_s=wait, tell=lambda words: click.echo(words, err=True), asked=ask)
    finally:
        way.close()
    wrong = [one for one in lines if not one.ok]
    if as_json:
        said = [{"name": one.name, "title": one.title, "ok": one.ok, "words": one.words} for one in lines]
        print_json({"ok": not wrong, "wrong": len(wrong), "lines": said})
    else:
        rows = [("✓" if one.ok else "✗", one.title, one.words) for one in lines]
        print_table("对接检验", ("", "要求", "看到的"), rows)
        click.echo(f"{len(wrong)} 处不守约。" if wrong else "全部守约。")
    ctx.exit(1 if wrong else 0)


def _way(shop: Workshop, bootstrap: str | None, rest: str | None) -> Way:
    if bootstrap:
        from connectors.bus import BusSettings
        from connectors.conform.broker_way import BrokerWay

        return BrokerWay(shop, BusSettings(bootstrap, fetch_max_wait_ms=50))
    from connectors.conform.rest_way import PREFIX, RestWay

    door = RestWay(shop, rest or "")
    click.echo(f"正在 {door.address}{PREFIX} 扮演中心，请让被检验的程序连接这里。", err=True)
    return door
