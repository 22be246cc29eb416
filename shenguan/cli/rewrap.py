"""`shenguan rewrap`: what an earlier key-encryption key wrapped moves to the new one."""

from __future__ import annotations

from dataclasses import asdict

import click

from shenguan.cli.chinese_help import ChineseCommand
from shenguan.cli.screen import json_option, print_json, print_table
from shenguan.cli.transaction import ACTOR


@click.command(cls=ChineseCommand)
@json_option
@click.pass_context
def rewrap(ctx: click.Context, as_json: bool) -> None:
    """换密：文件密钥、托管密钥、连接器的秘密等改由新的加密密钥加密。可以边用边做，断了再做一次。

    先把更换前的密钥写进 SHENGUAN_KEY_ENCRYPTION_OLDER。退出码：0 全部办完；1 有打不开的。
    """
    from shenguan import wiring
    from shenguan.settings import load
    from storage.rewrap import rewrap_everything

    settings = load(wiring.NEEDS["desk"])
    engine = wiring.engine_of(settings)
    try:
        done = rewrap_everything(engine, wiring.kek_of(settings), actor=ACTOR)
    finally:
        engine.dispose()
    left = sum(one.left for one in done)
    if as_json:
        print_json([asdict(one) for one in done])
    else:
        print_table(
            "换密", ("内容", "改写", "打不开"), [(one.title, str(one.moved), str(one.left)) for one in done]
        )
        if left:
            click.echo(
                "打不开的原样留着：缺少当时的密钥（SHENGUAN_KEY_ENCRYPTION_OLDER），或内容被改动，详见日志。"
            )
    ctx.exit(1 if left else 0)
