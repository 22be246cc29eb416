"""`shenguan verify ledger`: whether the ledger still is what was sealed."""

from __future__ import annotations

from dataclasses import asdict

import click

from shenguan.cli.chinese_help import ChineseGroup
from shenguan.cli.screen import json_option, print_json, progress


@click.group(cls=ChineseGroup)
def verify() -> None:
    """核验留痕账本。"""


@verify.command()
@json_option
@click.pass_context
def ledger(ctx: click.Context, as_json: bool) -> None:
    """逐批核验留痕账本：与对象存储中签名的批头对照，指出第一处被改动、删除或插入的行。

    退出码：0 完好；1 有问题或无法核验。
    """
    from hub.verify_ledger import verify as check
    from shenguan import wiring
    from shenguan.settings import load

    settings = load(wiring.NEEDS["verify"])
    heads = wiring.Heads(wiring.objects_of(settings))
    engine = wiring.engine_of(settings).execution_options(isolation_level="REPEATABLE READ")
    try:
        with engine.connect() as tx, progress("核验", total=None, unit="批") as advance:
            verdict = check(
                tx,
                heads,
                wiring.verify_heads_with(wiring.signer_of(settings)),
                on_progress=lambda done, total: advance(done / max(total, 1), done),
            )
    finally:
        engine.dispose()
    if as_json:
        print_json(asdict(verdict))
    elif verdict.ok:
        click.echo(f"账本完好：{verdict.batches} 批、{verdict.rows} 行与签名的批头一致；")
        click.echo(f"另有 {verdict.unsealed} 行尚未封批（通常是最近一秒的）。")
    else:
        click.echo(f"账本有问题：{verdict.broken}。在此之前的 {verdict.rows} 行完好。")
        click.echo("请保留现场，从备份中对照恢复，并查明谁直接改动了数据库。")
    ctx.exit(0 if verdict.ok else 1)
