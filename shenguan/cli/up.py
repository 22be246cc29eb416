"""`shenguan up` and `shenguan down`: the whole hub on this machine, with embedded parts and the demo area."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shenguan.cli.chinese_help import ChineseCommand
from shenguan.cli.screen import console, json_option, print_json

if TYPE_CHECKING:
    from shenguan.keeper import Program
    from shenguan.settings import Settings
    from shenguan.supervisor import Report


@click.command(cls=ChineseCommand)
def up() -> None:
    """启动全部并守着：内置的数据库、对象存储、消息代理，网页、中继、接收、制证，二十个演示部门。

    第一次启动会建立数据目录、密钥和演示数据；以后找回原来的数据。按 Ctrl-C 停止全部。
    """
    from shenguan import room
    from shenguan.demo import AREA
    from shenguan.supervisor import Plan, Step
    from shenguan.supervisor import up as supervise

    os.environ["SHENGUAN_MODE"] = "embedded"
    if warning := room.look(data_folder()):
        click.echo(warning, err=True)
    plan = Plan(
        steps=(Step("数据库表与账号", _migrate), Step("演示数据", _demo)),
        programs=_programs,
        banner=_banner,
        area=AREA,
    )
    supervise(data_folder(), plan)


@click.command(cls=ChineseCommand)
@json_option
def down(as_json: bool) -> None:
    """停止由 shenguan up 启动的全部程序，等到都停下为止。"""
    from shenguan.supervisor import down as stop

    stopped = stop(data_folder())
    if as_json:
        print_json({"stopped": stopped})
    else:
        click.echo("已全部停止。" if stopped else "没有在运行。")


def data_folder() -> Path:
    """The data directory, as every command sees it."""
    return Path(os.environ.get("SHENGUAN_DATA") or ".shenguan").absolute()


def _migrate(settings: Settings, report: Report) -> None:
    from shenguan.migrate import migrate

    done = 0

    def said(words: str) -> None:
        nonlocal done
        del words
        report(done, 3)
        done += 1

    migrate(settings, said)


def _demo(settings: Settings, report: Report) -> None:
    from shenguan import demo_departments, wiring
    from shenguan.migrate import demo_area
    from shenguan.secrets_folder import SecretsFolder
    from shenguan.trust_bundle import trust_bundle

    report(0, 2)
    keys = demo_departments.ensure_keys(settings.data)
    demo_area(settings, keys, SecretsFolder(settings.data).demo_passwords())
    report(1, 2)
    engine = wiring.engine_of(settings)
    try:
        with engine.connect() as tx:
            demo_departments.write_settings(settings.data, settings, trust_bundle(tx, settings))
    finally:
        engine.dispose()


def _programs(settings: Settings) -> list[Program]:
    from shenguan.demo_departments import CONFIG_FILE, OWN_PROGRAMS, folder_of
    from shenguan.keeper import Program
    from shenguan.probes import web_answers

    connectors = [
        Program.of_ours(
            f"connector-{department.code}",
            "connector",
            "run",
            str(folder_of(settings.data, department.code) / CONFIG_FILE),
            title=f"连接器 {department.name}",
        )
        for department in OWN_PROGRAMS
    ]
    return [
        Program.of_ours("web", "web", title="网页", ready=lambda: web_answers(settings.public_url)),
        Program.of_ours("relay", "relay", title="中继"),
        Program.of_ours("intake", "intake", title="接收"),
        Program.of_ours("press", "licence", "press", title="制证"),
        Program.of_ours("host", "connector", "host", title="连接器主机"),
        *connectors,
    ]


def _own_command() -> str:
    """How this command line was called, as it can be typed again."""
    called = Path(sys.argv[0])
    if called.name != "shenguan":
        return "shenguan"
    try:
        return str(called.absolute().relative_to(Path.cwd()))
    except ValueError:
        return "shenguan"


def _banner(settings: Settings) -> None:
    from shenguan.demo_departments import CONFIG_FILE, folder_of
    from shenguan.migrate import DEMO_NAMES
    from shenguan.secrets_folder import SecretsFolder

    def shown(path: Path) -> str:
        try:
            return str(path.relative_to(Path.cwd()))
        except ValueError:
            return str(path)

    out = console()
    passwords = SecretsFolder(settings.data).demo_passwords()
    scjg, zhzf = (folder_of(settings.data, code) for code in ("scjg", "zhzf"))
    out.print(f"\n[bold]审管通已启动：{settings.public_url}[/bold]（{settings.area_name}，演示数据）\n")
    out.print("登录（口令存于 " + shown(settings.data / "secrets") + "）：")
    for name, word in passwords.items():
        out.print(f"  {name:<11} {word}   {DEMO_NAMES[name]}")
    command = _own_command()
    out.print(
        "\n在浏览器里试一试：用 data_admin 登录，照首页“从这里开始”，下载示例、导入，看各部门一格一格签收。"
    )
    out.print("或者另开一个终端：")
    for line in (
        f"{command} sample --rows 1000 --out sheet.xlsx    # 生成一份合成的双公示表",
        f"{command} load sheet.xlsx                        # 导入：1000 个决定，每个推送到四至七个部门",
        f"{command} status                                 # 看各部门的签收进度",
    ):
        out.print(f"  {line}", markup=False)
    out.print("部门自己的库和文件夹里收到的：")
    hosted = settings.connector_folder_here
    out.print(f"  {shown(scjg / 'scjg.sqlite')}（市场监管局，数据表 shenguan_inbox）", markup=False)
    out.print(f"  {shown(zhzf / 'inbox')}/（综合执法局，每个推送包一个 JSON 文件）", markup=False)
    out.print(
        f"  {shown(hosted)}/*-demo/（中心代连的十六个部门：SQLite、CSV、Excel、JSON、XML）", markup=False
    )
    out.print("部门报一条监管信息（不符合、移交执法），证照随即冻结，窗口人员的页面立即提醒：")
    draft = f"{command} connector draft-finding {shown(zhzf / CONFIG_FILE)}"
    out.print(f"  {draft} > {shown(zhzf / 'outbox' / 'finding-1.json')}", markup=False)
    out.print("\n按 Ctrl-C 停止全部。\n")
