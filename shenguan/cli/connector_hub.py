"""`shenguan connector list|export|import|pause|resume`: a hub's connectors, on the hub's machine."""

from __future__ import annotations

from pathlib import Path

import click

from shenguan.cli.chinese_help import ChineseCommand
from shenguan.cli.screen import json_option, print_json, print_table
from shenguan.cli.transaction import ACTOR, transaction


@click.command("list", cls=ChineseCommand)
@json_option
def list_connectors(as_json: bool) -> None:
    """（中心）列出部门连接器：状态、版本、运行地点、积压。"""
    from sqlalchemy import select

    from hub.connecting.connector import Connector, ConnectorHealth
    from hub.connecting.turn_connector import STATE_NAMES

    with transaction() as tx:
        query = (
            select(
                Connector.code,
                Connector.department,
                Connector.title,
                Connector.state,
                Connector.version,
                Connector.runs_at,
                ConnectorHealth.waiting,
                ConnectorHealth.oldest_waiting_at,
                ConnectorHealth.beat_at,
            )
            .outerjoin(ConnectorHealth, ConnectorHealth.connector == Connector.code)
            .order_by(Connector.code)
        )
        found = [dict(row) for row in tx.execute(query).mappings()]
    if as_json:
        print_json(found)
        return
    where = {"host": "中心", "department": "部门"}
    rows = [
        (
            one["code"],
            one["department"],
            one["title"],
            STATE_NAMES[one["state"]],
            str(one["version"] or ""),
            where[one["runs_at"]],
            str(one["waiting"] or 0),
        )
        for one in found
    ]
    print_table("部门连接器", ("代码", "部门", "名称", "状态", "版本", "运行地点", "积压"), rows)


@click.command("export", cls=ChineseCommand)
@click.argument("code", metavar="代码")
@click.option("--version", type=int, default=None, metavar="版本", help="默认为最新的一版，草稿也算。")
def export(code: str, version: int | None) -> None:
    """（中心）把一版连接器写成一个 TOML 文件（标准输出）；不含口令等秘密。"""
    from sqlalchemy import func, select

    from hub.connecting.connector import ConnectorVersion
    from hub.connecting.move_document import export_document

    with transaction() as tx:
        newest = select(func.max(ConnectorVersion.version)).where(ConnectorVersion.connector == code)
        click.echo(export_document(tx, code, version or tx.scalar(newest) or 1), nl=False)


@click.command("import", cls=ChineseCommand)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="文件")
@click.option("--code", default=None, metavar="代码", help="用另一个连接器代码。")
@click.option("--department", default=None, metavar="部门", help="用于另一个部门。")
@click.option("--replace", is_flag=True, help="已有草稿时替换它。")
@json_option
def import_(file: Path, *, code: str | None, department: str | None, replace: bool, as_json: bool) -> None:
    """（中心）读入一个连接器文件，成为草稿；在网页上看过、填好秘密后发布。"""
    from hub.connecting.held import draft_of
    from hub.connecting.keep_secrets import missing_secrets
    from hub.connecting.move_document import import_document
    from shenguan import wiring
    from shenguan.settings import load

    desk = wiring.desk_of(load(wiring.NEEDS["desk"]))
    text = file.read_text("utf-8-sig")
    with transaction() as tx:
        made = import_document(tx, desk, text, actor=ACTOR, code=code, department=department, replace=replace)
        draft = draft_of(tx, made)
        missing = missing_secrets(tx, made, draft.document) if draft is not None else []
    if as_json:
        print_json({"code": made, "missing_secrets": [list(one) for one in missing]})
        return
    click.echo(f"已读入连接器 {made}，成为草稿。")
    for endpoint, name in missing:
        click.echo(f"还要填写秘密：{endpoint} 的 {name}")


@click.command(cls=ChineseCommand)
@click.argument("code", metavar="代码")
@click.option("--reason", required=True, metavar="理由", help="记入留痕账本。")
def pause(code: str, reason: str) -> None:
    """（中心）暂停：不再送出和采集，来的都等着，恢复后继续。"""
    from hub.connecting.turn_connector import pause as do
    from shenguan import wiring
    from shenguan.settings import load

    desk = wiring.desk_of(load(wiring.NEEDS["desk"]))
    with transaction() as tx:
        do(tx, desk, code, reason=reason, actor=ACTOR)
    click.echo(f"连接器 {code} 已暂停。恢复：shenguan connector resume {code}")


@click.command(cls=ChineseCommand)
@click.argument("code", metavar="代码")
def resume(code: str) -> None:
    """（中心）恢复：从停下的地方继续。"""
    from hub.connecting.turn_connector import resume as do
    from shenguan import wiring
    from shenguan.settings import load

    desk = wiring.desk_of(load(wiring.NEEDS["desk"]))
    with transaction() as tx:
        do(tx, desk, code, actor=ACTOR)
    click.echo(f"连接器 {code} 已恢复。")


COMMANDS = (list_connectors, export, import_, pause, resume)
