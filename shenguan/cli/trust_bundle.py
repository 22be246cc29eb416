"""`shenguan trust-bundle`: what a department needs to know of the hub to join."""

from __future__ import annotations

import click

from shenguan.cli.chinese_help import ChineseCommand
from shenguan.cli.screen import json_option, print_json, print_table


@click.command("trust-bundle", cls=ChineseCommand)
@json_option
def trust_bundle(as_json: bool) -> None:
    """给出部门接入所需的全部信息：消息代理地址、区划、各部门的主题、中心的公钥。不含任何秘密。"""
    from shenguan import wiring
    from shenguan.settings import load
    from shenguan.trust_bundle import trust_bundle as gather

    settings = load(wiring.NEEDS["trust"])
    engine = wiring.engine_of(settings)
    try:
        with engine.connect() as tx:
            bundle = gather(tx, settings)
    finally:
        engine.dispose()
    if as_json:
        print_json(bundle)
        return
    click.echo(f"区划：{bundle['area']}（{bundle['area_name']}）")
    click.echo(f"消息代理：{bundle['broker']}")
    click.echo(f"文件调阅：{bundle['public_url']}/api/hub/materials/<材料编号>")
    departments = bundle["topics"]["departments"]
    rows = [(code, each["name"], each["in"], each["out"]) for code, each in departments.items()]
    print_table("主题", ("部门", "名称", "中心发给部门", "部门发给中心"), rows)
    for kid, pem in bundle["keys"].items():
        click.echo(f"中心公钥 {kid}：\n{pem}")
    click.echo("交给部门的文件：shenguan trust-bundle --json > trust-bundle.json")
