"""`shenguan doctor`: every part examined, with what to do about what is wrong."""

from __future__ import annotations

import click

from shenguan.cli.chinese_help import ChineseCommand
from shenguan.cli.screen import console, json_option, print_json

MARKS = {
    "ok": "[green]✓[/green]",
    "warn": "[yellow]![/yellow]",
    "fail": "[red]✗[/red]",
    "unchecked": "[dim]-[/dim]",
}


@click.command(cls=ChineseCommand)
@json_option
def doctor(as_json: bool) -> None:
    """逐项检查本机、设置、各部件和数据，对每个问题说明该怎么办。不改动任何东西。

    退出码：0 没有故障（可能有提醒）；1 有故障。
    """
    from rich.markup import escape

    from shenguan import run_state
    from shenguan.doctor import examine
    from shenguan.doctor_finding import Finding
    from shenguan.settings import load

    screen = console()

    def told(finding: Finding) -> None:
        if as_json:
            return
        screen.print(f"{MARKS[finding.state]} {finding.title}：{escape(finding.found)}")
        if finding.advice and finding.state in ("warn", "fail"):
            screen.print(f"    → {escape(finding.advice)}")

    settings = load(())
    diagnosis = examine(settings, run_state.read(settings.data), told)
    if as_json:
        print_json(diagnosis.as_dict())
    else:
        faults = sum(finding.state == "fail" for finding in diagnosis.findings)
        notes = sum(finding.state == "warn" for finding in diagnosis.findings)
        screen.print(f"\n{len(diagnosis.findings)} 项检查：{faults} 处故障，{notes} 处提醒。")
    click.get_current_context().exit(0 if diagnosis.ok else 1)
