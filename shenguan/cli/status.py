"""`shenguan status`: one look at the hub."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from shenguan.cli.chinese_help import ChineseCommand
from shenguan.cli.screen import age, json_option, print_json, print_table

if TYPE_CHECKING:
    from hub.overview import Overview
    from shenguan.status import Status

MARKS = {
    "ok": "[green]正常[/green]",
    "waiting": "[yellow]等待[/yellow]",
    "down": "[red]不通[/red]",
    "unknown": "未知",
}


@click.command(cls=ChineseCommand)
@click.option(
    "--program",
    type=click.Choice(["web", "relay", "intake", "press", "host"]),
    default=None,
    help="只看本机上的这一个程序是否活着（供容器的健康检查）。",
)
@json_option
@click.pass_context
def status(ctx: click.Context, program: str | None, as_json: bool) -> None:
    """各部件是否正常，决定、推送、发件、隔离、监管信息各有多少，每个部门最久未签收的有多久。

    退出码：0 全部正常；1 有部件不正常。
    """
    from shenguan import run_state
    from shenguan.settings import load
    from shenguan.status import gather, program_here

    settings = load(())
    if program:
        health = program_here(settings, program)
        if as_json:
            print_json({program: {"state": health.state, "detail": health.detail}})
        else:
            click.echo(f"{program} {health.state} {health.detail}".rstrip())
        ctx.exit(0 if health.state in ("ok", "waiting") else 1)
    seen = gather(settings, run_state.read(settings.data))
    if as_json:
        print_json(seen.as_dict())
    else:
        _show(seen)
    ctx.exit(0 if seen.ok else 1)


def _show(seen: Status) -> None:
    from schemas import code_table
    from shenguan.status import TITLES

    rows = [(TITLES[name], MARKS[health.state], health.detail) for name, health in seen.parts.items()]
    rows += [
        (f"连接器 {code}", MARKS[health.state], health.detail) for code, health in seen.connectors.items()
    ]
    print_table("部件", ("部件", "状态", "说明"), rows)
    if seen.overview is None:
        click.echo("数据库不通，看不到数量。用 shenguan doctor 查原因。")
        return
    _counts(seen.overview, code_table("push_state"))


def _counts(counts: Overview, states: dict[str, str]) -> None:
    pushes = "，".join(
        f"{states.get(state, state)} {count}"
        for state, count in counts.pushes.items()
        if count or state in ("owed", "signed")
    )
    oldest = f"（最久 {age(counts.outbox_oldest_seconds)}）" if counts.outbox_unpublished else ""
    rows = [
        ("审批决定", counts.decisions),
        ("推送", pushes),
        ("超时的推送", counts.overdue),
        ("更正撤回未签收", counts.unsigned_revisions),
        ("待发消息", f"{counts.outbox_unpublished}{oldest}"),
        ("搁置的办件", counts.parked_keys),
        ("隔离区", counts.quarantined),
        ("监管信息", counts.findings),
        ("未读提醒", counts.notices_unread),
        ("未封批留痕", counts.ledger_unsealed),
    ]
    print_table("数量", ("项目", "数量"), rows)
    departments = [
        (each.code, each.name, each.undelivered, age(each.oldest_undelivered_seconds))
        for each in counts.departments
    ]
    print_table("部门", ("代码", "名称", "未签收", "最久"), departments)
