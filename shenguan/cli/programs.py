"""`shenguan migrate`, `web`, `relay`, `intake`: the hub's programs, each run until it is told to stop."""

from __future__ import annotations

import click

from shenguan.cli.chinese_help import ChineseCommand
from shenguan.cli.screen import json_option, print_json
from shenguan.cli.stopping import until_told


@click.command(cls=ChineseCommand)
@json_option
def migrate(as_json: bool) -> None:
    """建立或升级数据库表、工作日历、账号角色和对象存储桶。可以反复执行。"""
    from shenguan import wiring
    from shenguan.migrate import migrate as run
    from shenguan.settings import load

    settings = load(wiring.NEEDS["migrate"])
    run(settings, lambda words: click.echo(f"{words}……", err=True))
    if as_json:
        print_json({"ok": True})
    else:
        click.echo("已是最新。")


@click.command(cls=ChineseCommand)
def web() -> None:
    """运行管理网页，直到收到停止信号。"""
    from admin.serve import serve
    from shenguan import logs, wiring
    from shenguan.settings import load

    settings = load(wiring.NEEDS["web"])
    logs.to_standard_error()
    serve(wiring.admin_config_of(settings), host=settings.web_host, port=settings.web_port)


@click.command(cls=ChineseCommand)
def relay() -> None:
    """运行中继：把发件箱的消息送到消息代理，并给留痕账本封批。可同时运行几个。"""
    from connectors.relay.program import RelayConfig, run
    from shenguan import logs, wiring
    from shenguan.settings import load

    settings = load(wiring.NEEDS["relay"])
    logs.to_standard_error()
    config = RelayConfig(
        database_url=settings.database_url,
        bus=wiring.bus_of(settings),
        area=settings.area,
        clock=wiring.now,
        heads=wiring.Heads(wiring.objects_of(settings)),
        signer=wiring.signer_of(settings),
        intake=wiring.intake_of(settings),
        desk=wiring.desk_of(settings),
    )
    run(config, until_told())


@click.command(cls=ChineseCommand)
def intake() -> None:
    """运行接收：核验部门发来的消息，把回执和监管信息办进中心。可同时运行几个。"""
    from connectors.intake.program import IntakeConfig, run
    from shenguan import logs, wiring
    from shenguan.settings import load

    settings = load(wiring.NEEDS["intake"])
    logs.to_standard_error()
    config = IntakeConfig(
        database_url=settings.database_url, bus=wiring.bus_of(settings), desk=wiring.desk_of(settings)
    )
    run(config, until_told())
