"""`shenguan connector host`: runs the connectors of the departments that run nothing themselves."""

from __future__ import annotations

import click


@click.command()
def host() -> None:
    """（中心）运行连接器主机：替各部门收发，随管理网页中的改动而变，不用重启。可同时运行几个，分担工作。"""
    from connectors.host.program import run
    from shenguan import logs, wiring
    from shenguan.cli.stopping import until_told
    from shenguan.settings import load

    settings = load(wiring.NEEDS["host"])
    logs.to_standard_error()
    run(wiring.host_config_of(settings), until_told())
